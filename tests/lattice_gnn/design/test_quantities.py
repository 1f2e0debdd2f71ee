"""Quantities and constraints: values against closed forms, and their senses."""

import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.design.quantities import E, relative_density
from lattice_gnn.design.state import DesignState
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.stiffness import Stiffness


def state(count=2):
    batch = LatticeBatch.from_lattices([cell("octet", relative_density=0.1)] * count)
    C = Stiffness.isotropic(0.02, 0.3).mandel.expand(count, 6, 6)
    return DesignState(batch, C)


def test_a_young_modulus_has_one_value_per_lattice():
    value = E([1, 1, 1])(state())
    assert value.shape == (2, 1)
    assert torch.allclose(value, torch.tensor(0.02, dtype=torch.float64))


@pytest.mark.parametrize(
    ("constraint", "residual", "violation"),
    [
        (relative_density <= 0.125, 0.2, 0.0),
        (relative_density <= 0.08, -0.25, 0.25),
        (relative_density >= 0.08, 0.25, 0.0),
        (relative_density >= 0.2, -0.5, 0.5),
        (relative_density == 0.2, -0.5, 0.5),
        (relative_density == 0.05, 1.0, 1.0),
    ],
)
def test_residuals_are_scaled_by_the_bound_and_not_negative_if_satisfied(
    constraint, residual, violation
):
    assert constraint.residual(state())[1, 0].item() == pytest.approx(residual)
    assert constraint.violation(state())[1].item() == pytest.approx(violation)


def test_a_chained_comparison_is_refused():
    with pytest.raises(LatticeGnnError, match="two constraints"):
        0.05 <= relative_density <= 0.1  # noqa: B015


def test_a_quantity_of_the_stiffness_says_so_where_there_is_none():
    with pytest.raises(LatticeGnnError, match="needs_stiffness"):
        E([1, 0, 0])(DesignState(state().batch))
