"""What a valid file says beyond its struts, or says twice: nothing of it goes without a word."""

import json
import re
import zipfile

import numpy as np
import pytest

from data.formats import read_with_report, write_any, writing_notes
from data.formats.options import ReadOptions
from data.formats.threemf_elements import BEAMS, CORE
from data.formats.threemf_package import MODEL
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Material

POINTS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
BARS = [(0, 1), (0, 2), (0, 3)]
FLAT = " ".join(str(x) for p in POINTS for x in p)


def read(tmp_path, name, text, **options):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_with_report(path, options=ReadOptions(**options))


def is_cubic(reading):
    """Simple cubic, edge 1, radius 0.05; return what was said."""
    (lattice,) = reading.lattices
    assert (lattice.num_nodes, lattice.num_struts) == (1, 3)
    assert np.allclose(lattice.radii, 0.05)
    return " ".join(reading.sentences())


# nTop


def ltcx(more="", groups="", graph=""):
    nodes = "".join(
        f'<node id="{k}" x="{x}" y="{y}" z="{z}"/>' for k, (x, y, z) in enumerate(POINTS)
    )
    beams = "".join(
        f'<beam id="{k}" n1="{i}" n2="{j}" r1="0.05"/>' for k, (i, j) in enumerate(BARS)
    )
    return (
        f'<graph id="0" name="a" {graph}><nodegroup>{nodes}</nodegroup>'
        f"<beamgroup {groups}>{beams}</beamgroup>{more}</graph>"
    )


def test_faces_and_attributes_of_groups_are_said(tmp_path):
    faces = '<facegroup><face id="0" n1="0" n2="1" n3="2"/></facegroup>'
    said = is_cubic(read(tmp_path, "x.ltcx", ltcx(faces, 'shape="square"', 'scale="2"')))
    assert "skipped: 1 face." in said
    assert "'shape'" in said
    assert "'scale'" in said
    assert "skipped" not in is_cubic(read(tmp_path, "x.ltcx", ltcx(graph='units="mm" type="rnd"')))
    with pytest.raises(LatticeGnnError, match="a second <graph>"):
        read(tmp_path, "x.ltcx", ltcx("<graph/>"))


def test_faces_that_another_program_added_to_our_own_file_are_said(tmp_path):
    path = tmp_path / "x.ltcx"
    write_any(path, [cell("bcc", radius=0.05)])
    assert read_with_report(path).sentences() == ()
    text = path.read_text().replace("</graph>", "<face/></graph>")
    assert any("1 face" in x for x in read(tmp_path, "x.ltcx", text).sentences())


# 3MF


def mesh(number, beams=True, triangles=0):
    rows = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in POINTS)
    faces = triangles * '<triangle v1="0" v2="1" v3="2"/>'
    bars = "".join(f'<b:beam v1="{i}" v2="{j}"/>' for i, j in BARS)
    lattice = f'<b:beamlattice radius="0.05"><b:beams>{bars}</b:beams></b:beamlattice>'
    return (
        f'<object id="{number}"><mesh><vertices>{rows}</vertices><triangles>{faces}</triangles>'
        f"{lattice if beams else ''}</mesh></object>"
    )


def threemf(tmp_path, resources, build):
    text = (
        f'<?xml version="1.0"?><model unit="millimeter" xmlns="{CORE}" xmlns:b="{BEAMS}">'
        f"<resources>{resources}</resources><build>{build}</build></model>"
    )
    with zipfile.ZipFile(tmp_path / "x.3mf", "w") as file:
        file.writestr(MODEL, text)
    return is_cubic(read_with_report(tmp_path / "x.3mf"))


def test_surfaces_and_second_places_are_said(tmp_path):
    item = '<item objectid="{}" transform="1 0 0 0 1 0 0 0 1 {} 0 0"/>'
    said = threemf(tmp_path, mesh(1, triangles=2), item.format(1, 0) + item.format(1, 1))
    assert "triangles of surfaces were left out: 2." in said
    assert "places the object 2 times; it was read once." in said
    plate = mesh(2, beams=False, triangles=5)
    said = threemf(tmp_path, mesh(1) + plate, item.format(1, 0) + item.format(2, 0))
    assert "objects without beams were left out: 1." in said
    parts = "".join(f'<component objectid="{k}"/>' for k in (1, 2))
    whole = f'<object id="3"><components>{parts}</components></object>'
    said = threemf(tmp_path, mesh(1) + plate + whole, item.format(3, 0))
    assert "triangles of surfaces were left out: 5." in said
    assert "left out" not in threemf(tmp_path, mesh(1) + plate, item.format(1, 0))


def test_of_two_lattices_the_second_knows_itself_without_the_first(tmp_path):
    """The description of a lattice belongs to its set of beams, not to its place in the file."""
    lattices = [cell(name, radius=0.02).replace(units="mm") for name in ("bcc", "octet")]
    write_any(tmp_path / "x.3mf", lattices)
    with zipfile.ZipFile(tmp_path / "x.3mf") as file:
        text = file.read(MODEL).decode()
    text = re.sub(r'<object id="1".*?</object>|<item objectid="1"[^>]*/>', "", text, flags=re.S)
    with zipfile.ZipFile(tmp_path / "y.3mf", "w") as file:
        file.writestr(MODEL, text)
    reading = read_with_report(tmp_path / "y.3mf")
    assert reading.lattices == (lattices[1],)
    assert reading.reports[0].exact


# Decks

DECK = (
    "*NODE\n1, 0., 0., 0.\n2, 1., 0., 0.\n3, 0., 1., 0.\n4, 0., 0., 1.\n"
    "*ELEMENT, TYPE=B33, ELSET=ALL\n1, 1, 2\n2, 1, 3\n3, 1, 4\n"
)
SECTION = "*BEAM SECTION, SECTION=CIRC, ELSET={}, MATERIAL={}\n{}\n"
STEEL = "*MATERIAL, NAME=S\n*ELASTIC\n200., 0.3\n"
OTHER = STEEL.replace("=S", "=W")
ALL = SECTION.format("ALL", "S", 0.05)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DECK + STEEL + SECTION.format("ALL", "S", 0.02) + ALL, "the last was taken"),
        (DECK + STEEL + "*ELSET, ELSET=A\n2\n" + SECTION.format("A", "S", 0.02) + ALL,
         "the last was taken"),
        (DECK + "*BEAM SECTION, SECTION=CIRC, ELSET=ALL\n0.05\n", "E = 1 and nu = 0.3 were taken"),
        (DECK + STEEL + ALL + "*ELSET, ELSET=A\n3\n" + SECTION.format("A", "W", 0.05)
         + OTHER.replace("200", "70"), "the first is that of the lattice"),
        ("*PART, NAME=P\n" + DECK + ALL + "*END PART\n" + STEEL, "no instance places the parts"),
        (DECK + STEEL + ALL + "*CyclicSymmetryModel, N=4\n", "CYCLIC SYMMETRY MODEL was left out"),
    ],
)  # fmt: skip
def test_what_a_deck_says_twice_or_not_at_all_is_said(tmp_path, text, words):
    assert words in is_cubic(read(tmp_path, "x.inp", text))


@pytest.mark.parametrize(
    "text",
    [
        DECK + STEEL + STEEL + ALL + ALL,
        DECK + STEEL + ALL + OTHER + OTHER.replace("0.3", "0.2"),
    ],
    ids=["the same", "of no strut"],
)
def test_what_is_the_same_twice_does_not_matter(tmp_path, text):
    said = is_cubic(read(tmp_path, "x.inp", text))
    assert "several" not in said
    assert "material" not in said


INSTANCE = "*ASSEMBLY, NAME=A\n*INSTANCE, NAME=I, PART={}\n*END INSTANCE\n*END ASSEMBLY\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DECK + STEEL + STEEL.replace("200", "70") + ALL, "'S' has other moduli above"),
        (DECK + ALL + STEEL + INSTANCE.format("GONE"), "there is no part 'GONE' above"),
        (DECK + STEEL + ALL + "*ELSET, ELSET=A, GENERATE\n3, 1\n", "in ascending order"),
        (DECK + STEEL + ALL + "*ELSET, ELSET=A, GENERATE\n1, 3, 0\n", "a step above 0"),
    ],
)
def test_what_contradicts_itself_in_a_deck_is_refused(tmp_path, text, words):
    with pytest.raises(LatticeGnnError, match=r"x\.inp, line \d+: .*" + re.escape(words)):
        read(tmp_path, "x.inp", text)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("*ELASTIC\n2, 0.3\n", "*ELASTIC\n3, 0.25\n", (3.0, 0.25, 0.02)),
        ("\n0.05, 0.03\n", "\n0.05, 0.01\n", (2.0, 0.3, 0.04)),
    ],
)
def test_changes_of_moduli_and_bores_in_our_own_deck_count(tmp_path, old, new, found):
    path = tmp_path / "x.inp"
    hollow = cell("bcc", radius=0.05).replace(material=Material(2.0, 0.3))
    hollow = hollow.replace(inner_radii=0.4 * hollow.radii)
    write_any(path, [hollow])
    assert read_with_report(path).lattices == (hollow,)
    text = path.read_text()
    assert old in text
    (lattice,) = read(tmp_path, "x.inp", text.replace(old, new)).lattices
    assert (lattice.material.E, lattice.material.nu) == found[:2]
    assert np.allclose(lattice.inner_radii, found[2])


def test_a_cell_given_for_our_own_file_leaves_its_material(tmp_path):
    path = tmp_path / "x.txt"
    hollow = cell("bcc", radius=0.05).replace(material=Material(70.0, 0.33), units="mm")
    hollow = hollow.replace(inner_radii=0.4 * hollow.radii)
    write_any(path, [hollow])
    reading = read_with_report(path, options=ReadOptions(cell=np.eye(3)))
    (lattice,) = reading.lattices
    assert (lattice.material, lattice.units) == (hollow.material, "mm")
    assert any("bores and moduli of single struts" in x for x in reading.sentences())
    assert reading.reports[0].cell == "given"


def test_hinges_added_to_our_own_deck_are_said(tmp_path):
    path = tmp_path / "x.inp"
    write_any(path, [cell("bcc", radius=0.05)])
    reading = read(tmp_path, "x.inp", path.read_text() + "*RELEASE\n1, S1, ALLM\n")
    assert reading.reports[0].exact
    assert any("hinges" in x for x in reading.sentences())


# Meshes


def vtu(cell_data="", field_data="", more=""):
    def array(name, values, kind="Float64"):
        return f'<DataArray type="{kind}" Name="{name}" format="ascii">{values}</DataArray>'

    rows = " ".join(f"{i} {j}" for i, j in BARS)
    cells = array("connectivity", rows, "Int64") + array("offsets", "2 4 6", "Int64")
    radius = array("radius", "0.05 0.05 0.05")
    data = "".join(array(name, values) for name, values in cell_data)
    fields = "".join(array(name, values) for name, values in field_data)
    return (
        '<VTKFile type="UnstructuredGrid" byte_order="LittleEndian"><UnstructuredGrid>'
        f'<FieldData>{fields}</FieldData><Piece NumberOfPoints="4" NumberOfCells="3"><Points>'
        f'<DataArray type="Float64" NumberOfComponents="3" format="ascii">{FLAT}</DataArray>'
        f"</Points><Cells>{cells}{array('types', '3 3 3', 'UInt8')}</Cells>"
        f"<CellData>{radius}{data}</CellData></Piece>{more}</UnstructuredGrid></VTKFile>"
    )


def test_data_of_a_whole_mesh_are_said(tmp_path):
    said = is_cubic(read(tmp_path, "x.vtu", vtu(field_data=[("TimeValue", 3)])))
    assert "skipped: 'TimeValue'." in said
    head = "# vtk DataFile Version 3.0\nx\nASCII\nDATASET POLYDATA\n"
    lines = "".join(f"2 {i} {j}\n" for i, j in BARS)
    text = f"{head}FIELD FieldData 1\nCYCLE 1 1 int\n7\nPOINTS 4 float\n{FLAT}\nLINES 3 9\n{lines}"
    text += "CELL_DATA 3\nSCALARS radius float\nLOOKUP_TABLE default\n0.05 0.05 0.05\n"
    assert "skipped: 'CYCLE'." in is_cubic(read(tmp_path, "x.vtk", text))
    again = text + "SCALARS radius float\nLOOKUP_TABLE default\n0.04 0.04 0.04\n"
    with pytest.raises(LatticeGnnError, match="two arrays are called 'radius'"):
        read(tmp_path, "x.vtk", again)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([("radius", "1 1 1")], "two arrays are called 'radius'"),
        ([("E_s", "1 2 1")], "'E_s' differs from strut to strut"),
        ([("cell_vectors", " ".join(["1 0 0 0 1 0 0 0 1"] * 2 + ["2 0 0 0 2 0 0 0 2"]))],
         "'cell_vectors' differs from strut to strut; give the cell vectors"),
    ],
)  # fmt: skip
def test_mesh_data_that_contradict_themselves_are_refused(tmp_path, data, words):
    with pytest.raises(LatticeGnnError, match=words):
        read(tmp_path, "x.vtu", vtu(data))


def test_the_solid_of_a_mesh_of_several_is_said(tmp_path):
    said = is_cubic(read(tmp_path, "x.vtu", vtu([("E", "3 2 3")])))
    assert "the first is that of the lattice, which results are relative to: E = 3" in said
    assert "relative to" not in is_cubic(
        read(tmp_path, "x.vtu", vtu([("E", "3 2 3"), ("E_s", "2 2 2")]))
    )


def xdmf(topology, rows="0 1 0 2 0 3", more="", data=1):
    points = f'<Geometry GeometryType="XYZ"><DataItem>{FLAT}</DataItem></Geometry>'
    cells = f"<DataItem>{rows}</DataItem>" if rows else ""
    radius = (
        '<Attribute Name="radius" Center="Cell"><DataItem>0.05 0.05 0.05</DataItem></Attribute>'
    )
    return (
        f"<Xdmf><Domain><Grid>{points}<Topology {topology}>{cells}</Topology>{data * radius}</Grid>"
        f"{more}</Domain></Xdmf>"
    )


LINES = 'TopologyType="Polyline" NodesPerElement="2"'


@pytest.mark.parametrize(
    ("topology", "rows"),
    [
        (f'{LINES} BaseOffset="1"', "1 2 1 3 1 4"),
        (f'{LINES} NumberOfElements="3"', "0 1 0 2 0 3"),
        ('TopologyType="Polyline" NumberOfElements="3"', "0 1 0 2 0 3"),
    ],
)
def test_the_numbers_of_xdmf_begin_where_it_says(tmp_path, topology, rows):
    is_cubic(read(tmp_path, "x.xdmf", xdmf(topology, rows)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (xdmf(f'{LINES} NumberOfElements="2"'), "2 cells are declared, 3 are there"),
        (xdmf('TopologyType="Polyline"'), "NodesPerElement"),
        (xdmf(f'{LINES} Order="1 0"'), "Order"),
        (xdmf(LINES, data=2), "two attributes of one grid are called 'radius'"),
        (xdmf(LINES, more=f"<Grid><Topology {LINES}/></Grid>"), "not written in it"),
    ],
)
def test_grids_of_xdmf_that_cannot_be_read_are_refused(tmp_path, text, words):
    with pytest.raises(LatticeGnnError, match=r"x\.xdmf, line \d+: .*" + words):
        read(tmp_path, "x.xdmf", text)


def test_structured_grids_of_xdmf_are_said(tmp_path):
    grid = '<Grid><Topology TopologyType="3DCoRectMesh" Dimensions="2 2 2"/></Grid>'
    said = is_cubic(read(tmp_path, "x.xdmf", xdmf(LINES, more=grid)))
    assert "structured grids, which have no lines, were skipped: 1." in said


def gmsh(nodes="", more=""):
    points = "".join(f"{k} {x} {y} {z}\n" for k, (x, y, z) in enumerate(POINTS, 1))
    bars = "".join(f"{k} 1 2 0 1 {i + 1} {j + 1}\n" for k, (i, j) in enumerate(BARS, 1))
    data = '1\n"radius"\n1\n0.0\n3\n0\n1\n3\n1 0.05\n2 0.05\n3 0.05\n'
    return (
        f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n{more}$Nodes\n{4 + bool(nodes)}\n{points}{nodes}"
        f"$EndNodes\n$Elements\n3\n{bars}$EndElements\n$ElementData\n{data}$EndElementData\n"
    )


def test_sections_of_gmsh_that_are_not_read_are_said(tmp_path):
    groups = '$PhysicalNames\n1\n1 1 "thick"\n$EndPhysicalNames\n'
    said = is_cubic(read(tmp_path, "x.msh", gmsh(more=groups)))
    assert "sections that are not read were skipped: PhysicalNames." in said
    assert "skipped" not in is_cubic(read(tmp_path, "x.msh", gmsh()))
    with pytest.raises(LatticeGnnError, match="node 2 is defined twice"):
        read(tmp_path, "x.msh", gmsh("2 0.5 0 0\n"))


# Texts


def test_points_of_no_strut_are_said(tmp_path):
    text = "".join(f"GRID {k} {x} {y} {z}\n" for k, (x, y, z) in enumerate(POINTS, 1))
    text += "".join(f"STRUT {k} {i + 1} {j + 1} 0.05\n" for k, (i, j) in enumerate(BARS, 1))
    said = is_cubic(read(tmp_path, "x.txt", text + "GRID 9 1 1 1\n"))
    assert "points at which no strut ends were left out: 1." in said
    assert "left out" not in is_cubic(read(tmp_path, "x.txt", text))


def test_columns_without_a_name_are_said(tmp_path):
    """pandas writes its index so."""
    rows = "".join(f"{k},{x},{y},{z}\n" for k, (x, y, z) in enumerate(POINTS))
    (tmp_path / "x_struts.csv").write_text("i,j,r\n0,1,0.05\n0,2,0.05\n0,3,0.05\n")
    said = is_cubic(read(tmp_path, "x_nodes.csv", ",x,y,z\n" + rows))
    assert "columns without a name were skipped." in said
    with pytest.raises(LatticeGnnError, match="'No' and 'id' both give label"):
        read(tmp_path, "x_nodes.csv", "No,id,x,y,z\n1,1,0,0,0\n")


def test_keys_of_pylattice_that_are_unknown_or_repeated(tmp_path):
    beams = [[*POINTS[i], *POINTS[j]] for i, j in BARS]
    text = json.dumps({"beams": beams, "radius": 0.05, "description": "", "unit": "mm"})
    assert "keys that are not known here were skipped: 'unit'." in is_cubic(
        read(tmp_path, "x.json", text)
    )
    with pytest.raises(LatticeGnnError, match=r"x\.json: the key 'beams' occurs twice"):
        read(tmp_path, "x.json", text.replace("{", '{"beams": [],', 1))


def test_lines_of_catalogues_that_are_not_known_are_said(tmp_path):
    path = tmp_path / "x.lat"
    write_any(path, [cell("diamond", relative_density=0.05).replace(name="diamond")])
    text = path.read_text().replace("\nBase name", "\nPoisson ratio: 0.2\nBase name")
    (said,) = read(tmp_path, "x.lat", text).sentences()
    assert said == "lines that are not known here were skipped: 'Poisson ratio'."


# Writing


def test_what_writing_loses_is_said():
    plain = cell("bcc", radius=0.05)
    rich = plain.replace(
        name="a b", units="nm", material=Material(70.0, 0.3), inner_radii=0.5 * plain.radii
    )
    taper = plain.replace(end_radii=0.5 * plain.radii)
    assert "none of 3MF: lengths are written as millimetres" in " ".join(
        writing_notes("3mf", [rich])
    )
    assert not any("millimetres" in x for x in writing_notes("3mf", [plain.replace(units="um")]))
    assert writing_notes("lat", [rich]) == [
        "a catalogue does not keep units of length, Young's moduli, blanks in names."
    ]
    assert writing_notes("ltcx", [rich]) == [
        "bores are kept for lattice-gnn alone: other programs do not see them."
    ]
    assert writing_notes("vtu", [rich]) == ["the unit of length is not kept."]
    assert writing_notes("abaqus", [taper]) == [
        "tapered struts are written as pieces of constant section."
    ]
    kinds = ("json", "lat", "ltcx", "text", "csv", "vtu", "abaqus", "calculix")
    assert [writing_notes(kind, [plain]) for kind in kinds] == [[]] * 8
