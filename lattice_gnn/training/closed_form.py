"""Models whose weights follow in closed form."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.base import NetworkConfig, StiffnessNetwork
from lattice_gnn.network.checkpoint import read_header, save_model
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model
from lattice_gnn.training import joints_fit, ridge_fit
from lattice_gnn.training.evaluation import evaluate
from lattice_gnn.training.labelled import LabelledLattices

CLOSED_FORMS: dict[str, Callable[..., None]] = {
    "ridge": ridge_fit.fit,
    "joints-linear": joints_fit.fit_joints,
}
"""Fitting function of each kind of model."""


def fit_in_closed_form(
    config: NetworkConfig,
    data: tuple[LabelledLattices, LabelledLattices],
    folder: Path,
    *,
    facts: Mapping[str, Any] | None = None,
) -> StiffnessNetwork:
    """Fit a model of one of the ``CLOSED_FORMS`` and save it.

    Args:
        config: The model.
        data: Training and validation lattices; the latter select the penalty.
        folder: Gets ``best.safetensors``.
        facts: Entries for the header of the weights.

    Raises:
        LatticeGnnError: If the folder holds another model, or one of other training lattices.
    """
    training, validation = data
    path, training_hash = folder / "best.safetensors", training.fingerprint()
    if path.is_file():
        header = read_header(path)
        held = header.get("config", {})
        same_model = held == json.loads(json.dumps(config.to_dict()))
        if not same_model or header.get("training_hash") != training_hash:
            raise LatticeGnnError(
                f"{folder}: holds {held.get('kind')} of another configuration or other data; "
                "choose another folder"
            )
    model = build_model(config, Normaliser.fit(training.batch)).eval()
    CLOSED_FORMS[config.kind](model, training, validation)
    folder.mkdir(parents=True, exist_ok=True)
    entries = {**(facts or {}), "training_hash": training_hash}
    entries["metrics"] = {"validation": evaluate(model, validation)}
    save_model(path, model, entries)
    return model
