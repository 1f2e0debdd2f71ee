"""Coordination sequences against published ones; the training domain notices what leaves it."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell, cell_names
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.coordination import coordination_sequences, net_fingerprint
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.domain import MANY_NETS, Domain
from lattice_gnn.surrogate.measures import GAP, measures
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
    assert thick[0] == "relative density is 0.2177, in training at most 0.1393"
    assert thick[1] == "radius/length is 0.1155, in training at most 0.09238"
    other = domain.notes(cell("octet", radius=0.02))
    assert any("none of the 1 nets" in note for note in other)
    assert any(note == "nodes have 12 struts, in training only 8" for note in other)
    bent = cell("bcc", radius=0.05).perturbed(0.1, seed=0)
    assert any(note.startswith("strut lengths are") for note in domain.notes(bent))
    hollow = cell("bcc", radius=0.05)
    hollow = hollow.replace(inner_radii=0.5 * hollow.radii, nu=np.full(8, 0.4))
    notes = domain.notes(hollow)
    assert any(note == "bore over outer radius is 0.5, in training only 0" for note in notes)
    assert "Poisson's ratio is 0.4, in training only 0.3" in notes


def test_a_range_that_is_one_number_but_for_rounding_is_stated_as_one():
    domain = Domain.of([cell("bcc", radius=0.05)])
    name = "length/mean length"
    rounded = Domain.from_dict(
        {**domain.to_dict(), "ranges": {**domain.ranges, name: (1 - 2e-16, 1 + 2e-16)}}
    )
    bent = cell("bcc", radius=0.05).perturbed(0.1, seed=0)
    (note,) = (x for x in rounded.notes(bent) if x.startswith("strut lengths are"))
    assert note.endswith("of their mean, in training only 1")


def test_the_edge_of_a_sampled_range_is_inside():
    """The smallest of many Poisson's ratios drawn from 0 to 0.45 is not quite 0."""
    ratios = np.random.default_rng(0).uniform(0, 0.45, 200)
    domain = Domain.of([cell("bcc", radius=0.05, nu=nu) for nu in ratios])
    assert domain.notes(cell("bcc", radius=0.05, nu=0.0)) == ()
    assert domain.notes(cell("bcc", radius=0.05, nu=0.45)) == ()
    (note,) = domain.notes(cell("bcc", radius=0.05, nu=0.48))
    assert note.startswith("Poisson's ratio is 0.48, in training at most 0.44")
    narrow = Domain.of([cell("bcc", radius=0.05, nu=nu) for nu in (0.2, 0.3)])
    assert narrow.notes(cell("bcc", radius=0.05, nu=0.0)) == (
        "Poisson's ratio is 0, in training at least 0.2",
    )


def test_a_limit_that_holds_by_construction_is_no_claim_of_training():
    """Joint models are exact for slender struts, which no training lattice needs to have."""
    domain = Domain.of([cell("bcc", radius=r) for r in (0.04, 0.08)]).down_to_slender()
    assert domain.notes(cell("bcc", radius=1e-4)) == ()
    notes = domain.notes(cell("bcc", radius=0.1))
    assert notes[1] == "radius/length is 0.1155, in training at most 0.09238"
    assert not any(" 0 to " in note for note in notes)


def nets_apart(apart, radius=0.05):
    """Two interpenetrating simple cubic nets, whose axes pass one another at a distance."""
    shifts = np.tile(np.eye(3, dtype=int), (2, 1))
    struts = [[0, 0]] * 3 + [[1, 1]] * 3
    return Lattice(np.eye(3), [[0, 0, 0], [apart] * 3], struts, shifts, radius)


def test_contact_is_noted_even_inside_the_ranges():
    domain = Domain.of([nets_apart(x) for x in (0.08, *[0.5] * 19)])
    assert domain.contacts == (0.05, 0)
    assert domain.ranges[GAP] == pytest.approx((-0.4, 4))  # as far as gaps are looked for
    touching = "struts that share no joint touch or overlap"
    assert domain.notes(nets_apart(0.09)) == (touching,)
    assert domain.notes(nets_apart(0.12)) == (
        "struts that share no joint nearly touch: 0.4 radii apart",
    )
    assert domain.notes(nets_apart(0.2)) == ()
    far = Domain.of([nets_apart(0.5)])
    assert far.ranges[GAP] == (0.7, 4)  # as wide as any gap that does not count as contact
    deeper = domain.notes(nets_apart(0.05))
    gap = "the smallest gap between struts without a common joint"
    assert deeper[0] == f"{gap} is -1 radii, in training at least -0.4"
    assert touching in deeper


def test_contact_is_ordinary_where_training_had_much_of_it():
    """Each share is compared by itself; headers from before they were counted say nothing."""
    touching = Domain.of([nets_apart(x) for x in (0.08, 0.5)])
    assert touching.contacts == (0.5, 0)
    assert touching.notes(nets_apart(0.09)) == ()
    assert touching.notes(nets_apart(0.12)) != ()
    near = Domain.of([nets_apart(x) for x in (*[0.08] * 2, *[0.12] * 20)])
    assert near.notes(nets_apart(0.12)) == ()
    assert near.notes(nets_apart(0.09)) != ()
    old = {name: value for name, value in touching.to_dict().items() if name != "contacts"}
    assert Domain.from_dict(old).notes(nets_apart(0.12)) == ()


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 1, 1)])
def test_interpenetrating_nets_are_outside_only_where_training_had_none(size):
    """Whether they are components of the cell or copies by translation, in any supercell."""
    two = nets_apart(0.5)
    copies = two.replace(
        cell=0.5 - np.eye(3),
        nodes=[[0, 0, 0]],
        struts=[[0, 0]] * 3,
        shifts=[[0, 1, 1], [1, 0, 1], [1, 1, 0]],
        radii=two.radii[:3],
    )
    assert [x.index for x in copies.connectivity().components] == [2]
    single = Domain.of([cell("sc", radius=0.05)])
    of_two = Domain.of([two])
    for lattice in (two.supercell(size), copies.supercell(size)):
        notes = single.notes(lattice.simplified())
        assert "2 nets span space, in training only 1" in notes
        assert of_two.notes(lattice.simplified()) == ()


def test_a_part_that_does_not_span_space_is_outside_unless_training_had_such():
    """A straight chain through the middle of a simple cubic net: a quarter of the strut length."""
    chain = Lattice(
        np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [[0, 0]] * 3 + [[1, 1]],
        [*np.eye(3, dtype=int).tolist(), [1, 0, 0]], 0.05,
    )  # fmt: skip
    share = "share of strut length in parts that do not span space"
    stated = "0.25 of the strut length is in parts that do not span space, in training only 0"
    assert stated in Domain.of([cell("sc", radius=0.05)]).notes(chain)
    long = chain.supercell((2, 1, 1)).simplified()
    assert long.num_struts == 7  # the chain has one strut in any cell
    assert Domain.of([long]).ranges[share] == Domain.of([chain]).ranges[share] == (0.25, 0.25)


def test_struts_through_one_another_have_no_promise():
    """A joint is missing where they cross: outside, even if training had such lattices."""
    crossing = nets_apart(0.04)
    domain = Domain.of([crossing, nets_apart(0.5)])
    measured = measures(LatticeBatch.from_lattices([crossing, nets_apart(0.07)]))
    through, touching = domain.compare([crossing, nets_apart(0.07)], measured)
    assert through.notes == ("struts run through one another without a joint",)
    assert not through.in_ranges
    assert touching.in_ranges
    of_beams = domain.without_contact().compare([crossing, nets_apart(0.07)], measured)
    assert [(one.in_ranges, one.notes) for one in of_beams] == [(True, ())] * 2


def test_nodes_that_nearly_coincide_are_outside():
    """The second node of bcc is moved along a strut to half a radius from the first."""
    bcc = cell("bcc", radius=0.05)
    domain = Domain.of([bcc])
    near = np.array([[0, 0, 0], [1, 1, 1]]) * 0.025 / np.sqrt(3)
    notes = domain.notes(bcc.replace(nodes=near))
    assert "the closest nodes are 0.5 radii apart, in training at least 2" in notes


def test_gaps_that_cannot_be_looked_for_are_outside(monkeypatch):
    def refuse(*_):
        raise LatticeGnnError("too many struts")

    bcc = cell("bcc", radius=0.05)
    domain = Domain.of([bcc])
    monkeypatch.setattr("lattice_gnn.surrogate.measures.gaps_within", refuse)
    assert any(note.startswith("gaps between struts are unknown") for note in domain.notes(bcc))
    unknown = Domain.of([bcc])
    assert GAP not in unknown.ranges
    assert unknown == Domain.from_dict(unknown.to_dict())


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
    assert "the largest ratio of radii at a joint is 10, in training only 1" in domain.notes(thick)
    sharp = "the smallest angle at a joint is 45 degrees, in training only 70.53"
    assert sharp in domain.notes(cell("fccz", radius=0.05))
