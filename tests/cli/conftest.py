"""Lattice files, a small model with random weights, and a way to run commands in this process."""

import copy
import json

import pytest
import torch
from typer.testing import CliRunner

from cli.main import app
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import lattice_to_dict, write_lattices
from lattice_gnn.network.checkpoint import save_model
from lattice_gnn.network.equivariant import ModelConfig, StiffnessModel
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.surrogate.domain import Domain


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Weights of a small untrained model, whose domain holds octet, BCC and Kelvin cells."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = StiffnessModel(
            ModelConfig(channels=2, hidden=4, readout_channels=2, layers=1), Normaliser()
        )
        for weight in model.readouts[0].out:
            weight.data *= 0.1  # stays near its prior, the affine stiffness
    trained_on = [
        cell(name, relative_density=density)
        for name in ("octet", "bcc", "kelvin")
        for density in (0.01, 0.1)
    ]
    row = {"density": [0.01, 0.1], "count": 6, "relative_frobenius": {"median": 0.25, "p90": 0.5}}
    metrics = {kind: {"by_density": [row]} for kind in ("known_nets", "unseen_nets")}
    facts = {"domain": Domain.of(trained_on).to_dict(), "metrics": metrics}
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_model(path, model, facts)
    return str(path)


@pytest.fixture(autouse=True)
def _as_in_a_pipe(monkeypatch):
    """Tables get the width of a pipe, whatever terminal the tests run in."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def run():
    """Run a command in this process; the result has exit_code, stdout, stderr and exception."""

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def answer(run):
    """Run a command that must succeed, and parse its JSON."""

    def invoke(*arguments):
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return invoke


@pytest.fixture
def octet_file(tmp_path):
    """An octet of 5 % relative density."""
    path = tmp_path / "octet.json"
    write_lattices(path, cell("octet", relative_density=0.05))
    return path


@pytest.fixture
def written(tmp_path):
    """Write a lattice and return its path."""

    def write(lattice):
        path = tmp_path / "lattice.json"
        write_lattices(path, lattice)
        return path

    return write


@pytest.fixture
def layer():
    """A square grid in the plane of 1 and 2: connected in two of three dimensions."""
    return {
        "schema": "lattice-gnn/lattice/1",
        "name": "layer",
        "cell": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "nodes": [[0, 0, 0]],
        "struts": [{"i": 0, "j": 0, "shift": [1, 0, 0]}, {"i": 0, "j": 0, "shift": [0, 1, 0]}],
        "radius": 0.05,
    }


@pytest.fixture
def edited(tmp_path):
    """Write a BCC file after a change to its JSON object."""
    original = lattice_to_dict(cell("bcc", relative_density=0.05))

    def write(change):
        data = copy.deepcopy(original)
        changed = change(data)
        data = data if changed is None else changed
        path = tmp_path / "edited.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return path

    return write
