"""Pairs of strut ends, against counting and against geometry."""

import math

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.testing import random_lattice

pytestmark = pytest.mark.usefixtures("path")


def star(directions: np.ndarray, radii: np.ndarray | float = 0.1) -> LatticeBatch:
    """One joint with struts to nodes at the given places."""
    count = len(directions)
    lattice = Lattice(
        cell=10 * np.eye(3),
        nodes=np.concatenate([np.zeros((1, 3)), np.asarray(directions) / 10]),
        struts=np.stack([np.zeros(count, int), 1 + np.arange(count)], 1),
        shifts=np.zeros((count, 3), int),
        radii=np.broadcast_to(radii, count).copy(),
    )
    return LatticeBatch.from_lattices([lattice])


def test_every_pair_of_ends_at_a_node_is_there_once() -> None:
    lattices = [random_lattice(seed) for seed in range(4)]
    batch = LatticeBatch.from_lattices(lattices)
    pairs = JointPairs.of(batch)
    expected = {
        (a, b)
        for a in range(len(pairs.node))
        for b in range(a + 1, len(pairs.node))
        if pairs.node[a] == pairs.node[b]
    }
    found = [tuple(sorted(pair)) for pair in pairs.ends.T.tolist()]
    assert len(found) == len(set(found))
    assert set(found) == expected
    owner = batch.node_lattice[pairs.node[pairs.ends[0]]]
    assert torch.equal(owner, torch.repeat_interleave(torch.arange(4), pairs.offsets.diff()))


def test_self_image_struts_pair_with_their_own_other_end() -> None:
    pairs = JointPairs.of(LatticeBatch.from_lattices([cell("sc", radius=0.1)]))
    assert pairs.ends.shape == (2, 15)
    cosines = sorted(pairs.cosine.round().tolist())
    assert cosines == [-1.0] * 3 + [0.0] * 12


def test_profile_of_equal_struts_is_where_their_surfaces_meet() -> None:
    """Two cylinders of radius r at angle a: the mitre plane cuts the surface at r / tan(a / 2)."""
    for degrees in (40.0, 60.0, 90.0, 120.0):
        angle = math.radians(degrees)
        t = np.array([[0, 0, 1.0], [math.sin(angle), 0, math.cos(angle)]])
        profile = JointPairs.of(star(t)).profile()
        assert float(torch.expm1(profile[0, 0, 0])) == pytest.approx(
            1 / math.tan(angle / 2), rel=0.08, abs=0.07
        )
        assert float(profile[0, 0, 3]) == pytest.approx(0, abs=0.01)  # the far side is free


def test_profile_takes_the_strut_that_reaches_farthest() -> None:
    t = np.array([[0, 0, 1.0], [1, 0, 0], [0.5, 0, math.sqrt(0.75)]])
    pairs = JointPairs.of(star(t))
    towards_x = pairs.profile()[0, 0, 0]  # of the first end, counted from the second
    assert float(torch.expm1(towards_x)) == pytest.approx(1 / math.tan(math.radians(15)), rel=0.1)


def test_influence_is_one_between_equals_and_vanishes_as_the_cube() -> None:
    t = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
    pairs = JointPairs.of(star(t, np.array([0.1, 0.1, 1e-4])))
    influence = {
        (a // 2, b // 2): float(x)
        for row, x_row in zip((pairs.ends, pairs.ends.flip(0)), pairs.influence(), strict=True)
        for (a, b), x in zip(row.T.tolist(), x_row, strict=True)
    }
    assert influence[0, 1] == pytest.approx(1)
    assert influence[0, 2] == pytest.approx(1e-9 * 1.3 / 0.3, rel=1e-6)
    assert influence[2, 0] == pytest.approx(1.3, rel=1e-6)


def test_transparency_is_one_for_a_cut_strut_alone() -> None:
    straight = np.array([[0, 0, 1.0], [0, 0, -1]])
    assert float(JointPairs.of(star(straight)).transparency(torch.ones(2, 1).double())) == 1
    for t, radii in (
        (np.array([[0, 0, 1.0], [0, 0.7, -0.5]]), 0.1),
        (straight, np.array([0.1, 0.3])),
        (np.array([*straight, [1, 0, 0], [0, 1, 0]]), 0.1),
    ):
        pairs = JointPairs.of(star(t, radii))
        assert float(pairs.transparency(pairs.influence())[0]) < 0.1


def test_a_joint_of_thirty_struts() -> None:
    t = np.random.default_rng(0).normal(size=(30, 3))
    pairs = JointPairs.of(star(t / np.linalg.norm(t, axis=1, keepdims=True)))
    assert pairs.ends.shape == (2, 435)
    assert bool(torch.isfinite(pairs.profile()).all())
