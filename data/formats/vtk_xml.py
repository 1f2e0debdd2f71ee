"""XML files of VTK: unstructured grids (``.vtu``) and poly data (``.vtp``).

Arrays may be text, base64 or appended (base64 or raw), plain or compressed (zlib, LZMA).

Source: VTK file formats, section "XML file formats".
"""

import base64
import binascii
import lzma
import re
import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from data.formats import columns
from data.formats.line_mesh import POLY_LINE, LineMesh, Part, joined
from data.reading import MAX_BYTES, Place, XmlHandler, in_chunks, parse_xml
from lattice_gnn.errors import LatticeGnnError

_TYPES = {
    "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2", "Int32": "i4", "UInt32": "u4",
    "Int64": "i8", "UInt64": "u8", "Float32": "f4", "Float64": "f8",
}  # fmt: skip
_APPENDED = re.compile(rb"<AppendedData\b([^>]*)>\s*_")
_ARRAYS = ("DataArray", "Array")  #: of numbers; of texts
_GROUPS = ("Points", "Cells", "Verts", "Lines", "Polys", "Strips", "PointData", "CellData")
_POLY_KINDS = (("Verts", 2), ("Lines", POLY_LINE), ("Polys", 7), ("Strips", 6))


@dataclass(slots=True)
class _Array:
    """An array as it stands in the file."""

    attributes: dict[str, str]
    place: Place
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _File:
    """The contents of the XML read so far."""

    name: str
    root: dict[str, str] = field(default_factory=dict)
    pieces: list[dict[str, list[_Array]]] = field(default_factory=list)
    counts: list[dict[str, str]] = field(default_factory=list)
    group: str = ""
    array: _Array | None = None
    nested: int = 0
    of_file: list[str] = field(default_factory=list)
    budget: int = MAX_BYTES

    def start(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        if not self.root:
            if tag != "VTKFile":
                raise place.error(f"not a VTK file: expected <VTKFile>, got <{tag[:40]}>")
            self.root = attributes | {"type": attributes.get("type", "")}
            if self.root["type"] not in ("UnstructuredGrid", "PolyData"):
                raise place.error(
                    f"a VTK file of type {self.root['type'][:40]!r}; expected UnstructuredGrid or "
                    "PolyData, which hold lines"
                )
        elif self.array is not None:
            self.nested += 1  # VTK writes keys with text into its arrays
        elif tag == "Piece":
            self.pieces.append({name: [] for name in _GROUPS})
            self.counts.append(attributes)
        elif tag == "FieldData" or (tag in _GROUPS and self.pieces):
            self.group = tag
        elif tag in _ARRAYS and self.group:
            self.array = _Array(attributes, place)
            if self.group == "FieldData":
                self.of_file.append(attributes.get("Name", ""))
            else:
                self.pieces[-1][self.group].append(self.array)

    def end(self, tag: str) -> None:
        if self.nested:
            self.nested -= 1
        elif tag in _ARRAYS:
            self.array = None
        elif tag == self.group:
            self.group = ""

    def text(self, piece: str) -> None:
        if self.array is not None and not self.nested:
            self.array.text.append(piece)


def read(content: bytes, where: str) -> LineMesh:
    """Read the lines of a VTU or VTP file.

    Raises:
        LatticeGnnError: Naming the file, the line and what is wrong.
    """
    appended, encoding = b"", ""
    if found := _APPENDED.search(content):
        appended = content[found.end() :]
        encoding = "raw" if b"raw" in found[1] else "base64"
        content = content[: found.start()] + b"</VTKFile>"
    file = _File(where)
    handler = XmlHandler(start=file.start, end=file.end, text=file.text)
    parse_xml(in_chunks(content), where, handler)
    decoder = _Decoder(file, appended, encoding)
    parts = [_piece(file, k, decoder) for k in range(len(file.pieces))]
    parts = [part for part in parts if len(part.points)]
    if not parts:
        raise LatticeGnnError(f"{where}: holds no lines; surfaces and solids are not read.")
    return replace(joined(parts, where), notes=tuple(columns.skipped_note(file.of_file)))


class _Decoder:
    """Decoder of the arrays of a file."""

    def __init__(self, file: _File, appended: bytes, encoding: str) -> None:
        self.file, self.appended, self.encoding = file, appended, encoding
        self.order = ">" if file.root.get("byte_order") == "BigEndian" else "<"
        self.header = np.dtype(
            self.order + ("u8" if file.root.get("header_type") == "UInt64" else "u4")
        )
        self.compressor = file.root.get("compressor", "")
        self._before = 0  # bytes of a header that share a group of base64 with the data

    def numbers(self, array: _Array) -> np.ndarray:
        """Return all numbers of an array in one row."""
        kind = array.attributes.get("type", "")
        if kind not in _TYPES:
            raise array.place.error(f"an array of type {kind[:20]!r}, which is not known")
        shape = array.attributes.get("format", "ascii")
        try:
            if shape == "ascii":
                return np.array("".join(array.text).split(), dtype=_TYPES[kind])
            if shape == "appended":
                offset = int(array.attributes.get("offset", "0")[:18])
                if not 0 <= offset <= len(self.appended):
                    raise array.place.error("an array begins outside of the appended data")
                data, raw = memoryview(self.appended)[offset:], self.encoding == "raw"
            else:
                data, raw = memoryview("".join(array.text).strip().encode()), False
            content = self._bytes(data, raw, array.place)
            return np.frombuffer(content, np.dtype(self.order + _TYPES[kind]))
        except (ValueError, OverflowError, binascii.Error, zlib.error, lzma.LZMAError) as error:
            if isinstance(error, LatticeGnnError):
                raise
            name = array.attributes.get("Name", "Points")[:40]
            raise array.place.error(f"damaged: the array {name!r} cannot be decoded") from None

    def _bytes(self, data: memoryview, raw: bool, place: Place) -> bytes:
        size = self.header.itemsize
        if not self.compressor:
            head, rest = self._head(data, 1, raw)
            return self._take(rest, int(head[0]), raw, place)
        blocks = int(self._head(data, 1, raw)[0][0])
        if not 0 <= blocks * size <= len(data):
            raise place.error("damaged: more blocks are declared than there are")
        if blocks == 0:
            return b""
        head, rest = self._head(data, 3 + blocks, raw)
        packed = self._take(rest, int(head[3:].sum()), raw, place)
        pieces, at = [], 0
        for length in head[3:].tolist():
            pieces.append(self._decompressed(packed[at : at + length], place))
            at += length
        return b"".join(pieces)

    def _head(self, data: memoryview, count: int, raw: bool) -> tuple[np.ndarray, memoryview]:
        """Return the first numbers, and what follows them (base64: from the first whole group)."""
        size, self._before = count * self.header.itemsize, 0
        if raw:
            return np.frombuffer(data[:size], self.header), data[size:]
        characters = -(-size // 3) * 4
        start = base64.b64decode(bytes(data[:characters]))
        head = np.frombuffer(start[:size], self.header)
        if bytes(data[:characters]).endswith(b"=") or len(start) == size:
            return head, data[characters:]  # the head is a piece of base64 of its own
        self._before = size
        return head, data

    def _take(self, rest: memoryview, count: int, raw: bool, place: Place) -> bytes:
        """Return bytes of the data, and refuse more than a file may hold."""
        if count > len(rest):
            raise place.error("damaged: an array is shorter than it says")
        self._spend(count, place)
        if raw:
            return bytes(rest[:count])
        skip, self._before = self._before, 0
        return base64.b64decode(bytes(rest[: -(-(count + skip) // 3) * 4]))[skip : skip + count]

    def _decompressed(self, block: bytes, place: Place) -> bytes:
        if self.compressor == "vtkZLibDataCompressor":
            piece = zlib.decompressobj().decompress(block, self.file.budget + 1)
        elif self.compressor == "vtkLZMADataCompressor":
            piece = lzma.LZMADecompressor().decompress(block, self.file.budget + 1)
        else:
            raise place.error(
                f"compressed by {self.compressor[:40]!r}, which is not known here; save it without "
                "compression"
            )
        self._spend(len(piece), place)
        return piece

    def _spend(self, count: int, place: Place) -> None:
        self.file.budget -= count
        if self.file.budget < 0:
            raise place.error(f"the arrays decompress to more than {MAX_BYTES // 2**20} MiB")


def _piece(file: _File, number: int, decoder: _Decoder) -> Part:
    """Return points, cells, cell data and point data of one piece."""
    piece, place = file.pieces[number], Place(file.name, 1)
    if not piece["Points"]:
        return Part(np.zeros((0, 3)), (np.zeros(0), np.zeros(0), np.zeros(0)), {}, {})
    flat = decoder.numbers(piece["Points"][0])
    declared = file.counts[number].get("NumberOfPoints", "")[:18]
    if len(flat) % 3 or not declared.isdecimal() or int(declared) != len(flat) // 3:
        raise piece["Points"][0].place.error(
            f"damaged: {declared or 'no number of'} points are declared, {len(flat) / 3:g} given"
        )
    cells = _cells(piece, decoder, place)
    cell_data = _data(piece["CellData"], len(cells[1]), decoder) if len(cells[1]) else {}
    point_data = _data(piece["PointData"], len(flat) // 3, decoder)
    return Part(flat.reshape(-1, 3), cells, cell_data, point_data)


def _data(arrays: list[_Array], count: int, decoder: _Decoder) -> dict[str, np.ndarray]:
    """Return arrays by name; nan for each entry of one that holds no numbers (texts, bits)."""
    found: dict[str, np.ndarray] = {}
    for k, array in enumerate(arrays):
        name = array.attributes.get("Name", f"array {k}")
        if name in found:
            raise array.place.error(f"two arrays are called {name[:40]!r}; rename one of them")
        is_numbers = array.attributes.get("type", "") in _TYPES
        found[name] = decoder.numbers(array) if is_numbers else np.full(count, np.nan)
    return found


def _cells(
    piece: dict[str, list[_Array]], decoder: _Decoder, place: Place
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def named(group: str) -> dict[str, np.ndarray]:
        return {x.attributes.get("Name", ""): decoder.numbers(x) for x in piece[group]}

    if piece["Cells"]:
        arrays = named("Cells")
        if not {"connectivity", "offsets", "types"} <= arrays.keys():
            raise place.error("damaged: <Cells> lacks connectivity, offsets or types")
        return arrays["connectivity"], arrays["offsets"], arrays["types"]
    rows, ends, kinds, total = [], [], [], 0
    for group, kind in _POLY_KINDS:
        arrays = named(group)
        if {"connectivity", "offsets"} <= arrays.keys():
            rows.append(arrays["connectivity"].astype(np.int64))
            ends.append(arrays["offsets"].astype(np.int64) + total)
            kinds.append(np.full(len(arrays["offsets"]), kind))
            total += len(rows[-1])
    if not rows:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    return np.concatenate(rows), np.concatenate(ends), np.concatenate(kinds)
