"""The door of every lattice: what passes it is finite and well conditioned."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import whole_number
from lattice_gnn.lattice.lattice import Lattice


def cubic(**fields):
    values = {
        "cell": np.eye(3), "nodes": [[0, 0, 0]], "struts": [(0, 0)] * 3,
        "shifts": np.eye(3, dtype=int), "radii": 0.05,
    }  # fmt: skip
    return Lattice(**{**values, **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cell": np.eye(3) * 1e300}, r"cell: its largest entry is 1e\+300"),
        ({"cell": np.eye(3) * 1e-300}, "cell: its largest entry is 1e-300"),
        ({"cell": np.zeros((3, 3))}, "cell"),
        ({"cell": np.diag([1, 1e-200, 1])}, "cell"),
        ({"cell": np.diag([1, 1, 1e10])}, "differ too much in length"),
        ({"cell": np.eye(3) + np.eye(3)[[1, 0, 2]] * (1 - 1e-13)}, "cell"),
        ({"radii": 1e300}, "1000 times the size of the cell"),
        ({"radii": 1e10}, "1000 times the size of the cell"),
        ({"radii": 1e-300}, "less than 1e-09 of the strut"),
        ({"end_radii": 1e-12}, "less than 1e-09 of the strut"),
        ({"nodes": [[1e9, 0, 0]]}, "fractions of the cell vectors"),
        ({"name": 3}, "name: expected a string"),
        ({"name": "x" * 2000}, "at most 1000 characters"),
        ({"units": b"mm"}, "units: expected a string"),
    ],
)  # fmt: skip
def test_sizes_without_meaning_are_refused_in_one_sentence(fields, words):
    with pytest.raises(LatticeGnnError, match=words):
        cubic(**fields)


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e6, 1e12])
def test_every_unit_of_length_is_fine(size):
    lattice = cell("octet", radius=0.03)
    assert lattice.scaled(size).relative_density == pytest.approx(lattice.relative_density)
    assert cubic(cell=np.diag([1, 100, 10_000.0]), radii=0.01).relative_density > 0


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a\ud800b", "a?b"), ("a\nb\x1b[31m", "a b [31m"), ("格子 ρ", "格子 ρ"), ("$x$", "$x$")],
)
def test_names_can_be_written_to_any_file_and_printed_on_one_line(name, kept):
    lattice = cubic(name=name, units=name)
    assert (lattice.name, lattice.units) == (kept, kept)


def test_messages_are_short_and_printable_whatever_a_file_holds():
    text = str(LatticeGnnError("a\nb \udcff " + "x" * 5000 + " " + "word " * 1000))
    assert text.isprintable()
    assert len(text) < 1010
    assert text.startswith("a\\nb \\udcff xxx")


def test_whole_numbers_of_numpy_are_numbers_of_python():
    found = whole_number(np.int64(3), "starts", 1)
    assert (found, type(found)) == (3, int)
    for value in (0, True, 2.0, "2", None, np.float64(2)):
        with pytest.raises(LatticeGnnError, match="starts: expected a whole number >= 1, got "):
            whole_number(value, "starts", 1)
