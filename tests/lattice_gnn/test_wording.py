import math

import pytest

from lattice_gnn.wording import counted, percent


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
