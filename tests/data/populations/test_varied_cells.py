"""Random lattices: reproducible one by one, inside their stated ranges, of every stated kind."""

import numpy as np
import pytest

from data.populations.varied_cells import CellSampling, sample_cells
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.coordination import net_fingerprint


def equal(a, b):
    names = ("cell", "nodes", "struts", "shifts", "radii", "end_radii", "inner_radii", "E", "nu")
    return a.material == b.material and all(
        np.array_equal(getattr(a, n), getattr(b, n)) for n in names
    )


def test_a_lattice_depends_on_the_seed_and_its_number_alone():
    cells = ("bcc", "octet", "kelvin")
    few = sample_cells(CellSampling(count=4, seed=3, cells=cells))
    many = sample_cells(CellSampling(count=9, seed=3, cells=cells))
    assert all(equal(a, b) for a, b in zip(few, many[:4], strict=True))
    other = sample_cells(CellSampling(count=4, seed=4, cells=cells))
    assert not any(equal(a, b) for a, b in zip(few, other, strict=True))


def test_population_stays_in_its_ranges_and_has_every_kind():
    sampling = CellSampling(count=400, seed=1, densities=(0.002, 0.2), nu=(0.1, 0.4))
    lattices = sample_cells(sampling)
    densities = np.array([x.relative_density for x in lattices])
    assert densities.min() >= 0.002 * (1 - 1e-12)
    assert densities.max() <= 0.2 * (1 + 1e-12)
    assert np.median(np.log(densities)) == pytest.approx(np.log(0.02), abs=0.3)
    assert all(0.1 <= x.material.nu <= 0.4 for x in lattices)
    assert max((x.radii / x.lengths).max() for x in lattices) <= sampling.slenderness
    shares = {
        "hollow": np.mean([x.inner_radii is not None for x in lattices]),
        "tapered": np.mean([x.end_radii is not None for x in lattices]),
        "unequal": np.mean([x.E is not None for x in lattices]),
    }
    assert all(0.05 < share < 0.16 for share in shares.values()), shares
    assert all(x.connectivity().is_single_net for x in lattices)


def test_shape_changes_but_the_net_does_not():
    sampling = CellSampling(count=60, seed=2, cells=("diamond",))
    plain = cell("diamond", radius=0.01)
    lattices = sample_cells(sampling)
    assert {net_fingerprint(x) for x in lattices} == {net_fingerprint(plain)}
    exact = [x for x in lattices if np.array_equal(x.nodes, plain.nodes)]
    assert 0.15 < len(exact) / len(lattices) < 0.45
    strains = [np.abs(np.linalg.svd(x.cell)[1] - 1).max() for x in lattices]
    assert 0.1 < max(strains) <= 0.2 + 1e-12


def test_impossible_sampling_is_refused_in_one_sentence():
    with pytest.raises(LatticeGnnError, match=r"^sampling\.density: unknown key"):
        CellSampling.from_dict({"density": 0.1})
    with pytest.raises(LatticeGnnError, match=r"^sampling: no bcc within slenderness 0.01"):
        sample_cells(CellSampling(count=1, cells=("bcc",), slenderness=0.01, densities=(0.2, 0.3)))
