"""Target tensors from files."""

import json
import math
from pathlib import Path

import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.design.target_file import read_target
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.verbs.homogenise import homogenise

BONES = Path(__file__).parents[3] / "data" / "samples" / "targets" / "trabecular_bone.json"
ROWS = [[2.0 * (i == j) for j in range(6)] for i in range(6)]


@pytest.fixture
def file(tmp_path):
    """Write values as JSON and return the path."""

    def write(values):
        path = tmp_path / "target.json"
        path.write_text(json.dumps(values), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("name", ["bone_1", "bone_2", "bone_3", "bone_4"])
def test_the_sample_tensors_are_positive_definite_and_symmetric(name):
    target = read_target(f"{BONES}:{name}")
    assert torch.equal(target, target.T)
    assert torch.linalg.eigvalsh(target)[0] > 0


def test_a_target_is_divided_by_the_modulus_of_the_solid():
    assert read_target(f"{BONES}:bone_2", 10.0)[2, 2].item() == pytest.approx(0.1885)


def test_free_components_are_null(file):
    rows = [[None] * 6 for _ in range(6)]
    rows[0][0] = 0.5
    target = read_target(file({"voigt": rows}))
    assert target[0, 0] == 0.5
    assert int(torch.isnan(target).sum()) == 35


def test_the_document_of_homogenise_is_a_target(file):
    found = homogenise(cell("octet", relative_density=0.1))
    target = read_target(file(found.to_dict()))
    assert torch.allclose(target, found.stiffness.voigt, rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "expected a 6x6 matrix 'voigt'"),
        ({"voigt": ROWS[:5]}, "six rows of six"),
        ({"voigt": [["a"] * 6] * 6}, "must be numbers"),
        ({"voigt": [[None] * 6] * 6}, "prescribes no component"),
        ({"voigt": [*ROWS[:5], [0.0, 1.0, 0, 0, 0, 2.0]]}, "symmetric"),
        ({"voigt": [[-x for x in row] for row in ROWS]}, "positive definite"),
        ({"targets": {"a": {"voigt": ROWS}}}, "holds the targets a; choose one as"),
        ({"targets": 3}, "expected names"),
        ([1, 2], "expected names with values"),
    ],
)
def test_what_is_no_target_is_refused_with_the_reason(file, values, message):
    with pytest.raises(LatticeGnnError, match=message):
        read_target(file(values))


def test_a_name_is_refused_where_there_is_one_target(file):
    with pytest.raises(LatticeGnnError, match="holds one target"):
        read_target(file({"voigt": ROWS}) + ":a")
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_target("missing.json")
    with pytest.raises(LatticeGnnError, match="positive number"):
        read_target(file({"voigt": ROWS}), math.nan)


def test_a_stiffness_card_is_divided_by_the_modulus_that_it_names(file):
    card = {"order": "11 22 33 23 13 12", "E_solid": 4.0, "voigt": ROWS}
    assert read_target(file(card))[0, 0].item() == read_target(file(card), 4.0)[0, 0].item() == 0.5
    with pytest.raises(LatticeGnnError, match=r"E_solid is 4\.0, the modulus given 5\.0"):
        read_target(file(card), 5.0)
    with pytest.raises(
        LatticeGnnError, match="order: expected 11 22 33 23 13 12, got '11 22 33 12"
    ):
        read_target(file(card | {"order": "11 22 33 12 13 23"}))
