import math

import pytest

from lattice_gnn.wording import counted, number_format, percent, significant, without_noise


@pytest.mark.parametrize(
    ("fraction", "digits", "text"),
    [
        (0.0123, 2, "1.2 %"),
        (0.0123456, 3, "1.23 %"),
        (-0.5, 2, "-50 %"),
        (1.5, 2, "150 %"),
        (0.999, 2, "100 %"),
        (12.345, 3, "1234 %"),
        (12345.6, 3, "1.23e+06 %"),
        (1e-7, 2, "1e-05 %"),
        (0.0, 2, "0 %"),
        (math.inf, 2, "inf %"),
        (None, 2, "inf"),
    ],
)
def test_percentages_have_the_digits_asked_for_and_large_ones_all(fraction, digits, text):
    assert percent(fraction, digits) == text


def test_nouns_agree_with_their_numbers():
    assert [counted(n, "strut") for n in (0, 1, 2)] == ["0 struts", "1 strut", "2 struts"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1.0000"), (12345.0, "12345"), (0.00012345, "0.00012345")],
)
def test_five_significant_digits(value, text):
    assert significant(value) == text


def test_all_numbers_of_a_matrix_have_the_decimals_of_the_largest():
    fmt = number_format([12.3456, 0.001])
    assert (fmt(12.3456), fmt(0.001), fmt(1e-9)) == ("12.346", "0.001", "0")


def test_couplings_below_a_millionth_are_zero_and_soft_modes_are_kept():
    C = [[1.0, 1e-7, 0.0], [1e-7, 1.0, 0.0], [0.0, 0.0, 1e-9]]
    assert without_noise(C) == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1e-9]]
