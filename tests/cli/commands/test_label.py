"""``lattice-gnn label`` and ``generate --solid``."""

import json

import numpy as np
import pytest
import yaml

from data.datasets.file import read_dataset
from data.labelling.generate import generate
from data.populations.population import Population

POPULATION = """
count: 2
named: [sc, bcc]
densities: [0.2]
"""


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    folder = tmp_path_factory.mktemp("population")
    (folder / "two.yaml").write_text(POPULATION)
    path = folder / "two.h5"
    generate(Population.from_dict(yaml.safe_load(POPULATION)), path)
    return path


def test_label_adds_solid_labels_and_says_how_good_they_are(run, population, tmp_path):
    out = tmp_path / "solid.h5"
    words = ("label", population, "-o", out, "--voxels-per-diameter", 4, "--workers", 1)
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["lattices"], facts["labelled"], facts["refused"]) == (2, 2, {})
    dataset = read_dataset(out)
    errors = dataset.labels["solid"].details["error"]
    assert facts["error"]["median"] == pytest.approx(np.median(errors))
    assert 0 < facts["error"]["median"] <= facts["error"]["p90"] < 0.2
    table = run(*words)  # finished: read and told again
    assert table.exit_code == 0, table.stderr
    assert "solid labels" in table.stdout
    check = run("data", "check", out)
    assert check.exit_code == 0, check.stdout + check.stderr


def test_shards_go_together_with_data_merge(run, population, tmp_path):
    files = [tmp_path / f"{k}.h5" for k in (1, 2)]
    for k, file in enumerate(files, 1):
        words = ("-o", file, "--voxels-per-diameter", 4, "--workers", 1, "--shard", f"{k}/2")
        result = run("label", population, *words)
        assert result.exit_code == 0, result.stderr
    merged = tmp_path / "all.h5"
    assert run("data", "merge", *files, "-o", merged).exit_code == 0
    assert read_dataset(merged).labels["solid"].mask.tolist() == [True, True]


def test_generate_solid_is_generate_and_label_in_one(run, population, tmp_path):
    out, apart = tmp_path / "set.h5", tmp_path / "apart.h5"
    words = ("--voxels-per-diameter", 4, "--workers", 1)
    config = population.with_name("two.yaml")
    result = run("generate", "--config", config, "--solid", *words, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert run("label", population, "-o", apart, *words).exit_code == 0
    assert out.read_bytes() == apart.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apart.h5", "set.h5"]
    again = run("generate", "--config", config, "--solid", *words, "-o", out)
    assert again.exit_code == 0, again.stderr
    other = run("generate", "--config", config, "--solid", *words[2:], "-o", out)
    assert other.exit_code == 2
    assert "made with other settings" in other.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--shard", "3/2"), "got 3/2"),
        (("--shard", "half"), "expected K/N, such as 1/4"),
        (("--voxels-per-diameter", "3"), "expected at least 4, got 3"),
        (("--memory-limit", "inf"), "expected finite GB above 0"),
        (("--memory-limit", "1e-6"), "none of 2 lattices can be labelled"),
        (("--shard", "99999999999999999999/99999999999999999999"), "holds no lattice"),
        (("--device", "abacus"), "device"),
    ],
)
def test_label_refuses_in_one_sentence(run, population, tmp_path, words, sentence):
    result = run("label", population, "-o", tmp_path / "x.h5", "--workers", 1, *words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "x.h5").exists()


def test_options_of_solid_labels_without_them_are_refused(run, tmp_path):
    result = run("generate", "-o", tmp_path / "x.h5", "--memory-limit", 2)
    assert result.exit_code == 2
    assert "requires --solid" in result.stderr
