"""A recipe makes a model whose header tells the truth."""

import pytest
import yaml

from data.generate import sample_cells
from data.recipe import errors_by_density, label_beam, read_recipe, run_recipe
from lattice_gnn.checkpoint import load_model, read_header, resolve_model
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.surrogate import load_surrogate

TINY = {
    "model": {"channels": 4, "hidden": 8, "readout_channels": 2},
    "train": {"epochs": 2, "batch_size": 16},
    "sampling": {"seed": 5, "densities": [0.01, 0.1]},
    "counts": {"train": 36, "validation": 18, "test": 18, "unseen": 20},
    "held_out_cells": ["fluorite", "hexagonal-honeycomb"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY))
    return config, folder / "run", run_recipe(config, folder / "run")


def test_header_holds_recipe_domain_and_held_out_errors(run):
    _, _, weights = run
    header = read_header(weights)
    assert header["training"]["recipe"] == TINY
    assert len(header["training_hash"]) == 64
    assert header["metrics"]["known_nets"]["count"] == 18
    names = set(header["domain"]["nets"].values())
    assert "fluorite" not in names
    assert "bcc" in names


def test_held_out_cells_with_a_known_net_do_not_count_as_unseen(run):
    """The hexagonal columns have the net of the re-entrant ones, which are trained on."""
    unseen = read_header(run[2])["metrics"]["unseen_nets"]
    assert unseen["cells"] == ["fluorite"]
    assert unseen["count"] == 10


def test_stated_errors_are_those_of_the_saved_weights(run):
    config, _, weights = run
    model, header = load_model(weights)
    test = label_beam(sample_cells(read_recipe(config).part("test")))
    again = errors_by_density(model, test)
    assert again == header["metrics"]["known_nets"]


def test_running_again_changes_nothing(run):
    config, folder, weights = run
    before = weights.read_bytes()
    assert run_recipe(config, folder) == weights
    assert weights.read_bytes() == before


def test_finished_weights_load_as_a_surrogate(run):
    assert load_surrogate(run[2]).domain.ranges["relative density"][0] >= 0.01 * (1 - 1e-12)


def test_shipped_model_comes_from_the_committed_recipe():
    header = read_header(resolve_model("default"))
    committed = resolve_model("default").parent.parent / "configs" / "default.yaml"
    assert header["training"]["recipe"] == yaml.safe_load(committed.read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("counts"), "expected the keys model, train, sampling, counts"),
        (lambda r: r["model"].update(depth=3), r"model\.depth: unknown key"),
        (lambda r: r["train"].update(lr=3), r"train\.lr: unknown key"),
        (lambda r: r["sampling"].update(density=3), r"sampling\.density: unknown key"),
        (lambda r: r["counts"].pop("test"), "counts: expected the keys"),
        (lambda r: r["held_out_cells"].append("cube"), "unknown cell 'cube'"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_sentence(tmp_path, change, message):
    recipe = yaml.safe_load(yaml.safe_dump(TINY))
    change(recipe)
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe))
    with pytest.raises(LatticeGnnError, match=message) as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)


def test_a_missing_or_broken_file_is_refused(tmp_path):
    with pytest.raises(LatticeGnnError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")
    path = tmp_path / "broken.yaml"
    path.write_text("model: [1, 2")
    with pytest.raises(LatticeGnnError, match="not YAML") as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)
