"""Training configuration and learning-rate schedule."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.settings import read_settings

_LEAST = {
    "epochs": 0, "batch_size": 1, "learning_rate": 0.0, "warmup": 0.0, "weight_decay": 0.0,
    "clip": 0.0, "average": 0.0, "log_weight": 0.0, "huber": 0.0, "log_huber": 0.0,
    "seed": 0, "steps": 0, "checkpoint_steps": 0,
    "patience": 0, "accumulate": 1,
}  # fmt: skip

FEW_STEPS = 1_000
"""Steps below which the weights of most networks are far from their best."""
_EPOCHS = 30


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Configuration of a training run; see ``docs/training.md``.

    Attributes:
        epochs: Passes over the training lattices; ignored if ``steps`` is set. 0: 30, and more for
            small sets, which would end before ``FEW_STEPS`` steps.
        batch_size: Lattices per step, over all ranks.
        learning_rate: Peak learning rate.
        warmup: Fraction of the steps over which the rate rises linearly to its peak.
        weight_decay: Decoupled weight decay.
        clip: Maximum gradient norm.
        average: Decay of the exponential moving average of the weights, which is validated and
            saved; smaller during the first steps, see :func:`average_decay`.
        log_weight: Weight of the logarithmic term of the relative loss (positive maps relative to a
            known stiffness).
        huber: Relative error above which the relative loss grows linearly; 0: quadratic everywhere.
        log_huber: The same for the logarithmic term.
        seed: Random seed of the initial weights, the order of the lattices and their rotations.
        loss: "relative" or "paper", see ``lattice_gnn.training.losses``.
        optimiser: "adamw", or "soap", see ``lattice_gnn.training.optimiser``.
        amsgrad: Use the AMSGrad variant of AdamW.
        schedule: After the warm-up, "cosine" (half a cosine to 1 % of the peak) or "constant".
        steps: Total number of steps; 0: ``epochs`` times the batches per epoch.
        checkpoint_steps: Steps between validations, each with a checkpoint; 0: one epoch.
        patience: Early stopping after this many validations without a smaller mean directional
            error; 0 disables it.
        rotate: Rotate every training lattice, with its label, at random in every step.
        accumulate: Number of pieces in which a rank computes its share of a batch (gradient
            accumulation): less memory, the same step.
        start: Weights to start from, the name of a shipped model or a file of the same network;
            random weights where empty.
        precision: Precision of the network: "float32", or "bfloat16" on a GPU; positive map and
            loss are float64.
    """

    epochs: int = 0
    batch_size: int = 64
    learning_rate: float = 3e-3
    warmup: float = 0.05
    weight_decay: float = 1e-5
    clip: float = 10.0
    average: float = 0.999
    log_weight: float = 0.1
    huber: float = 0.0
    log_huber: float = 0.0
    seed: int = 0
    loss: Literal["relative", "paper"] = "relative"
    optimiser: Literal["adamw", "soap"] = "adamw"
    amsgrad: bool = False
    schedule: Literal["cosine", "constant"] = "cosine"
    steps: int = 0
    checkpoint_steps: int = 0
    patience: int = 0
    rotate: bool = False
    accumulate: int = 1
    start: str = ""
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not least <= value < math.inf:
                raise LatticeGnnError(f"train.{name}: expected at least {least}, got {value!r}")
        if self.clip == 0:
            raise LatticeGnnError(
                "train.clip: expected above 0, got 0; a large value disables clipping"
            )
        if self.amsgrad and self.optimiser != "adamw":
            raise LatticeGnnError(
                f"train.amsgrad: is a variant of adamw, but train.optimiser is {self.optimiser}; "
                "leave one of them out"
            )
        for name in ("warmup", "average"):
            if getattr(self, name) >= 1:
                raise LatticeGnnError(
                    f"train.{name}: expected less than 1, got {getattr(self, name)!r}"
                )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Build from a mapping; unknown keys are errors."""
        return read_settings(cls, values, "train")


def learning_rate(config: TrainConfig, done: float) -> float:
    """Linear warm-up, then half a cosine to 1 % of the peak, or a constant.

    Args:
        config: Peak rate, warm-up and schedule.
        done: Completed fraction of the run, 0 to 1.
    """
    if done < config.warmup:
        return config.learning_rate * min(1.0, (done + 1e-3) / config.warmup)
    if config.schedule == "constant":
        return config.learning_rate
    rest = (done - config.warmup) / (1 - config.warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * rest)))


def default_epochs(epoch_steps: int) -> int:
    """Return the passes over a training set of so many batches where none are given."""
    return max(_EPOCHS, math.ceil(FEW_STEPS / epoch_steps))


def average_decay(limit: float, updates: int) -> float:
    """Return the decay of the moving average of the weights after a number of its updates.

    It rises from 0.1 to its limit as (1 + t)/(10 + t), so that the average spans the end of a
    short run instead of its start.
    """
    return min(limit, (1 + updates) / (10 + updates))
