"""Nets drawn from symmetry: sound, symmetric, different, like the published ones."""

import numpy as np
import pytest
import spglib

from data.populations.identity import crystal_symmetry, identify
from data.populations.nets import NetSampling, sample_net, smallest_angle
from data.populations.population import Population, combine, make_base
from data.populations.space_groups import (
    SYSTEMS,
    crystal_system,
    orbit,
    random_cell,
    space_groups,
    special_point,
)
from lattice_gnn.cells.named import cell, cell_names
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice

SAMPLING = NetSampling()


@pytest.fixture(scope="module")
def nets():
    return [sample_net(SAMPLING, 7, index) for index in range(80)]


def test_all_230_groups_are_there_in_their_systems_and_closed():
    groups = [group for system in SYSTEMS for group in space_groups(system)]
    assert [group.number for group in groups] == list(range(1, 231))
    assert {g.number for g in space_groups("cubic")} == set(range(195, 231))
    for group in groups[::17]:
        rows = {
            (*R.ravel(), *np.rint(24 * (t % 1)).astype(int) % 24)
            for R, t in zip(group.rotations, group.translations, strict=True)
        }
        for R, t in zip(group.rotations, group.translations, strict=True):
            for Q, s in zip(group.rotations, group.translations, strict=True):
                product = (*(R @ Q).ravel(), *np.rint(24 * ((R @ s + t) % 1)).astype(int) % 24)
                assert product in rows


@pytest.mark.parametrize("system", SYSTEMS)
def test_cells_keep_their_metric_under_every_rotation_of_their_system(system):
    rng = np.random.default_rng(0)
    for group in space_groups(system)[::7]:
        box = random_cell(system, 4.0, rng)
        metric = box @ box.T
        for R in group.rotations:
            assert np.allclose(R.T @ metric @ R, metric, atol=1e-12)
        edges = np.linalg.norm(box, axis=1)
        assert edges.max() == pytest.approx(1)
        assert edges.min() >= 0.25 - 1e-12


def test_special_points_have_small_orbits_that_the_group_maps_onto_themselves():
    rng = np.random.default_rng(1)
    special = 0
    for _ in range(100):
        groups = space_groups("tetragonal")
        group = groups[int(rng.integers(len(groups)))]
        points = orbit(special_point(group, 3, rng), group)
        special += len(points) < len(group.rotations)
        assert len(group.rotations) % len(points) == 0
        for R, t in zip(group.rotations, group.translations, strict=True):
            apart = (points @ R.T + t)[:, None] - points
            nearest = np.abs(apart - np.rint(apart)).max(-1).min(1)
            assert nearest.max() < 1e-5
    assert special > 60


def maps_onto_itself(lattice, R, t):
    """Whether an operation carries every node to a node and every strut to a strut."""
    images = lattice.nodes @ R.T + t
    apart = images[:, None] - lattice.nodes
    cells = np.rint(apart)
    gaps = np.abs(apart - cells).max(-1)
    number = gaps.argmin(1)
    if gaps.min(1).max() > 1e-5 or len(set(number.tolist())) != len(number):
        return False
    place = cells[np.arange(len(number)), number].astype(int)
    known = set()
    for (i, j), s in zip(lattice.struts.tolist(), lattice.shifts, strict=True):
        known |= {(i, j, *s.tolist()), (j, i, *(-s).tolist())}
    return all(
        (int(number[i]), int(number[j]), *(R @ s + place[j] - place[i]).tolist()) in known
        for (i, j), s in zip(lattice.struts.tolist(), lattice.shifts, strict=True)
    )


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING")
def test_operations_found_from_the_nodes_alone_map_struts_to_struts(nets):
    systems = {"ort": "orthorhombic", "tet": "tetragonal", "mon": "monoclinic"}
    systems |= {"cub": "cubic", "hex": "hexagonal", "trig": "trigonal"}
    for lattice in nets:
        found = crystal_symmetry(lattice)
        crystal = (lattice.cell, lattice.nodes, np.ones(lattice.num_nodes, dtype=int))
        of_nodes = spglib.get_symmetry(crystal, symprec=1e-6)
        kept = [
            maps_onto_itself(lattice, R, t)
            for R, t in zip(of_nodes["rotations"], of_nodes["translations"], strict=True)
        ]
        system = crystal_system(found.space_group)
        assert SYSTEMS.index(system) >= SYSTEMS.index(systems[lattice.name.split("_")[0]])
        # The operations that keep the struts are as many as the space group has in this cell.
        # The operations that keep the struts are as many as the space group has in this cell.
        pure = sum(
            k
            for k, R in zip(kept, of_nodes["rotations"], strict=True)
            if np.array_equal(R, np.eye(3))
        )
        group = next(g for g in space_groups(system) if g.number == found.space_group)
        assert sum(kept) == pure * len(np.unique(group.rotations, axis=0))


def test_every_net_keeps_the_rules(nets):
    for lattice in nets:
        assert 3 <= lattice.num_nodes <= 40
        assert 7 <= lattice.num_struts <= 72
        assert 3.3 <= 2 * lattice.num_struts / lattice.num_nodes <= 12
        assert lattice.degrees.min() >= 3
        assert lattice.connectivity().is_single_net
        assert smallest_angle(lattice.struts, lattice.strut_vectors) >= 15
        mean = lattice.lengths.mean()
        thin = lattice.with_radii(1e-8 * mean)
        assert thin.clearance().distance > 0.05 * mean * (1 - 1e-6)
        around = np.indices((5, 5, 5)).reshape(3, -1).T - 2
        apart = lattice.nodes[:, None, None] - lattice.nodes[None, :, None] + around
        gaps = np.linalg.norm(apart @ lattice.cell, axis=-1)
        assert gaps[gaps > 0].min() >= 0.2 * mean * (1 - 1e-6)
        assert lattice.simplified().num_nodes == lattice.num_nodes


def test_a_net_depends_on_seed_and_index_alone(nets):
    for index in (0, 33):
        again = sample_net(SAMPLING, 7, index)
        assert again.nodes.tobytes() == nets[index].nodes.tobytes()
        assert again.cell.tobytes() == nets[index].cell.tobytes()
        assert np.array_equal(again.struts, nets[index].struts)
    other = sample_net(SAMPLING, 8, 0)
    assert identify(other).shape != identify(nets[0]).shape


def test_population_is_like_the_published_one(nets):
    systems = [crystal_system(crystal_symmetry(x).space_group) for x in nets]
    both = sum(s in ("orthorhombic", "tetragonal") for s in systems)
    assert both / len(nets) > 0.65
    connectivity = np.array([2 * x.num_struts / x.num_nodes for x in nets])
    # Mean of 60 published lattices: 9.7 nodes, 23 struts, connectivity 4.9.
    assert 7 < np.mean([x.num_nodes for x in nets]) < 13
    assert 18 < np.mean([x.num_struts for x in nets]) < 32
    assert 4.4 < connectivity.mean() < 6.2
    assert len({identify(x).net for x in nets}) > 50


def test_impossible_nets_are_refused_in_one_sentence():
    with pytest.raises(LatticeGnnError, match=r"^nets: no sound net with seed 1 and number 0"):
        sample_net(NetSampling(smallest_angle=170.0, tries=20), 1, 0)


def test_two_cells_in_one_hold_the_struts_of_both():
    bcc, cubic = (cell(name, radius=0.01) for name in ("bcc", "sc"))
    both = combine(bcc, cubic)
    assert (both.num_nodes, both.num_struts) == (2, 11)
    assert sorted(both.degrees.tolist()) == [8, 14]
    assert combine(bcc, bcc).num_struts == bcc.num_struts
    # fcc struts halve at the face centres, which the diagonals of the octet also meet.
    octet = combine(cell("octet", radius=0.01), cell("fcc", radius=0.01))
    assert identify(octet) == identify(cell("octet", radius=0.01))


def test_identity_ignores_how_a_lattice_is_written_and_sees_what_it_is(nets):
    rng = np.random.default_rng(2)
    change = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    for lattice in nets[:25]:
        R, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        other = lattice.with_cell_vectors(change).rotated(R).scaled(2.3).supercell((2, 1, 1))
        other = other.reordered(rng.permutation(other.num_nodes)).translated(
            np.array([0.1, 0.7, 0.4])
        )
        other = other.reversed_struts(rng.random(other.num_struts) < 0.5)
        assert identify(other) == identify(lattice)
        strained = identify(lattice.strained(np.diag([1.1, 1.0, 0.97])))
        assert strained.net == identify(lattice).net
        assert strained.shape != identify(lattice).shape
    shapes = {name: identify(cell(name, radius=0.01)).shape for name in cell_names()}
    assert shapes.pop("square-honeycomb") == shapes["sc"]  # a wall grid cut as struts: the same
    assert len(set(shapes.values())) == len(shapes)


def test_equivalent_struts_of_the_bcc_with_axes_form_two_classes():
    bcc = combine(cell("bcc", radius=0.01), cell("sc", radius=0.01))
    found = crystal_symmetry(bcc)
    assert found.space_group == 221
    by_length = np.rint(bcc.lengths * 1e6)
    classes = {(o, x) for o, x in zip(found.strut_orbits, by_length, strict=True)}
    assert len(classes) == 2


def test_copies_are_dressed_as_asked():
    population = Population(
        seed=3, levels=(0.01, 0.1), radii="orbit", densities=(0.01, 0.05), nu=0.4, strain=0.1
    )
    base = make_base(population, 5)
    assert population.copies == len(base.copies) == 6
    assert base.levels == (0.0, 0.0, 0.01, 0.01, 0.1, 0.1)
    for lattice, level in zip(base.copies, base.levels, strict=True):
        moved = np.linalg.norm(lattice.nodes - base.lattice.nodes, axis=1)
        assert moved == pytest.approx(level, abs=1e-12)
        assert lattice.material.nu == 0.4
        ratios = lattice.radii / base.copies[0].radii[0]
        for orbit_number in range(int(base.symmetry.strut_orbits.max()) + 1):
            assert np.ptp(ratios[base.symmetry.strut_orbits == orbit_number]) < 1e-12
    assert [x.relative_density for x in base.copies] == pytest.approx([0.01, 0.05] * 3)
    assert np.array_equal(base.copies[0].cell, base.lattice.cell)
    stretch = np.linalg.svd(np.linalg.solve(base.lattice.cell, base.copies[-1].cell))[1]
    assert 0.01 < np.abs(stretch - 1).max() < 0.1 + 1e-9


def test_nets_have_the_joints_that_are_asked_for():
    sharp = NetSampling(nodes=(1, 8), struts=(4, 16), neighbours=(2, 8), sharpest_joint=30.0)
    crowded = NetSampling(
        nodes=(1, 6), struts=(5, 24), neighbours=(6, 14), connectivity=(5.0, 26.0), largest_joint=10
    )
    for index in range(5):
        net = sample_net(sharp, 0, index)
        assert 15.0 <= smallest_angle(net.struts, net.strut_vectors) <= 30.0
        net = sample_net(crowded, 0, index)
        assert np.bincount(net.struts.ravel()).max() >= 10


def test_materials_are_drawn_beside_shapes_that_stay():
    """Each lattice takes a Poisson ratio; equivalent struts have one modulus, within the spread."""
    usual = Population(seed=3, radii="orbit", draws=8)
    several = Population(seed=3, radii="orbit", draws=8, nus=(0.0, 0.45), modulus_spread=1.0)
    base, same = make_base(several, 5), make_base(usual, 5)
    assert {x.material.nu for x in base.copies} == {0.0, 0.45}
    assert all(x.E is None and x.material.nu == 0.3 for x in same.copies)
    first = base.copies[0]
    np.testing.assert_array_equal(first.nodes, same.copies[0].nodes)
    np.testing.assert_array_equal(first.radii, same.copies[0].radii)
    orbits = base.symmetry.strut_orbits
    for lattice in base.copies:
        logs = np.log(lattice.E / lattice.material.E)
        assert np.abs(logs).max() <= 1.0
        assert len(np.unique(logs)) == orbits.max() + 1
        assert all(np.ptp(logs[orbits == k]) == 0 for k in range(orbits.max() + 1))
    assert base.copies[0].E[0] != base.copies[1].E[0]
    each = make_base(Population(seed=3, radii="random", modulus_spread=1.0), 5).copies[0]
    assert len(np.unique(each.E)) == each.num_struts


def test_drawn_densities_stop_where_struts_get_thick():
    population = Population(seed=4, density_range=(0.05, 0.5), draws=20, slenderness=0.2)
    for index in range(3):
        copies = make_base(population, index).copies
        assert len(copies) == 20
        for lattice in copies:
            thick = (lattice.radii / lattice.lengths).max()
            assert thick <= 0.2 * (1 + 1e-9) or lattice.relative_density == pytest.approx(0.05)


def test_named_cells_come_first_and_settings_survive_json():
    population = Population(named=("octet", "bcc"), combined_share=1.0)
    assert [make_base(population, k).lattice.name for k in (0, 1)] == ["octet", "bcc"]
    combined = make_base(population, 2).lattice
    assert "+" in combined.name
    assert isinstance(combined, Lattice)
    assert Population.from_dict(population.to_dict()) == population


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"count": 0}, r"^population\.count: expected 1 to 10,000,000, got 0\.$"),
        ({"density_range": [0.2, 0.1]}, r"^population\.density_range: expected two rising"),
        ({"named": ["foo"]}, r"^population\.named: expected some of .*bcc"),
        ({"copys": 1}, r"^population\.copys: unknown key"),
        ({"nets": {"node": 1}}, r"^population\.nets\.node: unknown key"),
        ({"nets": 5}, r"^population\.nets: "),
        ({"nets": {"systems": [["cubist", 1]]}}, r"^population\.nets\.systems: expected some of"),
        ({"nets": {"sites": [0, 0]}}, r"^population\.nets\.sites: expected at least one, got"),
        ({"count": "many"}, r"^population\.count: .*integer"),
        ({"densities": 0.1}, r"^population\.densities: "),
        ({"radii": "thick"}, r"^population\.radii: .*'uniform'"),
        ({"nus": [0.3, 0.5]}, r"^population\.nus: expected above -1 and below 0\.5"),
        ({"modulus_spread": -1}, r"^population\.modulus_spread: expected 0 or more, got -1"),
        ({"levels": [0.0]}, r"^population\.levels: expected lengths above 0"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(values, sentence):
    with pytest.raises(LatticeGnnError, match=sentence):
        Population.from_dict(values)
