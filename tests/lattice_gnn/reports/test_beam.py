"""Beam solutions as documents: where the energy of simple cubic goes, and ranks."""

import json

import numpy as np
import pytest

from fem_reference.beam import homogenise_beam
from fem_reference.beam.homogenise import RankWarning
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.reports.beam import beam_reports
from lattice_gnn.reports.lattice import Origin

RADIUS = 0.02


@pytest.fixture(scope="module")
def simple_cubic():
    lattice = cell("sc", radius=RADIUS).replace(material=Material(E=2.0))
    solution = homogenise_beam([lattice], fields=True)
    (report,) = beam_reports([lattice], solution, "euler-bernoulli", [Origin("sc.json")])
    return report


def test_simple_cubic_stretches_along_its_struts_and_bends_in_shear(simple_cubic):
    # Struts of length 1 along the axes: C11 = pi r^2; C44 = 6 I for clamped ends turning together.
    axial, bending = simple_cubic.energy.axial, simple_cubic.energy.bending
    np.testing.assert_allclose(axial[:3], np.pi * RADIUS**2 / 2, rtol=1e-9)
    np.testing.assert_allclose(bending[:3], 0, atol=1e-12)
    np.testing.assert_allclose(axial[3:], 0, atol=1e-12)
    second_moment = np.pi * RADIUS**4 / 4
    np.testing.assert_allclose(bending[3:], 6 * second_moment, rtol=1e-9)
    np.testing.assert_allclose(simple_cubic.modes.axial, [0, 0, 0, 1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(simple_cubic.modes.bending, [1, 1, 1, 0, 0, 0], atol=1e-9)


def test_the_document_has_schema_origin_and_unit(simple_cubic):
    found = simple_cubic.to_dict()
    assert found["schema"] == "lattice-gnn/homogenisation/1"
    assert found["lattice"]["file"] == "sc.json"
    assert found["lattice"]["material"]["E"] == 2.0
    np.testing.assert_allclose(
        found["stiffness"]["voigt_times_E"], 2 * np.array(found["stiffness"]["voigt"]), rtol=1e-12
    )
    assert "solid" not in found
    assert found["method"] == {"name": "beam FEM", "element": "euler-bernoulli"}


def test_without_fields_there_is_no_energy():
    lattice = cell("octet", relative_density=0.05)
    (report,) = beam_reports([lattice], homogenise_beam([lattice]), "euler-bernoulli")
    found = report.to_dict()
    assert not {"energy", "modes", "condition"} & set(found)
    assert found["lattice"]["file"] is None
    assert found["rank"] == 6


def test_a_layer_is_singular_and_says_so():
    layer = Lattice(np.eye(3), [[0, 0, 0]], [[0, 0], [0, 0]], np.eye(3)[:2], 0.05)
    with pytest.warns(RankWarning):
        solution = homogenise_beam([layer], fields=True)
    (report,) = beam_reports([layer], solution, "euler-bernoulli")
    assert report.rank == 3
    assert report.moduli is None
    assert [finding.kind for finding in report.warnings] == ["net"]
    # Stretching along 1 and 2 and shearing in their plane cost energy, the other strains nothing.
    assert report.modes.axial == pytest.approx((None, None, None, 0, 1, 1))
    assert report.modes.bending == pytest.approx((None, None, None, 1, 0, 0))
    json.dumps(report.to_dict(), allow_nan=False)
