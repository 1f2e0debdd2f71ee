"""The shipped model as a tool: it predicts, knows its limits, and can be differentiated."""

import numpy as np
import pytest
import torch

from data.populations.nets import NetSampling, sample_net
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.checkpoint import shipped_models
from lattice_gnn.surrogate.prediction import Prediction
from lattice_gnn.surrogate.surrogate import Surrogate, load_surrogate
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.testing import assert_equivariant, random_lattice


@pytest.fixture(scope="module")
def surrogate():
    return load_surrogate("relaxation")


@pytest.fixture(scope="module")
def precise():
    return load_surrogate("relaxation", dtype=torch.float64)


def members():
    return [
        cell("octet", relative_density=0.05),
        cell("bcc", relative_density=0.1).perturbed(0.02, seed=1),
        cell("kelvin", relative_density=0.02, nu=0.2),
        cell("diamond", relative_density=0.01),
    ]


def test_the_default_is_the_joint_network():
    assert shipped_models() == ["joints", "joints-linear", "relaxation"]
    assert load_surrogate().name == "joints"


@pytest.mark.parametrize("name", ["joints", "joints-linear"])
def test_joint_models_bring_the_frame_and_a_bound_of_their_own(name):
    lattices = [x for x in members() if x.material.nu == 0.3]  # all that the linear model knows
    predictions = load_surrogate(name).predict(lattices)
    frames = homogenise_beam(lattices).stiffness.mandel
    bounds = set()
    for prediction, frame in zip(predictions, frames, strict=True):
        torch.testing.assert_close(prediction.frame.mandel, frame, rtol=1e-9, atol=1e-12)
        assert prediction.in_domain, prediction.domain_notes
        assert 0 < prediction.expected_error.median < prediction.expected_error.p90 < 0.05
        assert prediction.expected_error.against == "solid FEM"
        bounds.add(prediction.expected_error.p90)
    assert len(bounds) == len(predictions)


def test_slender_lattices_are_inside_the_domain_of_a_joint_model_and_tapered_ones_outside():
    surrogate = load_surrogate("joints")
    slender = cell("octet", relative_density=1e-4)
    assert surrogate.predict(slender).in_domain
    tapered = slender.replace(end_radii=1.5 * slender.radii)
    prediction = surrogate.predict(tapered)
    assert not prediction.in_domain
    assert prediction.expected_error is None


@pytest.mark.parametrize("name", shipped_models())
def test_no_shipped_model_was_trained_on_interpenetrating_nets(name):
    sc = cell("sc", relative_density=0.02)
    two = sc.replace(
        nodes=[[0, 0, 0], [0.5, 0.5, 0.5]],
        struts=[*sc.struts.tolist(), *(sc.struts + 1).tolist()],
        shifts=np.tile(sc.shifts, (2, 1)),
        radii=np.tile(sc.radii, 2),
    )
    prediction = load_surrogate(name).predict(two)
    assert "2 nets span space, in training only 1" in prediction.domain_notes
    assert prediction.expected_error is None


@pytest.mark.parametrize(("name", "known"), [("relaxation", True), ("joints-linear", False)])
def test_an_error_from_beams_holds_where_struts_run_through_one_another(name, known):
    """Two diagonals of a face of a cube that cross without a joint, where a solid has one."""
    shifts = [*np.eye(3, dtype=int).tolist(), [1, 1, 0], [1, -1, 0]]
    crossing = Lattice(np.eye(3), [[0, 0, 0]], [[0, 0]] * 5, shifts, 0.05)
    prediction = load_surrogate(name).predict(crossing)
    assert (prediction.expected_error is not None) == known
    through = "struts run through one another without a joint"
    assert (through in prediction.domain_notes) != known
    (contact,) = (x for x in prediction.warnings if x.kind == "contact")
    assert "which beam FEM and networks do not see" in contact.text


def test_a_slender_lattice_is_nearly_its_frame():
    prediction = load_surrogate("joints").predict(cell("octet", relative_density=1e-4))
    error = relative_frobenius(prediction.stiffness.mandel[None], prediction.frame.mandel[None])
    assert float(error) < 0.01


def test_error_is_what_the_model_says_of_itself(surrogate):
    """On cells of the training set the error against beam FEM stays within twice the stated p90."""
    reference = homogenise_beam(members()).stiffness.mandel
    for prediction, C in zip(surrogate.predict(members()), reference, strict=True):
        error = float(relative_frobenius(prediction.stiffness.mandel[None], C[None])[0])
        assert prediction.in_domain, prediction.domain_notes
        assert error < 2 * prediction.expected_error.p90
        assert 0 < prediction.expected_error.median < prediction.expected_error.p90
        assert prediction.expected_error.against == "beam FEM"


def test_prediction_is_the_stiffness_of_the_batch(surrogate):
    C = surrogate.stiffness(LatticeBatch.from_lattices(members())).mandel
    for prediction, expected in zip(surrogate.predict(members(), batch_size=3), C, strict=True):
        difference = (prediction.stiffness.mandel - expected).norm() / expected.norm()
        assert float(difference) < 1e-5


def test_progress_counts_to_the_end(surrogate):
    seen = []
    surrogate.predict(members(), batch_size=3, on_progress=lambda done, of: seen.append((done, of)))
    assert seen == [(3, 4), (4, 4)]


def test_shipped_model_is_equivariant(precise):
    lattices = [*members(), random_lattice(0), random_lattice(1, sections=True)]

    def stiffness(changed):
        return precise.stiffness(LatticeBatch.from_lattices(list(changed))).mandel

    assert_equivariant(stiffness, lattices)


@pytest.mark.parametrize("name", ["nodes", "radii", "cells"])
@pytest.mark.parametrize(
    "lattice",
    [cell("octet", radius=0.03), cell("bcc", radius=0.05), random_lattice(1)],
    ids=["octet", "bcc", "asymmetric"],
)
def test_gradient_equals_central_differences(precise, lattice, name):
    batch = LatticeBatch.from_lattices([lattice])
    x = getattr(batch, name)
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(6, 6, dtype=torch.float64, generator=generator)
    weights = weights / precise.stiffness(batch).mandel[0].norm()
    direction = torch.randn(x.shape, dtype=torch.float64, generator=generator) * x.abs().max()

    def objective(values):
        return (precise.stiffness(batch.replace(**{name: values})).mandel[0] * weights).sum()

    variable = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(variable), variable)
    h = 1e-6
    with torch.no_grad():
        change = objective(x + h * direction) - objective(x - h * direction)
    expected = float(change) / (2 * h)
    # Every node of the octet is a centre of inversion: there the derivative is zero.
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_a_lattice_outside_the_training_set_is_predicted_and_named(surrogate):
    prediction = surrogate.predict(cell("octet", radius=0.03, nu=0.48))
    assert not prediction.in_domain
    assert any(note.startswith("Poisson's ratio is 0.48") for note in prediction.domain_notes)
    assert prediction.expected_error is None
    thin = surrogate.predict(cell("kelvin", relative_density=1e-5))
    assert thin.domain_notes[0].startswith("relative density is 1e-05")
    assert thin.expected_error is None


def new_net(surrogate):
    """A generated net that the training set does not have."""
    nets = NetSampling(nodes=(12, 20))
    drawn = (sample_net(nets, seed=777, index=k).simplified() for k in range(20))
    return next(x for x in drawn if not surrogate.domain.knows_net(x))


def test_a_new_net_is_ordinary_to_a_model_of_thousands_of_nets(surrogate):
    """Its expected error is that of held-out lattices whose nets training did not have."""
    assert len(surrogate.domain.nets) > 1000
    new = new_net(surrogate)
    prediction = surrogate.predict(new.with_relative_density(0.02))
    assert prediction.domain_notes == ()
    assert "not trained on" in prediction.expected_error.basis
    known = surrogate.predict(cell("octet", relative_density=0.02))
    assert "of the nets it was trained on" in known.expected_error.basis
    assert known.expected_error.median < prediction.expected_error.median


def test_the_expected_error_is_that_of_what_the_header_has(surrogate):
    """Of nets like this one where there are any held out, else of all held-out lattices."""

    def rows(median):
        error = {"median": median, "p90": 2 * median}
        return {"by_density": [{"density": [0.001, 0.3], "count": 9, "relative_frobenius": error}]}

    known = cell("octet", relative_density=0.05)
    new = new_net(surrogate).with_relative_density(0.05)

    def says(lattice, **metrics):
        header = {**surrogate.header, "metrics": metrics}
        return Surrogate("test", surrogate.model, header).predict(lattice).expected_error

    both = {"known_nets": rows(0.1), "unseen_nets": rows(0.2), "test": rows(0.15)}
    assert says(known, **both).median == 0.1
    assert says(new, **both).median == 0.2
    assert says(new, known_nets=rows(0.1), test=rows(0.15)).median == 0.15
    alone = says(new, known_nets=rows(0.1))
    assert alone.median == 0.1
    assert "other lattices of the nets it was trained on" in alone.basis
    assert says(known) is None


def test_a_net_that_does_not_span_space_is_refused(surrogate):
    sheet = Lattice(
        cell=np.eye(3), nodes=[[0, 0, 0]], struts=[[0, 0]] * 2, shifts=[[1, 0, 0], [0, 1, 0]],
        radii=[0.05] * 2, name="sheet",
    )  # fmt: skip
    with pytest.raises(LatticeGnnError, match=r"lattice 0 \(sheet\): .* 2 of 3 dimensions") as e:
        surrogate.predict(sheet)
    assert "homogenise" in str(e.value)


def test_one_lattice_gives_one_prediction_and_a_sequence_a_list(surrogate):
    first, *_ = surrogate.predict(iter(members()))
    alone = surrogate.predict(members()[0])
    assert isinstance(alone, Prediction)
    assert relative_frobenius(alone.stiffness, first.stiffness) < 1e-5
    assert surrogate.predict([]) == []


def test_stiffness_takes_lattices_too(surrogate):
    batched = surrogate.stiffness(LatticeBatch.from_lattices(members()))
    assert relative_frobenius(surrogate.stiffness(members()), batched).max() < 1e-5
    alone = surrogate.stiffness(members()[0])
    assert alone.batch_shape == ()
    assert relative_frobenius(alone, batched[0]) < 1e-5
    chain = Lattice(np.eye(3), [[0, 0, 0]], [[0, 0]], [[1, 0, 0]], 0.1)
    with pytest.raises(LatticeGnnError, match="1 of 3 dimensions"):
        surrogate.stiffness(chain)


def test_the_surrogate_says_what_it_is_in_one_line(surrogate):
    assert repr(surrogate).startswith("Surrogate('relaxation', StiffnessModel, 166,809 parameters")
    assert "trained on 3,3" in repr(surrogate)
    assert "\n" not in repr(surrogate)


@pytest.mark.parametrize(("name", "count"), [("joints", 22_980), ("joints-linear", 24 * 42)])
def test_weights_count_however_they_were_found(name, count):
    """By gradient descent, or by least squares: 24 functions of a pair for 42 coefficients."""
    assert f" {count:,} parameters" in repr(load_surrogate(name))
