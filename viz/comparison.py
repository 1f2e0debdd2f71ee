"""Figures of a comparison: accuracy against cost, learning curves, error against density."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from lattice_gnn.reports.comparison import (
    ComparedModel,
    ComparisonReport,
    CurvePoint,
    DensityRow,
)
from viz.picture import TEXT_COLOUR
from viz.style import PALETTE, new_figure, save_figure
from viz.ticks import number_ticks

_FAMILIES = {
    "equivariant": (PALETTE[0], "o", "equivariant"),
    "invariant": (PALETTE[2], "D", "invariant"),
    "cgcnn": (PALETTE[1], "s", "CGCNN"),
    "mcgcnn": (PALETTE[4], "p", "modified CGCNN"),
    "nnconv": (PALETTE[5], "h", "NNConv"),
    "ridge": (PALETTE[6], "8", "linear fit"),
    "affine": (PALETTE[7], "8", "affine stiffness"),
}
_OTHER = (PALETTE[3], "o", "other")
_LINES = PALETTE[:6]
_LINE = 0.165  #: inches per line of the list of names
_BEST = 6  #: models in the figure of error against density


def draw_comparison(folder: Path, report: ComparisonReport) -> list[Path]:
    """Draw the figures of a comparison.

    Args:
        folder: Gets ``accuracy-cost.png``, ``error-density.png``, and, if there are learning
            curves, ``learning-curves.png``. Models without a time are missing in the first.
        report: The comparison.

    Returns:
        The files.

    Raises:
        LatticeGnnError: If a file cannot be written.
    """
    models = [m for m in report.models if m.test.directional_error.mean is not None]
    timed = [m for m in models if m.forward_ms is not None]
    drawn = []
    if timed:
        size = (11.0, _height(len(timed)))
        place = folder / "accuracy-cost.png"
        drawn.append(_save(place, lambda axes: _cost(axes, timed, report.unfinished), size))
    if models:
        place = folder / "error-density.png"
        drawn.append(_save(place, lambda axes: _densities(axes, models[:_BEST])))
    curves = {name: points for name, points in report.curves.items() if len(points) > 1}
    if curves:
        drawn.append(_save(folder / "learning-curves.png", lambda axes: _curves(axes, curves)))
    return drawn


def _save(path: Path, draw: Callable[[Axes], None], size: tuple[float, float] = (8.6, 5.6)) -> Path:
    figure = new_figure(*size)
    draw(figure.subplots())
    return save_figure(figure, path)


def _height(models: int) -> float:
    """Return the height, in inches, of a figure with a list of names beside it."""
    return max(6.0, _LINE * models + 1)


def _cost(axes: Axes, models: Sequence[ComparedModel], unfinished: Sequence[str]) -> None:
    """Plot the mean directional error over the time of a prediction, with the Pareto front.

    Models whose training is unfinished, with an earlier row, are hollow.
    """
    x = np.array([model.forward_ms for model in models], dtype=float)
    y = np.array([_percent(model.test.directional_error.mean) for model in models])
    order = np.argsort(x)
    best = order[y[order] <= np.minimum.accumulate(y[order])]
    axes.plot(x[best], y[best], color="0.75", linewidth=1.2, zorder=1, drawstyle="steps-post")
    titled: dict[str, tuple[str, str]] = {}
    for k, model in enumerate(models):
        colour, marker, title = _FAMILIES.get(model.kind, _OTHER)
        hollow = model.name in unfinished
        axes.plot(
            x[k],
            y[k],
            marker,
            color="white" if hollow else colour,
            markersize=12,
            markeredgecolor=colour if hollow else "white",
            markeredgewidth=1.6 if hollow else 0.8,
            zorder=1e3 - k - 0.5,
        )
        titled[title] = (colour, marker)
    for title, (colour, marker) in titled.items():
        axes.plot([], [], marker, color=colour, markersize=10, label=title)
    if any(model.name in unfinished for model in models):
        title = "hollow: earlier run, budget unfinished"
        axes.plot([], [], "o", color="white", mec=TEXT_COLOUR, markersize=10, label=title)
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(x.min() / 1.4, x.max() * 1.4)
    axes.set_ylim(y.min() / 1.25, y.max() * 1.25)
    _number_points(axes, (x, y), models, unfinished)
    axes.set_xlabel("milliseconds for one lattice, one CPU thread")
    axes.set_ylabel("mean directional error on held-out lattices")
    axes.set_title("accuracy against cost", color=TEXT_COLOUR)
    number_ticks(axes.xaxis)
    _tidy(axes)


def _number_points(
    axes: Axes,
    places: tuple[np.ndarray, np.ndarray],
    models: Sequence[ComparedModel],
    unfinished: Sequence[str],
) -> None:
    """Number the points, best first, and list their names to the right."""
    x, y = places
    for k, model in enumerate(models):
        name = f"{k + 1}"
        colour = _FAMILIES.get(model.kind, _OTHER)[0]
        axes.annotate(
            name,
            (x[k], y[k]),
            ha="center",
            va="center",
            color=colour if model.name in unfinished else "white",
            zorder=1e3 - k,
            fontsize=6.5,
        )
        level = 1 - (k + 0.5) * _LINE / _height(len(models))
        axes.text(
            1.02, level, name, transform=axes.transAxes, color=colour, fontsize=8, va="center"
        )
        axes.text(1.05, level, model.name, transform=axes.transAxes, fontsize=8, va="center")


def _curves(axes: Axes, curves: Mapping[str, Sequence[CurvePoint]]) -> None:
    """Plot the mean and median directional error over the number of training labels."""
    for (name, points), colour in zip(curves.items(), _LINES * len(curves), strict=False):
        labels = [point.labels for point in points]
        for statistic, style, fill in (("mean", "o-", colour), ("median", "o:", "white")):
            values = [_percent(getattr(point.directional_error, statistic)) for point in points]
            title = f"{name}, {statistic}"
            axes.plot(
                labels, values, style, color=colour, label=title, markersize=5, markerfacecolor=fill
            )
    axes.set(xscale="log", yscale="log", xlabel="labelled training lattices")
    axes.set_ylabel("directional error on held-out lattices")
    axes.set_title("learning curves", color=TEXT_COLOUR)
    every = sorted({point.labels for points in curves.values() for point in points})
    axes.set_xticks(every, [f"{count:,}".replace(",", " ") for count in every])
    axes.xaxis.set_minor_formatter(NullFormatter())
    _tidy(axes)


def _densities(axes: Axes, models: Sequence[ComparedModel]) -> None:
    """Plot the median directional error in each range of densities, with a band up to the p90."""
    for model, colour in zip(models, _LINES * len(models), strict=False):
        rows = model.test.by_density
        middles = [np.sqrt(np.prod(_limits(row))) for row in rows]
        median = [_percent(row.directional_error.median) for row in rows]
        axes.plot(middles, median, "o-", color=colour, label=model.name, markersize=5)
        if model is models[0]:
            p90 = [_percent(row.directional_error.p90) for row in rows]
            axes.fill_between(middles, median, p90, color=colour, alpha=0.1, linewidth=0)
    axes.set(xscale="log", yscale="log", xlabel="relative density")
    axes.set_ylabel("median directional error on held-out lattices")
    axes.set_title(
        f"error against density (shaded: up to the p90 of {models[0].name})", color=TEXT_COLOUR
    )
    number_ticks(axes.xaxis)
    _tidy(axes)


def _limits(row: DensityRow) -> tuple[float, float]:
    """Return the ends of a range of densities; one from zero is drawn from a third of its end."""
    low, high = row.range
    if high is None:
        return low, 1.5 * low
    return (low if low > 0 else high / 3), high


def _percent(value: float | None) -> float:
    return np.nan if value is None else 100 * value


def _tidy(axes: Axes) -> None:
    axes.grid(color="0.93", which="major")
    axes.set_axisbelow(True)
    low, high = axes.get_ylim()
    if high < 2 * low:  # so that at least one tick is labelled
        axes.set_ylim(low / 1.4, high * 1.4)
    number_ticks(axes.yaxis, " %")
    axes.legend(loc="best", frameon=True, edgecolor="none", framealpha=0.85, fontsize=8)
