"""Training: a configuration, a labelled batch, one visible loop."""

import csv
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.checkpoint import load_model, save_model, state_bytes
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.evaluation import evaluate
from lattice_gnn.files import write_whole
from lattice_gnn.labelled import LabelledLattices
from lattice_gnn.network import NetworkConfig, StiffnessNetwork
from lattice_gnn.nn.positivity import POSITIVE_MAPS, prior_inverse
from lattice_gnn.normaliser import Normaliser
from lattice_gnn.registry import build_model
from lattice_gnn.settings import read_settings


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train.

    Attributes:
        epochs: Passes over the training lattices.
        batch_size: Lattices in a step.
        learning_rate: Peak of the cosine schedule.
        warmup: Share of the steps in which the rate rises to its peak.
        weight_decay: Of AdamW.
        clip: Largest gradient norm.
        average: Decay of the running average of the weights; the average is what is tested and
            saved.
        log_weight: Weight of the loss on the logarithm of C against that on C itself (prior map
            only).
        seed: Of the initial weights and the order of the lattices.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 3e-3
    warmup: float = 0.05
    weight_decay: float = 1e-5
    clip: float = 10.0
    average: float = 0.999
    log_weight: float = 0.1
    seed: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Build from a mapping; unknown keys are refused."""
        return read_settings(cls, values, "train")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training run stands; handed to ``on_progress`` after every step and every epoch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    validation: dict[str, dict[str, float]] | None = None


def train(
    model_config: NetworkConfig,
    config: TrainConfig,
    data: tuple[LabelledLattices, LabelledLattices],
    folder: Path,
    *,
    facts: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> StiffnessNetwork:
    """Train a model; a run that was interrupted goes on where its last epoch ended.

    Args:
        model_config: The network.
        config: The training.
        data: Lattices to train on, and to validate on.
        folder: Gets ``best.safetensors``, ``last.safetensors``, ``state.pt`` and ``log.csv``.
        facts: Entries for the header of the weights (domain, provenance).
        on_progress: Called with the state of the run.

    Returns:
        The model with averaged weights of the epoch with the least validation error (mean
        directional).

    Raises:
        LatticeGnnError: If the loss is not finite, or the folder holds a run with another
            configuration.
    """
    training, validation = data
    torch.manual_seed(config.seed)
    model = build_model(model_config, Normaliser.fit(training.batch))
    run = _Run(model, config, folder, {"training_hash": training.fingerprint(), **(facts or {})})
    targets = _log_targets(model_config, training)
    steps = math.ceil(len(training) / config.batch_size)
    for epoch in range(run.resume(), config.epochs):
        started, total = time.perf_counter(), 0.0
        order = np.random.default_rng([config.seed, epoch]).permutation(len(training))
        for step, chosen in enumerate(np.array_split(order, steps)):
            for group in run.optimiser.param_groups:
                group["lr"] = learning_rate(
                    config, (epoch * steps + step) / (config.epochs * steps)
                )
            loss = _loss(model, training.select(chosen), targets, chosen, config)
            if not bool(torch.isfinite(loss)):
                raise LatticeGnnError(
                    f"loss became {loss.item()} in epoch {epoch}, step {step}; "
                    "lower train.learning_rate"
                )
            run.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            run.optimiser.step()
            run.average.update_parameters(model)
            total += loss.item()
            if on_progress is not None:
                on_progress(Progress(epoch, config.epochs, step + 1, steps, total / (step + 1)))
        errors = evaluate(run.averaged, validation)
        run.finish_epoch(epoch, total / steps, errors, time.perf_counter() - started)
        if on_progress is not None:
            on_progress(Progress(epoch, config.epochs, steps, steps, total / steps, errors))
    return run.best_model()


def learning_rate(config: TrainConfig, done: float) -> float:
    """Linear warm-up, then half a cosine to 1 % of the peak; ``done`` runs from 0 to 1."""
    if done < config.warmup:
        return config.learning_rate * (done + 1e-3) / config.warmup
    rest = (done - config.warmup) / (1 - config.warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * rest)))


def _log_targets(
    model_config: NetworkConfig, training: LabelledLattices
) -> Float[Tensor, "lattices 6 6"] | None:
    if model_config.positive_map != "prior":
        return None
    return prior_inverse(training.stiffness, training.batch)


def _loss(
    model: StiffnessNetwork,
    labelled: LabelledLattices,
    targets: Float[Tensor, "lattices 6 6"] | None,
    chosen: np.ndarray,
    config: TrainConfig,
) -> Float[Tensor, ""]:
    """Mean of |C - C_ref|^2 / |C_ref|^2, and of |M - M_ref|^2 where the map has a prior."""
    M = model.matrix(labelled.batch).double()
    C = POSITIVE_MAPS[model.config.positive_map](M, labelled.batch)
    error = (C - labelled.stiffness).square().sum((-1, -2))
    loss = (error / labelled.stiffness.square().sum((-1, -2))).mean()
    if targets is None:
        return loss
    return (
        loss
        + config.log_weight * (M - targets[torch.from_numpy(chosen)]).square().sum((-1, -2)).mean()
    )


class _Run:
    """The state of a training run, in memory and on disk."""

    def __init__(
        self, model: StiffnessNetwork, config: TrainConfig, folder: Path, facts: Mapping[str, Any]
    ):
        self.model = model
        self.folder = folder
        self.facts = {**facts, "train": asdict(config)}
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.average = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.average)
        )
        self.best = math.inf

    @property
    def averaged(self) -> StiffnessNetwork:
        """The model with the running average of the weights."""
        return cast(StiffnessNetwork, self.average.module)

    def resume(self) -> int:
        """Load the state of an interrupted run; returns the epoch to go on with."""
        path = self.folder / "state.pt"
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            return 0
        state = torch.load(path, weights_only=True)
        if state["facts"] != repr(self.facts):
            raise LatticeGnnError(
                f"{self.folder}: holds a run with another configuration or other data; "
                "choose another folder"
            )
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.load_state_dict(state["average"])
        self.best = state["best"]
        return state["epoch"] + 1

    def finish_epoch(
        self, epoch: int, loss: float, errors: dict[str, dict[str, float]], seconds: float
    ) -> None:
        """Log, keep the best weights, and save the state to resume from."""
        facts = {**self.facts, "epoch": epoch, "metrics": {"validation": errors}}
        save_model(self.folder / "last.safetensors", self.averaged, facts)
        if errors["directional_error"]["mean"] < self.best:
            self.best = errors["directional_error"]["mean"]
            save_model(self.folder / "best.safetensors", self.averaged, facts)
        self._log(epoch, loss, errors, seconds)
        state = {
            "facts": repr(self.facts),
            "epoch": epoch,
            "best": self.best,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict(),
        }
        write_whole(self.folder / "state.pt", state_bytes(state))

    def _log(
        self, epoch: int, loss: float, errors: dict[str, dict[str, float]], seconds: float
    ) -> None:
        path = self.folder / "log.csv"
        rows = path.read_text().splitlines()[: epoch + 1] if path.is_file() else []
        with path.open("w", newline="") as file:
            if not rows:
                names = [f"{metric}.{s}" for metric, e in errors.items() for s in e]
                rows = [",".join(["epoch", "loss", "seconds", *names])]
            file.write("\n".join(rows) + "\n")
            values = [f"{v:.6g}" for e in errors.values() for v in e.values()]
            csv.writer(file, lineterminator="\n").writerow(
                [epoch, f"{loss:.6g}", f"{seconds:.1f}", *values]
            )

    def best_model(self) -> StiffnessNetwork:
        """The averaged weights of the best epoch."""
        return load_model(self.folder / "best.safetensors")[0]
