"""Processor time of training steps and predictions."""

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from data.experiments.comparison_plan import Plan, read_json
from data.experiments.machine import machine
from data.experiments.training_data import TrainingData
from data.threads import one_thread
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import NetworkConfig, StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, resolve_model
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Progress, train

_TIMED_BATCH = 64  #: lattices of a timed prediction
_TIMED_STEPS = 40  #: batches whose lattices are kept for timing a training step
_COST_SECONDS = 1.0  #: of predictions, and of training steps, timed for the table


class _EnoughError(Exception):
    """Ends a training run that only serves timing."""


def seconds_per_step(
    network: NetworkConfig, config: TrainConfig, training: LabelledLattices, seconds: float
) -> float:
    """Measure the mean processor time of a training step in the real loop, on some lattices.

    Other work on the machine is not counted. The first steps are left out.
    """
    count = min(len(training), _TIMED_STEPS * config.batch_size)
    some = training.select(np.sort(np.random.default_rng(0).permutation(len(training))[:count]))
    times: list[float] = []

    def watch(state: Progress) -> None:
        times.append(time.process_time())
        if len(times) >= 6 and (times[-1] - times[0] > seconds or len(times) > 200):
            raise _EnoughError

    timed = replace(config, steps=10**6, checkpoint_steps=10**6)
    with TemporaryDirectory() as scratch, suppress(_EnoughError):
        train(network, timed, (some, some), Path(scratch), on_progress=watch)
    return (times[-1] - times[2]) / (len(times) - 3)


def lattices_per_step(count: int, batch_size: int) -> float:
    """Return the mean number of lattices of a timed step, of a training set of so many.

    The batches of an epoch are of nearly equal size, at most ``batch_size``.
    """
    count = min(count, _TIMED_STEPS * batch_size)
    return count / math.ceil(count / batch_size)


def prediction_ms(model: Callable[[LatticeBatch], Any], batch: LatticeBatch) -> float:
    """Measure the median processor time of predictions, one thread, milliseconds per lattice."""
    with one_thread(), torch.no_grad():
        model(batch)
        times: list[float] = []
        begun = time.perf_counter()
        while len(times) < 5 or (time.perf_counter() - begun < _COST_SECONDS and len(times) < 100):
            started = time.process_time()
            model(batch)
            times.append(time.process_time() - started)
    return 1e3 * float(np.median(times)) / len(batch)


def measure_cost(plan: Plan, folder: Path, data: TrainingData) -> dict[str, Any]:
    """Measure milliseconds of processor time per lattice of a prediction and a training step.

    The weights do not matter, so a model is timed whether or not this folder holds its training.
    The result is kept in ``cost.json`` and read from there for the same plan on the same machine.
    """
    path = folder / "cost.json"
    settings = plan.settings(data.rounded_fingerprint())
    known = read_json(path)
    if (known.get("machine"), known.get("settings")) == (asdict(machine()), settings):
        return known
    batch = data.parts["test"].batch
    batch = batch.select(np.arange(min(_TIMED_BATCH, len(batch))))
    cost: dict[str, Any] = {
        "machine": asdict(machine()),
        "settings": settings,
        "forward_ms": prediction_ms(_to_be_timed(plan, data), batch),
        "step_ms": None,
    }
    if plan.is_trained:
        config = TrainConfig.from_dict(plan.train)
        training = data.restricted(plan.labels).parts["train"]
        with one_thread():
            seconds = seconds_per_step(plan.network(), config, training, _COST_SECONDS)
        cost["step_ms"] = 1e3 * seconds / lattices_per_step(len(training), config.batch_size)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(cost, indent=1))
    return cost


def _to_be_timed(plan: Plan, data: TrainingData) -> StiffnessNetwork:
    """Return a model of the plan with any weights."""
    if plan.weights is not None:
        return load_model(resolve_model(plan.weights))[0]
    return build_model(plan.network(), Normaliser.fit(data.parts["train"].batch)).eval()
