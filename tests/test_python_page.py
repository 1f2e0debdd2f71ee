"""docs/python.md is run, block by block, in one namespace; what it says of values holds."""

import re
from pathlib import Path

import pytest

import lattice_gnn as lg

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_its_python_blocks_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for source in re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S):
        exec(compile(source, "docs/python.md", "exec"), namespace)
    assert namespace["better"].relative_density == pytest.approx(0.05)
    said = re.search(r"# (0\.\d+) -> (0\.\d+)$", TEXT, re.M)
    for value, text in zip((namespace["before"], namespace["after"]), said.groups(), strict=True):
        assert float(value) == pytest.approx(float(text), rel=0.01)
    assert "E/E_s" in capsys.readouterr().out


def test_every_public_name_is_on_the_page():
    for name in set(lg.__all__) - {"__version__"}:
        assert re.search(rf"\b{name}\b", TEXT), name


def test_everything_it_names_on_a_class_is_there():
    for owner, names in {
        lg.Lattice: (
            "replace",
            "with_radii",
            "perturbed",
            "rotated",
            "scaled",
            "supercell",
            "simplified",
            "lengths",
            "volume",
            "connectivity",
            "clearance",
        ),
        lg.Prediction: ("in_units", "warnings", "to_dict", "report", "in_domain", "method"),
        lg.Homogenisation: ("in_units", "warnings", "to_dict", "report", "rank", "error"),
    }.items():
        for name in names:
            assert hasattr(owner, name), f"{owner.__name__}.{name}"
            assert name in TEXT
