"""Tables as people export them: any separator, any sensible header, radii under any name."""

import itertools
import re

import numpy as np
import pytest

from data.formats import read_any, read_with_report
from data.formats.columns import size_columns, unit_factor
from lattice_gnn.errors import LatticeGnnError

NODES = [[1, 0, 0, 0], [2, 1, 0, 0], [3, 0, 1, 0], [4, 0, 0, 1]]
STRUTS = [[1, 2, 0.05], [1, 3, 0.05], [1, 4, 0.05]]


def table(header, rows, separator=","):
    lines = [header, *(separator.join(str(x) for x in row) for row in rows)]
    return "\n".join(lines) + "\n"


def read(tmp_path, nodes, struts, names=("x_nodes.csv", "x_struts.csv")):
    for name, text in zip(names, (nodes, struts), strict=True):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_with_report(tmp_path / names[0])


def is_cubic(reading, radius=0.05):
    (lattice,) = reading.lattices
    assert (lattice.num_nodes, lattice.num_struts) == (1, 3)
    assert np.allclose(lattice.radii, radius)
    return lattice


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", "; "])
def test_separators(tmp_path, separator):
    nodes = table(separator.join(["id", "x", "y", "z"]), NODES, separator)
    struts = table(separator.join(["i", "j", "radius"]), STRUTS, separator)
    is_cubic(read(tmp_path, nodes, struts))
    is_cubic(read_with_report(tmp_path / "x_struts.csv"))


def test_decimal_commas_and_the_mark_of_excel(tmp_path):
    nodes = "sep=;\nNr.;X [mm];Y [mm];Z [mm]\n1;0,0;0,0;0,0\n2;1,0;0;0\n3;0;1,0;0\n4;0;0;1,0\n"
    struts = "sep=;\nvon;bis;Start;Ende;Durchmesser\n"
    struts = struts.replace("von;bis;Start;Ende;Durchmesser", "Start;End;Diameter [mm];;")
    struts += "1;2;0,1;;\n1;3;0,1;;\n1;4;0,1;;\n"
    lattice = is_cubic(read(tmp_path, nodes.encode("utf-16"), struts.encode("utf-8-sig")))
    assert lattice.units == "mm"


@pytest.mark.parametrize(
    "header",
    ["Node ID,X,Y,Z", "node,x [mm],y [mm],z [mm]", '"Label","X (mm)","Y (mm)","Z (mm)"',
     "No.,coord x,coord y,coord z", "id,x_mm,y_mm,z_mm"],
)  # fmt: skip
@pytest.mark.parametrize("ends", ["i,j", "n1,n2", "Node 1,Node 2", "start node,end node", "a,b"])
def test_headers(tmp_path, header, ends):
    is_cubic(read(tmp_path, table(header, NODES), table(f"{ends},Radius", STRUTS)))


def test_rows_without_labels_are_numbered(tmp_path):
    """From 0; or from 1, where struts name the last row by its number and none is called 0."""
    nodes = table("x,y,z", [row[1:] for row in NODES])
    from_zero = table("i,j,radius", [[i - 1, j - 1, r] for i, j, r in STRUTS])
    is_cubic(read(tmp_path, nodes, from_zero))
    is_cubic(read(tmp_path, nodes, table("i,j,radius", STRUTS)))


@pytest.mark.parametrize(
    ("column", "factor"),
    [("r", 1), ("Radius [mm]", 1), ("diameter", 2), ("Dia. (mm)", 2), ("RADIUS", 1), ("D", 2)],
)
def test_names_of_radii(tmp_path, column, factor):
    struts = table(f"i,j,{column}", [[i, j, r * factor] for i, j, r in STRUTS])
    is_cubic(read(tmp_path, table("id,x,y,z", NODES), struts))


def test_units_of_radii_and_coordinates(tmp_path):
    nodes = table("id,x [mm],y [mm],z [mm]", NODES)
    struts = table("i,j,radius [um]", [[i, j, 1000 * r] for i, j, r in STRUTS])
    is_cubic(read(tmp_path, nodes, struts))
    with pytest.raises(LatticeGnnError, match=r"line 1: .* 'bananas', the coordinates in 'mm'"):
        read(tmp_path, nodes, table("i,j,radius [bananas]", STRUTS))
    with pytest.raises(LatticeGnnError, match="different units"):
        read(tmp_path, table("id,x [mm],y [um],z [mm]", NODES), struts)
    assert unit_factor("d [in]", "mm") == pytest.approx(25.4)
    assert size_columns(["Radius [mm]", "end radius"]) == {
        "radius": ("Radius [mm]", 1.0),
        "end_radius": ("end radius", 1.0),
    }
    nodes = table("id,x [mm],y [mm],z [mm],r [um]", [[*row, 50] for row in NODES])
    is_cubic(read(tmp_path, nodes, table("i,j", [row[:2] for row in STRUTS])))


def test_a_unit_of_radii_alone_is_that_of_the_coordinates_and_said(tmp_path):
    reading = read(tmp_path, table("id,x,y,z", NODES), table("i,j,radius_mm", STRUTS))
    is_cubic(reading)
    assert any("taken to be in mm, like 'radius_mm'" in x for x in reading.sentences())
    rows = table("i,j,r1 [mm],r2 [um]", [[*row, 50] for row in STRUTS])
    with pytest.raises(LatticeGnnError, match="radii are in different units"):
        read(tmp_path, table("id,x,y,z", NODES), rows)


def test_radii_of_one_end_alone_are_refused(tmp_path):
    nodes = table("id,x,y,z", NODES)
    with pytest.raises(LatticeGnnError, match="'end_radius' gives the radius of the other end"):
        read(tmp_path, nodes, table("i,j,end_radius", STRUTS))
    blank = table("i,j,r1,r2", [[1, 2, 0.05, 0.05], [1, 3, "", 0.05], [1, 4, 0.05, 0.05]])
    with pytest.raises(LatticeGnnError, match=r"line 3: this strut has a radius at its other end"):
        read(tmp_path, nodes, blank)
    (tmp_path / "x.ltcx").write_text(
        '<graph><node id="0" x="0" y="0" z="0"/><node id="1" x="1" y="1" z="1"/>'
        '<beam n1="0" n2="1" r2="0.1"/></graph>'
    )
    with pytest.raises(LatticeGnnError, match="'r2' gives the radius of the other end"):
        read_any(tmp_path / "x.ltcx")


def test_bores_at_nodes_and_in_tables_are_said_to_be_skipped(tmp_path):
    nodes = table("id,x,y,z,r,inner radius", [[*row, 0.05, 0.03] for row in NODES])
    reading = read(tmp_path, nodes, table("i,j", [row[:2] for row in STRUTS]))
    assert is_cubic(reading).inner_radii is None
    assert any("'inner radius'" in x for x in reading.sentences())


def test_rows_of_separators_and_comments_of_matlab(tmp_path):
    """Spreadsheets end with rows of separators, MATLAB comments with a per cent sign."""
    nodes = "% a lattice\n" + table("id,x,y,z", NODES) + ",,,\n,,,\n"
    is_cubic(read(tmp_path, nodes, table("EndNodes_1,EndNodes_2,Ø [mm]", twice()) + ",,\n"))
    nodes = "% id x y z\n" + "".join(" ".join(map(str, row)) + "\n" for row in NODES)
    struts = "% i j radius\n" + "".join(" ".join(map(str, row)) + "\n" for row in STRUTS)
    is_cubic(read(tmp_path, nodes, struts))


def twice():
    """Return the struts with their diameters."""
    return [[i, j, 2 * r] for i, j, r in STRUTS]


def test_radii_at_nodes(tmp_path):
    nodes = table("id,x,y,z,r", [[*row, 0.05] for row in NODES])
    plain = table("i,j", [row[:2] for row in STRUTS])
    is_cubic(read(tmp_path, nodes, plain))
    reading = read(tmp_path, nodes, table("i,j,radius", [[i, j, 0.1] for i, j, _ in STRUTS]))
    is_cubic(reading, 0.1)
    assert any("those of the nodes were left out" in x for x in reading.sentences())
    with pytest.raises(LatticeGnnError, match="above 0"):
        read(tmp_path, nodes.replace("0.05", "0"), plain)


def test_columns_that_are_skipped_are_said(tmp_path):
    struts = table("i,j,radius,id,material", [[*row, 7, "AL"] for row in STRUTS])
    reading = read(tmp_path, table("id,x,y,z,temperature", [[*r, 20] for r in NODES]), struts)
    is_cubic(reading)
    text = " ".join(reading.sentences())
    assert "'temperature'" in text
    assert "'material'" in text
    assert "'id'" not in text


@pytest.mark.parametrize(
    "names", [("nodes.csv", "edges.csv"), ("Points.csv", "Pointstruts.csv"), ("a.nodes.tsv",) * 2]
)
def test_names_of_files(tmp_path, names):
    if names[0] == "Points.csv":
        names = ("Points.csv", "beams.csv")
    if names[0] == "a.nodes.tsv":
        names = ("a.nodes.tsv", "a.struts.tsv")
    is_cubic(read(tmp_path, table("id,x,y,z", NODES), table("i,j,r", STRUTS), names))


@pytest.mark.parametrize(
    ("nodes", "struts", "words"),
    [
        ("1,0,0,0\n", "i,j\n", "names the columns: x, y, z"),
        ("label,lat,lon\n1,0,0\n", "i,j\n", "x is missing: expected columns x, y, z"),
        ("id,x,y,z\n1,0,0,0\n", "what,ever\n1,2\n", "i is missing: expected columns i, j"),
        ("id,x,y,z\n1,0,0,0,5\n", "i,j\n", "expected 4 columns, got 5"),
        ("x,x,y,z\n1,0,0,0\n", "i,j\n", "two columns have one name"),
    ],
)
def test_the_message_names_the_columns_that_are_wanted(tmp_path, nodes, struts, words):
    with pytest.raises(LatticeGnnError) as caught:
        read(tmp_path, nodes, struts)
    assert words in str(caught.value)
    assert "line 1" in str(caught.value) or "line 2" in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "struts", "words"),
    [
        ("id,x,X [mm],y,z", "i,j", "'x' and 'X [mm]' both give x"),
        ("id,x,y,z", "i,j,start,end", "'i' and 'start' both give the same node of a strut"),
        ("id,x,y,z", "start,j,b", "'j' and 'b' both give the same node of a strut"),
        ("id,x,y,z", "node0,node1,node2", "'node0' and 'node1' both give the same node"),
        ("id,x,y,z", "i,j,r,Radius [mm]", "'r' and 'Radius [mm]' both give radii"),
    ],
)
def test_two_columns_for_one_thing_are_refused(tmp_path, nodes, struts, words):
    tables = (table(x, [[1] * len(x.split(","))]) for x in (nodes, struts))
    with pytest.raises(LatticeGnnError, match=re.escape(words)) as caught:
        read(tmp_path, *tables)
    assert "line 1" in str(caught.value)
    assert "leave one of them out" in str(caught.value)


def test_an_area_beside_the_nodes_of_a_strut_is_no_node(tmp_path):
    """A and B name the nodes of a strut too, where no other pair does."""
    rows = [[*row, 0.01] for row in STRUTS]
    is_cubic(read(tmp_path, table("id,x,y,z", NODES), table("i,j,r,A", rows)))
    is_cubic(read(tmp_path, table("id,x,y,z", NODES), table("A,B,r,start", rows)))


def test_header_in_a_comment(tmp_path):
    nodes = "# id x y z\n" + "".join(" ".join(map(str, row)) + "\n" for row in NODES)
    struts = "# i j radius\n" + "".join(" ".join(map(str, row)) + "\n" for row in STRUTS)
    (tmp_path / "x_nodes.csv").write_text(nodes)
    is_cubic(read(tmp_path, nodes, struts))


def test_points_of_struts_may_be_shared_by_thousands(tmp_path):
    """Large tables stay quick and whole: 8,000 cells of a cubic grid."""
    grid = list(itertools.product(range(21), repeat=3))
    number = {p: k for k, p in enumerate(grid)}
    rows = [
        (number[p], number[q], 0.05)
        for p in grid
        for q in ((p[0] + 1, p[1], p[2]), (p[0], p[1] + 1, p[2]), (p[0], p[1], p[2] + 1))
        if q in number
    ]
    (tmp_path / "x_nodes.csv").write_text(table("x,y,z", grid))
    (tmp_path / "x_struts.csv").write_text(table("i,j,radius", rows))
    (lattice,) = read_any(tmp_path / "x_nodes.csv")
    assert (lattice.num_nodes, lattice.num_struts) == (8000, 24000)


LINES = [[0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]


@pytest.mark.parametrize(
    "header",
    ["x1,y1,z1,x2,y2,z2", "X1 [mm],Y1 [mm],Z1 [mm],X2 [mm],Y2 [mm],Z2 [mm]", "x0,y0,z0,x1,y1,z1",
     "start_x,start_y,start_z,end_x,end_y,end_z", "x_start,y_start,z_start,x_end,y_end,z_end",
     "xi,yi,zi,xj,yj,zj"],
)  # fmt: skip
def test_one_table_with_both_ends_of_every_strut(tmp_path, header):
    path = tmp_path / "beams.csv"
    path.write_text(table(f"id,{header},Diameter", [[n, *x, 0.1] for n, x in enumerate(LINES)]))
    reading = read_with_report(path)
    lattice = is_cubic(reading)
    assert lattice.units == ("mm" if "mm" in header else "")
    assert not any("skipped" in x for x in reading.sentences())


def test_both_ends_in_one_row_with_tapers_and_decimal_commas(tmp_path):
    rows = [[*(f"{x},0" for x in line), "0,05", "0,04"] for line in LINES]
    path = tmp_path / "lines.csv"
    path.write_text(table("x1;y1;z1;x2;y2;z2;r1;r2", rows, ";"))
    assert np.allclose(is_cubic(read_with_report(path)).end_radii, 0.04)


def test_the_columns_of_both_ends_may_come_in_any_order(tmp_path):
    path = tmp_path / "beams.txt"
    path.write_text(
        table("z2 z1 y2 y1 x2 x1 r", [[*reversed(_paired(x)), 0.05] for x in LINES], " ")
    )
    is_cubic(read_with_report(path))


@pytest.mark.parametrize("first", ["radius", "end_radius"])
def test_the_radii_of_both_ends_may_come_in_any_order(tmp_path, first):
    """The radius is that of node i."""
    last = {"radius": "end_radius", "end_radius": "radius"}[first]
    size = {"radius": 0.05, "end_radius": 0.04}
    struts = table(f"i,j,{first},{last}", [[i, j, size[first], size[last]] for i, j, _ in STRUTS])
    lattice = is_cubic(read(tmp_path, table("id,x,y,z", NODES), struts))
    assert np.allclose(lattice.end_radii, 0.04)
    path = tmp_path / "beams.csv"
    rows = [[*_paired(x), size[first], size[last]] for x in LINES]
    path.write_text(table(f"x1,x2,y1,y2,z1,z2,{first},{last}", rows))
    assert np.allclose(is_cubic(read_with_report(path)).end_radii, 0.04)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("X1 [mm]", "'x1' and 'X1 [mm]' both give x1"),
        ("start_x,start_y,start_z,end_x,end_y,end_z", "'x1' and 'start_x' both give an end"),
        ("x0,y0,z0", "'x1' and 'x0' both give an end of the strut"),
    ],
)
def test_ends_that_are_given_twice_are_refused(tmp_path, more, words):
    path = tmp_path / "beams.csv"
    rows = [[*x, *x][: 7 + more.count(",")] for x in LINES]
    path.write_text(table(f"x1,y1,z1,x2,y2,z2,{more}", rows))
    with pytest.raises(LatticeGnnError, match=re.escape(words)):
        read_with_report(path)


def _paired(line):
    """Return x1, x2, y1, y2, z1, z2."""
    return [line[k] for k in (0, 3, 1, 4, 2, 5)]


def test_a_table_without_its_other_is_one_sentence(tmp_path):
    (tmp_path / "beams.csv").write_text(table("i,j,radius", STRUTS))
    with pytest.raises(
        LatticeGnnError, match=r"nodes\.csv is missing: .* or from one with both ends"
    ):
        read_any(tmp_path / "beams.csv")


def test_errors_of_both_ends_name_the_line(tmp_path):
    path = tmp_path / "beams.csv"
    path.write_text(
        table("x1,y1,z1,x2,y2,z2,radius", [[*LINES[0], 0.1], [0, 0, 0, 0, "y", 0, 0.1]])
    )
    with pytest.raises(
        LatticeGnnError, match=r"beams\.csv, line 3: y2: expected a number, got 'y'"
    ):
        read_any(path)
