"""The front door: help, version, speed, and the sample files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lattice_gnn import __version__
from lattice_gnn.lattice.json_file import read_lattices

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
COMMANDS = ("predict", "homogenise", "cells", "make", "info", "render", "train")
HELP_SECONDS, PREDICT_SECONDS = 0.3, 4.0


def child(*arguments):
    """Run a real process; return it and the processor time that it took."""
    before = os.times()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    after = os.times()
    spent = after.children_user + after.children_system
    return process, spent - before.children_user - before.children_system


def test_help_names_every_command_and_answers_at_once():
    runs = [child("-m", "cli.main", "--help") for _ in range(3)]
    assert runs[0][0].returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in runs[0][0].stdout
    assert min(seconds for _, seconds in runs) < HELP_SECONDS


def test_help_loads_nothing_heavy():
    code = (
        "import sys, cli.main\n"
        "try:\n    cli.main.main(['--help'])\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    process, _ = child("-c", code)
    loaded = set(process.stderr.split())
    assert "cli.main" in loaded
    heavy = {"torch", "pyvista", "numpy", "scipy", "matplotlib", "e3nn", "rich", "yaml"}
    assert not loaded & heavy


def test_version(run):
    assert run("--version").stdout == f"lattice-gnn {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, run):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    documented = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"## {command}" in documented


@pytest.mark.slow
def test_predict_answers_in_four_seconds(weights):
    arguments = ("-m", "cli.main", "predict", SAMPLES / "octet.json", "--model", weights)
    process, seconds = child(*arguments)
    assert process.returncode == 0
    assert seconds < PREDICT_SECONDS


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
