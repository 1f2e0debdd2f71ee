"""Training learns, resumes to the letter, and what it saves is what it had."""

import json
import struct

import numpy as np
import pytest
import torch

from data.generate import CellSampling, sample_cells
from data.recipe import label_beam
from lattice_gnn.checkpoint import FORMAT, load_model, read_header, save_model
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.metrics import directional_error
from lattice_gnn.model import ModelConfig, StiffnessModel
from lattice_gnn.normaliser import Normaliser
from lattice_gnn.train import TrainConfig, learning_rate, train

SMALL = ModelConfig(channels=8, hidden=16, readout_channels=4)


def labelled(count, seed=0, **changes):
    values = {"cells": ("bcc", "octet", "sc"), "densities": (0.01, 0.1), **changes}
    return label_beam(sample_cells(CellSampling(count=count, seed=seed, **values)))


@pytest.fixture(scope="module")
def data():
    return labelled(12), labelled(6, seed=1)


def test_overfits_four_lattices(tmp_path):
    four = labelled(4)
    config = TrainConfig(
        epochs=150, batch_size=4, learning_rate=1e-2, weight_decay=0.0, average=0.9
    )
    model = train(SMALL, config, (four, four), tmp_path)
    error = directional_error(model(four.batch).detach(), four.stiffness)
    assert float(error.max()) < 0.02


class InterruptError(Exception):
    pass


@pytest.fixture(params=[1, 3])
def _threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads")
def test_an_interrupted_run_ends_as_an_unbroken_one(tmp_path, data):
    """To the bit, on several threads too."""
    config = TrainConfig(epochs=3, batch_size=4)
    unbroken = train(SMALL, config, data, tmp_path / "unbroken")

    def interrupt(progress):
        if progress.epoch == 1 and progress.step == 2:
            raise InterruptError

    with pytest.raises(InterruptError):
        train(SMALL, config, data, tmp_path / "broken", on_progress=interrupt)
    resumed = train(SMALL, config, data, tmp_path / "broken")
    for a, b in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    logs = [(tmp_path / n / "log.csv").read_text().splitlines() for n in ("unbroken", "broken")]
    without_seconds = [[line.split(",")[:2] + line.split(",")[3:] for line in log] for log in logs]
    assert without_seconds[0] == without_seconds[1]
    assert len(logs[0]) == 4


def test_another_configuration_does_not_continue_a_run(tmp_path, data):
    train(SMALL, TrainConfig(epochs=1), data, tmp_path)
    with pytest.raises(LatticeGnnError, match="holds a run with another configuration"):
        train(SMALL, TrainConfig(epochs=1, seed=1), data, tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, data):
    training, validation = data
    broken = training.select(np.arange(4))
    broken.stiffness[0, 0, 0] = float("nan")
    with pytest.raises(LatticeGnnError, match=r"NaN|nan|loss became"):
        train(SMALL, TrainConfig(epochs=1), (broken, validation), tmp_path)


def test_rate_rises_to_its_peak_and_falls_to_a_hundredth():
    config = TrainConfig(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(config, done) for done in np.linspace(0, 1, 101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.01)
    assert rates[55] == pytest.approx(0.505)


def saved(path):
    torch.manual_seed(1)
    model = StiffnessModel(SMALL, Normaliser(mean_degree=5.0))
    save_model(path, model, {"metrics": {"a": 1}})
    return model


def test_a_saved_model_predicts_the_same_and_keeps_its_header(tmp_path):
    path = tmp_path / "m.safetensors"
    model = saved(path)
    loaded, header = load_model(path)
    batch = LatticeBatch.from_lattices(sample_cells(CellSampling(count=3)))
    assert torch.equal(model(batch), loaded(batch))
    assert loaded.normaliser == model.normaliser
    assert header["format"] == FORMAT
    assert header["metrics"] == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def edit_header(path, change):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    outer = json.loads(raw[8 : 8 + length])
    inner = json.loads(outer["__metadata__"]["lattice-gnn"])
    change(inner)
    outer["__metadata__"]["lattice-gnn"] = json.dumps(inner)
    header = json.dumps(outer).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + raw[8 + length :])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.unlink(), "no such weights file"),
        (lambda p: p.write_bytes(b"not weights"), "not a usable lattice-gnn weights file"),
        (lambda p: p.write_bytes(p.read_bytes()[:-100]), "not a usable lattice-gnn weights file"),
        (lambda p: edit_header(p, lambda h: h.update(format=99)), "weights of format 99"),
        (
            lambda p: edit_header(p, lambda h: h["config"].update(channels=9)),
            "not a usable lattice-gnn weights file",
        ),
        (lambda p: edit_header(p, lambda h: h["config"].update(depth=9)), "unknown key"),
    ],
)
def test_damaged_weights_are_refused_in_one_sentence(tmp_path, damage, message):
    path = tmp_path / "m.safetensors"
    saved(path)
    damage(path)
    with pytest.raises(LatticeGnnError, match=message) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_header_can_be_read_without_the_weights(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    assert read_header(path)["config"] == SMALL.to_dict()
