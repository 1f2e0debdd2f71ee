"""Print processes and lattices as they are manufactured."""

import numpy as np
import pytest

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.design.printing import PRINT_PROCESSES, AsManufactured, Limit, PrintProcess
from lattice_gnn.design.state import DesignState
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch

OCTET = cell("octet", relative_density=0.05)


@pytest.mark.parametrize("process", PRINT_PROCESSES.values(), ids=lambda process: process.name)
def test_every_limit_of_the_table_names_its_source(process):
    sources = process.sources()
    assert sources
    assert all(len(source) > 30 for source in sources.values())


def test_limits_are_constraints_in_the_unit_of_the_lattice():
    process = PrintProcess(
        "test", Limit(0.5, "s"), smallest_gap=Limit(0.4, "s"), overhang=Limit(30.0, "s")
    )
    names = [c.name for c in process.constraints(millimetres=5.0, build_direction=[0, 1, 1])]
    assert names == ["radius >= 0.05", "clearance >= 0.08", "overhang[011] >= 30"]
    with pytest.raises(LatticeGnnError, match="positive"):
        process.constraints(millimetres=0.0)


def test_a_cell_with_struts_of_the_smallest_diameter_satisfies_the_process_exactly():
    process = PRINT_PROCESSES["lpbf-ti64"]
    lattice = OCTET.with_radii(0.1 / 4.0)  # 0.2 mm in a cell of 4 mm
    state = DesignState(LatticeBatch.from_lattices([lattice]))
    (limit,) = process.constraints(millimetres=4.0)
    assert limit.worst(state).item() == pytest.approx(0.025)
    assert limit.violation(state).item() == 0.0


def test_the_printed_lattice_is_thicker_and_softer():
    made = AsManufactured(diameter_offset=0.01, modulus_factor=0.8)
    printed = made.lattice(OCTET)
    assert np.allclose(printed.radii, OCTET.radii + 0.005)
    # Beam stiffness is proportional to the modulus of the struts.
    thick = OCTET.with_radii(OCTET.radii + 0.005)
    C, C_thick = (homogenise_beam(x).stiffness.mandel[0] for x in (printed, thick))
    assert np.allclose(C, 0.8 * C_thick, rtol=1e-12)


def test_the_bore_of_a_printed_tube_shrinks_where_its_outside_grows():
    tube = OCTET.replace(inner_radii=0.5 * OCTET.radii)
    printed = AsManufactured(diameter_offset=0.004).lattice(tube)
    assert np.allclose(printed.radii, tube.radii + 0.002)
    assert np.allclose(printed.inner_radii, tube.inner_radii - 0.002)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AsManufactured(diameter_offset=float("nan")), "finite"),
        (lambda: AsManufactured(modulus_factor=0.0), "positive"),
        (lambda: PRINT_PROCESSES["sls-pa12"].as_manufactured(), "no published deviation"),
    ],
)
def test_wrong_numbers_are_refused(call, message):
    with pytest.raises(LatticeGnnError, match=message):
        call()
