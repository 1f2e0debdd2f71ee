"""Registry of architectures by name: their configurations and models."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.base import NetworkConfig, StiffnessNetwork
from lattice_gnn.network.normaliser import Normaliser

_HOMES = {
    "equivariant": ("lattice_gnn.network.equivariant", "ModelConfig", "StiffnessModel"),
    "cgcnn": ("lattice_gnn.network.baselines", "CgcnnConfig", "CgcnnModel"),
    "mcgcnn": ("lattice_gnn.network.baselines", "McgcnnConfig", "McgcnnModel"),
    "nnconv": ("lattice_gnn.network.baselines", "NnconvConfig", "NnconvModel"),
    "invariant": ("lattice_gnn.network.invariant", "InvariantConfig", "InvariantModel"),
    "affine": ("lattice_gnn.network.ridge", "AffineConfig", "AffineModel"),
    "joints": ("lattice_gnn.network.joints", "JointConfig", "JointModel"),
    "joints-linear": (
        "lattice_gnn.network.joints_linear",
        "JointLinearConfig",
        "JointLinearModel",
    ),
    "ridge": ("lattice_gnn.network.ridge", "RidgeConfig", "RidgeModel"),
}
"""Module, configuration and model of each kind; modules are imported at first use."""


def kinds() -> list[str]:
    """Names of the architectures."""
    return sorted(_HOMES)


def read_model_config(values: Any) -> NetworkConfig:
    """Build a configuration from plain values; ``kind`` selects the architecture.

    Raises:
        LatticeGnnError: For an unknown kind or key, or a value of the wrong type or range.
    """
    if not isinstance(values, Mapping):
        raise LatticeGnnError(f"model: expected names with values, got {values!r:.60}")
    config: NetworkConfig = _home(values.get("kind", "equivariant"))[0].from_dict(values)
    return config


def build_model(config: NetworkConfig, normaliser: Normaliser) -> StiffnessNetwork:
    """Build a model with random weights in float32 (seed torch first).

    The default precision of the caller's program has no influence: it would round weights that are
    loaded afterwards, and the constants of layers.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        model: StiffnessNetwork = _home(config.kind)[1](config, normaliser)
    finally:
        torch.set_default_dtype(usual)
    return model


def _home(kind: Any) -> tuple[Any, Any]:
    if not isinstance(kind, str) or kind not in _HOMES:
        raise LatticeGnnError(f"model.kind: expected one of {', '.join(kinds())}, got {kind!r:.60}")
    module, config, model = _HOMES[kind]
    home = import_module(module)
    return getattr(home, config), getattr(home, model)
