"""Error bounds for single predictions, calibrated on held-out labels.

The relative error e of a prediction is expected to scale as

    s = exp(a + b log(spread + s0) + c log(correction + c0) + d log(opening + o0)),

with the spread of the members of an ensemble, the correction, which is the distance of the
prediction from the frame's stiffness, and the opening, 1 - cosine of the smallest angle at a joint
(sharp joints touch beyond it). a, b, c, d are fitted by least squares on half of the held-out base
lattices; the quantiles of e / s over the other half turn s into bounds (split conformal
prediction): a bound of level p holds with probability p for a new lattice drawn from the same
distribution as the held-out ones.

Reference:
    Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, *Distribution-free predictive inference for
    regression*, J. Am. Stat. Assoc. 113 (2018) 1094: section 5.2, locally weighted.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.errors import LatticeGnnError

LEVELS = (0.5, 0.9)
"""Probabilities of the bounds."""
_ADDED = (2e-4, 1e-3, 1e-2)  #: to the signs, before logarithms are taken
_ERROR = 1e-4  #: added to the error
_LEAST = 20  #: lattices in each half

Numbers = Float[np.ndarray, " lattices"]
Signs = Float[np.ndarray, "lattices 3"]  #: spread, correction, opening


@dataclass(frozen=True, slots=True)
class ErrorBounds:
    """Bounds on the relative error as a function of spread, correction and opening.

    Attributes:
        weights: a, b, c and d.
        quantiles: Quantiles of e / s, one per level in ``LEVELS``.
        count: Number of lattices that the quantiles were calibrated on.
    """

    weights: tuple[float, float, float, float]
    quantiles: tuple[float, float]
    count: int

    @classmethod
    def calibrate(
        cls, signs: Signs, error: Numbers, base: Int[np.ndarray, " lattices"]
    ) -> "ErrorBounds":
        """Fit and calibrate on held-out labels.

        Args:
            signs: Spread, correction and opening of each lattice.
            error: Relative error of the predictions.
            base: Base lattice of each label; all labels of a base are in the same half.

        Raises:
            LatticeGnnError: If there are too few lattices.
        """
        bases = np.unique(base)
        chosen = np.random.default_rng(0).permutation(bases)[: len(bases) // 2]
        first = np.isin(base, chosen)
        if min(first.sum(), (~first).sum()) < _LEAST:
            raise LatticeGnnError(
                f"uncertainty: expected {_LEAST} held-out lattices in each half, got "
                f"{int(first.sum())} and {int((~first).sum())}; hold out more"
            )
        X = _columns(signs)
        weights, *_ = np.linalg.lstsq(X[first], np.log(error[first] + _ERROR), rcond=None)
        a, b, c, d = (float(w) for w in weights)
        ratio = np.sort(error[~first] / np.exp(X[~first] @ weights))
        ranks = (math.ceil(p * (len(ratio) + 1)) for p in LEVELS)
        median, p90 = (float(ratio[min(rank, len(ratio)) - 1]) for rank in ranks)
        return cls((a, b, c, d), (median, p90), len(ratio))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ErrorBounds":
        """Build from the header of a weights file."""
        a, b, c, d = values["weights"]
        median, p90 = values["quantiles"]
        return cls((a, b, c, d), (median, p90), int(values["count"]))

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


def _columns(signs: Signs) -> Float[np.ndarray, "lattices 4"]:
    return np.column_stack([np.ones(len(signs)), np.log(signs + np.array(_ADDED))])
