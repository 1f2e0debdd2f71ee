"""Unit cells of pyLattice with parameters: arithmetic, and nothing else."""

import json

import pytest

from data.formats import read_any
from data.formats.expressions import evaluate, parameters
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.testing import same_structure

BEAMS = [[0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, "h"], [0, 0, "h", 0, 0, "h + w"],
         [0, 0, "h", 1, 0, "2*h - h**1"]]  # fmt: skip


def read(tmp_path, given, beams=BEAMS):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"name": "two storeys", "parameters": given, "beams": beams}))
    (lattice,) = read_any(path)
    return lattice


@pytest.mark.parametrize("given", [{"h": 0.4, "w": "1 - h"}, {"w": "1 - h", "h": "sqrt(4)/5"}])
def test_parameters_give_the_same_cell_as_numbers(tmp_path, given):
    values = {"h": 0.4, "h + w": 1.0, "2*h - h**1": 0.4}
    numbers = [[values.get(x, x) for x in beam] for beam in BEAMS]
    assert same_structure(read(tmp_path, given), read(tmp_path, {}, numbers))


@pytest.mark.parametrize(
    ("size", "radius"), [({"radius": 0.05}, 0.05), ({"Strut diameter": 0.1}, 0.05)]
)
def test_one_radius_of_all_beams(tmp_path, size, radius):
    path = tmp_path / "x.json"
    beams = [[0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]
    path.write_text(json.dumps({"beams": beams} | size))
    (lattice,) = read_any(path)
    assert lattice.radii.tolist() == pytest.approx([radius] * 3)
    wrong = {"radius": [0.05] * 3}, {"radius": 0}, {"r2": 0.1}, {"radius": 0.1, "bore": 0.05}
    for one in wrong:
        path.write_text(json.dumps({"beams": beams} | one))
        with pytest.raises(LatticeGnnError, match=r"x\.json: .*expected"):
            read_any(path)


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "h.real", "[1][0]", "h if h else 1", "lambda: 1", "open('x')", "9**9**9",
     "'a'*9", "1/0", "1e400", "", "h = 2", "True", "h" * 600, "1j",
     "-" * 400 + "1", "f'{h}'", "sqrt(-1)", "sqrt()", "min(h, key=h)"],
)  # fmt: skip
def test_nothing_but_arithmetic_runs(text):
    with pytest.raises(LatticeGnnError):
        evaluate(text, {"h": 0.4}, "x")


def test_parameters_in_a_circle_or_unknown_are_named():
    with pytest.raises(LatticeGnnError, match="circle: a, b"):
        parameters({"a": "b", "b": "a + 1", "c": 1}, "x")
    with pytest.raises(LatticeGnnError, match="no value of 'q'"):
        parameters({"a": "q"}, "x")
    with pytest.raises(LatticeGnnError, match="number or an expression"):
        parameters({"a": [1]}, "x")
