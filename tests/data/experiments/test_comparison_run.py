"""The learning rate of a run is chosen on the validation part by short runs."""

import json

import pytest
import yaml

from data.experiments import comparison_cost, comparison_run
from data.experiments.comparison_plan import Plan
from data.experiments.comparison_run import make_and_measure
from data.experiments.training_data import DataConfig, Labelling, load_training_data
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.checkpoint import load_model
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.loop import Plan as Steps
from lattice_gnn.training.loop import train

SMALL = {"channels": 2, "hidden": 4, "readout_channels": 2, "layers": 1}
TRAIN = {"batch_size": 8, "average": 0.5}
MINUTE = 1e-3  #: of the probes: 0.06 s of processor time


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    population = {"count": 16, "seed": 3, "draws": 2, "density_range": [0.003, 0.2]}
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    config = DataConfig.from_dict({"population": population, "shares": shares})
    return load_training_data(config, Labelling(tmp_path_factory.mktemp("labels")))


@pytest.fixture(autouse=True)
def _short_timing(monkeypatch):
    monkeypatch.setattr(comparison_cost, "_COST_SECONDS", 0.01)
    monkeypatch.setattr(comparison_run, "seconds_per_step", lambda *_: 0.01)


def plan(*rates, **changes):
    model = {"kind": "equivariant", **SMALL}
    options = {"minutes": 2 * MINUTE, "learning_rates": rates, "probe_minutes": MINUTE}
    return Plan("ours", model, {**TRAIN, **changes}, **options)


def made(some_plan, folder, data):
    """Make a run; return its fixed settings, and what its learning rates reached."""
    source = (data, data.rounded_fingerprint())
    make_and_measure(some_plan, folder, source, (), lambda *_: None)
    fixed = yaml.safe_load((folder / "config.yaml").read_text())
    return fixed, {probe["learning_rate"]: probe["error"] for probe in fixed["probes"]}


def test_the_rate_with_the_smallest_validation_error_is_taken(data, tmp_path):
    fixed, errors = made(plan(1e-6, 1e-2), tmp_path, data)
    assert set(errors) == {1e-6, 1e-2}
    assert fixed["train"]["learning_rate"] == min(errors, key=errors.get)
    for rate, error in errors.items():
        header = load_model(tmp_path / "probes" / f"{rate:g}" / "best.safetensors")[1]
        assert header["train"]["learning_rate"] == rate
        assert header["metrics"]["validation"]["directional_error"]["mean"] == error
    metrics = comparison_run.read_json(tmp_path / "metrics.json")
    assert metrics["learning_rate"] == fixed["train"]["learning_rate"]
    assert metrics["probes"] == fixed["probes"]


def test_the_probes_give_the_time_of_a_step(data, tmp_path):
    """Their measured processor time, rather than that of a timing run, fixes the steps."""
    fixed, _ = made(plan(1e-3, 2e-3, 3e-3), tmp_path, data)
    assert [probe["steps"] for probe in fixed["probes"]] == [6, 6, 6]  # at 0.01 s of a timing run
    seconds = sorted(60 * probe["core_minutes"] / 6 for probe in fixed["probes"])
    assert fixed["seconds_per_step"] == pytest.approx(seconds[1])
    assert fixed["train"]["steps"] == max(1, int(60 * 2 * MINUTE / fixed["seconds_per_step"]))


def test_a_rate_that_diverges_is_not_taken(data, tmp_path):
    fixed, errors = made(plan(1e30, 1e-3, clip=1e30), tmp_path, data)
    assert errors[1e30] is None
    assert fixed["train"]["learning_rate"] == 1e-3
    with pytest.raises(LatticeGnnError, match="not finite at any of the learning rates 1e"):
        made(plan(1e30, 1e29, clip=1e30), tmp_path / "other", data)


def test_a_run_that_diverges_is_made_again_with_the_next_best_rate(data, tmp_path, monkeypatch):
    rates, trained = (1e-3, 2e-3, 3e-3), []

    def diverging(network, config, lattices, folder, **options):
        if folder == tmp_path:
            trained.append(config.learning_rate)
            if len(trained) == 1:
                for name in ("failed_batch.pt", "state.pt", "log.csv"):
                    (folder / name).write_text("of the run that diverged")
                raise LatticeGnnError("the loss is not finite")
        return train(network, config, lattices, folder, **options)

    monkeypatch.setattr(comparison_run, "train", diverging)
    fixed, errors = made(plan(*rates), tmp_path, data)
    first, second = trained
    assert errors[first] is None
    assert fixed["train"]["learning_rate"] == second
    others = {rate: error for rate, error in errors.items() if rate != first}
    assert second == min(others, key=others.get)
    assert comparison_run.read_json(tmp_path / "metrics.json")["learning_rate"] == second
    assert not (tmp_path / "failed_batch.pt").exists()
    kept = tmp_path / "diverged" / f"{first:g}"  # what explains it
    names = {"config.yaml", "failed_batch.pt", "log.csv", "state.pt"}
    assert {path.name for path in kept.iterdir()} == names
    assert (kept / "log.csv").read_text() == "of the run that diverged"
    diverged = yaml.safe_load((kept / "config.yaml").read_text())
    assert diverged["train"]["learning_rate"] == first
    made(plan(*rates), tmp_path, data)
    assert trained == [first, second]


def test_an_interrupted_probe_resumes(data, tmp_path, monkeypatch):
    whole, expected = made(plan(1e-3, 2e-3), tmp_path / "whole", data)
    trained = []

    def stopping(network, config, *args, **options):
        trained.append(config.learning_rate)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return train(network, config, *args, **options)

    monkeypatch.setattr(comparison_run, "train", stopping)
    with pytest.raises(KeyboardInterrupt):
        made(plan(1e-3, 2e-3), tmp_path / "broken", data)
    first = tmp_path / "broken" / "probes" / "0.001" / "state.pt"
    before = first.stat().st_mtime_ns
    _, errors = made(plan(1e-3, 2e-3), tmp_path / "broken", data)
    assert first.stat().st_mtime_ns == before
    assert errors == expected
    assert whole["requested"]["learning_rates"] == [1e-3, 2e-3]


@pytest.mark.parametrize(
    ("count", "batch_size", "mean"), [(65, 64, 32.5), (100, 256, 100), (21_000, 32, 32)]
)
def test_a_timed_step_has_as_many_lattices_as_the_batches_of_an_epoch(count, batch_size, mean):
    assert comparison_cost.lattices_per_step(count, batch_size) == mean
    count = min(count, 40 * batch_size)
    epoch = Steps(TrainConfig(batch_size=batch_size), count)
    sizes = [len(epoch.lattices(step)) for step in range(epoch.epoch_steps)]
    assert sum(sizes) / len(sizes) == mean


def test_a_model_in_closed_form_is_fitted(tmp_path, data):
    """The labels are beam FEM, to which the linear joint model adds nothing."""
    linear = Plan("linear", {"kind": "joints-linear"}, {})
    make_and_measure(linear, tmp_path, (data, "hash"), (), lambda *_: None)
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["test"]["relative_frobenius"]["max"] < 1e-6
    assert (found["parameters"], found["steps"]) == (24 * 42, None)
