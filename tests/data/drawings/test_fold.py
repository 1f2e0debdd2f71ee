import itertools

import numpy as np
import pytest

from data.drawings.drawing import Drawing, agrees, draw, subdivided
from data.drawings.fold import FoldRules, fold
from data.formats import read_with_report
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.testing import random_lattice, same_structure

CORNERS = [np.array(p) for p in itertools.product((-0.5, 0.5), repeat=3)]
FACES = [sign * face for face in np.eye(3) / 2 for sign in (1, -1)]


def bars_of_length(points, length):
    pairs = itertools.combinations(range(len(points)), 2)
    return np.array(
        [(i, j) for i, j in pairs if np.isclose(np.linalg.norm(points[i] - points[j]), length)]
    )


def test_octet_as_drawn_by_tools_has_36_struts_and_24_are_unique():
    points = np.array([*CORNERS, *FACES])
    bars = bars_of_length(points, np.sqrt(0.5))
    assert len(bars) == 36
    folded = fold(Drawing(points, bars))
    report = folded.report
    assert (report.drawn_nodes, report.drawn_struts) == (14, 36)
    assert (report.nodes, report.struts) == (4, 24)
    assert (report.merged_nodes, report.dropped_struts, report.crossings) == (10, 12, 0)
    assert report.cell == "inferred"
    octet = cell("octet", relative_density=0.01)
    assert same_structure(folded.lattice, octet, any_translation=True)


def test_ntop_fcc_gets_joints_where_face_diagonals_cross(tmp_path):
    """Twelve diagonals, no node at the face centres, as the nTop file draws them."""
    bars = bars_of_length(CORNERS, np.sqrt(2))
    rows = [f'<node id="{n}" x="{p[0]}" y="{p[1]}" z="{p[2]}"/>' for n, p in enumerate(CORNERS)]
    beams = [f'<beam id="{n}" n1="{i}" n2="{j}"/>' for n, (i, j) in enumerate(bars)]
    path = tmp_path / "fcc.ltcx"
    path.write_text(
        '<?xml version="1.0"?>\n<!--comment-->\n<graph id="0" name="" units="mm" type="rnd">'
        f"<nodegroup>{''.join(rows)}</nodegroup><beamgroup>{''.join(beams)}</beamgroup></graph>"
    )
    reading = read_with_report(path)
    (lattice,) = reading.lattices
    report = reading.reports[0]
    assert (len(bars), report.crossings, report.dropped_struts) == (12, 3, 6)
    assert (lattice.num_nodes, lattice.num_struts) == (4, 12)
    assert sorted(lattice.degrees) == [4, 4, 4, 12]
    assert lattice.units == "mm"
    assert same_structure(lattice, cell("fcc", relative_density=0.01), any_translation=True)


def test_crossings_stay_where_the_user_wants_them_so():
    drawing = Drawing(np.array(CORNERS), bars_of_length(CORNERS, np.sqrt(2)))
    folded = fold(drawing, rules=FoldRules(split=False))
    assert (folded.lattice.num_nodes, folded.lattice.num_struts) == (1, 6)


def test_half_struts_are_joined_and_stay_cut_where_something_else_ends():
    """A simple cubic lattice whose struts the faces of the cell cut."""
    points = np.array([[0, 0, 0], *(s * np.eye(3)[k] / 2 for k in range(3) for s in (1, -1))])
    bars = np.array([(0, n) for n in range(1, 7)])
    folded = fold(Drawing(points, bars, radii=np.full(6, 0.05)))
    assert folded.report.joined_halves == 3
    assert same_structure(folded.lattice, cell("sc", radius=0.05), any_translation=True)
    with_bar = np.vstack([points, [0.5, 0.5, 0], [0.5, -0.5, 0]])
    more = np.vstack([bars, [(1, 7), (1, 8)]])
    folded = fold(Drawing(with_bar, more, radii=np.full(8, 0.05)))
    assert folded.lattice.degrees.max() == 6
    assert 4 in folded.lattice.degrees


def test_overlapping_struts_and_ends_on_struts_become_joints():
    """Simple cubic drawn with one long edge over two short ones, and a brace from its middle."""
    lattice = cell("sc", radius=0.05)
    drawing = draw(lattice)
    points = np.vstack([drawing.points, [0.5, 0, 0], [0.5, 1, 0]])
    n = len(drawing.points)
    bars = np.vstack([drawing.bars, [(0, n), (n, n + 1)]])
    folded = fold(Drawing(points, bars, radii=np.full(len(bars), 0.05)), lattice.cell)
    assert folded.lattice.num_nodes == 2
    assert sorted(folded.lattice.degrees) == [4, 6]
    assert folded.lattice.lengths.sum() == pytest.approx(4.0)
    assert folded.report.dropped_struts == 1


def test_the_thickest_of_several_sections_is_kept():
    points = np.array([*CORNERS, *FACES])
    bars = bars_of_length(points, np.sqrt(0.5))
    radii = np.full(36, 0.02)
    on_face = np.abs(points[bars]).min(axis=1).max(axis=1) == 0.5
    radii[np.flatnonzero(on_face)[0]] = 0.03
    folded = fold(Drawing(points, bars, radii=radii))
    assert (folded.lattice.radii == 0.03).sum() == 1
    assert any("thickest" in text for text in folded.report.sentences())


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_window_has_the_stiffness_of_the_lattice(seed):
    """Struts of random lattices cut into pieces, duplicated and displaced by whole cells."""
    lattice = random_lattice(seed)
    drawing = subdivided(draw(lattice), 3)
    generator = np.random.default_rng(seed)
    moved = generator.integers(-2, 3, size=(len(drawing.bars), 1, 3)) @ lattice.cell
    points = (drawing.points[drawing.bars] + moved).reshape(-1, 3)
    bars = np.arange(len(points)).reshape(-1, 2)
    twice = np.vstack([bars, bars[::2, ::-1]])
    radii = np.concatenate([drawing.radii, drawing.radii[::2]])
    rules = FoldRules(split=False, join_all=True)
    folded = fold(Drawing(points, twice, radii=radii), lattice.cell, rules).lattice
    C, expected = homogenise_beam([folded, lattice]).stiffness.mandel
    assert (C - expected).norm() < 1e-6 * expected.norm()


def test_what_does_not_fold_is_refused():
    flat = Drawing(np.array([[0.0, 0, 0], [1, 1, 0]]), np.array([[0, 1]]))
    with pytest.raises(LatticeGnnError, match="no extent along z"):
        fold(flat)
    with pytest.raises(LatticeGnnError, match="no struts"):
        fold(Drawing(np.zeros((1, 3)), np.zeros((0, 2), dtype=np.int64)))
    points = np.array([[0.0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0.2, 0.3]])
    bars = np.array([[0, 2], [2, 1], [2, 3]])
    with pytest.raises(LatticeGnnError, match="none continues them"):
        fold(Drawing(points, bars))
    with pytest.raises(LatticeGnnError, match=r"bars\[3\]: its two ends are the same point"):
        fold(Drawing(points, np.vstack([bars, [[1, 1]]])))
    with pytest.raises(LatticeGnnError, match="do not span space"):
        fold(Drawing(points, bars), np.ones((3, 3)))
    with pytest.raises(LatticeGnnError, match="below 1000000"):
        fold(Drawing(points * 1e9, bars), np.eye(3))


def test_a_drawing_agrees_with_its_lattice_and_no_other():
    lattice = random_lattice(5, sections=True)
    assert agrees(draw(lattice), lattice)
    assert agrees(subdivided(draw(lattice), 4), lattice)
    assert not agrees(draw(lattice), random_lattice(6))
    assert not agrees(draw(lattice.with_radii(lattice.radii * 1.01)), lattice)
    moved = lattice.perturbed(1e-3, seed=0)
    assert not agrees(draw(moved), lattice)


@pytest.mark.parametrize("seed", range(8))
def test_every_home_node_of_a_drawing_carries_a_strut(seed):
    lattice = random_lattice(seed)
    assert set(range(lattice.num_nodes)) <= set(draw(lattice).bars.ravel().tolist())
