"""Notebook view of a stiffness: polar curves of Young's modulus beside the matrix."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.notebook import beside, drawing, grid, label, line, table
from lattice_gnn.tensors.stiffness import Stiffness

SIZE = 240  #: pixels
MOST_ROWS = 10  #: of a batch
_MARGIN = 22
_POINTS = 180
_ORDER = ("11", "22", "33", "23", "13", "12")
_PLANES = (("12", 0, 1, "#1b6ca8"), ("13", 0, 2, "#c4532d"), ("23", 1, 2, "#3f8f4f"))
"""Name, axes and colour of the coordinate planes."""


def stiffness_html(stiffness: Stiffness) -> str:
    """Return the Voigt matrix, the moduli and a drawing; of a batch the first tensors as rows."""
    if stiffness.batch_shape:
        return _batch_html(stiffness)
    C = stiffness.detach()
    matrix = C.voigt.tolist()
    rows = [(name, [_number(x) for x in row]) for name, row in zip(_ORDER, matrix, strict=True)]
    voigt = "<div>Stiffness, Voigt, order 11 22 33 23 13 12</div>" + grid(_ORDER, rows)
    if not bool(C.is_positive_definite()):
        return beside(voigt, table([("", "singular or indefinite: no moduli")]))
    E, G, K = C.young_modulus, C.shear_modulus, C.bulk_modulus
    moduli = [
        ("E, G, K (Hill)", ", ".join(_number(f()) for f in (E, G, K))),
        ("nu (Hill)", _number(C.poisson_ratio())),
        ("universal anisotropy", _number(C.universal_anisotropy())),
    ]
    return beside(polar_curves(C), voigt + table(moduli))


def polar_curves(stiffness: Stiffness) -> str:
    """Draw Young's modulus against direction in the three coordinate planes, as SVG.

    The radius is E(n); the ring is the largest E in these planes.
    """
    angle = torch.linspace(0.0, 2.0 * math.pi, _POINTS + 1, dtype=torch.float64)
    curves = []
    for _, first, second, _ in _PLANES:
        n = torch.zeros(len(angle), 3, dtype=torch.float64)
        n[:, first], n[:, second] = angle.cos(), angle.sin()
        curves.append(stiffness.detach().young_modulus(n))
    largest = max(float(curve.max()) for curve in curves)
    centre, reach = SIZE / 2, SIZE / 2 - _MARGIN
    ring = torch.full_like(angle, reach)
    shapes = [line(_polar(angle, ring, centre), "#bbbbbb", 0.8)]
    for number, (curve, (name, _, _, colour)) in enumerate(zip(curves, _PLANES, strict=True)):
        width = 4.5 - 1.5 * number  # so that coinciding curves all remain visible
        shapes.append(line(_polar(angle, curve * (reach / largest), centre), colour, width))
        shapes.append(label(20.0 + 26.0 * number, SIZE - 6.0, name, colour))
    shapes.append(label(centre, 14.0, f"E up to {_number(largest)}", "#555555"))
    return drawing(SIZE, shapes, "Young's modulus in the coordinate planes")


def _polar(
    angle: Float[Tensor, " points"], radius: Float[Tensor, " points"], centre: float
) -> list[tuple[float, float]]:
    x, y = centre + radius * angle.cos(), centre - radius * angle.sin()
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _batch_html(stiffness: Stiffness) -> str:
    C = stiffness.detach().voigt.reshape(-1, 6, 6)
    entries = (("C11", 0, 0), ("C22", 1, 1), ("C33", 2, 2), ("C12", 0, 1), ("C44", 3, 3))
    rows = [
        (str(number), [_number(matrix[i, j]) for _, i, j in entries])
        for number, matrix in enumerate(C[:MOST_ROWS])
    ]
    more = f"<div>... {len(C) - MOST_ROWS} more</div>" if len(C) > MOST_ROWS else ""
    head = f"<div>Stiffness, batch of shape {tuple(stiffness.batch_shape)}</div>"
    return head + grid([name for name, _, _ in entries], rows) + more


def _number(value: Tensor | float) -> str:
    return f"{float(value):.4g}"
