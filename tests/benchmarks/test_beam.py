import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on five cells, and the figures that it wrote."""
    file = tmp_path_factory.mktemp("benchmark") / "figures.json"
    words = "--cells 5 --oracle-cells 2 --repeats 1 --threads 1 --throughput-only --markdown"
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "beam.py", *words.split(), "--json", file],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


def test_rates_and_gradient_costs_are_measured(run):
    _, figures = run
    throughput = figures["throughput"]
    assert throughput["cells"] == 5
    for kind in ("solve_alone", "from_lattices"):
        assert throughput[kind]["cells_per_s"] > 10
        assert throughput[kind]["cpu_ms"] > 0


def test_both_paths_are_timed_and_agree(run):
    text, figures = run
    paths = figures["paths"]
    assert paths["largest_difference"] < 1e-11
    for row in paths["rows"]:
        assert row["task"] in text
        assert min(row["torch"], row["kernel"]) > paths["floor"] > 0
    assert [row["cells"] for row in figures["memory"]] == [5, 20, 80]


def test_every_oracle_is_compared_or_said_to_be_missing(run):
    text, figures = run
    throughput = figures["throughput"]
    assert len(throughput["oracles"]) + len(throughput["skipped"]) == 2
    for oracle in throughput["oracles"]:
        assert math.isfinite(oracle["ratio_wall"])
        assert math.isfinite(oracle["ratio_cpu"])
        assert oracle["largest_difference"] < 1e-7
        assert oracle["name"] in text
    for sentence in throughput["skipped"]:
        assert "skipped" in sentence
        assert sentence in text
