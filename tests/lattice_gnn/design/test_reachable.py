"""Targets under a symmetry: refused where they are approached and out of reach, and only there.

The cubic average of diag(a, b, b, c, c, c), Mandel, misses a - b: |missed|^2 = (2/3) (a - b)^2.
"""

import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import components, matches, misfit
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness

TARGET = Stiffness(torch.diag(torch.tensor([0.03, 0.02, 0.02, 0.01, 0.01, 0.01])).double())
DISTANCE = (2 / 3 * 0.01**2 / (0.03**2 + 2 * 0.02**2 + 3 * 0.01**2)) ** 0.5


def cubic_task(objective=relative_density, aim="minimise", limits=(), **changes):
    return Task(
        start=cell("sc", radius=0.1),
        objective=objective,
        aim=aim,
        constraints=limits,
        vary=("radii",),
        settings=DesignSettings(reference="none"),
        **changes,
    )


@pytest.mark.parametrize(
    "limits",
    [
        (misfit(TARGET) <= 0.99 * DISTANCE,),
        (misfit(TARGET) == 0.5 * DISTANCE,),
        (matches(TARGET),),
        (matches(TARGET, tolerance=0.2 * DISTANCE),),
    ],
    ids=["nearer", "at a distance", "components", "components within a tolerance"],
)
def test_a_constraint_that_no_lattice_of_the_symmetry_satisfies_is_refused(limits):
    with pytest.raises(LatticeGnnError, match=f"{100 * DISTANCE:.3g} % from its projection") as no:
        run(cubic_task(limits=limits))
    assert str(no.value).startswith(f"design: {limits[0].name} cannot be reached")


def test_a_target_that_the_symmetry_cannot_reach_is_no_aim():
    with pytest.raises(LatticeGnnError, match=f"{100 * DISTANCE:.3g} % from its projection"):
        run(cubic_task(misfit(TARGET)))


def test_the_nearest_tensor_of_the_symmetry_satisfies_a_constraint_at_its_distance():
    """Cubic struts reach C_1111 alone: the target has it, and no other component but shear."""
    target = Stiffness(torch.diag(torch.tensor([0.03, 0.02, 0.02, 1e-9, 1e-9, 1e-9])).double())
    projected = 0.07 / 3
    distance = (2 / 3 * 0.01**2 / (0.03**2 + 2 * 0.02**2)) ** 0.5
    limits = (misfit(target) <= 1.05 * distance,)
    result = run(cubic_task(limits=limits))
    assert result.constraints[0].satisfied
    assert float(result.stiffness.mandel[0, 0]) == pytest.approx(projected, rel=0.1)


@pytest.mark.parametrize(
    "task",
    [
        cubic_task(misfit(TARGET), "maximise", (relative_density <= 0.1,)),
        cubic_task(limits=(misfit(TARGET) >= 2 * DISTANCE,)),
        cubic_task(limits=(misfit(TARGET) == 3 * DISTANCE,)),
        cubic_task(limits=(components(TARGET) >= -0.5, components(TARGET) <= 0.5)),
    ],
    ids=["maximised", "bounded from below", "at a larger distance", "components bounded"],
)
def test_what_does_not_approach_the_target_is_carried_out(task):
    result = run(task)
    assert all(row.satisfied for row in result.constraints)
