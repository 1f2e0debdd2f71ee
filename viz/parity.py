"""Parity plot of computed against reference stiffness, with the distribution of differences."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lattice_gnn.wording import counted
from viz.picture import COLOUR_MAP, TEXT_COLOUR
from viz.style import PALETTE, new_figure, save_figure
from viz.ticks import number_ticks

_ERROR_COLOUR = PALETTE[0]
_FLOOR_COLOUR = PALETTE[1]


def draw_parity(
    path: Path,
    computed: Float[np.ndarray, "lattices 6 6"],
    reference: Float[np.ndarray, "lattices 6 6"],
    relative_density: Float[np.ndarray, " lattices"],
    rounding_floor: Float[np.ndarray, " lattices"] | None = None,
) -> None:
    """Draw the figure, two panels, into a file.

    Left, the six eigenvalues of every computed C over those of its reference, coloured by density.
    Right, the share of the lattices that differ by less than a given amount, |C - C_ref| / |C_ref|
    (Frobenius), beside the same curve for the rounding of the reference.

    Args:
        path: File to write; the suffix determines the format (png, pdf, svg).
        computed: C / E_s, Mandel.
        reference: C / E_s, Mandel.
        relative_density: Sum of strut volumes over cell volume.
        rounding_floor: Relative difference due to the rounding of the printed reference.

    Raises:
        LatticeGnnError: If the file cannot be written.
    """
    figure = new_figure(11.5, 5.2)
    left, right = figure.subplots(1, 2)
    _eigenvalues(figure, left, computed, reference, relative_density)
    difference = np.linalg.norm(computed - reference, axis=(1, 2))
    _shares(right, difference / np.linalg.norm(reference, axis=(1, 2)), rounding_floor)
    save_figure(figure, path)


def _eigenvalues(
    figure: Figure,
    axes: Axes,
    computed: Float[np.ndarray, "lattices 6 6"],
    reference: Float[np.ndarray, "lattices 6 6"],
    relative_density: Float[np.ndarray, " lattices"],
) -> None:
    x, y = np.linalg.eigvalsh(reference), np.linalg.eigvalsh(computed)
    shown = (x > 0) & (y > 0)
    colour = np.broadcast_to(relative_density[:, None], x.shape)
    low, high = float(relative_density.min()), float(relative_density.max())
    norm = LogNorm(low, high if high > low else 1.01 * low)
    ends = np.array([min(x[shown].min(), y[shown].min()), max(x[shown].max(), y[shown].max())])
    ends = ends * np.array([0.6, 1.6])
    axes.plot(ends, ends, color="0.6", linewidth=1, zorder=0)
    points = axes.scatter(x[shown], y[shown], c=colour[shown], norm=norm, cmap=COLOUR_MAP, s=9)
    axes.set(xscale="log", yscale="log", xlim=tuple(ends), ylim=tuple(ends), aspect="equal")
    axes.set_xlabel("eigenvalue of reference $C/E_s$")
    axes.set_ylabel("eigenvalue of computed $C/E_s$")
    axes.set_title(f"{counted(len(x), 'lattice')}, six eigen-stiffnesses each", color=TEXT_COLOUR)
    bar = figure.colorbar(points, ax=axes, label="relative density", shrink=0.85)
    for axis in (axes.xaxis, axes.yaxis, bar.ax.yaxis):
        number_ticks(axis)


def _shares(
    axes: Axes,
    errors: Float[np.ndarray, " lattices"],
    floor: Float[np.ndarray, " lattices"] | None,
) -> None:
    share = (np.arange(len(errors)) + 0.5) / len(errors)
    least = 1e-6  # per cent; smaller values are drawn here, as the axis is logarithmic
    drawn = np.sort(np.maximum(100 * errors, least))
    axes.plot(drawn, share, color=_ERROR_COLOUR, label="computed against reference")
    if floor is not None and floor.max() > 0:
        rounded = np.sort(np.maximum(100 * floor, least))
        axes.plot(
            rounded, share, color=_FLOOR_COLOUR, label="rounding of the reference's printed digits"
        )
    median = float(np.median(drawn))
    axes.plot([median], [0.5], "o", color=_ERROR_COLOUR)
    axes.annotate(
        f"median {median:.2g} %", (median, 0.5), xytext=(10, -4), textcoords="offset points"
    )
    axes.set(
        xscale="log",
        ylim=(0, 1.25),
        yticks=np.linspace(0, 1, 6),
        xlabel="relative Frobenius difference of C (%)",
    )
    axes.set_ylabel("share of lattices below")
    axes.grid(color="0.92")
    axes.legend(loc="upper left", frameon=True, edgecolor="none", framealpha=0.9)
    axes.set_title("distribution of the differences", color=TEXT_COLOUR)
    number_ticks(axes.xaxis)
