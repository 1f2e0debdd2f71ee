"""Views of a stiffness: surfaces by direction, alone or several on one scale."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from viz.directional import QUANTITIES, Quantity, directional_surface, values_along
from viz.mesh import Surface
from viz.picture import (
    EMPTY,
    SIGNED_COLOUR_MAP,
    SURFACE_SIZE,
    Part,
    Picture,
    Scale,
    View,
    direction_label,
    plain_name,
)

_SINGULAR = "not defined: the stiffness is singular, some strain has zero energy"
_NO_EDGES = np.zeros((0, 2, 3))


def stiffness_view(stiffness: Stiffness, quantity: str = "E", *, by: str = "") -> View:
    """Draw the surface of one quantity by direction, of unit size, with its extrema as text.

    Args:
        stiffness: C / E_s, not a batch.
        quantity: Name in ``viz.directional.QUANTITIES``.
        by: How it was computed, for the text; "" to leave that out.
    """
    surface = directional_surface(stiffness, quantity)
    what = QUANTITIES[quantity]
    if not surface.values.any():
        scale, line = Scale(what.symbol, (0.0, 1.0)), _SINGULAR
    else:
        scale, line = _range(stiffness, surface, what)
    largest = float(np.abs(surface.values).max())
    line = f"by {plain_name(by)}\n{line}" if by else line
    return View(what.title, line, (_part(surface, largest),), _NO_EDGES, scale)


def surfaces_on_one_scale(
    stiffnesses: Sequence[tuple[str, Stiffness]],
    quantity: str = "E",
    *,
    difference: bool = True,
) -> Picture:
    """Draw the surfaces of several stiffnesses, all to one scale of size and colour.

    Args:
        stiffnesses: Title and C / E_s of each.
        quantity: Name in ``viz.directional.QUANTITIES``.
        difference: Whether views follow that show the relative difference of each from the first,
            as colour on the surface of the other.

    Raises:
        LatticeGnnError: If there is none, or all are singular.
    """
    if not stiffnesses:
        raise LatticeGnnError("surfaces on one scale: expected at least one stiffness.")
    what = QUANTITIES[quantity]
    surfaces = [directional_surface(C, quantity) for _, C in stiffnesses]
    values = np.concatenate([x.values for x in surfaces if x.values.any()] or [np.zeros(1)])
    if not values.any():
        raise LatticeGnnError(f"{stiffnesses[0][0]}: {_SINGULAR}.")
    scale, largest = Scale.of(what.symbol, values), float(np.abs(values).max())
    views = [
        View(plain_name(name), _span(surface, what), (_part(surface, largest),), _NO_EDGES, scale,
             bar=False)
        for (name, _), surface in zip(stiffnesses, surfaces, strict=True)
    ]  # fmt: skip
    views[-1] = replace(views[-1], bar=True)
    changes = _differences(stiffnesses, surfaces, quantity, largest) if difference else []
    if len(changes) > 1:  # in a second row, each below its surface
        return Picture(what.title, (*views, EMPTY, *changes), len(views))
    return Picture(what.title, (*views, *changes), len(views) + len(changes))


def _differences(
    stiffnesses: Sequence[tuple[str, Stiffness]],
    surfaces: Sequence[Surface],
    quantity: str,
    largest: float,
) -> list[View]:
    """Colour every surface but the first by its relative difference from the first."""
    first_name, first = stiffnesses[0]
    what = QUANTITIES[quantity]
    if not surfaces[0].values.any():
        return []
    if what.modulus in ("E", "G"):
        symbol, unit = f"change of {what.modulus}, %", " %"
    else:
        symbol, unit = f"change of {what.modulus}", ""
    changes = [_change(first, surface, quantity, relative=bool(unit)) for surface in surfaces[1:]]
    reach = max((float(np.abs(change).max()) for change in changes), default=0.0) or 1.0
    scale = Scale(symbol, (-reach, reach), SIGNED_COLOUR_MAP)
    return [
        View(
            f"{plain_name(name)} against {plain_name(first_name)}",
            f"from {signed(change.min())}{unit} to {signed(change.max())}{unit}",
            (_part(replace(surface, values=change), largest),),
            _NO_EDGES,
            scale,
            bar=number == len(changes),
        )
        for number, ((name, _), surface, change) in enumerate(
            zip(stiffnesses[1:], surfaces[1:], changes, strict=True), 1
        )
    ]


def signed(value: float) -> str:
    """Write a number with its sign and three digits, without exponent if it is large."""
    return f"{value:+.3g}" if abs(value) < 1000 else f"{value:+.0f}"


def _change(
    first: Stiffness, surface: Surface, quantity: str, *, relative: bool
) -> Float[np.ndarray, " points"]:
    """Return the change of a quantity from the first stiffness at the points of a surface."""
    lengths = np.linalg.norm(surface.points, axis=1, keepdims=True)
    seen = lengths[:, 0] > 0
    change = np.zeros(len(surface.values))
    if seen.any():
        reference = values_along(first, surface.points[seen] / lengths[seen], quantity)
        values = surface.values[seen]
        change[seen] = 100 * (values / reference - 1) if relative else values - reference
    return change


def _part(surface: Surface, largest: float) -> Part:
    """Scale a surface into the unit sphere."""
    return Part(
        replace(surface, points=surface.points * (SURFACE_SIZE / max(largest, 1e-300))), True
    )


def _span(surface: Surface, what: Quantity) -> str:
    if not surface.values.any():
        return _SINGULAR
    low, high = float(surface.values.min()), float(surface.values.max())
    return f"{what.symbol} from {low:.4g} to {high:.4g}"


def _range(stiffness: Stiffness, surface: Surface, what: Quantity) -> tuple[Scale, str]:
    """Return the scale, and a line on the extrema over all directions."""
    extrema = stiffness.detach().extrema(what.modulus)
    low, high = float(surface.values.min()), float(surface.values.max())
    low = low if what.end == "max" else float(extrema.min)
    high = high if what.end == "min" else float(extrema.max)
    if high - low < 1e-6 * abs(high):
        scale = Scale.of(what.symbol, np.array([low, high]))
        return scale, f"{high:.4g} in every direction"
    ends = [_end(low, extrema.min_directions.numpy(), exact=what.end != "max")]
    ends += [_end(high, extrema.max_directions.numpy(), exact=what.end != "min")]
    return Scale.of(what.symbol, np.array([low, high])), f"from {ends[0]} to {ends[1]}"


def _end(value: float, directions: Float[np.ndarray, "..."], *, exact: bool) -> str:
    """Write one end of a range with its direction n, and m where there are two."""
    if not exact:
        return f"{value:.4g}"
    pair = directions.reshape(-1, 3)
    if len(pair) == 1:
        return f"{value:.4g} along {direction_label(pair[0])}"
    return f"{value:.4g} at n = {direction_label(pair[0])}, m = {direction_label(pair[1])}"
