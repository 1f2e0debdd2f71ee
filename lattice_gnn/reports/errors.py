"""Summary of errors over many lattices."""

import math
from dataclasses import dataclass

from lattice_gnn.tensors.metrics import Numbers, summarise


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of one error over many lattices; null if infinite, which JSON cannot express.

    Attributes:
        median: Median.
        mean: Mean.
        p90: 90th percentile.
        p99: 99th percentile.
        max: Maximum.
    """

    median: float | None
    mean: float | None
    p90: float | None
    p99: float | None
    max: float | None


def summary(values: Numbers) -> Summary:
    """Summarise one error over many lattices."""
    return Summary(**{name: finite(value) for name, value in summarise(values).items()})


def finite(value: float) -> float | None:
    """Return the value, or None if it is infinite, which JSON cannot express."""
    return value if math.isfinite(value) else None
