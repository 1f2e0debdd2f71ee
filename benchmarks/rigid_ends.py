"""Rigid ends of struts: beam FEM whose struts are rigid near their joints."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from data.experiments.recipe import read_recipe
from data.experiments.training_data import Labelling, load_training_data
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.training.labelled import LabelledLattices

LONGEST = 0.4  #: of a strut's length, at most, rigid at either end
FITTED = 300  #: labels that a constant is fitted to, at most
LABELS = Path(__file__).with_name("solid_comparison.yaml")
"""Recipe of the labels whose training part ``with_rigid_ends`` is fitted to."""


def radii(batch: LatticeBatch) -> Tensor:
    """Radii of the ends of every strut."""
    return torch.stack([batch.radii, batch.end_radii], 1)


def at_most_longest(lengths: Tensor, batch: LatticeBatch) -> Tensor:
    """Limit rigid lengths of the ends of every strut to a share of the strut."""
    return torch.minimum(lengths, LONGEST * batch.lengths[:, None])


def best_factor(
    stiffness: Callable[[float, LatticeBatch], Tensor], part: LabelledLattices
) -> float:
    """Return the factor from 0 to 1 with the smallest mean error of C on some of the labels.

    Args:
        stiffness: C / E_s by the factor and the lattices.
        part: Labels; ``FITTED`` of them are taken, evenly spread.
    """
    some = part.select(torch.linspace(0, len(part) - 1, min(FITTED, len(part))).long().numpy())

    def error(factor: float) -> float:
        return float(relative_frobenius(stiffness(factor, some.batch), some.stiffness).mean())

    best = minimize_scalar(error, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-3})
    return float(best.x)


@lru_cache(maxsize=1)
def fitted_length() -> float:
    """Return the rigid length over the radius, fitted to the training labels."""
    recipe = read_recipe(LABELS)
    data = load_training_data(recipe.data, Labelling(Path()), LABELS.parent)
    return best_factor(rigid_over, data.parts["train"])


def rigid_over(factor: float, batch: LatticeBatch) -> Tensor:
    """C / E_s of the frame whose struts are rigid over a multiple of their radius."""
    arms = at_most_longest(factor * radii(batch), batch)
    return homogenise_beam(batch, rigid_ends=arms).stiffness.mandel


def with_rigid_ends(batch: LatticeBatch) -> Tensor:
    """C / E_s of the frame with rigid ends of the fitted length."""
    return rigid_over(fitted_length(), batch)
