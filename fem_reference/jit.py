"""Compilation by numba with an on-disk cache if a folder is writable."""

from collections.abc import Callable
from typing import Any

import numba


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
