"""Equality with fedoo, an independent beam code; golden/make_fedoo_golden.py made the numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.json_file import lattice_from_dict

pytestmark = pytest.mark.usefixtures("path")

GOLDEN = 1e-10
"""Relative Frobenius difference between the two codes."""
CELLS = json.loads((Path(__file__).parents[1] / "golden" / "fedoo.json").read_text())["cells"]


@pytest.mark.parametrize("element", ["euler-bernoulli", "timoshenko"])
@pytest.mark.parametrize("entry", CELLS, ids=lambda entry: entry["lattice"]["name"])
def test_equals_fedoo(entry, element):
    C = homogenise_beam(lattice_from_dict(entry["lattice"]), element=element).stiffness.mandel[0]
    golden = np.array(entry[element])
    assert np.linalg.norm(C.numpy() - golden) < GOLDEN * np.linalg.norm(golden)


def test_golden_cells_are_the_promised_ones():
    """Three of them without any symmetry: no two eigenvalues alike, no zero in C."""
    names = [entry["lattice"]["name"] for entry in CELLS]
    assert {"bcc", "octet", "kelvin", "diamond"} < set(names)
    asymmetric = [entry for entry in CELLS if entry["lattice"]["name"].startswith("asymmetric")]
    assert len(asymmetric) == 3
    for entry in asymmetric:
        C = np.array(entry["euler-bernoulli"])
        assert np.abs(C).min() > 1e-4 * np.abs(C).max()
        radii = [strut["radius"] for strut in entry["lattice"]["struts"]]
        assert len(set(radii)) == len(radii)
