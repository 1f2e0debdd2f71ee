"""compare puts models into one table, with pictures, and refuses what it cannot use."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cli.commands.compare import _table
from cli.terminal.output import show
from data.experiments.comparison_config import read_comparison
from lattice_gnn.network.checkpoint import weights_folder

CONFIG = {
    "data": {
        "population": {"count": 16, "seed": 3, "draws": 2, "density_range": [0.003, 0.2]},
        "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
    },
    "train": {"batch_size": 8, "steps": 2},
    "models": {
        "plain": {"model": {"kind": "cgcnn", "channels": 4, "layers": 1}},
        "floor": {"model": {"kind": "affine"}},
    },
    "curves": {"labels": [4], "best": 1},
}


@pytest.fixture(autouse=True)
def _short_timing(monkeypatch):
    monkeypatch.setattr("data.experiments.comparison_cost._COST_SECONDS", 0.01)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "compare.yaml"
    path.write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return path


def test_compare_makes_tables_and_pictures_and_goes_on(run, config, tmp_path, weights):
    folder, labels = tmp_path / "out", tmp_path / "labels"
    part = run("compare", config, "-o", folder, "--data", labels, "--only", "floor")
    assert part.exit_code == 0, part.stderr
    assert "not finished: plain" in part.stderr
    assert [path.suffix for path in labels.iterdir()] == [".h5"]
    assert not (folder / "data").exists()
    result = run("compare", config, "-o", folder, "--data", labels)
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if ": directional error " in line]
    assert [line.split(":")[0] for line in lines] == ["plain", "floor", "plain@4"]
    table = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    assert set(table) >= {"model", "plain", "floor"}
    for name in ("accuracy-cost.png", "error-density.png", "learning-curves.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert (folder / "comparison.md").read_text("utf-8").startswith("# Comparison")
    printed = run("compare", config, "-o", folder, "--data", labels, "--json")
    document = json.loads(printed.stdout)
    assert document == json.loads((folder / "comparison.json").read_text())
    assert document["schema"] == "lattice-gnn/comparison/1"
    assert {row["name"] for row in document["models"]} == {"plain", "floor"}


def test_a_model_timed_on_another_computer_has_no_time(capsys):
    error = SimpleNamespace(mean=0.125, median=0.0625, p90=0.25)
    test = SimpleNamespace(
        directional_error=error, relative_frobenius=error, negative_eigenvalue_share=0.0
    )
    row = {"parameters": 7, "steps": None, "core_minutes": None, "forward_ms": None, "test": test}
    show(_table(SimpleNamespace(models=[SimpleNamespace(name="old", **row)])))
    cells = capsys.readouterr().out.splitlines()[1].split()
    assert cells[:7] == ["old", "7", "-", "-", "-", "12.5", "%"]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            lambda c: c["models"].update(bad={"model": {"kind": "gpt"}}),
            (),
            "models.bad: model.kind",
        ),
        (lambda c: c.pop("models"), (), "comparison.models"),
        (lambda c: c["data"].update(population={"count": 0}), (), "population.count"),
        (lambda c: None, ("--only", "nobody"), "has no model of this name"),
        (lambda c: None, ("--catalogue", "none.lat"), "none.lat"),
        (lambda c: None, ("--lowest", "2"), "--lowest: requires --catalogue"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_made(
    run, config, tmp_path, change, options, message
):
    values = yaml.safe_load(config.read_text())
    change(values)
    config.write_text(yaml.safe_dump(values))
    result = run("compare", config, "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not list((tmp_path).glob("out/runs"))


def test_missing_files_and_folders_that_cannot_be_made_are_refused(run, config, tmp_path):
    missing = run("compare", tmp_path / "none.yaml", "-o", tmp_path / "out")
    assert missing.exit_code == 2
    assert "none.yaml: no such file" in missing.stderr
    blocked = run("compare", config, "-o", config / "out")
    assert blocked.exit_code == 2
    assert "cannot be made" in blocked.stderr


def test_the_committed_comparison_can_be_read():
    """Every model that the table of the documentation wants is there and is well formed."""
    path = Path(weights_folder()).parent / "configs" / "comparison.yaml"
    config, plans = read_comparison(path)
    made = [plan for plan in plans.values() if plan.weights is None]
    assert [plan.weights for plan in plans.values() if plan not in made] == ["relaxation"]
    kinds = {plan.model["kind"] for plan in made}
    assert kinds == {"equivariant", "cgcnn", "mcgcnn", "nnconv", "invariant", "affine", "ridge"}
    for kind in ("cgcnn", "mcgcnn", "nnconv"):
        of_kind = [plan for plan in made if plan.model["kind"] == kind]
        found = {(p.train.get("rotate", False), p.model["positive_map"]) for p in of_kind}
        assert found >= {(r, m) for r in (False, True) for m in ("none", "square")}
    maps = {plans[name].model.get("positive_map", "prior") for name in config.ablation}
    assert maps == {"prior", "none", "square"}
    assert config.ablation[0] == "base"
