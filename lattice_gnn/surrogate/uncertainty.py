"""Error bounds for single predictions, calibrated on labels that the model has not seen.

The relative error e of an answer is expected to scale as

    s = exp(a + b log(spread + s0) + c log(correction + c0)),

spread that of the members of an ensemble, correction how far the answer is from the frame that it
starts from. a, b, c come from least squares on half of the held-out base lattices; the quantiles of
e / s over the other half turn s into bounds (split conformal prediction): a bound of level p holds
with probability p for a new lattice that is drawn as the held-out ones were.

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
_SPREAD, _CORRECTION, _ERROR = 2e-4, 1e-3, 1e-4  #: added before logarithms are taken
_LEAST = 20  #: lattices in each half

Numbers = Float[np.ndarray, " lattices"]


@dataclass(frozen=True, slots=True)
class ErrorBounds:
    """From spread and correction to bounds on the relative error.

    Attributes:
        weights: a, b and c.
        quantiles: Of e / s, for each of ``LEVELS``.
        count: Lattices that calibrated the quantiles.
    """

    weights: tuple[float, float, float]
    quantiles: tuple[float, float]
    count: int

    @classmethod
    def calibrate(
        cls,
        spread: Numbers,
        correction: Numbers,
        error: Numbers,
        base: Int[np.ndarray, " lattices"],
    ) -> "ErrorBounds":
        """Fit and calibrate on held-out labels.

        Args:
            spread: Of the members, relative.
            correction: Relative to the frame.
            error: Relative error of the answers.
            base: Base lattice of each; a base is in one half only.

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
        X = _columns(spread, correction)
        weights, *_ = np.linalg.lstsq(X[first], np.log(error[first] + _ERROR), rcond=None)
        a, b, c = (float(w) for w in weights)
        ratio = np.sort(error[~first] / np.exp(X[~first] @ weights))
        ranks = (math.ceil(p * (len(ratio) + 1)) for p in LEVELS)
        median, p90 = (float(ratio[min(rank, len(ratio)) - 1]) for rank in ranks)
        return cls((a, b, c), (median, p90), len(ratio))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ErrorBounds":
        """From the header of a weights file."""
        a, b, c = values["weights"]
        median, p90 = values["quantiles"]
        return cls((a, b, c), (median, p90), int(values["count"]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the header of a weights file."""
        return asdict(self)

    def scale(self, spread: Numbers, correction: Numbers) -> Numbers:
        """S of each lattice."""
        found: np.ndarray = np.exp(_columns(spread, correction) @ np.array(self.weights))
        return found

    def bounds(self, spread: Numbers, correction: Numbers) -> Float[np.ndarray, "lattices levels"]:
        """Bounds on the relative error, one column for each of ``LEVELS``."""
        found: np.ndarray = self.scale(spread, correction)[:, None] * np.array(self.quantiles)
        return found


def _columns(spread: Numbers, correction: Numbers) -> Float[np.ndarray, "lattices 3"]:
    return np.stack(
        [
            np.ones_like(spread),
            np.log(spread + _SPREAD),
            np.log(correction + _CORRECTION),
        ],
        1,
    )
