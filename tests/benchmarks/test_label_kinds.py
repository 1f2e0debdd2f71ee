"""Kinds of lattices counted: by geometry, material and what the labels say of gaps."""

from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Bases, Dataset, Label
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Material


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("label_kinds")


def test_each_kind_is_counted_among_the_labelled(script):
    """Octet: 12 struts at 60 degrees; simple cubic with radii 3:1, E 2:1, nu 0; one left out."""
    octet = cell("octet", relative_density=0.01)
    cubic = cell("sc", radius=0.1).replace(radii=[0.1, 0.1, 0.3], E=[1.0, 1.0, 2.0])
    lattices = [octet, cubic.replace(material=Material(nu=0.0)), cell("sc", relative_density=0.2)]
    names = np.array([b"a", b"b", b"c"])
    bases = Bases(names, names, names, np.ones(3, dtype=np.int16))
    made = Dataset.from_lattices(lattices, bases, np.arange(3), np.zeros(3))
    details = {
        "touching": np.array([0.0, 0.0, 0.0]),
        "unresolved_gap": np.array([0.0, 1.0, 0.0]),
        "clearance": np.array([9.0, 2.0, 9.0]),
    }
    label = Label(np.ones((3, 21)), np.array([True, True, False]), "solid", 0.0, details)
    found = script.kinds(replace(made, labels={"solid": label}))
    assert found["labelled lattices"] == found["bases"] == 2
    one = {
        "10 or more struts at a joint", "12 or more", "more than 2.5 times",
        "relative density below 2 %", "30 % and more", "Poisson's ratio other than 0.3",
        "moduli more than 1.5 times one another",
        "nearly: a gap below 0.7 radii, or below two coarse voxels",
    }  # fmt: skip
    assert {kind for kind, count in found.items() if count == 1} == one
    text = script.report({"a.h5": replace(made, labels={"solid": label})})
    assert text.splitlines()[0] == "| kind | `a.h5` |"
