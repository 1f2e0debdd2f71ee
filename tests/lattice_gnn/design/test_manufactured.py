"""Lattices as they are manufactured."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.verbs.homogenise import homogenise
from lattice_gnn.verbs.optimise import optimise

OCTET = cell("octet", relative_density=0.05)


def test_the_printed_lattice_is_thicker():
    printed = AsManufactured(diameter_offset=0.01).lattice(OCTET)
    assert np.allclose(printed.radii, OCTET.radii + 0.005)
    assert printed.name == "octet"


def test_the_bore_of_a_printed_tube_shrinks_where_its_outside_grows():
    tube = OCTET.replace(inner_radii=0.5 * OCTET.radii)
    printed = AsManufactured(diameter_offset=0.004).lattice(tube)
    assert np.allclose(printed.radii, tube.radii + 0.002)
    assert np.allclose(printed.inner_radii, tube.inner_radii - 0.002)


def test_by_default_the_design_is_what_is_made():
    assert AsManufactured().lattice(OCTET) is OCTET
    assert str(AsManufactured()) == ""


def test_the_design_compensates_for_what_the_machine_adds():
    # E_i = 0.8 pi (r + 0.01)^2 as printed, and rho = 0.06 as printed: r = sqrt(0.02/pi) - 0.01.
    made = AsManufactured(diameter_offset=0.02, modulus_factor=0.8)
    result = optimise(
        cell("sc", radius=0.05),
        maximise=E([0, 0, 1]),
        vary="radius",
        subject_to=relative_density <= 0.06,
        settings=DesignSettings(as_manufactured=made, digits=6),
    )
    assert result.lattice.radii == pytest.approx(np.sqrt(0.02 / np.pi) - 0.01, rel=1e-4)
    assert result.objective.value == pytest.approx(0.8 * 0.02, rel=1e-4)
    assert result.objective.reference == pytest.approx(result.objective.value, rel=1e-9)
    assert any("as it is manufactured: diameters +0.02" in note for note in result.notes)
    printed = homogenise(made.lattice(result.lattice)).stiffness.young_modulus([0.0, 0.0, 1.0])
    assert 0.8 * printed.item() == pytest.approx(result.objective.value, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AsManufactured(diameter_offset=float("nan")), "finite"),
        (lambda: AsManufactured(modulus_factor=0.0), "above 0"),
    ],
)
def test_wrong_numbers_are_refused(call, message):
    with pytest.raises(LatticeGnnError, match=message):
        call()
