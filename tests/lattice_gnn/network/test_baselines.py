"""The models of the comparison; what all promise is in test_registry_invariants."""

import math

import numpy as np
import pytest
import torch

from fem_reference.beam.affine import affine_stiffness
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.invariant import InvariantConfig, InvariantLayer, _Edges
from lattice_gnn.network.layers.positivity import POSITIVE_MAPS
from lattice_gnn.network.layers.sphere import spherical_harmonics
from lattice_gnn.network.layers.struts import DirectedStruts
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.network.ridge import couples
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.tensors.rotations import cube_rotations
from lattice_gnn.testing import random_lattice, random_rotation

DIRECTIONS = ("cgcnn", "mcgcnn", "nnconv")
SMALL = {"channels": 4, "layers": 2, "head": 6}


def lattices():
    return [
        random_lattice(1, sections=True),
        random_lattice(2, num_nodes=4),
        cell("octet", radius=0.03),
    ]


def make(kind, **options):
    torch.manual_seed(1)
    model = build_model(read_model_config({"kind": kind, **options}), Normaliser()).double()
    with torch.no_grad():
        if kind in DIRECTIONS:
            model.head[-1].weight.mul_(30)
    return model


def turned_error(model, Q):
    R = rotation_mandel(Q)
    C = model(LatticeBatch.from_lattices(lattices())).detach()
    turned = model(LatticeBatch.from_lattices([x.rotated(Q.numpy()) for x in lattices()])).detach()
    difference = turned - R @ C @ R.mT
    return float((difference.flatten(1).norm(dim=1) / C.flatten(1).norm(dim=1)).max())


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_group_average_is_equivariant_under_the_cube_and_under_nothing_else(kind):
    averaged, plain = make(kind, **SMALL, group_average=True), make(kind, **SMALL)
    for Q in cube_rotations()[[3, 10, 17]]:
        assert turned_error(averaged, Q) < 1e-12
        assert turned_error(plain, Q) > 1e-3
    assert turned_error(averaged, torch.from_numpy(random_rotation(5))) > 1e-3


def test_group_average_is_the_mean_over_turned_lattices(monkeypatch):
    """Against its definition, one rotation after the other, whatever is stacked at once."""
    averaged, plain = make("cgcnn", **SMALL, group_average=True), make("cgcnn", **SMALL)
    plain.load_state_dict(averaged.state_dict())
    batch = LatticeBatch.from_lattices(lattices())
    expected = torch.zeros(len(batch), 6, 6, dtype=torch.float64)
    for Q in cube_rotations():
        R = rotation_mandel(Q)
        expected += R.mT @ plain.matrix(batch.replace(cells=batch.cells @ Q.mT)) @ R / 24
    for edges in (1, 300, 10**6):
        monkeypatch.setattr("lattice_gnn.network.baselines._EDGES_AT_ONCE", edges)
        torch.testing.assert_close(averaged.matrix(batch), expected, rtol=0, atol=1e-12)


def test_none_lets_energy_be_negative_and_scales_with_density():
    batch = LatticeBatch.from_lattices([cell("sc", radius=0.05), cell("sc", radius=0.1)])
    M = torch.diag(torch.tensor([1.0, -2.0, 1, 1, 1, 1], dtype=torch.float64)).expand(2, 6, 6)
    C = POSITIVE_MAPS["none"](M, batch)
    rho = 3 * math.pi * 0.05**2  # three struts of length 1
    torch.testing.assert_close(C, M * torch.tensor([rho, 4 * rho])[:, None, None].double())


def test_affine_is_the_affine_stiffness():
    batch = LatticeBatch.from_lattices(lattices())
    torch.testing.assert_close(
        make("affine")(batch), affine_stiffness(batch), rtol=1e-10, atol=1e-14
    )


def test_angular_sums_are_legendre_polynomials_of_the_angles():
    """sc: the other strut ends stand at 0, 90 and 180 degrees: P_2 = 1, -1/2 (four), 1."""
    batch = LatticeBatch.from_lattices([cell("sc", radius=0.05)])
    struts = DirectedStruts(batch)
    Y = spherical_harmonics(4, struts.vectors)
    layer = InvariantLayer(InvariantConfig(channels=2, hidden=2, angular=1), 1.0)
    edges = _Edges(struts, struts.features, Y)
    angles = layer._angles(torch.ones(6, 1, dtype=torch.float64), edges, 1)
    expected = [6, 0, 1 + 1 - 4 / 2, 0, 1 + 1 + 4 * 3 / 8]
    torch.testing.assert_close(angles, torch.tensor([expected] * 6).double(), atol=1e-12, rtol=0)


def test_invariant_readout_orients_by_struts_alone():
    """All struts of a column along z: M is transversely isotropic, whatever the weights."""
    lattice = cell("sc", radius=0.05)
    model = make("invariant", channels=3, hidden=4, layers=1)
    M = model.matrix(LatticeBatch.from_lattices([lattice.strained(np.diag([1, 1, 1.7]))])).detach()[
        0
    ]
    R = rotation_mandel(torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]).double())
    torch.testing.assert_close(R @ M @ R.mT, M, rtol=0, atol=1e-14)
    assert float((M[2, 2] - M[0, 0]).abs()) > 1e-5


def test_states_of_the_invariant_network_do_not_grow_with_its_messages():
    """A thousand times larger messages in three rounds, at nodes of 4 to 14 struts."""
    batch = LatticeBatch.from_lattices(
        [cell(name, radius=0.03) for name in ("diamond", "bcc", "octet")]
    )
    model = make("invariant")
    before = float(model.matrix(batch).detach().abs().max())
    with torch.no_grad():
        for layer in model.layers:
            layer.messages[-1].weight.mul_(1e3)
    assert float(model.matrix(batch).detach().abs().max()) < 50 * before


def test_couplings_follow_parity_and_the_triangle():
    assert couples([2], 2)
    assert couples([1, 3], 4)
    assert couples([1, 1, 2], 4)
    assert not couples([1, 2], 2)  # parity
    assert not couples([1, 1], 4)  # triangle


def test_impossible_settings_are_refused():
    for values, message in [
        ({"kind": "cgcnn", "channels": 0}, r"model\.channels: expected a whole number >= 1, got 0"),
        ({"kind": "nnconv", "positive_map": "chol"}, r"model\.positive_map: expected one of none"),
        ({"kind": "cgcnn", "gru": True}, r"model\.gru: unknown key"),
        ({"kind": "ridge", "order": 4}, r"model\.order: expected 1, 2 or 3, got 4"),
        ({"kind": "ridge", "positive_map": "square"}, r"model\.positive_map"),
        ({"kind": "gcn"}, r"model\.kind: expected one of affine, cgcnn"),
    ]:
        with pytest.raises(LatticeGnnError, match=message):
            read_model_config(values)


@pytest.mark.parametrize("kind", [*DIRECTIONS, "invariant"])
def test_default_sizes_compare_with_the_equivariant_network_of_24_channels(kind):
    ours = read_model_config({"kind": "equivariant", "channels": 24})
    counts = [
        sum(p.numel() for p in build_model(config, Normaliser()).parameters())
        for config in (read_model_config({"kind": kind}), ours)
    ]
    assert counts[0] == pytest.approx(counts[1], rel=0.1)
