"""The style of all tables, and numbers as text."""

from collections.abc import Callable, Collection, Sequence
from math import floor, log10

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def block(title: str, *parts: RenderableType) -> RenderableType:
    """Return parts under a title, indented, with an empty line before."""
    heading = Text(title, style="bold")
    inside = (Padding(part, (0, 0, 0, 2), expand=False) for part in parts)
    return Group(Text(), heading, *inside)


def grid(gap: int = 2) -> Table:
    """Return an empty table without lines or heads."""
    return Table(box=None, show_header=False, padding=(0, gap, 0, 0), pad_edge=False)


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """Return a table of names and values."""
    table = grid()
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, escape(value))
    return table


def columns(first: str, heads: Sequence[str], left: Collection[str] = (), gap: int = 2) -> Table:
    """Return an empty table with heads: the first column is folded, the others hold numbers.

    Args:
        first: Head of the first column.
        heads: Heads of the others.
        left: Those that hold text.
        gap: Spaces between columns.
    """
    table = grid(gap)
    table.show_header = True
    table.add_column(Text(first, style="cyan"), overflow="fold", min_width=min(16, len(first)))
    for head in heads:
        table.add_column(
            Text(head, style="cyan"), justify="left" if head in left else "right", no_wrap=True
        )
    return table


def three_digits(value: float | None) -> str:
    """Write a number with three digits and without exponent; None is the infinity of JSON."""
    if value is None:
        return "inf"
    decimals = 2 - floor(log10(abs(value))) if value else 0
    return f"{value:.{min(max(decimals, 0), 4)}f}"


def three_per_cent(fraction: float | None) -> str:
    """Write a fraction in per cent with three digits, for columns that say so."""
    return three_digits(None if fraction is None else 100 * fraction)


def scientific(value: float) -> str:
    """Write a number with an exponent and five significant digits."""
    return f"{value:.4e}" if value else "0"


def significant(value: float) -> str:
    """Write a number with five significant digits."""
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
