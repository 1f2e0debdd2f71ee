"""docs/lattice-json.md names every key, and its examples are what it says."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice import json_file
from lattice_gnn.lattice.findings import warnings
from lattice_gnn.lattice.json_file import lattice_from_dict
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.testing import same_structure

PAGE = (Path(__file__).parents[3] / "docs" / "lattice-json.md").read_text("utf-8")
FIRST, SECOND = (json.loads(x) for x in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def rows_of(title):
    part = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    keys = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {key for row in keys for key in re.findall(r"`(\w+)`", row)}


def test_every_key_is_documented():
    assert rows_of("The lattice") == {*json_file._REQUIRED, *json_file._OPTIONAL}
    assert rows_of("A strut") == {*json_file._STRUT_REQUIRED, *json_file._STRUT_OPTIONAL}


def test_the_first_example_is_bcc():
    lattice = lattice_from_dict(FIRST)
    assert same_structure(lattice, cell("bcc", radius=0.05).scaled(10.0))
    assert warnings(lattice) == ()


def test_the_defaults_are_those_of_the_page():
    lattice = lattice_from_dict(FIRST)
    assert lattice.material == Material(E=1.0, nu=0.3)
    assert (lattice.name, lattice.units) == ("", "")
    assert lattice.end_radii is lattice.inner_radii is lattice.E is lattice.nu is None


def test_several_lattices(tmp_path):
    path = tmp_path / "several.json"
    path.write_text(json.dumps(SECOND))
    (lattice,) = json_file.read_lattices(path)
    assert lattice.relative_density == pytest.approx(0.1)
    assert same_structure(lattice.with_radii(np.full(3, 0.1)), cell("sc", radius=0.1))


def test_lengths_given_for_fractions_are_warned_of():
    lattice = lattice_from_dict({**FIRST, "nodes": [[0, 0, 0], [5, 5, 5]]})
    found = {x.kind: x.text for x in warnings(lattice)}
    assert "1 node lies far outside the cell, as node 1 at (5, 5, 5)" in found["fractions"]
    inside = lattice_from_dict({**FIRST, "nodes": [[0, 0, 0], [1.5, 0.5, -0.5]]})
    assert "fractions" not in {x.kind for x in warnings(inside)}
