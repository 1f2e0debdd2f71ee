import json

import numpy as np
import pytest
import torch

from data.formats import read_any, write_any
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import read_lattices, write_lattices
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.testing import random_lattice, same_structure

BCC_TEXT = "GRID 1 .5 .5 .5\n" + "".join(
    f"GRID {2 + n} {n & 1} {n >> 1 & 1} {n >> 2}\nSTRUT {n} 1 {2 + n}\n" for n in range(8)
)


@pytest.fixture
def solid(tmp_path):
    """A random lattice of a solid with E = 200."""
    path = tmp_path / "solid.json"
    write_lattices(path, random_lattice(21).replace(material=Material(200.0, 0.3)))
    return path


@pytest.mark.parametrize("name", ["b.3mf", "b.ltcx", "b.inp", "b.vtu", "b.csv", "b.txt", "b.msh"])
def test_there_and_back_again(run, tmp_path, solid, name):
    there = run("convert", solid, tmp_path / name)
    assert there.exit_code == 0, there.stderr
    start = tmp_path / ("b_nodes.csv" if name == "b.csv" else name)
    back = run("convert", start, tmp_path / "back.json")
    assert back.exit_code == 0, back.stderr
    assert same_structure(read_lattices(tmp_path / "back.json")[0], read_lattices(solid)[0])


def test_what_was_done_is_said(run, tmp_path):
    (tmp_path / "a.txt").write_text(BCC_TEXT)
    result = run("convert", tmp_path / "a.txt", tmp_path / "b.json", "--relative-density", "0.05")
    assert result.exit_code == 0
    assert "folded from a drawing of 9 nodes and 8 struts to 2 nodes and 8 struts" in result.stderr
    assert "no radii" in result.stderr
    (lattice,) = read_lattices(tmp_path / "b.json")
    assert lattice.relative_density == pytest.approx(0.05)


def test_cell_crossings_and_formats_can_be_said(run, tmp_path):
    (tmp_path / "a.txt").write_text(BCC_TEXT)
    arguments = ("--cell", "1 0 0 0 1 0 0 0 1", "--keep-crossings", "--from", "text")
    result = run("convert", tmp_path / "a.txt", tmp_path / "b", *arguments, "--to", "ltcx")
    assert result.exit_code == 0, result.stderr
    (lattice,) = read_any(tmp_path / "b")
    assert np.array_equal(lattice.cell, np.eye(3))
    for arguments, words in (
        (("--cell", "1 2"), "3 edge lengths, or 9 numbers"),
        (("--from", "stl"), "no such format"),
        (("--to", "pylattice"), "read, not written"),
        ((), "tells no format"),
    ):
        result = run("convert", tmp_path / "a.txt", tmp_path / "c", *arguments)
        assert result.exit_code == 2
        assert words in result.stderr
        assert not (tmp_path / "c").exists()


def test_a_file_is_not_converted_onto_itself(run, solid):
    result = run("convert", solid, solid)
    assert result.exit_code == 2
    assert "would be overwritten" in result.stderr


@pytest.mark.parametrize("name", ["x.3mf", "x.inp", "x.vtu", "x.lat"])
def test_every_command_takes_every_format(answer, tmp_path, octet_file, name):
    (octet,) = read_lattices(octet_file)
    write_any(tmp_path / name, [octet])
    ours, theirs = answer("homogenise", octet_file), answer("homogenise", tmp_path / name)
    assert np.allclose(ours["stiffness"]["voigt"], theirs["stiffness"]["voigt"], rtol=1e-9)
    assert answer("info", tmp_path / name)["lattice"]["struts"] == 24


def test_validate_names_what_has_no_tensors(run, octet_file):
    result = run("validate", octet_file)
    assert result.exit_code == 2
    assert "carries no reference tensors" in result.stderr


def reference(path):
    (lattice,) = read_lattices(path)
    return homogenise_beam([lattice]).stiffness.voigt[0].numpy() * lattice.material.E


def test_exported_arrays_are_the_stiffness_in_the_unit_of_E(run, tmp_path, solid):
    for name in ("c.npy", "c.json"):
        result = run("export", solid, "-o", tmp_path / name)
        assert result.exit_code == 0, result.stderr
    C = reference(solid)
    assert np.allclose(np.load(tmp_path / "c.npy"), C, rtol=1e-12)
    document = json.loads((tmp_path / "c.json").read_text())
    assert np.allclose(document["voigt"], C, rtol=1e-12)
    assert document["order"] == "11 22 33 23 13 12"
    assert "beam FEM" in document["source"]


@pytest.mark.parametrize("card", ["abaqus", "calculix", "ansys"])
def test_cards_are_written_for_solvers(run, tmp_path, solid, card):
    result = run("export", solid, "-o", tmp_path / "c.txt", "--format", card)
    assert result.exit_code == 0, result.stderr
    words = (tmp_path / "c.txt").read_text()
    assert f"{reference(solid)[0, 0]:.11E}" in words


def test_network_cards_hold_the_prediction(run, answer, tmp_path, octet_file, weights):
    options = ("--method", "network", "--model", weights)
    result = run("export", octet_file, "-o", tmp_path / "c.npy", *options)
    assert result.exit_code == 0, result.stderr
    predicted = answer("predict", octet_file, "--model", weights)["stiffness"]["voigt"]
    assert torch.allclose(
        torch.from_numpy(np.load(tmp_path / "c.npy")), torch.tensor(predicted).double(), rtol=1e-6
    )


def test_singular_cards_are_refused_and_arrays_are_not(run, tmp_path, layer):
    path = tmp_path / "layer.json"
    path.write_text(json.dumps(layer))
    result = run("export", path, "-o", tmp_path / "c.inp")
    assert result.exit_code == 2
    assert "singular" in result.stderr
    assert run("export", path, "-o", tmp_path / "c.npy").exit_code == 0
    assert run("export", path, "-o", tmp_path / "c.xyz").exit_code == 2


def test_many_lattices_stay_many(run, tmp_path):
    names = ("bcc", "octet")
    write_lattices(tmp_path / "a.json", [cell(n, radius=0.03) for n in names])
    assert run("convert", tmp_path / "a.json", tmp_path / "b.3mf").exit_code == 0
    assert [x.name for x in read_any(tmp_path / "b.3mf")] == list(names)
    result = run("convert", tmp_path / "a.json", tmp_path / "b.vtu")
    assert result.exit_code == 2
    assert "holds one lattice, got 2" in result.stderr


FLAT = (
    "GRID 1 0 0 0\nGRID 2 1 0 0\nGRID 3 0 1 0\nGRID 4 1 1 0\n"
    "STRUT 1 1 2 .05\nSTRUT 2 1 3 .05\nSTRUT 3 3 4 .05\nSTRUT 4 2 4 .05\n"
)


def test_a_drawing_that_does_not_span_space_is_an_error_with_its_cause(run, tmp_path):
    (tmp_path / "flat.txt").write_text(FLAT)
    result = run("convert", tmp_path / "flat.txt", tmp_path / "b.json")
    assert result.exit_code == 2
    assert '--cell "1 1 H"' in result.stderr
    result = run("convert", tmp_path / "flat.txt", tmp_path / "b.json", "--cell", "1 1 0.5")
    assert result.exit_code == 0, result.stderr
    assert "cell given: 1 x 1 x 0.5" in result.stderr
    (tmp_path / "loose.txt").write_text(FLAT + "GRID 5 .3 .3 .5\nSTRUT 5 1 5 .05\n")
    result = run("convert", tmp_path / "loose.txt", tmp_path / "c.json")
    assert result.exit_code == 2
    assert "none continues" in result.stderr
    assert "(0.3, 0.3, 0)" in result.stderr
    assert not (tmp_path / "c.json").exists()


def test_tolerance_and_dialect_can_be_said(run, tmp_path):
    (tmp_path / "off.txt").write_text(
        "GRID 1 0 0 0\nGRID 2 1.02 0 0\nGRID 3 0 1 .02\nGRID 4 0 0 1\n"
        "STRUT 1 1 2 .05\nSTRUT 2 1 3 .05\nSTRUT 3 1 4 .05\n"
    )
    arguments = ("convert", tmp_path / "off.txt", tmp_path / "b.json", "--cell", "1 1 1")
    assert "--tolerance" not in run(*arguments, "--tolerance", "0.05").stderr
    (lattice,) = read_lattices(tmp_path / "b.json")
    assert (lattice.num_nodes, lattice.num_struts) == (1, 3)
    (tmp_path / "x.inp").write_text(
        "*NODE\n1\n2,1\n3,,1\n4,,,1\n5,.5\n6,,.5\n7,,,.5\n*ELEMENT,TYPE=B32,ELSET=A\n1,1,5,2\n"
        "2,1,6,3\n3,1,7,4\n*BEAM SECTION,ELSET=A,SECTION=CIRC\n0.1\n"
    )
    result = run("convert", tmp_path / "x.inp", tmp_path / "c.json")
    assert result.exit_code == 2
    assert "--dialect calculix" in result.stderr
    for dialect, radius in (("abaqus", 0.1), ("calculix", 0.05)):
        result = run("convert", tmp_path / "x.inp", tmp_path / "c.json", "--dialect", dialect)
        assert result.exit_code == 0, result.stderr
        assert np.allclose(read_lattices(tmp_path / "c.json")[0].radii, radius)
    for wrong in (("--dialect", "nastran"), ("--tolerance", "-1"), ("--tolerance", "nan")):
        assert run("convert", tmp_path / "x.inp", tmp_path / "c.json", *wrong).exit_code == 2


@pytest.mark.parametrize("option", [("--tolerance", "0.01"), ("--dialect", "abaqus")])
def test_options_that_the_format_has_no_use_for_are_refused(run, tmp_path, solid, option):
    result = run("convert", solid, tmp_path / "b.json", *option)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {option[0]}: ")
    assert "leave it out" in result.stderr
    assert not (tmp_path / "b.json").exists()


def test_a_cell_turned_for_a_catalogue_is_told_and_others_are_not(run, tmp_path):
    write_lattices(
        tmp_path / "left.json", cell("octet", radius=0.03).rotated(np.roll(np.eye(3), 1, axis=0))
    )
    told = run("convert", tmp_path / "left.json", tmp_path / "left.lat").stderr
    assert "turned so that cell vector a lies along x" in told
    assert "components of the stiffness are those in the turned axes" in told
    write_lattices(tmp_path / "plain.json", cell("octet", radius=0.03))
    told = run("convert", tmp_path / "plain.json", tmp_path / "plain.lat").stderr
    assert "turned so" not in told


def test_a_flat_drawing_is_told_how_to_give_its_cell(run, answer, tmp_path):
    """A honeycomb of walls of length l in the plane: plane bulk modulus E A/(2 sqrt 3 l b)."""
    r, s = 0.05, 3**0.5
    walls = [(0, 0, s / 2, 0.5), (s / 2, 0.5, s, 0), (s / 2, 0.5, s / 2, 1.5)]
    walls += [(s / 2, 1.5, 0, 2), (s / 2, 1.5, s, 2), (0, 2, 0, 3)]
    ends = [(k, *wall) for k, wall in enumerate(walls)]
    rows = [f"GRID {2 * k} {a} {b} 0\nGRID {2 * k + 1} {c} {d} 0" for k, a, b, c, d in ends]
    rows += [f"STRUT {k} {2 * k} {2 * k + 1} {r}" for k, *_ in ends]
    flat = tmp_path / "honey.txt"
    flat.write_text("\n".join(rows))
    result = run("info", flat)
    assert result.exit_code == 2
    assert "lattice-gnn convert FILE OUT.json --cell" in result.stderr
    out = tmp_path / "honey.json"
    assert run("convert", flat, out, "--cell", f"{s} 3 1").exit_code == 0
    C = np.array(answer("homogenise", out)["stiffness"]["voigt"])
    assert (C[0, 0] + C[0, 1]) / 2 == pytest.approx(np.pi * r**2 / (2 * s), rel=1e-6)
