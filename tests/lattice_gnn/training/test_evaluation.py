"""Models whose errors are known by construction, beside their references."""

import math

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.equivariant import ModelConfig
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.tensors.symmetry import classify
from lattice_gnn.tensors.symmetry_screen import symmetry_names
from lattice_gnn.testing import example_lattices, random_rotation
from lattice_gnn.training.evaluation import (
    between,
    equivariance_errors,
    evaluate,
    judge,
    load_judged,
    predict_in_batches,
)
from lattice_gnn.training.labelled import LabelledLattices

FACTORS = (1.02, 1.2, 1.5)


class Beam(StiffnessNetwork):
    """Beam FEM times a factor that depends on the density, as a model."""

    def __init__(self, factors=(1.0, 1.0, 1.0)):
        super().__init__(ModelConfig(), Normaliser())
        self.factors = factors

    def forward(self, batch):
        C = homogenise_beam(batch).stiffness.mandel
        density = batch.relative_density
        factor = torch.full_like(density, self.factors[2])
        factor[density < 0.05] = self.factors[1]
        factor[density < 0.005] = self.factors[0]
        return factor[:, None, None] * C


class Laboratory(Beam):
    """Stiffens C11: a model that knows the laboratory axes."""

    def forward(self, batch):
        C = super().forward(batch).clone()
        C[:, 0, 0] *= 1.5
        return C


def labelled(lattices):
    return LabelledLattices.by_beams(lattices)


@pytest.fixture(scope="module")
def cells():
    """Cubic, orthotropic and triclinic lattices at densities of 0.2, 2 and 20 %."""
    stretched = cell("kelvin", radius=0.01).strained(np.diag([1.0, 1.2, 1.5]))
    skewed = cell("bcc", radius=0.01).strained(
        np.array([[1.0, 0.3, 0.1], [0.0, 0.8, 0.2], [0.0, 0.0, 1.3]])
    )
    lattices = [
        lattice.with_relative_density(density)
        for lattice in (cell("octet", radius=0.01), stretched, skewed)
        for density in (0.002, 0.02, 0.2)
    ]
    return labelled(lattices)


def test_equivariance_of_beam_fem_and_of_a_model_that_knows_the_axes(cells):
    exact = equivariance_errors(Beam(), cells.batch, seed=3)
    assert max(error.max() for error in exact.values()) < 1e-9
    broken = equivariance_errors(Laboratory(), cells.batch, seed=3)
    assert broken["rotation"].min() > 0.02
    assert broken["inversion"].max() < 1e-9  # inversion leaves the axes where they are
    again = equivariance_errors(Laboratory(), cells.batch, seed=3)
    assert torch.equal(again["rotation"], broken["rotation"])


def test_references_that_cannot_be_judged_by_are_refused(cells):
    C = cells.stiffness.clone()
    C[4] -= 2 * torch.linalg.eigvalsh(C[4])[0] * torch.eye(6)
    with pytest.raises(LatticeGnnError, match=r"lattice 4: .* not positive definite"):
        judge(Beam(), LabelledLattices(cells.batch, C))
    C[4, 0, 0] = math.nan
    with pytest.raises(LatticeGnnError, match=r"lattice 4: .* NaN"):
        judge(Beam(), LabelledLattices(cells.batch, C))
    with pytest.raises(LatticeGnnError, match="no labelled lattice"):
        judge(Beam(), cells.select(np.array([], dtype=np.int64)))
    with pytest.raises(LatticeGnnError, match="a name for each of 9"):
        judge(Beam(), cells, names=["one"])


def test_a_prediction_that_is_not_finite_is_refused(cells):
    with pytest.raises(LatticeGnnError, match="prediction for lattice 2 is not finite"):
        judge(Beam((1.0, 1.0, math.nan)), cells)


def test_batches_and_progress_do_not_change_predictions(cells):
    seen = []
    whole = predict_in_batches(Beam(), cells.batch)
    parts = predict_in_batches(Beam(), cells.batch, 4, lambda *state: seen.append(state))
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=0)
    assert seen == [(4, 9), (8, 9), (9, 9)]


def test_a_model_in_training_mode_is_asked_in_evaluation_mode(cells):
    class Dropping(Beam):
        def forward(self, batch):
            return super().forward(batch) * (2.0 if self.training else 1.0)

    model = Dropping().train()
    torch.testing.assert_close(predict_in_batches(model, cells.batch), cells.stiffness)
    assert model.training


def test_the_affine_bound_is_above_every_reference(cells):
    model, header = load_judged("affine")
    judgement = judge(model, cells)
    gap = torch.linalg.eigvalsh(judgement.predicted - judgement.reference)[:, 0]
    assert bool((gap > -1e-9 * judgement.reference.flatten(1).norm(dim=1)).all())
    assert header == {}


def test_screened_symmetry_names_are_those_of_the_search():
    """Ideal tensors of every class, turned and disturbed below and above the tolerance."""
    generator = torch.Generator().manual_seed(0)
    square = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    C = Stiffness(square @ square.T + 6 * torch.eye(6))
    exact = [
        C.nearest(name, torch.eye(3)).mandel
        for name in ("isotropic", "cubic", "hexagonal", "tetragonal", "trigonal", "orthotropic")
    ]
    exact += [C.nearest("monoclinic", torch.eye(3)).mandel, C.mandel]
    tensors = []
    for k, tensor in enumerate(exact):
        R = rotation_mandel(torch.from_numpy(random_rotation(k)))
        noise = torch.randn(6, 6, generator=generator, dtype=torch.float64)
        noise = (noise + noise.T) / (noise + noise.T).norm() * tensor.norm()
        tensors += [tensor, R @ tensor @ R.T + 0.002 * noise, R @ tensor @ R.T + 0.03 * noise]
    lattices = LatticeBatch.from_lattices(example_lattices())
    tensors += list(homogenise_beam(lattices).stiffness.mandel)
    stack = torch.stack(tensors)
    names = symmetry_names(stack)
    assert names == classify(stack).names
    assert len(set(names)) == 8


def test_round_densities_on_an_edge_stay_in_one_row():
    """0.01 as three computations give it; 0.0100000000000002 and 0.00999999999 are the same."""
    density = torch.tensor([0.01, 0.01 * (1 + 1e-12), 0.01 * (1 - 1e-9), 0.00999, 0.0101])
    assert between(density.double(), 0.01, 0.03).tolist() == [True, True, True, False, True]
    assert between(density.double(), 0.003, 0.01).tolist() == [False, False, False, True, False]


def test_the_error_of_a_prediction_that_is_not_finite_is_infinite(cells):
    """One density of three is off: medians stay, means reveal it."""
    for factor in (math.inf, math.nan):
        found = evaluate(Beam((1.0, 1.0, factor)), cells)
        for name, summary in found.items():
            assert summary["median"] < 1e-9, name
            assert summary["mean"] == summary["max"] == math.inf, name
