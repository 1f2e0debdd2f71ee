"""``lattice-gnn predict`` of many lattices: tables, CSV, names, progress."""

import csv

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices


@pytest.fixture
def many(tmp_path):
    """Files of one and of three lattices in a folder, and another file beside it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    cells = [cell(name, relative_density=0.04) for name in ("bcc", "octet", "kelvin")]
    write_lattices(folder / "three.json", cells)
    write_lattices(folder / "one.json", cell("octet", relative_density=0.02))
    write_lattices(tmp_path / "last.json", cell("bcc", relative_density=0.08))
    return [folder, tmp_path / "last.json"]


def test_many_lattices_give_what_each_gives_alone(answer, many, weights, monkeypatch):
    monkeypatch.setattr("cli.commands.predict.BATCH", 2)
    found = answer("predict", *many, "--model", weights, "--check")
    assert found["schema"] == "lattice-gnn/predictions/1"
    rows = found["predictions"]
    assert [row["lattice"]["name"] for row in rows] == ["octet", "bcc", "octet", "kelvin", "bcc"]
    assert [row["lattice"]["index"] for row in rows] == [None, 0, 1, 2, None]
    alone = answer("predict", many[1], "--model", weights, "--check")
    for part in (lambda row: row, lambda row: row["check"]):
        C, C_ref = (np.array(part(row)["stiffness"]["voigt"]) for row in (rows[-1], alone))
        np.testing.assert_allclose(C, C_ref, rtol=0, atol=1e-6 * C_ref.max())


def test_many_lattices_are_shown_one_a_row(run, many, weights):
    result = run("predict", *many, "--model", weights, "--check")
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert len(lines) == 6
    assert "three.json[2]" in lines[4]
    assert all("inside" in line and "25 %" in line for line in lines[1:])


def test_a_table_of_many_searches_no_directions_unless_asked(run, many, weights, monkeypatch):
    full = run("predict", *many, "--model", weights, "--full").stdout

    def refuse(*arguments, **keywords):
        raise AssertionError("directions were searched")

    monkeypatch.setattr("lattice_gnn.tensors.stiffness.find_extrema", refuse)
    monkeypatch.setattr("lattice_gnn.tensors.stiffness.classify", refuse)
    brief = run("predict", *many, "--model", weights).stdout
    assert "E_1" in brief
    assert "cubic" not in brief
    assert "E max" in full
    assert full.count("cubic") == 5


def test_names_are_whole_however_narrow_the_terminal(run, tmp_path, weights, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    name = "a-name-as-long-as-users-choose-to-tell-their-lattices-apart.json"
    write_lattices(tmp_path / name, [cell("octet", relative_density=0.05)] * 2)
    for command in (("predict", "--model", weights), ("predict", "--model", weights, "--full")):
        lines = run(*command, tmp_path / name).stdout.splitlines()
        assert [line.split()[0] for line in lines[1:]] == [f"{name}[0]", f"{name}[1]"]


def test_csv_has_one_row_per_lattice(run, answer, many, weights, tmp_path):
    table = tmp_path / "table.csv"
    result = run("predict", *many, "--model", weights, "--check", "--csv", table)
    assert result.exit_code == 0
    assert "5 rows written to" in result.stderr
    rows = list(csv.DictReader(table.read_text().splitlines()))
    found = answer("predict", *many, "--model", weights, "--check")["predictions"]
    for row, report in zip(rows, found, strict=True):
        assert row["file"] == report["lattice"]["file"]
        index = report["lattice"]["index"]
        assert row["index"] == ("" if index is None else str(index))
        assert float(row["C_11_22"]) == pytest.approx(report["stiffness"]["voigt"][0][1], rel=1e-5)
        difference = report["check"]["relative_frobenius"]
        assert float(row["fem_difference"]) == pytest.approx(difference, rel=1e-4)


def test_csv_never_replaces_an_input(run, octet_file, weights):
    before = octet_file.read_bytes()
    result = run("predict", octet_file, "--model", weights, "--csv", octet_file)
    assert result.exit_code == 2
    assert "would be overwritten" in result.stderr
    assert octet_file.read_bytes() == before


def test_a_folder_of_one_lattice_is_answered_by_a_list(answer, octet_file, weights):
    found = answer("predict", octet_file.parent, "--model", weights)
    assert [row["lattice"]["name"] for row in found["predictions"]] == ["octet"]


def test_the_bar_is_drawn_on_a_terminal_only(many, weights, monkeypatch, capsys):
    from cli.main import app

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    app(["predict", *map(str, many), "--model", weights], standalone_mode=False)
    captured = capsys.readouterr()
    assert "predicting" in captured.err
    assert "5/5" in captured.err
    assert "predicting" not in captured.out


def test_an_impossible_prediction_is_named_by_its_file(run, tmp_path, octet_file):
    """Also beyond the first batch, and not by its number in the batch."""
    thick = tmp_path / "thick.json"
    write_lattices(thick, cell("octet", radius=1.0))
    for files in ([thick], [octet_file, octet_file, thick]):
        result = run("predict", *files)
        assert result.exit_code == 2
        assert f"error: {thick}: the predicted stiffness is " in result.stderr
