"""make writes named cells: copied, moved, of a density."""

import numpy as np
import pytest

from data.formats import read_with_report
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import read_lattices


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


@pytest.mark.parametrize("name", ["x", "x.json", "x.3mf", "x.inp", "x.vtu"])
def test_make_writes_the_format_of_the_suffix(run, tmp_path, name):
    path = tmp_path / name
    assert run("make", "bcc", "--radius", 0.05, "-o", path).exit_code == 0
    kind = {"": "json", ".inp": "abaqus"}.get(path.suffix, path.suffix[1:])
    reading = read_with_report(path)
    assert reading.kind == kind
    assert reading.lattices[0].num_struts == 8


def test_make_refuses_a_suffix_of_no_lattice(run, tmp_path):
    result = run("make", "bcc", "--radius", 0.05, "-o", tmp_path / "x.png")
    assert result.exit_code == 2
    assert "the suffix '.png' tells no format" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [("--seed", 3), ("--measure", "mean_length")])
def test_options_of_a_perturbation_need_one(run, tmp_path, option):
    result = run("make", "bcc", "--radius", 0.05, *option, "-o", tmp_path / "x.json")
    assert result.exit_code == 2
    assert f"{option[0]}: requires --perturb; add that." in result.stderr
    assert not list(tmp_path.iterdir())
