"""Maps from a symmetric matrix M to a stiffness; all but "none" forbid negative strain energy.

Each is equivariant (a matrix function commutes with rotations) and works in float64: in float32 a
matrix square of a near-singular M comes out with negative eigenvalues.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from fem_reference.affine import affine_stiffness
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.matrix_functions import symmetric_function

Matrices = Float[Tensor, "lattices 6 6"]


def unconstrained(M: Matrices, batch: LatticeBatch) -> Matrices:
    """C = rho M, which may be indefinite: the comparison without positivity."""
    return batch.relative_density().double()[:, None, None] * M


def square(M: Matrices, batch: LatticeBatch) -> Matrices:
    """C = rho M^2, rho the relative density (Grega et al. 2024, section 4.2; there without rho)."""
    return batch.relative_density().double()[:, None, None] * (M.mT @ M)


def exponential(M: Matrices, batch: LatticeBatch) -> Matrices:
    """C = rho exp(M)."""
    return batch.relative_density().double()[:, None, None] * symmetric_function(M, "exp")


def prior_root(batch: LatticeBatch) -> Matrices:
    """P^(1/2) with P the affine stiffness."""
    return symmetric_function(affine_stiffness(batch), "sqrt")


def prior(M: Matrices, batch: LatticeBatch, root: Matrices | None = None) -> Matrices:
    """C = P^(1/2) exp(M) P^(1/2) with P the affine stiffness: M = 0 is the affine bound.

    ``root`` is ``prior_root(batch)`` where it is known already.
    """
    G = symmetric_function(M / 2, "exp") @ (prior_root(batch) if root is None else root)
    return G.mT @ G


def prior_inverse(C: Matrices, batch: LatticeBatch) -> Matrices:
    """The M that ``prior`` maps to C, log(P^(-1/2) C P^(-1/2)): the target of a log loss."""
    inverse_root = symmetric_function(affine_stiffness(batch), "inv_sqrt")
    relative = inverse_root @ C @ inverse_root
    return symmetric_function((relative + relative.mT) / 2, "log")


POSITIVE_MAPS: dict[str, Callable[[Matrices, LatticeBatch], Matrices]] = {
    "none": unconstrained,
    "square": square,
    "exp": exponential,
    "prior": prior,
}
