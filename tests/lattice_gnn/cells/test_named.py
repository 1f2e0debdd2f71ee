"""Named cells: counts, coordination, strut lengths, symmetry, density, errors."""

import inspect

import numpy as np
import pytest

from lattice_gnn.cells import named as cells
from lattice_gnn.cells.named import CELLS, cell, cell_info, cell_names
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.testing import ROUNDING, same_structure

EVERY = pytest.mark.parametrize("name", cell_names())

HALF_DIAGONAL, EDGE_DIAGONAL = np.sqrt(3) / 2, 1 / np.sqrt(2)
T = 108 ** (-1 / 3)
DIP = np.tan(np.radians(20))
SLANT = np.hypot(0.5, DIP / 2)

# name: nodes, struts, {coordination: nodes}, {strut length: struts}
DEFINITIONS = {
    "sc": (1, 3, {6: 1}, {1: 3}),
    "bcc": (2, 8, {8: 2}, {HALF_DIAGONAL: 8}),
    "bccz": (2, 9, {8: 1, 10: 1}, {HALF_DIAGONAL: 8, 1: 1}),
    "fcc": (4, 12, {12: 1, 4: 3}, {EDGE_DIAGONAL: 12}),
    "fccz": (4, 13, {14: 1, 4: 3}, {EDGE_DIAGONAL: 12, 1: 1}),
    "octet": (4, 24, {12: 4}, {EDGE_DIAGONAL: 24}),
    "diamond": (8, 16, {4: 8}, {HALF_DIAGONAL / 2: 16}),
    "fluorite": (12, 32, {8: 4, 4: 8}, {HALF_DIAGONAL / 2: 32}),
    "isotruss": (5, 17, {14: 2, 2: 3}, {1: 3, HALF_DIAGONAL: 8, 0.5: 6}),
    "gyroid": (8, 12, {3: 8}, {1 / np.sqrt(8): 12}),
    "kelvin": (12, 24, {4: 12}, {1 / np.sqrt(8): 24}),
    "weaire-phelan": (
        46,
        92,
        {4: 46},
        {
            1.5 * T: 12,
            T * np.sqrt(1.3125): 48,
            np.sqrt(3) * (0.5 - 2 * T): 8,
            np.sqrt(1.25) * (0.5 - 1.5 * T): 24,
        },
    ),
    "truncated-cube": (6, 15, {5: 6}, {np.sqrt(2) - 1: 15}),
    "cuboctahedron": (3, 12, {8: 3}, {EDGE_DIAGONAL: 12}),
    "rhombicuboctahedron": (12, 36, {6: 12}, {np.sqrt(2) - 1: 36}),
    "truncated-cuboctahedron": (24, 48, {4: 24}, {1 / (1 + 2 * np.sqrt(2)): 48}),
    "re-entrant": (8, 20, {5: 8}, {(1 + DIP) / 2: 4, SLANT: 16}),
    "hexagonal-honeycomb": (2, 5, {5: 2}, {1 / np.sqrt(3): 3, 1: 2}),
    "triangular-honeycomb": (1, 4, {8: 1}, {1: 4}),
    "square-honeycomb": (1, 3, {6: 1}, {1: 3}),
    "re-entrant-honeycomb": (4, 10, {5: 4}, {(1 + DIP) / 2: 2, SLANT: 4, 1: 4}),
}

X, Y, Z = (np.diag(np.where(np.arange(3) == axis, -1.0, 1.0)) for axis in range(3))
FOURFOLD = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
THREEFOLD = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
SIXFOLD = np.array([[0.5, -np.sqrt(0.75), 0], [np.sqrt(0.75), 0.5, 0], [0, 0, 1]])
GROUPS = {
    "m-3m": (FOURFOLD, THREEFOLD, -np.eye(3)),
    "432": (FOURFOLD, THREEFOLD),
    "4/mmm": (FOURFOLD, X, Z),
    "6/mmm": (SIXFOLD, X, Z),
    "mmm": (X, Y, Z),
}


def group_of(name):
    """Read the claimed point group off the docstring."""
    text = " ".join(cell_info(name).definition.split()).lower()
    return next(group for group in GROUPS if f"group {group}" in text)


def tally(values):
    return {value: values.count(value) for value in values}


def test_every_cell_is_checked_here():
    assert set(DEFINITIONS) == set(cell_names())


@EVERY
def test_counts_coordination_and_lengths(name):
    nodes, struts, coordination, lengths = DEFINITIONS[name]
    lattice = cell(name, radius=0.01)
    assert (lattice.num_nodes, lattice.num_struts) == (nodes, struts)
    assert tally(lattice.degrees.tolist()) == coordination
    found = tally(np.round(lattice.lengths, 9).tolist())
    assert found == {round(float(length), 9): count for length, count in lengths.items()}
    assert lattice.name == name


@EVERY
def test_one_net_that_spans_space_without_touching_struts(name):
    lattice = cell(name, relative_density=0.05)
    assert lattice.connectivity().is_single_net
    assert lattice.clearance().distance > 0


@EVERY
def test_claimed_point_group(name):
    lattice = cell(name, radius=0.01)
    for generator in GROUPS[group_of(name)]:
        assert same_structure(lattice.rotated(generator), lattice, any_translation=True)


@pytest.mark.parametrize("name", ["bccz", "fccz", "re-entrant", "re-entrant-honeycomb"])
def test_no_cubic_symmetry_is_claimed_where_there_is_none(name):
    lattice = cell(name, radius=0.01)
    assert not same_structure(lattice.rotated(THREEFOLD), lattice, any_translation=True)


def test_gyroid_net_is_chiral():
    lattice = cell("gyroid", radius=0.01)
    for mirror in (X, -np.eye(3)):
        assert not same_structure(lattice.rotated(mirror), lattice, any_translation=True)


def test_gyroid_joints_are_planar_at_120_degrees():
    lattice = cell("gyroid", radius=0.01)
    outward = [[] for _ in range(8)]
    for (i, j), vector in zip(lattice.struts, lattice.strut_vectors, strict=True):
        outward[i].append(vector)
        outward[j].append(-vector)
    for vectors in outward:
        np.testing.assert_allclose(np.sum(vectors, axis=0), 0, atol=1e-12)


@EVERY
def test_mirror_images_differ_only_for_the_gyroid_net(name):
    lattice = cell(name, radius=0.01)
    inverted = same_structure(lattice.rotated(-np.eye(3)), lattice, any_translation=True)
    assert inverted == (name != "gyroid")


@EVERY
def test_radius_or_relative_density(name):
    assert (cell(name, radius=0.0123).radii == 0.0123).all()
    lattice = cell(name, relative_density=0.0456, nu=0.2)
    assert lattice.relative_density == pytest.approx(0.0456, rel=ROUNDING)
    assert lattice.material.nu == 0.2
    assert np.ptp(lattice.radii) == 0
    for wrong in ({}, {"radius": 0.1, "relative_density": 0.1}):
        with pytest.raises(LatticeGnnError, match=f"{name}: expected either a radius or a rel"):
            cell(name, **wrong)


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("sc", 3),
        ("bcc", 4 * np.sqrt(3)),
        ("octet", 12 * np.sqrt(2)),
        ("diamond", 4 * np.sqrt(3)),
        ("kelvin", 6 * np.sqrt(2)),
        ("cuboctahedron", 6 * np.sqrt(2)),
    ],
)
def test_relative_density_over_pi_r2_from_the_literature(name, factor):
    """Relative density = factor pi (r/a)^2; octet: 6 sqrt(2) pi (r/l)^2 with l = a/sqrt(2)."""
    assert cell(name, radius=0.01).relative_density == pytest.approx(factor * np.pi * 1e-4)


def test_fluorite_is_two_diamonds_on_shared_points():
    fluorite, diamond = cell("fluorite", radius=0.01), cell("diamond", radius=0.01)
    kept = [s for s, (i, j) in enumerate(fluorite.struts) if all(k < 8 for k in (i, j))]
    half = fluorite.replace(
        nodes=fluorite.nodes[:8],
        struts=fluorite.struts[kept],
        shifts=fluorite.shifts[kept],
        radii=fluorite.radii[kept],
    )
    assert same_structure(half, diamond)


def test_fluorite_has_the_edges_of_rhombic_dodecahedra():
    """The angles of its rhombs are acos(+-1/3)."""
    lattice = cell("fluorite", radius=0.01)
    i = lattice.struts[:, 0]
    unit = lattice.strut_vectors / lattice.lengths[:, None]
    cosines = {
        round(float(c), 9)
        for node in range(4)
        for c in (unit[i == node] @ unit[i == node].T).ravel()
    }
    assert cosines == {-1.0, round(-1 / 3, 9), round(1 / 3, 9), 1.0}


def test_weaire_phelan_dodecahedron_has_an_eighth_of_the_cell():
    """Convex hull of the 20 nodes next to the cell corner: volume a^3 / 8, as of the 6 others."""
    from scipy.spatial import ConvexHull

    lattice = cell("weaire-phelan", radius=0.01)
    centred = lattice.nodes - np.round(lattice.nodes)
    order = np.argsort(np.linalg.norm(centred, axis=1))
    assert ConvexHull(centred[order[:20]]).volume == pytest.approx(1 / 8, rel=1e-9)


def test_re_entrant_parameters():
    lattice = cell("re-entrant", radius=0.01, angle=10.0, height=0.7)
    second = 1 + np.tan(np.radians(10)) - 0.7
    found = tally(np.round(lattice.lengths, 9).tolist())
    assert found[0.7] == 2
    assert found[round(float(second), 9)] == 2
    vertical = np.abs(lattice.strut_vectors[:, 2] / lattice.lengths)
    slanted = vertical[vertical < 0.9]
    np.testing.assert_allclose(slanted, np.sin(np.radians(10)))


@pytest.mark.parametrize("name", ["re-entrant", "re-entrant-honeycomb"])
@pytest.mark.parametrize(
    "wrong", [{"angle": 60.0}, {"angle": 20.0, "height": 0.3}, {"height": 1.2}, {"angle": np.nan}]
)
def test_impossible_re_entrant_parameters(name, wrong):
    with pytest.raises(LatticeGnnError, match=f"{name}: .*(angle|height)"):
        cell(name, radius=0.01, **wrong)


@pytest.mark.parametrize("name", [n for n in cell_names() if n.endswith("honeycomb")])
def test_depth_scales_only_the_columns(name):
    flat, deep = (cell(name, radius=0.01, depth=d) for d in (1.0, 2.5))
    assert deep.volume == pytest.approx(2.5 * flat.volume)
    np.testing.assert_allclose(deep.strut_vectors, flat.strut_vectors * [1, 1, 2.5], atol=1e-15)
    with pytest.raises(LatticeGnnError, match="depth"):
        cell(name, radius=0.01, depth=0.0)


def test_square_honeycomb_of_depth_one_is_simple_cubic():
    assert same_structure(cell("square-honeycomb", radius=0.1), cell("sc", radius=0.1))


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Simple Cubic", "sc"),
        ("PCU", "sc"),
        ("body-centered_cubic", "bcc"),
        ("octahedron", "cuboctahedron"),
        ("rhombic dodecahedron", "fluorite"),
        ("truncated octahedron", "kelvin"),
        ("Weaire Phelan", "weaire-phelan"),
        ("srs", "gyroid"),
        ("reentrant", "re-entrant"),
        ("truncated_cube", "truncated-cube"),
    ],
)
def test_aliases_ignore_case_and_separators(alias, name):
    assert cell_info(alias).name == name
    assert cell(alias, radius=0.01).name == name


def test_unknown_names_and_parameters():
    with pytest.raises(LatticeGnnError, match="'octett' is unknown; did you mean octet"):
        cell("octett", radius=0.1)
    with pytest.raises(LatticeGnnError, match="cell: expected the name of a cell, got int"):
        inspect.unwrap(cell_info)(5)
    with pytest.raises(LatticeGnnError, match="'qqq' is unknown; known: sc, bcc"):
        cell("qqq", radius=0.1)
    with pytest.raises(LatticeGnnError, match="'bcc' has no parameter 'angle'"):
        cell("bcc", radius=0.1, angle=3.0)


@EVERY
def test_every_cell_is_documented_and_public(name):
    info = CELLS[name]
    assert getattr(cells, info.build.__name__) is info.build
    assert info.build.__name__ in cells.__all__
    assert 20 < len(info.summary) <= 100
    assert "Group" in info.definition or "group" in info.definition


def test_own_parameters_are_listed():
    assert cell_info("octet").parameters == {}
    assert cell_info("re-entrant").parameters == {"angle": 20.0, "height": None}


def test_no_two_names_clash():
    names = [name for info in CELLS.values() for name in (info.name, *info.aliases)]
    assert len({"".join(filter(str.isalnum, name.casefold())) for name in names}) == len(names)
