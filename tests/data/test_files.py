"""Reading and writing of any format in one call."""

import inspect
import warnings

import numpy as np
import pytest

import lattice_gnn as lg
from data.files import ReadWarning, WriteWarning
from lattice_gnn.testing import same_structure

OCTET = lg.cell("octet", radius=0.05)
BCC = lg.cell("bcc", radius=0.04)


@pytest.mark.parametrize("suffix", [".json", ".inp", ".3mf", ".vtu", ".ltcx", ".txt", ".csv"])
def test_one_lattice_comes_back_as_one(tmp_path, suffix):
    path = tmp_path / f"octet{suffix}"
    lg.write(path, OCTET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadWarning)
        assert same_structure(lg.read(path), OCTET)


@pytest.mark.parametrize("suffix", [".json", ".3mf", ".lat"])
def test_several_come_back_as_a_list(tmp_path, suffix):
    path = tmp_path / f"cells{suffix}"
    lg.write(str(path), (OCTET, BCC))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadWarning)
        found = lg.read(str(path))
    assert isinstance(found, list)
    assert [x.name for x in found] == ["octet", "bcc"]


def test_a_lattice_that_is_turned_is_named(tmp_path):
    turned = OCTET.rotated(np.roll(np.eye(3), 1, axis=0))
    path = tmp_path / "turned.lat"
    with pytest.warns(WriteWarning, match=r"turned.lat: turned so that cell vector a lies along x"):
        lg.write(path, turned)
    assert isinstance(lg.read(path), lg.Lattice)
    lg.write(tmp_path / "turned.json", turned)  # without a warning, which would be an error here


def drawing(tmp_path):
    """A deck of the closed cubic cell: twelve edges, as a CAD program draws it."""
    corners = np.array(list(np.ndindex(2, 2, 2)), float)
    rows = ["*Node"] + [f"{k + 1}, {x}, {y}, {z}" for k, (x, y, z) in enumerate(corners)]
    pairs = [
        (a + 1, b + 1)
        for a in range(8)
        for b in range(a + 1, 8)
        if np.abs(corners[a] - corners[b]).sum() == 1
    ]
    rows += ["*Element, type=B31, elset=struts"]
    rows += [f"{k + 1}, {a}, {b}" for k, (a, b) in enumerate(pairs)]
    rows += ["*Beam Section, elset=struts, material=m, section=CIRC", "0.05", "1, 0.3, 0.2"]
    rows += ["*Material, name=m", "*Elastic", "1.0, 0.3"]
    path = tmp_path / "cube.inp"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_folding_a_drawing_is_told(tmp_path):
    path = drawing(tmp_path)
    with pytest.warns(
        ReadWarning, match=r"cube.inp: folded from a drawing of 8 nodes and 12 struts"
    ):
        found = lg.read(path)
    assert (found.num_nodes, found.num_struts) == (1, 3)
    with pytest.warns(ReadWarning, match="cell given"):
        assert lg.read(path, cell=np.eye(3)).num_struts == 3
    with pytest.warns(ReadWarning, match="cell given: 1 x 1 x 2"):
        assert np.allclose(lg.read(path, cell=[1.0, 1.0, 2.0]).cell, np.diag([1, 1, 2]))


@pytest.mark.parametrize("cell", ["1 1 1", [1, 1], [[1, 0, 0], [0, 1]], [1, 1, np.nan], 1.0])
def test_cells_that_are_none_are_refused(tmp_path, cell):
    with pytest.raises(lg.LatticeGnnError, match=r"^cell"):
        inspect.unwrap(lg.read)(drawing(tmp_path), cell=cell)


@pytest.mark.parametrize(
    ("verb", "arguments", "sentence"),
    [
        (lg.read, (OCTET,), "read: expected the path of a file first, got Lattice"),
        (lg.read, ("missing.inp",), "missing.inp: no such file"),
        (lg.write, (OCTET, "a.json"), "write: expected the path of a file first, got Lattice"),
        (lg.write, ("a.json", "octet"), "write: expected a Lattice or a sequence of them, got str"),
        (lg.write, ("a.json", []), "no lattice to write"),
        (lg.write, ("a.doc", OCTET), "suffix '.doc'"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(tmp_path, monkeypatch, verb, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(lg.LatticeGnnError, match=sentence):
        inspect.unwrap(verb)(*arguments)
    assert list(tmp_path.iterdir()) == []
