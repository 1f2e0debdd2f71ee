"""Linear least squares by normal equations accumulated over batches."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


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
