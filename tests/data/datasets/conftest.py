"""Datasets that several test files look at."""

from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Bases, Dataset, Label
from data.labelling.generate import make_batch
from data.populations.population import Population
from data.populations.varied_cells import CellSampling, sample_cells

POPULATION = Population(seed=11, levels=(0.02,), draws=2, named=("octet", "bcc"))


@pytest.fixture(scope="package")
def dataset():
    """32 bases, a perfect and an imperfect copy of each, two densities, with beam labels."""
    return replace(make_batch(POPULATION, 0), provenance=({"seed": 11, "by": "test"},))


@pytest.fixture(scope="package")
def dressed():
    """Lattices with tapers, bores, unequal moduli, and a Poisson's ratio of their own."""
    count = 12
    lattices = sample_cells(CellSampling(count=count, seed=5, special_share=0.5))
    number = np.arange(count)
    text = np.array([f"base{k}".encode() for k in number])
    bases = Bases(text, text, text, np.ones(count, dtype=np.int16))
    return lattices, Dataset.from_lattices(lattices, bases, number, np.zeros(count))


@pytest.fixture(scope="package")
def same():
    """Whether two datasets are equal to the byte."""
    return _same


def _same(a, b):
    plain = ("cells", "nodes", "struts", "shifts", "radii", "poisson", "base", "levels")
    plain += ("node_offsets", "strut_offsets")
    pairs = [(getattr(a, name), getattr(b, name)) for name in plain]
    pairs += [(getattr(a.bases, n), getattr(b.bases, n)) for n in Bases.__slots__]
    pairs += [(a.section(n), b.section(n)) for n in ("end_radii", "inner_radii", "E", "nu")]
    for kind in a.labels:
        left, right = a.labels[kind], b.labels[kind]
        names = [n for n in Label.__slots__ if n != "details"]
        pairs += [(getattr(left, n), getattr(right, n)) for n in names]
        pairs += [(left.detail(n), right.detail(n)) for n in {*left.details, *right.details}]
    return set(a.labels) == set(b.labels) and all(
        np.asarray(x).tobytes() == np.asarray(y).tobytes() for x, y in pairs
    )
