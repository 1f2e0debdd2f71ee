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
from lattice_gnn.errors import LatticeGnnError

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


def refused(refine, monkeypatch, refused_from):
    """Run a task whose reference refuses every lattice from the given one on."""
    seen = []

    def checked(task, lattice, method):
        seen.append(lattice)
        if len(seen) > refused_from:
            raise LatticeGnnError("the solid reference: the grid needs 30 GB")
        found = check(task, lattice, method)
        return replace(found, most=(0.1, *found.most[1:]))  # leaves the density open

    monkeypatch.setattr("lattice_gnn.design.refine.check", checked)
    return run(
        Task(
            start=cell("sc", radius=0.1),
            objective=E([0, 0, 1]),
            aim="maximise",
            constraints=(relative_density <= 0.1,),
            vary=("radii",),
            keep_symmetry=False,
            refine=refine,
        )
    )


def test_a_design_that_the_reference_refuses_is_kept_and_called_unchecked(monkeypatch):
    found = refused(0, monkeypatch, refused_from=1)
    assert (found.verdict, found.status, found.reference) == ("unchecked", "converged", None)
    assert "The design could not be verified: the solid reference: the grid needs" in str(
        found.notes
    )
    assert found.objective.value > found.objective.start


def test_a_refinement_that_the_reference_refuses_keeps_what_is_known(monkeypatch):
    found = refused(2, monkeypatch, refused_from=2)
    assert found.verdict == "undecided"
    assert found.refinements == ()
    assert any(note.startswith("Refinement ended: the solid reference") for note in found.notes)
