"""The optimisers, on functions whose minimum is known."""

import numpy as np
import pytest
import torch
from torch import nn

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.optimiser import build_optimiser


def distance_after(optimiser, steps=150):
    """Fit W in y = W x to data whose axes are rotated and scaled over three decades."""
    generator = np.random.default_rng(0)
    rotation = np.linalg.qr(generator.normal(size=(8, 8)))[0]
    x = generator.normal(size=(256, 8)) * np.logspace(0, -1.5, 8) @ rotation
    inputs = torch.tensor(x, dtype=torch.float32)
    torch.manual_seed(0)
    true, model = nn.Linear(8, 4, bias=False), nn.Linear(8, 4, bias=False)
    config = TrainConfig(optimiser=optimiser, learning_rate=1e-2, weight_decay=0.0)
    stepper = build_optimiser(model, config)
    for step in range(steps):
        for group in stepper.param_groups:
            group["lr"] = config.learning_rate * (1 - step / steps)
        stepper.zero_grad()
        (model(inputs) - true(inputs).detach()).square().mean().backward()
        stepper.step()
    return float((model.weight - true.weight).detach().norm() / true.weight.detach().norm())


def test_the_eigenbases_resolve_directions_that_adam_mixes():
    adam, soap = distance_after("adamw"), distance_after("soap")
    assert soap < 0.5 * adam


def test_a_variant_of_another_optimiser_is_refused():
    with pytest.raises(LatticeGnnError, match=r"train\.amsgrad.*soap"):
        TrainConfig(optimiser="soap", amsgrad=True)
