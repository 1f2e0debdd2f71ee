"""Numbers in sentences and tables."""


def percent(fraction: float | None, digits: int = 2) -> str:
    """Write a fraction as a percentage with so many significant digits, or all before the point.

    Beyond 10,000 % it has an exponent. None stands for infinity, which JSON does not have.
    """
    if fraction is None:
        return "inf"
    value = 100 * fraction
    text = f"{value:.{digits}g}"
    return f"{value:.0f} %" if "e+" in text and abs(value) < 10_000 else f"{text} %"


def counted(number: int, noun: str) -> str:
    """A number with its noun, plural where it is not one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
