"""Optimisers agree with another method of scipy on the same problem; derivatives are exact."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import NonlinearConstraint, minimize

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E
from lattice_gnn.design.evaluators import Evaluator
from lattice_gnn.design.formulation import formulate
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.multistart import Population, batched_search, draw_starts
from lattice_gnn.design.optimality import optimality
from lattice_gnn.design.optimiser import slsqp
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.design.track import Track


@pytest.fixture(scope="module")
def problem():
    """Kelvin cell, nodes and radii free: stiffest along 3 at density 0.05, E_1 at least 0.001."""
    task = Task(
        start=cell("kelvin", relative_density=0.05).perturbed(0.01, seed=1),
        objective=E([0, 0, 1]),
        aim="maximise",
        constraints=(relative_density <= 0.05, E([1, 0, 0]) >= 0.001),
        keep_symmetry=False,
        settings=DesignSettings(move=0.05),
    )
    return formulate(task).problem


@pytest.fixture(scope="module")
def best(problem):
    track = Track()
    slsqp(problem, np.zeros(problem.variables.count), (track,), 300)
    return track


def test_derivatives_are_those_of_central_differences(problem):
    z = np.random.default_rng(0).uniform(-0.3, 0.3, problem.variables.count)
    point = problem.at(z[None])
    gradient, rows = point.cost_gradient()[0], point.jacobian()[0]
    direction = np.random.default_rng(1).normal(size=len(z))
    h = 1e-5
    ahead, behind = (problem.at((z + s * h * direction)[None], gradient=False) for s in (1, -1))
    assert gradient @ direction == pytest.approx(
        (ahead.cost - behind.cost).item() / (2 * h), rel=1e-5
    )
    slopes = (ahead.residuals - behind.residuals)[0] / (2 * h)
    assert rows @ direction == pytest.approx(slopes, rel=1e-5, abs=1e-8)


@pytest.mark.slow
def test_slsqp_agrees_with_the_trust_region_method_of_scipy(problem, best):
    lower, upper = problem.bounds
    found = minimize(
        lambda z: problem.at(z[None], gradient=False).cost.item(),
        np.zeros(problem.variables.count),
        jac=lambda z: problem.at(z[None]).cost_gradient()[0],
        bounds=list(zip(lower, upper, strict=True)),
        constraints=NonlinearConstraint(
            lambda z: problem.at(z[None], gradient=False).residuals[0],
            0,
            np.inf,
            jac=lambda z: problem.at(z[None]).jacobian()[0],
        ),
        method="trust-constr",
        options={"maxiter": 300},
    )
    assert best.cost < found.fun + 0.01 * abs(found.fun)
    assert best.excess == 0


def test_first_order_optimality_tells_an_optimum_from_its_surroundings(problem, best):
    assert optimality(problem, best.best) < 1e-3
    assert optimality(problem, np.zeros(problem.variables.count)) > 0.1


def test_the_batched_search_comes_close_to_slsqp(problem, best):
    z = draw_starts(problem, 8, 0.2, np.random.default_rng(0))
    population = batched_search(problem, Population.at(problem, z), Track(), 200)
    first = population.ranking()[0]
    assert population.excess[first] == 0
    assert population.cost[first] < best.cost + 0.05 * abs(best.cost)
    assert (population.excess == 0).sum() >= 6


def test_a_start_that_cannot_be_evaluated_does_not_disturb_the_others(problem):
    z = draw_starts(problem, 3, 0.1, np.random.default_rng(0))
    alone = batched_search(problem, Population.at(problem, z[:2]), Track(), 20)
    z[2] = np.nan
    together = batched_search(problem, Population.at(problem, z), Track(), 20)
    assert together.cost[:2] == pytest.approx(alone.cost, rel=1e-9)
    assert np.isinf(together.excess[2])


def test_an_objective_near_zero_at_the_start_is_scaled_by_its_gradient():
    stated = formulate(
        Task(
            start=cell("kelvin", relative_density=0.05).perturbed(0.01, seed=1),
            objective=E([0, 0, 1]) - 0.00144,  # about its value
            aim="maximise",
            constraints=(E([0, 0, 1]) >= 0.9 * E([1, 0, 0]),),  # a scale of the start
            keep_symmetry=False,
        )
    )
    problem = stated.problem
    again = problem.at(np.zeros((1, problem.variables.count)))
    assert 0.1 < np.linalg.norm(again.cost_gradient()) < 1.0001
    for one, other in (
        (stated.start.cost, again.cost),
        (stated.start.residuals, again.residuals),
        (stated.start.cost_gradient(), again.cost_gradient()),
        (stated.start.jacobian(), again.jacobian()),
    ):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12)


class Rounded(torch.autograd.Function):
    """Rounds to float32; the derivative is that of the number that is rounded."""

    @staticmethod
    def forward(ctx, C):
        return C.float().double()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def test_slsqp_ends_where_its_steps_are_within_the_precision_of_the_evaluator(problem, best):
    beam = problem.evaluator
    rounded = Evaluator("rounded", lambda batch: Rounded.apply(beam(batch)), precision=1e-6)
    track = Track()
    z = np.zeros(problem.variables.count)
    slsqp(replace(problem, evaluator=rounded), z, (track,), 300)
    assert track.excess == 0
    assert track.cost == pytest.approx(best.cost, rel=1e-4)
    assert len(track.history) < len(best.history)  # else more than 1,000 line searches in rounding
