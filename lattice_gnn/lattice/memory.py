"""Immutable values that cache results computed from them."""

from collections.abc import Callable, Hashable
from typing import Any


class Remembering:
    """Base class of immutable values that compute costly results once and cache them.

    Copies and pickles start with an empty cache.
    """

    __slots__ = ("_results",)

    _results: dict[Hashable, Any]

    def _once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return the result stored under ``key``, computing it on first use."""
        if not hasattr(self, "_results"):
            object.__setattr__(self, "_results", {})
        if key not in self._results:
            self._results[key] = compute()
        return self._results[key]
