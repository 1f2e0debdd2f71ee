"""Direct solution of sparse symmetric systems: SuperLU, or Pardiso where it is installed."""

import weakref
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import numpy as np

from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    import scipy.sparse  # takes long to load, which small lattices do not need

Ordering = Literal["NATURAL", "MMD_AT_PLUS_A"]


class IllConditionedError(LatticeGnnError):
    """The equilibrium cannot be found to the promised accuracy in this precision."""

    def __init__(self, lattice: int):
        self.lattice = lattice
        super().__init__(
            f"lattice {lattice}: the stiffness matrix is too ill-conditioned to be solved "
            "accurately; look for struts that are extremely short, thin or soft beside others, "
            "and use float64"
        )


def factorise(
    K: "scipy.sparse.csc_array", *, ordering: Ordering, pardiso_from: int = 0
) -> Callable[[np.ndarray], np.ndarray]:
    """Factorise a symmetric positive definite matrix; returns the product with its inverse.

    With the extra ``pardiso`` installed it is Pardiso's Cholesky, else SuperLU's LU of scipy.

    Args:
        K: The matrix, both triangles.
        ordering: Of the unknowns, in SuperLU: as they stand, or by minimum degree. Pardiso orders
            them itself.
        pardiso_from: Number of unknowns from which Pardiso is worth its start.

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

    upper = csr_matrix(triu(K, format="csr"))  # what Pardiso reads of a symmetric matrix
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
