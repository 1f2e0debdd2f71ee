"""When the conjugate gradients of the solid reference stop: one criterion for all devices."""

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from lattice_gnn.errors import LatticeGnnError

MOST_ITERATIONS = 200  #: of the conjugate gradients; 5 to 10 are usual


class NotConvergedError(LatticeGnnError):
    """The equations could not be solved to the tolerance."""


def largest_share(error: Float[np.ndarray, "6 6"], C: Float[np.ndarray, "6 6"]) -> float:
    """Largest x^T error x / x^T C x; strains without energy (beyond rounding) do not count.

    Infinite where the iteration has left the finite numbers.
    """
    if not (np.isfinite(error).all() and np.isfinite(C).all()):
        return float("inf")
    floor = 1e-13 * max(float(np.trace(C)), 1e-300)
    return float(eigh(error, C + floor * np.eye(6), eigvals_only=True)[-1])


def reached(error: float, tolerance: float, iterations: int) -> bool:
    """Whether the iteration may stop.

    Raises:
        NotConvergedError: With the error that was reached, after ``MOST_ITERATIONS``.
    """
    if error <= tolerance:
        return True
    if iterations < MOST_ITERATIONS and np.isfinite(error):
        return False
    raise NotConvergedError(
        f"the solid's equations: a relative energy error of {error:.1e} is left after "
        f"{iterations} iterations, {tolerance:.1e} was asked for: refine the grid (more "
        "voxels per diameter) or relax the tolerance"
    )
