"""Datasets: nothing is lost between lattices, arrays, file and batch; bad files are refused."""

from dataclasses import fields, replace

import h5py
import numpy as np
import pytest
import torch

from data.datasets.check import check_dataset
from data.datasets.dataset import Bases, Dataset, Label
from data.datasets.file import SCHEMA, read_dataset, write_dataset
from data.datasets.joining import concatenate, merge_datasets
from data.datasets.statistics import describe
from data.labelling.beam import label_beam
from data.labelling.generate import make_batch
from data.populations.population import Population
from data.populations.varied_cells import CellSampling, sample_cells
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.sparse import IllConditionedError
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.notation import UPPER
from lattice_gnn.training.labelled import LabelledLattices

POPULATION = Population(seed=11, levels=(0.02,), draws=2, named=("octet", "bcc"))


@pytest.fixture(scope="module")
def dataset():
    """32 bases, a perfect and an imperfect copy of each, two densities, with beam labels."""
    return replace(make_batch(POPULATION, 0), provenance=({"seed": 11, "by": "test"},))


def dressed(count=12):
    """Lattices with tapers, bores, unequal moduli, and a Poisson's ratio of their own."""
    lattices = sample_cells(CellSampling(count=count, seed=5, special_share=0.5))
    number = np.arange(count)
    text = np.array([f"base{k}".encode() for k in number])
    bases = Bases(text, text, text, np.ones(count, dtype=np.int16))
    return lattices, Dataset.from_lattices(lattices, bases, number, np.zeros(count))


def same_batches(a, b):
    names = [item.name for item in fields(LatticeBatch)]
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


def same(a, b):
    """Whether two datasets are equal to the byte."""
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


def test_batches_equal_those_made_of_lattices():
    lattices, dataset = dressed()
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


def test_file_gives_back_every_byte_and_equal_data_give_equal_files(dataset, tmp_path):
    for number, data in enumerate((dataset, dressed()[1])):
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


def test_merging_keeps_equal_lattices_once_with_all_their_labels(dataset):
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


def damaged(dataset, name, place, value):
    column = getattr(dataset, name).copy()
    column[place] = value
    return replace(dataset, **{name: column})


@pytest.mark.parametrize(
    ("name", "place", "value", "sentence"),
    [
        ("nodes", (5, 0), np.nan, "a node's position is no finite number"),
        ("radii", 3, -1.0, "a radius is not above 0"),
        ("cells", (2, slice(None), 0), 0.0, "the cell vectors span no space"),
        ("poisson", 1, 0.5, "Poisson's ratio is out of range"),
    ],
)
def test_check_finds_impossible_geometry(dataset, name, place, value, sentence):
    (problem,) = check_dataset(damaged(dataset, name, place, value), spots=0).problems
    assert sentence in problem
    assert problem.startswith("lattice ")


def test_check_finds_sections_out_of_range():
    _, dataset = dressed()
    assert check_dataset(dataset).problems == ()
    for name, value in (("E", 0.0), ("end_radii", -1.0), ("inner_radii", 1e9), ("E", np.nan)):
        column = dataset.sections[name].copy()
        column[7] = value
        wrong = replace(dataset, sections={**dataset.sections, name: column})
        (problem,) = check_dataset(wrong).problems
        assert f"{name} is out of range" in problem


def test_check_finds_a_strut_stored_twice_and_a_loose_node(dataset):
    struts, shifts = dataset.struts.copy(), dataset.shifts.copy()
    struts[1], shifts[1] = struts[0, ::-1], -shifts[0]
    problems = check_dataset(replace(dataset, struts=struts, shifts=shifts), spots=0).problems
    assert any("a strut is stored twice" in problem for problem in problems)


def test_check_finds_wrong_labels(dataset):
    label = dataset.labels["beam"]
    flipped = replace(label, stiffness=-label.stiffness)
    (problem,) = check_dataset(replace(dataset, labels={"beam": flipped})).problems
    assert "not positive semi-definite" in problem
    holed = label.stiffness.copy()
    holed[4, 2] = np.nan
    (problem,) = check_dataset(
        replace(dataset, labels={"beam": replace(label, stiffness=holed)})
    ).problems
    assert "hold NaN, first that of lattice 4" in problem
    scaled = replace(label, stiffness=1.01 * label.stiffness)
    (problem,) = check_dataset(replace(dataset, labels={"beam": scaled}), spots=3).problems
    assert "differs from a new one by 0.01" in problem


def test_a_lattice_that_the_solver_refuses_stays_without_label(dataset, monkeypatch):
    batch = dataset.to_batch([0, 4, 8])
    refused = batch.radii[batch.members([1])[1][0]]

    def picky(part):
        for k in range(len(part)):
            if part[k].radii[0] == refused:
                raise IllConditionedError(k)
        return homogenise_beam(part)

    monkeypatch.setattr("data.labelling.beam.homogenise_beam", picky)
    label = label_beam(batch)
    assert label.mask.tolist() == [True, False, True]
    assert np.isnan(label.stiffness[1]).all()
    assert np.isfinite(label.stiffness[[0, 2]]).all()


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


def test_label_rows_are_the_upper_triangle(dataset):
    C = dataset.stiffness("beam", [0])[0]
    assert np.array_equal(C, C.T)
    assert np.array_equal(C[UPPER], dataset.labels["beam"].stiffness[0])
    assert C[0, 1] == dataset.labels["beam"].stiffness[0, 1]


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
    "provenance": (lambda f: f.attrs.modify("provenance", "{"), "'provenance' is no JSON"),
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
    with pytest.raises(LatticeGnnError, match="no readable HDF5 file"):
        read_dataset(file)


def test_a_file_that_is_not_there_and_one_that_cannot_be_written(dataset, tmp_path):
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_dataset(tmp_path / "none.h5")
    with pytest.raises(LatticeGnnError, match="cannot be written"):
        write_dataset(tmp_path / "no folder" / "set.h5", dataset)
