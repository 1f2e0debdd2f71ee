"""Conversion of array-likes to float64 tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError

ArrayLike = Tensor | np.ndarray | Sequence[Any] | float | int


def float64_tensor(values: ArrayLike, *trailing: int, name: str) -> Tensor:
    """Convert an array-like to a float64 tensor and check its trailing dimensions.

    Args:
        values: Tensor (gradients are kept), array, nested sequence or number.
        trailing: Expected sizes of the last dimensions.
        name: Name in error messages.

    Raises:
        LatticeGnnError: For values that are not numbers, or another shape.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        values = values.astype(np.float64)  # a copy, since arrays may be read-only
    try:
        tensor = torch.as_tensor(values, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise LatticeGnnError(f"{name} must be numbers but is a {type(values).__name__}") from None
    if tuple(tensor.shape[tensor.ndim - len(trailing) :]) != trailing:
        shape = ", ".join(str(size) for size in trailing)
        raise LatticeGnnError(
            f"{name} must have shape (..., {shape}) but has shape {tuple(tensor.shape)}"
        )
    return tensor
