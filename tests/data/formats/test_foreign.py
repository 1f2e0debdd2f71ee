"""Files of other programs that are mistaken for lattices, and texts of other systems."""

import gzip
import io
import os
import zipfile

import numpy as np
import pytest

from data.formats import read_any
from data.formats.foreign import what_it_is
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import write_lattices

TEXT = "GRID 1 0 0 0\nGRID 2 1 0 0\nGRID 3 0 1 0\nGRID 4 0 0 1\n" + "".join(
    f"STRUT {k} 1 {k + 1} 0.05\n" for k in (1, 2, 3)
)
DECK = """*NODE
1, 0, 0, 0
2, 1, 0, 0
3, 0, 1, 0
4, 0, 0, 1
*ELEMENT, TYPE=B31, ELSET=S
1, 1, 2
2, 1, 3
3, 1, 4
*BEAM SECTION, ELSET=S, MATERIAL=M, SECTION=CIRC
0.05
*MATERIAL, NAME=M
*ELASTIC
1, 0.3
"""


def archive(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, "<a/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.inp.gz", gzip.compress(DECK.encode()), "is compressed, and must be unpacked first"),
        ("x.stl", b"solid x\nendsolid x\n", "surface or a solid, of which no struts are known"),
        ("x.stl", b"\0" * 84, "surface or a solid, of which no struts are known"),
        ("x.step", b"ISO-10303-21;\nHEADER;\n", "CAD program, which is not read"),
        ("x.obj", b"v 0 0 0\nv 1 0 0\nl 1 2\n", "is an OBJ file, which is not read"),
        ("x.xlsx", archive("xl/workbook.xml"), "is an Excel workbook; save its sheets as CSV"),
        ("x.h5", b"\x89HDF\r\n\x1a\n", "datasets are read by `lattice-gnn data`"),
        ("x.json", b" \n ", "is empty"),
    ],
)
def test_what_a_file_is_instead_is_said(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LatticeGnnError) as caught:
        read_any(path)
    assert str(caught.value).startswith(f"{name}: ")
    assert words in str(caught.value)


def test_unknown_files_are_called_nothing():
    assert what_it_is(b"abc", ".xyz") == ""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("name", "text"), [("x.txt", TEXT), ("x.inp", DECK)])
def test_texts_of_every_system_are_read(tmp_path, name, text, encoding, end):
    path = tmp_path / name
    path.write_bytes(text.replace("\n", end).encode(encoding))
    (lattice,) = read_any(path)
    assert (lattice.num_nodes, lattice.num_struts) == (1, 3)
    assert np.allclose(lattice.radii, 0.05)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_in_every_encoding_of_its_standard(tmp_path, encoding):
    """Some shells write what is redirected into a file as UTF-16."""
    path = tmp_path / "x.json"
    bcc = cell("bcc", radius=0.05)
    write_lattices(path, bcc)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert read_any(path) == [bcc]


def test_a_hyphen_is_the_standard_input(monkeypatch):
    """Read from what the process gets, here a pipe in its place."""
    first, second = os.pipe()
    os.write(second, TEXT.encode())
    os.close(second)
    saved = os.dup(0)
    os.dup2(first, 0)
    try:
        (lattice,) = read_any("-")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(first)
    assert lattice.num_struts == 3
