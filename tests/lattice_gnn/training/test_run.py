"""Curves for TensorBoard: what was trained, and a clear word where it is not installed."""

import sys

import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.training.loop import Progress
from lattice_gnn.training.tensorboard import TensorBoard


def progress(step, **changes):
    values = {
        "steps": 3,
        "epoch": 0,
        "epochs": 1,
        "loss": 1 / step,
        "gradient_norm": 2.0,
        "learning_rate": 1e-3,
        "ms_per_lattice": 5.0,
        "core_seconds": 2.0,
    }
    return Progress(step=step, **(values | changes))


def test_without_tensorboard_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(LatticeGnnError, match=r"pip install 'lattice-gnn\[tensorboard\]'"):
        TensorBoard(tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_curves_hold_every_step_and_validation(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves = TensorBoard(tmp_path)
    for step in (1, 2, 3):
        curves(progress(step))
    summary = {"mean": 0.25, "median": 0.125, "max": 1.0}
    curves(progress(3, validation={"directional_error": summary}))
    curves.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    losses = [(e.step, e.value) for e in events.Scalars("train/loss")]
    assert losses == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert [e.value for e in events.Scalars("validation/directional_error.median")] == [0.125]
    assert events.Scalars("train/learning_rate")[0].value == pytest.approx(1e-3)
