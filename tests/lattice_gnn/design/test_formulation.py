"""The problem of a task: its objective, and constraints that exclude one another."""

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E, misfit, stiffness_function
from lattice_gnn.design.formulation import formulate
from lattice_gnn.design.geometric import radius, relative_density
from lattice_gnn.design.spec import DesignSpec
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.verbs.homogenise import homogenise

OCTET = cell("octet", radius=0.05)


def limited(*constraints):
    return Task(OCTET, E([1, 0, 0]), "maximise", constraints, ("radii",))


@pytest.mark.parametrize(
    ("aim", "name", "pick"), [("maximise", "smallest", min), ("minimise", "largest", max)]
)
def test_of_many_values_the_worst_is_the_objective(aim, name, pick):
    """Whether the task is given in Python or as text."""
    uneven = OCTET.replace(radii=[0.04, 0.06] * 12)
    tasks = [
        Task(uneven, radius, aim, vary=("radii",), keep_symmetry=False),
        DesignSpec(**{aim: "radius", "vary": ("radii",), "keep_symmetry": False}).task(uneven),
    ]
    for task in tasks:
        stated = formulate(task)
        assert stated.task.objective.name == f"{name} radius"
        assert stated.start.objective.item() == pytest.approx(pick(uneven.radii))


@pytest.mark.parametrize(
    "pair",
    [
        (E([1, 0, 0]) >= 0.2, E([1, 0, 0]) <= 0.1),
        (relative_density == 0.1, relative_density == 0.2),
        (relative_density == 0.1, relative_density <= 0.05),
    ],
)
def test_bounds_that_exclude_one_another_are_refused(pair):
    for limits in (pair, pair[::-1]):
        with pytest.raises(LatticeGnnError, match="contradict each other"):
            formulate(limited(*limits))


def test_quantities_that_share_a_name_do_not_contradict_each_other():
    """Near one target and far from another; two functions of the user."""
    near, far = (homogenise(cell(x, relative_density=0.1)).stiffness for x in ("octet", "sc"))
    formulate(limited(misfit(near) <= 0.1, misfit(far) >= 0.3))
    first, second = (stiffness_function(lambda C, k=k: C[:, k, k]) for k in (0, 3))
    formulate(limited(first >= 0.01, second <= 0.005))
