"""Figures of the solid reference: beams against solids, and errors over the voxel size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from fem_reference.solid.homogenise import ORDER
from viz.picture import TEXT_COLOUR
from viz.style import PALETTE, new_figure, save_figure

_CLASSES = PALETTE[:6]
_RAW, _EXTRAPOLATED = PALETTE[1], PALETTE[0]
_ROUND = [digit * 10.0**power for power in range(-6, 4) for digit in (1, 2, 5)]
_VOXELS = [3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0]
_BIN, _MOST_BINS = 12, 8  #: minimum lattices per bin of a median line; maximum number of bins
_LEAST = 1e-5  #: smaller errors are drawn at this value, as the axis is logarithmic


@dataclass(frozen=True, slots=True, eq=False)
class BeamSolidMap:
    """Differences between beam theory and the solid, one value per lattice.

    Attributes:
        relative_density: Sum of strut volumes over cell volume.
        slenderness: Largest radius over length of the struts.
        difference: |C_beam - C_solid| / |C_solid|, Frobenius.
        softest_ratio: Smallest eigenvalue of C_beam over that of C_solid.
        group: Index of the lattice's class in ``classes``.
        contact: Whether struts without a common joint touch, or nearly do.
        classes: Name of each class.
    """

    relative_density: Float[np.ndarray, " lattices"]
    slenderness: Float[np.ndarray, " lattices"]
    difference: Float[np.ndarray, " lattices"]
    softest_ratio: Float[np.ndarray, " lattices"]
    group: Int[np.ndarray, " lattices"]
    contact: Bool[np.ndarray, " lattices"]
    classes: tuple[str, ...]


def draw_beam_solid_map(path: Path, values: BeamSolidMap) -> None:
    """Draw the difference over density and over r/L, and the ratio of the softest eigenvalues.

    One colour per class, and a line through the medians of bins with equal numbers of lattices, if
    there are enough for two bins. Lattices with contact are crosses and do not enter the medians.

    Args:
        path: File to write; the suffix determines the format (png, pdf, svg).
        values: What to draw.

    Raises:
        LatticeGnnError: If the file cannot be written; an existing one is left intact.
    """
    save_figure(_map(values), path)


def _map(values: BeamSolidMap) -> Figure:
    figure = new_figure(13.2, 5.0)
    panels = figure.subplots(1, 3)
    density, slenderness = values.relative_density, values.slenderness
    panels[0].set(yscale="log", xlabel="relative density")
    panels[1].set(yscale="log", xlabel="largest radius over length")
    panels[2].set(xlabel="relative density", ylabel="beam over solid")
    panels[0].set_ylabel(r"$|C_{beam} - C_{solid}|\;/\;|C_{solid}|$")
    titles = ("difference of C over density", "difference of C over r/L", "softest eigenvalue of C")
    columns = (
        (density, values.difference),
        (slenderness, values.difference),
        (density, values.softest_ratio),
    )
    for axes, title, (x, y) in zip(panels, titles, columns, strict=True):
        axes.set_xscale("log")
        axes.set_title(title, color=TEXT_COLOUR)
        _points(axes, x, y, values)
        _tidy(axes)
    (guide,) = _guide(panels[1], slenderness, values.difference, 1.0)
    panels[1].legend(handles=[guide], loc="lower right", edgecolor="none", framealpha=0.85)
    panels[2].axhline(1.0, color="0.45", linewidth=1, zorder=0.8)
    panels[2].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    for axis in (panels[0].xaxis, panels[2].xaxis, panels[0].yaxis, panels[1].yaxis):
        _number(axis, _ROUND, 0.01, " %")
    _number(panels[1].xaxis, _ROUND)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _points(
    axes: Axes,
    x: Float[np.ndarray, " lattices"],
    y: Float[np.ndarray, " lattices"],
    values: BeamSolidMap,
) -> None:
    """Plot the points of every class, and its medians on top."""
    alpha = float(np.clip(8 / np.sqrt(len(x)), 0.15, 0.8))  # keeps dense points visible
    for number, name in enumerate(values.classes):
        colour = _CLASSES[number % len(_CLASSES)]
        plain = (values.group == number) & ~values.contact
        touching = (values.group == number) & values.contact
        for chosen, marker, width in ((plain, "o", 0.0), (touching, "x", 0.8)):
            axes.scatter(
                x[chosen],
                y[chosen],
                s=13,
                color=colour,
                marker=marker,
                alpha=alpha,
                linewidths=width,
            )
        axes.plot(
            *_medians(x[plain], y[plain]),
            "o-",
            color=colour,
            linewidth=2,
            markersize=6,
            markeredgecolor="white",
            label=name,
        )
    axes.plot([], [], "x", color="0.35", markersize=5, label="struts touch, or nearly")


def _medians(
    x: Float[np.ndarray, " lattices"], y: Float[np.ndarray, " lattices"]
) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]:
    """Return the medians of both in bins of equal size; none if too few for two bins."""
    bins = min(_MOST_BINS, len(x) // _BIN)
    parts = np.array_split(np.argsort(x, kind="stable"), bins) if bins > 1 else []
    both = [(np.median(x[part]), np.median(y[part])) for part in parts]
    centres, medians = np.array(both, dtype=float).reshape(-1, 2).T
    return centres, medians


def draw_convergence(
    path: Path,
    voxels: Float[np.ndarray, "cells grids"],
    stiffness: Float[np.ndarray, "cells grids 6 6"],
    extrapolated: Float[np.ndarray, "cells pairs 6 6"],
) -> None:
    """Draw the errors of C and of its softest eigenvalue over the resolution, a line per cell.

    Errors are relative to the extrapolation of the finest pair, which is not drawn itself.

    Args:
        path: File to write; the suffix determines the format (png, pdf, svg).
        voxels: Voxels per diameter of every grid, each twice the previous one.
        stiffness: C / E_s on each grid, Mandel.
        extrapolated: C / E_s of each grid but the first, extrapolated with the previous one.

    Raises:
        LatticeGnnError: If the file cannot be written; an existing one is left intact.
    """
    save_figure(_convergence(voxels, stiffness, extrapolated), path)


def _convergence(
    voxels: Float[np.ndarray, "cells grids"],
    stiffness: Float[np.ndarray, "cells grids 6 6"],
    extrapolated: Float[np.ndarray, "cells pairs 6 6"],
) -> Figure:
    figure = new_figure(10.4, 4.8)
    panels = figure.subplots(1, 2, sharey=True)
    reference = extrapolated[:, -1:]
    titles = {"whole tensor (Frobenius)": _frobenius, "softest eigenvalue": _softest}
    for axes, (title, measure) in zip(panels, titles.items(), strict=True):
        raw, rest = measure(stiffness, reference), measure(extrapolated[:, :-1], reference)
        _lines(axes, voxels, raw, _RAW, "one grid")
        _lines(axes, voxels[:, 1:-1], rest, _EXTRAPOLATED, "two grids, extrapolated")
        axes.set(xscale="log", yscale="log", xlabel="voxels per diameter of the thinnest strut")
        axes.set_title(title, color=TEXT_COLOUR)
        _guide(axes, voxels, raw, -ORDER)
        _tidy(axes)
        _number(axes.xaxis, _VOXELS)
        _number(axes.yaxis, _ROUND, 0.01, " %")
    panels[0].set_ylabel("relative error")
    panels[0].legend(loc="best", frameon=True, edgecolor="none", framealpha=0.85, fontsize=9)
    return figure


def _frobenius(
    C: Float[np.ndarray, "cells grids 6 6"], reference: Float[np.ndarray, "cells 1 6 6"]
) -> Float[np.ndarray, "cells grids"]:
    size = np.linalg.norm(reference, axis=(2, 3))
    return np.asarray(np.linalg.norm(C - reference, axis=(2, 3)) / size)


def _softest(
    C: Float[np.ndarray, "cells grids 6 6"], reference: Float[np.ndarray, "cells 1 6 6"]
) -> Float[np.ndarray, "cells grids"]:
    soft, soft_reference = (np.linalg.eigvalsh(x)[..., 0] for x in (C, reference))
    return np.asarray(np.abs(soft / soft_reference - 1))


def _lines(
    axes: Axes,
    x: Float[np.ndarray, "cells grids"],
    y: Float[np.ndarray, "cells grids"],
    colour: str,
    label: str,
) -> None:
    """Plot one line per cell."""
    drawn = np.maximum(y, _LEAST)
    lines = axes.plot(x.T, drawn.T, "o-", color=colour, linewidth=1, markersize=4, alpha=0.75)
    lines[0].set_label(label)


def _guide(
    axes: Axes, x: Float[np.ndarray, "..."], y: Float[np.ndarray, "..."], slope: float
) -> list[Line2D]:
    """Plot a line of given slope through the geometric mean of the data."""
    ends = np.array([x.min(), x.max()])
    middle = np.exp(np.log(x).mean())
    line = np.exp(np.log(np.maximum(y, _LEAST)).mean()) * (ends / middle) ** slope
    return axes.plot(ends, line, "--", color="0.35", linewidth=1.2, label=f"slope {slope:g}")


def _number(axis: Axis, ticks: list[float], unit: float = 1.0, sign: str = "") -> None:
    """Label only the given ticks of a logarithmic axis."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / unit:g}{sign}"))


def _tidy(axes: Axes) -> None:
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
