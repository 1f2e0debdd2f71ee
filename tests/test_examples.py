"""The examples run, and the figures that they assert hold; the slow ones at full size too."""

import json
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
    "design_bone": {"quick": True},
    "design_soft_axis": {"quick": True},
    "design_stiff_axis": {"quick": True},
    "design_isotropic": {"quick": True},
    "design_auxetic": {"quick": True},
    "design_pentamode": {"quick": True},
    "design_octet": {"quick": True},
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
    "design_bone": "confirmed",
    "design_soft_axis": "mean connectivity 4.36",
    "design_stiff_axis": "converged, confirmed by beam",
    "design_isotropic": '"radius_ratio": 1.240',
    "design_auxetic": '"verdicts": ["confirmed", "confirmed"]',
    "design_pentamode": '"status": "converged"',
    "design_octet": '"verdict_beam_0.3": "refuted"',
}
"""What a reader must see."""


FIGURES = {
    "design_bone": {"misfit_reference_bone_3": (0.0, 0.02)},
    "design_soft_axis": {"misfit_reference": (0.0, 0.02), "axial_ratio_reference": (0.48, 0.53)},
    "design_stiff_axis": {
        "E_axial_beam": (0.04, 0.0526),
        "transverse_share_beam": (0.2999, 0.31),
    },
    "design_isotropic": {"radius_ratio": (1.2406, 1.2410), "zener_reference": (0.999, 1.001)},
    "design_auxetic": {"nu_max_reference": (-1.0, -0.5), "zener_reference": (0.99, 1.01)},
    "design_pentamode": {"eigenvalue_ratio_reference": (1000, 1e5)},
    "design_octet": {"zener_reference_beam_0.3": (0.9, 0.985)},
}
"""Ranges of the figures of the quick designs."""


def run(name, **arguments):
    """Run one example as a program would, with other arguments of its main()."""
    runpy.run_path(str(FOLDER / f"{name}.py"))["main"](**arguments)


def test_every_example_is_short_and_run_here_and_linked_by_the_readme_or_its_page():
    scripts = sorted(FOLDER.glob("*.py"))
    assert {path.stem for path in scripts} == set(REDUCED) == set(PRINTED)
    pages = {x: (ROOT / x).read_text(encoding="utf-8") for x in ("README.md", "docs/design.md")}
    for path in scripts:
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60, path.name
        page = "docs/design.md" if path.name.startswith("design_") else "README.md"
        assert f"examples/{path.name}" in pages[page]


@pytest.mark.parametrize("name", [name for name in REDUCED if name not in FIGURES])
def test_an_example_runs_and_its_figures_hold(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(name, **REDUCED[name])
    assert PRINTED[name] in capsys.readouterr().out


@pytest.mark.parametrize("name", FIGURES)
def test_a_design_prints_its_figures_as_json_last(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(name, **REDUCED[name])
    printed = capsys.readouterr().out
    assert PRINTED[name] in printed
    figures = json.loads(printed.splitlines()[-1])
    for key, (low, high) in FIGURES[name].items():
        assert low <= figures[key] <= high, key


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, arguments in REDUCED.items() if arguments])
def test_an_example_runs_at_full_size(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(name)
