"""Quantities and constraints: senses, scales, arithmetic and names."""

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E, components, poisson
from lattice_gnn.design.geometric import clearance, joint_angle, radius, relative_density
from lattice_gnn.design.quantities import MOST, Quantity
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
        (E([1, 0, 0]) <= 0.1 * relative_density, -0.01, 0.01),
        (E([1, 0, 0]) / relative_density <= 0.25, 0.2, 0.0),
        (2 * relative_density - 0.1 >= 0.2, -0.5, 0.5),
        (-relative_density >= -0.125, 0.2, 0.0),
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
    with pytest.raises(LatticeGnnError, match="neither true nor false"):
        bool(relative_density)


def test_a_quantity_of_the_stiffness_says_so_where_there_is_none():
    with pytest.raises(LatticeGnnError, match="needs_stiffness"):
        E([1, 0, 0])(DesignState(state().batch))


@pytest.mark.parametrize(
    ("quantity", "name"),
    [
        (E([1, 1, 1]), "E[111]"),
        (E([1, -1, 0.5]), "E[1 -1 0.5]"),
        (poisson([1, 0, 0], [0, 1, 0]), "poisson[100][010]"),
        (E([1, 0, 0]) / relative_density, "E[100]/relative_density"),
        (E([1, 0, 0]) / (relative_density * 2), "E[100]/(relative_density*2)"),
        ((E([1, 0, 0]) - 0.1) * relative_density, "(E[100] - 0.1)*relative_density"),
        (1 - (relative_density - 0.1), "1 - (relative_density - 0.1)"),
        (-E([1, -1, 0]), "-E[1 -1 0]"),
        (-(relative_density + 1), "-(relative_density + 1)"),
        (radius.smallest(), "smallest radius"),
    ],
)
def test_names_read_as_expressions(quantity, name):
    assert quantity.name == name


def test_constraints_are_named_as_they_are_written():
    assert (relative_density <= 0.1).name == "relative_density <= 0.1"
    assert (E([1, 0, 0]) >= 0.3 * E([0, 0, 1])).name == "E[100] >= 0.3*E[001]"


def test_arithmetic_knows_whether_the_stiffness_is_needed():
    assert (E([1, 0, 0]) / relative_density).needs_stiffness
    assert not (2 * relative_density).needs_stiffness


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: relative_density <= float("nan"), "finite number"),
        (lambda: relative_density <= "0.1", "finite number"),
        (lambda: radius / relative_density, "several values"),
        (lambda: relative_density + "x", "a quantity or a number"),
        (lambda: components(Stiffness.isotropic()).smallest(), "cannot be optimised"),
        (lambda: components(Stiffness.isotropic()) == torch.zeros(3), "21 of them"),
        (
            lambda: Quantity("odd", lambda state: torch.zeros(3))(state()),
            "expected values of shape",
        ),
    ],
)
def test_wrong_use_is_refused_with_a_reason(call, message):
    with pytest.raises(LatticeGnnError, match=message):
        call()


def test_only_the_worst_of_many_values_reach_the_optimiser_in_the_right_sense():
    lattice = cell("octet", relative_density=0.1)
    one = DesignState(LatticeBatch.from_lattices([lattice.perturbed(0.05, seed=1)]))
    gaps = clearance(one)
    assert (clearance >= 0.1).residual(one).min().item() == pytest.approx(
        (gaps.amin().item() - 0.1) / 0.1
    )
    assert (clearance <= 0.1).residual(one).min().item() == pytest.approx(
        (0.1 - gaps.amax().item()) / 0.1
    )


def test_the_worst_of_many_values_are_in_order_so_that_they_are_continuous():
    batch = LatticeBatch.from_lattices([cell("octet", relative_density=0.1).perturbed(0.1, seed=1)])
    limit = joint_angle >= 40
    residual = limit.residual(DesignState(batch))
    assert residual.shape == (1, MOST)
    assert (np.diff(residual) >= 0).all()
    every = limit.residual_of(joint_angle(DesignState(batch)).numpy())
    assert residual[0] == pytest.approx(np.sort(every[0])[:MOST])


def test_a_comparison_of_quantities_is_scaled_by_its_right_side_at_the_start():
    constraint = (E([1, 0, 0]) >= 0.3 * relative_density).scaled_at(state())
    assert constraint.unit == pytest.approx(0.03)
    assert constraint.violation(state())[0].item() == pytest.approx(1 / 3)
    number = relative_density <= 0.1
    assert number.scaled_at(state()) is number


@pytest.mark.parametrize("number", [np.float32(0.5), np.int64(2), 0.5])
def test_numbers_of_numpy_are_numbers(number):
    assert (relative_density <= number).bound == number
    values = relative_density(state())
    assert torch.equal((number * relative_density)(state()), float(number) * values)
