"""One model of a comparison: number of steps, training, errors and cost, in its own folder."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml

from data.experiments.machine import machine
from data.experiments.recipe import core_minutes
from data.experiments.reference_set import ReferenceSet, Selection, read_reference_set
from data.experiments.training_data import TrainingData
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml, write_whole
from lattice_gnn.network import ridge
from lattice_gnn.network.base import NetworkConfig, StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, resolve_model, save_model
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.reports.document import plain
from lattice_gnn.reports.evaluation import evaluation_facts
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.evaluation import judge
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Progress, train
from lattice_gnn.training.ridge_fit import fit

UNTRAINED = ("affine", "ridge")
"""Kinds of model without gradient steps."""
_WEIGHTS = "best.safetensors"
_CHECKPOINTS = (4, 20)  #: validations of a run: one per core-minute, within these limits
_TIMED_BATCH = 64
_TIMING_SECONDS = 5.0  #: of the timing run that fixes the number of steps, or a tenth of the budget
_COST_SECONDS = 1.0  #: of predictions, and of training steps, timed for the table


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


OnShare = Callable[[float, str], None]
"""Called with the completed share of a run, and its current step."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Lattices with reference tensors from elsewhere.

    Attributes:
        path: A ``.lat`` file, or a dataset (HDF5) with beam labels.
        lowest: Number of lowest densities of each entry to take; None takes all.
    """

    path: Path
    lowest: int | None = None

    def read(self) -> ReferenceSet:
        """Return the lattices, simplified, with their references and names.

        Raises:
            LatticeGnnError: If the file cannot be used or has no reference tensor.
        """
        return read_reference_set(self.path, Selection(lowest=self.lowest))

    def facts(self) -> dict[str, Any]:
        """Return what identifies the results of this catalogue."""
        return {"name": self.path.name, "sha256": _sha256(self.path), "lowest": self.lowest}


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings of one run.

    Attributes:
        name: Name of the model and of its folder.
        model: The network, plain values; empty with ``weights``.
        train: The training, plain values.
        weights: A shipped model's name or a path, instead of training.
        labels: Number of training labels to use; None takes all.
        minutes: Core-minutes of training, if the settings give no number of steps.
    """

    name: str
    model: Mapping[str, Any]
    train: Mapping[str, Any]
    weights: str | None = None
    labels: int | None = None
    minutes: float = 30.0

    @property
    def is_trained(self) -> bool:
        """Whether the model is trained by gradient steps."""
        return self.weights is None and self.model.get("kind") not in UNTRAINED

    @property
    def seed(self) -> int | None:
        """Random seed of the training; None if nothing is trained."""
        return int(self.train.get("seed", TrainConfig().seed)) if self.is_trained else None

    def network(self) -> NetworkConfig:
        """Return the configuration of the network to train."""
        return read_model_config(self.model)


def make_and_measure(
    plan: Plan,
    folder: Path,
    source: tuple[TrainingData, str],
    catalogues: Sequence[Catalogue],
    on_share: OnShare,
) -> None:
    """Train a model and write its errors; finished steps are not repeated.

    Args:
        plan: Settings of the run.
        folder: Where its files go.
        source: The lattices, and their hash.
        catalogues: Further lattices to test on.
        on_share: Called with the state of the run.

    The folder gets ``config.yaml`` (the settings, with the number of steps, fixed once and for
    all), the files of the training, ``cost.json`` and ``metrics.json``; these three files of a
    finished run are all that a later comparison needs.

    Raises:
        LatticeGnnError: If the folder holds a run with other settings, or the training fails.
    """
    data, data_hash = source
    folder.mkdir(parents=True, exist_ok=True)
    known = read_json(folder / "metrics.json")
    fixed = _fixed(plan, folder, requested_by(plan, data_hash), data, on_share)
    wanted = {catalogue.path.name: catalogue.facts() for catalogue in catalogues}
    missing = [
        catalogue
        for catalogue in catalogues
        if known.get("catalogues", {}).get(catalogue.path.name, {}).get("catalogue")
        != wanted[catalogue.path.name]
    ]
    if "test" in known and not missing:
        return
    part = data.restricted(plan.labels)
    if "test" in known:
        model = finished_model(plan, folder)
    else:
        model = _made(plan, fixed, folder, part, on_share)
    on_share(1.0, "errors")
    if "test" not in known:
        known = {
            "name": plan.name,
            "kind": model.config.kind,
            "parameters": _parameters(model),
            "labels": None if plan.weights else len(part.parts["train"]),
            "steps": fixed["train"]["steps"] if plan.is_trained else None,
            "core_minutes": _minutes(plan, folder),
            "machine": asdict(machine()),
            "test": _errors(model, data.parts["test"], data.names("test")),
            "catalogues": {},
        }
    for catalogue in missing:
        references = catalogue.read()
        known["catalogues"][catalogue.path.name] = {
            "catalogue": wanted[catalogue.path.name],
            **_errors(model, references.labelled, references.names),
        }
    on_share(1.0, "cost")
    measure_cost(plan, folder, data)
    write_whole(folder / "metrics.json", json.dumps(known, indent=1))


def _errors(
    model: StiffnessNetwork, labelled: LabelledLattices, names: Sequence[str]
) -> dict[str, Any]:
    """Return the errors of a model as plain values."""
    found: dict[str, Any] = plain(evaluation_facts(judge(model, labelled, names=names)))
    return found


def requested_by(plan: Plan, data_hash: str) -> dict[str, Any]:
    """Return the settings that distinguish one run from another, as plain values."""
    values = {
        "model": dict(plan.model),
        "train": dict(plan.train),
        "weights": plan.weights,
        "weights_sha256": _sha256(resolve_model(plan.weights)) if plan.weights else None,
        "labels": plan.labels,
        "budget_minutes": plan.minutes if plan.is_trained else None,
        "data_hash": data_hash,
    }
    found: dict[str, Any] = json.loads(json.dumps(values))
    return found


def finished_metrics(plan: Plan, folder: Path, data_hash: str) -> dict[str, Any] | None:
    """Return the content of ``metrics.json``; None if the run is unfinished or was another one."""
    metrics, path = read_json(folder / "metrics.json"), folder / "config.yaml"
    if "test" not in metrics or not path.is_file():
        return None
    return metrics if _read_fixed(path)["requested"] == requested_by(plan, data_hash) else None


def _read_fixed(path: Path) -> dict[str, Any]:
    """Return the stored settings of a run that has begun."""
    fixed = read_yaml(path)
    if not isinstance(fixed.get("requested"), dict):
        raise LatticeGnnError(
            f"{path}: is damaged (no settings under 'requested'); remove the folder "
            "to train the model again."
        )
    return fixed


def _fixed(
    plan: Plan,
    folder: Path,
    requested: Mapping[str, Any],
    data: TrainingData,
    on_share: OnShare,
) -> dict[str, Any]:
    """Return the settings of the run as fixed when it first began."""
    path = folder / "config.yaml"
    if path.is_file():
        fixed = _read_fixed(path)
        different = [key for key in requested if fixed["requested"].get(key) != requested[key]]
        if different:
            raise LatticeGnnError(
                f"{folder}: holds a run with another {different[0]}; rename the model, or "
                "remove the folder to train it again."
            )
        return fixed
    fixed = {"requested": dict(requested)}
    if plan.is_trained:
        config = TrainConfig.from_dict(plan.train)
        if config.steps == 0:
            on_share(0.0, "timing a step")
            parts = data.restricted(plan.labels).parts
            at_most = min(_TIMING_SECONDS, 6 * plan.minutes)
            seconds = seconds_per_step(plan.network(), config, parts["train"], at_most)
            config = replace(config, steps=max(1, int(60 * plan.minutes / seconds)))
            fixed["seconds_per_step"] = seconds
        if config.checkpoint_steps == 0:
            least, most = _CHECKPOINTS
            count = max(least, min(most, round(plan.minutes)))
            config = replace(config, checkpoint_steps=math.ceil(config.steps / count))
        fixed["train"] = asdict(config)
    write_whole(path, yaml.safe_dump(fixed, sort_keys=False))
    return fixed


def _made(
    plan: Plan,
    fixed: Mapping[str, Any],
    folder: Path,
    data: TrainingData,
    on_share: OnShare,
) -> StiffnessNetwork:
    """Train the model, or load it if finished."""
    if plan.weights is not None:
        return finished_model(plan, folder)
    training, validation = data.parts["train"], data.parts["validation"]
    if not plan.is_trained:
        path = folder / _WEIGHTS
        if path.is_file():
            return finished_model(plan, folder)
        model = build_model(plan.network(), Normaliser.fit(training.batch))
        started = time.process_time()
        if isinstance(model, ridge.RidgeModel):
            fit(
                model,
                training,
                validation,
                on_progress=lambda done, total: on_share(done / total, "fitting"),
            )
        minutes = {"core_minutes": round((time.process_time() - started) / 60, 3)}
        write_whole(folder / "fit.json", json.dumps(minutes))
        save_model(path, model, {})
        return model.eval()
    config = TrainConfig.from_dict(fixed["train"])

    def tell(state: Progress) -> None:
        on_share(state.step / state.steps, f"loss {state.loss:.3g}")

    train(plan.network(), config, (training, validation), folder, on_progress=tell)
    return finished_model(plan, folder)


def finished_model(plan: Plan, folder: Path) -> StiffnessNetwork:
    """Load the model of a finished training."""
    return load_model(resolve_model(plan.weights) if plan.weights else folder / _WEIGHTS)[0]


def _parameters(model: StiffnessNetwork) -> int:
    """Return the number of fitted parameters."""
    if isinstance(model, ridge.RidgeModel):
        return sum(model.weights(l).numel() for l in ridge.COPIES)
    return sum(p.numel() for p in model.parameters())


def _minutes(plan: Plan, folder: Path) -> float | None:
    """Return the core-minutes that the training, or the fit, took."""
    if plan.is_trained:
        return core_minutes(folder)
    return read_json(folder / "fit.json").get("core_minutes")


class _EnoughError(Exception):
    """Ends a training run that only serves timing."""


def seconds_per_step(
    network: NetworkConfig, config: TrainConfig, training: LabelledLattices, seconds: float
) -> float:
    """Measure the mean processor time of a training step in the real loop, on some lattices.

    Other work on the machine is not counted. The first steps are left out.
    """
    count = min(len(training), 40 * config.batch_size)
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


def measure_cost(plan: Plan, folder: Path, data: TrainingData) -> dict[str, Any]:
    """Measure milliseconds of processor time per lattice of a prediction and a training step.

    They are written to ``cost.json``, and read from there if the machine is the same, or if the
    folder no longer contains the weights.
    """
    path = folder / "cost.json"
    known = read_json(path)
    has_weights = plan.weights is not None or (folder / _WEIGHTS).is_file()
    if known.get("machine") == asdict(machine()) or (known and not has_weights):
        return known
    model = finished_model(plan, folder)
    batch = data.parts["test"].batch
    batch = batch.select(np.arange(min(_TIMED_BATCH, len(batch))))
    with one_thread(), torch.no_grad():
        model(batch)
        times: list[float] = []
        begun = time.perf_counter()
        while len(times) < 5 or (time.perf_counter() - begun < _COST_SECONDS and len(times) < 100):
            started = time.process_time()
            model(batch)
            times.append(time.process_time() - started)
    cost: dict[str, Any] = {
        "machine": asdict(machine()),
        "forward_ms": 1e3 * float(np.median(times)) / len(batch),
        "step_ms": None,
    }
    if plan.is_trained:
        config = TrainConfig.from_dict(plan.train)
        training = data.restricted(plan.labels).parts["train"]
        with one_thread():
            seconds = seconds_per_step(plan.network(), config, training, _COST_SECONDS)
        cost["step_ms"] = 1e3 * seconds / min(config.batch_size, len(training))
    write_whole(path, json.dumps(cost, indent=1))
    return cost


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread while the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if the file is missing or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
