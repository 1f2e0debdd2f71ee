"""Derivatives by the design variables: rules, graphs and the evaluator, against differences."""

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.design import elastic
from lattice_gnn.design.elastic import E, G, components, eigenvalue, poisson
from lattice_gnn.design.evaluators import Evaluator, make_evaluator
from lattice_gnn.design.formulation import formulate, strut_guard
from lattice_gnn.design.geometric import (
    clearance,
    joint_angle,
    overhang,
    radius,
    relative_density,
    strut_length,
)
from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.design.quantities import Quantity
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.tensors.stiffness import Stiffness

KELVIN = cell("kelvin", relative_density=0.05).perturbed(0.02, seed=1)
TAPERED = KELVIN.replace(end_radii=KELVIN.radii * np.linspace(0.7, 1.3, KELVIN.num_struts))
HOLLOW = KELVIN.replace(inner_radii=0.5 * KELVIN.radii)
TARGET = Stiffness.isotropic(0.002, 0.3)
OBLIQUE = poisson([1, 0, 0], [1, 1, 0.5])


def problem_of(start=KELVIN, vary=("nodes", "radii", "cell"), limits=(), **changes):
    task = Task(
        start=start,
        objective=E([0, 1, 2]),
        aim="maximise",
        constraints=(relative_density <= 0.06, OBLIQUE <= 0.3, *limits),
        vary=vary,
        keep_symmetry=False,
        settings=DesignSettings(**changes),
    )
    return formulate(task).problem


PROBLEMS = {
    "all variables": lambda: problem_of(),
    "tapered": lambda: problem_of(TAPERED),
    "hollow": lambda: problem_of(HOLLOW),
    "radii alone": lambda: problem_of(vary=("radii",)),
    "one radius and the volume of the cell": lambda: problem_of(vary=("radius", "cell_volume")),
    "nodes of a hollow one": lambda: problem_of(HOLLOW, vary=("nodes",)),
    "as manufactured": lambda: problem_of(
        as_manufactured=AsManufactured(diameter_offset=0.004, modulus_factor=0.9)
    ),
    "more numbers of the stiffness than it has components": lambda: problem_of(
        limits=[components(TARGET) == 0, G([1, 0, 0], [0, 1, 0]) >= 0.0001, eigenvalue(2) >= 0]
    ),
    "both kinds in one quantity": lambda: problem_of(limits=[E([1, 0, 0]) / relative_density >= 0]),
    "many values": lambda: problem_of(
        limits=[clearance >= 0.01, joint_angle >= 20, radius <= 1, strut_length >= 0.1,
                overhang([0, 1, 3]) >= 10]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_derivatives_by_the_variables_are_those_of_central_differences(name):
    problem = PROBLEMS[name]()
    random = np.random.default_rng(0)
    z = random.uniform(-0.2, 0.2, (2, problem.variables.count))
    direction = random.normal(size=z.shape)
    point, h = problem.at(z), 1e-6
    ahead, behind = (problem.at(z + s * h * direction, gradient=False) for s in (1, -1))
    slopes = np.einsum("bv,bv->b", point.cost_gradient(), direction)
    assert slopes == pytest.approx((ahead.cost - behind.cost) / (2 * h), rel=1e-5)
    rows = np.einsum("brv,bv->br", point.jacobian(), direction)
    assert rows == pytest.approx((ahead.residuals - behind.residuals) / (2 * h), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_derivative_of_a_weighted_sum_is_the_sum_of_the_derivatives(name):
    problem = PROBLEMS[name]()
    z = np.random.default_rng(1).uniform(-0.2, 0.2, (2, problem.variables.count))
    point = problem.at(z)
    weights = np.random.default_rng(2).normal(size=point.residuals.shape)
    summed = point.cost_gradient() + np.einsum("br,brv->bv", weights, point.jacobian())
    scale = np.abs(summed).max()
    once = problem.at(z).gradient(weights)
    assert once == pytest.approx(summed, rel=1e-9, abs=1e-12 * scale)


@pytest.mark.parametrize(
    "quantity",
    [relative_density, strut_guard(KELVIN, 0.1).quantity, E([1, 2, 0]), G([1, 0, 0], [1, 1, 0]),
     OBLIQUE],
    ids=lambda quantity: quantity.name,
)  # fmt: skip
def test_a_rule_gives_the_value_and_the_derivative_of_its_function(quantity):
    def gradient(ruled: bool):
        one = quantity if ruled else Quantity(
            quantity.name, quantity.function, quantity.needs_stiffness
        )  # fmt: skip
        task = Task(
            start=TAPERED.replace(inner_radii=0.3 * TAPERED.radii),
            objective=one,
            aim="minimise",
            vary=("nodes", "radii", "cell"),
            keep_symmetry=False,
        )
        problem = formulate(task).problem
        point = problem.at(np.full((1, problem.variables.count), 0.1))
        return point.objective, point.objective_gradient()

    (value, slope), (expected, differentiated) = gradient(True), gradient(False)
    assert value == pytest.approx(expected, rel=1e-12)
    scale = np.abs(differentiated).max()
    assert slope == pytest.approx(differentiated, rel=1e-9, abs=1e-11 * scale)


def test_rules_of_moduli_are_accurate_for_a_solid_that_is_stiff_under_pressure_alone():
    C = Stiffness.isotropic(1e-6, 0.4999999).mandel[None].numpy()
    for quantity, expected in ((E([1, 2, 3]), 1e-6), (G([1, 0, 0], [0, 1, 1]), 1e-6 / 2.9999998),
                               (OBLIQUE, 0.4999999)):  # fmt: skip
        value, _ = quantity.elastic_rule(np.linalg.inv(np.linalg.cholesky(C)))
        assert value[0] == pytest.approx(expected, rel=1e-9)


def test_quantities_of_the_stiffness_pass_through_the_evaluator_once_each_the_others_never():
    passes = []

    class Counted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, C):
            return C.clone()

        @staticmethod
        def backward(ctx, gradient):
            passes.append(gradient)
            return gradient

    beam = make_evaluator("beam")
    evaluator = Evaluator("counted", lambda batch: Counted.apply(beam.function(batch)))

    def count(objective, limits):
        task = Task(start=KELVIN, objective=objective, aim="minimise", constraints=limits,
                    keep_symmetry=False, fidelity=evaluator)  # fmt: skip
        problem = formulate(task).problem
        passes.clear()
        point = problem.at(np.zeros((1, problem.variables.count)))
        point.cost_gradient()
        point.jacobian()
        return len(passes)

    few = (E([1, 0, 0]) >= 0, relative_density <= 0.1, joint_angle >= 10)
    assert count(elastic.zener, few) == 2
    assert count(elastic.zener, (*few, components(TARGET) == 0, OBLIQUE <= 1)) == 21
    assert count(relative_density, few[1:]) == 0
