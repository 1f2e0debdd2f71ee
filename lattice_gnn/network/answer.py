"""Output of a model: the stiffness, and measures of its uncertainty."""

from dataclasses import dataclass

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
