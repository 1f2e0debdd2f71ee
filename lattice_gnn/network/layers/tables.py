"""Constant buffers of a module, exact in every precision."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class ExactTables(nn.Module):
    """Module whose buffers are constants that are kept in float64.

    ``model.float().double()`` would leave ordinary buffers rounded to float32; here every change of
    precision starts from the float64 values. The constants are not saved with the weights.
    """

    def __init__(self, **tables: Tensor):
        super().__init__()
        self._exact = tables
        for name, table in tables.items():
            self.register_buffer(name, table.to(torch.get_default_dtype()), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "ExactTables":
        super()._apply(fn, recurse)
        for name, table in self._exact.items():
            setattr(self, name, table.to(getattr(self, name)))
        return self
