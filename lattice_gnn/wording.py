"""Formatting of numbers in sentences and tables."""


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
