"""What is in a dataset, against counts by hand."""

from dataclasses import replace

import numpy as np
import pytest

from data.datasets.statistics import describe


def test_statistics_count_bases_and_lattices(dataset):
    facts = describe(dataset)
    assert (facts.lattices, facts.bases) == (128, 32)
    assert sum(facts.systems.values()) == 32
    assert facts.levels == (0.0, 0.02)
    octet = dataset.select([0])
    facts = describe(octet)
    assert facts.connectivity.mean == 12
    assert facts.systems == {"cubic": 1}
    C = octet.stiffness("beam", [0])[0]
    density = octet.lattices([0])[0].relative_density
    assert facts.labels["beam"].C.mean == pytest.approx(np.trace(C) / 6 / density)


def test_bases_of_unknown_symmetry_are_of_no_space_group(dataset):
    known = dataset.bases.space_groups
    bases = replace(dataset.bases, space_groups=np.where(np.arange(len(known)) < 2, 0, known))
    facts = describe(replace(dataset, bases=bases))
    assert facts.systems["unknown"] == 2
    assert facts.space_groups == len(set(known[2:].tolist()))
