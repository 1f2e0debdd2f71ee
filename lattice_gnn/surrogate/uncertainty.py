"""Error bounds for single predictions, as functions of signs of the error.

The relative error e of a prediction is below

    q s,   s = exp(a + b log(spread + s0) + c log(correction + c0) + d sharpness + f closeness
                   + g log(density) + h sharpness log(density)),

with a given probability. Spread is that of the members of an ensemble; correction the distance of
the prediction from the frame's stiffness; sharpness the log of (1 - cos 40 degrees) / (1 - cosine
of the smallest angle at a joint), 0 above 40 degrees (struts of sharp joints overlap far beyond
it); closeness exp(-gap), with the smallest gap between struts that share no joint, over the
smallest radius: 1 where such struts touch; density the relative density. The weights a to h and the
factor q of every probability come from held-out labels (``calibration.py``).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.network.answer import Answer

LEVELS = (0.5, 0.9)
"""Probabilities of the bounds."""
_ADDED = (2e-4, 1e-3)  #: to spread and correction, before logarithms are taken
_OPENING = 1 - math.cos(math.radians(40.0))  #: from which joints are not sharp
_COINCIDENT = 1e-3  #: added to the opening
_WEIGHTS = 7  #: a to h

Numbers = Float[np.ndarray, " lattices"]
Signs = Float[np.ndarray, "lattices 5"]
"""Spread, correction, sharpness, closeness, log of the relative density."""


def signs_of(
    answer: Answer, gap: Float[Tensor, " lattices"], density: Float[Tensor, " lattices"]
) -> Signs | None:
    """Return the signs of the error of predictions; None for models without frame.

    Args:
        answer: Predictions of the model.
        gap: Smallest gap between struts without a common joint, over the smallest radius; NaN,
            where it is unknown, counts as contact.
        density: Relative density.
    """
    if answer.correction is None or answer.opening is None:
        return None
    spread = torch.zeros_like(answer.correction) if answer.spread is None else answer.spread
    sharpness = (_OPENING / (answer.opening + _COINCIDENT)).log().clamp(min=0)
    closeness = (-gap.clamp(min=0)).exp().nan_to_num(1.0).to(spread)
    columns = (spread, answer.correction, sharpness, closeness, density.log().to(spread))
    found: Signs = torch.stack(columns, 1).detach().cpu().numpy()
    return found


def columns(signs: Signs) -> Float[np.ndarray, "lattices 7"]:
    """Return the numbers that the weights multiply."""
    logarithms = np.log(signs[:, :2] + np.array(_ADDED))
    sharpness, density = signs[:, 2], signs[:, 4]
    return np.column_stack([np.ones(len(signs)), logarithms, signs[:, 2:], sharpness * density])


@dataclass(frozen=True, slots=True)
class ErrorBounds:
    """Bounds on the relative error as functions of the signs.

    Attributes:
        weights: a to h of every level in ``LEVELS``.
        factors: q of every level.
        count: Number of held-out labels.
    """

    weights: tuple[tuple[float, ...], ...]
    factors: tuple[float, ...]
    count: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ErrorBounds":
        """Build from the header of a weights file; raises ValueError or the like if damaged."""
        weights, factors = values["weights"], values["factors"]
        if np.shape(weights) != (len(LEVELS), _WEIGHTS) or np.shape(factors) != (len(LEVELS),):
            raise ValueError("expected seven weights and a factor for each of two bounds")
        weights, factors = np.array(weights, dtype=float), np.array(factors, dtype=float)
        rows = tuple(tuple(row) for row in weights.tolist())
        return cls(rows, tuple(factors.tolist()), int(values["count"]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the header of a weights file."""
        return asdict(self)

    def bounds(self, signs: Signs) -> Float[np.ndarray, "lattices levels"]:
        """Return bounds on the relative error, one column per level in ``LEVELS``, ascending."""
        scale = np.exp(columns(signs) @ np.array(self.weights).T)
        found: np.ndarray = np.sort(scale * np.array(self.factors), axis=1)
        return found
