"""The network's promises hold for random weights: symmetry, energy, consistency, locality."""

import numpy as np
import pytest
import torch
from e3nn import o3

from fem_reference.beam.affine import affine_stiffness
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.equivariant import ModelConfig, StiffnessModel
from lattice_gnn.network.layers.positivity import POSITIVE_MAPS, prior, prior_inverse, prior_root
from lattice_gnn.network.layers.product import HigherOrderProduct
from lattice_gnn.network.layers.readout import symmetric_matrix_basis
from lattice_gnn.network.layers.sphere import SphereGrid, quadrature, spherical_harmonics
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.testing import (
    assert_equivariant,
    example_lattices,
    random_lattice,
    random_rotation,
)

TOLERANCE = {torch.float32: 2e-4, torch.float64: 1e-10}
MAPS = sorted(set(POSITIVE_MAPS) - {"none"})


def make_model(positive_map="prior", dtype=torch.float64, **changes):
    torch.manual_seed(0)
    values = {"channels": 6, "hidden": 16, "readout_channels": 4, **changes}
    values = {"response_channels": 3, "scalars": 5, **values}
    model = StiffnessModel(ModelConfig(positive_map=positive_map, **values), Normaliser())
    with torch.no_grad():  # large readouts, so that C is far from the bare prior
        for readout in model.readouts:
            for weight in readout.out:
                weight.mul_(20)
    return model.to(dtype)


def lattices():
    return [
        *(random_lattice(seed, sections=True) for seed in range(3)),
        cell("octet", radius=0.03),
        cell("bcc", radius=0.05).perturbed(0.05, seed=1),
        cell("sc", radius=0.04),
    ]


def predict(model, members):
    return model(LatticeBatch.from_lattices(members)).detach()


def same(C, D, dtype=torch.float64):
    scale = torch.maximum(C.flatten(1).norm(dim=1), D.flatten(1).norm(dim=1))[:, None, None]
    torch.testing.assert_close(C / scale, D / scale, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("positive_map", MAPS)
def test_turns_with_the_lattice_and_ignores_what_means_nothing(positive_map, dtype):
    model = make_model(positive_map, dtype)
    assert_equivariant(lambda x: predict(model, x), lattices(), tolerance=TOLERANCE[dtype])


def test_a_strut_cut_in_two_changes_nothing():
    """octet with every strut halved by a node, against the octet."""
    whole = cell("octet", radius=0.03)
    count, middle = whole.num_struts, whole.num_nodes
    i, j = whole.struts.T
    centres = (whole.nodes[i] + whole.nodes[j] + whole.shifts) / 2
    numbers = middle + np.arange(count)
    cut = whole.replace(
        nodes=np.concatenate([whole.nodes, centres]),
        struts=np.concatenate([np.stack([i, numbers], 1), np.stack([numbers, j], 1)]),
        shifts=np.concatenate([np.zeros_like(whole.shifts), whole.shifts]),
        radii=np.tile(whole.radii, 2),
    )
    model = make_model()
    same(predict(model, [whole]), predict(model, [cut]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("positive_map", [name for name in MAPS if name != "none"])
def test_energy_is_never_negative(positive_map, dtype):
    C = predict(make_model(positive_map, dtype), [*lattices(), *example_lattices()])
    torch.testing.assert_close(C, C.mT, rtol=0, atol=0)
    eigenvalues = torch.linalg.eigvalsh(C)
    rounding = 1e-15 * eigenvalues[:, -1]
    assert bool((eigenvalues[:, 0] >= -rounding).all())
    if positive_map != "square":
        assert bool((eigenvalues[:, 0] > 0).all())


def test_a_batch_equals_its_members_one_by_one():
    model = make_model()
    together = predict(model, lattices())
    alone = torch.cat([predict(model, [x]) for x in lattices()])
    same(together, alone)


def test_no_gradient_crosses_from_one_lattice_to_another():
    model = make_model()
    batch = LatticeBatch.from_lattices(lattices()[:3])
    nodes = batch.nodes.clone().requires_grad_()
    C = model(batch.replace(nodes=nodes))
    (gradient,) = torch.autograd.grad(C[1].square().sum(), nodes)
    owner = batch.node_lattice
    assert float(gradient[owner == 1].abs().max()) > 0
    assert float(gradient[owner != 1].abs().max()) == 0


@pytest.mark.parametrize("positive_map", MAPS)
def test_gradient_equals_central_differences(positive_map):
    """With respect to positions, radii and cell; octet and bcc have repeated eigenvalues."""
    model = make_model(positive_map)
    members = [cell("octet", radius=0.03), cell("bcc", radius=0.05), random_lattice(1)]
    batch = LatticeBatch.from_lattices(members)
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(3, 6, 6, dtype=torch.float64, generator=generator)
    weights = weights / model(batch).detach().flatten(1).norm(dim=1)[:, None, None]

    def objective(**changes):
        return (model(batch.replace(**changes)) * weights).sum()

    for name in ("nodes", "radii", "cells"):
        x = getattr(batch, name)
        direction = torch.randn(x.shape, dtype=torch.float64, generator=generator) * x.abs().max()
        variable = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(**{name: variable}), variable)
        h = 1e-6
        with torch.no_grad():
            up = objective(**{name: x + h * direction})
            down = objective(**{name: x - h * direction})
        difference = float((up - down) / (2 * h))
        assert float((gradient * direction).sum()) == pytest.approx(difference, rel=1e-6)


def ring_of_struts(model, sectors):
    """States of a joint whose equal struts point along multiples of 45 degrees in a plane."""
    angle = torch.tensor(sectors, dtype=torch.float64) * torch.pi / 4
    directions = torch.stack([angle.cos(), angle.sin(), torch.zeros_like(angle)], 1)
    Y = spherical_harmonics(model.config.lmax, directions)
    features = torch.zeros(len(sectors), 6, dtype=torch.float64)
    here = torch.zeros(len(sectors), dtype=torch.int64)
    return model.products[0](model.first(features, Y, here, 1)).detach()


def test_triples_of_struts_are_seen_at_correlation_3_and_not_at_2():
    """Sectors {0,1,3,4} and {0,1,2,5} of 8 are homometric: the same angles between all pairs.

    So every invariant of order 2 agrees, though the joints are not congruent (Patterson, 1944).
    """
    differences = {}
    for correlation in (2, 3):
        model = make_model(correlation=correlation, layers=1)
        a, b = (ring_of_struts(model, s)[:, 0] for s in ([0, 1, 3, 4], [0, 1, 2, 5]))
        differences[correlation] = float((a - b).norm() / a.norm())
    assert differences[2] < 1e-12
    assert differences[3] > 1e-3


def test_order_k_of_the_product_has_degree_k():
    """A -> -A multiplies the part of order k by (-1)^k, and no part vanishes."""
    torch.manual_seed(0)
    product = HigherOrderProduct(SphereGrid(4), 3, 3).double()
    A = torch.randn(1, 25, 3, dtype=torch.float64)
    weights = [out.weight.detach().clone() for out in product.out]
    for order in (1, 2, 3):
        with torch.no_grad():
            for k, out in enumerate(product.out, start=1):
                out.weight.copy_(weights[k - 1] * (k == order))
            part, mirrored = product(A), product(-A)
        torch.testing.assert_close(mirrored, (-1) ** order * part, rtol=0, atol=1e-12)
        assert float(part.norm()) > 0.1


def test_basis_is_orthonormal_and_transforms_by_degree():
    """R M_a R^T = sum_b D_ba M_b, where e3nn's harmonics turn as Y(Q n) = D Y(n)."""
    basis = symmetric_matrix_basis()
    gram = torch.einsum("aij,bij->ab", basis, basis)
    torch.testing.assert_close(gram, torch.eye(21, dtype=torch.float64), rtol=0, atol=1e-13)
    torch.testing.assert_close(basis, basis.mT, rtol=0, atol=1e-14)
    Q = torch.from_numpy(random_rotation(2))
    R = rotation_mandel(Q)
    points, weights = quadrature(8)
    blocks = []
    for copies, (l, _) in o3.Irreps("2x0e + 2x2e + 1x4e"):
        Y, turned = (
            o3.spherical_harmonics(l, x, normalize=True, normalization="component")
            for x in (points, points @ Q.T)
        )
        blocks += copies * [(weights[:, None] * turned).T @ Y]
    D = torch.block_diag(*blocks)
    expected = torch.einsum("ba,bij->aij", D, basis)
    torch.testing.assert_close(R @ basis @ R.T, expected, rtol=0, atol=1e-13)


def test_prior_in_closed_form_is_the_affine_stiffness():
    """Against the operator of the beam elements: tapered, hollow, of several moduli; gradients."""
    batch = LatticeBatch.from_lattices(lattices())
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(len(batch), 6, 6, dtype=torch.float64, generator=generator)
    gradients = []
    for stiffness in (affine_stiffness, lambda x: prior_root(x) @ prior_root(x)):
        names = ("nodes", "cells", "radii", "end_radii", "inner_radii", "E")
        changes = {name: getattr(batch, name).clone().requires_grad_() for name in names}
        C = stiffness(batch.replace(**changes))
        same(C.detach(), affine_stiffness(batch))
        (C * weights).sum().backward()
        gradients.append([x.grad for x in changes.values()])
    for expected, gradient in zip(*gradients, strict=True):
        assert float((gradient - expected).norm() / expected.norm()) < 1e-10


def test_zero_matrix_gives_the_affine_bound_and_the_inverse_map_returns():
    batch = LatticeBatch.from_lattices(lattices())
    zero = torch.zeros(len(batch), 6, 6, dtype=torch.float64)
    same(prior(zero, batch), affine_stiffness(batch))
    C = homogenise_beam(batch).stiffness.mandel
    same(prior(prior_inverse(C, batch), batch), C)


def test_unknown_and_impossible_settings_are_refused():
    with pytest.raises(LatticeGnnError, match=r"model\.chanels: unknown key"):
        ModelConfig.from_dict({"chanels": 3})
    with pytest.raises(LatticeGnnError, match=r"model\.lmax: expected a whole number >= 4, got 3"):
        ModelConfig(lmax=3)
    with pytest.raises(LatticeGnnError, match=r"model\.positive_map: expected one of"):
        ModelConfig(positive_map="cholesky")
