"""train makes a model that predict can use, shows how far it is, and refuses wrong options."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import yaml

import cli.commands.train
import lattice_gnn as lg
from lattice_gnn.network.checkpoint import read_header
from lattice_gnn.training.loop import Progress

RECIPE = {
    "model": {"channels": 2, "hidden": 4, "readout_channels": 2, "layers": 1, "relaxation": 1},
    "train": {"steps": 4, "checkpoint_steps": 2, "batch_size": 8},
    "data": {
        "cells": {"count": 24, "densities": [0.01, 0.1], "cells": ["bcc", "octet"]},
        "shares": {"train": 0.5, "validation": 0.25, "test": 0.25},
    },
}


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


def test_the_weights_are_used_by_predict(run, answer, recipe, octet_file, tmp_path):
    folder = tmp_path / "deep" / "run"
    labels = ("--data", tmp_path / "labels")
    result = run("train", recipe, "--output", folder, *labels, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    weights = result.stdout.strip()
    assert weights == str(folder / "model.safetensors")
    assert [path.suffix for path in (tmp_path / "labels").iterdir()] == [".h5"]
    found = answer("predict", octet_file, "--model", weights)
    assert found["model"]["name"] == weights
    assert found["model"]["expected_error"]["median"] > 0


def test_a_pipe_gets_one_line_a_validation(run, recipe, tmp_path):
    result = run("train", recipe, "--output", tmp_path / "run", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("step ")]
    assert [line.split(":")[0] for line in lines] == ["step 2 of 4", "step 4 of 4"]
    for line in lines:
        assert "mean directional error" in line
        assert "ms per lattice" in line
    assert result.stdout.strip() == str(tmp_path / "run" / "model.safetensors")
    assert "only 4 steps are planned" in result.stderr


def test_a_gpu_that_is_not_there_is_refused(run, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = run("train", recipe, "--output", tmp_path / "run", "--device", "cuda")
    assert result.exit_code == 2
    assert "finds no GPU; use --device cpu" in result.stderr
    assert not (tmp_path / "run").exists()


def test_curves_without_tensorboard_are_refused_before_any_work(run, recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    result = run("train", recipe, "--output", tmp_path / "run", "--tensorboard")
    assert result.exit_code == 2
    assert "tensorboard is not installed" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_terminal_gets_a_bar_with_rate_speed_and_best(monkeypatch, capsys):
    monkeypatch.setattr(cli.commands.train.sys, "stderr", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("rich.console.Console.file", property(lambda self: sys.stdout))
    monkeypatch.setenv("COLUMNS", "200")
    summary = {"mean": 0.0512, "median": 0.04}
    state = Progress(
        step=20,
        steps=30,
        epoch=1,
        epochs=3,
        loss=0.125,
        gradient_norm=1.0,
        learning_rate=2e-3,
        ms_per_lattice=4.9,
        core_seconds=2.0,
        best=0.0512,
        validation={"directional_error": summary, "relative_frobenius": summary},
        stopped=True,
    )
    with cli.commands.train._display() as show:
        show(state)
    shown = capsys.readouterr().out
    assert "epoch 2 of 3, loss 0.125, rate 2.0e-03, 4.9 ms per lattice, best 5.12 %" in shown
    assert "median directional error 4.00 %, relative frobenius 4.00 %" in shown
    assert "stopped early" in shown
    assert "to go" in shown


def test_training_leaves_nothing_in_the_folder_of_temporary_files(recipe, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["train", recipe, "--output", tmp_path / "run", "--data", tmp_path / "labels"]
    subprocess.run(
        [sys.executable, "-c", "import sys; from cli.main import main; main(sys.argv[1:])", *words],
        env={**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "run" / "compiler-cache").exists()


def test_a_run_with_few_held_out_lattices_ends_with_weights(run, answer, octet_file, tmp_path):
    small = {**RECIPE, "model": {"kind": "joints"}, "train": {"steps": 2, "batch_size": 8}}
    path = tmp_path / "joints.yaml"
    path.write_text(yaml.safe_dump(small))
    result = run("train", path, "--output", tmp_path / "run", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    weights = result.stdout.strip()
    assert "uncertainty" not in read_header(weights)
    found = answer("predict", octet_file, "--model", weights)
    assert found["model"]["expected_error"]["median"] > 0
    slender = tmp_path / "slender.json"
    lg.write(slender, lg.cell("octet", relative_density=1e-5))
    assert answer("predict", slender, "--model", weights)["domain"]["inside"]


def test_curves_of_a_fit_in_closed_form_are_refused(run, tmp_path):
    path = tmp_path / "linear.yaml"
    path.write_text(yaml.safe_dump({**RECIPE, "model": {"kind": "ridge"}, "train": {}}))
    result = run("train", path, "--output", tmp_path / "run", "--tensorboard")
    assert result.exit_code == 2
    assert "--tensorboard: ridge is fitted in closed form" in result.stderr
    assert not (tmp_path / "run").exists()
