"""Random strains of a cell."""

import numpy as np
from jaxtyping import Float


def random_stretch(largest: float, rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """Draw a symmetric deformation gradient: principal stretches uniform in 1 +- largest."""
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    stretch = np.diag(1 + rng.uniform(-largest, largest, 3))
    F: Float[np.ndarray, "3 3"] = turn @ stretch @ turn.T
    return F
