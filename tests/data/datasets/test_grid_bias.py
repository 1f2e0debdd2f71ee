"""The mean error of labels on coarse grids: recovered where it is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import lattice_gnn as lg
from data.datasets.dataset import Label
from data.datasets.grid_bias import GridBias, twins
from data.datasets.joining import concatenate
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.tensors.notation import UPPER

SLOPE = 0.16


def shares(dataset, voxels):
    """Return what s multiplies, for every eigenvalue of the beam stiffness; struts are equal."""
    density = dataset.to_batch(np.arange(len(dataset))).relative_density.numpy()[:, None]
    values, strains = np.linalg.eigh(dataset.stiffness("beam", np.arange(len(dataset))))
    stretch = values / density / (values / density + 0.05)
    return values, strains, (1 / voxels - 1 / 16) * density / (density + 0.2) * stretch


def labelled(dataset, voxels, slope, contact=None):
    """Return a dataset whose solid labels are too stiff, by slope, against 16 voxels."""
    count = len(dataset)
    values, strains, share = shares(dataset, voxels)
    noise = 1e-4 * np.random.default_rng(int(voxels)).standard_normal((count, 1))
    C = (strains * (values * (1 + slope * share + noise))[:, None]) @ strains.transpose(0, 2, 1)
    touching = np.zeros(count) if contact is None else contact.astype(float)
    details = {"voxels_per_diameter": np.full(count, float(voxels)), "touching": touching}
    mask = np.ones(count, dtype=bool)
    label = Label(C[:, *UPPER], mask, f"{voxels}", 0.01, details)
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
    before, after = (torch.from_numpy(both.stiffness("solid", k)) for k in (coarse, fine))
    corrected = bias.corrected(batch, before, np.full(len(coarse), 8.0))
    dense = batch.relative_density > 0.05
    gap = [relative_frobenius(C, after)[dense].median() for C in (before, corrected)]
    assert gap[1] < 0.3 * gap[0]
    same = bias.corrected(batch, after, np.full(len(fine), 17.0))
    torch.testing.assert_close(same, after, rtol=1e-12, atol=1e-15)


def test_labels_on_several_grids_are_corrected_to_the_finest_of_them(dataset):
    """Most twins have finer labels on 11 voxels, some on 16: labels on 8 and 11 become those."""
    everything = np.arange(len(dataset))
    some = everything % 4 == 0
    grids = [labelled(dataset, voxels, SLOPE) for voxels in (8, 11, 16)]
    chosen = (everything, everything[~some], everything[some])
    parts = [grid.select(k) for grid, k in zip(grids, chosen, strict=True)]
    bias = GridBias.fit(concatenate(parts, one_method=False))
    assert (bias.finest, bias.lattices) == (16, len(dataset))
    assert bias.slope == pytest.approx(SLOPE, rel=0.1)
    batch = dataset.to_batch(everything)
    dense = batch.relative_density > 0.05
    C, D, right = (torch.from_numpy(grid.stiffness("solid", everything)) for grid in grids)
    for stiffness, voxels in ((C, 8.0), (D, 11.0)):
        corrected = bias.corrected(batch, stiffness, np.full(len(dataset), voxels))
        gap = [relative_frobenius(x, right)[dense].median() for x in (stiffness, corrected)]
        assert gap[1] < 0.3 * gap[0]


def test_soft_modes_keep_their_stiffness():
    """An octet resists all strains by stretching, a kelvin cell most of them by bending."""
    bias = GridBias(slope=SLOPE, finest=20.0, lattices=100)
    cells = [lg.cell(name, relative_density=0.02) for name in ("octet", "kelvin")]
    batch = LatticeBatch.from_lattices(cells)
    C = homogenise_beam(batch).stiffness.mandel
    loss = 1 - torch.linalg.eigvalsh(bias.corrected(batch, C, np.full(2, 8.0))) / (
        torch.linalg.eigvalsh(C)
    )
    whole = SLOPE * (1 / 8 - 1 / 20) * 0.02 / 0.22
    assert loss[0].min() > 0.6 * whole
    assert loss[1].min() < 0.2 * whole
    assert loss.max() < whole


def test_the_resolution_is_that_of_the_mean_strut_by_volume():
    """A thick strut of four times the volume among thin ones of half its radius."""
    bias = GridBias(slope=SLOPE, finest=20.0, lattices=100)
    lattice = lg.cell("sc", radius=0.05)
    radii = np.array([0.1, 0.05, 0.05])
    batch = LatticeBatch.from_lattices([lattice, lattice.replace(radii=radii)])
    C = torch.eye(6, dtype=torch.float64).expand(2, 6, 6)
    found = 1 / bias.corrected(batch, C, np.array([8.0, 8.0]))[:, 0, 0].numpy() - 1
    mean = (4 * 0.1 + 2 * 0.05) / 6  # volumes 4:1:1
    density = batch.relative_density.numpy()
    finer = (1 / 8 - 1 / 20) * np.array([1, 0.05 / mean])
    stretch = 1 / density / (1 / density + 0.05)
    np.testing.assert_allclose(found, SLOPE * finer * density / (density + 0.2) * stretch)


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
