"""Rows of a folder of ``compare`` in the results on beam labels: replaced, kept, refused."""

import json
from dataclasses import replace

import pytest

from data.experiments.comparison_rows import to_text
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.reports.comparison import Machine, Summary


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("beam_rows")


@pytest.fixture(scope="module")
def present(script):
    return script.Present.of()


@pytest.fixture(scope="module")
def report(benchmark, script, present):
    """The committed comparison in which two models are not finished yet."""
    report = script.settled(benchmark("results_file").read_beam(), present)
    names = ("affine", "ridge")
    rows = (replace(row, settings="earlier", steps=7) if row.name in names else row
            for row in report.models)  # fmt: skip
    found = script.settled(replace(report, models=tuple(rows)), present)
    assert set(names) <= set(found.unfinished)
    return found


@pytest.fixture
def folder(tmp_path):
    """Write a folder of ``compare``."""

    def write(report):
        (tmp_path / "comparison.json").write_text(to_text(report.to_dict()))
        return tmp_path

    return write


def rows_of(report):
    return {row.name: row for row in report.models}


def again(script, present, report, *names, error=0.01):
    """Return what ``compare --only NAMES`` gives in a folder of its own."""
    rows = []
    for name in names:
        row = rows_of(report)[name]
        summary = Summary(**dict.fromkeys(("median", "mean", "p90", "p99", "max"), error))
        rows.append(replace(row, steps=None, test=replace(row.test, directional_error=summary),
                            settings=present.plans[name].settings(report.data.hash)))  # fmt: skip
    new = replace(report, models=tuple(rows), failed={})
    return script.settled(new, present)


def test_a_row_replaces_the_earlier_one_and_is_finished(script, present, report, folder):
    new = again(script, present, report, "ridge")
    found = script.added(report, folder(new), present)
    assert rows_of(found) == rows_of(report) | rows_of(new)
    assert set(found.unfinished) == set(report.unfinished) - {"ridge"}
    assert found.ablation == tuple(present.config.ablation)
    scores = [row.score for row in found.models]
    assert scores == sorted(scores)
    assert found.models[0].name == "ridge"


def test_only_finished_rows_are_taken(script, present, report, folder):
    new = again(script, present, report, "ridge", "affine")
    earlier = tuple(replace(row, settings="earlier") if row.name == "affine" else row
                    for row in new.models)  # fmt: skip
    new = script.settled(replace(new, models=earlier), present)
    found = script.added(report, folder(new), present)
    assert rows_of(found)["affine"] == rows_of(report)["affine"]
    assert "affine" in found.unfinished
    assert "ridge" not in found.unfinished


def test_a_row_that_is_there_already_keeps_its_cost(script, present, report, folder):
    new = again(script, present, report, "ridge")
    once = script.added(report, folder(new), present)
    slower = tuple(replace(row, forward_ms=99.0, step_ms=99.0) for row in new.models)
    assert script.added(once, folder(replace(new, models=slower)), present) == once
    (row,) = slower
    better = replace(row, test=replace(row.test, negative_eigenvalue_share=0.5))
    twice = script.added(once, folder(replace(new, models=(better,))), present)
    assert rows_of(twice)["ridge"] == better


def test_costs_of_another_computer_are_left_out(script, present, report, folder):
    new = replace(again(script, present, report, "ridge"), machine=Machine("another", 8, "2.0"))
    found = script.added(report, folder(new), present)
    assert rows_of(found)["ridge"].forward_ms is None
    assert rows_of(found)["affine"].forward_ms == rows_of(report)["affine"].forward_ms
    assert found.machine == report.machine


def test_why_a_model_failed_stays_in_its_folder(script, present, report, folder):
    why = "its lattices are in folder/runs/affine/failed_batch.pt"
    new = replace(again(script, present, report, "ridge"), failed={"affine": why})
    found = script.added(report, folder(new), present)
    assert found.failed == {}
    assert "affine" in found.unfinished


def other_settings(new):
    return replace(new, models=tuple(replace(row, settings="0") for row in new.models))


def other_catalogue(new):
    (row,) = new.models
    found = {
        name: replace(errors, catalogue=replace(errors.catalogue, lowest=9))
        for name, errors in row.catalogues.items()
    }
    return replace(new, models=(replace(row, catalogues=found),))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda new: replace(new, data=replace(new.data, hash="0")), "its lattices are not those"),
        (lambda new: replace(new, budget_minutes=3.0), "is 3 core-minutes, expected 40"),
        (other_settings, "'ridge' was trained with other settings"),
        (other_catalogue, r"another glamm_train60\.lat .*--lowest 9, expected 3"),
        (lambda new: replace(new, models=()), "no model has finished"),
    ],
)
def test_rows_of_other_data_budget_settings_or_catalogue_are_refused(
    script, present, report, folder, change, message
):
    new = change(again(script, present, report, "ridge"))
    with pytest.raises(LatticeGnnError, match=message) as error:
        script.added(report, folder(new), present)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_comparison_is_refused(script, present, report, tmp_path):
    with pytest.raises(LatticeGnnError, match=r"there is no comparison\.json"):
        script.added(report, tmp_path, present)
    (tmp_path / "comparison.json").write_text("{")
    with pytest.raises(LatticeGnnError, match=r"comparison\.json: holds no comparison"):
        script.added(report, tmp_path, present)


def test_a_row_without_a_model_is_refused(script, present, report):
    (first, *rest) = report.models
    with pytest.raises(LatticeGnnError, match="a row 'gone', but no model of this name"):
        script.settled(replace(report, models=(replace(first, name="gone"), *rest)), present)


def test_costs_are_those_of_this_computer(script, present, report, tmp_path, monkeypatch):
    asked = []

    def measure(plan, folder, data):
        asked.append((plan.name, data))
        return {"forward_ms": 0.5 * len(asked), "step_ms": None}

    monkeypatch.setattr(script, "measure_cost", measure)
    monkeypatch.setattr(script, "load_training_data", lambda *_: "lattices")
    found = script.with_costs(replace(report, machine=Machine("another", 8, "2.0")), tmp_path,
                              present)  # fmt: skip
    assert asked == [(row.name, "lattices") for row in report.models]
    assert [row.forward_ms for row in found.models] == [0.5 * (k + 1) for k in range(len(asked))]
    assert found.machine == script.machine()


def test_the_page_adds_a_row_and_says_what_is_missing(
    benchmark, present, report, folder, capsys, monkeypatch
):
    page, written = benchmark("comparison_page"), []
    monkeypatch.setattr(page, "read_beam", lambda: report)
    monkeypatch.setattr(page, "write_beam", written.append)
    place = folder(again(page, present, report, "ridge"))
    monkeypatch.setattr("sys.argv", ["comparison_page.py", "--add", str(place)])
    page.main()
    assert written == [page.added(report, place, present)]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Not yet with the whole budget: {', '.join(written[0].unfinished)}."
    (place / "comparison.json").write_text(json.dumps({"schema": "lattice-gnn/prediction/1"}))
    with pytest.raises(SystemExit) as stop:
        page.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith(f"{place}/comparison.json: holds no comparison")
