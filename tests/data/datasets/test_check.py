"""What is wrong with a dataset is found and named."""

from dataclasses import replace

import numpy as np
import pytest

from data.datasets.check import check_dataset
from data.datasets.dataset import Label
from lattice_gnn.tensors.notation import UPPER
from lattice_gnn.tensors.stiffness import Stiffness


def damaged(dataset, name, place, value):
    column = getattr(dataset, name).copy()
    column[place] = value
    return replace(dataset, **{name: column})


@pytest.mark.parametrize(
    ("name", "place", "value", "sentence"),
    [
        ("nodes", (5, 0), np.nan, "a node's position is not finite"),
        ("radii", 3, -1.0, "a radius is not positive"),
        ("cells", (2, slice(None), 0), 0.0, "the cell vectors do not span space"),
        ("poisson", 1, 0.5, "Poisson's ratio is out of range"),
    ],
)
def test_check_finds_impossible_geometry(dataset, name, place, value, sentence):
    (problem,) = check_dataset(damaged(dataset, name, place, value), spots=0).problems
    assert sentence in problem
    assert problem.startswith("lattice ")


def test_check_finds_sections_out_of_range(dressed):
    _, dataset = dressed
    assert check_dataset(dataset).problems == ()
    for name, value in (("E", 0.0), ("end_radii", -1.0), ("inner_radii", 1e9), ("E", np.nan)):
        column = dataset.sections[name].copy()
        column[7] = value
        wrong = replace(dataset, sections={**dataset.sections, name: column})
        (problem,) = check_dataset(wrong).problems
        assert f"{name} is out of range" in problem


def test_check_finds_a_strut_stored_twice_and_a_loose_node(dataset):
    struts, shifts = dataset.struts.copy(), dataset.shifts.copy()
    struts[1], shifts[1] = struts[0, ::-1], -shifts[0]
    problems = check_dataset(replace(dataset, struts=struts, shifts=shifts), spots=0).problems
    assert any("a strut is stored twice" in problem for problem in problems)


def test_check_finds_wrong_labels(dataset):
    label = dataset.labels["beam"]
    flipped = replace(label, stiffness=-label.stiffness)
    (problem,) = check_dataset(replace(dataset, labels={"beam": flipped})).problems
    assert "not positive semi-definite" in problem
    holed = label.stiffness.copy()
    holed[4, 2] = np.nan
    (problem,) = check_dataset(
        replace(dataset, labels={"beam": replace(label, stiffness=holed)})
    ).problems
    assert "contain NaN, first that of lattice 4" in problem
    scaled = replace(label, stiffness=1.01 * label.stiffness)
    (problem,) = check_dataset(replace(dataset, labels={"beam": scaled}), spots=3).problems
    assert "differs from a new one by 0.01" in problem


def test_the_bound_of_a_solid_label_follows_the_moduli_of_the_struts(dressed):
    """Struts of another Poisson's ratio than the material: a solid of volume fraction 0.2."""
    _, dataset = dressed
    struts = len(dataset.radii)
    sections = {**dataset.sections, "E": np.full(struts, 2.0), "nu": np.full(struts, 0.45)}
    dataset = replace(dataset, sections=sections)
    count = len(dataset)

    def problems(share):
        C = share * Stiffness.isotropic(2.0, 0.45).numpy()
        stiffness = np.tile(C[UPPER], (count, 1))
        details = {"volume_fraction": np.full(count, 0.2)}
        label = Label(stiffness, np.ones(count, dtype=bool), "solid FEM", 0.0, details)
        return check_dataset(replace(dataset, labels={"solid": label})).problems

    assert problems(0.2) == ()
    (problem,) = problems(0.21)
    assert "stiffer than its volume fraction 0.2 of the solid allows" in problem
