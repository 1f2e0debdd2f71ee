"""A design in a notebook: both lattices, values before and after, what is violated, the course."""

from xml.etree import ElementTree

import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.design.elastic import E
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.picture import search_curve
from lattice_gnn.design.result import Step
from lattice_gnn.verbs.optimise import optimise


@pytest.fixture(scope="module")
def result():
    start = cell("sc", radius=0.1).replace(name="a < b")
    return optimise(
        start, maximise=E([1, 0, 0]), subject_to=relative_density <= 0.1, vary="radii",
        keep_symmetry=False,
    )  # fmt: skip


def test_a_design_shows_both_lattices_and_its_values(result):
    root = ElementTree.fromstring(f"<div>{result._repr_html_()}</div>")
    assert len(list(root.iter("{http://www.w3.org/2000/svg}svg"))) >= 4
    cells = ["".join(x.itertext()) for x in root.iter("td")]
    found = result.objective
    assert f"{found.start:.4g}" in cells
    assert f"{found.value:.4g}" in cells
    assert f"{result.status}, {result.verdict}" in cells
    heads = ["".join(x.itertext()) for x in root.iter("th")]
    assert f"maximise {found.name}" in heads
    assert result.constraints[0].name in heads


def test_the_curve_has_one_point_per_step_from_the_start_to_the_best():
    history = [Step(k, "search", value, 0.0) for k, value in enumerate((1.0, 3.0, 2.0))]
    root = ElementTree.fromstring(search_curve(history))
    (curve,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in curve.get("points").split()]
    assert points == [(24.0, 216.0), (120.0, 24.0), (216.0, 120.0)]
    assert search_curve(history[:1]) == ""
