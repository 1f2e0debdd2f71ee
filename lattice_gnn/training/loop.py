"""The training loop.

The lattices of a step and their rotations depend only on the seed and the step number, so a run
that is interrupted and resumed gives the same result as an uninterrupted one, bit for bit.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fem_reference.loading import pinned
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import NetworkConfig, StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, resolve_model
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model
from lattice_gnn.tensors.rotations import quaternion_matrix
from lattice_gnn.training.config import (
    TrainConfig,
    average_decay,
    default_epochs,
    learning_rate,
)
from lattice_gnn.training.denormals import denormals_flushed
from lattice_gnn.training.distributed import Ranks, join
from lattice_gnn.training.evaluation import evaluate
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.losses import Examples, paper_loss, relative_loss, stiffness_of
from lattice_gnn.training.optimiser import build_optimiser
from lattice_gnn.training.run import Learner, TrainingRun


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a training run, passed to ``on_progress`` after every step and validation.

    Attributes:
        step: Steps done.
        steps: Total number of steps.
        epoch: Current pass over the training lattices, from 0.
        epochs: Number of passes; 0 if the length of the run is set in steps.
        loss: Mean loss since the last validation.
        gradient_norm: Gradient norm of the last step, before clipping.
        learning_rate: Learning rate of the last step.
        ms_per_lattice: Milliseconds per training lattice since the last validation.
        core_seconds: Processor time of the steps since the last validation, over all ranks.
        best: Smallest mean directional error of the validations so far; infinite before the first.
        validation: Summary of every metric, directly after a validation.
        stopped: Whether early stopping ended the run.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    gradient_norm: float
    learning_rate: float
    ms_per_lattice: float
    core_seconds: float
    best: float = math.inf
    validation: dict[str, dict[str, float]] | None = None
    stopped: bool = False

    def log_entries(self) -> dict[str, float | int]:
        """Columns of the log that follow the step number."""
        names = ("epoch", "loss", "learning_rate", "gradient_norm", "ms_per_lattice")
        return {name: getattr(self, name) for name in (*names, "core_seconds")}


def train(  # noqa: PLR0913 (one argument for each thing that a run needs)
    model_config: NetworkConfig,
    config: TrainConfig,
    data: tuple[LabelledLattices, LabelledLattices],
    folder: str | os.PathLike[str],
    *,
    facts: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    device: torch.device | str = "cpu",
) -> StiffnessNetwork:
    """Train a model; an interrupted run resumes from its last validation.

    Under ``torchrun`` every process calls this function with the same arguments and computes its
    share; only rank 0 writes and reports.

    Args:
        model_config: Configuration of the network.
        config: Configuration of the training.
        data: Training lattices and validation lattices.
        folder: Output folder of ``best.safetensors``, ``last.safetensors``, ``state.pt`` and
            ``log.csv``.
        facts: Further entries of the header of the weights (domain, provenance).
        on_progress: Called with the state of the run.
        device: "cpu", "cuda" or one GPU.

    Returns:
        The model on the CPU, with the averaged weights at the validation with the smallest mean
        directional error.

    Raises:
        LatticeGnnError: If there are no training or no validation lattices, if the loss or its
            gradient is not finite (the batch and the weights are then saved in the folder), or if
            the folder holds a run with another configuration or other training lattices.
    """
    training, validation = data
    _require_lattices(training, validation)
    plan = Plan(config, len(training))
    count = plan.steps * config.batch_size
    with join(device) as ranks, pinned(count), denormals_flushed():
        torch.manual_seed(config.seed)
        model = _start(model_config, config, training).to(ranks.device)
        _check(config, model, ranks.device)
        optimiser = build_optimiser(model, config)
        average = AveragedModel(model, multi_avg_fn=_averaging(config.average)).eval()
        made_of = {"train": asdict(config), "training_hash": training.fingerprint()}
        learner = Learner(model, optimiser, average)
        run = TrainingRun(learner, Path(folder), {**(facts or {}), **made_of}, ranks)
        with torch.no_grad():
            inputs = model.inputs(training.batch)
        prepared = None if isinstance(inputs, LatticeBatch) else inputs
        examples = Examples.of(training, model_config.positive_map, prepared).to(ranks.device)
        validation = _moved(validation, ranks.device)
        report = on_progress if on_progress and ranks.is_first else _no_report

        for step in range(run.start(), plan.steps):
            if run.has_stalled(config.patience):
                break
            for group in optimiser.param_groups:
                group["lr"] = plan.rate(step)
            batch = plan.draw(examples, step)
            loss, norm = _set_gradients(model, batch, config, ranks)
            if not math.isfinite(loss + norm):
                raise run.failure(step, f"loss {loss:.4g}, gradient norm {norm:.4g}", batch)
            optimiser.step()
            average.update_parameters(model)
            run.interval.add(loss, len(batch))
            state = plan.progress(step, norm, run)
            report(state)
            if plan.ends_interval(step):
                errors = ranks.from_first(lambda: evaluate(run.averaged, validation))
                run.checkpoint(step + 1, errors, state.log_entries())
                stopped = run.has_stalled(config.patience)
                report(replace(state, best=run.best, validation=errors, stopped=stopped))
        return run.best_model()


def _averaging(limit: float) -> Callable[[Any, Any, Tensor | int], None]:
    """The update of the moving average of the weights, faster during the first steps."""

    def update(averages: Any, weights: Any, updates: Tensor | int) -> None:
        get_ema_multi_avg_fn(average_decay(limit, int(updates)))(averages, weights, updates)

    return update


def _set_gradients(
    model: StiffnessNetwork, batch: Examples, config: TrainConfig, ranks: Ranks
) -> tuple[float, float]:
    """Gradients of the mean loss of a batch, clipped; returns the loss and the gradients' norm."""
    model.zero_grad()
    loss = torch.zeros((), dtype=torch.float64, device=ranks.device)
    for piece in ranks.pieces(len(batch), config.accumulate):
        part = batch if len(piece) == len(batch) else batch.select(piece)
        part_loss = losses(model, part, config).sum() / len(batch)
        part_loss.backward()
        loss += part_loss.detach()
    loss = ranks.sum_gradients(model.parameters(), loss)
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    return loss.item(), norm.item()


def losses(
    model: StiffnessNetwork, examples: Examples, config: TrainConfig
) -> Float[Tensor, " lattices"]:
    """The loss of every lattice: the network in the given precision, all after it in float64.

    It is the mean over the members of an ensemble, so that each is trained on its own.
    """
    half = config.precision == "bfloat16"
    with torch.autocast(examples.stiffness.device.type, dtype=torch.bfloat16, enabled=half):
        members = model.member_matrices(examples.inputs)
    found = [_loss(M.double(), examples, config, model.config.positive_map) for M in members]
    return torch.stack(found).mean(0)


def _loss(
    M: Float[Tensor, "lattices 6 6"], examples: Examples, config: TrainConfig, positive_map: str
) -> Float[Tensor, " lattices"]:
    if not bool(torch.isfinite(M).all()):
        # The positive map would raise; here the loss of the step is not finite.
        return math.nan * M.sum((-1, -2))
    C = stiffness_of(M, examples, positive_map)
    if config.loss == "paper":
        return paper_loss(C, examples)
    weights = {name: getattr(config, name) for name in ("log_weight", "huber", "log_huber")}
    return relative_loss(M, C, examples, **weights)


@dataclass(frozen=True, slots=True)
class Plan:
    """Schedule of a run: what each step does, as a function of configuration and step number.

    Attributes:
        config: Configuration of the training.
        count: Number of training lattices.
    """

    config: TrainConfig
    count: int

    @property
    def epoch_steps(self) -> int:
        """Batches per epoch."""
        return math.ceil(self.count / self.config.batch_size)

    @property
    def epochs(self) -> int:
        """Passes over the training lattices."""
        return self.config.epochs or default_epochs(self.epoch_steps)

    @property
    def steps(self) -> int:
        """Total number of steps."""
        return self.config.steps or self.epochs * self.epoch_steps

    def ends_interval(self, step: int) -> bool:
        """Whether a validation follows the step."""
        every = self.config.checkpoint_steps or self.epoch_steps
        return (step + 1) % every == 0 or step + 1 == self.steps

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        return learning_rate(self.config, step / self.steps)

    def lattices(self, step: int) -> Int[np.ndarray, " batch"]:
        """Indices of the lattices of a step; every epoch visits all of them in a new order."""
        epoch, k = divmod(step, self.epoch_steps)
        small, larger = divmod(self.count, self.epoch_steps)
        first, stop = (i * small + min(i, larger) for i in (k, k + 1))
        return _order(self.config.seed, epoch, self.count)[first:stop]

    def draw(self, examples: Examples, step: int) -> Examples:
        """The lattices of a step, randomly rotated if configured."""
        batch = examples.select(self.lattices(step))
        if not self.config.rotate:
            return batch
        generator = np.random.default_rng([self.config.seed, step, 1])
        q = torch.from_numpy(generator.normal(size=(len(batch), 4)))
        return batch.rotated(quaternion_matrix(q / q.norm(dim=1, keepdim=True)))

    def progress(self, step: int, norm: float, run: TrainingRun) -> Progress:
        """The state of the run after a step."""
        return Progress(
            step=step + 1,
            steps=self.steps,
            epoch=step // self.epoch_steps,
            epochs=0 if self.config.steps else self.epochs,
            loss=run.interval.loss,
            gradient_norm=norm,
            learning_rate=self.rate(step),
            ms_per_lattice=run.interval.ms_per_lattice(),
            core_seconds=run.core_seconds(),
            best=run.best,
        )


@lru_cache(maxsize=1)
def _order(seed: int, epoch: int, count: int) -> Int[np.ndarray, " lattices"]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def _start(
    model_config: NetworkConfig, config: TrainConfig, training: LabelledLattices
) -> StiffnessNetwork:
    """The model before the first step."""
    if not config.start:
        return build_model(model_config, Normaliser.fit(training.batch))
    model, _ = load_model(resolve_model(config.start))
    if model.config != model_config:
        held, asked = model.config.to_dict(), model_config.to_dict()
        name = next(x for x in ("kind", *held) if held[x] != asked.get(x))
        raise LatticeGnnError(
            f"train.start: {config.start} has model.{name} = {held[name]!r}, but the recipe "
            f"{asked.get(name)!r}; a start needs a model of the same settings"
        )
    return model.train()


def _require_lattices(training: LabelledLattices, validation: LabelledLattices) -> None:
    if not (len(training) and len(validation)):
        raise LatticeGnnError(
            f"training: expected training and validation lattices, got {len(training)} and "
            f"{len(validation)}"
        )


def _check(config: TrainConfig, model: StiffnessNetwork, device: torch.device) -> None:
    if not any(True for _ in model.parameters()):
        raise LatticeGnnError(
            f"model.kind: {model.config.kind} is not trained by gradient descent; "
            "choose another kind"
        )
    if config.precision == "bfloat16" and device.type != "cuda":
        raise LatticeGnnError(
            f"train.precision: bfloat16 is for a GPU, the device is {device}; use float32"
        )


def _moved(labelled: LabelledLattices, device: torch.device) -> LabelledLattices:
    return LabelledLattices(labelled.batch.to(device=device), labelled.stiffness.to(device))


def _no_report(progress: Progress) -> None:
    pass
