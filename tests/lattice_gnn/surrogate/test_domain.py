"""Coordination sequences against published ones; the training domain notices what leaves it."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell, cell_names
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.coordination import coordination_sequences, net_fingerprint
from lattice_gnn.surrogate.domain import MANY_NETS, Domain
from lattice_gnn.testing import random_lattice, random_unimodular

# RCSR / O'Keeffe and Hyde 1996: pcu, bcu, dia, sod, srs, fcu (10 n^2 + 2).
PUBLISHED = {
    "sc": (6, 18, 38, 66),
    "bcc": (8, 26, 56, 98),
    "diamond": (4, 12, 24, 42),
    "kelvin": (4, 10, 20, 34),
    "gyroid": (3, 6, 12, 24),
    "octet": (12, 42, 92, 162),
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_coordination_sequences_are_the_published_ones(name):
    sequences = coordination_sequences(cell(name, radius=0.01), shells=4)
    assert (sequences == PUBLISHED[name]).all()


@pytest.mark.parametrize("seed", range(5))
def test_fingerprint_depends_on_the_net_alone(seed):
    lattice = random_lattice(seed)
    changed = lattice.supercell((2, 1, 1)).with_cell_vectors(random_unimodular(seed))
    changed = changed.perturbed(0.02, seed=1)
    assert net_fingerprint(changed) == net_fingerprint(lattice)


def test_fingerprints_agree_for_equal_nets_only():
    """The square columns are the simple cubic net stretched, the re-entrant ones the hexagonal."""
    prints = {}
    for name in cell_names():
        prints.setdefault(net_fingerprint(cell(name, radius=0.01).simplified()), []).append(name)
    shared = sorted(sorted(names) for names in prints.values() if len(names) > 1)
    assert shared == [["hexagonal-honeycomb", "re-entrant-honeycomb"], ["sc", "square-honeycomb"]]


def test_domain_accepts_its_members_and_names_every_departure():
    members = [cell("bcc", radius=r) for r in (0.02, 0.08)]
    domain = Domain.of(members)
    assert domain == Domain.from_dict(domain.to_dict())
    assert domain.notes(cell("bcc", radius=0.05)) == ()
    thick = domain.notes(cell("bcc", radius=0.1))
    assert len(thick) == 2
    assert thick[0].startswith("relative density is 0.2177, trained on")
    assert thick[1].startswith("radius/length is 0.1155, trained on 0.02309 to 0.09238")
    other = domain.notes(cell("octet", radius=0.02))
    assert any("none of the 1 nets" in note for note in other)
    assert any(note.startswith("struts at a node is 12") for note in other)
    bent = cell("bcc", radius=0.05).perturbed(0.1, seed=0)
    assert any(note.startswith("length/mean length") for note in domain.notes(bent))
    hollow = cell("bcc", radius=0.05)
    hollow = hollow.replace(inner_radii=0.5 * hollow.radii, nu=np.full(8, 0.4))
    notes = domain.notes(hollow)
    assert any(note.startswith("bore/outer radius is 0.5") for note in notes)
    assert any(note.startswith("Poisson's ratio is 0.4") for note in notes)


def test_a_batch_spans_what_its_lattices_span():
    lattices = [random_lattice(seed, sections=True) for seed in range(6)]
    one_by_one = [Domain.of([lattice]) for lattice in lattices]
    together = Domain.of(lattices)
    for name, (low, high) in together.ranges.items():
        assert low == pytest.approx(min(domain.ranges[name][0] for domain in one_by_one))
        assert high == pytest.approx(max(domain.ranges[name][1] for domain in one_by_one))
    assert together.nets == frozenset().union(*(domain.nets for domain in one_by_one))


def test_ranges_are_those_of_the_formulae():
    """A BCC cell of edge 1: 8 struts of length sqrt(3)/2, two nodes of 8 struts each."""
    lattice = cell("bcc", radius=0.05, nu=0.2)
    ranges = Domain.of([lattice]).ranges
    assert ranges["radius/length"] == pytest.approx((0.05 / (np.sqrt(3) / 2),) * 2)
    assert ranges["relative density"] == pytest.approx((8 * np.pi * 0.05**2 * np.sqrt(3) / 2,) * 2)
    assert ranges["mean struts at a node"] == ranges["struts at a node"] == (8, 8)
    tapered = lattice.replace(
        end_radii=2 * lattice.radii, inner_radii=lattice.radii / 4, E=np.r_[0.5, np.full(7, 2)]
    )
    ranges = Domain.of([tapered]).ranges
    assert ranges["taper end radius/start radius"] == pytest.approx((2, 2))
    assert ranges["radius/mean radius"] == pytest.approx((2 / 3, 4 / 3))
    assert ranges["bore/outer radius"] == pytest.approx((0.25, 0.25))
    assert ranges["strut E/E_s"] == (0.5, 2)


def test_a_supercell_is_as_ordinary_as_its_cell():
    lattice = cell("kelvin", radius=0.03)
    domain = Domain.of([lattice])
    assert domain.notes(lattice.supercell((2, 1, 1)).simplified()) == ()


def test_new_nets_are_ordinary_to_a_model_of_many_nets():
    lattice, other = cell("bcc", radius=0.02), cell("octet", radius=0.02)
    batch = LatticeBatch.from_lattices([lattice, other])
    many = Domain.of_batch(batch, [f"{k:08x}abcd" for k in range(MANY_NETS)])
    assert not many.knows_net(lattice)
    assert many.notes(lattice) == many.notes(other) == ()
    few = Domain.of_batch(batch, sorted(many.nets)[1:])
    assert few.notes(lattice) == (
        f"its net is none of the {MANY_NETS - 1} nets in the training set",
    )


def test_a_header_of_before_still_reads():
    """It maps fingerprints to names and lacks the mean number of struts at a node."""
    lattice = cell("bcc", radius=0.05)
    ranges = {k: v for k, v in Domain.of([lattice]).ranges.items() if not k.startswith("mean")}
    old = {"ranges": ranges, "nets": {net_fingerprint(lattice): "bcc"}}
    domain = Domain.from_dict(old)
    assert domain.notes(lattice) == ()
    assert any("none of the 1 nets" in note for note in domain.notes(cell("octet", radius=0.05)))


def test_joints_are_measured_by_angle_and_ratio_of_radii():
    """Struts of bcc meet at arccos(1/3) = 70.53 degrees; one of ten times the radius is noted."""
    bcc = cell("bcc", radius=0.05)
    domain = Domain.of([bcc])
    angle, ratio = "smallest angle at a joint (degrees)", "ratio of radii at a joint"
    assert domain.ranges[angle] == pytest.approx((70.5288, 70.5288), abs=1e-4)
    assert domain.ranges[ratio] == (1, 1)
    thick = bcc.with_radii(np.where(np.arange(bcc.num_struts) == 0, 0.5, 0.05))
    assert any(note.startswith(f"{ratio} is 10") for note in domain.notes(thick))
    assert any(
        note.startswith(f"{angle} is 45") for note in domain.notes(cell("fccz", radius=0.05))
    )
