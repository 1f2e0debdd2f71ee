"""What is done to the end although the user interrupts."""

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def completed(work: Callable[[], Result]) -> tuple[Result, bool]:
    """Return the result of some work, and whether the user interrupted it.

    The first interruption (KeyboardInterrupt) begins the work again, so that the design that a
    search has found is not lost; a second one ends it.
    """
    try:
        return work(), False
    except KeyboardInterrupt:
        return work(), True
