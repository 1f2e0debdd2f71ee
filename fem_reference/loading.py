"""Choice between compiled code and torch, so that small jobs never pay for compilation.

This is the ski-rental problem. A kernel has a one-time cost: a moment to import numba and load
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

_MANY = 5_000  #: number of lattices of a single-path job from which compiling pays off

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


@dataclass(slots=True)
class Kernel:
    """Compiled code of a process: loaded once torch has done enough work.

    Attributes:
        module: Its module, which has ``is_cached()`` and ``warm()``.
        load: Work that torch does in the time of loading it from the cache ...
        compile: ... and of compiling it.
        work: Work done so far by this process.
        loaded: The module once it serves.
    """

    module: str
    load: int
    compile: int
    work: int = 0
    loaded: ModuleType | None = None

    def serving(self, work: int) -> ModuleType | None:
        """Return the module if it serves the given work, which counts as done."""
        if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
            return None
        chosen = _pinned.get()
        if chosen is not None:
            return self.load_now() if chosen else None
        if self.loaded is None:
            self.work += work
            if self.work >= self.load:
                module = importlib.import_module(self.module)
                if module.is_cached() or self.work >= self.compile:
                    self.load_now()
        return self.loaded

    def load_now(self) -> ModuleType:
        """Load or compile the module now."""
        if self.loaded is None:
            module = importlib.import_module(self.module)
            module.warm()
            self.loaded = module
        return self.loaded
