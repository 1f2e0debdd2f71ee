"""The mean error of labels on coarse grids: recovered where it is known."""

from dataclasses import replace

import numpy as np
import pytest

import lattice_gnn as lg
from data.datasets.dataset import Label
from data.datasets.grid_bias import GridBias, twins
from data.datasets.joining import concatenate
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch

SLOPE = 0.16


def labelled(dataset, voxels, slope, contact=None):
    """Return a dataset whose solid labels are too stiff by slope (1/n - 1/16) rho / (rho + 0.2)."""
    beam = dataset.labels["beam"]
    count = len(dataset)
    density = dataset.to_batch(np.arange(count)).relative_density.numpy()
    rng = np.random.default_rng(int(voxels))
    factor = (
        1
        + slope * (1 / voxels - 1 / 16) * density / (density + 0.2)
        + 1e-4 * rng.standard_normal(count)
    )
    touching = np.zeros(count) if contact is None else contact.astype(float)
    details = {"voxels_per_diameter": np.full(count, float(voxels)), "touching": touching}
    label = Label(
        beam.stiffness * factor[:, None], np.ones(count, dtype=bool), f"{voxels}", 0.01, details
    )
    return replace(dataset, labels={"solid": label})


def joined(dataset, *more, contact=None):
    """Return coarse labels of all lattices and fine ones of some, in one dataset."""
    coarse = labelled(dataset, 8, SLOPE, contact)
    fine = labelled(dataset, 16, 0.0, contact).select(np.arange(0, len(dataset), 2))
    return concatenate([coarse, fine, *more], one_method=False)


def test_the_slope_is_recovered_from_lattices_labelled_twice(dataset):
    found = GridBias.fit(joined(dataset))
    assert found.lattices == (len(dataset) + 1) // 2
    assert found.slope == pytest.approx(SLOPE, rel=0.1)
    assert found.finest == 16


def test_coarse_labels_become_those_of_the_fine_grid(dataset):
    both = joined(dataset)
    bias = GridBias.fit(both)
    coarse, fine = twins(both, "solid")
    batch = both.to_batch(coarse)
    share = bias.share(batch, np.full(len(coarse), 8.0))
    before, after = both.stiffness("solid", coarse), both.stiffness("solid", fine)
    corrected = before / (1 + share)[:, None, None]

    def gap(C):
        return np.linalg.norm(C - after, axis=(1, 2)) / np.linalg.norm(after, axis=(1, 2))

    dense = batch.relative_density.numpy() > 0.05
    assert np.median(gap(corrected)[dense]) < 0.3 * np.median(gap(before)[dense])
    assert (bias.share(batch, np.full(len(fine), 17.0)) == 0).all()


def test_the_resolution_is_that_of_the_mean_strut_by_volume():
    """A thick strut of four times the volume among thin ones of half its radius."""
    bias = GridBias(slope=SLOPE, finest=20.0, lattices=100)
    lattice = lg.cell("sc", radius=0.05)
    radii = np.array([0.1, 0.05, 0.05])
    batch = LatticeBatch.from_lattices([lattice, lattice.replace(radii=radii)])
    mean = (4 * 0.1 + 2 * 0.05) / 6  # volumes 4:1:1
    density = batch.relative_density.numpy()
    per_voxel = np.array([1 / 8, 0.05 / mean / 8]) - 1 / 20
    expected = SLOPE * per_voxel * density / (density + 0.2)
    np.testing.assert_allclose(bias.share(batch, np.array([8.0, 8.0])), expected)


def test_lattices_with_contact_do_not_count(dataset):
    contact = np.arange(len(dataset)) < len(dataset) // 2
    apart = [k for k in range(0, len(dataset), 2) if not contact[k]]
    assert GridBias.fit(joined(dataset, contact=contact)).lattices == len(apart)


def test_other_poisson_ratios_make_other_lattices(dataset):
    coarse = labelled(dataset, 8, SLOPE)
    fine = labelled(replace(dataset, poisson=dataset.poisson + 0.1), 16, 0.0)
    assert len(twins(concatenate([coarse, fine], one_method=False), "solid")[0]) == 0


def test_too_few_lattices_on_two_grids_are_refused(dataset):
    with pytest.raises(LatticeGnnError, match=r"at least 20 lattices without contact .* got 0"):
        GridBias.fit(labelled(dataset, 8, SLOPE))
