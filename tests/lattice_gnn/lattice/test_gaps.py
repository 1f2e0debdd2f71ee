"""Gaps between struts that share no joint."""

import itertools

import numpy as np

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.contacts import segment_contacts, share_joint
from lattice_gnn.lattice.gaps import smallest_gaps


def all_gaps(lattice):
    """Every gap between struts of the home cell and those of 125 cells, each pair once."""
    numbers = np.arange(lattice.num_struts)
    shifts = np.array(list(itertools.product(range(-2, 3), repeat=3)))
    a, b, k = (x.ravel() for x in np.meshgrid(numbers, numbers, np.arange(125), indexing="ij"))
    shift = shifts[k]
    once = (a < b) | ((a == b) & [tuple(x) > (0, 0, 0) for x in shift])
    a, b, shift = a[once], b[once], shift[once]
    apart = ~share_joint(lattice.struts, lattice.shifts, a, b, shift)
    a, b, shift = a[apart], b[apart], shift[apart]
    starts, vectors = lattice.positions[lattice.struts[:, 0]], lattice.strut_vectors
    between = starts[b] + shift @ lattice.cell - starts[a]
    distances = segment_contacts(between, vectors[a], vectors[b])[0].min(axis=1)
    return np.sort(distances - lattice.radii[a] - lattice.radii[b])


def test_the_smallest_gaps_are_those_of_an_exhaustive_search():
    lattice = cell("kelvin", relative_density=0.05).perturbed(0.05, seed=1)
    found = smallest_gaps(lattice._solids(), 20).distance
    assert np.allclose(found[:20], all_gaps(lattice)[:20], rtol=0, atol=1e-12)


def test_the_closest_points_are_as_far_apart_as_the_gap_says():
    lattice = cell("octet", relative_density=0.05).perturbed(0.05, seed=2)
    found = smallest_gaps(lattice._solids(), 5)
    starts, vectors = lattice.positions[lattice.struts[:, 0]], lattice.strut_vectors
    a, b = found.strut_a, found.strut_b
    on_a = starts[a] + found.s[:, None] * vectors[a]
    on_b = starts[b] + found.shifts @ lattice.cell + found.t[:, None] * vectors[b]
    distance = np.linalg.norm(on_a - on_b, axis=1) - lattice.radii[a] - lattice.radii[b]
    assert np.allclose(distance, found.distance, rtol=0, atol=1e-12)
