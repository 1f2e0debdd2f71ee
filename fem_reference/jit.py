"""Compiled functions whose code is kept where that is possible, and only there."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit with its cache of compiled code; without it where no folder can be written.

    Args:
        options: Those of ``numba.njit``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # numba finds no place for the cache
            return numba.njit(**options)(function)

    return decorate
