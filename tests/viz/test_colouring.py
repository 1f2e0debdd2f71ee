"""Values that lattices are coloured by."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.beam.strut_fields import strut_fields
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.surrogate.surrogate import load_surrogate
from viz.colouring import by_joint_correction, by_radius, of_strain


def test_colours_of_a_strain_are_shares_and_forces():
    lattice = cell("sc", radius=0.1).replace(units="mm")
    fields = homogenise_beam(lattice, fields=True).fields
    found = strut_fields(lattice, fields, np.eye(6)[2])
    loaded = np.abs(lattice.strut_vectors[:, 2]) > 0.5
    np.testing.assert_allclose(of_strain("energy", lattice, found).struts, 100.0 * loaded)
    np.testing.assert_allclose(of_strain("bending", lattice, found).struts, 0, atol=1e-9)
    axial = of_strain("axial", lattice, found)
    assert axial.struts.max() == pytest.approx(np.pi * 0.01)
    assert "mm²" in axial.title
    assert by_radius(lattice).title == "radius, mm"
    with pytest.raises(LatticeGnnError, match="expected energy"):
        of_strain("heat", lattice, found)


def test_joints_multiply_to_the_stiffening_of_the_cell():
    lattice = cell("octet", relative_density=0.1)
    surrogate = load_surrogate("joints")
    joints = by_joint_correction(lattice, surrogate).joints
    prediction = surrogate.predict(lattice)
    change = torch.logdet(prediction.stiffness.mandel) - torch.logdet(prediction.frame.mandel)
    assert np.log1p(joints / 100).sum() == pytest.approx(float(change) / 6, rel=1e-4)
