"""What one run of a comparison is made of: its plan, and the settings by which it is recognised."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lattice_gnn.network.base import NetworkConfig
from lattice_gnn.network.checkpoint import resolve_model, weights_checksum
from lattice_gnn.network.registry import read_model_config
from lattice_gnn.training.closed_form import CLOSED_FORMS
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.evaluation import AFFINE

UNTRAINED = (AFFINE, *CLOSED_FORMS)
"""Kinds of model without gradient steps."""


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
        learning_rates: Learning rates to choose from by short runs; that of ``train`` if empty.
        probe_minutes: Core-minutes of each of these short runs.
    """

    name: str
    model: Mapping[str, Any]
    train: Mapping[str, Any]
    weights: str | None = None
    labels: int | None = None
    minutes: float = 40.0
    learning_rates: tuple[float, ...] = ()
    probe_minutes: float = 2.0

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

    def probe(self, rate: float) -> "Plan":
        """Return the short run with one of the learning rates."""
        return replace(
            self,
            name=f"{self.name} at {rate:g}",
            train={**self.train, "learning_rate": rate, "steps": 0},
            minutes=self.probe_minutes,
            learning_rates=(),
        )

    def requested(self, data_hash: str) -> dict[str, Any]:
        """Return the settings that distinguish this run from another, as plain values."""
        values: dict[str, Any] = {
            "model": dict(self.model),
            "train": dict(self.train) if self.is_trained else {},
            "weights": self.weights,
            "weights_sha256": weights_checksum(resolve_model(self.weights))
            if self.weights
            else None,
            "labels": self.labels,
            "budget_minutes": self.minutes if self.is_trained else None,
            "data_hash": data_hash,
        }
        if self.is_trained and self.learning_rates:
            values |= {"learning_rates": self.learning_rates, "probe_minutes": self.probe_minutes}
        found: dict[str, Any] = json.loads(json.dumps(values))
        return found

    def settings(self, data_hash: str) -> str:
        """Return a hash of these settings, by which a finished row is recognised."""
        text = json.dumps(self.requested(data_hash), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if the file is missing or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
