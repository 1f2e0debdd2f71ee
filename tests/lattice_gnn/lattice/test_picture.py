"""The drawing of a lattice in a notebook."""

import re
from xml.etree import ElementTree

import numpy as np

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.picture import MOST_LINES, SIZE, _view, lattice_html, wireframe
from lattice_gnn.testing import random_lattice


def lines(svg):
    """List (points, width) of the polylines that are struts: the edges of the cell are dashed."""
    root = ElementTree.fromstring(svg)
    return [
        (
            np.array([pair.split(",") for pair in x.get("points").split()], float),
            float(x.get("stroke-width")),
        )
        for x in root
        if x.tag.endswith("polyline") and x.get("stroke-dasharray") is None
    ]


def test_the_view_is_a_rotation_with_axis_3_upright():
    R = _view()
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(R) > 0
    right, up, eye = R @ [0, 0, 1.0]
    assert right == 0
    assert up > eye > 0


def test_struts_are_drawn_in_the_square_with_their_width():
    found = lines(wireframe(cell("octet", radius=0.05)))
    assert len(found) == 36
    points = np.concatenate([points for points, _ in found])
    assert points.min() >= 0
    assert points.max() <= SIZE
    # A strut along axis 3 keeps the share cos(20 degrees) of its length in the projection.
    (points, width), *_ = lines(wireframe(cell("sc", radius=0.05)))
    uprights = [p for p, _ in lines(wireframe(cell("sc", radius=0.05))) if p[0, 0] == p[1, 0]]
    assert len(uprights) == 4
    length = np.ptp(uprights[0][:, 1]) / np.cos(np.radians(20))
    np.testing.assert_allclose(width / length, 2 * 0.05, rtol=0.01)


def test_nearer_struts_come_later():
    svg = wireframe(random_lattice(3))
    colours = re.findall(r'stroke="#(..)....".{20,60}stroke-linejoin="round"/>', svg)
    reds = [int(colour, 16) for colour in colours]
    assert reds == sorted(reds, reverse=True)
    assert reds[0] > reds[-1]


def test_the_page_has_names_escaped_and_no_drawing_of_a_forest():
    html = lattice_html(cell("bcc", radius=0.05).replace(name="<b>&", units="mm"))
    ElementTree.fromstring(html)
    assert "&lt;b&gt;&amp;" in html
    assert "2, 8 per cell" in html
    assert "0.05 mm" in html
    large = cell("octet", radius=0.05).supercell(5)
    assert large.num_struts > MOST_LINES - 1
    assert "<svg" not in large.supercell(2, 1, 1)._repr_html_()


def test_a_batch_shows_its_first_lattices():
    lattices = [cell(name, relative_density=0.1) for name in ("octet", "bcc")] * 7
    html = LatticeBatch.from_lattices(lattices)._repr_html_()
    root = ElementTree.fromstring(f"<div>{html}</div>")
    rows = [["".join(x.itertext()) for x in row] for row in root.iter("tr")]
    assert rows[:3] == [
        ["", "nodes", "struts", "density"],
        ["0", "4", "24", "0.1"],
        ["1", "2", "8", "0.1"],
    ]
    assert len(rows) == 11
    assert "... 4 more" in html
