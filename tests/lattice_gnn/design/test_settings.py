"""Settings from Python are checked like those of a YAML file."""

import subprocess
import sys

import pytest

from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.errors import LatticeGnnError

WRONG_TYPES = """
import lattice_gnn as lg

wrong = {
    "reference": "fem", "method": "SLSQP", "voxels_per_diameter": "8", "move": "0.1",
    "radius_bounds": "ab", "as_manufactured": {"diameter_offset": 0.1}, "checkpoint": 5,
}
for name, value in wrong.items():
    try:
        lg.DesignSettings(**{name: value})
    except lg.LatticeGnnError as error:
        print(error)
lg.DesignSettings(radius_bounds=[0.1, 0.2])  # as good as a tuple
octet, stiffest = lg.cell("octet", radius=0.05), lg.E([1, 0, 0])
for call in (
    lambda: lg.AsManufactured(diameter_offset="0.1"),
    lambda: lg.PRINT_PROCESSES["mjf-pa12"].constraints(millimetres="5"),
    lambda: lg.optimise(octet, maximise=stiffest, vary=5),
    lambda: lg.optimise(octet, maximise=stiffest, settings={"digits": 3}),
    lambda: lg.predict(octet, batch_size="8"),
):
    try:
        call()
    except lg.LatticeGnnError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_steps", 0), ("move", 1.0), ("reference_tolerance", -1.0), ("radius_bounds", (0.2, 0.1)),
     ("voxels_per_diameter", 0)],
)  # fmt: skip
def test_values_out_of_range(name, value):
    with pytest.raises(LatticeGnnError, match=f"^design settings: {name}: expected .*, got "):
        DesignSettings(**{name: value})


def test_values_of_a_wrong_type():
    """In a process of its own, without the checks of types that run under pytest."""
    done = subprocess.run(
        [sys.executable, "-c", WRONG_TYPES], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 7 + 5
    assert all(x.startswith("design settings: ") for x in lines[:7])
    assert all(": expected " in x and ", got " in x for x in lines)
