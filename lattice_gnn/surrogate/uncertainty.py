"""Error bounds for single predictions, calibrated on held-out labels.

The relative error e of a prediction is expected to scale as

    s = exp(a + b log(spread + s0) + c log(correction + c0) + d sharpness + f closeness),

with the spread of the members of an ensemble; the correction, which is the distance of the
prediction from the frame's stiffness; the sharpness, log of (1 - cos 40 degrees) / (1 - cosine of
the smallest angle at a joint), 0 above 40 degrees (struts of sharp joints overlap far beyond it);
and the closeness exp(-gap), with the smallest gap between struts that share no joint, over the
smallest radius: 1 where such struts touch. The weights a to f are fitted by least squares to the
held-out labels; the quantiles of e / s turn s into bounds. They are those of cross-conformal
prediction: the held-out base lattices are split into ten parts, and e / s of each part is computed
with weights fitted to the others, so that every label serves for both. A bound of level p holds
with probability of about p for a new lattice drawn from the same distribution as the held-out ones.

References:
    Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, *Distribution-free predictive inference for
    regression*, J. Am. Stat. Assoc. 113 (2018) 1094: section 5.2, locally weighted.
    Vovk, *Cross-conformal predictors*, Ann. Math. Artif. Intell. 74 (2015) 9.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.answer import Answer

LEVELS = (0.5, 0.9)
"""Probabilities of the bounds."""
_ADDED = (2e-4, 1e-3)  #: to spread and correction, before logarithms are taken
_OPENING = 1 - math.cos(math.radians(40.0))  #: from which joints are not sharp
_COINCIDENT = 1e-3  #: added to the opening
_ERROR = 1e-4  #: added to the error
_LEAST = 40  #: held-out labels
_FOLDS = 10
LABEL_NOISE = 0.1
"""Part of the stated error of a label that is added to the error of a prediction, in quadrature.

Labels on 8 to 16 voxels per diameter differ from those on 20 by 0.10 to 0.16 of the stated error
(``benchmarks/label_noise.py``, medians). Labels of like lattices share much of this error, and
models learn it, so that the distance from a label does not show it."""

Numbers = Float[np.ndarray, " lattices"]
Signs = Float[np.ndarray, "lattices 4"]  #: spread, correction, sharpness, closeness


def signs_of(answer: Answer, gap: Float[Tensor, " lattices"]) -> Signs | None:
    """Return the signs of the error of predictions; None for models without frame.

    Args:
        answer: Predictions of the model.
        gap: Smallest gap between struts without a common joint, over the smallest radius; NaN,
            where it is unknown, counts as contact.
    """
    if answer.correction is None or answer.opening is None:
        return None
    spread = torch.zeros_like(answer.correction) if answer.spread is None else answer.spread
    sharpness = (_OPENING / (answer.opening + _COINCIDENT)).log().clamp(min=0)
    closeness = (-gap.clamp(min=0)).exp().nan_to_num(1.0).to(spread)
    columns = (spread, answer.correction, sharpness, closeness)
    found: Signs = torch.stack(columns, 1).detach().cpu().numpy()
    return found


@dataclass(frozen=True, slots=True)
class ErrorBounds:
    """Bounds on the relative error as a function of the signs.

    Attributes:
        weights: a, b, c, d and f.
        quantiles: Quantiles of e / s, one per level in ``LEVELS``.
        count: Number of held-out labels.
    """

    weights: tuple[float, float, float, float, float]
    quantiles: tuple[float, float]
    count: int

    @staticmethod
    def enough(base: Int[np.ndarray, " lattices"]) -> bool:
        """Return whether held-out labels of these bases are enough to calibrate on."""
        return len(base) >= _LEAST and len(np.unique(base)) >= _FOLDS

    @classmethod
    def calibrate(
        cls, signs: Signs, error: Numbers, base: Int[np.ndarray, " lattices"]
    ) -> "ErrorBounds":
        """Fit and calibrate on held-out labels.

        Args:
            signs: Signs of each lattice.
            error: Relative error of the predictions.
            base: Base lattice of each label; all labels of a base are in the same part.

        Raises:
            LatticeGnnError: If there are too few lattices.
        """
        enough = cls.enough(base)
        bases, base = np.unique(base, return_inverse=True)
        if not enough:
            raise LatticeGnnError(
                f"uncertainty: expected at least {_LEAST} held-out lattices of {_FOLDS} bases, got "
                f"{len(error)} of {len(bases)}; hold out more"
            )
        X, y = _columns(signs), np.log(error + _ERROR)
        part = np.random.default_rng(0).permutation(len(bases))[base] % _FOLDS
        ratio = np.empty(len(error))
        for fold in range(_FOLDS):
            own = part == fold
            ratio[own] = error[own] / np.exp(X[own] @ _fit(X[~own], y[~own]))
        median, p90 = (conformal_quantile(ratio, level) for level in LEVELS)
        a, b, c, d, f = _fit(X, y).tolist()
        return cls((a, b, c, d, f), (median, p90), len(ratio))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ErrorBounds":
        """Build from the header of a weights file."""
        median, p90 = (float(value) for value in values["quantiles"])
        a, b, c, d, f = (float(value) for value in values["weights"])
        return cls((a, b, c, d, f), (median, p90), int(values["count"]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the header of a weights file."""
        return asdict(self)

    def scale(self, signs: Signs) -> Numbers:
        """Return s of each lattice."""
        found: np.ndarray = np.exp(_columns(signs) @ np.array(self.weights))
        return found

    def bounds(self, signs: Signs) -> Float[np.ndarray, "lattices levels"]:
        """Return bounds on the relative error, one column per level in ``LEVELS``."""
        found: np.ndarray = self.scale(signs)[:, None] * np.array(self.quantiles)
        return found


def conformal_quantile(scores: Numbers, level: float) -> float:
    """Return the score that a new one exceeds with probability of at most 1 - level.

    Of n scores it is the one of rank level (n + 1), rounded up; at most the largest.
    """
    rank = math.ceil(level * (len(scores) + 1))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def _columns(signs: Signs) -> Float[np.ndarray, "lattices 5"]:
    logarithms = np.log(signs[:, :2] + np.array(_ADDED))
    return np.column_stack([np.ones(len(signs)), logarithms, signs[:, 2:]])


def _fit(X: Float[np.ndarray, "some 5"], y: Float[np.ndarray, " some"]) -> np.ndarray:
    weights: np.ndarray = np.linalg.lstsq(X, y, rcond=None)[0]
    return weights
