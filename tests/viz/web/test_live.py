"""What the app computes and saves."""

import json

import pytest

from data.formats import read_any
from lattice_gnn.cells.named import CELLS, cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_from_dict
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.verbs.homogenise import homogenise
from viz.web.live import (
    CARDS,
    LATTICES,
    cell_list,
    full_answer,
    live_answer,
    named_cell,
    saved_file,
)


@pytest.fixture(scope="module")
def octet():
    return cell("octet", relative_density=0.1).replace(material=Material(E=70.0, nu=0.3))


def test_the_moduli_are_those_of_the_stiffness(octet):
    answer = live_answer(octet)
    for summary in answer["results"].values():
        C11, C12 = summary["mandel"][0][:2]
        C44 = summary["mandel"][3][3] / 2
        moduli = summary["moduli"]
        assert moduli["K_hill"] == pytest.approx((C11 + 2 * C12) / 3)
        E1 = (C11 - C12) * (C11 + 2 * C12) / (C11 + C12)
        assert moduli["E1"] == pytest.approx(E1)
        assert moduli["E_min"] == pytest.approx(E1)
        E111 = 9 / (1 / moduli["K_hill"] + 3 / C44)
        assert moduli["E_max"] == pytest.approx(E111)
    assert answer["relative_density"] == pytest.approx(0.1)


def test_a_net_that_does_not_span_space_has_beams_only_and_says_why():
    flat = Lattice([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 0, 0]], [[0, 0]] * 2,
                   [[1, 0, 0], [0, 1, 0]], 0.05)  # fmt: skip
    answer = live_answer(flat)
    assert "span" in answer["refused"]
    assert set(answer["results"]) == {"beam"}
    assert answer["results"]["beam"]["moduli"] is None
    full = full_answer(flat)
    assert full["prediction"] is None
    assert "rank 3 of 6" in full["html"]


def test_a_model_that_starts_from_no_frame_has_beams_beside_it(octet):
    answer = live_answer(octet, "relaxation")
    assert set(answer["results"]) == {"network", "beam"}
    expected = homogenise(octet).stiffness.mandel.tolist()
    assert answer["results"]["beam"]["mandel"] == expected


def test_the_full_answer_is_the_document_of_the_prediction(octet):
    found = full_answer(octet)
    assert found["prediction"]["schema"] == "lattice-gnn/prediction/1"
    assert "in the unit of E_s = 70" in found["html"]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("kind", LATTICES)
def test_saved_lattices_read_back(kind, octet, tmp_path):
    name, content = saved_file(octet, kind)
    (tmp_path / name).write_bytes(content)
    (found,) = read_any(tmp_path / name)
    assert found.relative_density == pytest.approx(octet.relative_density, rel=1e-4)
    if kind == "json":
        assert found == octet


@pytest.mark.parametrize("kind", CARDS)
def test_cards_are_saved_in_the_unit_of_the_solid(kind, octet):
    name, content = saved_file(octet, kind)
    assert name.startswith("octet-")
    largest = 70 * max(map(max, live_answer(octet)["results"]["network"]["mandel"]))
    assert f"{largest:.4g}"[:4].replace(".", "") in content.decode().replace(".", "")
    assert "by network joints" in content.decode()


def test_a_report_is_saved_and_names_become_plain_file_names(octet):
    name, content = saved_file(octet.replace(name="a/b ü"), "report")
    assert name == "a-b--.html"
    assert content.startswith(b"<!DOCTYPE html>")
    with pytest.raises(LatticeGnnError, match="expected one of report, json"):
        saved_file(octet, "exe")


def test_every_named_cell_can_be_chosen():
    listed = cell_list()
    assert [entry["name"] for entry in listed] == list(CELLS)
    json.dumps(listed, allow_nan=False)
    for entry in listed:
        built = named_cell({"name": entry["name"], "relative_density": 0.1})
        assert lattice_from_dict(built).relative_density == pytest.approx(0.1)


def test_parameters_of_a_cell_are_passed_on_and_checked():
    request = {"name": "re-entrant", "relative_density": 0.1}
    standard, steep = (
        named_cell({**request, "parameters": {"angle": angle}}) for angle in (None, 10.0)
    )
    assert standard["nodes"] != steep["nodes"] or standard["cell"] != steep["cell"]
    with pytest.raises(LatticeGnnError, match="no parameter 'size'"):
        named_cell({**request, "parameters": {"size": 1.0}})
    with pytest.raises(LatticeGnnError, match="expected a number"):
        named_cell({**request, "parameters": {"angle": "steep"}})
