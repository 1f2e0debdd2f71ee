"""The Lattice value object: what it refuses, and that changes which mean nothing change nothing."""

import copy
import inspect
import pickle

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.testing import (
    ROUNDING,
    example_lattices,
    random_lattice,
    random_rotation,
    random_unimodular,
    same_structure,
)

SEEDS = range(12)
EXAMPLES = pytest.mark.parametrize("lattice", example_lattices(), ids=lambda lattice: lattice.name)


def plain(**changes) -> Lattice:
    """BCC by hand, with some fields replaced."""
    corners = [[x, y, z] for x in (0, -1) for y in (0, -1) for z in (0, -1)]
    fields = {
        "cell": np.eye(3),
        "nodes": [[0, 0, 0], [0.5, 0.5, 0.5]],
        "struts": [[0, 1]] * 8,
        "shifts": corners,
        "radii": [0.05] * 8,
    }
    return Lattice(**{**fields, **changes})


def test_hand_made_bcc_is_the_named_cell():
    assert same_structure(plain(), cell("bcc", radius=0.05))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"material": (1.0, 0.3)}, r"material: expected a Material\(E, nu\), got tuple"),
        (
            {"radii": torch.full((8,), 0.05, requires_grad=True)},
            r"radii: expected plain numbers, got a tensor with gradients",
        ),
        ({"cell": np.eye(2)}, r"cell: expected shape \(3, 3\), got \(2, 2\)"),
        ({"cell": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "cell: .* do not span space"),
        ({"cell": np.diag([1, 1, np.nan])}, r"cell\[2\]\[2\]: expected a finite number, got nan"),
        ({"cell": np.eye(3) * 1e200}, "cell: its largest entry is"),
        ({"cell": "cube"}, r"cell: expected numbers of shape \(3, 3\)"),
        ({"nodes": [[0, 0], [1, 1]]}, r"nodes: expected shape \(any, 3\), got \(2, 2\)"),
        ({"nodes": [[0, 0, 0], [0.5, np.inf, 0]]}, r"nodes\[1\]\[1\]: expected a finite"),
        ({"nodes": [[0, 0, 0], [0.5, 0.5]]}, r"nodes: expected numbers of shape \(any, 3\)"),
        ({"nodes": np.zeros((3, 3))}, r"nodes\[2\]: no strut ends at this node"),
        ({"nodes": np.zeros((2, 3))}, r"struts\[0\]: zero length"),
        ({"struts": [[0, 2]] * 8}, r"struts\[0\]: node index 2 is out of range; .* 2 nodes"),
        ({"struts": [[0, -1]] * 8}, r"struts\[0\]: node index -1 is out of range"),
        ({"struts": np.zeros((0, 2))}, "struts: expected at least one strut"),
        ({"shifts": [[0, 0.5, 0]] * 8}, r"shifts\[0\]\[1\]: expected an integer .* got 0.5"),
        ({"shifts": [[0, 0, 10**9]] * 8}, r"shifts\[0\]\[2\]: expected an integer of at most"),
        ({"shifts": [[0, 0, 0]] * 8}, r"struts\[1\]: the same strut as struts\[0\]"),
        ({"shifts": [[0, 0, 0]] * 7}, r"shifts: expected one per strut \(8\), got 7"),
        ({"radii": [0.1] * 7}, r"radii: expected shape \(8,\), got \(7,\)"),
        ({"radii": [0.1] * 7 + [0]}, r"radii\[7\]: expected a number above 0, got 0"),
        ({"radii": [0.1] * 7 + [np.nan]}, r"radii\[7\]: expected a finite number"),
        ({"radii": [True] * 8}, "radii: expected numbers"),
        ({"end_radii": [-0.1] * 8}, r"end_radii\[0\]: expected a number above 0"),
        ({"inner_radii": [0.0] * 7 + [0.05]}, r"inner_radii\[7\]: .* < radius 0.05, got 0.05"),
        ({"inner_radii": [-0.01] * 8}, r"inner_radii\[0\]: expected 0 <= inner radius"),
        ({"E": [0.0] * 8}, r"E\[0\]: expected a number above 0"),
        ({"nu": [0.5] * 8}, r"nu\[0\]: expected a Poisson's ratio between -1 and 0.5, got 0.5"),
        ({"nu": [-1.0] * 8}, r"nu\[0\]: expected a number above -1"),
    ],
)
def test_bad_input_is_refused_with_the_place(changes, message):
    with pytest.raises(LatticeGnnError, match=message) as caught:
        plain(**changes)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_reversed_duplicate_is_refused():
    with pytest.raises(LatticeGnnError, match=r"struts\[1\]: the same strut as struts\[0\]"):
        Lattice(np.eye(3), np.zeros((1, 3)), [[0, 0]] * 2, [[1, 0, 0], [-1, 0, 0]], [0.1] * 2)


@pytest.mark.parametrize(
    ("E", "nu", "message"),
    [
        (0.0, 0.3, "material.E"),
        (1.0, 0.5, "material.nu"),
        (1.0, -1.0, "nu"),
        (np.nan, 0.3, "finite"),
    ],
)
def test_impossible_materials_are_refused(E, nu, message):
    with pytest.raises(LatticeGnnError, match=message):
        Material(E, nu)


def test_arrays_are_private_and_read_only():
    nodes = np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]])
    lattice = plain(nodes=nodes)
    nodes[:] = 7
    assert lattice.nodes.max() == 0.5
    with pytest.raises(ValueError, match="read-only"):
        lattice.nodes[0, 0] = 1


def test_copies_and_pickles_are_equal():
    lattice = random_lattice(3, sections=True)
    assert same_structure(copy.deepcopy(lattice), lattice)
    assert same_structure(pickle.loads(pickle.dumps(lattice)), lattice)


def test_left_handed_cell_is_fine():
    lattice = plain(cell=np.diag([1.0, 1.0, -1.0]))
    assert lattice.volume == pytest.approx(1)


def test_relative_density_of_bcc_is_the_textbook_formula():
    r = 0.05
    assert plain().relative_density == pytest.approx(4 * np.sqrt(3) * np.pi * r**2, rel=ROUNDING)


def test_relative_density_of_taper_is_the_cone_frustum():
    """V = pi L (r^2 + r R + R^2) / 3; a bore of ratio k takes away k^2 of it."""
    lattice = Lattice(np.eye(3), np.zeros((1, 3)), [[0, 0]], [[1, 0, 0]], [0.1], end_radii=[0.2])
    frustum = np.pi * (0.01 + 0.02 + 0.04) / 3
    assert lattice.relative_density == pytest.approx(frustum, rel=ROUNDING)
    hollow = lattice.replace(inner_radii=[0.05])
    assert hollow.relative_density == pytest.approx(0.75 * frustum, rel=ROUNDING)


@EXAMPLES
def test_with_relative_density_reaches_it_by_one_factor(lattice):
    new = lattice.with_relative_density(0.123)
    assert new.relative_density == pytest.approx(0.123, rel=ROUNDING)
    factors = new.radii / lattice.radii
    np.testing.assert_allclose(factors, factors[0], rtol=ROUNDING)
    if lattice.inner_radii is not None:
        np.testing.assert_allclose(new.inner_radii, lattice.inner_radii * factors[0])
        np.testing.assert_allclose(new.end_radii, lattice.end_radii * factors[0])


@pytest.mark.parametrize("density", [0.0, -0.1, 1.0, 10.0, np.nan])
def test_impossible_densities_are_refused(density):
    with pytest.raises(LatticeGnnError, match="relative_density"):
        plain().with_relative_density(density)


@pytest.mark.parametrize("seed", SEEDS)
def test_rigid_motion_and_inversion_keep_lengths_and_density(seed):
    lattice = random_lattice(seed, sections=True)
    moved = lattice.rotated(random_rotation(seed, improper=seed % 2 == 1)).translated(
        np.array([0.3, -4.1, 0.7])
    )
    np.testing.assert_allclose(moved.lengths, lattice.lengths, rtol=1e-11)
    assert moved.relative_density == pytest.approx(lattice.relative_density, rel=ROUNDING)
    assert same_structure(moved.rotated(moved_back(seed)), lattice, any_translation=True)


def moved_back(seed):
    return random_rotation(seed, improper=seed % 2 == 1).T


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("determinant", [1, -1])
def test_choice_of_cell_is_the_same_structure(seed, determinant):
    lattice = random_lattice(seed, sections=True)
    U = random_unimodular(seed, determinant=determinant)
    other = lattice.with_cell_vectors(U)
    np.testing.assert_allclose(other.cell, U @ lattice.cell)
    assert same_structure(other, lattice)
    assert not same_structure(other.replace(radii=other.radii * 1.01), lattice)


@pytest.mark.parametrize("seed", SEEDS)
def test_node_order_strut_direction_and_homes_are_the_same_structure(seed):
    lattice = random_lattice(seed, sections=True)
    generator = np.random.default_rng(seed)
    other = (
        lattice.reordered(generator.permutation(lattice.num_nodes))
        .reversed_struts(generator.random(lattice.num_struts) < 0.5)
        .wrapped()
    )
    assert same_structure(other, lattice)
    assert other.nodes.min() >= 0
    assert other.nodes.max() < 1
    assert other.relative_density == pytest.approx(lattice.relative_density, rel=ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_supercell_repeats_every_strut(seed):
    lattice = random_lattice(seed, sections=True)
    M = np.array([[2, 0, 0], [1, 1, 0], [0, 1, -2]])
    large = lattice.supercell(M)
    assert large.num_nodes == 4 * lattice.num_nodes
    assert large.volume == pytest.approx(4 * lattice.volume)
    assert large.relative_density == pytest.approx(lattice.relative_density, rel=1e-11)
    np.testing.assert_allclose(
        large.strut_vectors, np.tile(lattice.strut_vectors, (4, 1)), atol=1e-12
    )
    assert large.connectivity().is_single_net
    U = random_unimodular(seed)
    assert same_structure(lattice.supercell(U @ M), large)


def test_supercell_by_numbers_is_the_diagonal_matrix():
    lattice = random_lattice(5)
    assert same_structure(lattice.supercell((1, 2, 3)), lattice.supercell(np.diag([1, 2, 3])))
    assert same_structure(lattice.supercell((1, 1, 1)), lattice)


def test_a_supercell_is_named_by_one_number_or_three():
    lattice = random_lattice(5)
    assert lattice.supercell(2) == lattice.supercell((2, 2, 2)) == lattice.supercell(2, 2, 2)
    assert lattice.supercell(1, 2, 3) == lattice.supercell(np.diag([1, 2, 3]))
    for wrong in [(2, 2), (1, 2, 3, 4), (), (0,), ("2", "2", "2"), ([[1, 2], [3]],)]:
        with pytest.raises(LatticeGnnError, match="tiling"):
            lattice.supercell(*wrong)


@pytest.mark.parametrize("tiling", [(1, 0, 2), (1, 2), np.ones((3, 3)), (1.5, 1, 1), "two"])
def test_impossible_tilings_are_refused(tiling):
    with pytest.raises(LatticeGnnError, match="tiling"):
        plain().supercell(tiling)


def test_scaling_keeps_density_and_proportions():
    lattice = random_lattice(4, sections=True)
    large = lattice.scaled(25.4)
    np.testing.assert_allclose(large.lengths / large.radii, lattice.lengths / lattice.radii)
    np.testing.assert_allclose(large.inner_radii, 25.4 * lattice.inner_radii)
    assert large.relative_density == pytest.approx(lattice.relative_density, rel=1e-11)


def test_strain_moves_strut_vectors_affinely():
    lattice = random_lattice(6)
    F = np.array([[1.1, 0.2, 0], [0, 0.9, 0.1], [0.3, 0, 1]])
    strained = lattice.strained(F)
    np.testing.assert_allclose(strained.strut_vectors, lattice.strut_vectors @ F.T, atol=1e-12)
    assert strained.volume == pytest.approx(lattice.volume * np.linalg.det(F))


def test_rotation_must_be_orthogonal():
    with pytest.raises(LatticeGnnError, match="orthogonal"):
        plain().rotated(np.eye(3) * 1.1)
    with pytest.raises(LatticeGnnError, match="determinant 1 or -1"):
        plain().with_cell_vectors(np.diag([1, 1, 2]))
    with pytest.raises(LatticeGnnError, match="every node number"):
        plain().reordered(np.array([0, 0]))


def test_perturbed_moves_every_node_by_one_fixed_length():
    lattice = cell("kelvin", radius=0.02).strained(np.diag([1.0, 2.0, 3.0]))
    fractional = lattice.perturbed(0.05, seed=1).nodes - lattice.nodes
    np.testing.assert_allclose(np.linalg.norm(fractional, axis=1), 0.05)
    spatial = lattice.perturbed(0.05, seed=1, measure="mean_length").positions - lattice.positions
    np.testing.assert_allclose(np.linalg.norm(spatial, axis=1), 0.05 * lattice.lengths.mean())


def test_perturbed_follows_its_seed():
    lattice = cell("octet", radius=0.02)
    assert same_structure(lattice.perturbed(0.1, seed=1), lattice.perturbed(0.1, seed=1))
    assert not same_structure(lattice.perturbed(0.1, seed=1), lattice.perturbed(0.1, seed=2))
    assert same_structure(lattice.perturbed(0.0, seed=1), lattice)


def test_perturbation_directions_are_isotropic():
    lattice = cell("octet", radius=0.02).supercell((6, 6, 6))
    u = (lattice.perturbed(0.5, seed=0).nodes - lattice.nodes)[:, :, None] / 0.5
    np.testing.assert_allclose((u @ u.transpose(0, 2, 1)).mean(axis=0), np.eye(3) / 3, atol=0.03)


def test_degrees_count_self_images_twice():
    np.testing.assert_array_equal(cell("sc", radius=0.1).degrees, [6])
    np.testing.assert_array_equal(cell("bccz", radius=0.1).degrees, [10, 8])


def test_repr_is_one_short_line():
    assert repr(cell("octet", relative_density=0.1)) == (
        "Lattice('octet', 4 nodes, 24 struts, relative density 0.1)"
    )


def test_sizes_that_can_only_be_slips_are_refused():
    bcc = cell("bcc", radius=0.05)
    with pytest.raises(LatticeGnnError, match=r"at most 10000000 struts in all, got 8e\+09"):
        bcc.supercell((1000, 1000, 1000))
    with pytest.raises(LatticeGnnError, match=r"level from 0 to 0.5 \(0.05 means 5 %\), got 5"):
        bcc.perturbed(5.0, seed=0)


@EXAMPLES
def test_lattices_of_equal_fields_are_equal_and_hash_alike(lattice):
    same = lattice.replace(nodes=lattice.nodes.tolist())
    assert same is not lattice
    assert same == lattice
    assert hash(same) == hash(lattice)
    assert lattice.translated(np.array([0.0, 0.0, -0.0])) == lattice
    different = [
        lattice.replace(name="other"),
        lattice.replace(units="km"),
        lattice.replace(material=Material(2.0, 0.3)),
        lattice.with_radii(np.nextafter(lattice.radii, 1)),
        lattice.translated(np.array([0.0, 0.0, 1e-12])),
        lattice.supercell(1, 1, 2),
    ]
    assert len({lattice, same, *different}) == 1 + len(different)
    assert lattice != "lattice"


def test_zeros_of_either_sign_are_equal():
    lattice = plain(nodes=[[0, 0, 0], [0.5, 0.5, 0.5]])
    negative = plain(nodes=[[-0.0, 0, -0.0], [0.5, 0.5, 0.5]])
    assert lattice == negative
    assert hash(lattice) == hash(negative)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_seeds_are_integers_from_zero(seed):
    with pytest.raises(LatticeGnnError, match="perturbed: seed: expected a whole number >= 0"):
        inspect.unwrap(Lattice.perturbed)(plain(), 0.1, seed)
