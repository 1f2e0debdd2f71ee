"""The report on solid labels, on five cells labelled on coarse grids."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from data.datasets.dataset import Bases, Dataset, Label
from data.datasets.file import write_dataset
from data.labelling.beam import label_beam
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.cells.named import cell
from lattice_gnn.tensors.notation import UPPER

CELLS = (("sc", 0.1), ("sc", 0.2), ("sc", 0.4), ("bcc", 0.3), ("diamond", 0.3), ("gyroid", 0.4))
KEYS = ("error", "softest_error", "volume_fraction", "voxels_per_diameter")


@pytest.fixture(scope="module")
def dataset():
    """Three densities of simple cubic and a few others; the last has no solid label."""
    lattices = [cell(name, relative_density=density) for name, density in CELLS]
    names = list(dict.fromkeys(name for name, _ in CELLS))
    text = np.array([name.encode() for name in names])
    bases = Bases(text, text, text, np.ones(len(names), dtype=np.int16))
    base = np.array([names.index(name) for name, _ in CELLS])
    made = Dataset.from_lattices(lattices, bases, base, np.zeros(len(lattices)))
    found = [homogenise_solid(x, voxels_per_diameter=4) for x in lattices[:-1]]
    rows = [
        {key: getattr(x, key) for key in KEYS}
        | {"nodes": x.active_nodes, "touching": x.touching, "unresolved_gap": x.unresolved_gap}
        for x in found
    ]
    details = {key: np.array([*(float(row[key]) for row in rows), np.nan]) for key in rows[0]}
    details["touching"][3] = 1.0  # as if struts of the bcc cell touched
    stiffness = np.array([*(x.stiffness.numpy()[UPPER] for x in found), np.full(21, np.nan)])
    mask = np.isfinite(stiffness[:, 0])
    solid = Label(stiffness, mask, "solid FEM, 4 voxels per diameter", 0.05, details)
    return replace(made, labels={"beam": label_beam(made.to_batch()), "solid": solid})


@pytest.fixture(scope="module")
def script(benchmark):
    return benchmark("solid_labels")


def test_beams_are_softer_by_about_r_over_l(dataset, script):
    values = script.compare(dataset)
    assert len(values["difference"]) == 5
    beam, solid = (dataset.stiffness(kind, [1])[0] for kind in ("beam", "solid"))
    expected = np.linalg.norm(beam - solid) / np.linalg.norm(solid)
    assert values["difference"][1] == pytest.approx(expected)
    assert (values["softest_ratio"] < 1).all()
    # Of the simple cubic cell: struts of length 1, three in a cell, six at a node.
    radius = values["slenderness"][:3]
    np.testing.assert_allclose(3 * np.pi * radius**2, values["relative_density"][:3], rtol=1e-12)
    lattices, power = script.power_within(
        values["copies"], np.log(values["slenderness"]), np.log(values["difference"])
    )
    assert lattices == 1
    assert 0.7 < power < 1.4


def test_lattices_are_classed_by_struts_at_a_node(dataset, script):
    values = script.compare(dataset)
    assert values["struts_at_node"].tolist() == [6, 6, 6, 8, 4]
    found = {name: np.flatnonzero(k).tolist() for name, k in script.members(values).items()}
    few, between, many = script.CLASSES
    assert found == {few: [4], between: [], many: [0, 1, 2], script.CONTACT: [3]}


def test_slopes_within_groups_do_not_see_the_differences_between_them(script):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 3)
    x = rng.normal(size=60)
    y = 1.3 * x - 5 * groups
    assert script.power_within(groups, x, y) == (20, pytest.approx(1.3))
    lattices, power = script.power_within(np.arange(60), x, y)
    assert lattices == 0
    assert np.isnan(power)


def test_copies_of_two_sets_stay_apart(dataset, script):
    values = script.compare(dataset)
    both = script.joined([values, values])
    assert len(np.unique(both["copies"])) == 2 * len(np.unique(values["copies"]))
    lattices, _ = script.power_within(both["copies"], *np.log([both["slenderness"]] * 2))
    assert lattices == 2


def test_report_counts_every_lattice_once_and_names_the_sets(dataset, script):
    text = script.report({"training": dataset})
    lines = text.splitlines()
    (row,) = (line for line in lines if line.startswith("| training"))
    # 5 labels of 3 bases; one of five touches.
    assert row.split(" | ")[1:5] == ["5", "3", "10 to 40", "20.0"]
    start = next(k for k, line in enumerate(lines) if line.startswith("| relative density, % | cl"))
    rows = [line.split(" | ") for line in lines[start + 2 : lines.index("", start)]]
    assert sum(int(row[2]) for row in rows) == 5
    assert [row[1] for row in rows].count(script.CONTACT) == 1


def test_command_writes_between_the_marks_and_refuses_in_one_sentence(
    dataset, script, tmp_path, monkeypatch, capsys
):
    page = tmp_path / "solid-reference.md"
    page.write_text("before\n<!-- labels:begin -->\nold\n<!-- labels:end -->\nafter\n")
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(script, "DOCS", tmp_path)
    monkeypatch.setattr(script.write_section, "__defaults__", (page,))
    write_dataset(tmp_path / "set.h5", dataset)
    monkeypatch.setattr(sys, "argv", ["solid_labels.py", f"{tmp_path}/set.h5", "--update-docs"])
    script.main()
    text = page.read_text()
    assert text.startswith("before\n<!-- labels:begin -->\n\nMedians")
    assert text.endswith("<!-- labels:end -->\nafter\n")
    assert "old" not in text
    assert (tmp_path / script.IMAGE).exists()
    capsys.readouterr()
    write_dataset(tmp_path / "set.h5", replace(dataset, labels={"beam": dataset.labels["beam"]}))
    with pytest.raises(SystemExit) as exit_info:
        script.main()
    assert exit_info.value.code == 2
    assert "no labels of kind 'solid'; it has beam" in capsys.readouterr().err
