"""Linear least squares by normal equations accumulated over batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.training.labelled import LabelledLattices

OnProgress = Callable[[int, int], None]


@dataclass(slots=True)
class NormalEquations:
    """Normal equations X^T X and X^T y; memory is independent of the number of rows.

    Attributes:
        gram: X^T X.
        moment: X^T y.
        square: y^T y.
        rows: Number of rows.
    """

    gram: Float[Tensor, "features features"]
    moment: Float[Tensor, "features targets"]
    square: float = 0.0
    rows: int = 0

    @classmethod
    def empty(cls, features: int, targets: int, like: Tensor) -> "NormalEquations":
        """Normal equations without rows."""
        return cls(like.new_zeros(features, features), like.new_zeros(features, targets))

    def add(self, x: Float[Tensor, "rows features"], y: Float[Tensor, "rows targets"]) -> None:
        """Add rows."""
        self.gram.addmm_(x.T, x)
        self.moment.addmm_(x.T, y)
        self.square += float(y.square().sum())
        self.rows += len(x)

    def solve(self, penalty: float) -> Float[Tensor, "features targets"]:
        """Weights that minimise the squared error plus the penalty on the scaled weights."""
        scale = self.gram.diagonal().sqrt().clamp(min=1e-12 * self.rows**0.5)
        gram = self.gram / scale / scale[:, None]
        gram = gram + penalty * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        factor = torch.linalg.cholesky(gram)
        return torch.cholesky_solve(self.moment / scale[:, None], factor) / scale[:, None]

    def error(self, weights: Float[Tensor, "features targets"]) -> float:
        """Mean squared error of a solution over the rows."""
        quadratic = (weights * (self.gram @ weights)).sum() - 2 * (weights * self.moment).sum()
        return (self.square + float(quadratic)) / self.rows


def batches(
    kind: str,
    sets: tuple[LabelledLattices, LabelledLattices],
    size: int,
    on_progress: OnProgress | None = None,
) -> Iterator[tuple[int, LabelledLattices]]:
    """Yield the lattices of a training set (0) and of a validation set (1) in batches.

    Args:
        kind: The kind of model, for the message.
        sets: Training and validation lattices.
        size: Lattices per batch.
        on_progress: Called with the number of lattices done and the total, after each batch.

    Raises:
        LatticeGnnError: If one of the sets is empty.
    """
    counts = [len(labelled) for labelled in sets]
    if not all(counts):
        raise LatticeGnnError(
            f"{kind}: expected training and validation lattices, got {counts[0]} and {counts[1]}"
        )
    done = 0
    for number, labelled in enumerate(sets):
        for part in labelled.split(size):
            yield number, part
            done += len(part)
            if on_progress is not None:
                on_progress(done, sum(counts))
