"""Nothing is lost between lattices, arrays and batches; splits keep bases together."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from data.datasets.check import check_dataset
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.notation import UPPER
from lattice_gnn.training.labelled import LabelledLattices


def same_batches(a, b):
    names = [item.name for item in fields(LatticeBatch)]
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


def test_batches_equal_those_made_of_lattices(dressed):
    lattices, dataset = dressed
    assert set(dataset.sections) == {"end_radii", "inner_radii", "E"}
    chosen = [7, 0, 3, 3]
    expected = LatticeBatch.from_lattices([lattices[k] for k in chosen])
    assert same_batches(dataset.to_batch(chosen), expected)
    assert same_batches(dataset.to_batch(), LatticeBatch.from_lattices(lattices))
    assert dataset.to_batch([0], dtype=torch.float32).nodes.dtype == torch.float32
    for k, lattice in enumerate(dataset.lattices(range(len(lattices)))):
        assert lattice.material.nu == lattices[k].material.nu
        assert np.array_equal(lattice.struts, lattices[k].struts)
        assert (lattice.inner_radii is None) == (lattices[k].inner_radii is None)


def test_labels_are_those_of_the_beam_solver(dataset):
    chosen = np.arange(0, len(dataset), 9)
    C = homogenise_beam(dataset.lattices(chosen)).stiffness.mandel.numpy()
    assert np.abs(dataset.stiffness("beam", chosen) - C).max() < 1e-12 * np.abs(C).max()
    labelled = LabelledLattices(*dataset.labelled("beam", chosen))
    assert len(labelled) == len(chosen)
    assert check_dataset(dataset, spots=8).problems == ()
    with pytest.raises(LatticeGnnError, match="no labels of kind 'solid'; it has beam"):
        dataset.stiffness("solid", [0])


def test_no_base_straddles_a_split_and_a_base_goes_to_the_same_part_in_every_file(dataset):
    shares = {"train": 0.5, "test": 0.5}
    parts = dataset.split(shares, seed=3)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(dataset)))
    bases = {name: set(dataset.base[chosen].tolist()) for name, chosen in parts.items()}
    assert not bases["train"] & bases["test"]
    assert min(len(part) for part in parts.values()) > 0.2 * len(dataset)
    # A part of the data, in another order: every base stays where it was.
    some = dataset.select(np.arange(len(dataset))[::-1][::3])
    shapes = {n: set(dataset.bases.shapes[list(b)].tolist()) for n, b in bases.items()}
    for name, chosen in some.split(shares, seed=3).items():
        assert set(some.bases.shapes[some.base[chosen]].tolist()) <= shapes[name]
    by_net = dataset.split(shares, by="net")
    nets = [set(dataset.bases.nets[dataset.base[chosen]].tolist()) for chosen in by_net.values()]
    assert not nets[0] & nets[1]


def test_known_nets_go_to_the_first_part_and_leave_the_others_where_they_were(dataset):
    shares = {"train": 0.5, "test": 0.5}
    usual = dataset.split(shares, by="net")
    known = set(dataset.bases.nets[dataset.base[usual["test"]]][:1].tolist())
    parts = dataset.split(shares, by="net", known=known)
    moved = np.flatnonzero(np.isin(dataset.bases.nets[dataset.base], list(known)))
    assert 0 < len(moved) < len(usual["test"])
    assert parts["train"].tolist() == sorted({*usual["train"].tolist(), *moved.tolist()})
    assert parts["test"].tolist() == sorted({*usual["test"].tolist()} - {*moved.tolist()})


def test_shares_that_do_not_add_up_are_refused(dataset):
    with pytest.raises(LatticeGnnError, match=r"^split: expected shares >= 0 that add up to 1"):
        dataset.split({"train": 0.5, "test": 0.4})


def test_selected_lattices_keep_their_bases(dataset):
    chosen = np.array([100, 3, 40])
    part = dataset.select(chosen)
    assert len(part.bases) == 3
    assert [part.name(k) for k in range(3)] == [dataset.name(int(k)) for k in chosen]
    assert same_batches(part.to_batch(), dataset.to_batch(chosen))
    assert part.name(0).endswith("_p_0.02") or part.levels[0] == 0


def test_label_rows_are_the_upper_triangle(dataset):
    C = dataset.stiffness("beam", [0])[0]
    assert np.array_equal(C, C.T)
    assert np.array_equal(C[UPPER], dataset.labels["beam"].stiffness[0])
    assert C[0, 1] == dataset.labels["beam"].stiffness[0, 1]
