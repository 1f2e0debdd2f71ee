"""Results of the program in a folder are not read as lattices, and lattices still are."""

import json

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices


@pytest.fixture
def folder(tmp_path):
    write_lattices(tmp_path / "octet.json", cell("octet", relative_density=0.05))
    write_lattices(tmp_path / "two.json", [cell("bcc", radius=0.05)] * 2)
    return tmp_path


def test_documents_cards_and_fields_are_passed_over(folder, run, answer, weights):
    lattice = folder / "octet.json"
    options = ("--model", weights)
    assert run("predict", lattice, *options, "-o", folder / "prediction.json").exit_code == 0
    assert run("homogenise", lattice, "-o", folder / "beam.json").exit_code == 0
    for name in ("card.inp", "stiffness.json"):
        assert run("export", lattice, "-o", folder / name).exit_code == 0
    field = ("--method", "solid", "--voxels-per-diameter", 4, "-o", folder / "field.vtu")
    assert run("homogenise", lattice, *field).exit_code == 0
    found = answer("predict", folder, *options)["predictions"]
    assert [row["lattice"]["name"] for row in found] == ["octet", "bcc", "bcc"]


def test_a_result_named_by_the_user_is_refused_with_the_reason(folder, run):
    (folder / "own.json").write_text(json.dumps({"schema": "lattice-gnn/prediction/1"}))
    result = run("info", folder / "own.json")
    assert result.exit_code == 2
    assert "lattice-gnn/prediction/1" in result.stderr


def test_a_broken_lattice_in_a_folder_is_still_an_error(folder, run):
    (folder / "broken.json").write_text('{"schema": "lattice-gnn/lattice/1"')
    assert run("info", folder).exit_code == 2
