"""Links between struts that overlap: where they are, what they do, and that nothing jumps."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.datasets.file import read_dataset
from fem_reference.beam import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.joints import JointConfig, JointModel
from lattice_gnn.network.layers.links import weld
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.testing import assert_equivariant, assert_gradient, random_lattice

LABELS = Path(__file__).parents[4] / "data" / "solid_set"
CROSSED, PARALLEL = (0.5, 0.12, 0.5), (0.5, 0.12, 0.0)
JUMP = 1e-6


def two_nets(offset: tuple[float, float, float], radius: float) -> Lattice:
    """Two simple cubic nets without a common node; some axes are 0.12 apart."""
    one = cell("simple-cubic", radius=radius)
    return one.replace(
        nodes=np.concatenate([one.nodes, one.nodes + offset]),
        struts=np.concatenate([one.struts, one.struts + 1]),
        shifts=np.concatenate([one.shifts, one.shifts]),
        radii=np.concatenate([one.radii, one.radii]),
    )


def batch_of(*lattices: Lattice) -> LatticeBatch:
    return LatticeBatch.from_lattices(lattices)


def model() -> JointModel:
    torch.manual_seed(0)
    network = JointModel(JointConfig(hidden=8, embedding=4), Normaliser())
    with torch.no_grad():
        network.members[0].polynomial.normal_(0, 0.2)
    return network.double().eval()


def beam(batch: LatticeBatch) -> torch.Tensor:
    return homogenise_beam(batch).stiffness.mandel


def test_links_join_the_closest_points():
    radius = 0.065
    welds = weld(batch_of(two_nets(CROSSED, radius)))
    new = welds.batch
    vectors, radii = new.strut_vectors[new.radii != radius], new.radii[new.radii != radius]
    # z-struts of one net cross x-struts of the other, half-way between nodes
    torch.testing.assert_close(vectors.abs(), vectors.new_tensor([[0, 0.12, 0]]).expand(2, 3))
    torch.testing.assert_close(welds.places, torch.full_like(welds.places, 0.5))
    # half the width of the lens of two circles 0.12 apart is 0.025
    assert float(radii.max()) < 0.025 < 1.5 * float(radii.min())
    assert new.struts.shape == (6 + 4 + 2, 2)


def test_struts_that_do_not_touch_have_no_link():
    assert weld(batch_of(two_nets(CROSSED, 0.0599), cell("octet", radius=0.1))) is None


def test_struts_along_one_another_are_linked_in_the_middle_of_their_overlap():
    welds = weld(batch_of(two_nets(PARALLEL, 0.065)))
    # x-struts of the nets overlap by halves: the middles of these are at 1/4 and 3/4
    from_middle = (welds.places - 0.5).abs()
    places = welds.places[(from_middle > 0.1) & (from_middle < 0.4)]  # others are near nodes
    assert len(places) == 4
    torch.testing.assert_close(
        (places - 0.5).abs(), torch.full_like(places, 0.25), atol=0.02, rtol=0
    )


@pytest.mark.parametrize("offset", [CROSSED, PARALLEL])
def test_invariant_with_links(offset, path):
    network = model()
    assert_equivariant(
        lambda x: network(LatticeBatch.from_lattices(x)).detach(),
        [two_nets(offset, 0.07)],
        tolerance=1e-10,
    )


@pytest.mark.parametrize("offset", [CROSSED, PARALLEL])
def test_nothing_jumps_as_a_contact_comes(offset):
    """Neither where the struts begin to touch nor where the link begins to exist."""
    network, touching = model(), 0.06
    steps = np.array([-1e-6, 1e-6, 1e-5, *np.linspace(1e-4, 2e-3, 20)])
    with torch.no_grad():
        C = network(batch_of(*(two_nets(offset, touching * (1 + x)) for x in steps)))
    moved = relative_frobenius(C[1:], C[:-1]).numpy()
    smooth = 6 * np.diff(steps)  # C grows at most with the fourth power of the radius; links add
    assert (moved < smooth + JUMP).all()


def test_gradient_with_links_is_that_of_central_differences(path):
    network, batch = model(), batch_of(two_nets((0.47, 0.12, 0.52), 0.07))
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    for name in ("nodes", "radii", "cells"):
        x = getattr(batch, name)
        load = lambda x, name=name: (weights * network(batch.replace(**{name: x}))).sum()  # noqa: E731
        direction = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        assert_gradient(load, x, direction * (0.1 if name == "radii" else 1.0), absolute=1e-12)


def test_links_only_stiffen_a_frame():
    batch = batch_of(two_nets(CROSSED, 0.07), *(random_lattice(k).simplified() for k in range(6)))
    welds = weld(batch)
    assert bool(welds.linked.all())
    added = torch.linalg.eigvalsh(beam(welds.batch) - beam(batch))
    assert bool((added[:, 0] > -1e-9 * added[:, -1]).all())
    assert bool((added[:, -1] > 0).all())


def test_frames_with_links_are_nearer_to_solids():
    """Labelled lattices whose struts overlap."""
    before, after = [], []
    for name in ("fine_test", "weak_test", "weak_train"):
        dataset = read_dataset(LABELS / f"{name}.h5")
        detail = dataset.labels["solid"].detail("touching")
        batch, C = dataset.labelled("solid", np.flatnonzero(detail > 0))
        welds = weld(batch)
        before.append(relative_frobenius(beam(batch), C))
        after.append(relative_frobenius(beam(welds.batch), C))
    before, after = torch.cat(before), torch.cat(after)
    assert len(before) > 25
    assert float((after < before).double().mean()) > 0.6
    assert float(after.mean()) < 0.95 * float(before.mean())


def test_nodes_of_the_lattice_are_found_in_the_linked_one():
    batch = batch_of(*(random_lattice(k).simplified() for k in range(3)))
    welds = weld(batch)
    torch.testing.assert_close(welds.batch.nodes[welds.nodes], batch.nodes)
    i, j = batch.nodes[welds.ends].unbind(1)
    assert len(welds.feet) + len(welds.nodes) == len(welds.batch.nodes)
    torch.testing.assert_close(welds.batch.relative_density > batch.relative_density, welds.linked)
    assert i.shape == j.shape == (len(welds.places), 3)


def test_training_sees_overlapping_struts_without_links():
    apart, touching = two_nets(CROSSED, 0.05), two_nets(CROSSED, 0.07)
    network = model()
    with torch.no_grad():
        linked, plain = (
            [answer(batch_of(x)).stiffness for x in (apart, touching)]
            for answer in (network.answer, network.answer_in_training)
        )
    torch.testing.assert_close(linked[0], plain[0], rtol=1e-6, atol=0)
    assert float(relative_frobenius(linked[1], plain[1])) > 0.01


def test_a_heap_of_overlapping_struts_gets_no_links():
    assert weld(batch_of(cell("octet", radius=1.0))) is None
    good = cell("octet", radius=0.05)
    welds = weld(batch_of(cell("octet", radius=1.0), two_nets(CROSSED, 0.065), good))
    assert welds.linked.tolist() == [False, True, False]
