"""Settings of a comparison: its YAML file."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.experiments.comparison_plan import Plan
from data.experiments.training_data import DataConfig
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml
from lattice_gnn.network.checkpoint import resolve_model, shipped_models
from lattice_gnn.network.registry import read_model_config
from lattice_gnn.settings import read_settings
from lattice_gnn.training.config import TrainConfig

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a comparison.

    Attributes:
        model: The network; defaults if empty.
        train: Differences from the common training settings.
        weights: A shipped model's name or a path (from the file's folder), instead of training.
        labels: Number of training labels; null takes all.
    """

    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    labels: int | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """Learning curves.

    Attributes:
        labels: Numbers of training labels; a run with all of them is the last point.
        best: Number of models, those with the smallest error on the test part.
        share: Number of steps of every point, as a share of those of the model's own run.
    """

    labels: tuple[int, ...] = ()
    best: int = 3
    share: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.labels and min(self.labels) < 1:
            raise LatticeGnnError(f"curves.labels: expected at least 1, got {min(self.labels)}.")
        if self.best < 0:
            raise LatticeGnnError(f"curves.best: expected 0 or more, got {self.best}.")
        if not 0 < self.share <= 1:
            raise LatticeGnnError(f"curves.share: expected above 0, up to 1, got {self.share}.")


@dataclass(frozen=True, slots=True)
class ComparisonConfig:
    """Settings of a comparison.

    Attributes:
        data: Section ``data`` of a recipe.
        models: Models by name.
        budget_minutes: Core-minutes of training steps per model.
        train: Training settings common to all models.
        learning_rates: Learning rates of which each model takes the best by short runs, unless its
            own settings have one; that of ``train`` if empty.
        probe_minutes: Core-minutes of each of these short runs.
        curves: Learning curves.
        ablation: Names for a second table; the first is the reference of the others.
    """

    data: dict[str, Any]
    models: dict[str, dict[str, Any]]
    budget_minutes: float = 40.0
    train: dict[str, Any] = field(default_factory=dict)
    learning_rates: tuple[float, ...] = ()
    probe_minutes: float = 2.0
    curves: Curves = field(default_factory=Curves)
    ablation: tuple[str, ...] = ()


def read_comparison(
    path: Path, budget_minutes: float | None = None
) -> tuple[ComparisonConfig, dict[str, Plan]]:
    """Read a comparison and check the settings of every model.

    Args:
        path: The comparison (YAML).
        budget_minutes: Replaces the value in the file.

    Raises:
        LatticeGnnError: If the file is missing, is not YAML, or has an unknown key or a wrong
            value.
    """
    try:
        values = read_yaml(path)
        if budget_minutes is not None:
            values["budget_minutes"] = budget_minutes
        config = read_settings(ComparisonConfig, values, "comparison")
        DataConfig.from_dict(config.data)
        if not config.models:
            raise LatticeGnnError("models: expected at least one.")
        if not 0 < config.budget_minutes < float("inf"):
            raise LatticeGnnError(
                f"budget_minutes: expected above 0, got {config.budget_minutes:g}."
            )
        _check_rates(config)
        plans = {name: _plan(config, name, path.parent) for name in config.models}
        unknown = [name for name in config.ablation if name not in plans]
        if unknown:
            raise LatticeGnnError(f"ablation: there is no model {unknown[0]!r}.")
    except LatticeGnnError as error:
        text = str(error)
        raise error if text.startswith(str(path)) else LatticeGnnError(f"{path}: {text}") from None
    return config, plans


def _check_rates(config: ComparisonConfig) -> None:
    if not 0 < config.probe_minutes < float("inf"):
        raise LatticeGnnError(f"probe_minutes: expected above 0, got {config.probe_minutes:g}.")
    for rate in config.learning_rates:
        if not 0 < rate < float("inf"):
            raise LatticeGnnError(f"learning_rates: expected above 0, got {rate:g}.")


def _plan(config: ComparisonConfig, name: str, beside: Path) -> Plan:
    where = f"models.{name}"
    if not _NAME.fullmatch(name):
        raise LatticeGnnError(f"{where}: expected a name of letters, digits, spaces and ._+-.")
    entry = read_settings(Entry, config.models[name], where)
    if entry.weights is not None:
        if entry.model or entry.train or entry.labels is not None:
            raise LatticeGnnError(f"{where}: expected weights, or model and train, not both.")
        shipped = entry.weights in shipped_models()
        path = resolve_model(entry.weights) if shipped else beside / entry.weights
        if not path.is_file():
            raise LatticeGnnError(
                f"{where}.weights: there is no file {path}, and no shipped model of this name "
                f"({', '.join(shipped_models())})."
            )
        return Plan(name, {}, {}, entry.weights if shipped else str(path.resolve()))
    try:
        read_model_config(entry.model)
        TrainConfig.from_dict({**config.train, **entry.train})
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{where}: {error}") from None
    return Plan(
        name,
        {"kind": "equivariant", **entry.model},
        {**config.train, **entry.train},
        labels=entry.labels,
        minutes=config.budget_minutes,
        learning_rates=() if "learning_rate" in entry.train else config.learning_rates,
        probe_minutes=config.probe_minutes,
    )
