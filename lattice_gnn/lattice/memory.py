"""Immutable values that remember what has been computed from them."""

from collections.abc import Callable, Hashable
from typing import Any


class Remembering:
    """Base of immutable values: a costly result is computed once and kept with the value.

    Copies and pickles start without these results.
    """

    __slots__ = ("_results",)

    _results: dict[Hashable, Any]

    def _once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The result that is kept under ``key``; computed where there is none yet."""
        if not hasattr(self, "_results"):
            object.__setattr__(self, "_results", {})
        if key not in self._results:
            self._results[key] = compute()
        return self._results[key]
