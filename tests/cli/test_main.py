"""The front door: help, version, speed, and the sample files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from cli.main import app
from lattice_gnn import __version__
from lattice_gnn.lattice.json_file import read_lattices

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
COMMANDS = typer.main.get_command(app).commands


def child(*arguments):
    """Run a real process."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def loaded_by(*arguments):
    """Names of the modules that a command has loaded when it ends."""
    code = (
        "import sys, cli.main\n"
        f"try:\n    cli.main.main({[str(word) for word in arguments]!r})\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    loaded = set(child("-c", code).stderr.split())
    assert "cli.main" in loaded
    return loaded


def test_help_names_every_command():
    process = child("-m", "cli.start", "--help")
    assert process.returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in process.stdout


def test_help_loads_nothing_heavy():
    heavy = {"torch", "pyvista", "numpy", "scipy", "matplotlib", "e3nn", "rich", "yaml"}
    assert not loaded_by("--help") & heavy


def test_predict_loads_nothing_that_it_does_not_use(octet_file):
    """Neither torch's compiler (and sympy with it), nor scipy, nor what other commands need."""
    loaded = loaded_by("predict", octet_file)
    assert {"torch", "lattice_gnn.surrogate.surrogate"} <= loaded
    heavy = {
        "e3nn", "torch._dynamo", "torch._inductor", "sympy", "torch_geometric", "scipy", "numba",
        "pyvista", "vtkmodules", "matplotlib", "meshio", "h5py", "spglib", "joblib", "yaml",
    }  # fmt: skip
    assert not loaded & heavy


def test_version(run):
    assert run("--version").stdout == f"lattice-gnn {__version__}\n"


def options_of(command):
    """Long options of a command, those of its subcommands included."""
    inner = [options_of(child) for child in getattr(command, "commands", {}).values()]
    own = {word for item in command.params for word in item.opts if word.startswith("--")}
    return own.union(*inner) - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_every_option_is_documented(command, run):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    common, *sections = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").split("\n## ")
    (section,) = (text for text in sections if command in text.splitlines()[0].split(", "))
    missing = {
        x for x in options_of(COMMANDS[command]) if not re.search(rf"{x}\b", common + section)
    }
    assert missing == set()


def test_the_samples_are_what_they_are_named():
    counts = {"octet": (4, 24), "bcc": (2, 8), "kelvin": (12, 24), "diamond": (8, 16)}
    for name, expected in counts.items():
        (lattice,) = read_lattices(SAMPLES / f"{name}.json")
        assert lattice.name == name
        assert lattice.units == "mm"
        assert (lattice.num_nodes, lattice.num_struts) == expected
    (octet,) = read_lattices(SAMPLES / "octet.json")
    assert octet.relative_density == pytest.approx(0.05)
    assert octet.material.E == 1


def test_the_asymmetric_sample_has_no_symmetry(answer):
    found = answer("homogenise", SAMPLES / "asymmetric.json")
    assert found["moduli"]["symmetry"]["name"] == "triclinic"
    assert found["moduli"]["anisotropy"]["zener"] is None


def in_shell(command, **environment):
    """Run the command line with streams of its own; return exit code, stdout and stderr."""
    words = f"{sys.executable} -m cli.start {command}"
    root = Path(__file__).parents[2]
    variables = {**os.environ, "PYTHONPATH": str(root), **environment}
    done = subprocess.run(
        ["bash", "-c", words], capture_output=True, cwd=root, env=variables, check=False
    )
    return done.returncode, done.stdout, done.stderr.decode()


NAMED = (
    '{"schema": "lattice-gnn/lattice/1", "name": "\\u683c\\u5b50", "nodes": [[0,0,0]], '
    '"cell": [[1,0,0],[0,1,0],[0,0,1]], "struts": [{"i":0,"j":0,"shift":[1,0,0]},'
    '{"i":0,"j":0,"shift":[0,1,0]},{"i":0,"j":0,"shift":[0,0,1]}], "radius": 0.05}'
)


def test_any_encoding_of_the_console_does(tmp_path):
    path = tmp_path / "name.json"
    path.write_text(NAMED, encoding="utf-8")
    code, out, err = in_shell(f"info {path}", PYTHONIOENCODING="cp1252")
    assert (code, err) == (0, "")
    assert b"??" in out
    code, out, _ = in_shell(f"info --json {path}", PYTHONIOENCODING="cp437")
    assert code == 0
    assert "格子" in json.dumps(json.loads(out), ensure_ascii=False)


@pytest.mark.parametrize(
    ("streams", "words"), [("> /dev/full", "cannot be written"), (">&-", "is closed")]
)
def test_an_output_that_cannot_be_written_is_one_sentence(streams, words):
    code, _, err = in_shell(f"cells {streams}")
    assert code == 2
    assert words in err
    assert len(err.splitlines()) == 1
