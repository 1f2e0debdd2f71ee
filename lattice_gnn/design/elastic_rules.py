"""Moduli along directions with derivatives in closed form.

With s_ab = a S b, S = C^-1 and Mandel vectors a and b, ds_ab = -(S a) dC (S b). The derivatives of

    E = 1/s_nn,  G = 1/(4 s_mm),  nu = -s_mn/s_nn

by C follow. s_ab is computed as (L^-1 a).(L^-1 b) with the Cholesky factor L of C, which avoids
cancellation in a stiff direction of a soft lattice, as in `lattice_gnn.tensors.moduli`.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.tensors.notation import dyad_mandel

InverseFactor = Float[np.ndarray, "lattices 6 6"]
"""L^-1 of the Cholesky factors of positive definite stiffnesses C = L L^T, Mandel."""
ElasticRule = Callable[
    [InverseFactor], tuple[Float[np.ndarray, " lattices"], Float[np.ndarray, "lattices 6 6"]]
]
"""Returns one number per stiffness C, from its inverse factor, and its derivative by C."""


def reciprocal(n: Float[Tensor, "3"], m: Float[Tensor, "3"], factor: float = 1.0) -> ElasticRule:
    """Return the rule of factor/s_aa, a the dyad of two unit vectors: E for n = m, G for 1/4."""
    a = dyad_mandel(n, m).numpy()

    def rule(inverse: InverseFactor) -> tuple[np.ndarray, np.ndarray]:
        w, x = _solved(inverse, a)
        value = factor / (w * w).sum(1)
        pull = value[:, None] * x
        return value, pull[:, :, None] * pull[:, None, :] / factor

    return rule


def poisson(n: Float[Tensor, "3"], m: Float[Tensor, "3"]) -> ElasticRule:
    """Return the rule of Poisson's ratio -s_mn/s_nn of two perpendicular unit vectors."""
    a, b = dyad_mandel(n, n).numpy(), dyad_mandel(m, m).numpy()

    def rule(inverse: InverseFactor) -> tuple[np.ndarray, np.ndarray]:
        (w, x), (v, y) = _solved(inverse, a), _solved(inverse, b)
        size = (w * w).sum(1)
        value = -(v * w).sum(1) / size
        # d nu = (y + nu x) dC x / s_nn, of which the symmetric part counts.
        first = (y + value[:, None] * x) / size[:, None]
        slope = first[:, :, None] * x[:, None, :]
        return value, 0.5 * (slope + slope.mT)

    return rule


def _solved(
    inverse: InverseFactor, a: Float[np.ndarray, "6"]
) -> tuple[Float[np.ndarray, "lattices 6"], Float[np.ndarray, "lattices 6"]]:
    """Return L^-1 a and S a of a Mandel vector a."""
    half = inverse @ a
    return half, (half[:, None] @ inverse)[:, 0]
