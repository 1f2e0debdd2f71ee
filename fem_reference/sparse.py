"""Direct solution of sparse symmetric systems: SuperLU, or Pardiso if installed."""

import weakref
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import numpy as np

from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    import scipy.sparse  # slow to import; not needed for small lattices

Ordering = Literal["NATURAL", "MMD_AT_PLUS_A"]


class IllConditionedError(LatticeGnnError):
    """The equilibrium cannot be computed to the required accuracy in this precision."""

    def __init__(self, lattice: int):
        self.lattice = lattice
        super().__init__(
            f"lattice {lattice}: the stiffness matrix is too ill-conditioned to be solved "
            "accurately; check for struts that are extremely short, thin or soft compared with "
            "others, and use float64"
        )


def factorise(
    K: "scipy.sparse.csc_array", *, ordering: Ordering, pardiso_from: int = 0
) -> Callable[[np.ndarray], np.ndarray]:
    """Factorise a symmetric positive definite matrix; return the product with its inverse.

    Uses Pardiso's Cholesky with the extra ``pardiso``, otherwise scipy's SuperLU.

    Args:
        K: The matrix, both triangles.
        ordering: Ordering of the unknowns in SuperLU: natural, or minimum degree. Pardiso uses its
            own.
        pardiso_from: Number of unknowns from which Pardiso is used.

    Raises:
        IllConditionedError: For lattice 0, if the matrix is singular to rounding.
    """
    if K.shape[0] >= pardiso_from and find_spec("pypardiso") is not None:
        return _factorise_with_pardiso(K)
    from scipy.sparse.linalg import splu

    options = {"SymmetricMode": True, "Equil": False}
    try:
        lu = splu(K, permc_spec=ordering, diag_pivot_thresh=0.0, options=options)
    except RuntimeError as error:  # "Factor is exactly singular"
        raise IllConditionedError(0) from error
    return lu.solve


def _factorise_with_pardiso(K: "scipy.sparse.csc_array") -> Callable[[np.ndarray], np.ndarray]:
    from pypardiso import PyPardisoSolver
    from pypardiso.pardiso_wrapper import PyPardisoError
    from scipy.sparse import csr_matrix, triu

    upper = csr_matrix(triu(K, format="csr"))  # symmetric: Pardiso reads one triangle
    solver = PyPardisoSolver(mtype=2)
    try:
        solver.factorize(upper)
    except PyPardisoError as error:
        raise IllConditionedError(0) from error

    def apply_inverse(b: np.ndarray) -> np.ndarray:
        x: np.ndarray = solver.solve(upper, b)
        return x

    weakref.finalize(apply_inverse, solver.free_memory, everything=True)
    return apply_inverse
