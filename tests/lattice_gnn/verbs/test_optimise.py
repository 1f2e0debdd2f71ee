"""The verb ``optimise``: one call from task to verified lattice; bad input in one sentence."""

import pytest

import lattice_gnn as lg


def test_one_call_designs_and_verifies():
    start = lg.cell("kelvin", relative_density=0.1)
    result = lg.optimise(
        start,
        maximise=lg.E([0, 0, 1]),
        vary="radii",
        subject_to=[lg.relative_density <= 0.1, lg.E([1, 0, 0]) >= 0.2 * lg.E([0, 0, 1])],
        keep_symmetry=False,
    )
    before, after = lg.homogenise([start, result.lattice])
    assert result.verdict == "confirmed"
    assert result.objective.start == pytest.approx(before.stiffness.young_modulus([0, 0, 1.0]))
    assert result.objective.value == pytest.approx(after.stiffness.young_modulus([0, 0, 1.0]))
    assert result.objective.value > 2 * result.objective.start
    assert result.lattice.relative_density <= 0.1 * (1 + 1e-6)
    assert after.stiffness.young_modulus([1.0, 0, 0]) >= 0.1999 * result.objective.value


def test_of_many_values_the_smallest_is_maximised():
    result = lg.optimise(
        lg.cell("octet", radius=0.05), maximise=lg.radius, subject_to=lg.relative_density <= 0.3
    )
    assert result.objective.name == "smallest radius"
    assert result.lattice.relative_density == pytest.approx(0.3, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "expected one of maximise, minimise and target, got 0"),
        ({"maximise": lg.E([1, 0, 0]), "minimise": lg.E([0, 1, 0])}, "got 2"),
        ({"maximise": lg.E([1, 0, 0]), "vary": "radii, nodes"}, "vary: expected some of"),
    ],
)
def test_incomplete_tasks_are_refused(arguments, words):
    with pytest.raises(lg.LatticeGnnError, match=words):
        lg.optimise(lg.cell("octet", radius=0.05), **arguments)
