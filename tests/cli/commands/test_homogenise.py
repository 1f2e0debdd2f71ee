"""homogenise: beam FEM at the terminal, singular nets included."""

import csv

import numpy as np
import pytest

from fem_reference.sparse import IllConditionedError
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices


def test_octet_at_small_radius_has_the_stiffness_of_the_literature(answer, written):
    lattice = cell("octet", radius=0.02)
    found = answer("homogenise", written(lattice))
    C = np.array(found["stiffness"]["voigt"]) / lattice.relative_density
    constants = (C[0, 0], C[0, 1], C[3, 3])
    np.testing.assert_allclose(constants, (0.1671, 0.0831, 0.0835), atol=6e-5)
    assert found["schema"] == "lattice-gnn/homogenisation/1"
    assert found["method"] == {"name": "beam FEM", "element": "euler-bernoulli"}
    assert found["rank"] == 6
    assert found["warnings"] == []


def test_timoshenko_struts_are_softer(answer, written):
    path = written(cell("bcc", relative_density=0.1))
    plain, shear = (
        answer("homogenise", path, "--element", element)["stiffness"]["voigt"]
        for element in ("euler-bernoulli", "timoshenko")
    )
    assert 0.9 * plain[0][0] < shear[0][0] < plain[0][0]
    soft, soft_plain = (C[0][0] - C[0][1] for C in (shear, plain))
    assert soft < 0.99 * soft_plain


def test_the_energy_is_split_and_adds_up(answer, run, written):
    path = written(cell("diamond", relative_density=0.02))
    found = answer("homogenise", path, "--fields")
    energy = {kind: np.array(values) for kind, values in found["energy"].items()}
    total = sum(energy.values())
    np.testing.assert_allclose(total, np.diag(found["stiffness"]["mandel"]) / 2, rtol=1e-9)
    assert (energy["axial"][:3] > 0.9 * total[:3]).all()
    assert (energy["axial"][3:] < 0.1 * total[3:]).all()
    assert found["condition"] > 1
    text = run("homogenise", path, "--fields").stdout
    verdicts = [line.split()[2:] for line in text.splitlines() if "dominated by" in line]
    assert verdicts[0] == ["stretch"] * 3 + ["bend"] * 3
    # Diamond resists a change of volume alone by stretching: the other five modes bend.
    assert verdicts[1] == ["bend"] * 5 + ["stretch"]
    modes = {kind: np.array(values) for kind, values in found["modes"].items()}
    np.testing.assert_allclose(modes["axial"] + modes["bending"] + modes["torsion"], 1, rtol=1e-9)
    np.testing.assert_allclose(
        modes["stiffness"], np.linalg.eigvalsh(found["stiffness"]["mandel"]), rtol=1e-9
    )
    assert "condition" in text


def test_a_net_that_does_not_span_space_gives_its_singular_stiffness(run, answer, edited, layer):
    path = edited(lambda _: layer)
    found = answer("homogenise", path)
    C = np.array(found["stiffness"]["voigt"])
    area = np.pi * 0.05**2
    np.testing.assert_allclose(np.diag(C)[:3], [area, area, 0], atol=1e-12)
    assert found["rank"] == np.linalg.matrix_rank(C, tol=1e-9) == 3
    assert found["moduli"] is None
    assert [warning["kind"] for warning in found["warnings"]] == ["net"]
    result = run("homogenise", path)
    assert result.exit_code == 0
    assert "3 of 6: SINGULAR" in result.stdout
    assert result.stderr.startswith(f"warning: {path}: The struts do not span space")
    assert len(result.stderr.splitlines()) == 1


def test_many_lattices_are_shown_one_a_row(run, answer, edited, layer, tmp_path):
    edited(lambda _: layer)
    write_lattices(tmp_path / "two.json", [cell("bcc", radius=0.05), cell("octet", radius=0.05)])
    result = run("homogenise", tmp_path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert "singular" in lines[1]
    assert "two.json[1]" in lines[3]
    assert "edited.json" in result.stderr
    rows = answer("homogenise", tmp_path)["homogenisations"]
    assert [row["rank"] for row in rows] == [3, 6, 6]
    assert [row["moduli"] is None for row in rows] == [True, False, False]


def test_a_soft_shear_is_shown_with_its_digits(run, answer, written):
    path = written(cell("sc", radius=1e-3))
    C = answer("homogenise", path)["stiffness"]["voigt"]
    assert 0 < C[3][3] < 1e-5 * C[0][0]
    text = run("homogenise", path).stdout
    assert f"{C[0][0]:.4e}" in text
    assert f"{C[3][3]:.4e}" in text


def test_a_stiffness_that_is_singular_to_rounding_has_no_moduli(run, answer, written, weights):
    path = written(cell("sc", radius=1e-8))
    for command in (("homogenise",), ("predict", "--model", weights, "--check")):
        found = answer(command[0], path, *command[1:])
        assert found["moduli"] is None
        assert found["stiffness"]["voigt"][0][0] > 0
        assert "singular" in run(command[0], path, *command[1:]).stdout


def test_equations_that_cannot_be_solved_name_the_file(run, tmp_path, monkeypatch):
    def fail(lattices, **keywords):
        raise IllConditionedError(len(lattices) - 1)

    write_lattices(tmp_path / "two.json", [cell("bcc", radius=0.05), cell("octet", radius=0.05)])
    monkeypatch.setattr("fem_reference.beam.homogenise.homogenise_beam", fail)
    result = run("homogenise", tmp_path / "two.json")
    assert result.exit_code == 2
    assert f"{tmp_path / 'two.json'}[1]: the beam equations" in result.stderr


def test_csv_has_one_row_per_lattice(run, answer, edited, layer, tmp_path):
    edited(lambda _: layer)
    write_lattices(tmp_path / "two.json", [cell("bcc", radius=0.05), cell("octet", radius=0.05)])
    found = answer("homogenise", tmp_path)["homogenisations"]
    table = tmp_path / "table.csv"
    result = run("homogenise", tmp_path, "--csv", table)
    assert result.exit_code == 0
    assert "3 rows written to" in result.stderr
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for row, report in zip(rows, found, strict=True):
        assert (row["method"], int(row["rank"])) == ("beam", report["rank"])
        assert row["file"] == report["lattice"]["file"]
        assert float(row["C_11_22"]) == pytest.approx(report["stiffness"]["voigt"][0][1], rel=1e-5)
    assert [row["E_1"] for row in rows].index("") == 0
    same = tmp_path / "same.csv"
    assert run("predict", tmp_path / "two.json", "--fidelity", "beam", "--csv", same).exit_code == 0
    assert same.read_text().splitlines()[1:] == table.read_text().splitlines()[2:]


def test_energies_of_several_lattices_are_in_the_json_alone(run, answer, tmp_path):
    path = tmp_path / "two.json"
    write_lattices(path, [cell("bcc", radius=0.05), cell("octet", radius=0.05)])
    result = run("homogenise", path, "--fields")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--fields: the table of several lattices has no room" in result.stderr
    found = answer("homogenise", path, "--fields")["homogenisations"]
    assert all(sum(row["energy"]["axial"]) > 0 for row in found)
