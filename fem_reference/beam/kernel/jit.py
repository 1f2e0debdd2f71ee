"""Compilation settings of the kernel, and the cache of compiled code."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba

from fem_reference.jit import compiled as kept

FREEDOMS = 6  #: degrees of freedom of a node; also the number of unit strains
WIDTH = 8
"""Numbers in a row of a block: six, and two zeros to fill a vector register. Loops over a row take
their count from the data (``columns``): with a small count known at compile time the compiler
unrolls the loop instead of vectorising it."""
BLOCK = FREEDOMS * WIDTH  #: numbers in a block: six rows

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Fast arithmetic that still honours NaN and infinity. The order of a sum depends on the code
    # alone, never on the thread or on the position of a cell in its batch.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
compiled = partial(numba.njit, **_OPTIONS)
"""Decorator of all compiled functions: releases the interpreter lock; 1/0 is infinite."""


def entry(function: Callable[..., None]) -> Any:
    """Compile a function that is called from Python, and store its code in numba's cache.

    The cache is keyed by the name and file of a function, but its code also contains other
    functions: a fingerprint of the folder in the name prevents the use of outdated code.
    """
    function.__qualname__ = f"{function.__qualname__}_{_fingerprint()}"
    return kept(**_OPTIONS)(function)


def is_kept(function: Any) -> bool:
    """Return whether the cache holds the code of an entry."""
    folder = function.stats.cache_path
    name = f"*{function.py_func.__qualname__}-*.nbi"
    return folder is not None and any(Path(folder).glob(name))


def _fingerprint() -> str:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
