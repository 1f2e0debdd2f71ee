"""Energies of single struts add up to the stiffness; forces are those of the closed form."""

import numpy as np
import pytest

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.beam.strut_fields import strain_tensor, strut_fields
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.testing import random_lattice

pytestmark = pytest.mark.usefixtures("path")

UNIT = np.eye(6)


def solved(lattice, strain, element="euler-bernoulli"):
    solution = homogenise_beam(lattice, element=element, fields=True)
    return solution, strut_fields(lattice, solution.fields, strain)


@pytest.mark.parametrize("element", ["euler-bernoulli", "timoshenko"])
def test_energies_of_the_struts_add_up_to_those_of_the_cell(element):
    lattice = random_lattice(5)
    strain = np.array([0.3, -0.2, 0.5, 0.1, -0.4, 0.2])
    solution, found = solved(lattice, strain, element)
    for name in ("axial", "bending", "torsion"):
        whole = strain @ getattr(solution.fields, name)[0].numpy() @ strain / 2 * lattice.volume
        assert getattr(found, name).sum() == pytest.approx(whole, rel=1e-8, abs=1e-14)
    C = solution.stiffness[0].numpy()
    assert found.energy.sum() == pytest.approx(strain @ C @ strain / 2 * lattice.volume, rel=1e-9)
    assert found.energy_share.sum() == pytest.approx(1)
    assert ((found.bending_share >= 0) & (found.bending_share <= 1)).all()


def test_a_simple_cubic_bar_carries_E_A_times_the_strain():
    lattice = cell("sc", radius=0.1)
    _, found = solved(lattice, UNIT[2])
    along_z = np.abs(lattice.strut_vectors[:, 2]) > 0.5
    np.testing.assert_allclose(found.axial_force[along_z], np.pi * 0.1**2, rtol=1e-9)
    np.testing.assert_allclose(found.axial_force[~along_z], 0, atol=1e-12)
    np.testing.assert_allclose(found.bending, 0, atol=1e-12)
    ends = found.displacements[along_z][0]
    vector = lattice.strut_vectors[along_z][0]
    np.testing.assert_allclose(ends[1] - ends[0], [0, 0, vector[2]], atol=1e-12)


def test_shear_of_a_simple_cubic_lattice_is_carried_by_bending():
    _, found = solved(cell("sc", radius=0.02), UNIT[3])
    loaded = found.energy > 0.1 * found.energy.max()
    np.testing.assert_allclose(found.bending_share[loaded], 1, rtol=1e-6)


def test_strain_tensor_is_that_of_the_Mandel_vector():
    E = strain_tensor(np.array([1.0, 2, 3, 4, 5, 6]))
    np.testing.assert_allclose(E, E.T)
    assert np.sum(E * E) == pytest.approx(np.sum(np.arange(1, 7) ** 2))
    assert E[1, 2] == pytest.approx(4 / 2**0.5)


def test_fields_of_another_lattice_are_refused():
    fields = homogenise_beam(cell("octet", radius=0.1), fields=True).fields
    with pytest.raises(LatticeGnnError, match="homogenise this lattice alone"):
        strut_fields(cell("sc", radius=0.1), fields, UNIT[0])
