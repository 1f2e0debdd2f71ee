"""Losses against their formulae, and what is prepared for them against its definition."""

import pytest
import torch

from data.populations.varied_cells import CellSampling, sample_cells
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.testing import random_rotation
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.losses import Examples, paper_loss, relative_loss, stiffness_of

LATTICES = sample_cells(
    CellSampling(count=3, seed=2, cells=("bcc", "octet"), densities=(0.01, 0.1))
)


@pytest.fixture(scope="module")
def examples():
    return Examples.of(LabelledLattices.by_beams(LATTICES), "prior")


def near(examples, noise=0.1):
    torch.manual_seed(0)
    X = noise * torch.randn(len(examples), 6, 6, dtype=torch.float64)
    return examples.target + (X + X.mT) / 2


def test_target_and_root_give_back_the_label(examples):
    C = stiffness_of(examples.target, examples, "prior")
    torch.testing.assert_close(C, examples.stiffness, rtol=1e-9, atol=1e-14)
    none = relative_loss(examples.target, C, examples, log_weight=1.0)
    assert float(none.max()) < 1e-16


def test_relative_loss_is_the_squared_error_of_all_components_and_of_the_logarithm(examples):
    M = near(examples)
    C = stiffness_of(M, examples, "prior")
    found = relative_loss(M, C, examples, log_weight=0.25)
    for b in range(len(examples)):
        error = Stiffness(C[b]).cartesian - Stiffness(examples.stiffness[b]).cartesian
        size = Stiffness(examples.stiffness[b]).cartesian.square().sum()
        log_error = (M[b] - examples.target[b]).square().sum()
        expected = float(error.square().sum() / size + 0.25 * log_error)
        assert float(found[b]) == pytest.approx(expected, rel=1e-12)


def test_huber_is_a_square_for_small_errors_and_linear_for_large_ones(examples):
    def loss(factor):
        C = (1 + factor) * examples.stiffness  # the relative error is the factor
        return relative_loss(examples.target, C, examples, log_weight=0.0, huber=0.3)

    torch.testing.assert_close(loss(1e-3), torch.full_like(loss(0.0), 1e-6), rtol=1e-5, atol=0)
    slope = loss(1001.0) - loss(1000.0)
    torch.testing.assert_close(slope, torch.full_like(slope, 0.6), rtol=1e-5, atol=0)


def test_a_prediction_that_runs_away_is_brought_back_by_a_finite_gradient(examples):
    """exp(M) of 1e62: one step of such a lattice does not end the training in float32."""
    M = torch.eye(6).expand(len(examples), 6, 6).mul(145.0).requires_grad_()
    C = stiffness_of(M.double(), examples, "prior")
    assert float(C.detach().abs().max()) > 1e55
    loss = relative_loss(M.double(), C, examples, log_weight=0.1, huber=0.3)
    loss.sum().backward()
    slope = M.grad.diagonal(dim1=-2, dim2=-1).sum(-1)  # along the identity, which scales C
    assert bool((slope > 0).all())
    assert float(M.grad.abs().max()) < 1e8


@pytest.mark.parametrize("huber", [0.0, 0.3])
def test_the_loss_has_no_jump_or_kink_where_it_starts_to_grow_like_a_logarithm(examples, huber):
    def loss(factor):
        C = (1 + factor) * examples.stiffness
        return relative_loss(examples.target, C, examples, log_weight=0.0, huber=huber)

    turn = 1e3 if huber == 0 else (1e6 + 2 * huber**2) / (2 * huber)  # where it is 1e6
    torch.testing.assert_close(loss(turn), torch.full_like(loss(0.0), 1e6), rtol=1e-6, atol=0)
    step = 1e-4 * turn
    below, above = loss(turn) - loss(turn - step), loss(turn + step) - loss(turn)
    torch.testing.assert_close(below, above, rtol=1e-3, atol=0)
    torch.testing.assert_close(
        loss(1e9 * turn) - loss(1e8 * turn), loss(1e8 * turn) - loss(1e7 * turn), rtol=1e-5, atol=0
    )


def test_paper_loss_counts_each_of_the_21_components_once():
    reference = torch.diag(torch.tensor([2.0, 1, 1, 1, 1, 1], dtype=torch.float64))[None]
    reference[0, 0, 1] = reference[0, 1, 0] = 1.0
    C = reference.clone()
    C[0, 0, 1] = C[0, 1, 0] = 4.0
    C[0, 5, 5] = 3.0
    batch = LatticeBatch.from_lattices(LATTICES[:1])
    examples = Examples(batch, reference)
    # Mean squares over 21 components: (3^2 + 2^2) / 21 and (2^2 + 5 + 1) / 21.
    assert float(paper_loss(C, examples)) == pytest.approx(13 / 10)
    # With all 36 the off-diagonal one counts twice.
    full = relative_loss(torch.zeros(1, 6, 6).double(), C, examples, log_weight=1.0)
    assert float(full) == pytest.approx((2 * 9 + 4) / (4 + 5 + 2))


def test_turned_examples_are_those_of_turned_lattices(examples):
    """Label, prior and target of the rotated lattices, computed from scratch."""
    rotations = [random_rotation(seed) for seed in range(len(LATTICES))]
    turned = examples.rotated(torch.stack([torch.from_numpy(R) for R in rotations]))
    lattices = [x.rotated(R) for x, R in zip(LATTICES, rotations, strict=True)]
    fresh = Examples.of(LabelledLattices.by_beams(lattices), "prior")
    torch.testing.assert_close(turned.batch.strut_vectors, fresh.batch.strut_vectors)
    for name in ("stiffness", "root", "target"):
        size = float(getattr(fresh, name).abs().max())
        torch.testing.assert_close(
            getattr(turned, name), getattr(fresh, name), rtol=0, atol=1e-7 * size
        )


def test_maps_without_a_prior_need_nothing_prepared():
    labelled = LabelledLattices.by_beams(LATTICES)
    examples = Examples.of(labelled, "square")
    assert examples.root is None
    assert examples.target is None
    M = torch.eye(6).double().expand(3, 6, 6)
    C = stiffness_of(M, examples, "square")
    rho = labelled.batch.relative_density
    torch.testing.assert_close(C, rho[:, None, None] * M)
