"""Settings of training, and the learning rate that follows from them."""

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.training.config import (
    FEW_STEPS,
    TrainConfig,
    average_decay,
    default_epochs,
    learning_rate,
)


def test_rate_rises_to_its_peak_and_falls_to_a_hundredth():
    config = TrainConfig(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(config, done) for done in np.linspace(0, 1, 101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.01)
    assert rates[55] == pytest.approx(0.505)


def test_a_constant_rate_stays_at_its_peak_after_the_warm_up():
    config = TrainConfig(learning_rate=0.5, warmup=0.1, schedule="constant")
    assert learning_rate(config, 0.05) == pytest.approx(0.25, rel=0.03)
    assert {learning_rate(config, done) for done in (0.1, 0.5, 1.0)} == {0.5}


def test_the_average_of_weights_spans_a_share_of_a_short_run_and_its_own_length_of_a_long_one():
    # The weight of the state at the start after t updates is the product of their decays.
    for steps in (60, 200):
        assert np.prod([average_decay(0.999, t) for t in range(1, steps)]) < 1e-6
    assert average_decay(0.999, 0) == pytest.approx(0.1)
    assert average_decay(0.995, 1_000) < 0.995
    assert average_decay(0.995, 2_000) == average_decay(0.995, 10**6) == 0.995


def test_small_sets_get_more_epochs():
    assert default_epochs(epoch_steps=500) == 30
    assert default_epochs(epoch_steps=2) * 2 == FEW_STEPS


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"batch_size": 0}, "train.batch_size: expected at least 1, got 0"),
        ({"warmup": 1.0}, "train.warmup: expected less than 1"),
        ({"learning_rate": float("nan")}, "train.learning_rate"),
        ({"patience": -1}, "train.patience"),
        ({"accumulate": 0}, "train.accumulate"),
        ({"loss": "mse"}, "train.loss"),
        ({"schedule": "step"}, "train.schedule"),
        ({"precision": "float16"}, "train.precision"),
        ({"epoch": 3}, "train.epoch: unknown key"),
    ],
)
def test_settings_out_of_range_are_refused(values, words):
    with pytest.raises(LatticeGnnError) as caught:
        TrainConfig.from_dict(values)
    assert words in str(caught.value)
