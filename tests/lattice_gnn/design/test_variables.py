"""Design variables: exact symmetry, counts known from crystallography, derivatives, rounding."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design.blocks import echelon
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.variables import make_variables
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.space_group import find_space_group, trivial_group
from lattice_gnn.testing import random_lattice

SETTINGS = DesignSettings()


def variables(lattice, *vary, keep=True, settings=SETTINGS):
    group = find_space_group(lattice) if keep else trivial_group(lattice)
    return make_variables(lattice, vary, group, settings)


def drawn(made, seed=0):
    share = np.random.default_rng(seed).uniform(0.3, 0.7, made.count)
    return made.lower + share * (made.upper - made.lower)


def test_the_start_is_the_given_lattice():
    for lattice in (cell("re-entrant", radius=0.02), random_lattice(4, sections=True)):
        made = variables(lattice, "nodes", "radii", "cell", keep=False)
        found = made.lattice_of(made.start)
        for name in ("cell", "nodes", "radii", "end_radii", "inner_radii", "E", "nu"):
            mine, theirs = getattr(lattice, name), getattr(found, name)
            assert (mine is None) == (theirs is None)
            assert mine is None or np.allclose(mine, theirs, atol=1e-14), name


@pytest.mark.parametrize(
    ("name", "vary", "count"),
    [
        # Wyckoff positions of the nodes (International Tables A): free coordinates.
        ("octet", "radii", 1),  # all struts are equivalent in Fm-3m
        ("kelvin", "cell", 1),  # cubic: one strain
        ("hexagonal-honeycomb", "cell", 2),  # hexagonal: a and c
        ("hexagonal-honeycomb", "cell_shape", 1),
        ("re-entrant-honeycomb", "cell", 3),  # orthorhombic
        ("weaire-phelan", "nodes", 3),  # Pm-3n: 16i (x x x), 24k (0 y z), 6c
        ("truncated-cuboctahedron", "nodes", 2),
    ],
)
def test_the_number_of_variables_is_that_of_crystallography(name, vary, count):
    assert variables(cell(name, radius=0.01), vary).count == count


def test_without_symmetry_every_coordinate_but_a_translation_is_free():
    lattice = random_lattice(2, num_nodes=4)
    made = variables(lattice, "nodes", "radii", "cell", keep=False)
    assert made.count == 3 * (4 - 1) + lattice.num_struts + 6


def test_a_polar_axis_leaves_no_rigid_translation():
    sc = cell("sc", radius=0.05).supercell(1, 1, 2)
    polar = sc.replace(nodes=[[0, 0, 0], [0, 0, 0.45]], end_radii=[0.05] * 4 + [0.05, 0.06])
    group = find_space_group(polar)
    assert group.symbol == "P4mm"
    assert variables(polar, "nodes").names == ("node 1, c",)


@pytest.mark.parametrize("name", ["weaire-phelan", "re-entrant", "truncated-cuboctahedron"])
def test_any_x_keeps_the_space_group(name):
    lattice = cell(name, radius=0.02)
    made = variables(lattice, "nodes", "radii", "cell")
    found = find_space_group(made.lattice_of(drawn(made)))
    assert found.order >= made.group.order
    assert find_space_group(made.lattice_of(made.rounded(drawn(made), 4))).order >= found.order


def test_hexagonal_symmetry_survives_rounding():
    made = variables(cell("hexagonal-honeycomb", radius=0.02), "cell")
    found = find_space_group(made.lattice_of(made.rounded(np.array([0.0123456, -0.02]), 4)))
    assert found.symbol == "P6/mmm"


def test_the_cell_shape_keeps_the_volume():
    lattice = random_lattice(1)
    made = variables(lattice, "cell_shape", keep=False)
    assert made.count == 5
    assert made.lattice_of(drawn(made)).volume == pytest.approx(lattice.volume, rel=1e-12)


def test_a_batch_is_its_lattices():
    made = variables(random_lattice(5, sections=True), "nodes", "radii", "cell", keep=False)
    several = np.stack([drawn(made, seed) for seed in range(3)])
    batch = made.batch(several)
    for b, x in enumerate(several):
        one = made.lattice_of(x)
        assert np.allclose(batch[b].strut_vectors.numpy(), one.strut_vectors, atol=1e-13)
        assert batch.relative_density[b].item() == pytest.approx(one.relative_density)


def test_rounded_radii_have_four_significant_digits_within_the_bounds():
    settings = DesignSettings(radius_bounds=(0.0123456, 0.09))
    made = variables(cell("octet", radius=0.05), "radii", settings=settings)
    assert made.rounded(np.array([0.0123456]), 4) == 0.01235
    assert made.rounded(np.array([0.0345678]), 4) == 0.03457


@pytest.mark.parametrize("vary", ["radii", "radius"])
def test_the_extreme_radii_are_those_of_the_settings(vary):
    """One factor for all is bounded through the thinnest and the thickest strut."""
    lattice = cell("octet", radius=0.05)
    uneven = lattice.with_radii(np.linspace(0.03, 0.06, lattice.num_struts))
    settings = DesignSettings(radius_bounds=(0.02, 0.09))
    (block,) = variables(uneven, vary, keep=False, settings=settings).blocks
    assert block.extremes == pytest.approx((0.02, 0.09))


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ((), "got nothing"),
        (("node",), "got node"),
        (("radii", "radius"), "expected one of radii, radius"),
        (("cell", "cell_shape"), "expected one of"),
        (("nodes",), "keep_symmetry=False"),
    ],
)
def test_impossible_variables_are_refused(vary, words):
    with pytest.raises(LatticeGnnError, match=words):
        variables(cell("octet", radius=0.05), *vary)


def test_the_echelon_form_spans_the_same_space():
    rows = np.array([[2.0, 4, 0, 2], [1, 2, 1, 0], [3, 6, 1, 2]])
    basis, pivots = echelon(rows)
    assert pivots.tolist() == [0, 2]
    assert np.allclose(basis[:, pivots], np.eye(2))
    assert np.linalg.matrix_rank(np.vstack([rows, basis])) == 2
