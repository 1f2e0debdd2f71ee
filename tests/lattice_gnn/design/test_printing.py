"""Print processes and lattices as they are manufactured."""

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design.printing import PRINT_PROCESSES, Limit, PrintProcess
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
    with pytest.raises(LatticeGnnError, match="millimetres: expected a number above 0"):
        process.constraints(millimetres=0.0)


def test_a_cell_with_struts_of_the_smallest_diameter_satisfies_the_process_exactly():
    process = PRINT_PROCESSES["lpbf-ti64"]
    lattice = OCTET.with_radii(0.1 / 4.0)  # 0.2 mm in a cell of 4 mm
    state = DesignState(LatticeBatch.from_lattices([lattice]))
    (limit,) = process.constraints(millimetres=4.0)
    assert limit.worst(state).item() == pytest.approx(0.025)
    assert limit.violation(state).item() == 0.0


def test_a_process_without_a_known_deviation_says_so():
    with pytest.raises(LatticeGnnError, match="no published deviation"):
        PRINT_PROCESSES["sls-pa12"].as_manufactured()
    made = PRINT_PROCESSES["lpbf-ti64"].as_manufactured(millimetres=4.0, modulus_factor=0.9)
    assert (made.diameter_offset, made.modulus_factor) == pytest.approx((0.011, 0.9))
