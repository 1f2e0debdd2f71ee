"""Quantities of the geometry: closed forms and derivatives."""

import math

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.design import geometric
from lattice_gnn.design.geometric import (
    cell_volume,
    clearance,
    joint_angle,
    node_displacement,
    overhang,
    radius,
    radius_to_length,
    relative_density,
    strut_length,
    volume_fraction,
)
from lattice_gnn.design.state import DesignState
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice

KELVIN = cell("kelvin", relative_density=0.05)
RADII = KELVIN.radii * np.random.default_rng(0).uniform(0.7, 1.3, KELVIN.num_struts)
BATCH = LatticeBatch.from_lattices(
    [KELVIN.perturbed(0.03, seed=seed).with_radii(RADII) for seed in (1, 2)]
)
SMOOTH = [
    relative_density,
    cell_volume,
    radius,
    strut_length,
    radius_to_length,
    joint_angle,
    clearance,
    overhang([1, 2, 3]),
    node_displacement(KELVIN),
]


def of(quantity, lattice):
    """Evaluate for one lattice."""
    return quantity(DesignState(LatticeBatch.from_lattices([lattice])))[0]


def moved(batch, step):
    """Move nodes, cells and radii along a fixed random direction."""
    generator = torch.Generator().manual_seed(3)

    def random(like):
        return torch.randn(like.shape, generator=generator, dtype=torch.float64)

    radii = batch.radii * (1 + step * random(batch.radii))
    return batch.replace(
        nodes=batch.nodes + step * random(batch.nodes),
        cells=batch.cells + step * random(batch.cells),
        radii=radii,
        end_radii=radii,
    )


@pytest.mark.parametrize("quantity", SMOOTH, ids=lambda quantity: quantity.name)
def test_the_derivative_is_that_of_central_differences(quantity):
    values = quantity(DesignState(BATCH))
    weights = torch.randn(
        values.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )

    def value(step):
        return (weights * quantity(DesignState(moved(BATCH, step)))).sum()

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(value(step), step)
    h = 1e-6
    difference = (value(torch.tensor(h)) - value(torch.tensor(-h))) / (2 * h)
    assert slope.item() == pytest.approx(difference.item(), rel=1e-5, abs=1e-7)


def test_the_derivative_of_the_volume_fraction_of_crossing_cylinders():
    # Three cylinders of radius r and length 1: 3 pi r^2 - 8 sqrt(2) r^3 (tricylinder).
    lattice, r = cell("simple_cubic", radius=0.2), 0.2
    batch = LatticeBatch.from_lattices([lattice])
    radii = batch.radii.clone().requires_grad_()
    value = volume_fraction(DesignState(batch.replace(radii=radii, end_radii=radii)))
    (slope,) = torch.autograd.grad(value.sum(), radii)
    exact = 3 * math.pi * r**2 - 8 * math.sqrt(2) * r**3
    assert value.item() == pytest.approx(exact, rel=2e-3)
    assert slope.sum().item() == pytest.approx(6 * math.pi * r - 24 * math.sqrt(2) * r**2, rel=1e-2)


def test_the_derivative_of_the_volume_fraction_with_the_cell_is_that_of_scaling():
    # Scaling cell and radii changes nothing; scaling the cell alone is shrinking the radii.
    batch = LatticeBatch.from_lattices([KELVIN])
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    radii = batch.radii * scale
    scaled = batch.replace(cells=batch.cells * scale, radii=radii, end_radii=radii)
    (slope,) = torch.autograd.grad(volume_fraction(DesignState(scaled)).sum(), scale)
    value = volume_fraction(DesignState(batch)).item()
    assert abs(slope.item()) < 0.02 * value
    (slope,) = torch.autograd.grad(
        volume_fraction(DesignState(batch.replace(cells=batch.cells * scale))).sum(), scale
    )
    assert -2.1 * value < slope.item() < -1.7 * value


def test_moving_overlapping_cylinders_apart_uncovers_the_width_of_their_lens():
    # Parallel cylinders of radius r at distance d overlap in a lens of width sqrt(4 r^2 - d^2).
    r, d = 0.1, 0.12
    two = Lattice(
        cell=np.eye(3),
        nodes=[[0, 0, 0], [0, 0, d]],
        struts=[[0, 0], [1, 1]],
        shifts=[[1, 0, 0], [1, 0, 0]],
        radii=[r, r],
    )
    batch = LatticeBatch.from_lattices([two])
    nodes = batch.nodes.clone().requires_grad_()
    value = volume_fraction(DesignState(batch.replace(nodes=nodes)))
    (slope,) = torch.autograd.grad(value.sum(), nodes)
    width = math.sqrt(4 * r**2 - d**2)
    lens = 2 * r**2 * math.acos(d / (2 * r)) - 0.5 * d * width
    assert value.item() == pytest.approx(2 * math.pi * r**2 - lens, rel=2e-3)
    assert slope[:, 2].tolist() == pytest.approx([-width, width], rel=0.02)
    assert slope[:, :2].abs().max().item() < 0.01 * width


def test_the_smallest_clearance_is_that_of_the_lattice():
    for lattice in (KELVIN, cell("octet", relative_density=0.1).perturbed(0.05, seed=3)):
        assert of(clearance, lattice).amin().item() == pytest.approx(
            lattice.clearance().distance, rel=1e-12
        )


def test_overlapping_struts_have_a_negative_clearance():
    cell_vectors = np.eye(3)
    two = Lattice(
        cell=cell_vectors,
        nodes=[[0, 0, 0], [0, 0, 0.3]],
        struts=[[0, 0], [1, 1]],
        shifts=[[1, 0, 0], [0, 1, 0]],
        radii=[0.2, 0.15],
    )
    # The axes of one pair are 0.3 apart; the next images of either strut are further.
    assert of(clearance, two).amin().item() == pytest.approx(0.3 - 0.35)


def test_angles_of_the_octet_are_multiples_of_sixty_and_ninety_degrees():
    angles = of(joint_angle, cell("octet", radius=0.05))
    assert sorted({round(x, 6) for x in angles.tolist()}) == [60.0, 90.0, 120.0, 180.0]


def test_overhang_of_the_simple_cubic_cell():
    angles = of(overhang([0, 0, 2]), cell("simple_cubic", radius=0.05))
    assert sorted(angles.tolist()) == pytest.approx([0.0, 0.0, 90.0])


def test_a_translation_and_a_strain_of_the_cell_are_no_displacement():
    turned = KELVIN.translated(np.array([0.1, 0.2, 0.3])).strained(np.diag([1.1, 1.0, 0.9]))
    assert of(node_displacement(KELVIN), turned).amax().item() == pytest.approx(0.0, abs=1e-9)


def test_the_displacement_of_one_of_n_nodes_is_measured_from_the_mean():
    nodes = KELVIN.nodes.copy()
    nodes[0, 0] += 0.12
    found = of(node_displacement(KELVIN), KELVIN.replace(nodes=nodes))
    n = KELVIN.num_nodes
    assert found.amax().item() == pytest.approx(0.12 * (n - 1) / n)
    with pytest.raises(LatticeGnnError, match="nodes but its start had"):
        of(node_displacement(KELVIN), cell("octet", radius=0.05))


def test_the_volume_fraction_of_hollow_struts_has_no_gradient_and_says_so():
    hollow = KELVIN.replace(inner_radii=0.5 * KELVIN.radii)
    batch = LatticeBatch.from_lattices([hollow])
    with pytest.raises(LatticeGnnError, match="hollow"):
        volume_fraction(DesignState(batch.replace(radii=batch.radii.requires_grad_())))


def test_bounds_on_many_values_hold_for_the_smallest_and_the_largest():
    state = DesignState(
        LatticeBatch.from_lattices([KELVIN.with_radii(np.linspace(0.02, 0.05, KELVIN.num_struts))])
    )
    assert (radius >= 0.02).violation(state).item() == pytest.approx(0.0, abs=1e-12)
    assert (radius >= 0.025).violation(state).item() == pytest.approx(0.2)
    assert (radius <= 0.04).violation(state).item() == pytest.approx(0.25)
    assert (radius >= 0.025).worst(state).item() == pytest.approx(0.02)
    assert (radius <= 0.04).residual(state).shape == (1, geometric_most())
    assert radius.smallest()(state).item() == pytest.approx(0.02)
    assert radius.largest()(state).item() == pytest.approx(0.05)


def geometric_most():
    """Number of values that a constraint passes on."""
    from lattice_gnn.design.quantities import MOST

    return MOST


def test_the_number_of_gaps_is_constant():
    assert of(clearance, KELVIN).shape == (geometric.GAPS,)
