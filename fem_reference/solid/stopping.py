"""Stopping criterion of the conjugate gradients of the solid reference, for all devices."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from lattice_gnn.errors import LatticeGnnError

MOST_ITERATIONS = 200  #: of the conjugate gradients; typically 5 to 10 are needed


class NotConvergedError(LatticeGnnError):
    """The equations could not be solved to the tolerance."""


def largest_share(error: Float[np.ndarray, "6 6"], C: Float[np.ndarray, "6 6"]) -> float:
    """Return the largest x^T error x / x^T C x over strains x whose energy exceeds rounding.

    Infinite if the iteration has diverged to non-finite numbers.
    """
    if not (np.isfinite(error).all() and np.isfinite(C).all()):
        return float("inf")
    floor = 1e-13 * max(float(np.trace(C)), 1e-300)
    return float(eigh(error, C + floor * np.eye(6), eigvals_only=True)[-1])


def reached(error: float, tolerance: float, iterations: int) -> bool:
    """Return whether the iteration may stop.

    Raises:
        NotConvergedError: After ``MOST_ITERATIONS``, with the error reached.
    """
    if error <= tolerance:
        return True
    if iterations < MOST_ITERATIONS and np.isfinite(error):
        return False
    raise NotConvergedError(
        f"the solid reference did not converge: relative energy error {error:.1e} after "
        f"{iterations} iterations, expected {tolerance:.1e}; refine the grid (more "
        "voxels per diameter) or relax the tolerance"
    )
