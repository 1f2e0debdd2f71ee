"""HTML for notebooks: well formed, and text is escaped."""

from xml.etree import ElementTree

from lattice_gnn.notebook import beside, drawing, grid, label, line, table


def test_tables_hold_their_rows_and_escape_them():
    root = ElementTree.fromstring(table([("a < b", "1 & 2"), ("c", "3")]))
    assert [["".join(x.itertext()) for x in row] for row in root] == [
        ["a < b", "1 & 2"],
        ["c", "3"],
    ]
    root = ElementTree.fromstring(grid(["x", "y"], [("r", ["1", "2"])]))
    assert [["".join(x.itertext()) for x in row] for row in root] == [
        ["", "x", "y"],
        ["r", "1", "2"],
    ]


def test_parts_stand_side_by_side_without_the_empty_ones():
    assert len(ElementTree.fromstring(beside("<p>1</p>", "", "<p>2</p>"))) == 2


def test_a_drawing_has_its_shapes():
    shapes = [line([(0.0, 1.0), (2.25, 3.0)], "#123456", 1.5), label(1.0, 2.0, "<E>", "red")]
    root = ElementTree.fromstring(drawing(100, shapes, "a & b"))
    kinds = [child.tag.split("}")[1] for child in root]
    assert kinds == ["title", "polyline", "text"]
    assert root[1].get("points") == "0.0,1.0 2.2,3.0"
    assert root[2].text == "<E>"
