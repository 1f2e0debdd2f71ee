"""Numbers as text."""

import pytest

from cli.terminal.stiffness_tables import without_noise
from cli.terminal.tables import number_format, significant, three_digits, three_per_cent


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1.0000"), (12345.0, "12345"), (0.00012345, "0.00012345")],
)
def test_five_significant_digits(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.234, "1.23"), (123.4, "123"), (0.00123, "0.0012"), (None, "inf")],
)
def test_three_digits_without_exponent(value, text):
    assert three_digits(value) == text


def test_per_cent_of_a_fraction():
    assert three_per_cent(0.01234) == "1.23"


def test_all_numbers_of_a_matrix_have_the_decimals_of_the_largest():
    fmt = number_format([12.3456, 0.001])
    assert (fmt(12.3456), fmt(0.001), fmt(1e-9)) == ("12.346", "0.001", "0")


def test_couplings_below_a_millionth_are_zero_and_soft_modes_are_kept():
    C = [[1.0, 1e-7, 0.0], [1e-7, 1.0, 0.0], [0.0, 0.0, 1e-9]]
    assert without_noise(C) == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1e-9]]
