"""Datasets that would hang or crash the HDF5 library, and writing that leaves nothing behind."""

import errno

import h5py
import numpy as np
import pytest

from data.datasets.file import read_dataset, write_dataset
from data.datasets.probe import check_readable, has_checksum
from data.labelling.generate import generate
from data.populations.population import Population
from lattice_gnn.errors import LatticeGnnError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    population = Population(count=2, levels=(), densities=(0.02,), seed=3)
    return generate(population, tmp_path_factory.mktemp("made") / "a.h5")


@pytest.fixture
def path(tmp_path, dataset):
    write_dataset(tmp_path / "a.h5", dataset)
    return tmp_path / "a.h5"


def test_our_files_carry_their_checksum_and_stay_hdf5(path, dataset):
    assert has_checksum(path)
    with h5py.File(path) as file:
        assert len(file["lattices/cells"]) == len(dataset)
    first = path.read_bytes()
    write_dataset(path, dataset)
    assert path.read_bytes() == first
    path.write_bytes(first[:1000] + b"x" + first[1001:])
    assert not has_checksum(path)


def test_files_of_others_are_tried_in_a_process_of_their_own(path, monkeypatch):
    path.write_bytes(path.read_bytes()[:-30])
    assert not has_checksum(path)
    assert len(read_dataset(path)) == 2
    monkeypatch.setattr("data.datasets.probe._TRY", "while True: pass")
    monkeypatch.setattr("data.datasets.probe._SECONDS", 0.5)
    with pytest.raises(LatticeGnnError, match="does not finish within"):
        check_readable(path)
    monkeypatch.setattr("data.datasets.probe._TRY", "import os; os.abort()")
    monkeypatch.setattr("data.datasets.probe._SECONDS", 20)
    with pytest.raises(LatticeGnnError, match="crashes the library"):
        read_dataset(path)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("lattices/poisson", 0.7, "poisson: not all between"),
        ("lattices/radii", -1.0, "radii: not all above 0"),
        ("lattices/radii", np.nan, "radii: not all above 0"),
        ("lattices/nodes", np.inf, "nodes: not finite"),
        ("lattices/cells", 0.0, "lattice 0: cell"),
        ("bases/space_groups", 1000, "space_groups"),
        ("labels/beam/stiffness", 1e300, "stiffness: not finite, or above"),
        ("labels/beam/stiffness", np.nan, "stiffness: not finite, or above"),
    ],
)
def test_numbers_that_no_lattice_has_are_refused(path, place, value, words):
    with h5py.File(path, "r+") as file:
        file[place][0] = value
    with pytest.raises(LatticeGnnError, match=words):
        read_dataset(path)


def test_struts_from_a_node_to_itself_are_refused(path):
    with h5py.File(path, "r+") as file:
        file["lattices/struts"][0] = (1, 1)
        file["lattices/shifts"][0] = (0, 0, 0)
    with pytest.raises(LatticeGnnError, match="joins a node to itself"):
        read_dataset(path)


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(path, dataset, monkeypatch):
    old = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("data.datasets.file.os.fsync", full)
    with pytest.raises(LatticeGnnError, match=r"cannot be written \(No space left"):
        write_dataset(path, dataset)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]
