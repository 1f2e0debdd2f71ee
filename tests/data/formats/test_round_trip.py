import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.formats import FORMATS, kind_of, read_any, read_with_report, write_any
from data.formats.options import ReadOptions
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.testing import random_lattice, same_structure

FILES = {
    "json": "x.json",
    "3mf": "x.3mf",
    "ltcx": "x.ltcx",
    "text": "x.txt",
    "csv": "x.csv",
    "abaqus": "x.inp",
    "calculix": "y.inp",
    "vtu": "x.vtu",
    "vtk": "x.vtk",
    "xdmf": "x.xdmf",
    "gmsh": "x.msh",
    "lat": "x.lat",
}
MESHES = ("vtu", "vtk", "xdmf", "gmsh")
PASSPORTS = ("json", "3mf", "ltcx", "text", "csv", "abaqus", "calculix")
DRAWN = tuple(kind for kind in FILES if kind not in ("json", "lat"))


def lattice_for(kind, seed, sections):
    """A random lattice with all that the format can hold."""
    lattice = random_lattice(seed, sections=sections and kind != "lat")
    if kind == "calculix":
        lattice = lattice.replace(inner_radii=None)
    return lattice


def stiffness(lattice):
    C = homogenise_beam([lattice]).stiffness.mandel
    return C / C.norm()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("round")


def test_every_format_is_tried_here():
    assert {x.kind for x in FORMATS if x.writer} == set(FILES)
    assert [x.kind for x in FORMATS if not x.writer] == ["pylattice", "deck"]


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), sections=st.booleans())
def test_written_lattices_come_back(folder, kind, seed, sections):
    lattice = lattice_for(kind, seed, sections)
    path = folder / FILES[kind]
    assert write_any(path, [lattice], kind) == kind
    assert kind_of(path) == kind
    reading = read_with_report(path)
    (again,) = reading.lattices
    if kind in PASSPORTS:
        assert lattice_to_dict(again) == lattice_to_dict(lattice)
        assert reading.sentences() == ()
    elif kind == "lat":  # turned into the standard frame of catalogues
        assert again.num_struts == lattice.num_struts
        assert again.lengths.sum() == pytest.approx(lattice.lengths.sum(), rel=1e-12)
    else:
        assert same_structure(again, lattice)


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "lat"])
@pytest.mark.parametrize("seed", [3, 4])
def test_stiffness_survives(tmp_path, kind, seed):
    lattice = lattice_for(kind, seed, sections=False)
    path = tmp_path / FILES[kind]
    write_any(path, [lattice], kind)
    (again,) = read_any(path)
    assert torch.allclose(stiffness(again), stiffness(lattice), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", DRAWN)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_drawings_alone_fold_into_the_same_structure(folder, kind, seed):
    """The file's own description is overruled by a given cell: what is left is the drawing."""
    lattice = lattice_for(kind, seed, sections=False)
    path = folder / FILES[kind]
    write_any(path, [lattice], kind)
    options = ReadOptions(cell=lattice.cell, split=False)
    reading = read_with_report(path, options=options)
    assert not reading.reports[0].exact
    assert same_structure(reading.lattices[0], lattice, tolerance=1e-8)
    assert "folded" in reading.sentences()[0]


@pytest.mark.parametrize("kind", ["3mf", "ltcx", "text", "csv", *MESHES])
def test_tapers_survive_in_the_drawing_itself(tmp_path, kind):
    lattice = random_lattice(7)
    lattice = lattice.replace(end_radii=lattice.radii * np.linspace(0.5, 1.5, lattice.num_struts))
    path = tmp_path / FILES[kind]
    write_any(path, [lattice], kind)
    reading = read_with_report(path, options=ReadOptions(cell=lattice.cell, split=False))
    assert same_structure(reading.lattices[0], lattice)


@pytest.mark.parametrize("kind", ["json", "3mf", "lat"])
def test_many_lattices_in_one_file(tmp_path, kind):
    lattices = [cell(name, relative_density=0.02) for name in ("bcc", "octet", "kelvin")]
    lattices = [x.with_radii(x.radii * np.linspace(1, 2, x.num_struts)) for x in lattices]
    path = tmp_path / FILES[kind]
    write_any(path, lattices)
    again = read_any(path)
    assert [x.name for x in again] == ["bcc", "octet", "kelvin"]
    assert all(same_structure(a, b) for a, b in zip(again, lattices, strict=True))


@pytest.mark.parametrize("kind", [x.kind for x in FORMATS if x.writer and not x.many])
def test_other_formats_hold_one(tmp_path, kind):
    lattices = [cell(name, relative_density=0.02) for name in ("bcc", "octet")]
    with pytest.raises(LatticeGnnError, match="holds one lattice, got 2"):
        write_any(tmp_path / FILES[kind], lattices, kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["ltcx", "text", "3mf", "csv", "abaqus"])
def test_odd_names_and_materials_survive(tmp_path, kind):
    odd = 'a <b> & "c" -- ü ?> ]]> \\u0020  end'
    lattice = cell("bcc", radius=0.05).replace(name=odd, units="mm", material=Material(70e3, 0.33))
    path = tmp_path / FILES[kind]
    write_any(path, [lattice], kind)
    (again,) = read_any(path)
    assert (again.name, again.units, again.material) == (odd, "mm", Material(70e3, 0.33))


def edited(path, old, new, count=1):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))
    return path


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("ltcx", '<beam id="0" n1="0" n2="1" r1="0.05" r2="0.05"/>', None),
        ("text", "STRUT 1 1 2 0.05", "STRUT 1 1 2 0.08"),
        ("abaqus", "\n0.05\n", "\n0.08\n"),
    ],
)
def test_a_drawing_changed_elsewhere_wins_over_the_description(tmp_path, kind, old, new):
    lattice = cell("bcc", radius=0.05).replace(units="mm")
    path = tmp_path / FILES[kind]
    write_any(path, [lattice], kind)
    new = new or '<beam id="0" n1="0" n2="1" r1="0.08" r2="0.08"/>'
    if old not in path.read_text():
        old = next(line.strip() for line in path.read_text().splitlines() if "<beam id" in line)
        new = old.replace("0.05", "0.08")
    edited(path, old, new)
    reading = read_with_report(path)
    (again,) = reading.lattices
    assert sorted(again.radii) == pytest.approx([0.05] * 7 + [0.08])
    assert again.units == "mm"
    assert any("another program changed it" in text for text in reading.sentences())


def test_a_wrong_suffix_does_not_matter(tmp_path):
    lattice = cell("octet", radius=0.02)
    path = tmp_path / "x.3mf"
    write_any(path, [lattice])
    other = tmp_path / "x.json"
    path.rename(other)
    assert kind_of(other) == "3mf"
    assert same_structure(read_any(other)[0], lattice)


def test_pylattice_cells_are_read(tmp_path):
    """A BCC cell as eight half diagonals, and an edge that stands for four."""
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    beams = [[0.5, 0.5, 0.5, *corner] for corner in corners] + [[0, 0, 0, 0, 0, 1]]
    path = tmp_path / "cell.json"
    path.write_text(json.dumps({"name": "BCCZ", "cell_geometry": "Cubic", "beams": beams}))
    assert kind_of(path) == "pylattice"
    reading = read_with_report(path)
    (lattice,) = reading.lattices
    assert lattice.name == "BCCZ"
    expected = cell("bccz", relative_density=0.01)
    assert same_structure(lattice, expected, any_translation=True)
    assert any("no radii" in text for text in reading.sentences())
    with pytest.raises(LatticeGnnError, match="are read, not written"):
        write_any(path, [lattice], "pylattice")


def test_gmsh_text_of_gmsh_itself(tmp_path):
    path = tmp_path / "x.msh"
    nodes = "\n".join(["1 0 0 0", "2 1 1 1", "3 .5 .5 .5", "4 1 0 0", "5 0 1 1"])
    elements = "\n".join(["1 1 2 0 1 1 3", "2 1 2 0 1 3 2", "3 1 2 0 1 4 3", "4 1 2 0 1 3 5"])
    path.write_text(
        f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n5\n{nodes}\n$EndNodes\n"
        f"$Elements\n4\n{elements}\n$EndElements\n"
    )
    (lattice,) = read_any(path)
    assert (lattice.num_nodes, lattice.num_struts) == (2, 4)


def test_unknown_files_and_formats_are_named(tmp_path):
    path = tmp_path / "x.dat"
    path.write_text("hello\n")
    with pytest.raises(LatticeGnnError, match=r"x\.dat: is of no known format; expected 3MF"):
        read_any(path)
    path.write_text("")
    with pytest.raises(LatticeGnnError, match=r"x\.dat: is empty"):
        read_any(path)
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_any(tmp_path / "none.json")
    with pytest.raises(LatticeGnnError, match="got a folder"):
        read_any(tmp_path)
    with pytest.raises(LatticeGnnError, match=r"'\.dat' tells no format"):
        write_any(path, [cell("bcc", radius=0.05)])
    with pytest.raises(LatticeGnnError, match="no such format; the formats are 3mf"):
        read_any(path, "stl")


@pytest.mark.parametrize("suffix", [".vtu", ".vtk", ".xdmf", ".msh"])
def test_meshes_keep_the_solid_that_the_stiffness_is_relative_to(suffix, tmp_path):
    """Struts of their own E: C / E_s needs E_s, which no strut need have."""
    lattice = cell("bcc", radius=0.05)
    lattice = lattice.replace(
        material=Material(E=70.0, nu=0.25), E=np.linspace(35.0, 140.0, 8), nu=np.full(8, 0.3)
    )
    path = tmp_path / f"a{suffix}"
    write_any(path, [lattice])
    (back,) = read_any(path)
    assert back.material == lattice.material
    before, after = homogenise_beam([lattice, back]).stiffness.mandel
    torch.testing.assert_close(after, before, rtol=1e-12, atol=0)
