"""A recipe makes a model whose header tells the truth; its parts share no base."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from data.datasets.file import read_dataset, write_dataset
from data.experiments import training_data
from data.experiments.recipe import errors_by_density, held_out_errors, read_recipe, run_recipe
from data.experiments.training_data import DataConfig, Labelling, load_training_data
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.coordination import net_fingerprint
from lattice_gnn.network.checkpoint import load_model, read_header, resolve_model
from lattice_gnn.surrogate.domain import MANY_NETS, Domain
from lattice_gnn.surrogate.surrogate import load_surrogate
from lattice_gnn.training.evaluation import AFFINE, load_judged
from lattice_gnn.training.labelled import LabelledLattices

SOLID_SET = Path(__file__).parents[3] / "data" / "solid_set"
TINY = {
    "model": {"channels": 2, "hidden": 4, "readout_channels": 2, "layers": 1, "relaxation": 1},
    "train": {"steps": 4, "checkpoint_steps": 2, "batch_size": 16},
    "data": {
        "population": {"count": 24, "seed": 3, "draws": 2, "density_range": [0.003, 0.2]},
        "cells": {"count": 54, "seed": 5, "densities": [0.01, 0.1], "special_share": 0.4},
        "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
    },
}


def changed(**sections):
    recipe = yaml.safe_load(yaml.safe_dump(TINY))
    for section, values in sections.items():
        recipe[section].update(values)
    return recipe


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Labelling(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="module")
def data(cache):
    return load_training_data(DataConfig.from_dict(TINY["data"]), cache)


@pytest.fixture(scope="module")
def run(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("recipe")
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY))
    return config, folder / "run", run_recipe(config, folder / "run", labelling=cache)


def test_parts_share_no_base_and_are_labelled_by_the_beam_solver(data):
    bases = [set(data.bases(name).tolist()) for name in ("train", "validation", "test")]
    assert sum(map(len, bases)) == len(set().union(*bases)) == len(data.dataset.bases)
    shapes = data.dataset.bases.shapes
    assert len(set(shapes.tolist())) == len(shapes)
    test = data.parts["test"]
    again = homogenise_beam(test.batch).stiffness.mandel
    assert float((again - test.stiffness).norm() / again.norm()) < 1e-9
    assert len(data.names("test")) == len(data.space_groups("test")) == len(test)


def test_dressed_cells_bring_sections_and_moduli(data):
    """Cells are hollow, tapered and of unequal moduli; generated nets are none of these."""
    assert set(data.dataset.sections) == {"end_radii", "inner_radii", "E"}
    names = np.array([name.split("_")[0] for name in data.names("train")])
    assert {"octet", "bcc", "kelvin"} <= set(names)
    bcc = data.dataset.bases.space_groups[data.dataset.bases.names == b"bcc"]
    assert set(bcc.tolist()) == {229}  # Im-3m


def test_labels_are_made_once_for_all_runs_that_share_a_folder(cache, data, monkeypatch):
    made = sorted(path.name for path in cache.folder.iterdir())
    assert [name.split("-")[0] for name in made] == ["cells", "nets"]
    monkeypatch.setattr(training_data, "label_beam", None)
    monkeypatch.setattr(training_data, "sample_cells", None)
    again = load_training_data(DataConfig.from_dict(TINY["data"]), cache)
    assert again.fingerprint() == data.fingerprint()
    assert sorted(path.name for path in cache.folder.iterdir()) == made


def test_a_dataset_file_gives_the_same_nets(cache, data, tmp_path):
    """The split follows the shapes of the bases, wherever they come from."""
    nets = next(cache.folder.glob("nets-*.h5"))
    shares = {**TINY["data"]["shares"]}
    config = DataConfig.from_dict({"file": nets.name, "shares": shares})
    read = load_training_data(config, Labelling(tmp_path / "unused"), cache.folder)
    assert len(read.dataset) == len(read_dataset(nets))
    assert set(read.names("test")) <= set(data.names("test"))
    assert not (tmp_path / "unused").exists()


def test_fewer_labels_are_whole_bases_and_nested(data):
    few, more = data.restricted(10), data.restricted(30)
    assert len(few.parts["train"]) <= 10 < len(more.parts["train"]) <= 30
    assert set(few.chosen["train"].tolist()) < set(more.chosen["train"].tolist())
    for part in (few, more):
        taken = part.dataset.base[part.chosen["train"]]
        whole = np.isin(data.dataset.base[data.chosen["train"]], taken)
        assert whole.sum() == len(taken)
    assert few.parts["test"] is data.parts["test"]
    assert few.fingerprint() != more.fingerprint() == data.restricted(30).fingerprint()
    with pytest.raises(
        LatticeGnnError, match=r"at most \d+, the size of the training part, got 5000"
    ):
        data.restricted(5000)


def test_fewer_labels_than_one_base_has_are_refused(cache):
    nets = DataConfig.from_dict({**TINY["data"], "cells": None, "labels": 1})
    with pytest.raises(LatticeGnnError, match="expected at least the 2 labels of one base, got 1"):
        load_training_data(nets, cache)


def test_header_holds_recipe_data_domain_time_and_held_out_errors(run, data):
    header = read_header(run[2])
    assert header["training"]["recipe"] == TINY
    assert header["training"]["data_hash"] == data.fingerprint()
    assert header["training"]["core_minutes"] >= 0
    assert header["training"]["counts"] == {k: len(v) for k, v in data.parts.items()}
    assert header["step"] in (2, 4)
    metrics = header["metrics"]
    known = int(data.has_known_net("test").sum())
    assert 0 < known < metrics["test"]["count"] == len(data.parts["test"])
    assert metrics["known_nets"]["count"] == known
    assert metrics["unseen_nets"]["count"] == len(data.parts["test"]) - known
    assert sum(row["count"] for row in metrics["test"]["by_density"]) == metrics["test"]["count"]


def test_the_domain_is_that_of_the_training_lattices(run, data):
    lattices = data.dataset.lattices(data.chosen["train"])
    domain = Domain.from_dict(read_header(run[2])["domain"])
    slow = Domain.of(lattices)
    assert domain.nets == slow.nets
    for name, limits in slow.ranges.items():
        assert domain.ranges[name] == pytest.approx(limits, rel=1e-12)
    unseen = np.flatnonzero(~data.has_known_net("test"))
    for lattice in data.dataset.lattices(data.chosen["test"][unseen]):
        assert net_fingerprint(lattice.simplified())[:8] not in domain.nets


def test_stated_errors_are_those_of_the_saved_weights(run, data):
    model, header = load_model(run[2])
    for name, stated in held_out_errors(model, data).items():
        assert stated == header["metrics"][name]
    assert errors_by_density(model, data.parts["test"]) == header["metrics"]["test"]


def test_struts_that_overlap_to_densities_above_1_have_a_row_too():
    octet = cell("octet", relative_density=0.05)
    overlapping = LabelledLattices.by_beams(
        [octet.with_radii(octet.radii * x**0.5) for x in (1, 10, 24, 30)]
    )
    affine, _ = load_judged(AFFINE)
    rows = errors_by_density(affine, overlapping)["by_density"]
    assert [row["count"] for row in rows] == [1, 1, 2]
    assert rows[-1]["density"] == pytest.approx([1.0, 1.5])


def test_running_again_changes_nothing(run, cache):
    config, folder, weights = run
    before = weights.read_bytes()
    assert run_recipe(config, folder, labelling=cache) == weights
    assert weights.read_bytes() == before


def test_finished_weights_load_as_a_surrogate_that_tells_seen_from_unseen_nets(run, data):
    surrogate = load_surrogate(run[2])
    known = data.has_known_net("test")
    for kind, chosen in (("other lattices", known), ("nets that it was not", ~known)):
        numbers = data.chosen["test"][np.flatnonzero(chosen)]
        said = [p.expected_error for p in surrogate.predict(data.dataset.lattices(numbers))]
        inside = [error for error in said if error is not None]
        assert inside
        assert all(kind in error.basis for error in inside)


def test_the_header_stays_small_with_thousands_of_nets(run):
    header = read_header(run[2])
    nets = frozenset(f"{k:08x}" for k in range(7000))
    domain = Domain(Domain.from_dict(header["domain"]).ranges, nets)
    assert len(nets) > MANY_NETS
    header["domain"] = domain.to_dict()
    assert len(json.dumps(json.dumps(header))) < 100_000
    assert Domain.from_dict(json.loads(json.dumps(domain.to_dict()))) == domain


@pytest.mark.parametrize("name", ["default", "joints-linear", "relaxation"])
def test_shipped_models_come_from_the_committed_recipes(name):
    header = read_header(resolve_model(name))
    committed = resolve_model(name).parent.parent / "configs" / f"{name}.yaml"
    assert header["training"]["recipe"] == yaml.safe_load(committed.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "joints-linear"])
def test_the_domain_of_shipped_models_is_that_of_the_shipped_labels(name, tmp_path):
    path = resolve_model(name).parents[1] / "configs" / f"{name}.yaml"
    data = load_training_data(read_recipe(path).data, Labelling(tmp_path), path.parent)
    header = read_header(resolve_model(name))
    assert header["training"]["data_hash"] == data.fingerprint()
    found, expected = (Domain.from_dict(header["domain"]), data.domain().down_to_slender())
    assert found.nets == expected.nets
    assert found.contacts == expected.contacts
    assert set(found.ranges) == set(expected.ranges)
    for quantity, limits in expected.ranges.items():
        assert found.ranges[quantity] == pytest.approx(limits, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("data"), "expected the keys model, train, data, got model, train"),
        (lambda r: r.update(counts=3), "expected the keys model, train, data"),
        (lambda r: r["model"].update(depth=3), r"model\.depth: unknown key"),
        (lambda r: r.update(model=[1]), "model: expected names with values"),
        (lambda r: r["train"].update(lr=3), r"train\.lr: unknown key"),
        (lambda r: r.update(data=3), "data: expected names with values"),
        (lambda r: r.update(data={}), "data: expected at least one of population, cells, file"),
        (lambda r: r["data"].update(files="a"), r"data\.files: unknown key"),
        (lambda r: r["data"]["population"].update(counts=3), r"population\.counts: unknown key"),
        (lambda r: r["data"]["cells"].update(density=3), r"data\.cells\.density: unknown key"),
        (lambda r: r["data"].update(shares={"train": 0.5}), "three shares above 0 that add up"),
        (lambda r: r["data"].update(shares={"unseen": 1}), r"data\.shares\.unseen: unknown key"),
        (lambda r: r["data"].update(labels=0), r"data\.labels: expected at least 1, got 0"),
        (lambda r: r["data"].update(label="solid"), "labels of kind 'beam' only, got 'solid'"),
        (
            lambda r: r["data"].update(more_files=["fine.h5"]),
            r"data\.more_files: expected data\.file too, .* name fine\.h5 there",
        ),
        (
            lambda r: r.update(model={"kind": "ridge"}),
            r"train\.(steps|batch_size|checkpoint_steps): has no effect on ridge",
        ),
        (
            lambda r: r.update(model={"kind": "affine"}),
            r"model\.kind: affine has no weights to train",
        ),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_sentence(tmp_path, change, message):
    recipe = changed()
    change(recipe)
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe))
    with pytest.raises(LatticeGnnError, match=message) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("data")  # its labels are among the files of the cache
def test_lattices_that_do_not_fit_are_refused(cache, tmp_path):
    def load(**values):
        return load_training_data(DataConfig.from_dict(values), cache, tmp_path)

    with pytest.raises(LatticeGnnError, match=r"none\.h5"):
        load(file="none.h5")
    nets = str(next(cache.folder.glob("nets-*.h5")))
    with pytest.raises(LatticeGnnError, match="no labels of kind 'solid', only beam"):
        load(file=nets, label="solid")
    few = {"train": 0.998, "validation": 0.001, "test": 0.001}
    with pytest.raises(LatticeGnnError, match="is empty: 24 bases are too few for a share of 0"):
        load(file=nets, shares=few)


def test_a_missing_or_broken_file_is_refused(tmp_path):
    with pytest.raises(LatticeGnnError, match="no such file"):
        read_recipe(tmp_path / "none.yaml")
    path = tmp_path / "broken.yaml"
    path.write_text("model: [1, 2")
    with pytest.raises(LatticeGnnError, match="not YAML") as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)
    path.write_text("- 1")
    with pytest.raises(LatticeGnnError, match="expected names with values, got list"):
        read_recipe(path)


def test_labels_on_coarse_grids_are_corrected_by_those_on_finer_ones(cache):
    """The shipped labels on 12 and 20 voxels per diameter: coarse grids are too stiff."""
    values = {
        "file": str(SOLID_SET / "test.h5"),
        "more_files": [str(SOLID_SET / "fine_test.h5")],
        "label": "solid",
    }
    plain = load_training_data(DataConfig.from_dict(values), cache)
    found = load_training_data(DataConfig.from_dict({**values, "correct_grids": True}), cache)
    assert plain.grid_bias is None
    assert 0.1 < found.grid_bias.slope < 0.25
    assert found.grid_bias.lattices > 100
    part = found.parts["train"]
    voxels = found.dataset.labels["solid"].detail("voxels_per_diameter")[found.chosen["train"]]
    before = plain.parts["train"].stiffness
    torch.testing.assert_close(
        part.stiffness, found.grid_bias.corrected(part.batch, before, voxels)
    )
    softer = 1 - (part.stiffness / before)[:, 0, 0].numpy()
    assert softer[voxels < 14].mean() > 5e-4 > 5 * softer[voxels > 19].max()


def test_labels_without_a_resolution_cannot_be_corrected(cache, tmp_path):
    dataset = read_dataset(SOLID_SET / "test.h5")
    label = dataset.labels["solid"]
    unknown = np.where(np.arange(len(dataset)) < 3, np.nan, label.detail("voxels_per_diameter"))
    details = {**label.details, "voxels_per_diameter": unknown}
    labels = {"solid": replace(label, details=details)}
    write_dataset(tmp_path / "some.h5", replace(dataset, labels=labels))
    files = {"file": str(tmp_path / "some.h5"), "more_files": [str(SOLID_SET / "fine_test.h5")]}
    config = DataConfig.from_dict({**files, "label": "solid", "correct_grids": True})
    with pytest.raises(LatticeGnnError, match=r"every label, got none with 3 of"):
        load_training_data(config, cache)


def test_beam_labels_have_no_grid_to_correct():
    with pytest.raises(LatticeGnnError, match=r"correct_grids: labels of kind 'beam' have no grid"):
        DataConfig(file="labels.h5", correct_grids=True)
