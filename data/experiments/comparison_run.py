"""One model of a comparison: number of steps, training, errors and cost, in its own folder."""

import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from data.experiments.comparison_cost import measure_cost, seconds_per_step
from data.experiments.comparison_plan import Plan, read_json, sha256_of
from data.experiments.machine import machine
from data.experiments.recipe import core_minutes
from data.experiments.reference_set import ReferenceSet, Selection, read_reference_set
from data.experiments.training_data import TrainingData
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml, write_whole
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, resolve_model, save_model
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model
from lattice_gnn.reports.document import plain
from lattice_gnn.reports.evaluation import evaluation_facts
from lattice_gnn.training.closed_form import CLOSED_FORMS
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.evaluation import judge
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Progress, train

_WEIGHTS = "best.safetensors"
_OF_A_TRAINING = (
    "state.pt", "log.csv", _WEIGHTS, "last.safetensors", "failed_batch.pt", "failed.safetensors",
)  # fmt: skip
_CHECKPOINTS = (4, 20)  #: validations of a run: one per core-minute, within these limits
_TIMING_SECONDS = 5.0  #: of the timing run that fixes the number of steps, or a tenth of the budget


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
        return {"name": self.path.name, "sha256": sha256_of(self.path), "lowest": self.lowest}


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
    fixed = _fixed(plan, folder, plan.requested(data_hash), data, on_share)
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
        model, fixed = _settled(plan, fixed, folder, part, on_share)
    on_share(1.0, "errors")
    if "test" not in known:
        known = {
            "name": plan.name,
            "kind": model.config.kind,
            "parameters": model.num_weights,
            "labels": None if plan.weights else len(part.parts["train"]),
            "steps": fixed["train"]["steps"] if plan.is_trained else None,
            "core_minutes": _minutes(plan, folder),
            "learning_rate": fixed["train"]["learning_rate"] if plan.is_trained else None,
            "probes": fixed.get("probes", []),
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


def finished_metrics(plan: Plan, folder: Path, data_hash: str) -> dict[str, Any] | None:
    """Return the content of ``metrics.json``; None if the run is unfinished or was another one."""
    metrics, path = read_json(folder / "metrics.json"), folder / "config.yaml"
    if "test" not in metrics or not path.is_file():
        return None
    return metrics if _read_fixed(path)["requested"] == plan.requested(data_hash) else None


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
        probe_at = partial(_probe, plan, folder, requested["data_hash"], data, on_share)
        probes = [probe_at(rate) for rate in plan.learning_rates]
        config = TrainConfig.from_dict(plan.train)
        if probes:
            config = replace(config, learning_rate=_best_rate(plan, probes))
            fixed["probes"] = probes
        if config.steps == 0:
            seconds = _step_seconds(plan, config, data, probes, on_share)
            config = replace(config, steps=max(1, int(60 * plan.minutes / seconds)))
            fixed["seconds_per_step"] = seconds
        if config.checkpoint_steps == 0:
            least, most = _CHECKPOINTS
            count = max(least, min(most, round(plan.minutes)))
            config = replace(config, checkpoint_steps=math.ceil(config.steps / count))
        fixed["train"] = asdict(config)
    write_whole(path, yaml.safe_dump(fixed, sort_keys=False))
    return fixed


def _probe(
    plan: Plan,
    folder: Path,
    data_hash: str,
    data: TrainingData,
    on_share: OnShare,
    rate: float,
) -> dict[str, Any]:
    """Return the validation error of a short run with one learning rate; null if it diverged.

    Its files are in ``probes/RATE``, where an interrupted probe resumes.
    """
    probe, place = plan.probe(rate), folder / "probes" / f"{rate:g}"
    place.mkdir(parents=True, exist_ok=True)

    def tell(share: float, at: str) -> None:
        on_share(0.0, f"learning rate {rate:g}, {share:.0%}, {at}")

    fixed = _fixed(probe, place, probe.requested(data_hash), data, tell)
    try:
        _made(probe, fixed, place, data.restricted(plan.labels), tell)
    except LatticeGnnError:
        if not (place / "failed_batch.pt").is_file():
            raise
        return _diverged(rate)
    errors = load_model(place / _WEIGHTS)[1]["metrics"]["validation"]
    return {
        "learning_rate": rate,
        "steps": fixed["train"]["steps"],
        "core_minutes": core_minutes(place),
        "error": errors["directional_error"]["mean"],
    }


def _diverged(rate: float) -> dict[str, Any]:
    """Return the probe of a learning rate at which the loss was not finite."""
    return {"learning_rate": rate, "steps": None, "core_minutes": None, "error": None}


def _best_rate(plan: Plan, probes: Sequence[Mapping[str, Any]]) -> float:
    """Return the learning rate with the smallest mean directional error on the validation part."""
    finished = [probe for probe in probes if probe["error"] is not None]
    if not finished:
        rates = ", ".join(f"{rate:g}" for rate in plan.learning_rates)
        raise LatticeGnnError(
            f"{plan.name}: the loss is not finite at any of the learning rates {rates}; lower them."
        )
    return float(min(finished, key=lambda probe: probe["error"])["learning_rate"])


def _step_seconds(
    plan: Plan,
    config: TrainConfig,
    data: TrainingData,
    probes: Sequence[Mapping[str, Any]],
    on_share: OnShare,
) -> float:
    """Return the processor time of a training step: that of the probes, or of a timing run.

    The median of the probes: other work on the machine may slow one of them down.
    """
    finished = [probe for probe in probes if probe["error"] is not None]
    if finished:
        return 60 * median(probe["core_minutes"] / probe["steps"] for probe in finished)
    on_share(0.0, "timing a step")
    at_most = min(_TIMING_SECONDS, 6 * plan.minutes)
    training = data.restricted(plan.labels).parts["train"]
    return seconds_per_step(plan.network(), config, training, at_most)


def _settled(
    plan: Plan,
    fixed: dict[str, Any],
    folder: Path,
    data: TrainingData,
    on_share: OnShare,
) -> tuple[StiffnessNetwork, dict[str, Any]]:
    """Make the model; where the whole run diverges, again with the next best learning rate.

    Returns the model and the settings of the run that was finished. The rates that diverged are
    among its probes without error; the files of their trainings are in ``diverged/RATE``.
    """
    while True:
        try:
            return _made(plan, fixed, folder, data, on_share), fixed
        except LatticeGnnError:
            probes = [
                _diverged(probe["learning_rate"])
                if probe["learning_rate"] == fixed["train"]["learning_rate"]
                else probe
                for probe in fixed.get("probes", [])
            ]
            left = any(probe["error"] is not None for probe in probes)
            if not left or not (folder / "failed_batch.pt").is_file():
                raise
            rate = _best_rate(plan, probes)
            _set_aside(folder, fixed["train"]["learning_rate"])
            fixed = fixed | {"probes": probes, "train": fixed["train"] | {"learning_rate": rate}}
            write_whole(folder / "config.yaml", yaml.safe_dump(fixed, sort_keys=False))


def _set_aside(folder: Path, rate: float) -> None:
    """Move the files of a training that diverged to ``diverged/RATE``, with its settings."""
    place = folder / "diverged" / f"{rate:g}"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "config.yaml", place / "config.yaml")
    for name in _OF_A_TRAINING:
        if (folder / name).exists():
            (folder / name).replace(place / name)


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
        if model.config.kind in CLOSED_FORMS:
            CLOSED_FORMS[model.config.kind](
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


def _minutes(plan: Plan, folder: Path) -> float | None:
    """Return the core-minutes that the training, or the fit, took."""
    if plan.is_trained:
        return core_minutes(folder)
    return read_json(folder / "fit.json").get("core_minutes")
