"""A comparison makes every model once, goes on after an interruption, and says what it measured."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
import yaml

from data.experiments import comparison, comparison_cost, comparison_run
from data.experiments.comparison import Job
from data.experiments.comparison_config import read_comparison
from data.experiments.comparison_plan import Plan
from data.experiments.comparison_run import Catalogue
from data.experiments.training_data import DataConfig, Labelling, load_training_data
from data.formats.lat import CatalogueEntry, write_lat
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.checkpoint import load_model
from lattice_gnn.reports.document import plain
from lattice_gnn.reports.evaluation import evaluation_facts
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.evaluation import judge

SMALL = {"channels": 2, "hidden": 4, "readout_channels": 2, "layers": 1}
CONFIG = {
    "data": {
        "population": {"count": 20, "seed": 3, "draws": 2, "density_range": [0.003, 0.2]},
        "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
    },
    "train": {"batch_size": 8, "steps": 4, "checkpoint_steps": 2, "average": 0.5},
    "models": {
        "ours": {"model": SMALL},
        "plain": {"model": {"kind": "cgcnn", "channels": 4, "layers": 1, "positive_map": "none"}},
        "floor": {"model": {"kind": "affine"}},
        "linear": {"model": {"kind": "ridge", "order": 1}},
        "few": {"model": SMALL, "labels": 6, "train": {"steps": 2}},
    },
    "curves": {"labels": [6, 10, 100000], "best": 1, "share": 0.5},
    "ablation": ["ours", "few"],
}


@pytest.fixture(autouse=True)
def _short_timing(monkeypatch):
    monkeypatch.setattr(comparison_cost, "_COST_SECONDS", 0.01)


def compare(config, job, **options):
    """Plain values of the comparison, as in ``comparison.json``."""
    return comparison.compare(config, job, **options).to_dict()


def written(path, **changes):
    path.write_text(yaml.safe_dump({**CONFIG, **changes}, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return Labelling(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """A BCC and an octet with beam tensors at three densities each."""
    entries = []
    for name in ("bcc", "octet"):
        lattice = cell(name, relative_density=0.01).replace(name=name)
        pairs = [(d, lattice.with_relative_density(d)) for d in (0.1, 0.01, 0.03)]
        stiffness = homogenise_beam([x for _, x in pairs]).stiffness
        references = tuple((d, stiffness[k]) for k, (d, _) in enumerate(pairs))
        entries.append(CatalogueEntry(lattice, references=references))
    path = tmp_path_factory.mktemp("catalogue") / "outside.lat"
    write_lat(path, entries)
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory, labels, catalogue):
    folder = tmp_path_factory.mktemp("comparison")
    config = written(folder / "c.yaml")
    seen = []
    job = Job(folder / "out", labels, (Catalogue(catalogue, 2),))
    return config, job, compare(config, job, on_run=seen.append), seen


def rows(document):
    return {row["name"]: row for row in document["models"]}


def test_models_are_sorted_by_their_mean_directional_error(finished):
    document = finished[2]
    errors = [row["test"]["directional_error"]["mean"] for row in document["models"]]
    assert errors == sorted(errors)
    assert set(rows(document)) == set(CONFIG["models"])
    assert document["unfinished"] == []
    assert document["failed"] == {}


def test_errors_are_those_of_the_weights_on_the_held_out_bases(finished, labels):
    _, job, document, _ = finished
    data = load_training_data(DataConfig.from_dict(CONFIG["data"]), labels)
    assert document["data"]["hash"] == data.rounded_fingerprint()
    assert document["data"]["lattices"] == {k: len(v) for k, v in data.parts.items()}
    for name in ("ours", "plain", "linear"):
        model, _ = load_model(job.folder / "runs" / name / "best.safetensors")
        judgement = judge(model, data.parts["test"], names=data.names("test"))
        again = plain(evaluation_facts(judgement))
        made = json.loads((job.folder / "runs" / name / "metrics.json").read_text())
        for metric in ("directional_error", "relative_frobenius", "by_density", "worst"):
            assert made["test"][metric] == again[metric]
        for metric in ("directional_error", "relative_frobenius"):
            row = rows(document)[name]["test"][metric]
            assert row == pytest.approx(again[metric], rel=5.1e-5)


def test_a_row_is_one_short_line_with_its_seed(finished):
    _, job, document, _ = finished
    lines = (job.folder / "comparison.json").read_text().splitlines()
    found = {}
    for line in lines:
        if line.startswith('  {"name"'):
            row = json.loads(line.rstrip(","))
            found[row["name"]] = row
            assert len(line) < 4000
    assert found == rows(document)
    assert found["ours"]["seed"] == CONFIG["train"].get("seed", 0)
    assert found["floor"]["seed"] is None


def test_what_each_model_is_shows_in_its_numbers(finished):
    """No positivity, no equivariance: the plain network; the affine bound is never too soft."""
    found = rows(finished[2])
    assert found["plain"]["test"]["negative_eigenvalue_share"] > 0
    assert found["plain"]["test"]["rotation_error"]["median"] > 0.01
    for name in ("ours", "floor", "linear", "few"):
        assert found[name]["test"]["negative_eigenvalue_share"] == 0
        assert found[name]["test"]["rotation_error"]["max"] < 1e-3
    assert found["floor"]["parameters"] == 0 < found["linear"]["parameters"]
    assert found["floor"]["steps"] is None
    assert found["ours"]["steps"] == 4
    assert found["few"]["labels"] <= 6 < found["ours"]["labels"]
    assert all(row["forward_ms"] > 0 for row in found.values())
    assert found["ours"]["step_ms"] > found["ours"]["forward_ms"]
    assert found["linear"]["step_ms"] is None


def test_the_catalogue_is_tested_at_its_lowest_densities(finished):
    entry = rows(finished[2])["floor"]["catalogues"]["outside.lat"]
    assert entry["count"] == 4
    assert entry["catalogue"]["lowest"] == 2
    made = json.loads((finished[1].folder / "runs" / "floor" / "metrics.json").read_text())
    worst = made["catalogues"]["outside.lat"]["worst"]
    densities = {round(row["relative_density"], 6) for row in worst}
    assert densities == {0.01, 0.03}


def curve_of(document):
    best = next(r for r in document["models"] if r["name"] in ("ours", "plain"))
    assert list(document["curves"]) == [best["name"]]
    return best, document["curves"][best["name"]]


def test_learning_curves_end_with_all_labels_at_equal_steps(finished):
    best, curve = curve_of(finished[2])
    counts = [point["labels"] for point in curve]
    assert len(counts) == 3
    assert counts[0] <= 6 < counts[1] <= 10 < counts[2]
    assert counts[2] == best["labels"]
    assert [point["steps"] for point in curve] == [2, 2, 2]
    assert best["steps"] == 4


def test_learning_curves_of_the_full_number_of_steps_end_in_the_run_itself(finished, tmp_path):
    _, job, _, _ = finished
    folder = tmp_path / "out"
    shutil.copytree(job.folder, folder)
    config = written(tmp_path / "c.yaml", curves={"labels": [8], "best": 1})
    best, curve = curve_of(compare(config, replace(job, folder=folder)))
    assert [point["steps"] for point in curve] == [4, 4]
    assert curve[-1]["directional_error"] == best["test"]["directional_error"]


def test_the_markdown_says_what_was_compared(finished):
    _, job, document, _ = finished
    text = (job.folder / "comparison.md").read_text("utf-8")
    assert document["data"]["hash"][:16] in text
    assert f"torch {torch.__version__}" in text
    assert f"Budget: {document['budget_minutes']:g} core-minutes" in text
    table = text.split("## Test part")[1].split("##")[0]
    names = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert names == ["model", *(row["name"] for row in document["models"])]
    mean = rows(document)["ours"]["test"]["directional_error"]["mean"]
    assert f"{100 * mean:.3g} %" in table
    assert "## outside.lat" in text
    assert "the 2 lowest densities of each entry" in text
    assert "| over ours |" in text
    assert "| ours |" in text.split("What each ingredient brings")[1].split("##")[0]


def test_progress_names_every_model_to_its_end(finished):
    ended = [run.name for run in finished[3] if run.model is not None]
    assert ended[: len(CONFIG["models"])] == list(CONFIG["models"])
    shares = [run.share for run in finished[3] if run.name == "ours" and run.model is None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_finished_models_are_not_made_again(finished, monkeypatch):
    config, job, document, _ = finished
    places = [p for p in (job.folder / "runs").rglob("*") if p.is_file()]
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in places}
    monkeypatch.setattr(comparison_run, "train", None)
    monkeypatch.setattr(comparison_run, "judge", None)
    again = compare(config, job)
    assert again == document == json.loads((job.folder / "comparison.json").read_text())
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in places} == before


def test_a_further_catalogue_needs_no_training(finished, catalogue, monkeypatch):
    config, job, document, _ = finished
    monkeypatch.setattr(comparison_run, "train", None)
    more = Job(job.folder, job.labelling, (Catalogue(catalogue, 2), Catalogue(catalogue, 2)))
    assert compare(config, more) == document
    single = catalogue.with_name("single.lat")
    single.write_bytes(catalogue.read_bytes())
    added = compare(config, Job(job.folder, job.labelling, (Catalogue(single, 1),)))
    entries = rows(added)["ours"]["catalogues"]
    assert {name: entry["count"] for name, entry in entries.items()} == {
        "outside.lat": 4,
        "single.lat": 2,
    }


def test_two_catalogues_of_one_name_are_refused(finished, catalogue, tmp_path):
    config, job, _, _ = finished
    other = tmp_path / catalogue.name
    other.write_bytes(catalogue.read_bytes())
    twice = Job(job.folder, job.labelling, (Catalogue(catalogue), Catalogue(other)))
    with pytest.raises(LatticeGnnError, match=r"two files are called outside\.lat; rename one"):
        compare(config, twice)


def test_damaged_settings_of_a_run_are_refused_in_one_sentence(finished, labels, tmp_path):
    config, _, _, _ = finished
    job = Job(tmp_path / "out", labels, only=("plain",))
    (tmp_path / "out" / "runs" / "plain").mkdir(parents=True)
    (tmp_path / "out" / "runs" / "plain" / "config.yaml").write_text("a: 1\n")
    with pytest.raises(LatticeGnnError, match=r"config\.yaml: is damaged"):
        compare(config, job)


class StopError(Exception):
    """Stands for a kill."""


def test_an_interrupted_comparison_ends_as_an_unbroken_one(finished, labels, tmp_path):
    config, _, document, _ = finished
    job = Job(tmp_path / "out", labels, only=("ours", "plain"))

    def stop(run):
        if run.name == "plain" and run.share == 0.75:
            raise StopError

    with pytest.raises(StopError):
        compare(config, job, on_run=stop)
    first = job.folder / "runs" / "ours" / "metrics.json"
    made = first.stat().st_mtime_ns
    assert not (job.folder / "runs" / "plain" / "metrics.json").exists()
    assert (job.folder / "runs" / "plain" / "state.pt").exists()
    resumed = compare(config, job)
    assert first.stat().st_mtime_ns == made
    for name in ("ours", "plain"):
        errors = rows(resumed)[name]["test"]["directional_error"]
        assert errors == rows(document)[name]["test"]["directional_error"]
    assert resumed["unfinished"] == ["floor", "linear", "few"]
    assert resumed["curves"] == {}
    assert "Not finished: floor, linear, few." in (job.folder / "comparison.md").read_text("utf-8")


def test_the_number_of_steps_follows_from_the_budget_and_is_fixed(labels, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison_run, "seconds_per_step", lambda *_: 0.01)
    models = {"plain": CONFIG["models"]["plain"]}
    changes = {"models": models, "train": {"batch_size": 8}, "curves": {}, "ablation": []}
    config = written(tmp_path / "c.yaml", budget_minutes=0.001, **changes)
    document = compare(config, Job(tmp_path / "out", labels))
    assert rows(document)["plain"]["steps"] == 6  # 0.06 s
    fixed = yaml.safe_load((tmp_path / "out/runs/plain/config.yaml").read_text())
    assert fixed["train"]["steps"] == 6
    assert fixed["train"]["checkpoint_steps"] == 2  # at least four validations: ceil(6 / 4)
    (tmp_path / "out/runs/plain/metrics.json").unlink()
    monkeypatch.setattr(comparison_run, "seconds_per_step", lambda *_: 1.0)
    assert rows(compare(config, Job(tmp_path / "out", labels)))["plain"]["steps"] == 6


def test_a_step_is_timed_by_the_true_loop(labels):
    data = load_training_data(DataConfig.from_dict(CONFIG["data"]), labels)
    plan = read_comparison_plan("plain")
    config = TrainConfig(batch_size=8, rotate=True)
    seconds = comparison_cost.seconds_per_step(plan.network(), config, data.parts["train"], 0.05)
    assert 1e-4 < seconds < 1


def read_comparison_plan(name):
    return Plan(name, CONFIG["models"][name]["model"], CONFIG["train"])


def test_one_that_fails_does_not_stop_the_others(labels, tmp_path):
    models = {
        "wild": {"model": SMALL, "train": {"learning_rate": 1e30, "clip": 1e30}},
        "floor": {"model": {"kind": "affine"}},
    }
    config = written(tmp_path / "c.yaml", models=models, curves={}, ablation=["wild", "floor"])
    document = compare(config, Job(tmp_path / "out", labels))
    assert list(rows(document)) == ["floor"]
    assert list(document["failed"]) == document["unfinished"] == ["wild"]
    text = (tmp_path / "out" / "comparison.md").read_text("utf-8")
    assert "- wild failed: " in text
    assert "wild, the reference, is not finished." in text


def test_a_folder_with_another_run_is_not_mixed_with_this_one(finished, labels, tmp_path):
    _, job, _, _ = finished
    models = {"floor": {"model": SMALL}}
    config = written(tmp_path / "c.yaml", models=models, curves={}, ablation=[])
    with pytest.raises(LatticeGnnError, match=r"floor: holds a run with another model; rename"):
        compare(config, Job(job.folder, labels))


@pytest.mark.slow
def test_two_at_once_give_the_same_as_one_after_the_other(finished, labels, tmp_path):
    config, job, document, _ = finished
    seen = []
    both = compare(
        config, Job(tmp_path / "out", labels, job.catalogues, jobs=2), on_run=seen.append
    )
    for name, row in rows(both).items():
        expected = rows(document)[name]
        assert row["test"]["directional_error"] == expected["test"]["directional_error"]
        for outside, entry in row["catalogues"].items():
            assert entry == expected["catalogues"][outside]
    assert both["curves"] == document["curves"]
    assert {run.name for run in seen if run.model is not None} >= set(CONFIG["models"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": {}}, "models: expected at least one"),
        ({"models": {"a/b": {}}}, r"models\.a/b: expected a name of letters"),
        ({"models": {"a": {"network": {}}}}, r"models\.a\.network: unknown key"),
        ({"models": {"a": {"model": {"kind": "gpt"}}}}, r"models\.a: model\.kind: expected one of"),
        ({"models": {"a": {"train": {"lr": 1}}}}, r"models\.a: train\.lr: unknown key"),
        ({"models": {"a": {"weights": "none"}}}, r"models\.a\.weights: there is no file .*none"),
        (
            {"models": {"a": {"weights": "default", "labels": 3}}},
            "expected weights, or model and train, not both",
        ),
        ({"budget_minutes": 0}, "budget_minutes: expected above 0, got 0"),
        ({"curves": {"labels": [0]}}, r"curves\.labels: expected at least 1, got 0"),
        ({"curves": {"share": 2}}, r"curves\.share: expected above 0, up to 1, got 2"),
        ({"curves": {"best": -1}}, r"curves\.best: expected 0 or more"),
        ({"ablation": ["nobody"]}, "ablation: there is no model 'nobody'"),
        ({"data": {}}, "data: expected at least one of population, cells, file"),
        ({"probe_minutes": 0}, "probe_minutes: expected above 0, got 0"),
        ({"learning_rates": [1e-3, 0]}, "learning_rates: expected above 0, got 0"),
        ({"budget": 3}, r"comparison\.budget: unknown key"),
    ],
)
def test_a_wrong_comparison_is_refused_in_one_sentence(tmp_path, changes, message):
    path = written(tmp_path / "c.yaml", **changes)
    with pytest.raises(LatticeGnnError, match=message) as caught:
        read_comparison(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_names_and_catalogues_are_checked_before_anything_is_made(tmp_path, labels):
    config = written(tmp_path / "c.yaml")
    with pytest.raises(LatticeGnnError, match="has no model of this name"):
        compare(config, Job(tmp_path / "out", labels, only=("nobody",)))
    missing = (Catalogue(tmp_path / "none.lat"),)
    with pytest.raises(LatticeGnnError, match=r"none\.lat: no such file"):
        compare(config, Job(tmp_path / "out", labels, missing))
    assert not (tmp_path / "out").exists()
