"""When the compiled kernel serves: importing and compiling it must never cost a small job.

The decision is that of renting or buying skis. The kernel costs once: a moment to import numba and
load compiled code from its cache, or seconds to compile it where the cache holds none. Until a
process has spent about as much on the path of torch, the kernel stays out of it; so it never waits
for more than twice the time of the better choice. Work is counted, not timed: the same program
takes the same path each time.
"""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType

COMPILED_BELOW_NODES = 500
"""Larger cells are left to the sparse factorisation; benchmarks/beam.py measures the crossover."""
_CALL = 300  #: what a call costs the path of torch besides its nodes, in nodes
_LOAD = 50_000  #: nodes that torch homogenises while the kernel is loaded from the cache ...
_COMPILE = 1_200_000  #: ... and while it is compiled
_MANY = 5_000  #: lattices of a job that has one path, from which on the kernel is worth compiling
_LAUNCH = "fem_reference.beam.kernel.launch"


@dataclass(slots=True)
class _Process:
    """What this process has done so far, and the kernel once it is there."""

    work: int = 0
    kernel: ModuleType | None = None


_process = _Process()
_pinned: ContextVar[bool | None] = ContextVar("_pinned", default=None)


@contextmanager
def pinned(lattices: int) -> Iterator[None]:
    """One path for a whole job of so many lattices, whatever the process did before.

    Both paths agree to rounding only; this is for jobs that must give the same bytes again. Inside
    another ``pinned`` the outer one decides.
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
    """The compiled kernel, ``kernel.launch``, if it serves for cells with so many nodes in all."""
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
