"""Compiled loops over the pairs of strut ends at joints, and when they serve."""

from types import ModuleType

import torch
from torch import Tensor

from fem_reference.loading import Kernel

_CALL = 500  #: overhead of a torch call, in equivalent pairs

KERNEL = Kernel("lattice_gnn.network.layers.joint_kernel.launch", load=650_000, compile=50_000_000)
"""Work is counted in pairs."""


def kernel_for(values: Tensor, pairs: int) -> ModuleType | None:
    """Return the compiled kernel, ``launch``, if it serves tensors like these."""
    if values.device.type != "cpu" or values.dtype not in (torch.float32, torch.float64):
        return None
    return KERNEL.serving(pairs + _CALL)
