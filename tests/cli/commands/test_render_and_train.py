"""render draws a file, train makes a model that predict can use."""

import pytest
import yaml

from viz.gl import RENDERER_VARIABLE

RECIPE = {
    "model": {"channels": 2, "hidden": 4, "readout_channels": 2, "layers": 1},
    "train": {"epochs": 2, "batch_size": 8},
    "data": {
        "cells": {"count": 36, "seed": 1, "densities": [0.01, 0.1]},
        "shares": {"train": 0.6, "validation": 0.2, "test": 0.2},
    },
}


@pytest.fixture(autouse=True)
def _quick_renderer(monkeypatch):
    monkeypatch.setenv(RENDERER_VARIABLE, "matplotlib")


@pytest.mark.parametrize("method", ["beam", "network"])
def test_render_draws_a_png(method, run, octet_file, weights, tmp_path):
    picture = tmp_path / "octet.png"
    options = ("--method", method, "--model", weights, "--size", 400, 200, "-o", picture)
    result = run("render", octet_file, *options)
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert result.stdout == ""
    assert f"picture written to {picture}" in result.stderr


def test_render_draws_a_net_that_does_not_span_space(run, edited, layer, tmp_path):
    picture = tmp_path / "layer.png"
    result = run("render", edited(lambda _: layer), "--size", 400, 200, "-o", picture)
    assert result.exit_code == 0
    assert picture.is_file()


def test_render_without_a_display_opens_no_window(run, octet_file, monkeypatch):
    monkeypatch.setattr("viz.render.has_display", lambda: False)
    result = run("render", octet_file)
    assert result.exit_code == 2
    assert "no display" in result.stderr


def test_train_makes_weights_that_predict_uses(run, answer, octet_file, tmp_path):
    recipe, folder = tmp_path / "recipe.yaml", tmp_path / "deep" / "run"
    recipe.write_text(yaml.safe_dump(RECIPE))
    labels = ("--data", tmp_path / "labels")
    result = run("train", recipe, "--output", folder, *labels, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    weights = result.stdout.strip()
    assert weights == str(folder / "model.safetensors")
    assert [path.suffix for path in (tmp_path / "labels").iterdir()] == [".h5"]
    found = answer("predict", octet_file, "--model", weights)
    assert found["model"]["name"] == weights
    assert found["model"]["expected_error"]["median"] > 0
