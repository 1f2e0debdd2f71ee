"""Figures of an evaluation: parity of components, errors, the worst lattices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.metrics import (
    component_error,
    directional_error,
    directional_stiffness,
    relative_frobenius,
)
from lattice_gnn.training.evaluation import Judgement
from lattice_gnn.wording import counted, percent
from viz.picture import COLOUR_MAP, TEXT_COLOUR
from viz.sheet import draw_sheet
from viz.style import PALETTE, new_figure, save_figure
from viz.ticks import number_ticks

_PANELS = {
    "axial: 11, 22, 33": ((0, 0), (1, 1), (2, 2)),
    "between axes: 12, 13, 23": ((0, 1), (0, 2), (1, 2)),
    "shear: 44, 55, 66": ((3, 3), (4, 4), (5, 5)),
    "couplings with and between shears": tuple((i, j) for j in range(3, 6) for i in range(j)),
}
"""Components of the Mandel matrix in each panel of the parity plot."""
_CURVES = {
    "directional stiffness": (PALETTE[0], directional_error),
    "whole tensor (Frobenius)": (PALETTE[1], relative_frobenius),
    "components": (PALETTE[2], component_error),
}
_LEAST = 1e-8  #: smaller errors are drawn at this value, as the axis is logarithmic
_LONGEST = 30  #: longest name of a lattice on the sheet, in characters


def draw_evaluation(
    folder: Path, judgement: Judgement, worst: Sequence[Lattice], title: str
) -> list[Path]:
    """Draw ``components.png``, ``errors.png`` and ``worst.png`` into a folder.

    Args:
        folder: An existing folder.
        judgement: The evaluation.
        worst: The lattices of ``judgement.worst()``, in that order.
        title: Heading of the figures: model and data.

    Returns:
        The files.

    Raises:
        LatticeGnnError: If a file cannot be written; an existing one is left intact.
    """
    paths = [folder / f"{name}.png" for name in ("components", "errors", "worst")]
    for path, figure in zip(
        paths, (_components(judgement, title), _errors(judgement, title)), strict=False
    ):
        save_figure(figure, path)
    error = directional_error(judgement.predicted, judgement.reference)
    captions = [
        f"density {float(judgement.relative_density[k]):.3g}, error {percent(float(error[k]))}"
        for k in judgement.worst()
    ]
    shown = [lattice.replace(name=_short(lattice.name)) for lattice in worst]
    draw_sheet(paths[2], shown, columns=5, captions=captions)
    return paths


def _components(judgement: Judgement, title: str) -> Figure:
    """Draw four parity plots; components are relative to the mean directional stiffness."""
    scale = directional_stiffness(judgement.reference).mean(1)[:, None, None]
    x, y = ((C / scale).numpy() for C in (judgement.reference, judgement.predicted))
    density = judgement.relative_density.numpy()
    figure = new_figure(10.4, 9.6, dpi=130)
    grid = figure.subplots(2, 2)
    low, high = float(density.min()), float(density.max())
    norm = LogNorm(low, high if high > low else 1.01 * low)
    for axes, (name, components) in zip(grid.ravel(), _PANELS.items(), strict=True):
        i, j = np.array(components).T
        _parity(axes, x[:, i, j], y[:, i, j], density, norm)
        axes.set_title(name, color=TEXT_COLOUR)
    for axes in grid[1]:
        axes.set_xlabel(r"reference $C_{ij}$ / mean directional stiffness")
    for axes in grid[:, 0]:
        axes.set_ylabel(r"predicted $C_{ij}$ / mean directional stiffness")
    bar = figure.colorbar(
        grid[0, 0].collections[0], ax=grid, label="relative density", shrink=0.6, aspect=35
    )
    number_ticks(bar.ax.yaxis)
    figure.suptitle(
        f"{title}: components of C (Mandel), {counted(len(x), 'lattice')}",
        color=TEXT_COLOUR,
        fontsize=13,
    )
    return figure


def _parity(
    axes: Axes,
    x: Float[np.ndarray, "lattices components"],
    y: Float[np.ndarray, "lattices components"],
    density: Float[np.ndarray, " lattices"],
    norm: LogNorm,
) -> None:
    """Plot predicted over reference values, and count the points beyond the frame."""
    colour = np.broadcast_to(density[:, None], x.shape).ravel()
    x, y = x.ravel(), y.ravel()
    low, high = np.quantile(x, [0.003, 0.997]).tolist()
    margin = 0.12 * max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-3)
    ends = (low - margin, high + margin)
    inset = 0.006 * (ends[1] - ends[0])
    edges = (ends[0] + inset, ends[1] - inset)
    beyond = (np.minimum(x, y) < edges[0]) | (np.maximum(x, y) > edges[1])
    order = np.random.default_rng(0).permutation(len(x))  # no density hides another
    axes.plot(ends, ends, color="0.45", linewidth=1, zorder=0.8)
    axes.scatter(
        np.clip(x, *edges)[order],
        np.clip(y, *edges)[order],
        c=colour[order],
        norm=norm,
        cmap=COLOUR_MAP,
        s=7,
        alpha=0.75,
        linewidths=0,
    )
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
    if beyond.any():
        axes.text(
            0.98,
            0.03,
            f"{beyond.sum()} of {len(x)} beyond the frame,\ndrawn on its edge",
            transform=axes.transAxes,
            ha="right",
            fontsize=8,
            color="0.25",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
        )


def _errors(judgement: Judgement, title: str) -> Figure:
    """Plot the directional error over density (left) and the share below an error (right)."""
    figure = new_figure(11.6, 5.2, dpi=150)
    left, right = figure.subplots(1, 2)
    figure.get_layout_engine().set(w_pad=0.12)  # type: ignore[union-attr, call-arg]
    C, C_ref = judgement.predicted, judgement.reference
    errors = {name: metric(C, C_ref).numpy() for name, (_, metric) in _CURVES.items()}
    _over_density(figure, left, judgement, errors["directional stiffness"])
    _shares(right, errors)
    for axis in (left.yaxis, right.xaxis):
        number_ticks(axis, " %", scale=100.0)
    number_ticks(left.xaxis)
    figure.suptitle(
        f"{title}: errors of {counted(len(C), 'lattice')}", color=TEXT_COLOUR, fontsize=13
    )
    return figure


def _over_density(
    figure: Figure, axes: Axes, judgement: Judgement, error: Float[np.ndarray, " lattices"]
) -> None:
    density = judgement.relative_density.numpy()
    nodes = judgement.nodes.numpy()
    drawn = np.maximum(error, _LEAST)
    norm = LogNorm(max(1, nodes.min()), max(nodes.max(), nodes.min() + 1))
    points = axes.scatter(
        density, drawn, c=nodes, norm=norm, cmap=COLOUR_MAP, s=9, alpha=0.6, linewidths=0
    )
    axes.set(xscale="log", yscale="log", xlabel="relative density")
    axes.set_ylabel("directional error")
    centres, quantiles = _running(density, drawn)
    if len(centres) > 1:
        axes.fill_between(centres, quantiles[0], quantiles[2], color=PALETTE[1], alpha=0.13, lw=0)
        axes.plot(
            centres, quantiles[1], color=PALETTE[1], linewidth=2, label="median and quartiles"
        )
        axes.legend(loc="best", frameon=True, edgecolor="none", framealpha=0.85)
    axes.grid(color="0.93", which="major")
    axes.set_axisbelow(True)
    colours = figure.colorbar(points, ax=axes, label="nodes of the cell", shrink=0.85)
    ticks = [n for n in (1, 2, 5, 10, 20, 50, 100, 200) if norm.vmin <= n <= norm.vmax]  # type: ignore[operator]
    colours.set_ticks(ticks, labels=[str(n) for n in ticks])
    colours.ax.minorticks_off()


def _running(
    density: Float[np.ndarray, " lattices"], error: Float[np.ndarray, " lattices"]
) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, "3 bins"]]:
    """Return the median density and the quartiles of the error in groups of equal size."""
    groups = min(12, len(density) // 15)
    parts = np.array_split(np.argsort(density), groups) if groups else []
    centres = np.array([np.median(density[part]) for part in parts], dtype=float)
    rows = [np.quantile(error[part], [0.25, 0.5, 0.75]) for part in parts]
    return centres, np.array(rows, dtype=float).reshape(-1, 3).T


def _shares(axes: Axes, errors: dict[str, Float[np.ndarray, " lattices"]]) -> None:
    for name, error in errors.items():
        colour = _CURVES[name][0]
        drawn = np.sort(np.maximum(error, _LEAST))
        share = (np.arange(len(drawn)) + 1) / len(drawn)
        median = float(np.median(error))
        axes.step(
            drawn, share, where="post", color=colour, label=f"{name}: median {percent(median)}"
        )
    for mark in (0.05, 0.25):
        axes.plot([mark, mark], [0, 1], color="0.55", linewidth=1, linestyle=":")
        axes.text(mark, 1.01, percent(mark), color="0.4", fontsize=8, va="bottom", ha="center")
    axes.set(xscale="log", ylim=(0, 1.32), xlabel="error", yticks=np.linspace(0, 1, 6))
    axes.set_ylabel("share of lattices below")
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", frameon=True, edgecolor="none", framealpha=0.9, fontsize=9)


def _short(name: str) -> str:
    """Shorten a name so that it fits above its lattice."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}…{name[-8:]}"
