"""Numbers in sentences and tables."""


def percent(fraction: float | None, digits: int = 2) -> str:
    """Write a fraction as a percentage with so many significant digits.

    None stands for infinity, which JSON does not have.
    """
    if fraction is None:
        return "inf"
    text = f"{100 * fraction:.{digits}g}"
    return f"{100 * fraction:.0f} %" if "e+" in text else f"{text} %"


def counted(number: int, noun: str) -> str:
    """A number with its noun, plural where it is not one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
