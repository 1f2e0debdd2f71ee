"""No lattice is stiffer than its share of the solid, and predictions that are say so."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell, cell_names
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.surrogate.limits import SLACK, excess_over_solid
from lattice_gnn.surrogate.surrogate import load_surrogate
from lattice_gnn.tensors.stiffness import Stiffness


def test_a_full_solid_reaches_the_bound():
    lattice = cell("sc", radius=0.7)  # relative density above 1: the share is 1
    batch = LatticeBatch.from_lattices([lattice])
    solid = Stiffness.isotropic(1.0, lattice.material.nu).mandel[None]
    assert excess_over_solid(solid, batch).item() == pytest.approx(1.0)
    assert excess_over_solid(1.3 * solid, batch).item() == pytest.approx(1.3)


def test_parallel_struts_reach_the_bound():
    lattice = cell("square-honeycomb", radius=0.02)
    along = np.abs(lattice.strut_vectors[:, 2]) > 0.5 * lattice.lengths
    only = LatticeBatch.from_lattices(
        [lattice.replace(struts=lattice.struts[along], shifts=lattice.shifts[along], radii=0.02)]
    )
    C = torch.zeros(1, 6, 6, dtype=torch.float64)
    C[0, 2, 2] = only.relative_density.item()
    assert excess_over_solid(C, only).item() == pytest.approx(1.0)


def test_beam_fem_keeps_the_bound():
    lattices = [cell(name, relative_density=x) for name in cell_names() for x in (0.01, 0.15)]
    lattices += [x.replace(material=Material(nu=0.45)) for x in lattices]
    batch = LatticeBatch.from_lattices(lattices)
    C = homogenise_beam(batch).stiffness.mandel
    assert excess_over_solid(C, batch).max() < 1 + 1e-9


def test_stiffer_struts_raise_the_bound():
    lattice = cell("octet", radius=0.03)
    E = np.ones(lattice.num_struts)
    E[3] = 10.0
    batch = LatticeBatch.from_lattices([lattice, lattice.replace(E=E)])
    C = homogenise_beam(batch).stiffness.mandel
    plain, raised = excess_over_solid(C[:1].repeat(2, 1, 1), batch).tolist()
    assert raised == pytest.approx(plain / 10)


def test_what_is_not_finite_is_beyond_every_bound():
    batch = LatticeBatch.from_lattices([cell("octet", radius=0.03)] * 2)
    C = torch.stack([torch.full((6, 6), torch.nan), 1e-3 * torch.eye(6)]).double()
    assert excess_over_solid(C, batch).tolist()[0] == torch.inf
    assert np.isfinite(excess_over_solid(C, batch).tolist()[1])


@pytest.mark.parametrize("name", ["default", "relaxation"])
def test_what_no_lattice_can_be_is_refused_and_named(name, monkeypatch):
    surrogate = load_surrogate(name)
    good, bad = cell("octet", relative_density=0.05), cell("octet", radius=1.0)
    C = surrogate.predict(good).stiffness.mandel
    batch = LatticeBatch.from_lattices([good])
    assert excess_over_solid(C[None], batch).item() < 1
    if name == "default":
        with pytest.raises(LatticeGnnError, match=r"lattice 1 \(octet\).* times the bound"):
            surrogate.predict([good, bad], batch_size=1)
    monkeypatch.setattr("lattice_gnn.surrogate.surrogate.SLACK", 1e-3 / SLACK)
    with pytest.raises(LatticeGnnError, match="too far outside the training domain"):
        surrogate.predict(good)
