"""How the functions of this folder are compiled, and where compiled code is kept."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba

from fem_reference.jit import compiled as kept

FREEDOMS = 6  #: degrees of freedom of a node; also the number of unit strains
WIDTH = 8
"""Numbers in a row of a block: six, and two zeros that fill a vector register. Loops over a row
take their count from the data (``columns``): where the compiler knows a count as small as this it
unrolls the loop instead of using vector instructions."""
BLOCK = FREEDOMS * WIDTH  #: numbers in a block: six rows

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Fast arithmetic that still knows NaN and infinity. The order of a sum depends on the code
    # alone, never on the thread or on the place of a cell in its batch.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
compiled = partial(numba.njit, **_OPTIONS)
"""The decorator of every compiled function: without the interpreter lock, 1/0 is infinite."""


def entry(function: Callable[..., None]) -> Any:
    """Compile a function that is called from Python, and keep its code in numba's cache.

    The cache goes by the name and the file of a function, but the code of others is in it, too: a
    fingerprint of the folder in the name keeps code of an older version from being taken for new.
    """
    function.__qualname__ = f"{function.__qualname__}_{_fingerprint()}"
    return kept(**_OPTIONS)(function)


def is_kept(function: Any) -> bool:
    """Whether the cache holds code of an entry."""
    folder = function.stats.cache_path
    name = f"*{function.py_func.__qualname__}-*.nbi"
    return folder is not None and any(Path(folder).glob(name))


def _fingerprint() -> str:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
