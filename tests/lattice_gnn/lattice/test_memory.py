"""Lattices remember what is computed from them; equality, copies and pickles do not see it."""

import copy
import pickle

import numpy as np
import pytest

from lattice_gnn.cells.named import cell


def used():
    """A lattice with collinear nodes whose net and simplified form are known."""
    lattice = cell("isotruss", radius=0.05)
    lattice.connectivity()
    lattice.simplified()
    return lattice


def test_results_are_computed_once():
    lattice = used()
    assert lattice.connectivity() is lattice.connectivity()
    assert lattice.simplified() is lattice.simplified()
    assert lattice.simplified().num_nodes == 2


def test_each_tolerance_has_its_own_result():
    lattice = used()
    bent = lattice.perturbed(1e-5, seed=0)
    assert bent.simplified() is bent
    assert bent.simplified(tolerance=1e-3).num_nodes == 2
    assert bent.simplified() is bent


def test_a_changed_lattice_forgets():
    lattice = used()
    changed = lattice.reordered(np.arange(5)[::-1])
    assert changed.connectivity() is not lattice.connectivity()
    assert lattice.scaled(2.0).simplified().volume == pytest.approx(8 * lattice.volume)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_duplicates_are_equal_and_start_without_results(duplicate):
    lattice = used()
    other = duplicate(lattice)
    assert other == lattice
    assert hash(other) == hash(lattice)
    assert other.connectivity() is not lattice.connectivity()
    assert other.simplified() == lattice.simplified()
