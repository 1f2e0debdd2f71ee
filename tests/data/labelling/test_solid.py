"""Solid labels of datasets: resumed, sharded, merged, and what they say of themselves."""

import json
from contextlib import contextmanager
from dataclasses import replace

import h5py
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from data.datasets.check import check_dataset
from data.datasets.dataset import Bases, Dataset
from data.datasets.file import read_dataset, write_dataset
from data.datasets.joining import merge_datasets
from data.labelling.batches import Workers, parallel, parts_folder
from data.labelling.beam import BEAM, label_beam
from data.labelling.solid import DETAILS, SOLID, Shard, SolidLabelling, label_dataset, label_solid
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice


class StoppedError(Exception):
    """The run was interrupted."""


def stop(done, of):
    raise StoppedError


COARSE = SolidLabelling(voxels_per_diameter=4, tolerance=1e-6)


def made_of(lattices):
    """A dataset in which every lattice is a base of its own."""
    names = np.array([f"base{k}".encode() for k in range(len(lattices))])
    bases = Bases(names, names, names, np.ones(len(names), dtype=np.int16))
    count = len(lattices)
    dataset = Dataset.from_lattices(lattices, bases, np.arange(count), np.zeros(count))
    labels = {BEAM: label_beam(dataset.to_batch())}
    provenance = ({"generator": "test"},)
    return Dataset(
        **{n: getattr(dataset, n) for n in dataset.__slots__ if n not in ("labels", "provenance")},
        labels=labels,
        provenance=provenance,
    )


@pytest.fixture(scope="module")
def lattices():
    """Simple cubic lattices of different radii; of several nu; of struts that touch; too thin."""
    plain = [cell("sc", radius=r) for r in (0.15, 0.18, 0.2, 0.22)]
    mixed = cell("sc", radius=0.2).replace(nu=[0.1, 0.2, 0.3])
    apart = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]  # two interpenetrating nets
    struts = [[0, 0]] * 3 + [[1, 1]] * 3
    shifts = [*np.eye(3, dtype=int).tolist()] * 2
    touching = Lattice(np.eye(3), apart, struts, shifts, np.full(6, 0.27))
    thin = cell("sc", radius=0.005)
    return [*plain, mixed, touching, thin]


@pytest.fixture(scope="module")
def source(lattices, tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "set.h5"
    write_dataset(path, made_of(lattices))
    return path


@pytest.fixture(scope="module")
def labelled(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "solid.h5"
    seen = []
    label_dataset(source, path, COARSE, on_progress=lambda done, of: seen.append((done, of)))
    assert seen == [(4, 7), (7, 7)]
    return path


def test_labels_are_those_of_the_solver_beside_those_of_beams(lattices, labelled):
    dataset = read_dataset(labelled)
    assert set(dataset.labels) == {BEAM, SOLID}
    solid, beam = dataset.labels[SOLID], dataset.labels[BEAM]
    assert beam.mask.all()
    assert solid.mask.tolist() == [True, True, True, True, False, True, False]
    assert set(solid.details) == set(DETAILS)
    for k in (0, 5):
        solution = homogenise_solid(lattices[k], voxels_per_diameter=4)
        np.testing.assert_allclose(
            dataset.stiffness(SOLID, [k])[0], solution.stiffness.numpy(), rtol=1e-5, atol=1e-9
        )
        assert solid.details["error"][k] == pytest.approx(solution.error, rel=1e-3)
        assert solid.details["nodes"][k] == solution.active_nodes
    volume = np.pi * 0.15**2 * 3 - 8 * np.sqrt(2) * 0.15**3  # three cylinders less what they share
    assert solid.details["volume_fraction"][0] == pytest.approx(volume, rel=0.01)
    assert (dataset.stiffness(SOLID, [0]) > dataset.stiffness(BEAM, [0]))[0, 0, 0]


def test_touching_struts_are_labelled_as_such(labelled):
    details = read_dataset(labelled).labels[SOLID].details
    # The axes of the two nets come as near as half an edge, where they cross.
    assert details["touching"][5] == 1.0
    assert details["clearance"][5] == pytest.approx((0.5 - 2 * 0.27) / 0.27, abs=1e-9)
    assert (details["touching"][:4] == 0.0).all()


def test_lattices_without_label_are_named_with_the_reason(labelled):
    dataset = read_dataset(labelled)
    refused = dataset.provenance[-1]["refused"]
    mixed, thin = refused  # by name and density: that survives merging and selecting
    assert mixed.startswith("base4 at density 0.")
    assert "the same Poisson's ratio" in refused[mixed]
    assert "GB" in refused[thin]
    for column in dataset.labels[SOLID].details.values():
        assert np.isnan(column[[4, 6]]).all()
    assert check_dataset(dataset).problems == ()


def test_shards_merged_are_the_whole(source, labelled, tmp_path):
    parts = []
    for number in (1, 2):
        path = tmp_path / f"{number}.h5"
        parts.append(label_dataset(source, path, COARSE, shard=Shard(number, 2)))
    assert [len(part) for part in parts] == [4, 3]
    merged, whole = merge_datasets(parts), read_dataset(labelled)
    order = np.argsort([int(name[4:]) for name in merged.bases.names[merged.base]])
    merged = merged.select(order)
    for name in ("stiffness", "mask"):
        np.testing.assert_array_equal(
            getattr(merged.labels[SOLID], name), getattr(whole.labels[SOLID], name)
        )
    for name in DETAILS:
        np.testing.assert_array_equal(
            merged.labels[SOLID].details[name], whole.labels[SOLID].details[name]
        )
    assert merged.labels[SOLID].error == whole.labels[SOLID].error


@contextmanager
def counting(workers, asked):
    """Note which batches are asked for."""
    with workers as run:

        def noted(numbers):
            asked.extend(numbers)
            return run(numbers)

        yield noted


def test_a_batch_of_another_plan_is_made_again(source, labelled, tmp_path):
    """As two runs that start at once on one file may leave it."""
    path = tmp_path / "solid.h5"
    other = SolidLabelling(voxels_per_diameter=5, tolerance=1e-6)
    with pytest.raises(StoppedError):
        label_dataset(source, path, other, on_progress=stop)
    batch = (parts_folder(path) / "0000000.h5").read_bytes()
    (parts_folder(path) / "0000000.h5").unlink()
    with pytest.raises(StoppedError):
        label_dataset(source, path, COARSE, on_progress=stop)
    (parts_folder(path) / "0000000.h5").write_bytes(batch)
    label_dataset(source, path, COARSE)
    assert path.read_bytes() == labelled.read_bytes()


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(
    source, labelled, tmp_path, monkeypatch
):
    path = tmp_path / "solid.h5"

    with pytest.raises(StoppedError):
        label_dataset(source, path, COARSE, on_progress=stop)
    first = parts_folder(path) / "0000000.h5"
    stamp = first.stat().st_mtime_ns
    assert not path.exists()
    with pytest.raises(LatticeGnnError, match="other settings"):
        label_dataset(source, path, SolidLabelling(voxels_per_diameter=5))
    assert first.stat().st_mtime_ns == stamp
    asked = []
    monkeypatch.setattr(
        "data.labelling.solid.parallel", lambda *given: counting(parallel(*given), asked)
    )
    label_dataset(source, path, COARSE)
    assert asked == [1]  # what is there is used
    assert path.read_bytes() == labelled.read_bytes()
    assert not parts_folder(path).exists()
    again = label_dataset(source, path, COARSE)  # finished: read, not made
    assert len(again) == 7
    with pytest.raises(LatticeGnnError, match="made with other settings"):
        label_dataset(source, path, SolidLabelling(voxels_per_diameter=5))


def test_a_second_run_adds_what_the_first_left_out(source, labelled, tmp_path):
    """With more memory; what is there is kept, and the whole is that of one run."""
    first, second = tmp_path / "few.h5", tmp_path / "more.h5"
    few = replace(COARSE, memory_limit=3e-3)
    label_dataset(source, first, few)
    assert read_dataset(first).labels[SOLID].mask.tolist() == [True, *[False] * 4, True, False]
    seen = []
    label_dataset(first, second, COARSE, on_progress=lambda done, of: seen.append((done, of)))
    assert seen == [(4, 5), (5, 5)]
    found, whole = read_dataset(second), read_dataset(labelled)
    for name in ("stiffness", "mask"):
        np.testing.assert_array_equal(
            getattr(found.labels[SOLID], name), getattr(whole.labels[SOLID], name)
        )
    for name, column in whole.labels[SOLID].details.items():
        np.testing.assert_array_equal(found.labels[SOLID].details[name], column)
    assert found.labels[SOLID].error == whole.labels[SOLID].error
    assert [len(entry["refused"]) for entry in found.provenance[1:]] == [5, 2]
    assert found.provenance[-1]["refused"] == whole.provenance[-1]["refused"]
    label_dataset(first, second, COARSE)  # finished: read, not made
    with pytest.raises(LatticeGnnError, match="none of 2 lattices can be labelled"):
        label_dataset(second, tmp_path / "x.h5", COARSE)
    with pytest.raises(LatticeGnnError, match="of another method"):
        label_dataset(second, tmp_path / "x.h5", SolidLabelling(voxels_per_diameter=5))


def test_labels_are_replaced_by_those_of_another_resolution(source, labelled, tmp_path):
    """As if they were the first; the provenance says nothing of the earlier ones."""
    fine = SolidLabelling(voxels_per_diameter=5)
    plain, again = tmp_path / "plain.h5", tmp_path / "again.h5"
    shard = Shard(1, 4)
    label_dataset(source, plain, fine, shard=shard)
    label_dataset(labelled, again, fine, shard=shard, again=True)
    assert plain.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("processes", [1, 2])
def test_threads_of_the_caller_and_processes_leave_the_bytes_as_they_are(
    processes, source, labelled, tmp_path
):
    path = tmp_path / "solid.h5"
    with threadpool_limits(2):
        label_dataset(source, path, COARSE, Workers(processes))
    assert path.read_bytes() == labelled.read_bytes()


def test_what_makes_no_sense_is_refused(source, labelled, tmp_path):
    done = tmp_path / "done.h5"
    write_dataset(done, read_dataset(labelled).select([0, 1, 2, 3, 5]))
    with pytest.raises(
        LatticeGnnError, match="solid labels already; label them again with --again"
    ):
        label_dataset(done, tmp_path / "x.h5", COARSE)
    done.unlink()
    with pytest.raises(LatticeGnnError, match="got 3/2"):
        Shard(3, 2)
    with pytest.raises(LatticeGnnError, match="holds no lattice"):
        label_dataset(source, tmp_path / "x.h5", COARSE, shard=Shard(8, 8))
    with pytest.raises(LatticeGnnError, match="at least 4"):
        SolidLabelling(voxels_per_diameter=3)
    for limit in (0, np.inf):
        with pytest.raises(LatticeGnnError, match="memory_limit"):
            SolidLabelling(memory_limit=limit)
    with pytest.raises(LatticeGnnError, match="none of 7 lattices can be labelled"):
        label_dataset(source, tmp_path / "x.h5", SolidLabelling(memory_limit=1e-6))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LatticeGnnError, match="device 'abacus'"):
        label_dataset(source, tmp_path / "x.h5", SolidLabelling(device="abacus"))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("stiffness", 50.0, "stiffer than its volume fraction"),
        ("details/error", -3.0, "error of lattice 0 is -"),
        ("details/volume_fraction", 100.0, "expected 0 to 1"),
        ("details/touching", np.nan, None),
        ("details/nodes", np.nan, None),
    ],
)
def test_a_check_sees_solid_labels_that_cannot_be(labelled, tmp_path, name, value, sentence):
    path = tmp_path / "wrong.h5"
    path.write_bytes(labelled.read_bytes())
    with h5py.File(path, "r+") as file:
        file[f"labels/solid/{name}"][...] = file[f"labels/solid/{name}"][...] * value
    problems = check_dataset(read_dataset(path), spots=0).problems
    assert (sentence is None and problems == ()) or sentence in problems[0]


def test_stiff_struts_are_labelled_and_may_exceed_the_solid_of_the_material():
    """C / E_s of thick struts of four times the modulus; the bound of Voigt follows the modulus."""
    thick = cell("sc", radius=0.4)
    stiff = made_of([thick, thick.replace(E=np.full(3, 4.0))])
    label, refused = label_solid(stiff.lattices([0, 1]), COARSE)
    assert refused == {}
    np.testing.assert_allclose(label.stiffness[1], 4 * label.stiffness[0], rtol=1e-6, atol=1e-9)
    assert label.details["volume_fraction"][0] == label.details["volume_fraction"][1]
    labelled = replace(stiff, labels={SOLID: label})
    assert check_dataset(labelled).problems == ()
    wrong = replace(label, stiffness=label.stiffness * np.array([[3.0], [1.0]]))
    (problem,) = check_dataset(replace(labelled, labels={SOLID: wrong})).problems
    assert "the label of lattice 0 is stiffer than its volume fraction" in problem


def test_a_lattice_over_the_memory_limit_stays_without_label():
    few = SolidLabelling(voxels_per_diameter=4, memory_limit=1e-3)
    label, refused = label_solid([cell("sc", radius=0.05), cell("sc", radius=0.3)], few)
    assert label.mask.tolist() == [False, True]
    (why,) = refused.values()
    assert "over the limit" in why


def test_details_must_fit_the_lattices(labelled, tmp_path):
    path = tmp_path / "short.h5"
    path.write_bytes(labelled.read_bytes())
    with h5py.File(path, "r+") as file:
        del file["labels/solid/details/error"]
        file["labels/solid/details/error"] = np.zeros(3)
    with pytest.raises(LatticeGnnError, match="details/error: expected 7 rows, got 3"):
        read_dataset(path)


def test_provenance_is_plain_json(labelled):
    with h5py.File(labelled) as file:
        first, last = json.loads(file.attrs["provenance"])
        assert file["labels/solid/stiffness"].compression == "gzip"
    assert first == {"generator": "test"}
    assert last["generator"] == "data.solid_label"
    assert last["voxels_per_diameter"] == 4
    assert last["shard"] == "1/1"
