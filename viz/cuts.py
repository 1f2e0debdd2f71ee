"""Polar cuts: a quantity by direction in the three coordinate planes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from viz.directional import QUANTITIES, values_along
from viz.picture import THEMES, Theme, plain_name
from viz.style import PALETTE, new_figure

PLANES = (("1", "2"), ("1", "3"), ("2", "3"))
_POINTS = 721


def cut(
    stiffness: Stiffness, quantity: str, plane: tuple[str, str]
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Return angles from the first axis of a plane, and the quantity in these directions.

    Args:
        stiffness: One positive definite stiffness.
        quantity: Name in ``viz.directional.QUANTITIES``.
        plane: Two of the axes "1", "2", "3".
    """
    angle = np.linspace(0, 2 * math.pi, _POINTS)
    n = np.zeros((len(angle), 3))
    first, second = (int(axis) - 1 for axis in plane)
    n[:, first], n[:, second] = np.cos(angle), np.sin(angle)
    return angle, values_along(stiffness, n, quantity)


def cuts_figure(
    stiffnesses: Sequence[tuple[str, Stiffness]],
    quantities: Sequence[str] = ("E",),
    theme: Theme = THEMES["light"],
) -> Figure:
    """Draw one or two quantities of several stiffnesses in three planes, on one radial scale.

    Where a value is negative its magnitude is drawn dotted.

    Args:
        stiffnesses: Title and C / E_s of each.
        quantities: Names in ``viz.directional.QUANTITIES``, of one modulus: ("E",), ("G-min",
            "G-max"), ...
        theme: Colours.

    Raises:
        LatticeGnnError: If a stiffness is singular: it has no moduli in general directions.
    """
    for name, C in stiffnesses:
        if not bool(C.is_positive_definite()):
            raise LatticeGnnError(f"{name}: the stiffness is singular; it has no moduli to draw.")
    figure = new_figure(12.0, 4.9, theme)
    panels = figure.subplots(1, 3, subplot_kw={"projection": "polar"})
    symbol = QUANTITIES[quantities[0]].symbol
    figure.set_layout_engine("constrained", wspace=0.1)
    for axes, plane in zip(panels, PLANES, strict=True):
        curves = [(name, C, quantity) for name, C in stiffnesses for quantity in quantities]
        for (name, C, quantity), colour in zip(curves, PALETTE * len(curves), strict=False):
            end = QUANTITIES[quantity].end
            label = f"{plain_name(name)}, {end}" if end else plain_name(name)
            _curve(axes, *cut(C, quantity, plane), colour, label)
        _label(axes, plane, theme)
    top = max(axes.get_rmax() for axes in panels)
    for axes in panels:
        axes.set_rlim(0, top)
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}" if value else "")
    title = f"{_title(quantities)}: {symbol}"
    if len(stiffnesses) == 1:
        title = f"{plain_name(stiffnesses[0][0])}\n{title}"
    figure.suptitle(title, color=theme.text, fontsize=12)
    labels = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
    for axes in panels[1:]:
        labels |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    if len(labels) > 1 or any(label.endswith("negative") for label in labels):
        figure.legend(list(labels.values()), list(labels), loc="outside lower center",
                      ncols=min(len(labels), 4), frameon=False, labelcolor=theme.text)  # fmt: skip
    return figure


def _curve(axes: Any, angle: np.ndarray, values: np.ndarray, colour: str, label: str) -> None:
    """Draw positive values solid and the magnitude of negative ones dotted."""
    for shown, style, name in (
        (np.where(values >= 0, values, np.nan), "-", label),
        (np.where(values < 0, -values, np.nan), ":", f"{label}, negative"),
    ):
        if np.isfinite(shown).any():
            axes.plot(angle, shown, style, color=colour, linewidth=1.8, label=name)


def _title(quantities: Sequence[str]) -> str:
    titles = {"E": "Young's modulus", "G": "shear modulus", "nu": "Poisson's ratio"}
    what = QUANTITIES[quantities[0]].modulus
    if len(quantities) > 1:
        return f"{titles[what]}, extremes over the perpendicular direction"
    return QUANTITIES[quantities[0]].title.split(",")[0]


def _label(axes: Any, plane: tuple[str, str], theme: Theme) -> None:
    """Name the axes of a panel at their ends."""
    first, second = plane
    names = [first, second, f"-{first}", f"-{second}"]
    axes.set_thetagrids([0, 90, 180, 270], names)
    axes.set_title(f"plane {first}{second}", color=theme.text, fontsize=11)
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.text, labelsize=9)
    axes.grid(color=theme.ghost, linewidth=0.6)
    axes.set_rlabel_position(35)
    axes.spines["polar"].set_color(theme.edges)
