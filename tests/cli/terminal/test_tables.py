"""Numbers as text."""

import pytest

from cli.terminal.tables import three_digits, three_per_cent


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.234, "1.23"), (123.4, "123"), (0.00123, "0.0012"), (None, "inf")],
)
def test_three_digits_without_exponent(value, text):
    assert three_digits(value) == text


def test_per_cent_of_a_fraction():
    assert three_per_cent(0.01234) == "1.23"
