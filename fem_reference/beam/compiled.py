"""When the compiled kernel serves (see ``loading``)."""

from types import ModuleType

from fem_reference.loading import Kernel

COMPILED_BELOW_NODES = 500
"""Larger cells use the sparse factorisation; benchmarks/beam.py measures the crossover."""
_CALL = 130  #: overhead of a torch call, in equivalent nodes

KERNEL = Kernel("fem_reference.beam.kernel.launch", load=50_000, compile=1_200_000)
"""Work is counted in nodes."""


def kernel_for(nodes: int) -> ModuleType | None:
    """Return the compiled kernel, ``kernel.launch``, if it serves cells with ``nodes`` nodes."""
    return KERNEL.serving(nodes + _CALL)


def load_kernel() -> ModuleType:
    """Load or compile the kernel now."""
    return KERNEL.load_now()
