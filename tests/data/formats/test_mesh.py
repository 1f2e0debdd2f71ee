"""Meshes as other programs write them: cells of every kind of line, radii under every name."""

import base64
import re
import struct
import zlib

import numpy as np
import pytest

from data.formats import read_with_report
from data.formats.line_mesh import line_mesh
from data.formats.mesh import write
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError

POINTS = [[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)] + [[0.5, 0.5, 0.5]]
DIAGONALS = [[0, 8, 7], [1, 8, 6], [2, 8, 5], [3, 8, 4]]
EDGES = [[0, 1], [0, 2], [0, 4]]


def text(values):
    return " ".join(str(x) for x in np.ravel(values))


def vtu(cells, kinds, data=""):
    ends = np.cumsum([len(x) for x in cells])
    rows = [x for cell in cells for x in cell]
    return (
        '<?xml version="1.0"?>\n<VTKFile type="UnstructuredGrid" version="0.1" '
        'byte_order="LittleEndian"><UnstructuredGrid>'
        f'<Piece NumberOfPoints="9" NumberOfCells="{len(cells)}"><Points><DataArray type="Float64" '
        f'Name="Points" NumberOfComponents="3" format="ascii">{text(POINTS)}</DataArray></Points>'
        f'<Cells><DataArray type="Int64" Name="connectivity" format="ascii">{text(rows)}'
        f'</DataArray><DataArray type="Int64" Name="offsets" format="ascii">{text(ends)}'
        f'</DataArray><DataArray type="UInt8" Name="types" format="ascii">{text(kinds)}</DataArray>'
        f"</Cells>{data}</Piece></UnstructuredGrid></VTKFile>"
    )


def cell_data(name, values):
    return (
        f'<CellData><DataArray type="Float64" Name="{name}" format="ascii">{text(values)}'
        "</DataArray></CellData>"
    )


def read(tmp_path, content, name="x.vtu"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_with_report(path)


def constants(lattice):
    C = homogenise_beam([lattice]).stiffness.mandel[0].numpy()
    return [C[0, 0], C[0, 1], C[3, 3] / 2]


def is_bcc(reading, radius=0.05):
    (lattice,) = reading.lattices
    assert (lattice.num_nodes, lattice.num_struts) == (2, 8)
    assert np.allclose(lattice.radii, radius)
    assert lattice.relative_density == pytest.approx(4 * np.sqrt(3) * np.pi * radius**2)


def test_poly_lines_stand_beside_lines(tmp_path):
    """Cube edges as lines, body diagonals as poly-lines; constants of the case, five digits."""
    radius = cell_data("radius", [0.05] * 7)
    reading = read(tmp_path, vtu([*EDGES, *DIAGONALS], [3, 3, 3, 4, 4, 4, 4], radius))
    (lattice,) = reading.lattices
    assert (lattice.num_nodes, lattice.num_struts) == (2, 11)
    assert lattice.relative_density == pytest.approx(0.0779763, rel=1e-5)
    assert np.allclose(constants(lattice), [0.014021, 0.0059860, 0.0061055], rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "order"),
    [(4, [0, 1, 2]), (21, [0, 2, 1]), (68, [0, 2, 1])],
    ids=["poly-line", "quadratic", "Lagrange"],
)
def test_every_kind_of_line_cell(tmp_path, kind, order):
    cells = [[row[k] for k in order] for row in DIAGONALS]
    is_bcc(read(tmp_path, vtu(cells, [kind] * 4, cell_data("radius", [0.05] * 4))))


def test_cubic_lines_run_through_their_inner_points():
    points = np.array([[0, 0, 0], [3, 0, 0], [1, 0, 0], [2, 0, 0]], dtype=float)
    mesh = line_mesh(points, (np.arange(4), np.array([4]), np.array([35])), {}, {}, "x")
    assert mesh.bars.tolist() == [[0, 2], [2, 3], [3, 1]]


def test_cells_that_are_no_lines_are_said(tmp_path):
    cells = [[0, 1, 3], *DIAGONALS, [5]]
    content = vtu(cells, [5, 4, 4, 4, 4, 1], cell_data("radius", [9, *[0.05] * 4, 9]))
    reading = read(tmp_path, content)
    is_bcc(reading)
    assert any("1 triangle" in x for x in reading.sentences())
    with pytest.raises(LatticeGnnError, match="no lines"):
        read(tmp_path, vtu([[0, 1, 3]], [5]))


VTP = (
    '<VTKFile type="PolyData" version="0.1" byte_order="LittleEndian"><PolyData>'
    '<Piece NumberOfPoints="9" NumberOfVerts="1" NumberOfLines="4"><Points>'
    f'<DataArray type="Float64" NumberOfComponents="3" format="ascii">{text(POINTS)}</DataArray>'
    '</Points><Verts><DataArray type="Int64" Name="connectivity" format="ascii">0</DataArray>'
    '<DataArray type="Int64" Name="offsets" format="ascii">1</DataArray></Verts><Lines>'
    f'<DataArray type="Int64" Name="connectivity" format="ascii">{text(DIAGONALS)}</DataArray>'
    '<DataArray type="Int64" Name="offsets" format="ascii">3 6 9 12</DataArray></Lines>'
    f"{cell_data('radius', [9, *[0.05] * 4])}</Piece></PolyData></VTKFile>"
)


def test_poly_data_in_xml(tmp_path):
    is_bcc(read(tmp_path, VTP, "x.vtp"))
    with pytest.raises(LatticeGnnError, match="type 'ImageData'"):
        read(tmp_path, VTP.replace("PolyData", "ImageData"))


def legacy(dataset, binary=False):
    """A file of version 3, or of version 5.1 for grids."""
    numbers = np.array(POINTS, dtype=float)
    rows = np.array([[3, *row] for row in DIAGONALS])
    ends = np.arange(0, 13, 3)

    def block(values, kind):
        array = np.ravel(values).astype(">" + kind)
        return array.tobytes() + b"\n" if binary else (text(values) + "\n").encode()

    head = "# vtk DataFile Version 5.1\nx\n" + ("BINARY\n" if binary else "ASCII\n")
    parts = [f"{head}DATASET {dataset}\nPOINTS 9 double\n".encode(), block(numbers, "f8")]
    if dataset == "POLYDATA":
        parts += [b"LINES 4 16\n", block(rows, "i4")]
    else:
        parts += [b"CELLS 5 12\nOFFSETS vtktypeint64\n", block(ends, "i8")]
        parts += [b"CONNECTIVITY vtktypeint64\n", block(rows[:, 1:], "i8")]
        parts += [b"CELL_TYPES 4\n", block([4] * 4, "i4")]
    parts += [b"CELL_DATA 4\nSCALARS radius double 1\nLOOKUP_TABLE default\n"]
    parts += [block([0.05] * 4, "f8"), b"POINT_DATA 9\nFIELD FieldData 1\nheat%20flux 1 9 float\n"]
    return b"".join([*parts, block([1.0] * 9, "f4")])


@pytest.mark.parametrize("dataset", ["POLYDATA", "UNSTRUCTURED_GRID"])
@pytest.mark.parametrize("binary", [False, True])
def test_legacy_files_of_both_kinds(tmp_path, dataset, binary):
    reading = read(tmp_path, legacy(dataset, binary), "x.vtk")
    is_bcc(reading)
    assert any("'heat flux'" in x for x in reading.sentences())


@pytest.mark.parametrize("dataset", ["POLYDATA", "UNSTRUCTURED_GRID"])
def test_what_vtk_itself_writes(tmp_path, dataset):
    """Line sets of PyVista, in every encoding of VTK's own writers."""
    pyvista = pytest.importorskip("pyvista")
    lines = np.hstack([[3, *row] for row in DIAGONALS])
    mesh = pyvista.PolyData(np.array(POINTS, dtype=float), lines=lines)
    mesh.cell_data["radius"] = np.full(4, 0.05)
    suffixes = (".vtp", ".vtk")
    if dataset != "POLYDATA":
        mesh, suffixes = mesh.cast_to_unstructured_grid(), (".vtu", ".vtk")
    for suffix in suffixes:
        for binary in (True, False):
            path = tmp_path / f"x{suffix}"
            mesh.save(path, binary=binary)
            is_bcc(read_with_report(path))


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", [".vtk", ".vtp"])
def test_texts_and_bits_are_passed_over(tmp_path, suffix, binary):
    """PyVista writes them: names of struts, and arrays of true and false."""
    pyvista = pytest.importorskip("pyvista")
    lines = np.hstack([[3, *row] for row in DIAGONALS])
    mesh = pyvista.PolyData(np.array(POINTS, dtype=float), lines=lines)
    mesh.field_data["title"] = ["one title"]
    mesh.cell_data["name"] = ["", "b c", "x" * 70, "y" * 20_000]
    mesh.cell_data["flag"] = np.array([True, False, True, True])
    bits = pyvista.vtk_points(np.zeros((1, 3))).GetData().CreateDataArray(1)  # of bits
    bits.SetName("bit")
    for k in range(4):
        bits.InsertNextValue(k % 2)
    mesh.GetCellData().AddArray(bits)
    mesh.cell_data["radius"] = np.full(4, 0.05)
    path = tmp_path / f"x{suffix}"
    mesh.save(path, binary=binary)
    reading = read_with_report(path)
    is_bcc(reading)
    assert any("'name'" in x and "'bit'" in x for x in reading.sentences())
    del mesh.cell_data["radius"]
    mesh.cell_data["radius"] = ["a", "b", "c", "d"]
    mesh.save(path, binary=binary)
    with pytest.raises(LatticeGnnError, match="expected finite numbers above 0"):
        read_with_report(path)


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_legacy_files_with_the_lines_of_other_systems(tmp_path, end):
    """Also with METADATA, which ends at a blank line."""
    content = legacy("POLYDATA").replace(b"CELL_DATA", b"METADATA\nINFORMATION 0\n\nCELL_DATA")
    is_bcc(read(tmp_path, content, "x.vtk"))
    is_bcc(read(tmp_path, content.replace(b"\n", end), "x.vtk"))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("encoding", ["raw", "base64", "inline", "inline in one"])
@pytest.mark.parametrize("header", ["UInt32", "UInt64"])
def test_arrays_in_every_encoding(tmp_path, compressed, encoding, header):
    rows = [x for row in DIAGONALS for x in row]
    arrays = [
        ("Float64", "Points", np.array(POINTS, dtype="<f8"), 'NumberOfComponents="3"'),
        ("Int64", "connectivity", np.array(rows, dtype="<i8"), ""),
        ("Int64", "offsets", np.array([3, 6, 9, 12], dtype="<i8"), ""),
        ("UInt8", "types", np.array([4] * 4, dtype="u1"), ""),
        ("Float64", "radius", np.full(4, 0.05), ""),
    ]
    size = {"UInt32": "I", "UInt64": "Q"}[header]
    appended, tags = b"", []
    for kind, name, values, more in arrays:
        data = values.tobytes()
        head = struct.pack("<" + size, len(data))
        if compressed:
            packed = zlib.compress(data)
            head = struct.pack("<4" + size, 1, len(data), 0, len(packed))
            data = packed
        if encoding == "inline in one" and not compressed:
            coded = base64.b64encode(head + data)
        else:
            coded = base64.b64encode(head) + base64.b64encode(data)
        where = f'format="appended" offset="{len(appended)}"'
        if encoding.startswith("inline"):
            where = 'format="binary"'
        body = coded.decode() if encoding.startswith("inline") else ""
        appended += head + data if encoding == "raw" else coded
        tags.append(f'<DataArray type="{kind}" Name="{name}" {more} {where}>{body}</DataArray>')
    compressor = 'compressor="vtkZLibDataCompressor"' if compressed else ""
    content = (
        f'<VTKFile type="UnstructuredGrid" byte_order="LittleEndian" header_type="{header}" '
        f'{compressor}><UnstructuredGrid><Piece NumberOfPoints="9" NumberOfCells="4">'
        f"<Points>{tags[0]}</Points><Cells>{''.join(tags[1:4])}</Cells>"
        f"<CellData>{tags[4]}</CellData></Piece></UnstructuredGrid>"
    ).encode()
    if not encoding.startswith("inline"):
        content += f'<AppendedData encoding="{encoding}">_'.encode() + appended + b"</AppendedData>"
    is_bcc(read(tmp_path, content + b"</VTKFile>"))


def test_several_pieces_are_one_mesh(tmp_path):
    one = vtu(DIAGONALS[:2], [4, 4], cell_data("radius", [0.05] * 2))
    two = vtu(DIAGONALS[2:], [4, 4], cell_data("radius", [0.05] * 2))
    start, end = two.index("<Piece"), two.index("</Piece>") + len("</Piece>")
    is_bcc(read(tmp_path, one.replace("</Piece>", "</Piece>" + two[start:end])))


def test_radii_that_only_some_pieces_have_are_not_dropped(tmp_path):
    one = vtu(DIAGONALS[:2], [4, 4], cell_data("radius", [0.05] * 2))
    two = vtu(DIAGONALS[2:], [4, 4], cell_data("other", [0.05] * 2))
    start, end = two.index("<Piece"), two.index("</Piece>") + len("</Piece>")
    with pytest.raises(LatticeGnnError, match="'radius': expected finite numbers above 0"):
        read(tmp_path, one.replace("</Piece>", "</Piece>" + two[start:end]))


GMSH = """$MeshFormat
2.2 0 8
$EndMeshFormat
$Nodes
4
1 0 0 0
2 1 0 0
3 0 1 0
4 0 0 1
$EndNodes
$Elements
4
1 15 2 0 1 1
2 1 2 0 1 1 2
3 1 2 0 2 1 3
4 1 2 0 3 1 4
$EndElements
$ElementData
1
"radius"
1
0.0
3
0
1
{rows}
$EndElementData
"""


def test_gmsh_data_of_the_lines_alone(tmp_path):
    """Points are elements too, which have no radius."""
    rows = "3\n2 0.05\n3 0.05\n4 0.05"
    (lattice,) = read(tmp_path, GMSH.format(rows=rows), "x.msh").lattices
    assert lattice.num_struts == 3
    assert np.allclose(lattice.radii, 0.05)
    with pytest.raises(LatticeGnnError, match="'radius': expected finite numbers above 0"):
        read(tmp_path, GMSH.format(rows="2\n2 0.05\n3 0.05"), "x.msh")


def test_of_several_time_steps_of_gmsh_the_last_is_taken_and_said(tmp_path):
    one = GMSH.format(rows="3\n2 0.08\n3 0.08\n4 0.08")
    begin = one.index("$ElementData")
    two = one + one[begin:].replace("0.08", "0.05").replace("\n0.0\n3\n0\n", "\n1.0\n3\n1\n")
    reading = read(tmp_path, two, "x.msh")
    assert np.allclose(reading.lattices[0].radii, 0.05)
    assert "of 'radius' the last time step was taken." in reading.sentences()
    assert not any("time step" in x for x in read(tmp_path, one, "x.msh").sentences())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (cell_data("end_radius", [0.05] * 4), "none gives that of the strut itself"),
        (cell_data("inner radius", [0.05] * 4), "none gives that of the strut itself"),
        (cell_data("R1 [mm]", [5] * 4) + cell_data("R2 [um]", [5] * 4), "in different units"),
    ],
)
def test_radii_of_one_end_or_of_several_units_are_refused(tmp_path, more, words):
    with pytest.raises(LatticeGnnError, match=words):
        read(tmp_path, vtu(DIAGONALS, [4] * 4, more))


def test_what_is_not_taken_from_points_is_said(tmp_path):
    """Radii of cells win; bores are known of cells alone; a unit is taken to be the points' own."""
    values = text([0.03] * 9)
    array = '<DataArray type="Float64" Name="{}" format="ascii">' + values + "</DataArray>"
    points = f"<PointData>{array.format('radius')}{array.format('bore')}</PointData>"
    content = vtu(DIAGONALS, [4] * 4, cell_data("Radius [mm]", [0.05] * 4) + points)
    reading = read(tmp_path, content)
    is_bcc(reading)
    notes = " ".join(reading.sentences())
    assert "those of the nodes were left out" in notes
    assert "skipped: 'bore'" in notes
    assert "taken to be in mm, like 'Radius [mm]'" in notes


def test_a_line_from_a_point_to_itself_is_named(tmp_path):
    with pytest.raises(LatticeGnnError, match="cell 1, counted from 0: a line begins and ends"):
        read(tmp_path, vtu([DIAGONALS[0], [2, 2]], [4, 3], ""))


XDMF = (
    '<Xdmf Version="3.0"><Domain><Grid Name="Grid"><Geometry GeometryType="XYZ">'
    f'<DataItem Dimensions="9 3" Format="XML">{text(POINTS)}</DataItem></Geometry>'
    '<Topology TopologyType="{kind}" {more}><DataItem Format="XML">{rows}</DataItem></Topology>'
    '<Attribute Name="Radius" Center="Cell"><DataItem Format="XML">{radii}</DataItem></Attribute>'
    "</Grid></Domain></Xdmf>"
)


def test_poly_lines_in_xdmf(tmp_path):
    plain = XDMF.format(kind="Polyline", more='NodesPerElement="3" NumberOfElements="4"',
                        rows=text(DIAGONALS), radii=text([0.05] * 4))  # fmt: skip
    is_bcc(read(tmp_path, plain, "x.xdmf"))
    rows = [[2, 3, *row] for row in DIAGONALS]
    mixed = XDMF.format(kind="Mixed", more="", rows=f"4 0 1 3 {text(rows)}",
                        radii=text([9, *[0.05] * 4]))  # fmt: skip
    reading = read(tmp_path, mixed, "x.xdmf")
    is_bcc(reading)
    assert any("1 triangle" in x for x in reading.sentences())
    with pytest.raises(LatticeGnnError, match="not known here"):
        read(tmp_path, XDMF.format(kind="3DSMesh", more="", rows="1", radii="1"), "x.xdmf")


def collection(kind, grids):
    begin, end = f'<Grid GridType="Collection" CollectionType="{kind}">', "</Grid>"
    return f'<Xdmf Version="3.0"><Domain>{begin}{"".join(grids)}{end}</Domain></Xdmf>'


def grid(cells, radius):
    content = XDMF.format(kind="Polyline", more='NodesPerElement="3"', rows=text(cells),
                          radii=text([radius] * len(cells)))  # fmt: skip
    return content[content.index("<Grid") : content.index("</Domain>")]


def test_all_grids_of_xdmf_are_one_mesh(tmp_path):
    """Parts of a collection, and grids side by side."""
    parts = [grid(DIAGONALS[:1], 0.05), grid(DIAGONALS[1:], 0.05)]
    together = collection("Spatial", parts)
    is_bcc(read(tmp_path, together, "x.xdmf"))
    beside = re.sub(r"<Grid GridType.*?>|</Grid>(?=</Domain>)", "", together)
    is_bcc(read(tmp_path, beside, "x.xdmf"))


def test_of_several_time_steps_of_xdmf_the_first_is_taken_and_said(tmp_path):
    parts = [collection("Spatial", [grid(DIAGONALS[:1], r), grid(DIAGONALS[1:], r)])
             for r in (0.05, 0.08, 0.1)]  # fmt: skip
    steps = [part[part.index("<Grid") : part.index("</Domain>")] for part in parts]
    reading = read(tmp_path, collection("Temporal", steps), "x.xdmf")
    is_bcc(reading)
    assert "of 3 time steps the first was taken." in reading.sentences()


def test_data_that_are_not_of_cells_or_nodes_are_said(tmp_path):
    """Also those of grids without cells, as time series of meshio have them."""
    content = collection("Spatial", [grid(DIAGONALS, 0.05)])
    data = '<Attribute Name="{}" Center="{}"><DataItem Format="XML">1</DataItem></Attribute>'
    content = content.replace("</Grid>", data.format("mass", "Grid") + "</Grid>", 1)
    alone = f"<Grid>{data.format('load', 'Node')}</Grid></Domain>"
    reading = read(tmp_path, content.replace("</Domain>", alone), "x.xdmf")
    is_bcc(reading)
    assert any("were skipped: 'mass', 'load'." in x for x in reading.sentences())


def test_what_is_skipped_of_our_own_files_is_said(tmp_path):
    path = tmp_path / "x.vtu"
    bcc = cell("bcc", radius=0.05)
    write(path, [bcc])
    content = path.read_text()
    more = f'<DataArray type="Float64" Name="load" format="ascii">{text([1] * 8)}</DataArray>'
    reading = read(tmp_path, content.replace("</CellData>", f"{more}</CellData>"))
    assert reading.lattices[0].num_struts == bcc.num_struts
    assert any("'load'" in x for x in reading.sentences())


@pytest.mark.parametrize(
    ("name", "factor"),
    [("Radius", 1), ("r", 1), ("RADIUS [mm]", 1), ("radius_mm", 1), ("strut radius (mm)", 1),
     ("diameter", 2), ("Diameter [um]", 2), ("d", 2), ("beam-diameter", 2), ("Radius / mm", 1)],
)  # fmt: skip
def test_radii_under_other_names(tmp_path, name, factor):
    values = [0.05 * factor] * 4
    is_bcc(read(tmp_path, vtu(DIAGONALS, [4] * 4, cell_data(name, values))))


def test_radii_at_points_make_tapers(tmp_path):
    data = cell_data("Radius", [0.05] * 9).replace("CellData", "PointData")
    is_bcc(read(tmp_path, vtu(DIAGONALS, [4] * 4, data)))
    data = cell_data("diameter", [0.1] * 8 + [0.2]).replace("CellData", "PointData")
    (lattice,) = read(tmp_path, vtu(DIAGONALS, [4] * 4, data)).lattices
    assert sorted({*lattice.radii, *lattice.end_radii}) == [0.05, 0.1]


def test_what_is_not_understood_is_said_or_refused(tmp_path):
    reading = read(tmp_path, vtu(DIAGONALS, [4] * 4, cell_data("thickness", [0.1] * 4)))
    assert any("'thickness'" in x for x in reading.sentences())
    assert any("no radii" in x for x in reading.sentences())
    both = cell_data("radius", [0.05] * 4).replace("</CellData>", "") + cell_data(
        "diameter", [0.3] * 4
    ).replace("<CellData>", "")
    with pytest.raises(LatticeGnnError, match="'radius' and 'diameter' both give radii"):
        read(tmp_path, vtu(DIAGONALS, [4] * 4, both))
    with pytest.raises(LatticeGnnError, match="damaged"):
        read(tmp_path, vtu(DIAGONALS, [4] * 4, cell_data("radius", [0.05] * 5)))
    with pytest.raises(LatticeGnnError, match="not there"):
        read(tmp_path, vtu([[0, 99]], [3]))
