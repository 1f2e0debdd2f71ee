"""Truncated, huge, hostile and wrong files: one sentence each, little memory, no crash."""

import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.formats import FORMATS, read_any, write_any
from data.formats.threemf_elements import CORE
from data.formats.threemf_package import MODEL
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError

FILES = {
    "json": "x.json",
    "3mf": "x.3mf",
    "ltcx": "x.ltcx",
    "text": "x.txt",
    "csv": "x_nodes.csv",
    "abaqus": "x.inp",
    "calculix": "y.inp",
    "vtu": "x.vtu",
    "vtk": "x.vtk",
    "xdmf": "x.xdmf",
    "gmsh": "x.msh",
    "lat": "x.lat",
}
MEMORY = 64e6


def refused(path, *words, kind=None):
    """The file gives one sentence with these words, and takes little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(LatticeGnnError) as caught:
            read_any(path, kind)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    assert path.name.rpartition("_")[0] in text or path.name in text
    assert "\n" not in text
    assert text.endswith(".")
    for word in words:
        assert word in text, text
    assert peak < MEMORY
    return text


def archive_of(model, name=MODEL):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, model)
    return buffer.getvalue()


BILLION_LAUGHS = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>\n{root}'
)
OUTSIDE = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>\n{root}'
ROOTS = {
    "x.ltcx": '<graph name="&c;"/>',
    "x.vtu": '<VTKFile type="&c;"/>',
    "x.xdmf": "<Xdmf>&c;</Xdmf>",
}


@pytest.mark.parametrize("name", ROOTS)
@pytest.mark.parametrize("text", [BILLION_LAUGHS, OUTSIDE], ids=["billion laughs", "outside"])
def test_entities_are_refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text.format(root=ROOTS[name]))
    refused(path, "line 2", "entities")
    wide = tmp_path / ("utf16" + name)
    wide.write_bytes(text.format(root=ROOTS[name]).encode("utf-16"))
    refused(wide, kind=name.partition(".")[2])


def test_entities_inside_3mf_are_refused(tmp_path):
    path = tmp_path / "x.3mf"
    path.write_bytes(archive_of(BILLION_LAUGHS.format(root="<model>&c;</model>")))
    refused(path, "entities")


def test_zip_bombs_are_refused(tmp_path):
    path = tmp_path / "x.3mf"
    head = f'<model xmlns="{CORE}">'.encode()
    path.write_bytes(archive_of(head + b" " * (64 * 2**20)))
    refused(path, "decompresses to more than")
    path.write_bytes(archive_of(b" " * (16 * 2**20), "_rels/.rels"))
    refused(path, "decompresses to more than")


def test_archives_without_a_model_are_named(tmp_path):
    path = tmp_path / "x.3mf"
    path.write_bytes(archive_of("hello", "readme.txt"))
    refused(path, "holds no 3D model")
    path.write_bytes(archive_of("<html/>"))
    refused(path, "expected <model>, got <html>")
    path.write_bytes(archive_of(f'<model xmlns="{CORE}"/>'))
    refused(path, "holds no beam lattice")
    path.write_bytes(b"PK\x03\x04 nothing")
    refused(path, "damaged or cut short")


def test_vtu_bombs_are_refused(tmp_path):
    import base64
    import zlib

    packed = zlib.compress(b"\0" * (200 * 2**20), 9)
    header = struct.pack("<4I", 1, 2**20, 0, len(packed))
    data = (base64.b64encode(header) + base64.b64encode(packed)).decode()
    path = tmp_path / "x.vtu"
    path.write_text(
        '<VTKFile type="UnstructuredGrid" version="0.1" byte_order="LittleEndian" '
        'header_type="UInt32" compressor="vtkZLibDataCompressor"><UnstructuredGrid>'
        '<Piece NumberOfPoints="1" NumberOfCells="1"><Points><DataArray type="Float64" '
        f'NumberOfComponents="3" format="binary">{data}</DataArray></Points></Piece>'
        "</UnstructuredGrid></VTKFile>"
    )
    with pytest.raises(LatticeGnnError, match="decompress to more than 128 MiB"):
        read_any(path)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "x.vtu",
            '<VTKFile type="UnstructuredGrid"><UnstructuredGrid><Piece NumberOfPoints="1000000" '
            'NumberOfCells="1"><Points><DataArray type="Float64" NumberOfComponents="3" '
            'format="ascii">0 0 0 1 1 1</DataArray></Points></Piece></UnstructuredGrid></VTKFile>',
            ["damaged"],
        ),
        ("x.vtk", "# vtk DataFile Version 3.0\nx\nASCII\nDATASET UNSTRUCTURED_GRID\n"
         "POINTS 1000000 double\n0 0 0 1 1 1\n", ["damaged"]),
        ("x.vtk", "# vtk DataFile Version 3.0\nx\nASCII\nDATASET UNSTRUCTURED_GRID\n"
         "POINTS 99999999999999 double\n0 0 0 1 1 1\n", ["declares 99999999999999"]),
        ("x.msh", "$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\n1 1000000 1 1000000\n1 1 0 10\n"
         "1\n2\n$EndNodes\n", []),
        ("x.msh", "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n1000000\n1 0 0 0\n$EndNodes\n",
         []),
        ("x.xdmf", '<Xdmf Version="3.0"><Domain><Grid><Geometry><DataItem Dimensions="1000000 3" '
         'Format="XML">0 0 0</DataItem></Geometry></Grid></Domain></Xdmf>', ["damaged"]),
        ("x.xdmf", '<Xdmf Version="3.0"><Domain><Grid><Geometry><DataItem Dimensions="1 3" '
         'Format="HDF">/etc/secret.h5:/data</DataItem></Geometry></Grid></Domain></Xdmf>',
         ["line 1", "outside of the file"]),
        ("x.xdmf", '<Xdmf Version="3.0"><Domain><Grid><Geometry><DataItem Dimensions="1 3" '
         'Format="Binary">/etc/passwd</DataItem></Geometry></Grid></Domain></Xdmf>',
         ["line 1", "outside of the file"]),
        ("x.txt", "GRID 1 0 0 0\nGRID 2 1 1 1\nSTRUT 1 1 1000000\n",
         ["line 3", "node '1000000'", "2 nodes are there"]),
        ("x.txt", "GRID 1 0 0 nan\n", ["line 1", "finite"]),
        ("x.txt", "GRID 1 0 0\n", ["line 1", "GRID id x y z"]),
        ("x.txt", "GRID 1 0 0 0\nGRID 1 1 0 0\n", ["line 2", "twice"]),
        ("x.txt", "GRID 1 0 0 0\nBEAM 1 0 0\n", ["line 2", "GRID or STRUT"]),
        ("x.txt", "GRID 1 0 0 0\nGRID 2 1 1 1\nSTRUT 1 1 2 -0.1\n", ["line 3", "above 0"]),
        ("x.txt", "GRID 1 0 0 0\nGRID 2 1 1 1\nSTRUT 1 1 2 .1\nSTRUT 2 2 1\n",
         ["line 4", "no radius"]),
        ("x.txt", "GRID 1 0 0 0\n", ["no struts"]),
        ("x.txt", "GRID 1 0 0 0\n# lattice-gnn {broken\n", ["line 2", "not readable as JSON"]),
        ("x.txt", 'GRID 1 0 0 0\n# lattice-gnn {"schema": "lattice-gnn/lattice/1"}\n',
         ["line 2", "missing", "remove the damaged description"]),
        ("x.ltcx", "<graph><node id='1' x='0' y='0'/></graph>", ["line 1", "'z' is missing"]),
        ("x.ltcx", "<graph>\n<beam n1='1' n2='2'/></graph>", ["line 2", "node '1'"]),
        ("x.ltcx", "<graph>\n<node", ["line 2", "not well-formed"]),
        ("x.ltcx", "<html></html>", ["expected <graph>, got <html>"]),
        ("x.ltcx", "<a>" * 100, ["got <a>"]),
        ("x.ltcx", "<graph>" + "<a>" * 100, ["nested deeper"]),
        ("x.inp", "*NODE\n1, 0, 0, 0\n*ELEMENT, TYPE=B31\n1, 1, 1000000\n",
         ["line 4", "node 1000000"]),
        ("x.inp", "*NODE\n, 0, 0\n", ["line 2", "whole number"]),
        ("x.inp", "*NODE\n1_0, 0, 0\n", ["line 2", "whole number"]),
        ("x.inp", "*NODE\n\u0661, 0, 0\n", ["line 2", "whole number"]),
        ("x.inp", "*NODE\n1, 0, 1_0\n", ["line 2", "expected a number"]),
        ("x.inp", "*NODE\n1,0,0,0\n*ELEMENT,TYPE=B31\n1,1,2        9\n",
         ["line 4", "whole number"]),
        ("x.inp", "*NODE\n1, 0, 0, x\n", ["line 2", "expected a number"]),
        ("x.inp", "*NODE\n1, 0, 0, 0\n1, 0, 0, 1\n", ["line 3", "defined twice"]),
        ("x.inp", "*NODE\n1, 0, 0, 0\n*ELEMENT, TYPE=C3D8\n1, 1\n", ["no beam elements", "C3D8"]),
        ("x.inp", "*NODE\n1, 0, 0, 0\n2, 1, 1, 1\n*ELEMENT, TYPE=B31, ELSET=A\n1, 1, 2\n",
         ["line 5", "no *BEAM SECTION"]),
        ("x.inp", "*NODE\n*BEAM SECTION, ELSET=A, SECTION=RECT\n1, 1\n", ["line 2", "RECT"]),
        ("x.inp", "*NODE\n*BEAM SECTION, ELSET=A, SECTION=PIPE\n1, 2\n", ["line 3", "thinner"]),
        ("x.inp", "*NODE\n1,0,0,0\n*INCLUDE, INPUT=/etc/passwd\n", ["line 3", "not followed"]),
        ("x.inp", "*NODE\n*ELSET, ELSET=A, GENERATE\n1, 900000000000, 1\n",
         ["no beam elements"]),
        ("x.inp", "*NODE\n1,0,0,0\n2,1,1,1\n*ELEMENT, TYPE=B31, ELSET=E\n1,1,2\n*MATERIAL, NAME=A"
         "\n*ELASTIC\n-1, 0.3\n*BEAM SECTION, ELSET=E, MATERIAL=A, SECTION=CIRC\n1\n",
         ["line 7", "E > 0"]),
        ("x_nodes.csv", "id,x,y\n1,0,0\n", ["line 1", "z is missing", "columns x, y, z"]),
        ("x_nodes.csv", "id,x,y,z\n1,0,0\n", ["line 2", "expected 4 columns, got 3"]),
        ("x_nodes.csv", "id,x,y,z\n1,0,0,0\n", ["x_struts.csv is missing"]),
        ("x.json", '{"name": "a", "beams": [[0, 0, 0, 1, 1]]}', ["beams[0]", "six numbers"]),
        ("x.json", '{"beams": [[0, 0, 0, 1, 1, "a/2"]]}', ["beams[0]", "no value of 'a'"]),
        ("x.json", '{"beams": [[0, 0, 0, 1, 1, 1e999]]}', ["beams[0]", "finite"]),
        ("x.json", '{"beams": []}', ["1 to 1000000 beams"]),
        ("x.json", '{"beams": [[0, 0, 0, 0, 0, 0]]}', ["beams[0]", "two ends are one point"]),
        ("x.txt", "GRID 1 0 0 0\nSTRUT 1 1 1\n", ["line 2", "two ends of this strut"]),
        ("x.csv", "x1,y1,z1,x2,y2,z2\n0,0,0,0,0,0\n", ["line 2", "two ends of this strut"]),
        ("x.json", '{"beams": [', ["not readable as JSON"]),
    ],
)  # fmt: skip
def test_wrong_files_give_one_sentence(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    refused(path, *words)


def test_depth_of_json_is_bounded(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"beams": ' + "[" * 100_000)
    refused(path, "not readable as JSON")


def test_files_above_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("data.reading.MAX_BYTES", 1000)
    for kind in ("ltcx", "text", "csv", "abaqus", "vtu"):
        path = tmp_path / FILES[kind]
        write_any(path, [cell("octet", radius=0.02)], kind)
        refused(path, "larger than")


def test_drawings_above_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("data.drawings.builder.MAX_POINTS", 10)
    monkeypatch.setattr("data.formats.deck.MAX_POINTS", 10)
    for kind in ("ltcx", "text", "csv", "abaqus", "3mf"):
        path = tmp_path / FILES[kind]
        write_any(path, [cell("octet", radius=0.02)], kind)
        refused(path, "more than 10 nodes", "line")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """One file of every format, as bytes."""
    folder = tmp_path_factory.mktemp("originals")
    found = {}
    for kind, name in FILES.items():
        write_any(folder / name, [cell("bcc", radius=0.05)], kind)
        found[kind] = (folder / name).read_bytes()
        if kind == "csv":
            found["struts"] = (folder / "x_struts.csv").read_bytes()
    return found


def survives(path, kind):
    """Reading gives lattices or one sentence, nothing else."""
    sentence = ""
    try:
        assert read_any(path, kind)
    except LatticeGnnError as error:
        sentence = str(error)
    assert "\n" not in sentence


def store(folder, kind, content, originals):
    path = folder / FILES[kind]
    path.write_bytes(content)
    if kind == "csv":
        (folder / "x_struts.csv").write_bytes(originals["struts"])
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(part=st.floats(0, 1))
def test_truncated_files(tmp_path_factory, originals, kind, part):
    content = originals[kind]
    folder = tmp_path_factory.mktemp("cut")
    path = store(folder, kind, content[: int(part * len(content))], originals)
    survives(path, kind)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_damaged_files(tmp_path_factory, originals, kind, seed):
    generator = np.random.default_rng(seed)
    content = bytearray(originals[kind])
    for place in generator.integers(0, len(content), size=generator.integers(1, 8)):
        content[place] = generator.integers(0, 256)
    path = store(tmp_path_factory.mktemp("bad"), kind, bytes(content), originals)
    survives(path, kind)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [x.kind for x in FORMATS])
def test_files_of_another_kind(tmp_path, originals, kind):
    for other, content in originals.items():
        if other in (kind, "struts") or {other, kind} <= {"json", "lat"}:
            continue
        same_family = ({"vtu", "vtk", "xdmf", "gmsh"}, {"deck", "abaqus", "calculix"})
        if any({other, kind} <= family for family in same_family):
            continue
        path = tmp_path / f"{other}.csv"
        path.write_bytes(content)
        (tmp_path / f"{other}_nodes.csv").write_bytes(content)
        (tmp_path / f"{other}_struts.csv").write_bytes(content)
        with pytest.raises(LatticeGnnError):
            read_any(path, kind)


def test_a_million_declared_and_ten_given_in_json(tmp_path):
    data = {
        "schema": "lattice-gnn/lattice/1",
        "cell": np.eye(3).tolist(),
        "nodes": [[0.1 * k, 0, 0] for k in range(10)],
        "struts": [{"i": 0, "j": 999_999, "shift": [0, 0, 0], "radius": 0.1}],
    }
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data))
    refused(path, "999999", "10 nodes")
