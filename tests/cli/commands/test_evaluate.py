import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from data.datasets.dataset import Bases, Dataset, Label
from data.datasets.file import read_dataset, write_dataset
from data.formats.lat import CatalogueEntry, write_lat
from fem_reference.beam.affine import affine_stiffness
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.checkpoint import load_model, save_model
from lattice_gnn.tensors.metrics import directional_error
from lattice_gnn.tensors.notation import UPPER

NAMES = ("octet", "bcc", "kelvin", "diamond", "sc", "fluorite")
DENSITIES = (0.002, 0.02, 0.2)


def lattices():
    return [cell(name, relative_density=d) for name in NAMES for d in DENSITIES]


@pytest.fixture
def dataset(tmp_path):
    """Six cells at three densities with labels "beam", of which the last is missing."""
    members = lattices()
    C = homogenise_beam(members).stiffness.mandel.numpy()
    names = np.array([name.encode() for name in NAMES])
    bases = Bases(names, names, names, np.full(6, 225, dtype=np.int16))
    data = Dataset.from_lattices(members, bases, np.repeat(np.arange(6), 3), np.zeros(18))
    mask = np.arange(18) < 17
    stiffness = np.where(mask[:, None], C[:, UPPER[0], UPPER[1]], np.nan)
    data.labels["beam"] = Label(stiffness, mask, "beam FEM", 0.0)
    write_dataset(tmp_path / "cells.h5", data)
    return tmp_path / "cells.h5"


@pytest.fixture
def catalogue(tmp_path):
    """Two cells at three densities, written from dense to sparse."""
    entries = []
    for name in ("bcc", "octet"):
        lattice = cell(name, relative_density=0.01).replace(name=name)
        densities = DENSITIES[::-1]
        C = homogenise_beam([lattice.with_relative_density(d) for d in densities]).stiffness
        references = tuple((d, C[k]) for k, d in enumerate(densities))
        entries.append(CatalogueEntry(lattice=lattice, references=references))
    write_lat(tmp_path / "own.lat", entries, "mandel", digits=12)
    return tmp_path / "own.lat"


def assert_refused(result, *words):
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line


def test_the_affine_bound_has_the_errors_that_follow_from_its_formula(answer, dataset):
    report = answer("evaluate", "affine", dataset)
    members = lattices()[:17]
    batch = LatticeBatch.from_lattices(members)
    expected = directional_error(affine_stiffness(batch), homogenise_beam(batch).stiffness.mandel)
    assert report["schema"] == "lattice-gnn/evaluation/1"
    assert report["count"] == 17
    assert report["directional_error"]["median"] == pytest.approx(expected.median().item())
    assert report["directional_error"]["max"] == pytest.approx(expected.max().item())
    worst = report["worst"][0]
    k = int(expected.argmax())
    assert (worst["row"], worst["name"]) == (k, NAMES[k // 3])
    assert worst["relative_density"] == pytest.approx(DENSITIES[k % 3])
    assert report["equivariance_error"]["rotation"]["max"] < 1e-12
    assert report["negative_eigenvalue_share"] == 0


def test_json_has_the_documented_keys(answer, dataset, weights):
    report = answer("evaluate", weights, dataset)
    summaries = {"median", "mean", "p90", "p99", "max"}
    for key in ("directional_error", "component_error", "log_euclidean", "softest_error"):
        assert set(report[key]) == summaries
    assert set(report["relative_frobenius"]) - summaries == {
        "within_5_percent", "within_25_percent",
    }  # fmt: skip
    assert set(report["moduli"]) == {"E", "G", "nu", "K"}
    assert report["equivariance_error"]["rotation"]["max"] < 1e-4
    assert [row["count"] for row in report["by_density"]] == [6, 6, 5]
    assert sum(row["count"] for row in report["by_size"]) == 17
    assert report["selection"]["label"] == "beam"


def test_limit_is_a_seeded_subset(answer, dataset):
    def rows(seed):
        report = answer("evaluate", "affine", dataset, "--limit", 4, "--seed", seed)
        assert report["count"] == 4
        return sorted(row["row"] for row in report["worst"])

    assert rows(1) == rows(1) != rows(2)


def test_parts_follow_the_shares_of_the_option_or_of_the_recipe(answer, run, dataset, weights):
    shares = ("--shares", "0.5,0.25,0.25")
    parts = ("train", "validation", "test")
    counts = {}
    for part in parts:
        result = run("evaluate", "affine", dataset, "--part", part, *shares, "--json")
        counts[part] = json.loads(result.stdout)["count"] if result.exit_code == 0 else 0
    assert sum(counts.values()) == 17
    assert 3 <= counts["train"] < 17
    model, header = load_model(weights)
    recipe = {
        "file": "cells.h5",
        "shares": {"test": 0.25, "train": 0.5, "validation": 0.25},
    }
    header["training"] = {"recipe": {"data": recipe}}
    trained = dataset.with_name("trained.safetensors")
    save_model(trained, model, header)
    report = answer("evaluate", trained, dataset, "--part", "train")
    assert report["count"] == counts["train"]
    assert report["selection"]["shares"] == {"train": 0.5, "validation": 0.25, "test": 0.25}


def test_lowest_densities_of_a_catalogue(answer, catalogue):
    report = answer("evaluate", "affine", catalogue, "--lowest", 2)
    assert report["count"] == 4
    densities = sorted(row["relative_density"] for row in report["worst"])
    assert densities == pytest.approx([0.002, 0.002, 0.02, 0.02])
    assert {(row["name"], row["row"]) for row in report["worst"]} == {("bcc", 0), ("octet", 1)}
    assert answer("evaluate", "affine", catalogue)["count"] == 6


def test_table_shows_headline_breakdowns_and_worst(run, dataset, weights):
    result = run("evaluate", weights, dataset)
    assert result.exit_code == 0, result.stderr
    for words in (
        "17, ", "ms each", "within 5 %", "directional stiffness", "bulk modulus K",
        "0.01 to 0.03", "cubic", "6 to 10", "Largest directional errors", "fluorite",
    ):  # fmt: skip
        assert words in result.stdout
    assert result.stderr == ""  # a pipe gets no progress bar


def test_plots_are_written_and_named(run, dataset, tmp_path):
    result = run("evaluate", "affine", dataset, "--pictures", tmp_path / "new" / "plots")
    assert result.exit_code == 0, result.stderr
    written = sorted((tmp_path / "new" / "plots").iterdir())
    assert [path.name for path in written] == ["components.png", "errors.png", "worst.png"]
    for path in written:
        assert str(path) in result.stderr
        assert path.read_bytes().startswith(b"\x89PNG")


def test_stated_errors_are_compared_with_the_true_ones(run, dataset, tmp_path):
    """The model states its error from solid FEM, so that labels of beam FEM say nothing of it."""
    beams = run("evaluate", "joints", dataset, "--pictures", tmp_path / "beams")
    assert beams.exit_code == 0, beams.stderr
    assert "no calibration.png: the model states its error from solid FEM" in beams.stderr
    assert not (tmp_path / "beams" / "calibration.png").exists()
    data = read_dataset(dataset)
    write_dataset(dataset, replace(data, labels={"solid": data.labels["beam"]}))
    options = ("--method", "solid", "--pictures", tmp_path / "plots")
    result = run("evaluate", "joints", dataset, *options)
    assert result.exit_code == 0, result.stderr
    picture = tmp_path / "plots" / "calibration.png"
    assert str(picture) in result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_bad_data_is_refused(run, dataset, catalogue, tmp_path, octet_file):
    evaluate = ("evaluate", "affine")
    assert_refused(run(*evaluate, tmp_path / "none.h5"), "none.h5", "no such file")
    assert_refused(run(*evaluate, dataset, "--method", "solid"), "solid", "beam")
    assert_refused(run(*evaluate, dataset, "--limit", 0), "limit", "got 0")
    assert_refused(run(*evaluate, dataset, "--seed", -1), "--seed")
    assert_refused(run(*evaluate, dataset, "--lowest", 2), "lowest", "catalogue")
    assert_refused(run(*evaluate, dataset, "--part", "test"), "--shares")
    assert_refused(run(*evaluate, dataset, "--shares", "0.8,0.1,0.1"), "--part")
    for shares in ("1,2", "0.5,0.5,0.5", "a,b,c"):
        words = ("--part", "test", "--shares", shares)
        assert_refused(run(*evaluate, dataset, *words), "share")
    empty = ("--part", "test", "--shares", "1,0,0")
    assert_refused(run(*evaluate, dataset, *empty), "part 'test'", "holds no lattice")
    split = ("--part", "test", "--shares", "0.8,0.1,0.1")
    assert_refused(run(*evaluate, catalogue, *split), "parts are for datasets")
    assert_refused(run(*evaluate, catalogue, "--method", "solid"), "tensors of beam FEM")
    assert_refused(run(*evaluate, octet_file), "json", "no reference tensors")
    bare = CatalogueEntry(lattice=cell("fcc", radius=0.02).replace(name="bare"))
    write_lat(tmp_path / "bare.lat", [bare])
    assert_refused(run(*evaluate, tmp_path / "bare.lat"), "none of its 1 entries")


def test_a_net_that_does_not_span_space_is_refused(run, tmp_path):
    rod = Lattice(
        cell=np.eye(3),
        nodes=np.zeros((1, 3)),
        struts=np.zeros((2, 2), dtype=np.int64),
        shifts=np.eye(3, dtype=np.int64)[:2],
        radii=np.full(2, 0.05),
        name="layer",
    )
    C = homogenise_beam([cell("bcc", relative_density=0.02)]).stiffness[0]
    write_lat(tmp_path / "layer.lat", [CatalogueEntry(lattice=rod, references=((0.02, C),))])
    assert_refused(run("evaluate", "affine", tmp_path / "layer.lat"), "layer", "spans space")


def test_wrong_models_are_refused(run, dataset, tmp_path):
    assert_refused(run("evaluate", "nobody", dataset), "nobody", "no such weights file")
    (tmp_path / "text.safetensors").write_text("These are no weights.")
    assert_refused(run("evaluate", tmp_path / "text.safetensors", dataset), "text.safetensors")


def test_an_indefinite_reference_is_refused(run, dataset):
    members = lattices()
    C = homogenise_beam(members).stiffness.mandel
    C[5] -= 2 * torch.linalg.eigvalsh(C[5])[0] * torch.eye(6)
    names = np.array([name.encode() for name in NAMES])
    bases = Bases(names, names, names, np.full(6, 225, dtype=np.int16))
    data = Dataset.from_lattices(members, bases, np.repeat(np.arange(6), 3), np.zeros(18))
    label = Label(C.numpy()[:, UPPER[0], UPPER[1]], np.full(18, True), "beam FEM", 0.0)
    data.labels["beam"] = label
    write_dataset(dataset, data)
    assert_refused(run("evaluate", "affine", dataset), "bcc", "not positive definite")


def test_a_folder_for_plots_that_cannot_be_made_is_refused_first(run, dataset):
    result = run("evaluate", "affine", dataset, "--pictures", dataset / "plots")
    assert_refused(result, "cannot be made")
