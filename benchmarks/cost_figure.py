"""Errors over the cost of a prediction, a panel for every task."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from viz.style import MARKERS, PALETTE, new_figure, save_figure, tidy
from viz.ticks import number_ticks

LINE = 0.2  #: inches per line of a list of names
MARGIN = 1.5  #: factor from the outermost points to the edges
APART = 8.5  #: smallest distance of a number from points and other numbers, in typographic points
ANGLES = np.radians([45, 0, -45, 135, 180, -135, 90, -90])  #: where a number may stand, best first
REACHES = (9.0, 18.0, 27.0, 36.0)  #: distances of a number from its point, in typographic points


@dataclass(frozen=True)
class Point:
    """A model.

    Attributes:
        name: Its name.
        ms: Milliseconds of a prediction per lattice.
        error: Its error, %.
        group: Models of one group share a colour.
    """

    name: str
    ms: float
    error: float
    group: str


@dataclass(frozen=True)
class Panel:
    """The models of a task.

    Attributes:
        title: Name of the task.
        error: Name of the error.
        points: The models.
    """

    title: str
    error: str
    points: Sequence[Point]

    @property
    def best_first(self) -> list[Point]:
        """The models by ascending error."""
        return sorted(self.points, key=lambda point: point.error)


def draw_costs(panels: Sequence[Panel], path: Path) -> None:
    """Draw the panels side by side; numbers beside the points are those of the lists of names."""
    lines = max(len(panel.points) for panel in panels)
    figure = new_figure(6.0 * len(panels), max(4.5, LINE * lines + 0.8))
    groups = list(dict.fromkeys(point.group for panel in panels for point in panel.points))
    height = figure.get_size_inches()[1] - 0.8
    frames = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(frames, panels, strict=True):
        draw_panel(axes, panel, groups, LINE / height)
    figure.draw_without_rendering()  # so that the panels have their places
    for axes, panel in zip(frames, panels, strict=True):
        number_points(axes, panel)
    save_figure(figure, path)


def draw_panel(axes: Axes, panel: Panel, groups: Sequence[str], line: float) -> None:
    """Draw a panel and its list of names, best first, a line as a share of the panel's height."""
    points = panel.best_first
    for number, point in enumerate(points, 1):
        group = groups.index(point.group)
        colour = PALETTE[group]
        axes.plot(point.ms, point.error, MARKERS[group], color=colour, markersize=6)
        axes.text(1.02, 1 - (number - 0.5) * line, f"{number}  {point.name}", color=colour,
                  transform=axes.transAxes, fontsize=8, va="center")  # fmt: skip
    for group, name in enumerate(groups):
        if any(point.group == name for point in points):
            axes.plot([], [], MARKERS[group], color=PALETTE[group], markersize=6, label=name)
    axes.set(xscale="log", yscale="log", title=panel.title, ylabel=panel.error)
    axes.set_xlabel("milliseconds for one lattice, one thread")
    for values, limit in (([p.ms for p in points], axes.set_xlim),
                          ([p.error for p in points], axes.set_ylim)):  # fmt: skip
        limit(np.min(values) / MARGIN, np.max(values) * MARGIN)
    tidy(axes)
    number_ticks(axes.xaxis)
    number_ticks(axes.yaxis, " %")
    axes.legend(frameon=True, edgecolor="none", framealpha=0.85, fontsize=8)


def number_points(axes: Axes, panel: Panel) -> None:
    """Write a number beside every point, where no other point or number is; lines lead to far ones.

    The limits and the place of the panel must be final.
    """
    points = [(point.ms, point.error) for point in panel.best_first]
    places = axes.transData.transform(points) * 72 / axes.get_figure(root=True).dpi
    taken = list(places)
    ring = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
    offsets = np.concatenate([reach * ring for reach in REACHES])
    for number, (point, place) in enumerate(zip(points, places, strict=True), 1):
        free = np.linalg.norm(place + offsets[:, None] - np.array(taken), axis=2).min(axis=1)
        chosen = offsets[np.argmax(free >= APART) if (free >= APART).any() else np.argmax(free)]
        line = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 1.0, "shrinkB": 3.0}
        axes.annotate(f"{number}", point, chosen, textcoords="offset points", fontsize=7, zorder=5,
                      ha="center", va="center",
                      arrowprops=line if np.hypot(*chosen) > REACHES[0] + 1 else None)  # fmt: skip
        taken.append(place + chosen)
