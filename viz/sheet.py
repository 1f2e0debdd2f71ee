"""A contact sheet of many lattices, and histograms of a population."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.images import cell_edges
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted
from viz.mesh import lattice_tubes
from viz.picture import EDGE_COLOUR, TEXT_COLOUR, camera_axes, plain_name
from viz.style import PALETTE, new_figure, save_figure
from viz.ticks import number_ticks

_FRONT, _BACK = np.array([0.10, 0.20, 0.42]), np.array([0.74, 0.80, 0.87])
_LONGEST_NAME = 40  #: characters above a lattice
_OURS, _OTHERS = PALETTE[:2]


def draw_sheet(
    path: Path,
    lattices: Sequence[Lattice],
    columns: int = 6,
    captions: Sequence[str] | None = None,
) -> None:
    """Draw lattices side by side, each with its name and size; struts in front are darker.

    Radii are not shown: every strut is a line.

    Args:
        path: File to write; the suffix determines the format (png, pdf, svg).
        lattices: The lattices, row by row.
        columns: Lattices per row.
        captions: A line of text below the name and size of each.

    Raises:
        LatticeGnnError: If there are no lattices, or the file cannot be written.
    """
    if not lattices:
        raise LatticeGnnError("contact sheet: expected at least one lattice to draw.")
    rows = -(-len(lattices) // columns)
    captions = [""] * len(lattices) if captions is None else captions
    line = 0.15 if any(captions) else 0.0  # inches
    height = 2.45 + line
    figure = Figure(figsize=(2.2 * columns, height * rows), dpi=130)
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(lattices) :]:
        axes.set_axis_off()
    for axes, lattice, caption in zip(grid, lattices, captions, strict=False):
        _draw_lattice(axes, lattice, caption)
    gap = 0.17 + 0.5 * line
    top = 1 - (0.26 + line) / (height * rows)  # for two lines of text, and the caption
    figure.subplots_adjust(0.005, 0.005, 0.995, top, wspace=0.03, hspace=gap)
    save_figure(figure, path)


def _draw_lattice(axes: Axes, lattice: Lattice, caption: str = "") -> None:
    tubes = lattice_tubes(lattice)
    edges = cell_edges(lattice.cell, (1, 1, 1))
    lines = np.stack([tubes.starts, tubes.ends], axis=1)
    centre = edges.mean(axis=(0, 1))
    axes_of_camera = camera_axes()
    view = axes_of_camera[:2].T
    depth = (lines.mean(axis=1) - centre) @ axes_of_camera[2]
    order = np.argsort(depth)
    share = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-12)
    colours = _BACK + share[:, None] * (_FRONT - _BACK)
    axes.add_collection(
        LineCollection(list((edges - centre) @ view), colors=EDGE_COLOUR, linewidths=0.4)
    )
    axes.add_collection(
        LineCollection(
            list((lines[order] - centre) @ view),
            colors=colours[order],
            linewidths=(0.9 + 1.1 * share)[order],
            capstyle="round",
        )
    )
    corners = (np.concatenate([lines, edges]) - centre).reshape(-1, 3) @ view
    half = 1.05 * float(np.abs(corners).max())
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    axes.set_axis_off()
    size = f"{counted(lattice.num_nodes, 'node')}, {counted(lattice.num_struts, 'strut')}"
    title = f"{plain_name(lattice.name, _LONGEST_NAME)}\n{size}"
    title += f"\n{caption}" if caption else ""
    axes.set_title(title, fontsize=6.5, color=TEXT_COLOUR, pad=1)


def draw_histograms(
    path: Path,
    populations: Mapping[str, Mapping[str, Float[np.ndarray, " values"]]],
    systems: Mapping[str, Mapping[str, int]],
) -> None:
    """Draw overlaid histograms of one or two populations, as shares.

    Args:
        path: File to write.
        populations: Values of each quantity, by population; the first is drawn filled.
        systems: Number of lattices in each crystal system, by population.

    Raises:
        LatticeGnnError: If the file cannot be written.
    """
    first = next(iter(populations.values()))
    titles = {name: _title(name) for name in first}
    count = len(titles) + 1
    rows = -(-count // 3)
    figure = new_figure(11.5, 2.9 * rows, dpi=130)
    grid = figure.subplots(rows, 3, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    for axes, name in zip(grid, titles, strict=False):
        _histogram(axes, name, {p: v[name] for p, v in populations.items() if name in v})
    _bars(grid[count - 1], systems)
    grid[0].legend(fontsize=8, frameon=False)
    save_figure(figure, path)


def _title(name: str) -> str:
    kind, _, quantity = name.rpartition(".")
    plain = {
        "C": "mean eigenvalue of $C/E_s$ over density",
        "anisotropy": "largest over smallest eigenvalue of $C$",
        "connectivity": "mean number of struts at a node",
        "slenderness": "largest radius over length",
    }.get(quantity, quantity.replace("_", " "))
    return f"{plain} ({kind})" if kind else plain


def _histogram(axes: Axes, name: str, values: Mapping[str, Any]) -> None:
    together = np.concatenate(list(values.values()))
    whole = name in ("nodes", "struts")
    log = name not in ("nodes", "struts", "connectivity")
    low, high = float(together.min()), float(together.max())
    if log and low > 0:
        bins = np.geomspace(low, max(high, 1.01 * low), 31)
        axes.set_xscale("log")
    elif whole:
        step = max(1, round((high - low) / 35))
        bins = np.arange(low - 0.5, high + step + 0.5, step)
    else:
        bins = np.linspace(low, high + 1e-9, 31)
    for number, (population, column) in enumerate(values.items()):
        weights = np.full(len(column), 1 / len(column))
        style: dict[str, Any] = (
            {"color": _OURS, "alpha": 0.35}
            if number == 0
            else {"color": _OTHERS, "histtype": "step", "linewidth": 1.4}
        )
        axes.hist(column, bins=list(bins), weights=weights, label=population, **style)
    if axes.get_xscale() == "log":
        number_ticks(axes.xaxis)
    axes.set_title(_title(name), fontsize=9, color=TEXT_COLOUR)
    axes.set_ylabel("share", fontsize=8)
    axes.tick_params(labelsize=8, which="both")


def _bars(axes: Axes, systems: Mapping[str, Mapping[str, int]]) -> None:
    names = sorted({name for counts in systems.values() for name in counts})
    names.sort(key=lambda name: -max(counts.get(name, 0) for counts in systems.values()))
    width = 0.8 / len(systems)
    for number, (population, counts) in enumerate(systems.items()):
        shares = [counts.get(name, 0) / sum(counts.values()) for name in names]
        place = np.arange(len(names)) + (number - (len(systems) - 1) / 2) * width
        colour, alpha = ((_OURS, 0.5), (_OTHERS, 0.9))[min(number, 1)]
        axes.bar(place, shares, width, label=population, color=colour, alpha=alpha)
    axes.set_xticks(range(len(names)), names, rotation=25, fontsize=8, ha="right")
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylabel("share", fontsize=8)
    axes.set_title("crystal system", fontsize=9, color=TEXT_COLOUR)
