"""Lattice documents: counts, densities and geometry of cells that are known."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.reports.lattice import Origin, lattice_facts, lattice_report


def test_bcc_has_the_geometry_of_its_cube():
    lattice = cell("bcc", radius=0.05).replace(units="mm", material=Material(E=2.0, nu=0.35))
    report = lattice_report(lattice, Origin("bcc.json", 3))
    facts, geometry = report.lattice, report.geometry
    assert (facts.file, facts.index, facts.nodes, facts.struts) == ("bcc.json", 3, 2, 8)
    assert (facts.units, facts.material) == ("mm", Material(E=2.0, nu=0.35))
    assert facts.relative_density == pytest.approx(8 * np.pi * 0.05**2 * 0.75**0.5)
    assert geometry.cell_angles == pytest.approx((90, 90, 90))
    assert geometry.volume == pytest.approx(1.0)
    assert geometry.strut_lengths == pytest.approx((0.75**0.5, 0.75**0.5))
    assert geometry.coordination == {"8": 2}
    assert not any((geometry.tapered, geometry.hollow, geometry.own_moduli))
    assert report.net.spans_space
    assert [(part.nodes, part.rank, part.index) for part in report.net.components] == [
        ((0, 1), 3, 1)
    ]


def test_angles_are_named_by_the_vectors_between_them():
    cell_vectors = np.array([[1.0, 0, 0], [0, 1.0, 0], [0.5, 0, 0.75**0.5]])  # 60 degrees: 1 to 3
    lattice = Lattice(cell_vectors, [[0, 0, 0]], [[0, 0]] * 3, np.eye(3), 0.05)
    angles = lattice_report(lattice).geometry.cell_angles
    assert angles == pytest.approx((90, 60, 90))


def test_the_union_is_sampled_only_where_it_is_wanted():
    lattice = cell("sc", radius=0.1)
    assert lattice_facts(lattice, thorough=False).volume_fraction is None
    fraction = lattice_facts(lattice).volume_fraction
    # Three cylinders of radius r: their union loses the overlaps, 3 pi r^2 - 8 sqrt 2 r^3.
    exact = 3 * np.pi * 0.1**2 - 8 * 2**0.5 * 0.1**3
    assert fraction.value == pytest.approx(exact, abs=5 * fraction.error)
