"""The file of results: what is written is read again, row by row."""

import json
from dataclasses import replace

import pytest

KEYS = {"name", "seed", "core_minutes", "steps"}


@pytest.fixture(scope="module")
def file(benchmark):
    return benchmark("results_file")


@pytest.fixture
def copy(file, tmp_path):
    path = tmp_path / "results.json"
    path.write_bytes(file.RESULTS.read_bytes())
    return path


def result(file, run, minutes=0.5):
    return file.Result(run, minutes, 7, None, {"settings": {"rate": 1}}, [12, 3], [9_990, 10_004])


def test_the_committed_file_is_what_its_content_is_written_as(file, copy):
    solid, beam = file.read_solid(), file.read_beam()
    file.store_milliseconds(solid.milliseconds, copy)
    file.write_beam(beam, copy)
    assert copy.read_text("utf-8") == file.RESULTS.read_text("utf-8")
    assert (file.read_solid(copy), file.read_beam(copy)) == (solid, beam)


def test_every_row_is_one_line_with_its_name_seed_steps_and_core_minutes(file):
    lines = file.RESULTS.read_text("utf-8").splitlines()
    rows = [json.loads(line.strip().rstrip(",")) for line in lines if '"seed": ' in line]
    sections = json.loads(file.RESULTS.read_text("utf-8"))
    solid = sections["solid labels"]
    assert rows == [*sections["beam labels"]["models"], *solid["transfers"], *solid["runs"]]
    assert all(set(row) >= KEYS for row in rows)


def test_a_result_is_found_by_its_run(file, tmp_path):
    path = tmp_path / "new.json"
    assert file.read_solid(path) == file.SolidResults()
    runs = [file.Run("linear"), file.Run("linear", 1, "named cells", 300), file.Run("linear", 1)]
    for run in runs:
        file.store_results([result(file, run)], path)
    stored = file.read_solid(path)
    assert stored.done([*runs, file.Run("linear", 2)]) == [result(file, run) for run in runs]
    file.store_results([result(file, runs[1], 0.75)], path)
    again = file.read_solid(path).runs
    assert again == stored.runs | {runs[1]: result(file, runs[1], 0.75)}


def test_rows_stand_in_the_order_of_their_runs_however_they_are_made(file, tmp_path):
    runs = [file.Run("linear", 0, None, 25), file.Run("linear", 0, None, 300), file.Run("linear"),
            file.Run("linear", 1), file.Run("network", 0, None, 25)]  # fmt: skip
    for name, order in (("one", runs), ("two", runs[::-1])):
        for run in order:
            file.store_results([result(file, run)], tmp_path / name)
    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()
    assert list(file.read_solid(tmp_path / "one").runs) == runs


def test_what_is_stored_leaves_the_rest_as_it_is(file, copy):
    before = json.loads(copy.read_text("utf-8"))
    file.store_results([result(file, file.Run("new"))], copy)
    file.store_transfer(file.Transfer("new lattices", core_minutes=0.25), copy)
    file.store_milliseconds({"new": 1.0}, copy)
    after = json.loads(copy.read_text("utf-8"))
    assert after["beam labels"] == before["beam labels"]
    old, new = before["solid labels"], after["solid labels"]
    assert [row for row in new["runs"] if row not in old["runs"]] == [
        {"name": "new", "seed": 0, "without": None, "labels": None, "core_minutes": 0.5, "steps": 7,
         "made_of": {"settings": {"rate": 1}}, "errors": [12, 3],
         "softest": [9_990, 10_004]}
    ]  # fmt: skip
    assert new["transfers"][:-1] == old["transfers"]
    assert new["milliseconds"] == {"new": 1.0}
    file.write_beam(replace(file.read_beam(copy), budget_minutes=1.0), copy)
    assert json.loads(copy.read_text("utf-8"))["solid labels"] == new


def test_two_rows_of_one_run_are_refused(file, tmp_path):
    path = tmp_path / "new.json"
    file.store_results([result(file, file.Run("linear"))], path)
    sections = json.loads(path.read_text())
    sections["solid labels"]["runs"] *= 2
    path.write_text(json.dumps(sections))
    with pytest.raises(SystemExit, match=r"new\.json: two rows of one run"):
        file.read_solid(path)


def test_a_file_without_beam_labels_is_refused(file, tmp_path):
    with pytest.raises(
        SystemExit, match=r"missing\.json: expected a comparison under 'beam labels'"
    ):
        file.read_beam(tmp_path / "missing.json")
