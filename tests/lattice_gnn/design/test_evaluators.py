"""Evaluators: where they have no value, and what the search makes of that."""

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E
from lattice_gnn.design.evaluators import make_evaluator
from lattice_gnn.design.formulation import formulate
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.multistart import draw_starts
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.surrogate.surrogate import load_surrogate


def test_the_network_has_no_value_where_no_lattice_of_its_solid_can_have_it():
    octets = [cell("octet", radius=r) for r in (0.05, 0.3)]
    network = load_surrogate()
    C = make_evaluator(network)(LatticeBatch.from_lattices(octets))
    assert torch.equal(C[0], network.stiffness(octets[0]).mandel)
    assert torch.isnan(C[1]).all()


def test_a_search_that_the_network_would_leave_its_domain_in_ends_inside():
    task = Task(
        start=cell("octet", relative_density=0.1),
        objective=E([1, 0, 0]),
        aim="maximise",
        constraints=(relative_density <= 2.5,),
        vary=("radii",),
        fidelity="solid",
        settings=DesignSettings(radius_bounds=(0.01, 0.3), max_steps=20, reference="none"),
    )
    result = run(task)
    assert np.isfinite(result.objective.value)
    assert result.objective.value > result.objective.start
    assert any("outside the training set" in note for note in result.notes)


def test_starts_outside_the_domain_do_not_disturb_the_others():
    task = Task(
        start=cell("octet", relative_density=0.1),
        objective=E([1, 0, 0]),
        aim="maximise",
        constraints=(relative_density <= 0.2,),
        vary=("radii",),
        fidelity="solid",
        starts=4,
        seed=1,
        settings=DesignSettings(
            radius_bounds=(0.01, 0.3), perturbation=0.9, max_steps=15, polish=0, reference="none"
        ),
    )
    problem = formulate(task).problem
    starts = draw_starts(problem, 4, 0.9, np.random.default_rng(task.seed))
    known = np.isfinite(problem.at(starts, gradient=False).excess)
    assert 0 < known.sum() < 4
    assert run(task).objective.value > 0.02


@pytest.mark.parametrize(
    "broken",
    [
        torch.full((6, 6), torch.nan, dtype=torch.float64),
        torch.diag(torch.tensor([1.0, 1, 1, 1, 1, torch.inf], dtype=torch.float64)),
        torch.diag(torch.tensor([1.0, 1, 1, 1, 1, 1e-15], dtype=torch.float64)),
        torch.diag(torch.tensor([1.0, 1, 1, 1, 1, -1], dtype=torch.float64)),
    ],
    ids=["not a number", "infinite", "singular", "indefinite"],
)
def test_a_stiffness_without_moduli_makes_its_design_alone_infeasible(broken):
    def second_broken(batch):
        C = make_evaluator("beam")(batch)
        return C if len(batch) == 1 else torch.stack([C[0], broken + 0 * C[1]])

    problem = formulate(
        Task(
            start=cell("kelvin", relative_density=0.05).perturbed(0.02, seed=1),
            objective=E([1, 0, 0]),
            aim="maximise",
            keep_symmetry=False,
            fidelity=second_broken,
        )
    ).problem
    point = problem.at(np.zeros((2, problem.variables.count)))
    alone = problem.at(np.zeros((1, problem.variables.count)))
    assert point.excess.tolist() == [0.0, np.inf]
    assert point.cost[0] == pytest.approx(alone.cost[0], rel=1e-12)
    assert point.cost_gradient()[0] == pytest.approx(alone.cost_gradient()[0], rel=1e-9)
