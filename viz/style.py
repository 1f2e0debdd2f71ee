"""Style of all Matplotlib figures: size of letters, colours, saving."""

import os
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import check_writable, replacing
from viz.picture import THEMES, Theme

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8b8b8b")
"""Colours of curves for any colour vision (Okabe and Ito, 2008), and a grey."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "h")
FORMATS = (".png", ".pdf", ".svg")
"""Suffixes of figures; the last two are vector graphics."""
_METADATA: Mapping[str, dict[str, None]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
}
"""So that the same figure gives the same file."""


def new_figure(
    width: float, height: float, theme: Theme = THEMES["light"], dpi: int = 150
) -> Figure:
    """Return an empty figure, size in inches."""
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    figure.set_facecolor(theme.background)
    return figure


def tidy(axes: Axes, theme: Theme = THEMES["light"]) -> None:
    """Give axes a faint grid behind the data, and the colours of the theme."""
    axes.set_facecolor(theme.background)
    axes.grid(color=theme.ghost, alpha=0.5, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.text, which="both")
    axes.title.set_color(theme.text)
    axes.xaxis.label.set_color(theme.text)
    axes.yaxis.label.set_color(theme.text)
    for spine in axes.spines.values():
        spine.set_color(theme.edges)


def check_figure_path(path: str | os.PathLike[str]) -> Path:
    """Refuse a figure file that cannot be written, before anything is computed.

    Raises:
        LatticeGnnError: If the suffix is not one of ``FORMATS``, or the folder is not writable.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise LatticeGnnError(
            f"{target}: figures are written as {', '.join(FORMATS)}, got the ending "
            f"{target.suffix or '(none)'!r}; choose one of these."
        )
    check_writable(target)
    return target


def save_figure(
    figure: Figure, path: str | os.PathLike[str], size: tuple[int, int] | None = None
) -> Path:
    """Write a figure atomically; the suffix determines the format.

    Args:
        figure: The figure.
        path: The file.
        size: Width and height in pixels; letters and lines grow with the width. A vector graphic
            keeps its width, so that only the ratio of the two numbers matters.

    Raises:
        LatticeGnnError: If it cannot be written; an existing file is left unchanged.
    """
    target = check_figure_path(path)
    if size is not None:
        figure.set_dpi(size[0] / figure.get_figwidth())
        figure.set_figheight(size[1] / figure.dpi)
    with replacing(target) as part:
        figure.savefig(
            part,
            dpi=figure.dpi,  # otherwise that of the figure when it was new
            facecolor=figure.get_facecolor(),
            metadata=_METADATA.get(target.suffix.lower()),
        )
    return target
