"""homogenise --method solid: the union of struts and joints at the terminal."""

import csv
import json
from dataclasses import replace

import meshio
import numpy as np
import pytest

from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import random_rotation

SOLID = ("--method", "solid", "--voxels-per-diameter", 4)


@pytest.fixture
def sc_file(tmp_path):
    """Simple cubic, thick struts."""
    path = tmp_path / "sc.json"
    write_lattices(path, cell("sc", radius=0.2))
    return path


@pytest.fixture
def two_file(tmp_path):
    """Two simple cubic cells in one file, the second turned."""
    path = tmp_path / "two.json"
    first = cell("sc", radius=0.22)
    write_lattices(path, [first, first.rotated(random_rotation(1))])
    return path


def two_nets(radius):
    """Two simple cubic nets, half a cell apart; their surfaces touch at radius 1/4."""
    nodes, loops = [[0, 0, 0], [0.5, 0.5, 0.5]], [[0, 0]] * 3 + [[1, 1]] * 3
    return Lattice(np.eye(3), nodes, loops, np.tile(np.eye(3, dtype=int), (2, 1)), radius)


def test_the_answer_is_that_of_the_library_and_stiffer_than_beams(answer, sc_file):
    found, beam = (answer("homogenise", sc_file, *options) for options in (SOLID, ()))
    expected = homogenise_solid(cell("sc", radius=0.2), voxels_per_diameter=4)
    C = np.array(found["stiffness"]["mandel"])
    np.testing.assert_allclose(C, expected.stiffness.numpy(), rtol=1e-9, atol=1e-12)
    assert found["schema"] == "lattice-gnn/homogenisation/1"
    assert found["method"] == {"name": "solid FEM", "voxels_per_diameter": 4}
    solid = found["solid"]
    assert solid["error"] == pytest.approx(expected.error)
    assert solid["softest_error"] == pytest.approx(expected.softest_error)
    assert solid["grid"] == [16, 16, 16]
    assert solid["voxels_per_diameter"] == pytest.approx(2 * 0.2 * 16)
    assert 0 < solid["iterations"]["fine"] <= 12
    # The joint is counted once in the union: two routes to one volume.
    lattice = found["lattice"]
    assert solid["volume_fraction"] == pytest.approx(lattice["volume_fraction"]["value"], rel=0.01)
    assert solid["volume_fraction"] < 0.8 * lattice["relative_density"]
    assert found["rank"] == np.linalg.matrix_rank(C) == 6
    assert found["moduli"]["symmetry"]["name"] == "cubic"
    assert found["warnings"] == []  # slenderness is of no matter to a solid
    assert "slenderness" in [warning["kind"] for warning in beam["warnings"]]
    shear, beam_shear = (x["stiffness"]["voigt"][3][3] for x in (found, beam))
    assert shear > 1.3 * beam_shear


def test_the_table_says_how_far_to_trust_it(run, sc_file, tmp_path):
    output = tmp_path / "out.json"
    result = run("homogenise", sc_file, *SOLID, "-o", output)
    assert result.exit_code == 0
    assert result.stderr == f"JSON written to {output}\n"
    assert '"solid FEM"' in output.read_text()
    assert "by solid FEM" in result.stdout
    solution = homogenise_solid(cell("sc", radius=0.2), voxels_per_diameter=4)
    values = {
        "filled voxels": f"{solution.volume_fraction:.5g}",
        "error of C": f"{100 * solution.error:.2g} %",
        "softest eigenvalue": f"{100 * solution.softest_error:.2g} %",
        "grid": "16 x 16 x 16 voxels, 6.4 across the thinnest strut; 1,954 active nodes",
    }
    for name, value in values.items():
        (line,) = [x for x in result.stdout.splitlines() if x.strip().startswith(name)]
        assert value in line


def test_many_lattices_are_rows_and_a_turned_one_has_the_same_eigenvalues(run, two_file):
    output = two_file.with_name("out.json")
    result = run("homogenise", two_file, *SOLID, "-o", output)
    assert result.exit_code == 0
    assert result.stderr == f"JSON written to {output}\n"  # a pipe gets no progress bar
    assert [line for line in result.stdout.splitlines() if line.startswith("solid FEM, estimated")]
    assert sum("two.json[1]" in line for line in result.stdout.splitlines()) == 2
    rows = json.loads(output.read_text())["homogenisations"]
    plain, turned = (np.linalg.eigvalsh(row["stiffness"]["mandel"]) for row in rows)
    np.testing.assert_allclose(turned, plain, rtol=1e-6)


def test_of_many_lattices_those_that_are_refused_do_not_cost_the_others(run, two_file, tmp_path):
    path = tmp_path / "mixed.json"
    write_lattices(path, replace(cell("sc", radius=0.2), nu=[0.1, 0.2, 0.3]))
    table = tmp_path / "table.csv"
    result = run("homogenise", path, two_file, *SOLID, "--json", "--csv", table)
    assert result.exit_code == 2
    written, reason, sentence = result.stderr.splitlines()
    assert written.startswith("2 rows")
    rows = csv.DictReader(table.read_text().splitlines())
    assert [0 < float(row["estimated_error"]) < 0.2 for row in rows] == [True, True]
    assert reason.startswith(f"warning: left out: {path}")
    assert "the same Poisson's ratio" in reason
    assert sentence == "error: 1 of 3 lattices were refused, for the reasons above."
    answer = json.loads(result.stdout)
    assert len(answer["homogenisations"]) == 2
    assert answer["refused"] == [reason.removeprefix("warning: left out: ")]
    result = run("homogenise", path, path, *SOLID, "--json")
    assert (result.exit_code, result.stdout) == (2, "")


def test_the_bar_names_lattice_and_stage_on_a_terminal_only(two_file, monkeypatch, capsys):
    from cli.main import app

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "200")
    app(["homogenise", str(two_file), *map(str, SOLID)], standalone_mode=False)
    captured = capsys.readouterr()
    assert "two.json[1]: fine grid" in captured.err
    assert "fine grid" not in captured.out


def test_fields_are_written_as_a_mesh(run, sc_file, tmp_path):
    """The stress of case 11, averaged over the cell, is the first column of C on this grid."""
    path = tmp_path / "fields.vtu"
    result = run("homogenise", sc_file, *SOLID, "-o", path)
    assert result.exit_code == 0
    assert result.stderr == f"displacement and stress written to {path}\n"
    mesh = meshio.read(path)
    (weights,), (stress,) = (mesh.cell_data[name] for name in ("volume_fraction", "stress_11"))
    C = homogenise_solid(cell("sc", radius=0.2), voxels_per_diameter=4).fine.stiffness.numpy()
    np.testing.assert_allclose(weights @ stress[:, :3] / 16**3, C[:3, 0], atol=1e-3 * C[0, 0])


@pytest.mark.parametrize(
    ("radius", "voxels", "kinds", "words"),
    [
        (0.15, 6, ["net"], "2 separate solids interpenetrate"),
        (0.27, 6, ["contact", "gap"], "they form one solid"),
        (0.17, 8, ["net", "gap"], "may close it"),
    ],
)
def test_contacts_are_warned_of(radius, voxels, kinds, words, run, tmp_path):
    path = tmp_path / "nets.json"
    write_lattices(path, two_nets(radius))
    options = ("--method", "solid", "--voxels-per-diameter", voxels)
    result = run("homogenise", path, *options, "-o", tmp_path / "out.json")
    assert result.exit_code == 0
    assert words in result.stderr
    assert "beam theory" not in result.stderr
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == len(kinds)
    assert all(str(path) in warning for warning in warnings)
    for kind in kinds:
        assert f'"kind": "{kind}"' in (tmp_path / "out.json").read_text()


def test_parts_that_carry_no_load_are_told(answer, tmp_path):
    """A bar along x that touches nothing, beside a net: dropped, with its share of the cell."""
    lattice = Lattice(
        np.eye(3),
        [[0, 0, 0], [0.5, 0.5, 0.5]],
        [[0, 0]] * 3 + [[1, 1]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]],
        [0.22, 0.22, 0.22, 0.1],
    )
    write_lattices(tmp_path / "bar.json", lattice)
    found = answer("homogenise", tmp_path / "bar.json", *SOLID)
    solid = found["solid"]
    assert solid["dropped_components"] == 1
    assert solid["dropped_volume"] == pytest.approx(np.pi * 0.1**2, rel=0.02)
    assert "dropped" in [warning["kind"] for warning in found["warnings"]]
    alone = homogenise_solid(cell("sc", radius=0.22), voxels_per_diameter=10)
    assert list(alone.fine.shape) == solid["grid"]
    C = found["stiffness"]["mandel"]
    np.testing.assert_allclose(C, alone.stiffness.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "solid", "--element", "timoshenko"), ["--element", "--method beam"]),
        (("--method", "solid", "--element", "euler-bernoulli"), ["--element", "--method beam"]),
        (("--method", "solid", "--fields"), ["--fields", "--method beam"]),
        (("--voxels-per-diameter", 8), ["--voxels-per-diameter", "--method solid"]),
        (("-o", "fields.vtu"), ["fields.vtu", "--method solid"]),
        (("--method", "solid", "--voxels-per-diameter", 3), ["two.json[0]", "at least 4"]),
        ((*SOLID, "-o", "fields.vtu"), ["fields.vtu", "got 2 lattices"]),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words, run, two_file, monkeypatch):
    monkeypatch.chdir(two_file.parent)
    assert_refused(run("homogenise", "two.json", *options), *words)
    assert [path.name for path in two_file.parent.iterdir()] == ["two.json"]


@pytest.mark.parametrize(
    ("lattice", "word"),
    [
        (cell("sc", radius=0.2).replace(nu=[0.1, 0.2, 0.3]), "the same Poisson's ratio"),
        (cell("sc", radius=1e-5), "GB of memory"),
        (Lattice(np.eye(3), [[0, 0, 0]], [[0, 0]], [[1, 0, 0]], [0.2]), "spans space"),
    ],
    ids=["mixed", "thin", "bar"],
)
def test_a_lattice_that_is_refused_is_named(lattice, word, run, tmp_path):
    write_lattices(tmp_path / "bad.json", lattice)
    for output in ("out.json", "fields.vtu"):
        result = run("homogenise", tmp_path / "bad.json", *SOLID, "-o", tmp_path / output)
        assert_refused(result, "bad.json", word)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.json"]


def assert_refused(result, *words):
    """One sentence with these words, exit code 2."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line
