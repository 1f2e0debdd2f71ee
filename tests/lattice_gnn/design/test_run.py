"""Whole designs against closed forms; statuses, verdicts and faults.

The struts of a simple cubic cell of edge 1 carry one axial stress each: E_i = pi r_i^2 and the
relative density is their sum, so that optima are known exactly.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E, matches, misfit
from lattice_gnn.design.evaluators import make_evaluator
from lattice_gnn.design.formulation import formulate
from lattice_gnn.design.geometric import joint_angle, relative_density
from lattice_gnn.design.optimiser import slsqp
from lattice_gnn.design.quantities import Quantity
from lattice_gnn.design.result import Status, Verdict
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.design.track import Track
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.verbs.homogenise import homogenise

SC = cell("sc", radius=0.1)
X, Y, Z = np.eye(3).tolist()


def sc_task(**changes):
    """Maximise E_1 of the simple cubic cell at density 0.1 with E_2 >= 0.02 and E_3 >= 0.03."""
    values = {
        "start": SC,
        "objective": E(X),
        "aim": "maximise",
        "constraints": (relative_density <= 0.1, E(Y) >= 0.02, E(Z) >= 0.03),
        "vary": ("radii",),
        "keep_symmetry": False,
        "settings": DesignSettings(digits=7),
    }
    return Task(**{**values, **changes})


def sc_and_bcc(radius=0.02):
    bcc = cell("bcc", radius=radius)
    return bcc.replace(
        struts=np.vstack([bcc.struts, [[0, 0]] * 3]),
        shifts=np.vstack([bcc.shifts, np.eye(3, dtype=int)]),
        radii=np.append(bcc.radii, [1.6 * radius] * 3),
    )


@pytest.mark.parametrize(
    ("starts", "settings", "precision"),
    [
        (1, DesignSettings(digits=7), 1e-5),
        (4, DesignSettings(digits=7, max_steps=100), 1e-5),
        (6, DesignSettings(digits=7, method="batched", polish=0), 3e-3),
    ],
)
def test_the_optimum_of_a_simple_cubic_cell_is_the_closed_form(starts, settings, precision):
    result = run(sc_task(starts=starts, settings=settings))
    assert result.objective.value == pytest.approx(0.05, rel=precision)
    assert all(row.satisfied for row in result.constraints)
    assert np.pi * result.lattice.radii**2 == pytest.approx([0.05, 0.02, 0.03], rel=2 * precision)
    assert result.verdict is Verdict.CONFIRMED


def test_a_converged_design_says_so():
    result = run(sc_task())
    assert result.status is Status.CONVERGED
    assert result.optimality < 1e-3
    assert result.reference.method == "beam"
    assert result.reference.gap < 1e-9
    assert result.history[-1].violation == 0


def test_few_steps_are_reported_as_few_steps():
    result = run(sc_task(settings=DesignSettings(max_steps=1)))
    assert result.status is Status.MAX_STEPS


def test_constraints_that_nothing_satisfies_are_reported_with_the_violation():
    impossible = (relative_density <= 0.1, E(Y) >= 0.06, E(Z) >= 0.06)
    result = run(sc_task(constraints=impossible))
    assert result.status is Status.STALLED
    assert result.verdict is Verdict.REFUTED
    assert any("No design that satisfies" in note for note in result.notes)


def test_too_thick_for_beams_is_said_where_beams_are_used_alone():
    task = sc_task(start=cell("sc", radius=0.2), constraints=(relative_density <= 0.4,))
    few = DesignSettings(max_steps=1, reference="none")

    def of_another_method(batch):
        return homogenise_beam(batch).stiffness.mandel

    said = [
        any("too thick for beam theory" in note for note in run(one).notes)
        for one in (
            replace(task, settings=few),
            replace(task, settings=few, fidelity=of_another_method),
            replace(task, settings=replace(few, reference="beam"), fidelity=of_another_method),
        )
    ]
    assert said == [True, False, True]


def test_the_isotropic_mixture_of_cubic_cells_is_that_of_axial_struts():
    # Volumes 40:60, hence r_sc / r_bcc = (0.4 / 3 * 4 sqrt 3 / 0.6)^(1/2) = 1.2408; E = rho / 6.
    zener = Quantity("zener", lambda state: Stiffness(state.stiffness).zener(np.eye(3)))
    task = Task(
        start=sc_and_bcc(),
        objective=E(X),
        aim="maximise",
        constraints=(zener == 1, relative_density <= 1e-4),
        vary=("radii",),
        settings=DesignSettings(radius_bounds=(1e-4, 0.05), digits=6),
    )
    result = run(task)
    radii = result.lattice.radii
    assert radii[-1] / radii[0] == pytest.approx((0.4 * 4 * 3**0.5 / (3 * 0.6)) ** 0.5, rel=2e-4)
    assert result.objective.value == pytest.approx(1e-4 / 6, rel=1e-3)
    assert result.symmetry == "Im-3m (229), 96 operations" or result.symmetry.startswith("Pm-3m")


def test_the_negative_of_a_distance_is_minimised_by_going_away():
    """A minimised distance is squared; its negative must not be."""
    target = run(sc_task()).stiffness
    task = sc_task(objective=-misfit(target), aim="minimise", constraints=(), vary=("radius",))
    result = run(task)
    assert result.objective.value < result.objective.start - 0.1


def test_variables_at_bounds_are_counted_whatever_the_sign_of_the_bound():
    """A smaller cell is stiffer, E = pi r^2/L^2: the strain ends at its negative lower bound."""
    settings = DesignSettings(strain=0.1, reference="none")
    result = run(sc_task(constraints=(), vary=("cell_volume",), settings=settings))
    assert np.log(result.lattice.cell[0, 0]) == pytest.approx(-0.1)
    assert (
        sum(note.startswith("1 of 1 variables are at their bounds") for note in result.notes) == 1
    )


def test_a_search_from_elsewhere_does_not_see_the_start():
    """The start is feasible: a search that found nothing feasible would claim its objective."""
    problem, own = formulate(sc_task()).problem, Track()
    slsqp(problem, np.full(3, 0.1), (own,), 1)  # radii of 0.11: density 0.114
    assert own.history[0].objective == pytest.approx(np.pi * 0.11**2)


def test_a_target_is_reached():
    wanted = run(sc_task()).stiffness
    task = sc_task(objective=misfit(wanted), aim="minimise", constraints=())
    result = run(task)
    assert result.status is Status.CONVERGED
    assert result.objective.value < 1e-4
    assert np.pi * result.lattice.radii**2 == pytest.approx([0.05, 0.02, 0.03], rel=1e-4)


def test_an_evaluator_that_errs_is_refuted_and_refined_until_the_reference_confirms():
    beam = make_evaluator("beam")

    def optimist(batch):
        stretched = torch.tensor([1.0, 1.15, 1.15, 1, 1, 1], dtype=torch.float64)
        return stretched[:, None] * beam(batch) * stretched

    settings = DesignSettings(reference="beam")
    refuted = run(sc_task(fidelity=optimist, settings=settings))
    assert refuted.verdict is Verdict.REFUTED
    assert refuted.constraints[1].reference_violation > 0.2
    assert refuted.reference.gap > 0.1
    confirmed = run(sc_task(fidelity=optimist, settings=settings, refine=3))
    assert confirmed.verdict is Verdict.CONFIRMED
    assert confirmed.objective.reference == pytest.approx(0.05, rel=1e-3)
    assert 1 <= len(confirmed.refinements) <= 3
    assert confirmed.refinements[-1].gap < 0.05


def test_an_interruption_keeps_the_best_design():
    def stop(step):
        if step.step == 5:
            raise KeyboardInterrupt

    result = run(sc_task(), stop)
    assert result.status is Status.INTERRUPTED
    assert result.verdict is Verdict.UNCHECKED
    assert result.lattice.num_struts == 3


def test_an_interrupted_refinement_keeps_the_refuted_design():
    beam = make_evaluator("beam")
    settings = DesignSettings(reference="beam")

    def stop(step):
        if step.phase == "refine 1":
            raise KeyboardInterrupt

    task = sc_task(fidelity=lambda batch: 1.2 * beam(batch), settings=settings, refine=2)
    result = run(task, stop)
    assert result.verdict is Verdict.REFUTED
    assert result.refinements == ()


def test_gradients_that_are_not_finite_stop_the_search_and_are_reported():
    beam = make_evaluator("beam")

    def brittle(batch):
        C = beam(batch)
        return C + torch.where(C[:, :1, :1] > 0.035, torch.nan, 0.0) * batch.radii.sum()

    settings = DesignSettings(reference="none")
    result = run(
        sc_task(fidelity=brittle, settings=settings, constraints=(relative_density <= 0.1,))
    )
    assert np.isfinite(result.objective.value)
    assert result.objective.value <= 0.035
    assert result.status is not Status.CONVERGED


def test_a_symmetric_start_says_that_its_positions_have_no_gradient():
    cube = SC.supercell(2)
    task = Task(
        start=cube,
        objective=E(X),
        aim="maximise",
        constraints=(relative_density <= 0.1,),
        keep_symmetry=False,
        settings=DesignSettings(max_steps=3, reference="none"),
    )
    assert "displaced at random" in run(task).notes[0]


def test_seeds_repeat_a_search():
    first, second = (
        run(sc_task(starts=2, seed=4, settings=DesignSettings(max_steps=15))) for _ in range(2)
    )
    assert first.lattice == second.lattice
    assert first.history == second.history


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {
                "start": cell("sc", radius=0.1).replace(
                    struts=[[0, 0]], shifts=[[1, 0, 0]], radii=0.1
                )
            },
            "span space",
        ),
        ({"constraints": (E(X) >= 0.2, E(X) <= 0.1)}, "contradict"),
        ({"starts": 0}, "starts"),
        ({"fidelity": "exact"}, "fidelity"),
        ({"fidelity": lambda batch: batch.radii}, "expected a tensor of shape"),
    ],
)
def test_impossible_tasks_are_refused_in_one_sentence(changes, words):
    with pytest.raises(LatticeGnnError, match=words):
        run(sc_task(**changes))


def test_a_comparison_of_quantities_binds_to_its_own_scale():
    # r_1 = r_2, so that E_1 = 0.3 E_3 and rho = 1.6 E_3: the closed form is E_3 = 0.1/1.6.
    limits = (relative_density <= 0.1, E(X) >= 0.3 * E(Z), E(Y) >= 0.3 * E(Z))
    result = run(sc_task(objective=E(Z), constraints=limits))
    assert result.status is Status.CONVERGED
    assert result.objective.value == pytest.approx(0.1 / 1.6, rel=1e-4)
    assert result.objective.start == pytest.approx(np.pi * 0.1**2)
    assert result.task.constraints[1].unit == pytest.approx(0.3 * np.pi * 0.1**2)


def test_a_constraint_that_depends_on_nothing_that_varies_is_checked_all_the_same():
    limits = (relative_density <= 0.1, joint_angle >= 80, E(Y) >= 0.02, E(Z) >= 0.03)
    result = run(sc_task(constraints=limits))
    assert result.objective.value == pytest.approx(0.05, rel=1e-4)
    impossible = run(sc_task(constraints=(joint_angle >= 100,)))
    assert impossible.status is not Status.CONVERGED
    assert impossible.verdict is Verdict.REFUTED


@pytest.mark.parametrize("together", [True, False])
def test_a_target_as_a_vector_equality_is_met_with_fewer_variables_than_components(together):
    # 21 components, most of them zero by symmetry, and three radii, which are those of the target.
    radii = np.array([0.05, 0.08, 0.11])
    target = homogenise(SC.with_radii(radii)).stiffness
    limits = [matches(target)]
    if not together:  # as many scalar equalities as there are variables
        C = target
        limits = [E(n) == float(C.young_modulus(n)) for n in (X, Y, Z)]
    result = run(sc_task(objective=relative_density, aim="minimise", constraints=tuple(limits)))
    assert result.verdict is Verdict.CONFIRMED
    assert np.allclose(result.lattice.radii, radii, rtol=5e-3)
    assert all(row.satisfied for row in result.constraints)


def test_a_design_that_cannot_be_rounded_is_returned_as_it_is_and_says_so():
    beam = make_evaluator("beam")

    def brittle(batch):  # defined where radii have more than two significant digits, or are equal
        C, radii = beam(batch), batch.radii.detach().unflatten(0, (len(batch), -1))
        coarse = (radii * 100 - (radii * 100).round()).abs().amax(1) < 1e-6
        start = (radii - 0.1).abs().amax(1) < 1e-6
        return torch.where((coarse & ~start)[:, None, None], torch.nan, C)

    settings = DesignSettings(digits=1, reference="none")
    result = run(sc_task(fidelity=brittle, settings=settings))
    note = "No rounded design can be evaluated, so that this one is not rounded."
    assert note in result.notes
    assert note in result.to_dict()["notes"]
    assert np.abs(100 * result.lattice.radii - np.round(100 * result.lattice.radii)).max() > 1e-3
    assert all(row.satisfied for row in result.constraints)
