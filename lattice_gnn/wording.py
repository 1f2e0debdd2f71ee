"""Formatting of numbers in sentences and tables."""

from collections.abc import Callable, Sequence
from math import floor, log10, sqrt

COUPLING_NOISE = 1e-6
"""Entries of a stiffness below this share of sqrt(C_ii C_jj) are shown as zero."""
SOFT = 0.01
"""Diagonal entries below this share of the largest are written with exponents."""


def percent(fraction: float | None, digits: int = 2) -> str:
    """Format a fraction as a percentage with at least ``digits`` significant digits.

    Digits before the point are always written; values from 10,000 % have an exponent. None stands
    for infinity, which JSON does not have.
    """
    if fraction is None:
        return "inf"
    value = 100 * fraction
    text = f"{value:.{digits}g}"
    return f"{value:.0f} %" if "e+" in text and abs(value) < 10_000 else f"{text} %"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def scientific(value: float) -> str:
    """Format a number with an exponent and five significant digits."""
    return f"{value:.4e}" if value else "0"


def significant(value: float) -> str:
    """Format a number with five significant digits."""
    return "0" if value == 0 else f"{value:#.5g}".rstrip(".")


def number_format(values: Sequence[float], digits: int = 5) -> Callable[[float], str]:
    """Return a format with equally many decimals for all values, ``digits`` in the largest."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return lambda value: "0"
    decimals = digits - 1 - floor(log10(largest))
    if not 0 <= decimals <= 8:
        return lambda value: "0" if abs(value) < 1e-9 * largest else f"{value:.{digits - 1}e}"
    return lambda value: "0" if abs(value) < 0.5 * 10.0**-decimals else f"{value:.{decimals}f}"


def without_noise(voigt: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the matrix with couplings of less than a millionth of the diagonal set to zero."""
    diagonal = [abs(voigt[k][k]) for k in range(len(voigt))]
    floor_ = 1e-15 * max(diagonal)
    scales = [value if value > floor_ else 0.0 for value in diagonal]
    return [
        [
            entry if abs(entry) > COUPLING_NOISE * sqrt(scales[i] * scales[j]) > 0 else 0.0
            for j, entry in enumerate(row)
        ]
        for i, row in enumerate(voigt)
    ]


def matrix_texts(matrix: Sequence[Sequence[float]]) -> list[list[str]]:
    """Format the entries of a stiffness or compliance; small diagonal entries keep their digits."""
    shown = without_noise(matrix)
    diagonal = [value for k in range(len(shown)) if (value := abs(shown[k][k]))]
    soft = bool(diagonal) and min(diagonal) < SOFT * max(diagonal)
    fmt = scientific if soft else number_format([entry for row in shown for entry in row])
    return [[fmt(entry) for entry in row] for row in shown]


def constants_text(voigt: Sequence[Sequence[float]]) -> str:
    """Name the Voigt constants of a 6x6 stiffness that tell it apart, on one line.

    Five where the others follow from cubic symmetry; else nine, and the largest of the other twelve
    where stretch and shear are coupled.
    """
    axial = [(k, k) for k in range(3)]
    cross, shear = [(0, 1), (0, 2), (1, 2)], [(k, k) for k in range(3, 6)]
    small = 1e-5 * max(abs(voigt[k][k]) for k in range(6))
    alike = all(
        abs(voigt[i][j] - voigt[group[0][0]][group[0][1]]) <= small
        for group in (cross, shear)
        for i, j in group
    )
    shown = [*axial, cross[0], shear[0]] if alike else [*axial, *cross, *shear]
    text = ", ".join(f"C{i + 1}{j + 1}={voigt[i][j]:.4g}" for i, j in shown)
    others = max(abs(voigt[i][j]) for j in range(3, 6) for i in range(j))
    return text if others <= small else f"{text}, others up to {others:.4g}"
