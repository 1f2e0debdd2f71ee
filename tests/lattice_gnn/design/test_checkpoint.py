"""Checkpoints: an interrupted search continues where it was; foreign files are refused."""

import numpy as np
import pytest

from fem_reference.loading import pinned
from lattice_gnn.cells.named import cell
from lattice_gnn.design import refine, verify
from lattice_gnn.design.elastic import E, misfit, stiffness_function
from lattice_gnn.design.evaluators import make_evaluator
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.run import run
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.stiffness import Stiffness


@pytest.fixture(autouse=True)
def one_path():
    """Torch alone solves beams: it differs from compiled code by rounding."""
    with pinned(1):
        yield


def task(path, **changes):
    values = {
        "start": cell("kelvin", relative_density=0.05),
        "objective": E([0, 0, 1]),
        "aim": "maximise",
        "constraints": (relative_density <= 0.05,),
        "vary": ("radii",),
        "keep_symmetry": False,
        "starts": 3,
        "settings": DesignSettings(
            max_steps=60, method="batched", polish=0, reference="none", checkpoint=path
        ),
    }
    return Task(**{**values, **changes})


def test_an_interrupted_batched_search_resumes_to_the_same_result(tmp_path):
    whole = run(task(tmp_path / "whole.npz"))

    def stop(step):
        if step.step == 9:
            raise KeyboardInterrupt

    path = tmp_path / "parts.npz"
    assert run(task(path), stop).status == "interrupted"
    resumed = run(task(path))
    assert len(resumed.history) == len(whole.history) - 8 + 1  # 8 steps done, the best seen again
    assert np.array_equal(resumed.lattice.radii, whole.lattice.radii)


def test_checkpoint_and_scales_cost_no_evaluation(tmp_path):
    """An evaluation may be a solid solution, which takes minutes."""
    beam, calls = make_evaluator("beam"), []

    def counted(batch):
        calls.append(len(batch))
        return beam(batch)

    def evaluations(path, limit):
        calls.clear()
        settings = DesignSettings(max_steps=1, reference="none", checkpoint=path)
        limits = (relative_density <= 0.05, limit)
        run(task(path, starts=1, fidelity=counted, constraints=limits, settings=settings))
        return len(calls)

    plain = evaluations(None, E([1, 0, 0]) >= 0.0005)
    assert evaluations(tmp_path / "design.npz", E([1, 0, 0]) >= 0.0005) == plain
    assert evaluations(tmp_path / "other.npz", E([1, 0, 0]) >= 0.3 * E([0, 0, 1])) == plain


def topology_task(path):
    """Three more orbits than the optimum along one axis needs: rounds of moves remove them."""
    return Task(
        start=cell("octet", relative_density=0.1),
        objective=E([0, 0, 1]),
        aim="maximise",
        constraints=(relative_density <= 0.1, E([1, 0, 0]) >= 0.001),
        vary=("radii",),
        keep_symmetry=False,
        settings=DesignSettings(
            max_steps=60, topology_rounds=3, radius_bounds=(0.01, 0.1), reference="none",
            checkpoint=path,
        ),
    )  # fmt: skip


def test_finished_rounds_of_topology_moves_are_kept_and_not_repeated(tmp_path):
    whole = run(topology_task(None))
    rounds = {step.phase for step in whole.history} - {"search"}
    assert len(rounds) >= 2  # else there is nothing to interrupt between

    def stop(step):
        if step.phase == "topology 2":
            raise KeyboardInterrupt

    path = tmp_path / "design.npz"
    interrupted = run(topology_task(path), stop)
    assert (interrupted.status, interrupted.interrupted) == ("interrupted", True)
    assert [note for note in interrupted.notes if note.startswith("Topology")] == [
        note for note in whole.notes if note.startswith("Topology")
    ][:1]
    resumed = run(topology_task(path))
    assert {step.phase for step in resumed.history[1:]} == rounds - {"topology 1"}
    assert resumed.lattice == whole.lattice
    assert resumed.notes == whole.notes


def refined_task(path, evaluator):
    """A simple cubic cell by an evaluator that exaggerates: refuted, then refined."""
    return Task(
        start=cell("sc", radius=0.1),
        objective=E([1, 0, 0]),
        aim="maximise",
        constraints=(relative_density <= 0.1, E([0, 1, 0]) >= 0.02, E([0, 0, 1]) >= 0.03),
        vary=("radii",),
        keep_symmetry=False,
        fidelity=evaluator,
        refine=3,
        settings=DesignSettings(reference="beam", reference_tolerance=1e-5, checkpoint=path),
    )


def test_an_interrupted_refinement_goes_on_without_another_search_or_verification(
    tmp_path, monkeypatch
):
    beam, path = make_evaluator("beam"), tmp_path / "design.npz"

    def optimist(batch):
        wide = batch.radii.unflatten(0, (len(batch), 3)).mean(1)
        return beam(batch) * (1.2 + 2 * (wide - 0.1))[:, None, None]

    def stop(step):
        if step.phase == "refine 2":
            raise KeyboardInterrupt

    whole = run(refined_task(None, optimist))
    assert len(whole.refinements) >= 2
    interrupted = run(refined_task(path, optimist), stop)
    assert interrupted.interrupted
    assert interrupted.refinements == whole.refinements[:1]
    checked = []
    monkeypatch.setattr(
        refine, "check", lambda *given: checked.append(given) or verify.check(*given)
    )
    resumed = run(refined_task(path, optimist))
    assert resumed.refinements == whole.refinements
    assert len(checked) == len(whole.refinements) - 1
    assert resumed.lattice == whole.lattice
    assert resumed.constraints == whole.constraints
    assert resumed.verdict is whole.verdict
    assert "search" not in {step.phase for step in resumed.history[1:]}


def hollow(start):
    return start.replace(inner_radii=0.5 * start.radii)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"start": hollow(cell("kelvin", relative_density=0.05))},
        {"constraints": ((relative_density <= 0.05).within(1e-2),)},
        {"objective": stiffness_function(lambda C: C[:, 0, 0], "E[001]")},
    ],
    ids=["seed", "bores", "tolerance", "function of one name"],
)
def test_a_checkpoint_of_another_task_is_refused(tmp_path, changes):
    path = tmp_path / "design.npz"
    run(task(path))
    with pytest.raises(LatticeGnnError, match="another design task"):
        run(task(path, **changes))


def test_targets_and_evaluators_of_one_name_are_told_apart(tmp_path):
    start = cell("octet", relative_density=0.1)
    C = make_evaluator("beam")(LatticeBatch.from_lattices([start]))[0]

    def towards(share, evaluator="beam"):
        path = tmp_path / "design.npz"
        target = misfit(Stiffness(share * C))
        run(task(path, start=start, objective=target, aim="minimise", fidelity=evaluator))

    towards(0.9)
    towards(0.9)  # the same task resumes
    with pytest.raises(LatticeGnnError, match="another design task"):
        towards(0.8)

    def evaluator(batch):
        return make_evaluator("beam")(batch)

    (tmp_path / "design.npz").unlink()
    towards(0.9, evaluator)
    evaluator_before = evaluator

    def evaluator(batch):
        return 0.95 * evaluator_before(batch)

    with pytest.raises(LatticeGnnError, match="another design task"):
        towards(0.9, evaluator)


def test_a_checkpoint_is_named_as_a_text_too(tmp_path):
    run(task(str(tmp_path / "design.npz")))
    assert (tmp_path / "design.npz").exists()


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "design.npz"
    path.write_bytes(b"PK no archive")
    with pytest.raises(LatticeGnnError, match="no checkpoint"):
        run(task(path))


def test_an_unwritable_checkpoint_is_refused_before_the_search(tmp_path):
    with pytest.raises(LatticeGnnError, match="folder"):
        run(task(tmp_path / "missing" / "design.npz"))
