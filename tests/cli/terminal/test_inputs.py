"""cells, make and info: what lattices there are, writing them, looking into files."""

import json

import numpy as np
import pytest

from lattice_gnn.cells.named import CELLS, cell, cell_info
from lattice_gnn.lattice.json_file import read_lattices, write_lattices
from lattice_gnn.lattice.lattice import Lattice


def test_cells_lists_every_cell_with_its_counts(run, answer):
    rows = answer("cells")["cells"]
    assert [row["name"] for row in rows] == list(CELLS)
    octet = next(row for row in rows if row["name"] == "octet")
    assert (octet["nodes"], octet["struts"]) == (4, 24)
    for row in rows:
        assert all(cell_info(alias).name == row["name"] for alias in row["aliases"])
    text = run("cells").stdout
    assert all(name in text for name in CELLS)


def test_cells_defines_one(run, answer):
    result = run("cells", "simple cubic")
    assert result.stdout.startswith("sc (")
    assert "cube edges" in result.stdout
    assert answer("cells", "re-entrant")["parameters"]["angle"] == 20.0


def test_make_writes_a_cell_that_reads_back(run, tmp_path):
    path = tmp_path / "octet.json"
    options = ("--relative-density", 0.05, "--units", "mm", "--nu", 0.4, "--E", 2000, "-o", path)
    result = run("make", "octet truss", *options)
    assert result.exit_code == 0
    (lattice,) = read_lattices(path)
    assert lattice.relative_density == pytest.approx(0.05, rel=1e-12)
    assert (lattice.num_nodes, lattice.num_struts) == (4, 24)
    assert (lattice.units, lattice.material.nu, lattice.material.E) == ("mm", 0.4, 2000)


def test_make_without_a_file_prints_it(run, tmp_path):
    result = run("make", "re-entrant", "--radius", 0.03, "--param", "angle=10")
    path = tmp_path / "printed.json"
    path.write_text(result.stdout)
    (lattice,) = read_lattices(path)
    expected = cell("re-entrant", radius=0.03, angle=10.0)
    np.testing.assert_array_equal(lattice.nodes, expected.nodes)
    np.testing.assert_array_equal(lattice.radii, expected.radii)


def test_make_copies_and_moves_the_nodes_and_keeps_the_density(run, tmp_path):
    options = ("--relative-density", 0.04, "--supercell", 2, 1, 1)
    moved = []
    for seed in (3, 3, 4):
        path = tmp_path / "moved.json"
        assert run("make", "bcc", *options, "--perturb", 0.05, "--seed", seed, "-o", path)
        moved += read_lattices(path)
    still = cell("bcc", relative_density=0.04).supercell((2, 1, 1))
    np.testing.assert_allclose(np.linalg.norm(moved[0].nodes - still.nodes, axis=1), 0.05)
    assert moved[0].relative_density == pytest.approx(0.04, rel=1e-12)
    np.testing.assert_array_equal(moved[0].nodes, moved[1].nodes)
    assert np.abs(moved[0].nodes - moved[2].nodes).max() > 0.01


def test_make_keeps_a_radius_when_nodes_move(run, tmp_path):
    path = tmp_path / "moved.json"
    run("make", "bcc", "--radius", 0.03, "--perturb", 0.1, "--measure", "mean_length", "-o", path)
    (lattice,) = read_lattices(path)
    assert (lattice.radii == 0.03).all()
    still = cell("bcc", radius=0.03)
    shift = np.linalg.norm((lattice.nodes - still.nodes) @ still.cell, axis=1)
    np.testing.assert_allclose(shift, 0.1 * still.lengths.mean())


def _two_nets(gap):
    shifts = np.vstack([np.eye(3), np.eye(3)])
    struts = [[0, 0]] * 3 + [[1, 1]] * 3
    return Lattice(np.eye(3), [[0, 0, 0], [gap, gap, gap]], struts, shifts, 0.05)


def _dangling():
    shifts = np.vstack([np.eye(3), np.zeros(3)])
    struts = [[0, 0], [0, 0], [0, 0], [0, 1]]
    return Lattice(np.eye(3), [[0, 0, 0], [0.4, 0.4, 0.4]], struts, shifts, 0.02)


def _layer():
    return Lattice(np.eye(3), [[0, 0, 0]], [[0, 0], [0, 0]], np.eye(3)[:2], 0.05)


@pytest.mark.parametrize(
    ("lattice", "kind", "words"),
    [
        (_layer(), "net", "do not span space"),
        (_two_nets(0.5), "net", "2 separate nets interpenetrate"),
        (_two_nets(0.05), "contact", "touch or overlap"),
        (cell("octet", radius=0.09), "slenderness", "24 of 24 struts are too thick"),
        (_dangling(), "dangling", "node 1:"),
        (cell("isotruss", radius=0.02), "collinear", "3 nodes merely cut"),
        (cell("octet", radius=0.02).rotated(-np.eye(3)), "handedness", "left-handed"),
    ],
    ids=["layer", "interpenetrating", "touching", "thick", "dangling", "collinear", "left-handed"],
)
def test_info_warns_of(lattice, kind, words, run, answer, tmp_path):
    path = tmp_path / "lattice.json"
    write_lattices(path, lattice)
    warnings = {entry["kind"]: entry["text"] for entry in answer("info", path)["warnings"]}
    assert words in warnings[kind]
    printed = " ".join(run("info", path).stdout.split())
    assert words in printed


def test_info_has_nothing_against_a_slender_octet(run, answer, octet_file):
    found = answer("info", octet_file)
    assert found["warnings"] == []
    geometry = found["geometry"]
    np.testing.assert_allclose(geometry["cell_angles"], 90)
    np.testing.assert_allclose(geometry["strut_lengths"], 0.5**0.5)
    assert geometry["coordination"] == {"12": 4}
    # The closest struts without a joint are opposite edges of the octahedra and tetrahedra.
    radius = geometry["radii"][0]
    assert geometry["clearance"] == pytest.approx(0.5 - 2 * radius, rel=1e-9)
    assert found["net"]["spans_space"] is True
    assert found["net"]["components"] == [{"nodes": [0, 1, 2, 3], "rank": 3, "index": 1}]
    result = run("info", octet_file)
    assert result.stderr == ""
    assert "Beware" not in result.stdout


def test_info_of_many_is_a_list(answer, octet_file):
    write_lattices(octet_file.parent / "bcc.json", cell("bcc", radius=0.05))
    names = [entry["lattice"]["name"] for entry in answer("info", octet_file.parent)["infos"]]
    assert names == ["bcc", "octet"]


def test_info_writes_its_json(run, octet_file, tmp_path):
    run("info", octet_file, "-o", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "lattice-gnn/info/1"
