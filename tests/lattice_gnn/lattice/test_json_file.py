"""JSON files of lattices: exact round trips, and a sentence with the place for every bad file."""

import copy
import json
import os

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import (
    lattice_from_dict,
    lattice_to_dict,
    read_lattices,
    write_lattices,
)
from lattice_gnn.testing import example_lattices, random_lattice, same_structure

CHAIN = {
    "schema": "lattice-gnn/lattice/1",
    "cell": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "nodes": [[0, 0, 0]],
    "struts": [
        {"i": 0, "j": 0, "shift": [1, 0, 0], "radius": 0.1},
        {"i": 0, "j": 0, "shift": [0, 1, 0], "radius": 0.2},
    ],
}


def changed(**changes):
    return {**copy.deepcopy(CHAIN), **changes}


def without(key):
    data = changed()
    del data[key]
    return data


def strut_changed(**changes):
    data = changed()
    data["struts"][1].update(changes)
    return data


def no_radius(**changes):
    data = changed(**changes)
    data["struts"] = [{k: v for k, v in s.items() if k != "radius"} for s in data["struts"]]
    return data


FIELDS = ("cell", "nodes", "struts", "shifts", "radii", "end_radii", "inner_radii", "E", "nu")


def assert_identical(a, b):
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
    assert (a.name, a.units, a.material) == (b.name, b.units, b.material)


@pytest.mark.parametrize("lattice", example_lattices(), ids=lambda lattice: lattice.name)
def test_round_trip_is_exact(lattice, tmp_path):
    lattice = lattice.replace(units="mm", name='naïve "µ"')
    path = tmp_path / "one.json"
    write_lattices(path, lattice)
    (back,) = read_lattices(path)
    assert_identical(back, lattice)
    assert_identical(lattice_from_dict(json.loads(path.read_text("utf-8"))), lattice)


def test_many_lattices_in_one_file(tmp_path):
    lattices = list(example_lattices())
    path = tmp_path / "many.json"
    write_lattices(path, lattices)
    assert json.loads(path.read_text("utf-8"))["schema"] == "lattice-gnn/lattices/1"
    for back, lattice in zip(read_lattices(path), lattices, strict=True):
        assert_identical(back, lattice)


def test_keys_are_the_documented_ones():
    data = lattice_to_dict(random_lattice(0, sections=True))
    assert set(data) == {"schema", "name", "units", "cell", "nodes", "struts", "material"}
    assert set(data["struts"][0]) == {
        *("i", "j", "shift", "radius", "end_radius", "inner_radius", "E", "nu")
    }


def test_radius_for_all_list_and_density():
    assert lattice_from_dict(no_radius(radius=0.3)).radii.tolist() == [0.3, 0.3]
    assert lattice_from_dict(no_radius(radii=[0.3, 0.4])).radii.tolist() == [0.3, 0.4]
    dense = lattice_from_dict(no_radius(relative_density=0.2))
    assert dense.relative_density == pytest.approx(0.2)
    assert dense.radii[0] == dense.radii[1]


def test_missing_strut_values_fall_back():
    data = strut_changed(end_radius=0.3, inner_radius=0.1, E=5, nu=0.1)
    lattice = lattice_from_dict({**data, "material": {"E": 7}})
    assert lattice.end_radii.tolist() == [0.1, 0.3]
    assert lattice.inner_radii.tolist() == [0, 0.1]
    assert lattice.E.tolist() == [7, 5]
    assert lattice.nu.tolist() == [0.3, 0.1]


def test_whole_numbers_written_as_floats_are_integers():
    assert lattice_from_dict(strut_changed(shift=[0.0, 1.0, -0.0])).shifts[1].tolist() == [0, 1, 0]


BAD = [
    ([], "bcc.json: expected a JSON object, got a list of 0"),
    (without("schema"), "bcc.json: the key 'schema' is missing"),
    (changed(schema="lattice-gnn/lattice/2"), "schema: expected 'lattice-gnn/lattice/1', got"),
    (changed(schema=None), "schema: expected 'lattice-gnn/lattice/1', got null"),
    (without("cell"), "bcc.json: the key 'cell' is missing"),
    (changed(colour="red"), "bcc.json: unknown key 'colour'; known: schema, cell"),
    (changed(cell=[[1, 0, 0], [0, 1, 0]]), "bcc.json: cell: expected 3 vectors, got 2"),
    (changed(cell=[[1, 0, 0]] * 3), "bcc.json: cell: its three vectors do not span space"),
    (changed(nodes=[[0, 0]]), r"bcc.json: nodes\[0\]: expected 3 numbers, got \[0, 0\]"),
    (changed(nodes=[[0, "a", 0]]), r"bcc.json: nodes\[0\]\[1\]: expected a number, got 'a'"),
    (changed(nodes=[[0, True, 0]]), r"bcc.json: nodes\[0\]\[1\]: expected a number, got True"),
    (changed(nodes=[[0, 10**400, 0]]), r"nodes\[0\]\[1\]: expected a finite number"),
    (changed(nodes="none"), "bcc.json: nodes: expected a list of rows of 3 numbers"),
    (changed(nodes=[[0, 0, 0], [1, 1, 1]]), r"bcc.json: nodes\[1\]: no strut ends at this node"),
    (changed(struts=[]), "bcc.json: struts: expected a list of at least one strut"),
    (changed(struts=[3]), r"bcc.json: struts\[0\]: expected an object with i, j and shift, got 3"),
    (
        strut_changed(shift=[0, 0.5, 0]),
        r"struts\[1\].shift: expected 3 integers, got \[0, 0.5, 0\]",
    ),
    (strut_changed(shift=[0, True, 0]), r"struts\[1\].shift: expected 3 integers"),
    (strut_changed(shift=[0, 10**30, 0]), r"struts\[1\].shift: expected 3 integers"),
    (strut_changed(shift=[0, 1]), r"struts\[1\].shift: expected 3 integers, got \[0, 1\]"),
    (strut_changed(shift=[1, 0, 0]), r"bcc.json: struts\[1\]: the same strut as struts\[0\]"),
    (strut_changed(shift=[-1, 0, 0]), r"bcc.json: struts\[1\]: the same strut as struts\[0\]"),
    (strut_changed(shift=[0, 0, 0]), r"bcc.json: struts\[1\]: zero length"),
    (strut_changed(i=1.5), r"bcc.json: struts\[1\].i: expected a node number, got 1.5"),
    (strut_changed(j=4), r"bcc.json: struts\[1\]: node index 4 is out of range"),
    (strut_changed(radius=0), r"bcc.json: radii\[1\]: expected a number above 0, got 0"),
    (strut_changed(radius=None), r"bcc.json: struts\[1\].radius: expected a number, got None"),
    (strut_changed(inner_radius=0.3), r"inner_radii\[1\]: expected 0 <= inner radius < radius 0.2"),
    (strut_changed(thickness=1), r"bcc.json: struts\[1\]: unknown key 'thickness'"),
    (strut_changed(nu=0.6), r"bcc.json: nu\[1\]: expected a Poisson's ratio between -1 and 0.5"),
    (changed(relative_density=0.1), "got relative_density and radius in struts"),
    (no_radius(relative_density=0.1, radius=0.1), "got radius and relative_density"),
    (no_radius(), "or a radius in every strut; got none"),
    (no_radius(radii=[0.1]), "radii: expected a list of 2 numbers, one per strut"),
    (no_radius(relative_density=1.5), "relative_density: expected a fraction between 0 and 1"),
    (no_radius(radius=-1), r"radii\[0\]: expected a number above 0, got -1"),
    (changed(material={"E": 0}), "bcc.json: material.E: expected a number above 0"),
    (changed(material={"E": 1, "G": 1}), "bcc.json: material: unknown key 'G'"),
    (changed(material=3), "bcc.json: material: expected an object, got 3"),
    (changed(name=3), "bcc.json: name: expected a string, got 3"),
    (
        {"schema": "lattice-gnn/lattices/1", "lattices": [CHAIN, strut_changed(j=9)]},
        r"bcc.json: lattices\[1\]: struts\[1\]: node index 9",
    ),
    ({"schema": "lattice-gnn/lattices/1", "lattices": []}, "lattices: expected a list of at least"),
    ({"schema": "lattice-gnn/lattices/1"}, "the key 'lattices' is missing"),
]


def one_sentence(caught):
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert len(text) < 300


@pytest.mark.parametrize(("data", "message"), BAD, ids=[message[-40:] for _, message in BAD])
def test_bad_content_is_refused_with_the_place(data, message, tmp_path):
    path = tmp_path / "bcc.json"
    path.write_text(json.dumps(data))
    with pytest.raises(LatticeGnnError, match=message) as caught:
        read_lattices(path)
    one_sentence(caught)


def test_one_strut_without_a_radius_is_named():
    data = changed()
    del data["struts"][1]["radius"]
    with pytest.raises(LatticeGnnError, match=r"struts\[1\]: the key 'radius' is missing"):
        lattice_from_dict(data)


def test_density_beside_absolute_radii_is_refused():
    data = no_radius(relative_density=0.1)
    data["struts"][1]["inner_radius"] = 0.01
    with pytest.raises(LatticeGnnError, match=r"struts\[1\].inner_radius: not allowed together"):
        lattice_from_dict(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.json: not JSON: .* line 1, column 1"),
        ('{"schema": ', "a.json: not JSON: "),
        ('{"a": 1, "a": 2}', "a.json: the key 'a' occurs twice"),
        ('{"nodes": [[NaN, 0, 0]]}', "a.json: NaN is not valid JSON"),
        ('{"nodes": -Infinity}', "a.json: -Infinity is not valid JSON"),
        ("1" * 5000, "a.json: a number has thousands of digits"),
        ("[" * 200_000, "a.json: "),
    ],
    ids=["empty", "cut", "twice", "nan", "inf", "digits", "deep"],
)
def test_bad_json_is_refused(text, message, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(LatticeGnnError, match=message) as caught:
        read_lattices(path)
    one_sentence(caught)


def test_number_beyond_float64_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(changed()).replace("0.1", "1e999"))
    with pytest.raises(LatticeGnnError, match=r"struts\[0\].radius: expected a finite number"):
        read_lattices(path)


def test_missing_file_folder_and_binary(tmp_path):
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_lattices(tmp_path / "none.json")
    with pytest.raises(LatticeGnnError, match="expected a file, got a folder"):
        read_lattices(tmp_path)
    binary = tmp_path / "b.json"
    binary.write_bytes(bytes(range(256)))
    with pytest.raises(LatticeGnnError, match="not JSON: not UTF-8 text"):
        read_lattices(binary)


def test_file_with_byte_order_mark(tmp_path):
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(CHAIN), encoding="utf-8-sig")
    assert len(read_lattices(path)) == 1


def test_failed_write_leaves_nothing_and_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "kept.json"
    write_lattices(path, cell("bcc", radius=0.05))
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LatticeGnnError, match=r"cannot be written \(No space left"):
        write_lattices(path, cell("octet", radius=0.05))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["kept.json"]


def test_unwritable_places_are_refused(tmp_path):
    lattice = cell("bcc", radius=0.05)
    with pytest.raises(LatticeGnnError, match="cannot be written"):
        write_lattices(tmp_path / "no" / "folder.json", lattice)
    with pytest.raises(LatticeGnnError, match="cannot be written"):
        write_lattices(tmp_path, lattice)
    with pytest.raises(LatticeGnnError, match="no lattice to write"):
        write_lattices(tmp_path / "a.json", [])
    assert not [name for name in os.listdir(tmp_path.parent) if name.endswith(".tmp")]
    assert os.listdir(tmp_path) == []


def test_written_file_is_readable_text(tmp_path):
    path = tmp_path / "octet.json"
    write_lattices(path, cell("octet", relative_density=0.1))
    lines = path.read_text().splitlines()
    assert len(lines) == 6 + 4 + 24 + 1
    assert max(map(len, lines)) < 100
    assert same_structure(read_lattices(path)[0], cell("octet", relative_density=0.1))
