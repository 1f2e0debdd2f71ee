"""Numbers as text."""

import pytest
from rich.console import Console

from cli.terminal.tables import block, columns, three_digits, three_per_cent


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.234, "1.23"), (123.4, "123"), (0.00123, "0.0012"), (None, "inf")],
)
def test_three_digits_without_exponent(value, text):
    assert three_digits(value) == text


def test_per_cent_of_a_fraction():
    assert three_per_cent(0.01234) == "1.23"


def test_a_column_without_text_wraps_no_other():
    table = columns("", ("beam", ""), left=("",))
    table.add_row("strut length over its start >= 0.1", "0.95013", "")
    screen = Console(width=80)
    with screen.capture() as captured:
        screen.print(block("Constraints", table))
    assert "strut length over its start >= 0.1" in captured.get()
