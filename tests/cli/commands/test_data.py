"""data info, check, merge, split: on a real dataset, and on files that are none."""

import json
from dataclasses import replace

import numpy as np
import pytest

from data.datasets.file import read_dataset, write_dataset
from data.labelling.generate import make_batch
from data.populations.population import Population


@pytest.fixture(scope="module")
def dataset():
    return make_batch(Population(seed=6, draws=1, levels=(0.03,)), 0)


@pytest.fixture
def file(dataset, tmp_path):
    path = tmp_path / "set.h5"
    write_dataset(path, dataset)
    return path


def test_info_says_what_a_file_holds_and_draws_it(run, answer, file, tmp_path):
    facts = answer("data", "info", file)
    assert (facts["lattices"], facts["bases"]) == (64, 32)
    result = run("data", "info", file, "--pictures", tmp_path / "pictures")
    assert result.exit_code == 0, result.stderr
    assert "relative density" in result.stdout
    for name in ("sheet.png", "histograms.png"):
        assert (tmp_path / "pictures" / name).read_bytes().startswith(b"\x89PNG")


def test_check_passes_a_sound_file_and_names_what_is_wrong(run, answer, dataset, file):
    result = run("data", "check", file)
    assert result.exit_code == 0
    assert "64 lattices are sound; 20 labelled again" in result.stdout
    label = dataset.labels["beam"]
    wrong = replace(label, stiffness=label.stiffness * 1.5)
    write_dataset(file, replace(dataset, labels={"beam": wrong}))
    result = run("data", "check", file)
    assert result.exit_code == 1
    assert "differs from a new one by 0.5" in result.stderr
    assert json.loads(run("data", "check", file, "--json").stdout)["problems"]
    nodes = dataset.nodes.copy()
    nodes[3] = np.nan
    write_dataset(file, replace(dataset, nodes=nodes))
    for command, code in (("check", 1), ("info", 2)):
        result = run("data", command, file)
        assert result.exit_code == code
        assert "a node's position is not finite" in result.stderr


def test_split_parts_and_merging_puts_them_together_again(run, dataset, file, tmp_path):
    result = run("data", "split", file, "--shares", "train=0.6,test=0.4")
    assert result.exit_code == 0, result.stderr
    paths = result.stdout.split()
    assert paths == [str(tmp_path / "set.train.h5"), str(tmp_path / "set.test.h5")]
    parts = [read_dataset(file.with_name(f"set.{name}.h5")) for name in ("train", "test")]
    shapes = [set(part.bases.shapes.tolist()) for part in parts]
    assert not shapes[0] & shapes[1]
    assert sum(map(len, parts)) == len(dataset)
    whole = tmp_path / "whole.h5"
    result = run("data", "merge", *paths, file, "-o", whole)
    assert result.exit_code == 0, result.stderr
    assert "64 lattices, 64 duplicates removed" in result.stderr
    merged = read_dataset(whole)
    assert len(merged) == len(dataset)
    assert sorted(merged.radii.tolist()) == sorted(dataset.radii.tolist())
    assert np.isfinite(merged.labels["beam"].stiffness).all()


def test_merging_can_keep_only_what_is_labelled(run, dataset, file, tmp_path):
    label = dataset.labels["beam"]
    mask = np.arange(len(dataset)) % 2 == 0
    write_dataset(file, replace(dataset, labels={"beam": replace(label, mask=mask)}))
    out = tmp_path / "some.h5"
    result = run("data", "merge", file, "--labelled", "beam", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert f"{np.sum(~mask)} have no label of kind 'beam'" in result.stderr
    kept = read_dataset(out)
    assert kept.labels["beam"].mask.all()
    np.testing.assert_array_equal(kept.cells, dataset.cells[mask])
    result = run("data", "merge", file, "--labelled", "solid", "-o", tmp_path / "none.h5")
    assert result.exit_code == 2
    assert "no labels of kind 'solid'; it has beam" in result.stderr


def test_what_is_known_stays_out_of_the_test_part(run, file, tmp_path):
    assert run("data", "split", file, "--shares", "train=0.6,test=0.4").exit_code == 0
    held_out = tmp_path / "set.test.h5"
    known = set(read_dataset(held_out).bases.shapes.tolist())
    assert known
    half = tmp_path / "half.h5"
    half.write_bytes(held_out.read_bytes())
    result = run("data", "split", file, "--shares", "train=0.6,test=0.4", "--known", half)
    assert result.exit_code == 0, result.stderr
    assert "test: empty, no file written" in result.stderr
    assert known <= set(read_dataset(tmp_path / "set.train.h5").bases.shapes.tolist())


@pytest.mark.parametrize("command", ["info", "check", "split"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + 100 * b"\0"])
def test_what_is_no_dataset_is_one_sentence_and_exit_code_2(command, content, run, tmp_path):
    path = tmp_path / "bad.h5"
    path.write_bytes(content)
    result = run("data", command, path)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {path}: ")
    assert result.stderr.strip().count("\n") == 0


def test_wrong_shares_and_an_input_as_output_are_refused(run, file):
    result = run("data", "split", file, "--shares", "train=a")
    assert result.exit_code == 2
    assert "--shares train=a: expected names and numbers" in result.stderr
    assert run("data", "split", file, "--shares", "train=0.5").exit_code == 2
    assert run("data", "split", file, "--shares", "../x=1").exit_code == 2
    known = file.with_name("set.train.h5")
    known.write_bytes(file.read_bytes())
    merge, split = ("merge", file, "-o", file), ("split", file, "--known", known)
    for words in (merge, split):
        result = run("data", *words)
        assert result.exit_code == 2
        assert "is one of the input files" in result.stderr
    assert known.read_bytes() == file.read_bytes()
