"""The benchmark of labels and extrapolation: labels of a run, and averages of errors."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.training.labelled import LabelledLattices

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def curves():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("joints_curves")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def six(curves):
    """Six lattices of three bases, two of other Poisson's ratios."""
    lattices = [cell("bcc", radius=0.02 + 0.01 * k) for k in range(6)]
    facts = {"base": np.array([0, 0, 1, 1, 2, 2]), "nu": np.array([0.3, 0.3, 0.3, 0.3, 0.0, 0.45])}
    return curves.Lattices(LabelledLattices.by_beams(lattices), facts)


def radii(part):
    return sorted(round(float(x), 3) for x in part.batch.radii[part.batch.strut_offsets[:-1]])


def test_a_run_without_a_kind_has_none_of_it(curves, six):
    part = curves.part_of(curves.Run("network", 0, "nu other than 0.3"), six)
    assert radii(part) == [0.02, 0.03, 0.04, 0.05]


def test_few_labels_are_those_of_few_bases_and_depend_on_the_seed(curves, six):
    pairs = {(0.02, 0.03), (0.04, 0.05), (0.06, 0.07)}
    found = {
        tuple(radii(curves.part_of(curves.Run("network", k, None, 2), six))) for k in range(20)
    }
    assert found == pairs
    assert len(curves.part_of(curves.Run("network"), six)) == 6


def test_statistics_are_means_over_the_runs_that_are_done(curves):
    runs = [curves.Run("network", k) for k in range(3)]
    stored = {run.key: {"errors": [100 * (k + 1)] * 4} for k, run in enumerate(runs[:2])}
    assert curves.statistics(stored, runs, np.array([True] * 4)) == "1.50 / 1.50 / 1.50"
    assert curves.statistics({}, runs, np.array([True] * 4)) == "-"
