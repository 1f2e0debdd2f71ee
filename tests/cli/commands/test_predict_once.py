"""predict: nothing that is known of a lattice is computed a second time."""

import importlib
from collections import Counter

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.json_file import write_lattices
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.surrogate.surrogate import load_surrogate

COUNTED = {
    "connectivity": [("lattice.lattice", "analyse_net")],
    "simplification": [
        ("lattice.simplification", "removable_nodes"),
        ("lattice.batch_simplification", "removable_nodes"),
    ],
    "merging": [
        ("lattice.simplification", "simplify_topology"),
        ("lattice.batch_simplification", "simplify_topology"),
    ],
    "net fingerprint": [("surrogate.domain", "net_fingerprint")],
    "domain measures": [("surrogate.surrogate", "measures")],
    "frame": [("network.layers.joint_cases", "homogenise_beam")],
}
"""Modules of lattice_gnn and the names by which they call what is counted."""


@pytest.fixture
def calls(monkeypatch):
    """How often each of ``COUNTED`` was called, batches collated and networks evaluated."""
    counter = Counter()

    def count(owner, name, what):
        original = getattr(owner, name)

        def counting(*arguments, **keywords):
            counter[what] += 1
            return original(*arguments, **keywords)

        monkeypatch.setattr(owner, name, counting)

    for what, places in COUNTED.items():
        for module, name in places:
            count(importlib.import_module(f"lattice_gnn.{module}"), name, what)
    count(LatticeBatch, "from_lattices", "batch")
    count(StiffnessNetwork, "stiffness", "network")
    return counter


def lattices():
    """The second has nodes that merely cut a strut in two."""
    return [cell(name, relative_density=0.05) for name in ("octet", "isotruss", "bcc")]


def expected(count):
    """Once per lattice; once per batch what is computed for all of its lattices together."""
    each = Counter(dict.fromkeys(("connectivity", "simplification", "net fingerprint"), count))
    return each + Counter(
        {"domain measures": 1, "batch": 1, "network": 1, "merging": int(count > 1)}
    )


@pytest.mark.parametrize("count", [1, 3])
def test_python_computes_everything_once(calls, weights, count):
    load_surrogate(weights).predict(lattices()[:count])
    assert calls == expected(count)


@pytest.mark.parametrize("count", [1, 3])
def test_the_command_computes_everything_once(run, tmp_path, calls, weights, count):
    path = tmp_path / "lattices.json"
    write_lattices(path, lattices()[:count])
    result = run("predict", path, "--model", weights, "--json")
    assert result.exit_code == 0, result.stderr
    assert calls == expected(count)


@pytest.mark.parametrize("count", [1, 3])
def test_the_shipped_model_solves_the_frames_once(run, tmp_path, calls, count):
    path = tmp_path / "lattices.json"
    write_lattices(path, lattices()[:count])
    result = run("predict", path, "--json")
    assert result.exit_code == 0, result.stderr
    wanted = expected(count) + Counter({"frame": 1})  # its answer is not ``stiffness`` alone
    del wanted["network"]
    assert calls == wanted
