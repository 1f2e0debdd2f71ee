"""Polar cuts of Young's modulus through the three coordinate planes, as one SVG."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
import torch
from jaxtyping import Float

from lattice_gnn.tensors.stiffness import Stiffness

Angles = Float[np.ndarray, " points"]
Modulus = Callable[[Angles], Float[np.ndarray, " points"]]

PLANES = (("12", 0, 1), ("13", 0, 2), ("23", 1, 2))
"""Name and axes of every plane: the first axis to the right, the second upwards."""

STYLES = (("#2b4fd8", ""), ("#c4532d", "7 3"), ("#2d8a57", "2 3"), ("#7b2cbf", "9 3 2 3"))
"""Colour and dashes of the curves, which differ in print without colour too."""

_SIZE, _REACH, _TOP, _BOTTOM = 250, 92, 24, 30
_START = 72  #: points of a curve before refinement, an even number
_DEVIATION = 0.15  #: pixels between a curve and its chords


def polar_cuts(stiffnesses: Mapping[str, Stiffness]) -> str:
    """Draw E(n)/E_s against direction in the planes 12, 13 and 23.

    Args:
        stiffnesses: C / E_s by the title of its curve; singular ones have no curve.

    Returns:
        An SVG; "" if there is no curve to draw.
    """
    known = {
        title: C.detach() for title, C in stiffnesses.items() if bool(C.is_positive_definite())
    }
    if not known:
        return ""
    largest = max(
        float(modulus_in_plane(C, a, b)(np.linspace(0, np.pi, 361)).max())
        for C in known.values()
        for _, a, b in PLANES
    )
    rings = ring_values(largest)
    scale = _REACH / max(largest, rings[-1])
    panels = [
        f'<g transform="translate({k * _SIZE},0)">{_panel(known, plane, rings, scale)}</g>'
        for k, plane in enumerate(PLANES)
    ]
    legend = _legend(list(known)) if len(known) > 1 else ""
    width, height = _SIZE * len(PLANES), _TOP + 2 * (_REACH + 18) + (_BOTTOM if legend else 8)
    return (
        f'<svg class="cuts" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'role="img"><title>E(n)/E_s in the planes 12, 13 and 23, up to {largest:.4g}</title>'
        + "".join(panels)
        + f'<g transform="translate(0,{height - 10})">{legend}</g></svg>'
    )


def modulus_in_plane(stiffness: Stiffness, first: int, second: int) -> Modulus:
    """Return E/E_s as a function of the angle from axis ``first`` towards axis ``second``."""

    def modulus(angles: Angles) -> Float[np.ndarray, " points"]:
        n = np.zeros((len(angles), 3))
        n[:, first], n[:, second] = np.cos(angles), np.sin(angles)
        values: Float[np.ndarray, " points"] = stiffness.young_modulus(torch.from_numpy(n)).numpy()
        return values

    return modulus


def refined_curve(modulus: Modulus, scale: float) -> Float[np.ndarray, "points 2"]:
    """Return a closed curve in pixels from the centre, refined until its chords are close to it."""
    angles = np.linspace(0, np.pi, _START // 2 + 1)
    values = modulus(angles)
    for _ in range(10):
        middle = (angles[1:] + angles[:-1]) / 2
        points, between = _points(angles, values * scale), modulus(middle)
        gap = _points(middle, between * scale) - (points[1:] + points[:-1]) / 2
        coarse = np.linalg.norm(gap, axis=1) > _DEVIATION
        if not coarse.any():
            break
        place = np.flatnonzero(coarse) + 1
        angles = np.insert(angles, place, middle[coarse])
        values = np.insert(values, place, between[coarse])
    half = _points(angles, values * scale)
    return np.concatenate([half, -half[1:]])


def ring_values(largest: float) -> list[float]:
    """Return two to five round values from 0 to just below the largest one, without 0."""
    power = 10.0 ** math.floor(math.log10(largest))
    step = next(x * power for x in (0.2, 0.5, 1.0, 2.0) if largest / (x * power) <= 5.0001)
    return [step * k for k in range(1, math.floor(largest / step * 1.0001) + 1)]


def _points(angles: Angles, radii: Float[np.ndarray, " points"]) -> Float[np.ndarray, "points 2"]:
    """Return pixels; y points down."""
    return np.column_stack([radii * np.cos(angles), -radii * np.sin(angles)])


def _panel(
    stiffnesses: Mapping[str, Stiffness],
    plane: tuple[str, int, int],
    rings: Sequence[float],
    scale: float,
) -> str:
    name, first, second = plane
    x, y = _SIZE / 2, _TOP + _REACH + 16
    reach = max(_REACH, rings[-1] * scale)
    parts = [
        f'<text x="{x}" y="15" text-anchor="middle" font-weight="600">plane {name}</text>',
        *(
            f'<circle cx="{x}" cy="{y}" r="{value * scale:.2f}" fill="none" stroke="#cfd6dd"/>'
            for value in rings
        ),
        f'<path d="M{x - reach} {y}h{2 * reach}M{x} {y - reach}v{2 * reach}" stroke="#cfd6dd"/>',
        f'<text x="{x + reach + 6:.1f}" y="{y + 4}">{first + 1}</text>',
        f'<text x="{x}" y="{y - reach - 5:.1f}" text-anchor="middle">{second + 1}</text>',
    ]
    for (colour, dashes), C in zip(_styles(len(stiffnesses)), stiffnesses.values(), strict=True):
        curve = refined_curve(modulus_in_plane(C, first, second), scale) + np.array([x, y])
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in curve)
        parts.append(
            f'<path d="M{path}Z" fill="none" stroke="{colour}" stroke-width="1.8" '
            f'stroke-linejoin="round" stroke-dasharray="{dashes or "none"}"/>'
        )
    # The values last, on top of the curves, along the diagonal where few peaks are.
    half = math.sqrt(0.5)
    for value in rings[-1:] if len(rings) < 2 else (rings[len(rings) // 2 - 1], rings[-1]):
        parts.append(
            f'<text class="ring" x="{x + value * scale * half:.1f}" '
            f'y="{y + value * scale * half + 10:.1f}">{value:.3g}</text>'
        )
    return "".join(parts)


def _styles(count: int) -> list[tuple[str, str]]:
    return [STYLES[k % len(STYLES)] for k in range(count)]


def _legend(titles: Sequence[str]) -> str:
    parts, x = [], 12.0
    for title, (colour, dashes) in zip(titles, _styles(len(titles)), strict=True):
        parts.append(
            f'<path d="M{x:.0f} -4h30" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dashes or "none"}"/><text x="{x + 36:.0f}" y="0">'
            f"{escape(title)}</text>"
        )
        x += 60 + 7.0 * len(title)
    return "".join(parts)
