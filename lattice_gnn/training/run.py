"""Training run on disk: state, log, weights and failed batches."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch.optim.swa_utils import AveragedModel

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading, write_whole
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, save_model, state_bytes
from lattice_gnn.training.distributed import Ranks
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.losses import Examples

Errors = dict[str, dict[str, float]]
_FORMAT = 2  #: of state.pt


class Learner(NamedTuple):
    """Everything that changes during training.

    Attributes:
        model: The network.
        optimiser: Its optimiser.
        average: Exponential moving average of its weights.
    """

    model: StiffnessNetwork
    optimiser: torch.optim.Optimizer
    average: AveragedModel


class Interval:
    """The steps since the last validation."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self._processor_time = time.process_time()
        self._loss = self._steps = self._lattices = 0.0

    def add(self, loss: float, lattices: int) -> None:
        """Add a step."""
        self._loss += loss
        self._steps += 1
        self._lattices += lattices

    @property
    def loss(self) -> float:
        """Mean loss of the steps."""
        return self._loss / self._steps

    def ms_per_lattice(self) -> float:
        """Milliseconds per lattice so far."""
        return 1e3 * (time.perf_counter() - self.started) / self._lattices

    def core_seconds(self) -> float:
        """Processor time of this process so far, over all threads."""
        return time.process_time() - self._processor_time


class TrainingRun:
    """The state of a training run; rank 0 writes it.

    Attributes:
        learner: Model, optimiser and average.
        folder: Folder of its files.
        facts: Entries of the header of the weights, JSON-ready; together with the configuration of
            the network they identify the run.
        best: Smallest mean directional error of the validations so far.
        waited: Validations since then.
        interval: The steps since the last validation.
    """

    def __init__(self, learner: Learner, folder: Path, facts: Mapping[str, Any], ranks: Ranks):
        self.learner = learner
        self.folder = folder
        self.facts = facts
        self.best = math.inf
        self.waited = 0
        self.interval = Interval()
        self._ranks = ranks
        self._rows = 0

    @property
    def averaged(self) -> StiffnessNetwork:
        """The model with the averaged weights."""
        return cast(StiffnessNetwork, self.learner.average.module)

    def core_seconds(self) -> float:
        """Processor time of the steps since the last validation, assuming equal ranks."""
        return self.interval.core_seconds() * self._ranks.count

    def has_stalled(self, patience: int) -> bool:
        """Whether the last ``patience`` validations showed no improvement; 0 disables this."""
        return 0 < patience <= self.waited

    def start(self) -> int:
        """Load the state of an interrupted run on every rank; returns the number of steps done.

        Raises:
            LatticeGnnError: If the folder holds another run, or the ranks differ.
        """
        path = self.folder / "state.pt"
        self._ranks.check_equal(self._identity(), "configuration and lattices")
        self._ranks.check_equal(str(path.is_file()), f"files in {self.folder}")
        step = 0
        if path.is_file():
            step = self._load(path)
            self._ranks.check_equal(str(step), f"step of {path}")
        else:
            self._ranks.from_first(lambda: self.folder.mkdir(parents=True, exist_ok=True))
        self._ranks.align(self.learner.model)
        self.interval = Interval()
        return step

    def _identity(self) -> str:
        return json.dumps(
            {"model": self.learner.model.config.to_dict(), **self.facts}, sort_keys=True
        )

    def _load(self, path: Path) -> int:
        try:
            state = torch.load(path, weights_only=True, map_location=self._ranks.device)
        except Exception as error:  # torch and pickle raise anything on a damaged file
            raise _damaged(path, error) from error
        if not isinstance(state, dict):
            raise _damaged(path, TypeError("no mapping"))
        if state.get("format") != _FORMAT:
            raise LatticeGnnError(
                f"{path}: written by another version of lattice-gnn "
                f"(format {state.get('format')}, expected {_FORMAT}); train in another folder"
            )
        try:
            before, now = json.loads(state["identity"]), json.loads(self._identity())
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise _damaged(path, error) from error
        if before != now:
            raise LatticeGnnError(
                f"{self.folder}: holds a run with another configuration or other data "
                f"({_first_difference(before, now)}); choose another folder"
            )
        try:
            self.learner.model.load_state_dict(state["model"])
            self.learner.optimiser.load_state_dict(state["optimiser"])
            self.learner.average.load_state_dict(state["average"])
            self.best, self.waited = float(state["best"]), int(state["waited"])
            self._rows, step = int(state["rows"]), int(state["step"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise _damaged(path, error) from error
        if step < 0 or self._rows < 0 or self.waited < 0 or math.isnan(self.best):
            raise _damaged(path, ValueError("a count below 0"))
        return step

    def checkpoint(self, step: int, errors: Errors, entries: Mapping[str, float | int]) -> None:
        """Write the log, the best weights, and the state from which the run resumes.

        Args:
            step: Steps done.
            errors: Summary of every metric on the validation lattices.
            entries: Further columns of the log.
        """
        error = errors["directional_error"]["mean"]
        error = error if math.isfinite(error) else math.inf
        is_best = error < self.best or self._rows == 0
        self.best = min(error, self.best)
        self.waited = 0 if is_best else self.waited + 1
        self._rows += 1
        self._ranks.from_first(lambda: self._write(step, errors, entries, is_best))
        self.interval = Interval()

    def _write(
        self, step: int, errors: Errors, entries: Mapping[str, float | int], is_best: bool
    ) -> None:
        facts = {**self.facts, "step": step, "metrics": {"validation": errors}}
        save_model(self.folder / "last.safetensors", self.averaged, facts)
        if is_best:
            save_model(self.folder / "best.safetensors", self.averaged, facts)
        values = {f"{metric}.{s}": v for metric, e in errors.items() for s, v in e.items()}
        seconds = time.perf_counter() - self.interval.started
        self._log({"step": step, **entries, "seconds": seconds, **values})
        state = {
            "format": _FORMAT,
            "identity": self._identity(),
            "step": step,
            "best": self.best,
            "waited": self.waited,
            "rows": self._rows,
            "model": self.learner.model.state_dict(),
            "optimiser": self.learner.optimiser.state_dict(),
            "average": self.learner.average.state_dict(),
        }
        write_whole(self.folder / "state.pt", state_bytes(state))

    def _log(self, entries: Mapping[str, float | int]) -> None:
        """Add a row; rows later than the saved state are dropped."""
        path = self.folder / "log.csv"
        rows: list[str] = []
        if path.is_file() and self._rows > 1:
            with reading(path):
                rows = path.read_text("utf-8", "replace").splitlines()
        rows = rows[: self._rows] or [",".join(entries)]
        numbers = [str(v) if isinstance(v, int) else f"{v:.6g}" for v in entries.values()]
        write_whole(path, "\n".join([*rows, ",".join(numbers)]) + "\n")

    def best_model(self) -> StiffnessNetwork:
        """The averaged weights at the best validation, on the CPU."""
        return load_model(self.folder / "best.safetensors")[0]

    def failure(self, step: int, what: str, batch: Examples) -> LatticeGnnError:
        """Save the batch of a failed step and the weights before it; returns the error to raise.

        Args:
            step: The step, from 0.
            what: What is not finite.
            batch: The lattices of the step, of all ranks.
        """
        lattices, weights = self.folder / "failed_batch.pt", self.folder / "failed.safetensors"

        def write() -> None:
            batch_fields = {f.name: getattr(batch.batch, f.name) for f in fields(batch.batch)}
            content = {"step": step, "batch": batch_fields, "stiffness": batch.stiffness}
            write_whole(lattices, state_bytes(content))
            save_model(weights, self.learner.model, {**self.facts, "step": step})

        self._ranks.from_first(write)
        return LatticeGnnError(
            f"step {step + 1}: {what}; its lattices and labels are in {lattices}, the weights "
            f"before it in {weights} (docs/training.md shows how to read them): correct the labels "
            "or lower train.learning_rate, and train in another folder"
        )


def load_failed_batch(path: Path) -> LabelledLattices:
    """Load the lattices and labels of a step whose loss was not finite, as the network saw them."""
    content = torch.load(path, weights_only=True, map_location="cpu")
    return LabelledLattices(LatticeBatch(**content["batch"]), content["stiffness"])


def _damaged(path: Path, error: Exception) -> LatticeGnnError:
    reason = " ".join(str(error).split())[:100]
    return LatticeGnnError(
        f"{path}: is damaged ({type(error).__name__}: {reason}); train in another folder"
    )


def _first_difference(before: Any, now: Any, where: str = "") -> str:
    """Describe the first setting in which two runs differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            if before.get(key) != now.get(key):
                return _first_difference(before.get(key), now.get(key), f"{where}.{key}")
    return f"{where.lstrip('.')}: {before!r} there, {now!r} here"
