"""The HDF5 file of a dataset gives back every byte; bad files are refused."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from data.datasets.file import SCHEMA, read_dataset, write_dataset
from lattice_gnn.errors import LatticeGnnError


def test_file_gives_back_every_byte_and_equal_data_give_equal_files(
    dataset, tmp_path, dressed, same
):
    for number, data in enumerate((dataset, dressed[1])):
        files = [tmp_path / f"{number}{x}.h5" for x in "ab"]
        for file in files:
            write_dataset(file, data)
        assert files[0].read_bytes() == files[1].read_bytes()
        assert same(read_dataset(files[0]), data)
        assert read_dataset(files[0]).provenance == data.provenance
    with h5py.File(tmp_path / "0a.h5") as file:
        assert file.attrs["schema"] == SCHEMA
        assert file.attrs["seeds"].tolist() == [11]
        assert {"notation", "units", "code_version", "provenance"} <= set(file.attrs)
        assert file["labels/beam"].attrs["error"] == 1e-9
        # Flat arrays: no group holds a single lattice.
        assert set(file) == {"lattices", "bases", "labels"}


@pytest.fixture
def file(dataset, tmp_path):
    path = tmp_path / "set.h5"
    write_dataset(path, dataset)
    return path


def change(path, edit):
    with h5py.File(path, "r+") as file:
        edit(file)


def put(name, value):
    def edit(file):
        del file[name]
        file[name] = value

    return edit


def put_new(file, name):
    file[name] = np.zeros(3)


def huge(file):
    del file["lattices/radii"]
    file.create_dataset("lattices/radii", shape=(10**12,), dtype="f8", chunks=(1024,))


def linked(file):
    del file["lattices/radii"]
    file["lattices/radii"] = h5py.ExternalLink("/etc/hostname", "/x")


def off_range(file):
    file["lattices/struts"][0, 0] = 10**6


def crossed_offsets(file):
    file["lattices/node_offsets"][1] = -5


HOSTILE = {
    "schema": (lambda f: f.attrs.modify("schema", "other/9"), "schema: expected"),
    "no schema": (lambda f: f.attrs.pop("schema"), "'schema' is missing"),
    "notation": (lambda f: f.attrs.modify("notation", "Voigt"), "notation: expected"),
    "unknown": (
        lambda f: put_new(f, "lattices/strut_density"),
        "lattices/strut_density: not known",
    ),
    "missing": (lambda f: f.pop("lattices/radii"), "lattices/radii: missing"),
    "type": (put("lattices/radii", np.zeros(3, np.int8)), "lattices/radii: expected f8"),
    "shape": (put("lattices/cells", np.zeros((3, 2, 2))), "lattices/cells: expected f8"),
    "text": (put("lattices/radii", "words"), "lattices/radii: expected an array"),
    "short": (put("lattices/poisson", np.zeros(3)), "lattices/poisson: expected 128 rows, got 3"),
    "huge": (huge, "lattices/radii: declares"),
    "link": (linked, "lattices/radii: a link"),
    "group": (put("labels", np.zeros(3)), "labels: expected a group"),
    "range": (off_range, "lattices/struts: a node number is out of range"),
    "offsets": (crossed_offsets, "lattices/node_offsets: does not increase"),
    "provenance": (lambda f: f.attrs.modify("provenance", "{"), "'provenance' is not a JSON"),
    "method": (lambda f: f["labels/beam"].attrs.pop("method"), "labels/beam: the attributes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_one_sentence(case, file):
    edit, sentence = HOSTILE[case]
    change(file, edit)
    with pytest.raises(LatticeGnnError, match=sentence) as caught:
        read_dataset(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused_in_one_sentence(share, file):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(LatticeGnnError, match="not a readable HDF5 file"):
        read_dataset(file)


def test_a_file_that_is_not_there_and_one_that_cannot_be_written(dataset, tmp_path):
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_dataset(tmp_path / "none.h5")
    with pytest.raises(LatticeGnnError, match="cannot be written"):
        write_dataset(tmp_path / "no folder" / "set.h5", dataset)


def test_a_level_that_is_not_known_stays_so(dataset, tmp_path):
    unknown = replace(dataset, levels=np.full(len(dataset), np.nan))
    write_dataset(tmp_path / "set.h5", unknown)
    assert np.isnan(read_dataset(tmp_path / "set.h5").levels).all()
