"""Compilation by numba with an on-disk cache if a folder is writable."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Fast arithmetic that still honours NaN and infinity. The order of a sum depends on the code
    # alone, never on the thread or on the position of an item in its batch.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
inner = partial(numba.njit, **_OPTIONS)
"""Decorator of functions called by an ``entry``: releases the interpreter lock; 1/0 is infinite."""


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return ``numba.njit`` with its on-disk cache, or without it if no folder is writable.

    Args:
        options: Options of ``numba.njit``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # numba finds no writable folder for the cache
            return numba.njit(**options)(function)

    return decorate


def entry(function: Callable[..., None]) -> Any:
    """Compile a function that is called from Python, and store its code in numba's cache.

    The cache is keyed by the name and file of a function, but its code also contains other
    functions: a fingerprint of its folder in the name prevents the use of outdated code.
    """
    folder = Path(function.__code__.co_filename).parent
    function.__qualname__ = f"{function.__qualname__}_{_fingerprint(folder)}"
    return compiled(**_OPTIONS)(function)


def is_kept(function: Any) -> bool:
    """Return whether the cache holds compiled code of a function."""
    folder = function.stats.cache_path
    name = f"*{function.py_func.__qualname__}-*.nbi"
    return folder is not None and any(Path(folder).glob(name))


def _fingerprint(folder: Path) -> str:
    sources = [Path(__file__), *sorted(folder.glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
