"""The examples run, and the figures that they assert hold; the slow ones at full size too."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples"

REDUCED = {
    "predict_and_check": {"voxels": 4},
    "fine_tune": {"steps": 90},
    "cad_to_material_card": {},
    "property_chart": {},
    "batch_to_table": {"count": 100},
    "train_small_model": {"count": 60, "steps": 90},
    "solid_against_beam": {"radii": (0.1, 0.15)},
}
"""Arguments that make each example quick."""

PRINTED = {
    "predict_and_check": "octet",
    "fine_tune": "fine-tuned",
    "cad_to_material_card": "14 nodes and 36 struts to 4 nodes and 24 struts",
    "property_chart": "exponent",
    "batch_to_table": "100 lattices",
    "train_small_model": "on unseen nets: affine",
    "solid_against_beam": "beam FEM warns: 8 of 8 struts are too thick",
}
"""What a reader must see."""


def run(name, **arguments):
    """Run one example as a program would, with other arguments of its main()."""
    runpy.run_path(str(FOLDER / f"{name}.py"))["main"](**arguments)


def test_every_example_is_short_and_run_here_and_linked_by_the_readme():
    scripts = sorted(FOLDER.glob("*.py"))
    assert {path.stem for path in scripts} == set(REDUCED) == set(PRINTED)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in scripts:
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60, path.name
        assert f"examples/{path.name}" in readme


@pytest.mark.parametrize("name", REDUCED)
def test_an_example_runs_and_its_figures_hold(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(name, **REDUCED[name])
    assert PRINTED[name] in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, arguments in REDUCED.items() if arguments])
def test_an_example_runs_at_full_size(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(name)
