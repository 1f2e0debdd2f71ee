"""What a model says of lattices beside their stiffness."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Answer:
    """C / E_s of simplified lattices, and what the model knows about its answer.

    Attributes:
        stiffness: C / E_s, Mandel.
        frame: The beam stiffness, where the model starts from it.
        spread: Root mean square distance of the members of an ensemble from their answer, over the
            answer (Frobenius); None without members.
        correction: |C - frame| / |C|, where there is a frame.
    """

    stiffness: Float[Tensor, "lattices 6 6"]
    frame: Float[Tensor, "lattices 6 6"] | None = None
    spread: Float[Tensor, " lattices"] | None = None
    correction: Float[Tensor, " lattices"] | None = None
