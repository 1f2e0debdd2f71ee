"""Labels of two resolutions compared: matched by lattice, signed, the finer as reference."""

from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Bases, Dataset
from data.labelling.solid import SolidLabelling, label_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError

RADII = (0.15, 0.2, 0.25)


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("label_noise")


@pytest.fixture(scope="module")
def labelled():
    """Simple cubic lattices at 4 voxels per diameter, and in another order at 8."""
    sets = []
    for voxels, radii in ((4, RADII), (8, RADII[::-1])):
        lattices = [cell("sc", radius=r) for r in radii]
        names = np.array([f"{r}".encode() for r in radii])
        bases = Bases(names, names, names, np.ones(len(names), dtype=np.int16))
        made = Dataset.from_lattices(lattices, bases, np.arange(3), np.zeros(3))
        label, refused = label_solid(lattices, SolidLabelling(voxels))
        assert refused == {}
        plan = ({"voxels_per_diameter": voxels},)
        sets.append(replace(made, labels={"solid": label}, provenance=plan))
    return sets


def test_each_lattice_is_compared_with_itself(script, labelled):
    coarse, fine = labelled
    values = script.compare(coarse, fine)
    assert len(values["C"]) == 3
    a, b = coarse.stiffness("solid", [0])[0], fine.stiffness("solid", [2])[0]
    assert values["C"][0] == pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(b))
    assert values["mean"][0] == pytest.approx(np.trace(a) / np.trace(b) - 1)
    assert 0 < values["C"].max() < 0.05
    same = script.compare(fine, fine)
    assert same["C"].max() == 0


def test_one_row_for_every_pair_of_resolutions(script, labelled):
    rows = script.report(labelled[::-1]).splitlines()[2:]
    assert len(rows) == 1
    assert rows[0].startswith("| 4 | 8 | 3 | all |")
    some = replace(labelled[0], labels={"solid": replace(labelled[0].labels["solid"])})
    with pytest.raises(LatticeGnnError, match="share lattices at different resolutions"):
        script.report([labelled[0], some])
