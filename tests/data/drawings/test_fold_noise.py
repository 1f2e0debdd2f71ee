"""Windows of CAD tools: coordinates with noise, missing struts, strips, struts that are joints."""

import itertools

import numpy as np
import pytest

from data.drawings.drawing import Drawing
from data.drawings.fold import FoldRules, fold
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError


def window(lattice, counts=(1, 1, 1), seed=0, noise=0.0, own_ends=False):
    """Every strut, image for image, that lies in a box of cells, with noise on every point."""
    tiles = itertools.product(*(range(-1, n + 1) for n in counts))
    places = lattice.nodes - lattice.nodes.min(axis=0)
    i, j = lattice.struts.T
    rows = []
    for tile in tiles:
        ends = np.stack([places[i] + tile, places[j] + lattice.shifts + tile], axis=1)
        inside = ((ends > -1e-9) & (ends < np.array(counts) + 1e-9)).all(axis=(1, 2))
        rows += [ends[inside].reshape(-1, 3)]
    points = np.concatenate(rows)
    bars = np.arange(len(points)).reshape(-1, 2)
    if not own_ends:
        keys, inverse = np.unique(np.round(points, 9), axis=0, return_inverse=True)
        points, bars = keys, inverse.reshape(-1)[bars]
    points = points + np.random.default_rng(seed).uniform(-noise, noise, points.shape)
    return Drawing(points @ lattice.cell, bars, radii=np.full(len(bars), lattice.radii[0]))


def stiffness(lattice):
    return homogenise_beam([lattice]).stiffness.mandel[0].numpy()


@pytest.mark.parametrize("name", ["bcc", "octet", "kelvin", "fcc"])
@pytest.mark.parametrize("noise", [1e-5, 1e-4, 4e-4])
@pytest.mark.parametrize("own_ends", [False, True])
def test_noise_of_coordinates_leaves_the_net(name, noise, own_ends):
    lattice = cell(name, radius=0.03)
    folded = fold(window(lattice, noise=noise, own_ends=own_ends))
    assert (folded.lattice.num_nodes, folded.lattice.num_struts) == (
        lattice.num_nodes,
        lattice.num_struts,
    )
    C, expected = stiffness(folded.lattice), stiffness(lattice)
    assert np.linalg.norm(C - expected) < 30 * noise * np.linalg.norm(expected)
    assert noise / 2 < folded.report.spread < 5 * noise
    assert any("largest distance" in text for text in folded.report.sentences())
    assert folded.report.dangling == ()


def test_half_struts_join_in_spite_of_noise():
    """Simple cubic, its centre in the middle of the window, six half struts."""
    points = np.array([[0, 0, 0], *(s * np.eye(3)[k] / 2 for k in range(3) for s in (1, -1))])
    bars = np.array([(0, n) for n in range(1, 7)])
    noise = np.random.default_rng(1).uniform(-4e-4, 4e-4, points.shape)
    folded = fold(Drawing(points + noise, bars, radii=np.full(6, 0.05)))
    assert (folded.lattice.num_nodes, folded.lattice.num_struts) == (1, 3)
    assert stiffness(folded.lattice)[0, 0] == pytest.approx(np.pi * 0.05**2, rel=5e-3)


@pytest.mark.parametrize("length", [600, 5000])
def test_long_strips_lose_no_strut(length):
    lattice = cell("bcc", radius=0.03)
    folded = fold(window(lattice, (1, 1, length)))
    assert folded.lattice.num_struts == length * lattice.num_struts
    assert folded.lattice.relative_density == pytest.approx(lattice.relative_density)


def test_the_inferred_cell_and_ends_that_stand_alone_are_said():
    """BCC, five cells high; without the four struts at its top the box ends at the last centre."""
    drawing = window(cell("bcc", radius=0.03), (1, 1, 5))
    whole = fold(drawing).report
    assert "cell inferred: 1 x 1 x 5." in whole.sentences()[0]
    keep = (drawing.points[drawing.bars][:, :, 2] < 4.9).all(axis=1)
    folded = fold(Drawing(drawing.points, drawing.bars[keep], radii=drawing.radii[keep]))
    assert "cell inferred: 1 x 1 x 4.5." in folded.report.sentences()[0]
    drawing = window(cell("sc", radius=0.03), (1, 1, 2))
    bars = np.vstack([drawing.bars, [[0, len(drawing.points)]]])
    points = np.vstack([drawing.points, [[0.3, 0.25, 0.6]]])
    folded = fold(Drawing(points, bars, radii=np.full(len(bars), 0.03)))
    assert np.allclose(folded.report.dangling, [[0.3, 0.25, 0.6]])
    assert any("1 end of struts stands alone, at (0.3, 0.25, 0.6)" in x
               for x in folded.report.sentences())  # fmt: skip


def test_points_further_apart_than_the_tolerance_stay_apart_and_an_option_joins_them():
    drawing = window(cell("sc", radius=0.03), (2, 2, 2), noise=0.01, own_ends=True)
    with pytest.raises(LatticeGnnError, match="none continues them"):
        fold(drawing)
    folded = fold(drawing, rules=FoldRules(tolerance=0.06)).lattice
    assert (folded.num_nodes, folded.num_struts) == (8, 24)
    assert folded.relative_density == pytest.approx(3 * np.pi * 0.03**2, rel=0.03)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("length", [0.015, 0.2, 1e-9])
def test_struts_that_only_stand_for_a_joint_become_one(size, length):
    points = np.array(
        [[0, 0, 0], [100, 0, 0], [0, 100, 0], [0, 0, 100], [0, 0, 50], [length, 0, 50]]
    )
    bars = np.array([[0, 1], [0, 2], [0, 4], [4, 5], [5, 3]])
    folded = fold(Drawing(points * size, bars, radii=np.full(5, 2.0 * size)))
    assert folded.report.contracted == 1
    assert folded.report.longest_contracted == pytest.approx(length * size)
    assert any("stands for a joint" in text for text in folded.report.sentences())
    assert stiffness(folded.lattice)[2, 2] == pytest.approx(0.00125664, rel=1e-4)


def test_short_struts_above_the_tolerance_stay():
    points = np.array([[0, 0, 0], [100, 0, 0], [0, 100, 0], [0, 0, 100], [0, 0, 50], [1.0, 0, 50]])
    bars = np.array([[0, 1], [0, 2], [0, 4], [4, 5], [5, 3]])
    folded = fold(Drawing(points, bars, radii=np.full(5, 0.2)))
    assert folded.report.contracted == 0
    assert folded.lattice.lengths.min() == pytest.approx(1.0)


def test_many_points_in_one_place_are_quick():
    """As many tools write: two points of its own for each strut; and thousands on top."""
    drawing = window(cell("bcc", radius=0.03), (2, 2, 2), own_ends=True)
    copies = np.concatenate([drawing.bars for _ in range(300)])
    points = drawing.points[copies].reshape(-1, 3)
    bars = np.arange(len(points)).reshape(-1, 2)
    folded = fold(Drawing(points, bars, radii=np.full(len(bars), 0.03)))
    assert folded.lattice.num_struts == 64
    crowd = np.random.default_rng(0).uniform(0, 1e-4, (20_000, 3))
    ends = np.vstack([crowd, [[1.0, 1.0, 1.0]]])
    bars = np.column_stack([np.arange(20_000), np.full(20_000, 20_000)])
    with pytest.raises(LatticeGnnError, match="most points lie closer than the tolerance"):
        fold(Drawing(ends, bars, radii=np.full(20_000, 0.01)), np.eye(3) * 1.5)


@pytest.mark.parametrize("size", [1e-300, 1e-31, 1e31, 1e200])
def test_sizes_outside_any_unit_are_refused(size):
    drawing = window(cell("bcc", radius=0.03))
    with pytest.raises(LatticeGnnError, match="unit of length"):
        fold(Drawing(drawing.points * size, drawing.bars, radii=drawing.radii))
