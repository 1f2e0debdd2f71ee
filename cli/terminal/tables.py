"""Common style of tables, and formatting of numbers."""

from collections.abc import Collection, Sequence
from math import floor, log10

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def block(title: str, *parts: RenderableType) -> RenderableType:
    """Return parts under a title, indented, after an empty line."""
    heading = Text(title, style="bold")
    inside = (Padding(part, (0, 0, 0, 2), expand=False) for part in parts)
    return Group(Text(), heading, *inside)


def grid(gap: int = 2) -> Table:
    """Return an empty table without rules or headings."""
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
    """Return an empty table with headings: a folded first column, and columns of numbers.

    Args:
        first: Heading of the first column.
        heads: Headings of the others.
        left: Those with text, aligned left.
        gap: Spaces between columns.
    """
    table = grid(gap)
    table.show_header = True
    table.add_column(Text(first, style="cyan"), overflow="fold", min_width=min(16, len(first)))
    for head in heads:  # of a column without any text, rich forgets the gap before it
        table.add_column(
            Text(head, style="cyan"),
            justify="left" if head in left else "right",
            no_wrap=True,
            min_width=1,
        )
    return table


def three_digits(value: float | None) -> str:
    """Format a number with three digits and without exponent; None stands for infinity in JSON."""
    if value is None:
        return "inf"
    decimals = 2 - floor(log10(abs(value))) if value else 0
    return f"{value:.{min(max(decimals, 0), 4)}f}"


def three_per_cent(fraction: float | None) -> str:
    """Format a fraction in per cent with three digits, without the sign."""
    return three_digits(None if fraction is None else 100 * fraction)
