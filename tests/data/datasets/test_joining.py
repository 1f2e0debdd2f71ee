"""Several datasets in one: equal lattices once, with the labels of all."""

from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Label
from data.datasets.joining import concatenate, merge_datasets
from lattice_gnn.errors import LatticeGnnError


def test_merging_keeps_equal_lattices_once_with_all_their_labels(dataset, same):
    left, right = dataset.select(range(60)), dataset.select(range(40, len(dataset)))
    solid = Label(np.ones((len(right), 21)), np.ones(len(right), dtype=bool), "solid FEM", 0.02)
    merged = merge_datasets([left, replace(right, labels={**right.labels, "solid": solid})])
    assert len(merged) == len(dataset)
    assert len(merged.bases) == len(dataset.bases)
    assert same(replace(merged, labels={"beam": merged.labels["beam"]}), dataset)
    assert merged.labels["solid"].mask.tolist() == [k >= 40 for k in range(len(dataset))]
    wrong = replace(dataset.labels["beam"], stiffness=2 * dataset.labels["beam"].stiffness)
    with pytest.raises(LatticeGnnError, match="are equal and their labels are not"):
        merge_datasets([dataset, replace(dataset, labels={"beam": wrong})])
    other = replace(dataset.labels["beam"], method="guesswork")
    with pytest.raises(LatticeGnnError, match="made by different methods"):
        concatenate([dataset, replace(dataset, labels={"beam": other})])


def test_labels_of_one_lattice_may_differ_by_a_share_of_the_error_they_claim(dataset):
    """Of any strain energy: a soft mode may not change unnoticed beside stiff ones."""
    part = dataset.select(range(3))

    def labelled(C):
        rows = np.tile(C[np.triu_indices(6)], (3, 1))
        label = Label(rows, np.ones(3, dtype=bool), "solid FEM", 0.02)
        return replace(part, labels={"solid": label})

    C = np.diag([1.0, 1.0, 1.0, 1.0, 1.0, 1e-3])
    soft = np.diag([0.0, 0.0, 0.0, 0.0, 0.0, 1e-3])
    for near in (1.0001 * C, 0.9999 * C, C + 1e-4 * soft):
        assert len(merge_datasets([labelled(C), labelled(near)])) == 3
    for far in (1.001 * C, 0.999 * C, C + 0.01 * soft):
        with pytest.raises(LatticeGnnError, match="are equal and their labels are not"):
            merge_datasets([labelled(C), labelled(far)])
