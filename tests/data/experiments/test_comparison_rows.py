"""The file of results is all that a comparison needs to go on."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml

from data.experiments import comparison, comparison_cost, comparison_run
from data.experiments.comparison import Job, compare
from data.experiments.comparison_config import read_comparison
from data.experiments.machine import machine
from data.experiments.training_data import Labelling
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.reports.comparison import Machine
from lattice_gnn.reports.schema import read_document

SMALL = {"channels": 2, "hidden": 4, "readout_channels": 2, "layers": 1}
CONFIG = {
    "data": {
        "population": {"count": 16, "seed": 3, "draws": 2, "density_range": [0.003, 0.2]},
        "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
    },
    "train": {"batch_size": 8, "steps": 4, "checkpoint_steps": 2, "average": 0.5},
    "models": {"ours": {"model": SMALL}, "floor": {"model": {"kind": "affine"}}},
    "curves": {"labels": [6], "best": 1},
}


@pytest.fixture(autouse=True)
def _short_timing(monkeypatch):
    monkeypatch.setattr(comparison_cost, "_COST_SECONDS", 0.01)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished comparison: its settings, its job, its report."""
    folder = tmp_path_factory.mktemp("comparison")
    config = folder / "c.yaml"
    config.write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    job = Job(folder / "out", Labelling(folder / "labels"))
    return config, job, compare(config, job)


@pytest.fixture
def only_rows(finished, tmp_path):
    """The same comparison where nothing but its file is left."""
    config, job, report = finished
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(job.folder / "comparison.json", out)
    return config, Job(out, job.labelling), report


def changed(tmp_path, **changes):
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, **changes}, sort_keys=False))
    return path


def errors(report):
    return {row.name: (row.settings, row.test) for row in report.models}


def test_rows_and_curves_of_the_file_are_not_made_again(only_rows, monkeypatch):
    config, job, report = only_rows
    monkeypatch.setattr(comparison_run, "train", None)
    monkeypatch.setattr(comparison_run, "judge", None)
    again = compare(config, job)
    assert errors(again) == errors(report)
    assert again.curves == report.curves
    assert len(again.curves["ours"]) == 2
    assert again.unfinished == ()
    assert all(row.forward_ms > 0 for row in again.models)
    assert list(job.folder.rglob("*.safetensors")) == []


def test_the_cost_is_that_of_the_model_of_the_row(only_rows, tmp_path, monkeypatch):
    """Not of another model with the same name, and not of another computer."""
    _, job, report = only_rows
    models = {"ours": {"model": {**SMALL, "channels": 3}}, "floor": CONFIG["models"]["floor"]}
    config = changed(tmp_path, models=models, curves={})
    floor = Job(job.folder, job.labelling, only=("floor",))

    def ours(report):
        return next(row for row in report.models if row.name == "ours")

    assert ours(compare(config, floor)) == ours(report)  # earlier settings, earlier cost
    with monkeypatch.context() as patch:
        patch.setattr(comparison, "machine", lambda: Machine("another", 1, "2"))
        moved = ours(compare(config, floor))
    assert moved == replace(ours(report), forward_ms=None, step_ms=None)
    earlier = {"machine": asdict(machine()), "settings": moved.settings, "forward_ms": 1e6}
    place = job.folder / "runs" / "ours"
    place.mkdir(parents=True, exist_ok=True)
    (place / "cost.json").write_text(json.dumps({**earlier, "step_ms": 1e6}))
    assert ours(compare(config, job)).forward_ms < 1e6


def test_a_row_of_other_settings_stays_until_its_model_is_trained(only_rows, tmp_path):
    _, job, report = only_rows
    models = {"ours": {"model": SMALL, "train": {"steps": 6}}, "floor": CONFIG["models"]["floor"]}
    config = changed(tmp_path, models=models)
    part = compare(config, Job(job.folder, job.labelling, only=("floor",)))
    assert part.unfinished == ("ours",)
    assert errors(part) == errors(report)
    assert part.curves == report.curves
    whole = compare(config, job)
    assert whole.unfinished == ()
    ours = next(row for row in whole.models if row.name == "ours")
    assert ours.steps == 6
    assert errors(whole)["floor"] == errors(report)["floor"]
    assert errors(whole)["ours"] != errors(report)["ours"]
    assert [point.steps for point in whole.curves["ours"]] == [6, 6]


def test_a_file_on_other_lattices_is_refused(only_rows, tmp_path):
    _, job, _ = only_rows
    data = {**CONFIG["data"], "population": {**CONFIG["data"]["population"], "seed": 4}}
    with pytest.raises(LatticeGnnError, match=r"comparison\.json: holds no comparison on these"):
        compare(changed(tmp_path, data=data), job)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "lattice-gnn/prediction/1"}', "\ud8ff"])
def test_a_damaged_file_is_refused(only_rows, content):
    config, job, _ = only_rows
    (job.folder / "comparison.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(LatticeGnnError, match=r"comparison\.json: holds no comparison"):
        compare(config, job)


def test_the_committed_rows_are_those_of_the_committed_settings():
    """Each is current, or an earlier run with fewer core-minutes; the plain ones are current."""
    root = Path(__file__).parents[3]
    _, plans = read_comparison(root / "lattice_gnn" / "configs" / "comparison.yaml")
    path = root / "benchmarks" / "comparison" / "results.json"
    report = read_document(json.loads(path.read_text())["beam labels"])
    assert {row.name for row in report.models} <= set(plans)
    found = {row.name: row.settings == plans[row.name].settings(report.data.hash)
             for row in report.models}  # fmt: skip
    assert set(report.unfinished) == {name for name in plans if not found.get(name)}
    assert found["ridge"]
    assert found["affine"]
    for row in report.models:
        if row.core_minutes is not None and row.steps is not None and found[row.name]:
            assert row.core_minutes == pytest.approx(report.budget_minutes, rel=0.25)
