"""Verdicts: never stronger than the reference's own error allows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E, zener
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.result import Verdict
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.design.verify import Checked, better, check, fulfils, judge, reference_method
from lattice_gnn.surrogate.surrogate import load_surrogate

TASK = Task(
    start=cell("sc", radius=0.1),
    objective=E([1, 0, 0]),
    aim="maximise",
    constraints=(relative_density <= 0.2, E([0, 1, 0]) >= 0.03, zener == 1),
    settings=DesignSettings(reference_tolerance=0.01, voxels_per_diameter=6),
)
CONFIRMED, UNDECIDED, REFUTED = Verdict.CONFIRMED, Verdict.UNDECIDED, Verdict.REFUTED


def checked(objective=0.02, violation=0.0, spread=0.0, objective_error=0.0):
    """One violation of E_2, known to a spread."""
    several = ((0.0, x, 0.0) for x in (violation, max(violation - spread, 0.0), violation + spread))
    violations, least, most = several
    return Checked(
        mandel=torch.eye(6, dtype=torch.float64),
        error=None,
        objective=objective,
        values=(0.1, 0.03, 1.0),
        violations=violations,
        objective_error=objective_error,
        least=least,
        most=most,
    )


@pytest.mark.parametrize(
    ("design", "verdict"),
    [
        ({"violation": 0.0}, CONFIRMED),
        ({"violation": 0.008}, CONFIRMED),  # within the tolerance of 1 %
        ({"violation": 0.008, "spread": 0.001}, CONFIRMED),
        ({"violation": 0.008, "spread": 0.005}, UNDECIDED),
        ({"violation": 0.012, "spread": 0.005}, UNDECIDED),
        ({"violation": 0.012}, REFUTED),
        ({"violation": 0.03, "spread": 0.005}, REFUTED),
        ({"objective": 0.0101}, CONFIRMED),
        ({"objective": 0.0101, "objective_error": 0.0005}, UNDECIDED),
        ({"objective": 0.0098, "objective_error": 0.0005}, UNDECIDED),
        ({"objective": 0.0098}, REFUTED),
        ({"objective": 0.009, "objective_error": 0.0005}, REFUTED),
    ],
)
def test_a_verdict_holds_whatever_the_error_of_the_reference(design, verdict):
    assert judge(TASK, checked(objective=0.01), checked(**design)) is verdict


def test_less_is_no_loss_where_the_start_violates_the_constraints():
    start = checked(objective=0.05, violation=0.5)
    assert judge(TASK, start, checked(objective=0.02)) is CONFIRMED
    smaller = replace(TASK, aim="minimise")
    assert judge(smaller, checked(objective=0.01), checked(objective=0.02)) is REFUTED
    assert judge(smaller, checked(objective=0.02), checked(objective=0.01)) is CONFIRMED


def test_refinement_ends_where_the_values_of_the_reference_fulfil_the_task():
    start = checked(objective=0.01)
    assert fulfils(TASK, start, checked(violation=0.008, spread=0.005))  # though undecided
    assert not fulfils(TASK, start, checked(violation=0.012, spread=0.005))
    assert not fulfils(TASK, start, checked(objective=0.0098, objective_error=0.0005))


def test_the_error_of_a_solid_reaches_the_objective_and_the_constraints_that_it_concerns():
    solid = homogenise_solid(TASK.start, voxels_per_diameter=6)
    found = check(TASK, TASK.start, "solid")
    E_1, E_fine = (x.young_modulus([1.0, 0, 0]).item()
                   for x in (solid.stiffness, solid.fine.stiffness))  # fmt: skip
    assert found.objective == pytest.approx(E_1)
    assert found.objective_error == pytest.approx(abs(E_fine - E_1), rel=0.05)
    assert found.error == solid.error > 0
    density, _, cubic = range(3)
    assert found.least[density] == found.most[density] == found.violations[density] == 0
    by_bound = abs(E_fine - E_1) / 0.03  # E_1 = E_2, and E_2 >= 0.03
    assert found.margins == pytest.approx((0, by_bound, 0), rel=0.05)
    assert found.least[cubic] < found.violations[cubic] < found.most[cubic]
    assert np.isclose(found.most[cubic] + found.least[cubic], 2 * found.violations[cubic], rtol=0.1)


def test_beam_fem_has_no_error_of_its_own():
    found = check(TASK, TASK.start, "beam")
    assert found.error is None
    assert found.objective_error == 0
    assert found.least == found.most == found.violations
    assert found.margins == (0, 0, 0)


@pytest.mark.parametrize(
    "design",
    [
        {"violation": 0.011},  # nearer to the bound
        {"violation": 0.012, "spread": 0.001},  # the same value, less left open by the error
        {"violation": 0.012, "spread": 0.002, "objective": 0.021},
    ],
)
def test_violations_count_before_what_the_error_leaves_open_and_the_objective(design):
    other = checked(violation=0.012, spread=0.002)
    assert better(TASK, checked(**design), other)
    assert not better(TASK, other, checked(**design))
    assert better(TASK, checked(objective=0.01, spread=0.001), checked(spread=0.02))


@pytest.mark.parametrize(("model", "method"), [("joints", "solid"), ("relaxation", "beam")])
def test_a_surrogate_is_verified_by_what_its_labels_were_computed_by(model, method):
    task = Task(cell("sc", radius=0.1), E([1, 0, 0]), "maximise", fidelity=load_surrogate(model))
    assert reference_method(task) == method
