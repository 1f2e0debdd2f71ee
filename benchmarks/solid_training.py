"""Training of a network for some core-minutes, in memory."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from results_file import Run
from solid_runs import MANY
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fem_reference.loading import pinned
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.training.config import TrainConfig, average_decay
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Plan, losses
from lattice_gnn.training.losses import Examples
from lattice_gnn.training.optimiser import build_optimiser

TRAIN = TrainConfig(
    batch_size=32, learning_rate=2e-3, weight_decay=1e-4, clip=1.0, average=0.995, log_weight=0.15,
    huber=0.02, log_huber=0.04,
)  # fmt: skip
"""Loss, averaging and batches of the joint network's recipe; rate and clipping for larger ones."""
_MANY = 1_000_000  #: steps of a training whose end is not known yet
_TRIAL = 11  #: steps whose time tells how many fit the budget; the first does not count, and one of
# the others renews the bases of SOAP
FEW = 300  #: labels that are few: a network soon knows them by heart


@dataclass(frozen=True)
class Budget:
    """How long a network is trained.

    Attributes:
        minutes: Core-minutes of steps, if no number of steps is given.
        minutes_few: The same with at most ``FEW`` labels; None: no fewer.
        steps: Number of steps.
        validations: Points of the run, the last step among them, of which the best weights on the
            validation part are kept; 1: those of the last step.
        config: Everything else.
    """

    minutes: float = 1.0
    minutes_few: float | None = None
    steps: int | None = None
    validations: int = 1
    config: TrainConfig = TRAIN

    def minutes_with(self, labels: int) -> float:
        """Core-minutes with a number of labels."""
        few = self.minutes_few is not None and labels <= FEW
        return self.minutes_few if few else self.minutes


class Training:
    """A network in training: every step as in ``lattice_gnn.training.loop.train``."""

    def __init__(self, model: StiffnessNetwork, examples: Examples, plan: Plan):
        self.model, self.examples, self.plan = model, examples, plan
        config = plan.config
        self.optimiser = build_optimiser(model, config)

        def update(averages: Any, weights: Any, count: Any) -> None:
            decay = average_decay(config.average, int(count))
            get_ema_multi_avg_fn(decay)(averages, weights, count)

        self.average = AveragedModel(model, multi_avg_fn=update).eval()

    def step(self, number: int) -> None:
        """One step of gradient descent."""
        config = self.plan.config
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate(number)
        self.model.zero_grad()
        losses(self.model, self.plan.draw(self.examples, number), config).mean().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimiser.step()
        self.average.update_parameters(self.model)


def fit_network(
    build: Callable[[Normaliser], StiffnessNetwork],
    budget: Budget,
    run: Run,
    part: LabelledLattices,
    validation: LabelledLattices,
) -> tuple[StiffnessNetwork, int]:
    """Train a network; returns the model with averaged weights, and its steps.

    The weights are those of the end, or, of several validations, those of the smallest mean error.
    """
    torch.manual_seed(run.seed)
    model = build(Normaliser.fit(part.batch))
    with torch.no_grad():
        inputs = model.inputs(part.batch)
    prepared = None if isinstance(inputs, LatticeBatch) else inputs
    examples = Examples.of(part, model.config.positive_map, prepared)
    config = replace(budget.config, seed=run.seed, steps=budget.steps or _MANY)
    found: list[tuple[float, StiffnessNetwork]] = []
    with pinned(MANY):
        if budget.steps is None:
            trial = Training(copy.deepcopy(model), examples, Plan(config, len(part)))
            seconds = 60 * budget.minutes_with(len(part))
            steps = max(1, round(seconds / _seconds_per_step(trial)))
            config = replace(config, steps=steps)
        training = Training(model, examples, Plan(config, len(part)))
        points = budget.validations
        for number in range(config.steps):
            training.step(number)
            if (number + 1) * points // config.steps > number * points // config.steps:
                averaged = copy.deepcopy(training.average.module).eval()
                error = mean_error(averaged, validation) if points > 1 else 0.0
                found.append((error, averaged))
    return min(found, key=lambda pair: pair[0])[1], config.steps


def mean_error(model: StiffnessNetwork, labelled: LabelledLattices) -> float:
    """Mean relative error of C; infinite if C is."""
    with torch.no_grad():
        errors = relative_frobenius(model.stiffness(labelled.batch), labelled.stiffness)
    return float(errors.mean().nan_to_num(torch.inf))


def _seconds_per_step(trial: Training) -> float:
    trial.step(0)
    start = time.process_time()
    for number in range(1, _TRIAL):
        trial.step(number)
    return (time.process_time() - start) / (_TRIAL - 1)
