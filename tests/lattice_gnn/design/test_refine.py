"""Refinement: what the reference's own error leaves open is decided by a distance to the bound."""

from dataclasses import replace

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design import refine
from lattice_gnn.design.elastic import E
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.run import run
from lattice_gnn.design.task import Task
from lattice_gnn.design.verify import check

SPREAD = 0.04
LEAST = 0.03


@pytest.fixture
def uncertain(monkeypatch):
    """Beam FEM as a reference that does not know E_1 to better than 4 % of the bound."""

    def checked(task, lattice, method):
        found = check(task, lattice, method)
        slack = found.values[1] / LEAST - 1
        return replace(found, most=(found.most[0], max(0.0, SPREAD - slack)), margins=(0.0, SPREAD))

    monkeypatch.setattr(refine, "check", checked)


def test_a_refined_design_holds_whatever_the_error_of_the_reference(uncertain):
    task = Task(
        start=cell("sc", radius=0.1),
        objective=E([0, 0, 1]),
        aim="maximise",
        constraints=(relative_density <= 0.1, E([1, 0, 0]) >= LEAST),
        vary=("radii",),
        keep_symmetry=False,
    )
    assert run(task).verdict == "undecided"
    found = run(replace(task, refine=3))
    assert (found.verdict, found.status) == ("confirmed", "converged")
    # E_i is the part of the density of the struts along i; that along 2 is as thin as it may be.
    assert found.constraints[1].value == pytest.approx(LEAST * (1 + SPREAD), rel=1e-3)
    assert found.objective.value == pytest.approx(0.1 - LEAST * (1 + SPREAD), rel=0.01)
