"""Calibration of error bounds on held-out labels: conformal quantile regression.

The log of the error is bounded by a linear function of the columns of ``uncertainty.py``, fitted by
quantile regression to the held-out labels: it has the share of errors below it that the bound
shall have. The factor q makes the promise hold for errors that the fit has not seen. It is a
quantile of e / s by cross-conformal prediction: the held-out base lattices are split into ten
parts, and e / s of each part is computed with weights fitted to the others, so that every label
serves for both. A bound of level p holds with probability of about p for a new lattice drawn from
the same distribution as the held-out ones.

References:
    Koenker, Bassett, *Regression quantiles*, Econometrica 46 (1978) 33.
    Romano, Patterson, Candes, *Conformalized quantile regression*, NeurIPS (2019).
    Vovk, *Cross-conformal predictors*, Ann. Math. Artif. Intell. 74 (2015) 9.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linprog

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.surrogate.uncertainty import LEVELS, ErrorBounds, Numbers, Signs, columns

LABEL_NOISE = 0.1
"""Part of the stated error of a label that is added to the error of a prediction, in quadrature,
where labels are not corrected for the mean error of their grids.

Labels on 8 to 16 voxels per diameter differ from those on 20 by 0.1 to 0.24 of the stated error
(``benchmarks/label_noise.py``, medians). Labels of like lattices share much of this error, and
models learn it, so that the distance from a label does not show it."""
_ERROR = 1e-4  #: added to the error
_LEAST = 40  #: held-out labels
_FOLDS = 10

Bases = Int[np.ndarray, " lattices"]


def enough(base: Bases) -> bool:
    """Return whether held-out labels of these bases are enough to calibrate on."""
    return len(base) >= _LEAST and len(np.unique(base)) >= _FOLDS


def calibrate(signs: Signs, error: Numbers, base: Bases) -> ErrorBounds:
    """Fit and calibrate bounds on held-out labels.

    Args:
        signs: Signs of each lattice.
        error: Relative error of the predictions.
        base: Base lattice of each label; all labels of a base are in the same part.

    Raises:
        LatticeGnnError: If there are too few lattices.
    """
    if not enough(base):
        raise LatticeGnnError(
            f"uncertainty: expected at least {_LEAST} held-out lattices of {_FOLDS} bases, got "
            f"{len(error)} of {len(np.unique(base))}; hold out more"
        )
    bases, base = np.unique(base, return_inverse=True)
    X, y = columns(signs), np.log(error + _ERROR)
    part = np.random.default_rng(0).permutation(len(bases))[base] % _FOLDS
    weights, factors = [], []
    for level in LEVELS:
        ratio = np.empty(len(error))
        for fold in range(_FOLDS):
            own = part == fold
            ratio[own] = error[own] / np.exp(X[own] @ regression_quantile(X[~own], y[~own], level))
        factors.append(conformal_quantile(ratio, level))
        weights.append(tuple(regression_quantile(X, y, level).tolist()))
    return ErrorBounds(tuple(weights), tuple(factors), len(error))


def regression_quantile(
    X: Float[np.ndarray, "some columns"], y: Float[np.ndarray, " some"], level: float
) -> Float[np.ndarray, " columns"]:
    """Return w for which X w exceeds a share ``level`` of y, by the smallest pinball loss.

    The loss is the sum of level z where z = y - X w > 0 and of (level - 1) z elsewhere. Its dual is
    the linear programme max y.a, X^T a = (1 - level) X^T 1, 0 <= a <= 1, whose multipliers are w.
    """
    solution = linprog(-y, A_eq=X.T, b_eq=(1 - level) * X.sum(0), bounds=(0, 1), method="highs-ds")
    if not solution.success:
        raise LatticeGnnError(f"uncertainty: the quantile regression failed: {solution.message}")
    found: np.ndarray = -solution.eqlin.marginals
    return found


def conformal_quantile(scores: Numbers, level: float) -> float:
    """Return the score that a new one exceeds with probability of at most 1 - level.

    Of n scores it is the one of rank level (n + 1), rounded up; at most the largest.
    """
    rank = math.ceil(level * (len(scores) + 1))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])
