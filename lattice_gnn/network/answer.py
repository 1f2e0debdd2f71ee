"""Output of a model: the stiffness, and measures of its uncertainty."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Answer:
    """C / E_s of simplified lattices, with measures of its uncertainty.

    Attributes:
        stiffness: C / E_s, Mandel.
        frame: The beam stiffness, for models that correct it, else None.
        spread: Root mean square distance of the members of an ensemble from their answer, relative
            to it (Frobenius); None without members.
        correction: |C - frame| / |C|; None without frame.
        opening: 1 - cosine of the smallest angle between two struts of a joint, where joints are
            looked at.
    """

    stiffness: Float[Tensor, "lattices 6 6"]
    frame: Float[Tensor, "lattices 6 6"] | None = None
    spread: Float[Tensor, " lattices"] | None = None
    correction: Float[Tensor, " lattices"] | None = None
    opening: Float[Tensor, " lattices"] | None = None

    def signs(self) -> Float[Tensor, "lattices 3"] | None:
        """Spread (0 without members), correction and opening; None for models without frame."""
        if self.correction is None or self.opening is None:
            return None
        spread = torch.zeros_like(self.correction) if self.spread is None else self.spread
        return torch.stack([spread, self.correction, self.opening], 1)
