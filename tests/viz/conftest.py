"""Small lattices with known pictures, written out by hand."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.stiffness import Stiffness
from viz.gl import PROBE_VARIABLE, RENDERER_VARIABLE, probe_gl


@pytest.fixture
def assert_closed():
    """Check that every edge is walked once in each direction: no hole, no face turned over."""

    def check(faces):
        walked = Counter(
            (int(a), int(b)) for k in range(3) for a, b in np.roll(faces, -k, axis=1)[:, :2]
        )
        assert set(walked.values()) == {1}
        assert all((b, a) in walked for a, b in walked)

    return check


@pytest.fixture
def simple_cubic():
    """One node and three struts along the axes of a cell of edge 2, radius 0.1."""
    return Lattice(
        cell=2 * np.eye(3),
        nodes=np.zeros((1, 3)),
        struts=np.zeros((3, 2), dtype=np.int64),
        shifts=np.eye(3, dtype=np.int64),
        radii=np.full(3, 0.1),
        name="simple cubic",
    )


@pytest.fixture
def octet():
    """Face-centred nodes, all 24 struts of length sqrt(1/2), radius 0.04."""
    nodes = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    struts, shifts = [], []
    for i, j in combinations(range(4), 2):
        for shift in np.ndindex(3, 3, 3):
            offset = np.array(shift) - 1
            if np.isclose(np.linalg.norm(nodes[j] + offset - nodes[i]), 0.5**0.5):
                struts.append((i, j))
                shifts.append(offset)
    return Lattice(
        cell=np.eye(3),
        nodes=nodes,
        struts=np.array(struts),
        shifts=np.array(shifts),
        radii=np.full(len(struts), 0.04),
        name="octet",
    )


@pytest.fixture
def cubic_stiffness():
    """Stiffness of a slender octet of 10 % relative density."""
    return Stiffness.cubic(0.01671, 0.00831, 0.00835)


@pytest.fixture
def fresh_probe(monkeypatch):
    """Forget what the probe found and what the environment asks, before and after the test."""
    monkeypatch.delenv(RENDERER_VARIABLE, raising=False)
    monkeypatch.delenv(PROBE_VARIABLE, raising=False)
    probe_gl.cache_clear()
    yield
    probe_gl.cache_clear()


@pytest.fixture
def broken_gl(monkeypatch, fresh_probe):
    """A machine on which VTK dies by a segmentation fault."""
    monkeypatch.setenv(PROBE_VARIABLE, "crash")
