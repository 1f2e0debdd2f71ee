"""render draws a file by any method, or says why not."""

import pytest

from lattice_gnn.cells.named import cell
from viz.gl import RENDERER_VARIABLE


@pytest.fixture(autouse=True)
def _quick_renderer(monkeypatch):
    monkeypatch.setenv(RENDERER_VARIABLE, "matplotlib")


@pytest.mark.parametrize("method", ["beam", "solid", "network"])
def test_render_draws_a_png(method, run, written, weights, tmp_path):
    picture = tmp_path / "sc.png"
    own = {
        "beam": ("--element", "timoshenko"),
        "solid": ("--voxels-per-diameter", 4),
        "network": ("--model", weights),
    }[method]
    options = ("--method", method, *own, "--size", 400, 200, "-o", picture)
    result = run("render", written(cell("sc", radius=0.2)), *options)
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert result.stdout == ""
    assert f"picture written to {picture}" in result.stderr


def test_render_draws_a_net_that_does_not_span_space_and_warns(run, edited, layer, tmp_path):
    picture = tmp_path / "layer.png"
    result = run("render", edited(lambda _: layer), "--size", 400, 200, "-o", picture)
    assert result.exit_code == 0
    assert picture.is_file()
    assert "the stiffness is singular, rank 3 of 6" in result.stderr


def test_render_without_a_display_opens_no_window(run, octet_file, monkeypatch):
    monkeypatch.setattr("viz.render.has_display", lambda: False)
    result = run("render", octet_file)
    assert result.exit_code == 2
    assert "no display" in result.stderr
