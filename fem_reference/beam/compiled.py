"""Choice between the compiled kernel and torch, so that small jobs never pay for compilation.

This is the ski-rental problem. The kernel has a one-time cost: a moment to import numba and load
compiled code from its cache, or seconds to compile it if not cached. A process uses torch until it
has spent about as much there, so that it never takes more than twice the time of the better choice.
Work is counted, not timed: with the same cache the same program always takes the same path.
"""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType

COMPILED_BELOW_NODES = 500
"""Larger cells use the sparse factorisation; benchmarks/beam.py measures the crossover."""
_CALL = 130  #: overhead of a torch call, in equivalent nodes
_LOAD = 50_000  #: nodes that torch homogenises while the kernel is loaded from the cache ...
_COMPILE = 1_200_000  #: ... and while it is compiled
_MANY = 5_000  #: number of lattices of a single-path job from which compiling pays off
_LAUNCH = "fem_reference.beam.kernel.launch"


@dataclass(slots=True)
class _Process:
    """Work done so far by this process, and the kernel once loaded."""

    work: int = 0
    kernel: ModuleType | None = None


_process = _Process()
_pinned: ContextVar[bool | None] = ContextVar("_pinned", default=None)


@contextmanager
def pinned(lattices: int) -> Iterator[None]:
    """Use one path for a whole job of ``lattices`` lattices, whatever the process did before.

    Both paths agree only to rounding; this is for jobs that must be reproducible bit for bit.
    Nested inside another ``pinned``, the outer one decides.
    """
    if _pinned.get() is not None:
        yield
        return
    token = _pinned.set(lattices >= _MANY)
    try:
        yield
    finally:
        _pinned.reset(token)


def kernel_for(nodes: int) -> ModuleType | None:
    """Return the compiled kernel, ``kernel.launch``, if it serves cells with ``nodes`` nodes."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return None
    chosen = _pinned.get()
    if chosen is not None:
        return load_kernel() if chosen else None
    if _process.kernel is None:
        _process.work += nodes + _CALL
        if _process.work >= _LOAD:
            launch = importlib.import_module(_LAUNCH)
            if launch.is_cached() or _process.work >= _COMPILE:
                load_kernel()
    return _process.kernel


def load_kernel() -> ModuleType:
    """Load or compile the kernel now."""
    if _process.kernel is None:
        launch = importlib.import_module(_LAUNCH)
        launch.warm()
        _process.kernel = launch
    return _process.kernel
