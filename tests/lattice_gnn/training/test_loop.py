"""Training learns, resumes to the letter, and what it saves is what it had."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data.populations.varied_cells import CellSampling, sample_cells
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.checkpoint import load_model, read_header, save_model, state_bytes
from lattice_gnn.network.equivariant import ModelConfig
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.tensors.metrics import directional_error
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.denormals import denormals_flushed, is_flushing
from lattice_gnn.training.distributed import choose_device
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Plan, losses, train
from lattice_gnn.training.losses import Examples
from lattice_gnn.training.run import load_failed_batch

SMALL = ModelConfig(channels=4, hidden=8, readout_channels=4)
TINY = ModelConfig(
    channels=2,
    hidden=4,
    readout_channels=2,
    correlation=2,
    layers=1,
    relaxation=1,
    response_channels=2,
    scalars=3,
)
ENCODER = ModelConfig(channels=2, hidden=4, readout_channels=2, correlation=2)

TIMES = ("seconds", "ms_per_lattice", "core_seconds")


def labelled(count, seed=0, **changes):
    values = {"cells": ("bcc", "octet", "sc"), "densities": (0.01, 0.1), **changes}
    return LabelledLattices.by_beams(sample_cells(CellSampling(count=count, seed=seed, **values)))


@pytest.fixture(scope="module")
def data():
    return labelled(12), labelled(3, seed=1)


def test_overfits_four_lattices(tmp_path):
    four = labelled(4)
    config = TrainConfig(
        steps=150, checkpoint_steps=150, batch_size=4, learning_rate=1e-2, average=0.9
    )
    model = train(SMALL, config, (four, four), tmp_path)
    error = directional_error(model(four.batch).detach(), four.stiffness)
    assert float(error.max()) < 0.02


def test_the_averaged_weights_of_a_short_run_have_left_the_start(tmp_path, data):
    config = TrainConfig(steps=60, checkpoint_steps=60, batch_size=4, average=0.999)
    train(TINY, config, data, tmp_path)
    torch.manual_seed(config.seed)
    start = build_model(TINY, Normaliser.fit(data[0].batch)).state_dict()
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    last, average = state["model"], state["average"]
    moved = sum(float((last[name] - x).square().sum()) for name, x in start.items())
    behind = sum(float((last[n] - average[f"module.{n}"]).square().sum()) for n in start)
    assert behind < 0.1 * moved


def test_denormal_numbers_are_zero_during_training_and_only_then(tmp_path, data):
    """As far as the processor can do that."""
    possible = torch.set_flush_denormal(True)
    torch.set_flush_denormal(False)
    seen = []
    config = TrainConfig(steps=1, checkpoint_steps=1, batch_size=4)
    train(TINY, config, data, tmp_path, on_progress=lambda _: seen.append(is_flushing()))
    assert set(seen) == {possible}
    assert not is_flushing()
    with pytest.raises(InterruptError), denormals_flushed():
        raise InterruptError
    assert not is_flushing()
    torch.set_flush_denormal(True)
    with denormals_flushed():
        pass
    assert is_flushing() == possible
    torch.set_flush_denormal(False)


class InterruptError(Exception):
    pass


@pytest.fixture(params=[1, 3])
def _threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def log_of(folder):
    with (folder / "log.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def without_times(rows):
    return [{k: v for k, v in x.items() if k not in TIMES} for x in rows]


EVERYTHING = {
    "steps": 8,
    "checkpoint_steps": 2,
    "patience": 6,
    "rotate": True,
    "accumulate": 2,
    "amsgrad": True,
    "schedule": "constant",
    "loss": "paper",
}


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("options", [{"epochs": 3}, {"epochs": 3, "optimiser": "soap"}, EVERYTHING])
def test_an_interrupted_run_ends_as_an_unbroken_one(tmp_path, data, options):
    """To the bit, on several threads too."""
    config = TrainConfig(batch_size=4, **options)
    unbroken = train(TINY, config, data, tmp_path / "unbroken")

    def interrupt(progress):
        if progress.step == 5:
            raise InterruptError

    with pytest.raises(InterruptError):
        train(TINY, config, data, tmp_path / "broken", on_progress=interrupt)
    assert 1 <= len(log_of(tmp_path / "broken")) < 3
    resumed = train(TINY, config, data, tmp_path / "broken")
    for a, b in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    logs = [log_of(tmp_path / name) for name in ("unbroken", "broken")]
    assert without_times(logs[0]) == without_times(logs[1])
    assert len(logs[0]) == config.epochs if "epochs" in options else 4
    states = [
        torch.load(tmp_path / name / "state.pt", weights_only=True)
        for name in ("unbroken", "broken")
    ]
    assert [x["waited"] for x in states] == [states[0]["waited"]] * 2


def test_a_row_of_the_log_that_the_state_does_not_know_is_written_again(tmp_path, data):
    """The process may die between log and state."""
    config = TrainConfig(epochs=2, batch_size=4)
    train(TINY, config, data, tmp_path / "unbroken")

    def interrupt(progress):
        if progress.step == 4:
            raise InterruptError

    with pytest.raises(InterruptError):
        train(TINY, config, data, tmp_path / "broken", on_progress=interrupt)
    with (tmp_path / "broken" / "log.csv").open("a") as file:
        file.write("6,1,0\n")
    train(TINY, config, data, tmp_path / "broken")
    logs = [without_times(log_of(tmp_path / name)) for name in ("unbroken", "broken")]
    assert logs[0] == logs[1]


def test_steps_and_validations_are_counted_as_asked(tmp_path, data):
    config = TrainConfig(batch_size=5, steps=7, checkpoint_steps=3)
    seen = []
    train(TINY, config, data, tmp_path, on_progress=seen.append)
    assert [p.step for p in seen if p.validation is None] == [1, 2, 3, 4, 5, 6, 7]
    assert [p.step for p in seen if p.validation is not None] == [3, 6, 7]
    assert [row["step"] for row in log_of(tmp_path)] == [3, 6, 7]
    # 12 lattices are three batches of four an epoch.
    assert [p.epoch for p in seen if p.validation is None] == [0, 0, 0, 1, 1, 1, 2]
    best = min(p.validation["directional_error"]["mean"] for p in seen if p.validation)
    assert seen[-1].best == best
    assert read_header(tmp_path / "last.safetensors")["step"] == 7
    assert all(p.ms_per_lattice > 0 and 0 < p.learning_rate <= 3e-3 for p in seen)


def test_every_epoch_takes_every_lattice_once_in_batches_of_nearly_equal_size():
    plan = Plan(TrainConfig(batch_size=5), 12)
    epochs = [[plan.lattices(step) for step in range(e, e + 3)] for e in (0, 3)]
    for batches in epochs:
        assert [len(batch) for batch in batches] == [4, 4, 4]
        assert sorted(np.concatenate(batches)) == list(range(12))
    assert not np.array_equal(np.concatenate(epochs[0]), np.concatenate(epochs[1]))


def test_a_run_that_gets_no_better_stops_and_stays_stopped(tmp_path, data):
    config = TrainConfig(epochs=9, batch_size=12, learning_rate=0.0, patience=2)
    seen = []
    train(TINY, config, data, tmp_path, on_progress=seen.append)
    # Nothing changes at rate 0: the first validation is the best, and two more are waited for.
    assert [p.stopped for p in seen if p.validation] == [False, False, True]
    assert read_header(tmp_path / "best.safetensors")["step"] == 1
    seen.clear()
    train(TINY, config, data, tmp_path, on_progress=seen.append)
    assert seen == []
    assert len(log_of(tmp_path)) == 3


@pytest.mark.parametrize(
    ("model", "config", "words"),
    [
        (TINY, {"seed": 1}, "train.seed: 0 there, 1 here"),
        (replace(TINY, scalars=4), {}, "model.scalars: 3 there, 4 here"),
    ],
)
def test_another_configuration_does_not_continue_a_run(tmp_path, data, model, config, words):
    train(TINY, TrainConfig(epochs=1), data, tmp_path)
    with pytest.raises(LatticeGnnError, match="holds a run with another configuration") as caught:
        train(model, TrainConfig(epochs=1, **config), data, tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"), [(b"x", "is damaged"), (state_bytes({"step": 1}), "another version")]
)
def test_a_state_that_cannot_be_used_is_refused_in_one_sentence(tmp_path, data, content, words):
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(LatticeGnnError, match=words):
        train(TINY, TrainConfig(epochs=1), data, tmp_path)


@pytest.mark.parametrize("network", [TINY, ENCODER], ids=["relaxation", "encoder"])
def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_what_reproduces_it(
    tmp_path, data, network
):
    config = TrainConfig(steps=50, batch_size=4, learning_rate=1e15, warmup=0.0, rotate=True)
    with pytest.raises(LatticeGnnError, match=r"failed_batch\.pt") as caught:
        train(network, config, data, tmp_path)
    step = int(re.match(r"step (\d+): loss", str(caught.value)).group(1))
    model, header = load_model(tmp_path / "failed.safetensors")
    assert header["step"] == step - 1
    batch = load_failed_batch(tmp_path / "failed_batch.pt")
    assert len(batch) == 4
    again = losses(model, Examples.of(batch, "prior"), config).mean()
    again.backward()
    norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])
    assert not torch.isfinite(again + norm)
    # The lattices are the turned ones of that step.
    drawn = Plan(config, 12).draw(Examples.of(data[0], "prior"), step - 1)
    assert torch.equal(drawn.batch.cells, batch.batch.cells)


JOINTS = read_model_config({"kind": "joints", "hidden": 4, "embedding": 2})


@pytest.mark.parametrize("network", [TINY, JOINTS], ids=["relaxation", "joints"])
def test_the_page_shows_how_to_read_a_batch_that_failed(tmp_path, data, network, monkeypatch):
    config = TrainConfig(steps=50, batch_size=4, learning_rate=1e15, warmup=0.0)
    with pytest.raises(LatticeGnnError, match="loss"):
        train(network, config, data, tmp_path / "run")
    page = (Path(__file__).parents[3] / "docs" / "training.md").read_text("utf-8")
    code = page.split("## When the loss is not finite")[1].split("```python")[1].split("```")[0]
    printed = []
    monkeypatch.chdir(tmp_path)
    exec(code, {"print": printed.append})
    (found,) = printed
    assert found.shape == (4,)


def test_a_set_without_lattices_is_refused_in_one_sentence(tmp_path, data):
    training, validation = data
    none = training.select(np.arange(0))
    for sets, counts in (((none, validation), "0 and 3"), ((training, none), "12 and 0")):
        with pytest.raises(
            LatticeGnnError, match=f"training and validation lattices, got {counts}"
        ):
            train(TINY, TrainConfig(epochs=1), sets, tmp_path)


def test_a_label_that_is_not_finite_is_found_before_training(tmp_path, data):
    training, validation = data
    broken = training.select(np.arange(4))
    broken.stiffness[2, 0, 0] = float("nan")
    with pytest.raises(LatticeGnnError, match="training lattice 2: its stiffness is not finite"):
        train(TINY, TrainConfig(epochs=1), (broken, validation), tmp_path)


def test_pieces_of_a_batch_make_the_same_step(tmp_path, data):
    for pieces in (1, 3):
        config = TrainConfig(epochs=3, batch_size=5, accumulate=pieces)
        train(TINY, config, data, tmp_path / str(pieces))
    whole, parts = (log_of(tmp_path / name) for name in ("1", "3"))
    for a, b in zip(whole, parts, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["directional_error.mean"] == pytest.approx(b["directional_error.mean"], rel=1e-5)


def test_turning_the_lattices_changes_nothing_for_an_equivariant_network(tmp_path, data):
    """The relative loss is the same in every frame, the paper's is not."""
    curves = {}
    for loss in ("relative", "paper"):
        for rotate in (False, True):
            folder = tmp_path / f"{loss}{rotate}"
            config = TrainConfig(epochs=2, batch_size=4, loss=loss, rotate=rotate)
            train(TINY, config, data, folder)
            curves[loss, rotate] = [row["loss"] for row in log_of(folder)]
    assert curves["relative", True] == pytest.approx(curves["relative", False], rel=1e-4)
    assert curves["paper", True] != pytest.approx(curves["paper", False], rel=1e-3)


def test_half_precision_is_refused_on_a_cpu(tmp_path, data):
    with pytest.raises(LatticeGnnError, match=r"bfloat16 is for a GPU, the device is cpu"):
        train(TINY, TrainConfig(precision="bfloat16"), data, tmp_path)


def test_a_model_without_weights_is_refused(tmp_path, data):
    with pytest.raises(LatticeGnnError, match="affine is not trained by gradient descent"):
        train(read_model_config({"kind": "affine"}), TrainConfig(), data, tmp_path)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("bfloat16", 0.1)])
def test_a_gpu_trains_as_the_cpu_does(tmp_path, data, precision, tolerance):
    train(TINY, TrainConfig(epochs=2, batch_size=4), data, tmp_path / "cpu")
    config = TrainConfig(epochs=2, batch_size=4, precision=precision)
    train(TINY, config, data, tmp_path / "gpu", device="cuda")
    a, b = (log_of(tmp_path / name)[-1]["loss"] for name in ("cpu", "gpu"))
    assert a == pytest.approx(b, rel=tolerance)


def test_devices_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(LatticeGnnError, match="finds no GPU; use --device cpu"):
        choose_device("cuda")
    with pytest.raises(LatticeGnnError, match="expected auto, cpu or cuda, got 'tpu'"):
        choose_device("tpu")


def test_training_starts_from_given_weights(data, tmp_path):
    """A step that changes nothing leaves the weights of the file."""
    torch.manual_seed(5)
    given = build_model(TINY, Normaliser.fit(data[0].batch))
    save_model(tmp_path / "given.safetensors", given, {})
    start = str(tmp_path / "given.safetensors")
    config = TrainConfig(steps=1, learning_rate=0.0, batch_size=4, start=start)
    trained = train(TINY, config, data, str(tmp_path / "run")).state_dict()
    for name, weights in given.state_dict().items():
        torch.testing.assert_close(trained[name], weights)
    with pytest.raises(LatticeGnnError, match=r"has model\.hidden = 4, but the recipe 5;"):
        train(replace(TINY, hidden=5), config, data, tmp_path / "other")
