"""Errors over many lattices, in one summary."""

import math
from dataclasses import dataclass

from lattice_gnn.tensors.metrics import Numbers, summarise


@dataclass(frozen=True, slots=True)
class Summary:
    """One error over many lattices; null where it is infinite, which JSON cannot say.

    Attributes:
        median: Half of the lattices have less.
        mean: The mean.
        p90: Nine tenths of the lattices have less.
        p99: 99 of 100 lattices have less.
        max: The largest.
    """

    median: float | None
    mean: float | None
    p90: float | None
    p99: float | None
    max: float | None


def summary(values: Numbers) -> Summary:
    """Sum up one error over many lattices."""
    return Summary(**{name: finite(value) for name, value in summarise(values).items()})


def finite(value: float) -> float | None:
    """Return the value, or None if it is infinite, which JSON cannot express."""
    return value if math.isfinite(value) else None
