"""``lattice-gnn design``: what it writes, refuses and resumes."""

import importlib
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import read_lattices, write_lattices
from lattice_gnn.verbs.homogenise import homogenise

ROOT = Path(__file__).parents[3]
GOAL = ("--maximise", "E[001]", "--vary", "radii", "--break-symmetry")
LIMITS = ("--subject-to", "relative_density <= 0.1", "--subject-to", "E[100] >= 0.03")


@pytest.fixture
def start(tmp_path):
    """A simple cubic cell: E_i = pi r_i^2, which are also the parts of its relative density."""
    path = tmp_path / "start.json"
    write_lattices(path, cell("sc", radius=0.1))
    return path


def test_the_design_of_a_simple_cubic_cell_is_the_closed_form(start, tmp_path, answer):
    output = tmp_path / "design.json"
    document = answer("design", start, *GOAL, *LIMITS, "-o", output)
    # E_2 stays at the smallest radius, a tenth of the start's.
    best = 0.1 - 0.03 - math.pi * 0.01**2
    assert document["objective"]["value"] == pytest.approx(best, rel=1e-3)
    assert (document["status"], document["verdict"]) == ("converged", "confirmed")
    (lattice,) = read_lattices(output)
    modulus = homogenise(lattice).stiffness.young_modulus([0.0, 0.0, 1.0]).item()
    assert modulus == pytest.approx(document["objective"]["reference"], rel=1e-9)
    assert json.loads((tmp_path / "design_report.json").read_text()) == document
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        "design.json", "design_report.json", "start.json",
    ]  # fmt: skip


def test_tables_show_objective_constraints_status_and_verdict(start, tmp_path, run):
    result = run("design", start, *GOAL, *LIMITS, "-o", tmp_path / "design.json")
    assert result.exit_code == 0, result.stderr
    assert re.search(r"status +converged", result.stdout)
    assert re.search(r"verdict +confirmed by beam FEM", result.stdout)
    assert re.search(r"E\[100\] >= 0.03 +0.0300\d* +0.0300", result.stdout)
    assert "Objective: maximise E[001]" in result.stdout
    assert "design written to" in result.stderr


def test_a_specification_and_options_add_up(start, tmp_path, answer):
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "maximise: E[001]\nsubject_to: relative_density <= 0.1\nvary: radii\n"
        "keep_symmetry: false\nsettings: {max_steps: 60, digits: 5}\n",
        encoding="utf-8",
    )
    words = ("design", start, "--spec", spec, "--subject-to", "E[100] >= 0.03")
    document = answer(*words, "-o", tmp_path / "design.json")
    assert [row["name"] for row in document["constraints"]] == [
        "relative_density <= 0.1", "E[100] >= 0.03",
    ]  # fmt: skip
    assert document["objective"]["value"] == pytest.approx(0.0697, rel=2e-3)


def test_a_target_file_is_reached(start, tmp_path, answer):
    wanted = cell("sc", radius=0.1).with_radii(np.array([0.05, 0.08, 0.11]))
    target = tmp_path / "target.json"
    rows = (70.0 * homogenise(wanted).stiffness.voigt).tolist()
    target.write_text(json.dumps({"voigt": rows}), encoding="utf-8")
    words = ("--target", target, "--solid-modulus", "70", "--vary", "radii", "--break-symmetry")
    document = answer("design", start, *words, "-o", tmp_path / "design.json")
    assert document["objective"]["value"] < 2e-3


@pytest.mark.parametrize("by_spec", [False, True])
def test_the_file_of_the_target_is_no_place_for_an_output(start, tmp_path, run, by_spec):
    target = tmp_path / "target.json"
    target.write_text(json.dumps({"targets": {"a": {"voigt": np.eye(6).tolist()}}}))
    before, words = target.read_bytes(), ("--target", f"{target}:a")
    if by_spec:
        words = ("--spec", tmp_path / "spec.yaml")
        words[1].write_text(f"target: {{file: '{target}:a'}}\n", encoding="utf-8")
    for option in ("-o", "--report"):
        others = () if option == "-o" else ("-o", tmp_path / "design.json")
        result = run("design", start, *words, *others, option, target)
        assert result.exit_code == 2
        assert "is one of the input files" in result.stderr
    assert target.read_bytes() == before


def test_the_picture_shows_lattices_surfaces_and_history(start, tmp_path, run):
    from matplotlib.image import imread

    picture = tmp_path / "design.png"
    words = (*GOAL, *LIMITS, "--max-steps", "5", "--picture", picture)
    result = run("design", start, *words, "-o", tmp_path / "design.json")
    assert result.exit_code == 0, result.stderr
    pixels = imread(picture)[..., :3]
    thirds = (pixels[:600], pixels[600:1000], pixels[1000:])
    assert all(0.01 < (third < 0.9).any(-1).mean() < 0.9 for third in thirds)


def test_the_animation_is_a_film_of_several_frames(start, tmp_path, run):
    from PIL import Image

    film = tmp_path / "design.gif"
    words = (*GOAL, *LIMITS, "--max-steps", "8", "--animation", film)
    result = run("design", start, *words, "-o", tmp_path / "design.json")
    assert result.exit_code == 0, result.stderr
    with Image.open(film) as frames:
        assert frames.size == (640, 640)
        assert frames.n_frames >= 2


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("refine", "round_design"),
        ("assemble", "evaluate"),
        ("checkpoint", "write_whole"),
    ],
)
def test_an_interruption_while_the_search_is_concluded_loses_no_design(
    start, tmp_path, run, monkeypatch, module, name
):
    place = importlib.import_module(f"lattice_gnn.design.{module}")
    work, calls = getattr(place, name), []

    def once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return work(*arguments)

    monkeypatch.setattr(place, name, once)
    output = tmp_path / "design.json"
    result = run("design", start, *GOAL, *LIMITS, "--max-steps", "8", "-o", output)
    assert result.exit_code == 130
    assert len(calls) > 1
    assert output.exists()
    assert "the same command resumes" in result.stderr


def test_before_a_design_is_found_an_interruption_says_so(start, tmp_path, run, monkeypatch):
    from lattice_gnn.design import problem

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(problem.Problem, "at", interrupted)
    result = run("design", start, *GOAL, *LIMITS, "-o", tmp_path / "design.json")
    assert result.exit_code == 130
    assert result.stderr.splitlines() == [
        "error: interrupted: no design had been found yet, and none is written."
    ]
    assert not (tmp_path / "design.json").exists()


def test_an_interruption_writes_the_best_design_and_resumes(start, tmp_path, run, monkeypatch):
    from lattice_gnn.design import track

    see, calls = track.Track.see, []

    def interrupted(self, point):
        see(self, point)
        calls.append(point)
        if len(calls) == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(track.Track, "see", interrupted)
    output = tmp_path / "design.json"
    first = run("design", start, *GOAL, *LIMITS, "-o", output)
    assert first.exit_code == 130
    assert re.search(r"status +INTERRUPTED", first.stdout)
    assert output.exists()
    assert (tmp_path / "design_checkpoint.npz").exists()
    second = run("design", start, *GOAL, *LIMITS, "-o", output)
    assert second.exit_code == 0
    assert re.search(r"status +converged", second.stdout)
    assert not (tmp_path / "design_checkpoint.npz").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "expected one of maximise, minimise and target, got none"),
        (("--maximise", "E[001]", "--minimise", "zener"), "got maximise and minimise"),
        (("--maximise", "strength"), "unknown quantity strength; known are E[111]"),
        (("--maximise", "E[001]", "--subject-to", "zener"), "expected <=, >= or =="),
        (("--maximise", "E[001]", "--vary", "colour"), "vary"),
        (("--target", "missing.json"), "missing.json: no such file"),
        (("--maximise", "E[001]", "--solid-modulus", "3"), "give that too"),
        (("--maximise", "E[001]", "-o", "NOWHERE/x.json"), "NOWHERE"),
        (("--maximise", "E[001]", "-o", "x.xyz"), "tells no format"),
        (("--maximise", "E[001]", "--report", "START"), "is one of the input files"),
        (("--maximise", "E[001]", "--picture", "x.gif"), "ends in .png"),
        (
            ("--maximise", "E[001]", "--subject-to", "zener <= 1", "--subject-to", "zener >= 2"),
            "contradict each other",
        ),
    ],
)
def test_bad_input_is_one_sentence(words, message, start, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [start if word == "START" else word for word in words]
    output = () if "-o" in words else ("-o", "design.json")
    result = run("design", start, *words, *output)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert [x.name for x in tmp_path.iterdir()] == ["start.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maximise: E[001]\nminimize: zener\n", "minimize: unknown key"),
        ("maximise: 3\n", "maximise"),
        ("maximise: E[001]\nseed: 1\nstarts: 0\n", "starts"),
        ("maximise: E[001]\nprocess: {name: lpbf, millimetres: 1}\n", "known are lpbf-ti64"),
        ("maximise: E[001]\ntarget: {voigt: [[1]]}\n", "got maximise and target"),
        ("target: {voigt: [[1]]}\n", "six rows of six numbers"),
        ("target: {}\n", "expected either file or voigt"),
        ("- a\n", "expected names with values"),
        ("maximise: E[001]\nsettings: {max_steps: 0}\n", "max_steps"),
        ("maximise: E[001]\nsubject_to: 3\n", "subject_to"),
    ],
)
def test_a_wrong_specification_is_one_sentence(text, message, start, tmp_path, run):
    spec = tmp_path / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    result = run("design", start, "--spec", spec, "-o", tmp_path / "design.json")
    assert result.exit_code == 2, result.stdout
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_key_is_given_once(start, tmp_path, run):
    spec = tmp_path / "spec.yaml"
    spec.write_text("maximise: E[001]\n", encoding="utf-8")
    words = ("--spec", spec, "--maximise", "E[100]")
    result = run("design", start, *words, "-o", tmp_path / "design.json")
    assert result.exit_code == 2
    assert "maximise is given as an option too" in result.stderr


def test_the_specification_of_the_page_is_read(start, tmp_path):
    from lattice_gnn.design.spec import DesignSpec, read_spec

    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)
    spec = tmp_path / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    found = read_spec(spec, {})
    assert isinstance(found, DesignSpec)
    names = [x.name for x in found.task(read_lattices(start)[0]).constraints]
    assert names == ["relative_density <= 0.1", "E[100] >= 0.3*E[001]", "radius >= 0.025"]
