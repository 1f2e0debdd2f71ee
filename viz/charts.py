"""Property charts: Young's modulus over relative density, beside the bounds and power laws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.bounds import upper_bounds
from lattice_gnn.tensors.stiffness import Stiffness
from viz.picture import THEMES, Theme, plain_name
from viz.style import MARKERS, PALETTE, new_figure, tidy
from viz.ticks import number_ticks

_NAMED = 14  #: lattices that are named beside their points
_SLOPES = {1: "stretching, slope 1", 2: "bending, slope 2", 3: "slope 3"}


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Lattices of one kind or method.

    Attributes:
        label: For the legend.
        relative_density: Sum of strut volumes over cell volume.
        stiffness: C / E_s, Mandel.
        names: Name of each lattice; empty if there are too many to name.
    """

    label: str
    relative_density: Float[np.ndarray, " lattices"]
    stiffness: Float[np.ndarray, "lattices 6 6"]
    names: tuple[str, ...] = ()

    def young_modulus(self) -> Float[np.ndarray, " lattices"]:
        """Return E / E_s of the isotropic average (Hill); NaN where C is singular."""
        C = Stiffness(torch.from_numpy(self.stiffness))
        found = np.full(len(self.stiffness), np.nan)
        regular = C.is_positive_definite().numpy()
        if regular.any():
            mandel = torch.from_numpy(self.stiffness[regular])
            found[regular] = Stiffness(mandel).young_modulus().numpy()
        return found


def property_chart(
    series: Sequence[Series], nu: float = 0.3, theme: Theme = THEMES["light"]
) -> Figure:
    """Draw E over density on logarithmic axes, with power laws and the Hashin-Shtrikman bound.

    E is that of Hill's isotropic average. The bound is that of isotropic materials in void, at a
    volume fraction equal to the relative density (which counts the overlap at the joints twice).
    The lines E/E_s = density^n are guides for stretching (1), bending (2) and worse (3).

    Args:
        series: At least one, with at least one positive definite stiffness.
        nu: Poisson's ratio of the solid, for the bound.
        theme: Colours.

    Raises:
        LatticeGnnError: If there is nothing to draw.
    """
    moduli = [x.young_modulus() for x in series]
    if not any(np.isfinite(E).any() for E in moduli):
        raise LatticeGnnError("property chart: there is no lattice with a regular stiffness.")
    figure = new_figure(7.6, 6.0, theme)
    axes = figure.subplots()
    shown = [np.isfinite(E) for E in moduli]
    x = np.concatenate([s.relative_density[k] for s, k in zip(series, shown, strict=True)])
    y = np.concatenate([E[k] for E, k in zip(moduli, shown, strict=True)])
    margin = max(1.6, 3 / np.sqrt(x.max() / x.min()))
    low, high = float(x.min()) / margin, min(1.0, float(x.max()) * margin)
    guide = np.geomspace(low, high, 100)
    bound = upper_bounds(torch.from_numpy(guide), nu=nu).young_hashin_shtrikman.numpy()
    axes.plot(guide, bound, color=theme.text, linewidth=1.6, label="Hashin-Shtrikman bound")
    for style, (slope, label) in zip(("--", "-.", ":"), _SLOPES.items(), strict=True):
        axes.plot(guide, guide**slope, style, color=theme.edges, linewidth=1.1, label=label)
    alpha = float(np.clip(12 / np.sqrt(len(x)), 0.15, 0.9))
    for number, (one, E, chosen) in enumerate(zip(series, moduli, shown, strict=True)):
        axes.plot(
            one.relative_density[chosen],
            E[chosen],
            MARKERS[number % len(MARKERS)],
            color=PALETTE[number % len(PALETTE)],
            markersize=7 if len(x) < 200 else 3.5,
            markeredgewidth=0,
            alpha=alpha,
            label=one.label,
        )
    axes.set(xscale="log", yscale="log", xlim=(low, high))
    axes.set_ylim(float(y.min()) / 2, float(bound.max()) * 1.5)
    axes.set_xlabel("relative density")
    axes.set_ylabel("Young's modulus of the isotropic average, $E/E_s$")
    _name_points(axes, series[0], moduli[0], theme)
    tidy(axes, theme)
    number_ticks(axes.xaxis)
    number_ticks(axes.yaxis)
    axes.legend(loc="lower right", fontsize=8.5, edgecolor="none",
                facecolor=theme.background, framealpha=0.85, labelcolor=theme.text)  # fmt: skip
    return figure


def _name_points(
    axes: Axes, series: Series, moduli: Float[np.ndarray, " lattices"], theme: Theme
) -> None:
    """Write the names of a few lattices beside their points, apart from each other."""
    regular = np.flatnonzero(np.isfinite(moduli))
    if not series.names or len(regular) > _NAMED:
        return
    last = np.inf
    for k in regular[np.argsort(-moduli[regular])]:
        level = min(np.log10(moduli[k]), last - 0.055)
        last = level
        axes.annotate(
            plain_name(series.names[k], 24),
            (series.relative_density[k], moduli[k]),
            xytext=(1.06 * series.relative_density[k], 10**level),
            fontsize=7.5,
            color=theme.text,
            va="center",
        )
