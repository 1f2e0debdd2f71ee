"""What the README shows is run: Python in order in one namespace, commands with their output."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from lattice_gnn.tensors.metrics import relative_frobenius
from viz.gl import RENDERER_VARIABLE

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?")
NUMBER_TOLERANCE = 2e-3
"""Relative: a float32 network rounds differently on different processors."""


def blocks(*languages):
    """List the fenced blocks of these languages, in order."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```$", TEXT, re.M | re.S)


def commands():
    """List (command, expected pieces of its output) of the console blocks.

    A line of three dots stands for output that is left out.
    """
    found = []
    for block in blocks("console", "bash"):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], [[]]))
            elif line == "...":
                found[-1][1].append([])
            else:
                found[-1][1][-1] += line.split()
    return [(command, [piece for piece in pieces if piece]) for command, pieces in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the samples, shared by the commands in their order."""
    path = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "data" / "samples", path / "data" / "samples")
    return path


def agree(expected, got):
    """Whether two words are equal, numbers to their tolerance."""
    if NUMBER.fullmatch(expected) and NUMBER.fullmatch(got):
        a, b = float(expected), float(got)
        return abs(a - b) <= NUMBER_TOLERANCE * max(abs(a), abs(b))
    return expected == got


def holds(words, piece):
    """Whether the words of a piece occur one after the other."""
    return any(
        all(agree(*pair) for pair in zip(piece, words[start:], strict=False))
        for start in range(len(words) - len(piece) + 1)
    )


def test_commands_run_in_order_and_print_what_is_shown(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv(RENDERER_VARIABLE, "matplotlib")
    for command, pieces in commands():
        program, *arguments = shlex.split(command)
        assert program == "lattice-gnn"
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{command}: {result.stderr}"
        words = result.stdout.split()
        for piece in pieces:
            assert holds(words, piece), f"{command}: {' '.join(piece)}"


def test_the_demo_is_the_first_command_with_a_picture():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (demo,) = re.findall(r"^demo:.*\n\t\S*(lattice-gnn .*)$", makefile, re.M)
    assert demo == f"{commands()[0][0]} --picture octet.png"


def test_python_blocks_run_in_order(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    namespace = {}
    sources = blocks("python")
    assert len(sources) == 1
    for source in sources:
        exec(compile(source, "README.md", "exec"), namespace)
    stiffnesses = [namespace[name].stiffness for name in ("prediction", "beam", "solid")]
    assert relative_frobenius(stiffnesses[0], stiffnesses[2]) < 0.03
    assert 0.05 < relative_frobenius(stiffnesses[1], stiffnesses[2]) < 0.3
    methods = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert methods[:3] == ["network", "beam", "solid"]


def test_the_readme_is_short_and_its_links_lead_somewhere():
    assert len(TEXT.splitlines()) <= 120
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("https://") or (ROOT / target).exists(), target
    assert not re.findall(r"<[A-Z][A-Z0-9_]*>", TEXT), "a placeholder is left"


def test_numbers_agree_to_their_tolerance_and_words_exactly():
    assert holds(["a", "1.000", "b"], ["1.001", "b"])
    assert not holds(["a", "1.000", "b"], ["1.010", "b"])
    assert not holds(["a", "b"], ["b", "c"])
