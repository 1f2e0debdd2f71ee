"""render draws a file by any method, or says why not."""

import numpy as np
import pytest
from matplotlib.image import imread

from data.formats import write_any
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices
from lattice_gnn.lattice.lattice import Lattice
from viz.gl import RENDERER_VARIABLE

SMALL = ("--size", 300, 150)


@pytest.fixture(autouse=True)
def _quick_renderer(monkeypatch):
    monkeypatch.setenv(RENDERER_VARIABLE, "matplotlib")


def is_drawn(path):
    """Whether a PNG shows something on its background."""
    pixels = imread(path)[..., :3]
    different = np.abs(pixels - pixels[0, 0]).max(axis=-1) > 0.1
    return 0.005 < different.mean() < 0.9


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


def test_a_layer_is_deformed_with_one_plain_warning(run, edited, layer, tmp_path):
    picture = tmp_path / "layer.png"
    options = ("--what", "deformation", "--strain", "23", *SMALL)
    result = run("render", edited(lambda _: layer), *options, "-o", picture)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("singular") == 1
    assert "RankWarning" not in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--what", "lattice", "--tile", 2, 1, 1),
        ("--what", "stiffness", "--quantity", "nu-min"),
        ("--what", "deformation", "--strain", "23", "--colour", "bending", "--factor", 0.1),
        ("--what", "modes"),
        ("--what", "solid", "--voxels-per-diameter", 4, "--strain", "0,0,0.01,0,0,0"),
        ("--what", "cuts", "--quantity", "G-max"),
        ("--theme", "dark"),
        ("--compare", "network"),
        ("--what", "cuts", "--compare", "network"),
        ("--colour", "energy", "--strain", "softest"),
        ("--colour", "joints"),
    ],
    ids=lambda options: " ".join(map(str, options)),
)
def test_every_kind_of_picture_is_drawn(options, run, written, tmp_path):
    picture = tmp_path / "bcc.png"
    result = run("render", written(cell("bcc", radius=0.12)), *options, *SMALL, "-o", picture)
    assert result.exit_code == 0, result.stderr
    assert is_drawn(picture)


def test_two_lattices_are_compared_on_one_scale(run, written, tmp_path):
    first = written(cell("bcc", radius=0.05))
    second = first.rename(tmp_path / "second.json")
    first = written(cell("bcc", radius=0.06))
    picture = tmp_path / "a.png"
    result = run("render", first, "--compare", second, "-o", picture, "--size", 600, 200)
    assert result.exit_code == 0, result.stderr
    assert is_drawn(picture)


@pytest.mark.parametrize("what", ["cuts", "chart"])
def test_figures_have_the_size_that_is_asked_for(what, run, octet_file, tmp_path):
    picture = tmp_path / "a.png"
    result = run("render", octet_file, "--what", what, "--size", 900, 500, "-o", picture)
    assert result.exit_code == 0, result.stderr
    assert imread(picture).shape[:2] == (500, 900)


def test_property_charts_of_a_folder_and_of_a_dataset(run, written, tmp_path):
    dataset = tmp_path / "drawn.h5"
    assert run("generate", "--count", 3, "--densities", "0.05", "-o", dataset).exit_code == 0
    folder = tmp_path / "cells"
    folder.mkdir()
    for name in ("bcc", "octet"):
        written(cell(name, relative_density=0.1).replace(name=name)).rename(folder / f"{name}.json")
    for source, options in ((folder, ("--compare", "network")), (dataset, ())):
        picture = tmp_path / f"{source.stem}.svg"
        result = run("render", source, "--what", "chart", *options, "-o", picture)
        assert result.exit_code == 0, result.stderr
        assert "<svg" in picture.read_text()
    result = run("render", dataset, "--what", "chart", "--compare", "beam", "-o", picture)
    assert result.exit_code == 2
    assert "shows its labels" in result.stderr


def test_a_chart_says_what_is_not_drawn_and_what_is_outside(run, written, weights, tmp_path):
    rods = Lattice(np.eye(3), [[0, 0, 0]], [[0, 0]], [[1, 0, 0]], 0.05, name="rods")
    path = tmp_path / "both.json"
    write_lattices(path, [cell("bcc", relative_density=0.05), rods])
    result = run("render", path, "--what", "chart", "-o", tmp_path / "a.svg")
    assert result.exit_code == 0, result.stderr
    assert "beam FEM: 1 of 2 lattices not drawn, because their stiffness is" in result.stderr
    write_lattices(path, [cell("bcc", relative_density=d) for d in (0.05, 0.3)])
    network = ("--what", "chart", "--method", "network", "--model", weights)
    result = run("render", path, *network, "-o", tmp_path / "b.svg")
    assert result.exit_code == 0, result.stderr
    outside = "1 of 2 lattices outside the model's training domain; the first, "
    assert f"{outside}{path}[1]: " in result.stderr


def test_a_compared_file_is_no_place_for_an_output(run, octet_file, written, tmp_path):
    pytest.importorskip("manifold3d")
    other = tmp_path / "other.3mf"
    write_any(other, [cell("bcc", radius=0.05)])
    before = other.read_bytes()
    result = run("render", octet_file, "--compare", other, "--3mf", other)
    assert result.exit_code == 2
    assert "is one of the input files" in result.stderr
    assert other.read_bytes() == before


def test_the_beam_theory_of_a_comparison_can_be_chosen(run, written, weights, tmp_path):
    stout = written(cell("bcc", radius=0.1))
    drawn = []
    for element in ("euler-bernoulli", "timoshenko"):
        picture = tmp_path / f"{element}.svg"
        methods = ("--method", "network", "--model", weights, "--compare", "beam")
        options = ("--what", "cuts", *methods, "--element", element, "-o", picture)
        result = run("render", stout, *options)
        assert result.exit_code == 0, result.stderr
        drawn.append(picture.read_bytes())
    assert drawn[0] != drawn[1]


def test_files_beside_the_picture(run, written, tmp_path):
    pytest.importorskip("manifold3d")
    names = {"--stl": "a.stl", "--3mf": "a.3mf", "--gltf": "a.glb", "--animate": "a.gif"}
    options = [x for pair in names.items() for x in (pair[0], tmp_path / pair[1])]
    source = written(cell("bcc", radius=0.12))
    result = run("render", source, "--what", "deformation", *options, "--size", 60, 60)
    assert result.exit_code == 0, result.stderr
    assert "closed, volume" in result.stderr
    assert all((tmp_path / name).stat().st_size > 500 for name in names.values())
    assert not list(tmp_path.glob("*.png"))  # nobody asked for a picture


@pytest.mark.parametrize("what", [None, "lattice", "cuts"])
def test_without_a_display_a_png_is_written_here(what, run, octet_file, tmp_path, monkeypatch):
    monkeypatch.setattr("viz.gl.has_display", lambda: False)
    monkeypatch.chdir(tmp_path)
    options = ("--what", what) if what else ()
    result = run("render", octet_file, *options, *SMALL)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / f"{octet_file.stem}-{what or 'overview'}.png").is_file()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--what", "lattice", "--method", "beam"), "--method: does not apply to --what lattice"),
        (("--what", "stiffness", "--strain", "11"), "--strain: does not apply"),
        (("--what", "deformation", "--quantity", "E"), "--quantity: does not apply"),
        (("--what", "solid", "--tile", "2", "1", "1"), "--tile: does not apply"),
        (("--what", "cuts", "--gltf", "a.glb"), "--gltf: does not apply"),
        (("--what", "lattice", "--strain", "11"), "expected --colour energy, axial, bending"),
        (("--what", "modes", "--colour", "joints"), "--what lattice only"),
        (("--strain", "44"), "expected one of 11, 22"),
        (("--what", "modes", "--factor", "-1"), "expected a positive number"),
        (("--tile", "0", "1", "1"), "at least one cell"),
        (("--size", "9000", "100"), "at most 8192"),
        (("--animate", "a.avi"), "ends in .gif or .mp4"),
        (("--gltf", "a.glb", "--size", "90", "90"), "--size: no picture is drawn"),
        (("--stl", "a.3mf"), "ends in .stl"),
        (("--compare", "nowhere.json"), "no such file"),
        (("--compare", "beam"), "--compare beam: is in the picture already"),
        (("--compare", "solid", "--compare", "solid"), "--compare solid: is in the picture"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(options, words, run, octet_file, tmp_path):
    picture = () if options[0] in ("--animate", "--gltf") else ("-o", tmp_path / "a.png")
    result = run("render", octet_file, *options, *picture)
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(tmp_path.glob("*.png")) == []
