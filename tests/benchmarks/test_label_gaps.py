"""Stored labels are examined again for gaps of all pairs of struts."""

from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Bases, Dataset
from data.labelling.solid import SolidLabelling, label_solid
from lattice_gnn.lattice.lattice import Lattice


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("label_gaps")


def nets(second, radius):
    shifts = np.tile(np.eye(3, dtype=int), (2, 1))
    return Lattice(
        np.eye(3),
        [[0, 0, 0], [second] * 3],
        [[0, 0]] * 3 + [[1, 1]] * 3,
        shifts,
        radius,
        name="nets",
    )


@pytest.fixture(scope="module")
def labelled():
    """Two nets: far apart; touching, with a gap of parallel struts beside; nearly touching."""
    lattices = [nets(0.5, 0.15), nets(0.35, 0.2), nets(0.5, 0.21)]
    names = np.array([b"a", b"b", b"c"])
    bases = Bases(names, names, names, np.zeros(3, dtype=np.int16))
    dataset = Dataset.from_lattices(lattices, bases, np.arange(3), np.full(3, np.nan))
    label, refused = label_solid(lattices, SolidLabelling(voxels_per_diameter=12))
    assert not refused
    return replace(dataset, labels={"solid": label})


def test_flags_are_those_of_the_solid_reference(script, labelled):
    stored = labelled.labels["solid"].detail("unresolved_gap")
    assert stored.tolist() == [0, 1, 1]
    assert script.flags(labelled).tolist() == stored.tolist()


def test_old_labels_are_corrected_once(script, labelled):
    label = labelled.labels["solid"]
    half = np.where(label.detail("unresolved_gap") == 1, 0.5, 1)
    old = {
        **label.details,
        "unresolved_gap": np.array([0.0, 0.0, 1.0]),  # where struts touch, it went unnoticed
        **{name: half * label.detail(name) for name in ("error", "softest_error")},
    }
    before = replace(labelled, labels={"solid": replace(label, details=old)})
    after = script.corrected(before)
    for name in ("unresolved_gap", "error", "softest_error"):
        assert after.labels["solid"].detail(name) == pytest.approx(label.detail(name))
    assert after.provenance[-1]["flags_changed"] == 1
    assert script.corrected(after) is after
