"""Response fields and their energy: transposes, rigid motions, the affine limit, symmetry."""

import numpy as np
import pytest
import torch
from torch import nn

from fem_reference.beam.affine import affine_stiffness
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.equivariant import SIZES, ModelConfig, StiffnessModel
from lattice_gnn.network.layers import energy, relaxation
from lattice_gnn.network.layers.positivity import AffinePrior
from lattice_gnn.network.layers.response import (
    _MIXING,
    _UNMIXING,
    StrutFrames,
    collect,
    deformation,
)
from lattice_gnn.network.layers.struts import STRUT_FEATURES, DirectedStruts, gaussian_features
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.matrix_functions import Spectrum, symmetric_function
from lattice_gnn.testing import assert_equivariant, example_lattices, random_lattice

SMALL = {"channels": 4, "hidden": 8, "readout_channels": 3, "layers": 1, "scalars": 5}


def frames_of(*members):
    batch = LatticeBatch.from_lattices(members)
    return batch, StrutFrames(batch, DirectedStruts(batch), AffinePrior(batch), torch.float64)


def model_of(**changes):
    torch.manual_seed(0)
    values = {**SMALL, "relaxation": 3, "response_channels": 4, **changes}
    model = StiffnessModel(ModelConfig.from_dict(values), Normaliser()).double()
    if model.relaxation is not None:  # strong weights, so that C is far from the affine bound
        with torch.no_grad():
            nn.init.normal_(model.relaxation.readout.weights.layers[-1].weight, std=0.1)
            model.relaxation.readout.mix.mul_(3)
    return model


def predict(model, members):
    return model(LatticeBatch.from_lattices(members)).detach()


def test_collecting_is_the_transpose_of_deforming():
    """<deformation(X), P> = <X, collect(P)> for any X and P."""
    batch, frames = frames_of(random_lattice(0), random_lattice(1))
    X = torch.randn(2, len(batch.nodes), 3, 12, dtype=torch.float64)
    P = torch.randn(len(batch.radii), 9, 12, dtype=torch.float64)
    left = (deformation(X, frames) * P).sum()
    right = (X * collect(P, frames)).sum()
    torch.testing.assert_close(left, right, rtol=1e-12, atol=0)


def test_gradients_of_both_maps_against_differences():
    batch, frames = frames_of(random_lattice(2))
    X = torch.randn(2, len(batch.nodes), 3, 2, dtype=torch.float64, requires_grad=True)
    P = torch.randn(len(batch.radii), 9, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: deformation(x, frames), (X,))
    assert torch.autograd.gradcheck(lambda p: collect(p, frames), (P,))


def test_mixing_is_undone_up_to_the_prior():
    """W = (A + 0.01)^(-1/2), and W T = A^(-1/2); gradients at repeated eigenvalues."""
    A = affine_stiffness(LatticeBatch.from_lattices([cell("octet", radius=0.2), random_lattice(1)]))
    spectrum = Spectrum(A)
    W, T = spectrum(_MIXING), spectrum(_UNMIXING)
    shifted = A + 0.01 * torch.eye(6)
    torch.testing.assert_close(W, symmetric_function(shifted, "inv_sqrt"))
    torch.testing.assert_close(W @ T, symmetric_function(A, "inv_sqrt"))
    for function in (_MIXING, _UNMIXING):
        check = (lambda a, f=function: Spectrum(a)(f), (A.requires_grad_(),))
        assert torch.autograd.gradcheck(*check)


def test_a_strut_answers_along_across_and_around_its_axis():
    """K of random gates against its nine blocks, written out."""
    batch, frames = frames_of(random_lattice(8))
    problem = relaxation.Problem(batch, torch.zeros(len(batch.radii), 1), frames, 1)
    k = torch.randn(len(batch.radii), 8, dtype=torch.float64)
    K = relaxation.StrutMatrix().double()(k, problem)
    t = frames.axes[:, 0]
    along = t[:, :, None] * t[:, None]
    across = torch.eye(3) - along
    turn = torch.linalg.cross(t[:, :, None], torch.eye(3).to(t)[None], dim=1)  # columns t x e_j
    k, zero = k[:, :, None, None].unbind(1), torch.zeros_like(along)
    blocks = [
        [k[0] * along + k[1] * across, k[2] * turn, zero],
        [k[3] * turn, k[4] * along + k[5] * across, zero],
        [zero, zero, k[6] * along + k[7] * across],
    ]
    expected = torch.cat([torch.cat(row, 2) for row in blocks], 1)
    torch.testing.assert_close(K, expected, rtol=0, atol=1e-14)


def test_product_node_by_node():
    A = torch.randn(2, 5, 3, 3, dtype=torch.float64, requires_grad=True)
    X = torch.randn(2, 5, 3, 4, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(relaxation._NodeProduct.apply(A, X), A @ X)
    assert torch.autograd.gradcheck(relaxation._NodeProduct.apply, (A, X))


def test_a_rigid_rotation_deforms_no_strut():
    """u = omega x r, theta = omega: all four parts of every strut's deformation vanish."""
    _, frames = frames_of(random_lattice(3))
    omega = torch.tensor([0.3, -1.1, 0.7], dtype=torch.float64)
    t = frames.axes[:, 0]
    relative = torch.linalg.cross(omega.expand_as(t), frames.length[:, None] * t)
    D = torch.cat([relative, omega.expand_as(t), torch.zeros_like(t)], -1)
    parts = (energy._parts(frames) @ D[..., None])[..., 0]
    assert parts.abs().max() < 1e-14
    bent = D + torch.cat([torch.zeros(6), torch.ones(3)]).to(D)
    assert (energy._parts(frames) @ bent[..., None]).abs().max() > 0.1


@pytest.mark.parametrize(
    "lattice",
    [
        cell("sc", radius=0.01),  # shear is pure bending: 10^4 times softer than stretching
        cell("bcc", radius=0.05),
        cell("octet", radius=0.03).replace(E=2 * np.ones(24)),
        cell("octet", radius=0.03).replace(inner_radii=0.02 * np.ones(24)),
        random_lattice(6),
    ],
    ids=["sc", "bcc", "octet, E = 2", "octet, hollow", "random"],
)
def test_without_response_the_energy_is_the_prior(lattice):
    """M = 0 at X = 0 and w = 1: C is the affine stiffness, bending included."""
    batch, frames = frames_of(lattice)
    readout = energy.EnergyReadout(2, 1, 2, 4).double()
    with torch.no_grad():
        for parameter in readout.factors.parameters():
            parameter.zero_()
    X = torch.zeros(2, len(batch.nodes), 3, 12, dtype=torch.float64)
    scalars = torch.zeros(len(batch.nodes), 2, dtype=torch.float64)
    M = readout(X, scalars, torch.zeros(len(batch.radii), 1).double(), frames, batch)
    assert M.abs().max() < 1e-5


def test_energy_of_the_true_response_is_the_stiffness():
    """With the displacements and rotations of beam FEM as response the readout gives C itself."""
    lattice = random_lattice(7)
    batch, frames = frames_of(lattice)
    P, C = affine_stiffness(batch), homogenise_beam([lattice]).stiffness.mandel
    root = symmetric_function(P, "inv_sqrt")
    expected = symmetric_function((root @ C @ root + (root @ C @ root).mT) / 2, "log")
    readout = energy.EnergyReadout(1, 1, 2, 4, extra=1).double()
    with torch.no_grad():
        for parameter in readout.factors.parameters():
            parameter.zero_()
        readout.mix.copy_(torch.tensor([1.0, 0.0]))
    fields = homogenise_beam([lattice], fields=True).fields
    P_hat = P[0] / batch.relative_density[0]
    W = torch.linalg.inv(P_hat + 0.01 * torch.eye(6)).double()
    W = symmetric_function(W[None], "sqrt")[0]
    mean_length = batch.lengths.mean()
    X = torch.stack([fields.fluctuations / mean_length, fields.rotations]) @ W
    scalars = torch.zeros(len(batch.nodes), 2, dtype=torch.float64)
    M = readout(X, scalars, torch.zeros(len(batch.radii), 1).double(), frames, batch)
    torch.testing.assert_close(M, expected, rtol=0, atol=1e-4)


def test_cofactor_inverse():
    H = torch.randn(5, 3, 3, dtype=torch.float64)
    H = H @ H.mT + torch.eye(3)
    torch.testing.assert_close(relaxation._inverse(H), torch.linalg.inv(H))


@pytest.mark.parametrize("features", ["continuous", "gaussian"])
def test_turns_with_the_lattice_and_ignores_what_means_nothing(features):
    model = model_of(features=features)
    members = [*(random_lattice(seed, sections=True) for seed in range(3)), *example_lattices()]
    assert_equivariant(lambda x: predict(model, x), members, tolerance=1e-9)


def test_half_precision_changes_little_and_the_energy_is_never_in_it():
    """Autocast on the CPU stands for a GPU."""
    model = model_of().float()
    batch = LatticeBatch.from_lattices([random_lattice(seed) for seed in range(4)]).simplified()
    M = model.matrix(batch).detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = model.matrix(batch)
    assert half.dtype == torch.float64
    error = (half.detach() - M).norm() / M.norm()
    assert 1e-6 < error < 0.05
    half.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_each_step_changes_the_answer():
    """Relaxation is not a bystander: more steps, same seed, another stiffness."""
    members = [random_lattice(4), cell("kelvin", radius=0.02)]
    C = [predict(model_of(relaxation=n), members) for n in (1, 2, 3)]
    for a, b in ((0, 1), (1, 2)):
        difference = (C[a] - C[b]).flatten(1).norm(dim=1) / C[a].flatten(1).norm(dim=1)
        assert bool((difference > 1e-3).all())


def test_rotations_of_the_nodes_matter_to_the_result():
    """Without the axial half of the response the answer differs (chiral lattice)."""
    model = model_of()
    members = [random_lattice(5)]
    before = predict(model, members)
    with torch.no_grad():
        for step in model.relaxation.steps:
            step.change[1].zero_()
    assert not torch.allclose(before, predict(model, members), rtol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_read_and_may_be_changed(size):
    config = ModelConfig.from_dict({"size": size, "hidden": 9})
    assert config.hidden == 9
    for name, value in {**SIZES[size], "hidden": 9}.items():
        assert getattr(config, name) == value


def test_the_paper_preset_is_the_published_network():
    config = ModelConfig.from_dict({"size": "paper"})
    assert (config.lmax, config.channels, config.correlation, config.layers) == (4, 32, 3, 2)
    assert (config.readout_channels, config.positive_map, config.relaxation) == (16, "square", 0)
    assert config.features == "gaussian"


def test_unknown_size_is_refused():
    with pytest.raises(LatticeGnnError, match=r"model.size: expected one of paper.*got 'huge'"):
        ModelConfig.from_dict({"size": "huge"})


def test_gaussians_peak_at_their_centres_and_keep_the_rest():
    features = torch.zeros(1, len(STRUT_FEATURES))
    features[0, :2] = torch.tensor([2.5, -2.5])  # the last and the first centre
    expanded = gaussian_features(features)[0]
    assert expanded[:6].argmax() == 5
    assert expanded[6:12].argmax() == 0
    assert expanded[5] == expanded[6] == 1
    torch.testing.assert_close(expanded[4], torch.tensor(-1.0).exp())
    assert expanded[12:].equal(features[0, 2:])
