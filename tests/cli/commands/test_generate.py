"""generate makes a dataset and says what is in it; options that cannot be meant are refused."""

import json

import numpy as np
import pytest
import yaml

from data.datasets.file import read_dataset
from lattice_gnn.cells.named import cell_names

OPTIONS = ("--count", 24, "--workers", 1, "--seed", 4)


def test_generate_writes_a_dataset_a_picture_and_statistics(run, tmp_path):
    out, sheet = tmp_path / "set.h5", tmp_path / "sheet.png"
    options = ("--densities", "0.01,0.1", "--levels", "0.05", "--picture", sheet, "--json")
    result = run("generate", "--output", out, *OPTIONS, *options)
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["bases"], facts["lattices"]) == (24, 96)
    assert facts["labels"]["beam"]["count"] == 96
    assert facts["relative_density"]["min"] == pytest.approx(0.01)
    assert sheet.read_bytes().startswith(b"\x89PNG")
    dataset = read_dataset(out)
    assert np.unique(dataset.levels).tolist() == [0.0, 0.05]
    assert dataset.to_batch().relative_density.numpy()[:2] == pytest.approx([0.01, 0.1])
    again = run("generate", "--output", out, *OPTIONS, *options)
    assert again.stdout == result.stdout


def test_tables_name_the_systems(run, tmp_path):
    result = run("generate", "-o", tmp_path / "set.h5", *OPTIONS, "--named")
    assert result.exit_code == 0, result.stderr
    assert "orthorhombic" in result.stdout or "cubic" in result.stdout
    assert "connectivity" in result.stdout
    names = read_dataset(tmp_path / "set.h5").bases.names.astype(str).tolist()
    assert names[: len(cell_names()) - 1] == [n for n in cell_names() if n != "square-honeycomb"]


def test_a_population_comes_from_yaml(run, tmp_path):
    config = tmp_path / "population.yaml"
    settings = {"count": 5, "seed": 9, "draws": 1, "nets": {"systems": [["cubic", 1.0]]}}
    config.write_text(yaml.safe_dump({**settings, "combined_share": 0.0}))
    result = run("generate", "-o", tmp_path / "set.h5", "--config", config, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["systems"] == {"cubic": 5}
    both = run("generate", "-o", tmp_path / "b.h5", "--config", config, "--seed", 1)
    assert both.exit_code == 2
    assert "--seed: give it in the YAML file or as an option" in both.stderr
    config.write_text(yaml.safe_dump({**settings, "draws": "many"}))
    wrong = run("generate", "-o", tmp_path / "b.h5", "--config", config)
    assert f"{config}: population.draws: " in wrong.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--densities", "0.1,x"), "--densities 0.1,x: expected numbers"),
        (("--densities", "0.1:0.2"), "--densities 0.1:0.2: expected LOW:HIGH:N"),
        (("--densities", "0.1:0.2:3:4"), "--densities 0.1:0.2:3:4: expected LOW:HIGH:N"),
        (("--densities", "1.5"), "population.densities: expected fractions between 0 and 1"),
        (("--densities", ""), "--densities: expected at least one"),
        (("--levels", "-1"), "population.levels: expected lengths above 0"),
        (("--strain", "0.1"), "--strain: requires --levels; add that."),
        (("--memory-limit", "2"), "--memory-limit: requires --solid; add that."),
        (("--config", "no.yaml"), "no.yaml: no such file"),
        (("--picture", "no/folder/a.png"), "there is no folder"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_in_one_sentence(options, sentence, run, tmp_path):
    result = run("generate", "-o", tmp_path / "set.h5", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.strip().count("\n") == 0
    assert list(tmp_path.iterdir()) == []
