"""Ideas of the family: equivariance, independence of the cell, the search of terms."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.equivariant import ModelConfig
from lattice_gnn.network.joints import JointConfig
from lattice_gnn.network.layers.sphere import spherical_harmonics
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.tensors.rotations import quaternion_matrix
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.normal_equations import NormalEquations

ROOT = Path(__file__).parents[2]
LIGHT = ModelConfig.from_dict({"channels": 4, "layers": 2, "hidden": 8, "positive_map": "beam"})


@pytest.fixture(scope="module")
def green(benchmark):
    return benchmark("idea_green")


@pytest.fixture(scope="module")
def models(benchmark):
    return benchmark("idea_models")


@pytest.fixture(scope="module")
def terms(benchmark):
    return benchmark("idea_terms")


@pytest.fixture(scope="module")
def batch():
    lattices = [cell("bcc", radius=0.05), cell("diamond", radius=0.04)]
    return LatticeBatch.from_lattices([x.perturbed(0.05, seed=3) for x in lattices])


def test_blocks_are_the_same_in_a_supercell_to_1e_10(green, monkeypatch):
    """The Green's function is that of the infinite lattice, whatever cell describes it."""
    monkeypatch.setattr(green, "SHIFTS", (0.1, 1.0))
    lattice = cell("bcc", radius=0.05).perturbed(0.04, seed=1)
    single, double = (
        green.node_features(LatticeBatch.from_lattices([x]), accuracy=1e-12)
        for x in (lattice, lattice.supercell(2, 1, 1))
    )
    apart = (double[:, None] - single).abs().amax(2).amin(1)
    assert float(apart.max()) < 1e-10 * float(single.abs().max())


def test_without_neighbours_in_reach_a_block_is_that_of_the_node_alone(green, monkeypatch):
    """At a large shift G is (s M + K_ii)^-1, K_ii the struts of the node with their ends held."""
    monkeypatch.setattr(green, "SHIFTS", (1e6,))
    batch = LatticeBatch.from_lattices([cell("bcc", radius=0.05)])
    (G,) = green.blocks(batch, 1e-3)
    unit = float(batch.lengths.mean())
    volume = float((torch.pi * batch.radii**2 * batch.lengths).sum()) / unit**3
    mass = 1e6 * volume / 2  # two nodes share all struts
    assert G[:, 0, 0].numpy() == pytest.approx(1 / mass, rel=1e-3)
    assert G[:, 5, 5].numpy() == pytest.approx(1 / mass / green.GYRATION**2, rel=1e-3)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", ["FusionModel", "GreenEncoder", "GreenJoints"])
def test_every_idea_is_equivariant(models, batch, name, sign):
    torch.manual_seed(0)
    q = torch.randn(1, 4, dtype=torch.float64)
    R = quaternion_matrix(q / q.norm())[0]
    turned = batch.replace(cells=sign * batch.cells @ R.mT)
    config = JointConfig(hidden=8, embedding=4) if name == "GreenJoints" else LIGHT
    model = getattr(models, name)(config, Normaliser.fit(batch))
    with torch.no_grad():
        C, other = model.stiffness(batch), model.stiffness(turned)
    Q = rotation_mandel(R[None])
    assert float((Q @ C @ Q.mT - other).norm() / C.norm()) < 1e-5


def test_fusion_contains_a_product_that_functions_on_the_sphere_lack(models):
    """l = 1 x l = 1 -> l = 1 is the cross product: zero in pointwise products, here a path."""
    torch.manual_seed(0)
    product = models.FusionProduct(2, 1, 3)
    path = [(a, b, c) for a, b in product.pairs for c in range(abs(a - b), min(2, a + b) + 1)]
    with torch.no_grad():
        product.weights.zero_()
        product.weights[0, 0, path.index((1, 1, 1))] = 1.0
    vectors = torch.randn(2, 3)
    A, B = spherical_harmonics(2, vectors)[:, :, None]
    with torch.no_grad():
        natural, unnatural = product._fused(A[None], None, B[None], 0)
    expected = torch.linalg.cross(vectors[0], vectors[1])
    found = unnatural[0, 1:4, 0]
    assert float(natural.abs().max()) == 0
    assert float(torch.linalg.cross(found, expected).norm()) < 1e-5 * float(
        found.norm() * expected.norm()
    )
    assert float(found.norm()) > 0


def test_pursuit_finds_the_terms_of_a_sparse_model(terms):
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(400, 30)))
    y = (3 * x[:, 4] - 2 * x[:, 17] + x[:, 9])[:, None]
    equations = NormalEquations.empty(30, 1, x)
    equations.add(x, y)
    assert terms.pursuit(equations, 3) == [4, 17, 9]


def test_terms_are_those_of_the_joint_energy(terms, batch):
    """M of weights is the product of the columns and the weights, and is named in order."""
    equations_batch = LabelledLattices.by_beams(batch.to_lattices())
    torch.manual_seed(1)
    weights = 1e-2 * torch.randn(len(terms.FUNCTIONS), len(terms.FORMS), dtype=torch.float64)
    C = terms.TermModel(weights).stiffness(equations_batch.batch)
    equations = terms.equations_of(LabelledLattices(equations_batch.batch, C))
    assert equations.error(weights.view(-1, 1)) < 1e-12 * equations.square
    assert terms.names_of([0, len(terms.FORMS)]) == ["1 · f.t_a f.t_a", "c · f.t_a f.t_a"]


def test_radii_of_classes_have_as_many_values_and_beam_labels(benchmark):
    ideas = benchmark("ideas")
    plain = LabelledLattices.by_beams([cell("octet", radius=0.02)])
    one, ten = ideas.with_classes(1, plain), ideas.with_classes(10, plain)
    assert torch.equal(one.batch.radii, plain.batch.radii)
    assert 2 < len(ten.batch.radii.unique()) <= 10
    assert float(ten.batch.radii.max()) <= 0.02 * ideas.WIDEST * (1 + 1e-12)
    assert torch.equal(ten.stiffness, LabelledLattices.by_beams(ten.batch.to_lattices()).stiffness)
