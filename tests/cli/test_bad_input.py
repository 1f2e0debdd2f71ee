"""Each kind of bad input: one clear sentence on stderr, exit code 2, nothing written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices

ROOT = Path(__file__).parents[2]


def entry(*keys, value):
    """Make a change that sets one entry of the JSON object."""

    def change(data):
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


def raw(old, new):
    """Make a change of the JSON text, for what json.dumps does not write."""

    def change(data):
        text = json.dumps(data)
        assert old in text
        return text.replace(old, new, 1)

    return change


def again(turned):
    """Make a change that stores the first strut twice, the second time perhaps turned round."""

    def change(data):
        strut = dict(data["struts"][0])
        if turned:
            shift = [-x for x in strut["shift"]]
            strut |= {"i": strut["j"], "j": strut["i"], "shift": shift}
        data["struts"].append(strut)

    return change


def without_struts(data):
    data["struts"] = []


def missing(key):
    def change(data):
        del data[key]

    return change


FILES = {
    "not JSON": (lambda data: "{nodes: 3}", ["not JSON", "line 1"]),
    "empty": (lambda data: "", ["is empty"]),
    "a list": (lambda data: "[]", ["expected a JSON object"]),
    "unknown schema version": (
        entry("schema", value="lattice-gnn/lattice/2"),
        ["schema", "lattice-gnn/lattice/1", "lattice-gnn/lattice/2"],
    ),
    "unknown key": (entry("colour", value="red"), ["unknown key 'colour'"]),
    "unknown key of a strut": (entry("struts", 0, "width", value=1), ["struts[0]", "'width'"]),
    "missing key": (missing("nodes"), ["'nodes' is missing"]),
    "cell of two vectors": (entry("cell", value=[[1, 0, 0], [0, 1, 0]]), ["cell", "3", "2"]),
    "node in the plane": (entry("nodes", 1, value=[0.5, 0.5]), ["nodes[1]", "3 numbers"]),
    "NaN": (raw("[0.5, 0.5, 0.5]", "[0.5, NaN, 0.5]"), ["NaN"]),
    "infinity": (raw("[0.5, 0.5, 0.5]", "[0.5, 1e999, 0.5]"), ["nodes[1][1]", "finite"]),
    "index out of range": (entry("struts", 3, "j", value=2), ["struts[3]", "2", "out of range"]),
    "negative index": (entry("struts", 3, "i", value=-1), ["struts[3]", "-1", "out of range"]),
    "shift of halves": (
        entry("struts", 2, "shift", value=[0.5, 0, 0]),
        ["struts[2].shift", "3 integers"],
    ),
    "shift in the plane": (entry("struts", 2, "shift", value=[1, 0]), ["struts[2].shift"]),
    "zero-length strut": (entry("nodes", 1, value=[0, 0, 0]), ["struts[", "zero length"]),
    "duplicate strut": (again(turned=False), ["struts[8]", "struts[0]"]),
    "duplicate strut, turned": (again(turned=True), ["struts[8]", "struts[0]"]),
    "radius zero": (entry("struts", 5, "radius", value=0), ["radii[5]", "above 0"]),
    "radius below zero": (entry("struts", 5, "radius", value=-0.1), ["radii[5]", "-0.1"]),
    "both radius and density": (
        entry("relative_density", value=0.1),
        ["relative_density and radius in struts"],
    ),
    "singular cell": (
        entry("cell", value=[[1, 0, 0], [0, 1, 0], [1, 1, 0]]),
        ["cell", "do not span space"],
    ),
    "no struts": (without_struts, ["struts", "at least one"]),
    "Poisson ratio": (entry("material", "nu", value=0.5), ["material.nu", "0.5"]),
    "Young's modulus": (entry("material", "E", value=-1), ["material.E", "-1"]),
}


def assert_refused(result, *words, folder=None):
    """One sentence with these words, exit code 2, no output; the folder holds its inputs alone."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
    if folder is not None:
        assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors"}
        assert not (folder / "out.json").exists()


@pytest.mark.parametrize("kind", FILES)
def test_a_bad_file_is_refused(kind, run, edited, tmp_path, weights):
    change, words = FILES[kind]
    path = edited(change)
    outputs = ("--output", tmp_path / "out.json", "--picture", tmp_path / "out.png")
    result = run("predict", path, "--model", weights, *outputs)
    assert_refused(result, "edited.json", *words, folder=tmp_path)


@pytest.mark.parametrize("command", ["homogenise", "info", "render"])
def test_every_command_refuses_a_bad_file(command, run, edited, tmp_path):
    path = edited(entry("struts", 3, "j", value=2))
    name = "out.png" if command == "render" else "out.json"
    result = run(command, path, "-o", tmp_path / name)
    assert_refused(result, "edited.json", "struts[3]", folder=tmp_path)


def test_a_missing_file_is_named(run, tmp_path, weights):
    assert_refused(run("predict", tmp_path / "none.json", "--model", weights), "none.json")


def test_a_folder_without_lattices_is_named(run, tmp_path, weights):
    result = run("predict", tmp_path, "--model", weights)
    assert_refused(result, str(tmp_path), "holds no lattice file")


def test_one_bad_file_among_good_ones_stops_all(run, octet_file, edited, tmp_path, weights):
    edited(without_struts)
    output = ("-o", tmp_path.parent / "all.json")
    assert_refused(run("predict", tmp_path, "--model", weights, *output), "edited.json")
    assert not output[1].exists()


def test_the_network_refuses_a_net_that_does_not_span_space(run, edited, layer, tmp_path, weights):
    path = edited(lambda _: layer)
    output = ("-o", tmp_path / "out.json")
    words = ("edited.json", "2 of 3 dimensions", "homogenise")
    result = run("predict", path, "--model", weights, *output)
    assert_refused(result, *words, folder=tmp_path)
    result = run(
        "render", path, "--method", "network", "--model", weights, "-o", tmp_path / "a.png"
    )
    assert_refused(result, *words, folder=tmp_path)


@pytest.mark.parametrize("command", ["predict", "homogenise", "info", "make"])
@pytest.mark.parametrize("place", ["missing/out.json", ".", "octet.json/out.json"])
def test_a_place_that_cannot_be_written_is_refused(
    command, place, run, octet_file, weights, monkeypatch
):
    monkeypatch.chdir(octet_file.parent)
    before = octet_file.read_text()
    arguments = {
        "predict": ["octet.json", "--model", weights],
        "make": ["bcc", "--radius", "0.05"],
    }.get(command, ["octet.json"])
    assert_refused(run(command, *arguments, "--output", place), place, "cannot be written")
    assert octet_file.read_text() == before
    assert list(octet_file.parent.iterdir()) == [octet_file]


def test_an_input_is_never_overwritten(run, octet_file, weights):
    before = octet_file.read_text()
    for command in (("predict", "--model", weights), ("homogenise",), ("info",)):
        result = run(command[0], octet_file, *command[1:], "--output", octet_file)
        assert_refused(result, "octet.json", "input")
    result = run("predict", octet_file.parent, "--model", weights, "--output", octet_file)
    assert_refused(result, "octet.json", "input")
    assert octet_file.read_text() == before


@pytest.mark.parametrize("place", ["out.jpg", "missing/out.png"])
def test_a_picture_that_cannot_be_written_is_refused(place, run, octet_file, weights, tmp_path):
    options = ("--model", weights, "--output", tmp_path / "out.json")
    result = run("predict", octet_file, *options, "--picture", tmp_path / place)
    assert_refused(result, place, folder=tmp_path)
    assert_refused(run("render", octet_file, "-o", tmp_path / place), place, folder=tmp_path)


def test_a_picture_is_of_one_lattice(run, tmp_path, weights):
    path = tmp_path / "two.json"
    write_lattices(path, [cell("bcc", radius=0.05), cell("octet", radius=0.05)])
    picture = tmp_path / "out.png"
    result = run("predict", path, "--model", weights, "--picture", picture)
    assert_refused(result, "--picture", "got 2", folder=tmp_path)
    assert_refused(run("render", path, "-o", picture), "two.json", "2 lattices", folder=tmp_path)


def _truncated(weights, path):
    path.write_bytes(Path(weights).read_bytes()[:-100])


def _no_weights(weights, path):
    path.write_text("These are no weights.")


def _other_version(weights, path):
    with safe_open(weights, framework="pt") as file:
        header = json.loads(file.metadata()["lattice-gnn"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata={"lattice-gnn": json.dumps(header | {"format": 99})})


def _other_tensors(weights, path):
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in list(file.keys())[1:]}
    save_file(tensors, path, metadata=metadata)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_truncated, ["damaged"]),
        (_no_weights, ["damaged"]),
        (_other_tensors, ["damaged"]),
        (_other_version, ["99", "expected 1"]),
    ],
)
def test_unusable_weights_are_refused(damage, words, run, octet_file, weights, tmp_path):
    path = tmp_path / "bad.safetensors"
    damage(weights, path)
    result = run("predict", octet_file, "--model", path, "-o", tmp_path / "out.json")
    assert_refused(result, "bad.safetensors", *words, folder=tmp_path)


def test_an_unknown_model_is_refused(run, octet_file):
    assert_refused(run("predict", octet_file, "--model", "nonsense"), "nonsense", "weights")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["octt", "--radius", "0.1"], ["octt", "octet"]),
        (["octet"], ["radius", "relative density"]),
        (["octet", "--radius", "0.1", "--relative-density", "0.1"], ["radius", "density"]),
        (["octet", "--radius", "-1"], ["-1"]),
        (["octet", "--relative-density", "2"], ["relative_density", "2"]),
        (["octet", "--radius", "0.1", "--param", "angle=20"], ["angle"]),
        (["re-entrant", "--radius", "0.05", "--param", "angle"], ["--param angle"]),
        (["octet", "--radius", "0.1", "--supercell", "0", "1", "1"], ["tiling", "0"]),
        (["octet", "--radius", "0.1", "--perturb", "-1"], ["-1"]),
        (["octet", "--radius", "0.1", "--nu", "0.5"], ["nu", "0.5"]),
        (["octet", "--radius", "0.1", "--E", "0"], ["E", "0"]),
    ],
)
def test_make_refuses_what_makes_no_lattice(arguments, words, run, tmp_path):
    path = tmp_path / "out.json"
    assert_refused(run("make", *arguments, "-o", path), *words, folder=tmp_path)


def test_train_refuses_a_bad_recipe_before_it_makes_the_folder(run, tmp_path):
    recipe, folder = tmp_path / "recipe.yaml", tmp_path / "run"
    assert_refused(run("train", recipe, "--output", folder), "recipe.yaml")
    recipe.write_text("model: {}\n")
    assert_refused(run("train", recipe, "--output", folder), "recipe.yaml", "data")
    assert not folder.exists()


@pytest.mark.parametrize(
    "arguments",
    [["predict"], ["predict", "a.json", "--colour"], ["homogenise", "a.json", "--element", "x"]],
)
def test_misuse_of_the_command_line_has_exit_code_2(arguments, run):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert result.stdout == ""


def test_a_bug_keeps_its_traceback(run, octet_file, weights, monkeypatch):
    def broken(*arguments, **keywords):
        raise RuntimeError("a bug")

    monkeypatch.setattr("fem_reference.beam.homogenise.homogenise_beam", broken)
    result = run("predict", octet_file, "--model", weights, "--check")
    assert isinstance(result.exception, RuntimeError)
    assert result.stdout == ""


def test_a_real_process_says_one_sentence_and_exits_with_2(tmp_path):
    child = subprocess.run(
        [sys.executable, "-m", "cli.start", "info", tmp_path / "none.json"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 2
    assert child.stdout == ""
    assert child.stderr == f"error: {tmp_path / 'none.json'}: no such file.\n"
