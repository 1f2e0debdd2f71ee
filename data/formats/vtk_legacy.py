"""Legacy files of VTK, ``.vtk``: unstructured grids and poly data, text or binary, version 1 to 5.

Source: VTK file formats, section "Simple legacy formats"; for version 5, which has ``OFFSETS`` and
``CONNECTIVITY``, vtkDataWriter.
"""

import re
import urllib.parse
from dataclasses import dataclass, field, replace

import numpy as np

from data.formats import columns
from data.formats.line_mesh import POLY_LINE, LineMesh, line_mesh
from data.reading import MAX_BARS
from lattice_gnn.errors import LatticeGnnError

_TYPES = {
    b"unsigned_char": "u1", b"char": "i1", b"unsigned_short": "u2", b"short": "i2",
    b"unsigned_int": "u4", b"int": "i4", b"unsigned_long": "u8", b"long": "i8", b"float": "f4",
    b"double": "f8", b"vtktypeint64": "i8", b"vtktypeuint64": "u8", b"vtkidtype": "i8",
    b"vtktypeint32": "i4", b"vtktypeuint32": "u4", b"vtktypeint8": "i1", b"vtktypeuint8": "u1",
}  # fmt: skip
_POLY = {b"VERTICES": (0, 2), b"LINES": (1, POLY_LINE), b"POLYGONS": (2, 7),
         b"TRIANGLE_STRIPS": (3, 6)}  # fmt: skip
_ONE_ARRAY = {b"VECTORS": 3, b"NORMALS": 3, b"TENSORS": 9, b"TENSORS6": 6, b"GLOBAL_IDS": 1,
              b"PEDIGREE_IDS": 1}  # fmt: skip
_MAX_SECTIONS = 1000
_TEXT = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)[^\r\n]*(?:\r\n|\r|\n)\s*ASCII\b", re.IGNORECASE)
"""Beginning of a file of text: version, title, ASCII."""


@dataclass(slots=True)
class _File:
    """The bytes of a file and the reading position."""

    content: bytes
    where: str
    at: int = 0
    binary: bool = False
    sections: int = 0

    def error(self, message: str) -> LatticeGnnError:
        line = self.content.count(b"\n", 0, self.at) + 1
        place = f"byte {self.at}" if self.binary else f"line {line}"
        return LatticeGnnError(f"{self.where}, {place}: {message}.")

    def line(self) -> list[bytes]:
        """Return the words of the next line that is not blank; none at the end."""
        while self.at < len(self.content):
            end = self.content.find(b"\n", self.at)
            end = len(self.content) if end < 0 else end
            words = self.content[self.at : min(end, self.at + 4096)].split()
            if words:
                self.at = min(end + 1, len(self.content))
                return words
            self.at = self._after_blank(end + 1)
        return []

    def _after_blank(self, at: int) -> int:
        """Skip white space at once: files may hold megabytes of it."""
        chunk = 65536
        while at < len(self.content):
            piece = self.content[at : at + chunk]
            rest = piece.lstrip()
            if rest:
                return at + len(piece) - len(rest)
            at += chunk
        return len(self.content)

    def peek(self) -> list[bytes]:
        """Return the words of the next line, which stays unread."""
        at = self.at
        words = self.line()
        self.at = at
        return words

    def count(self, word: bytes) -> int:
        if not word.isdigit() or len(word) > 15 or int(word) > 10 * MAX_BARS:
            raise self.error(f"declares {word[:20].decode('latin-1')} entries, which are not read")
        return int(word)

    def numbers(self, count: int, kind: bytes) -> np.ndarray:
        """Return numbers of a type, text or binary."""
        self.sections += 1
        if self.sections > _MAX_SECTIONS:
            raise self.error(f"more than {_MAX_SECTIONS} arrays")
        name = _TYPES.get(kind.lower())
        if kind.lower() == b"string":
            return self._no_numbers(count)
        if kind.lower() == b"bit":
            return self._bits(count)
        if name is None:
            raise self.error(f"numbers of type {kind[:20].decode('latin-1')!r}, not known here")
        if self.binary:
            dtype = np.dtype(">" + name)
            return np.frombuffer(self._bytes(count * dtype.itemsize), dtype)
        return self._in_words(count, name)

    def _in_words(self, count: int, name: str) -> np.ndarray:
        words = self.content[self.at :].split(None, count)
        if len(words) < count:
            raise self.error(f"damaged: {count} numbers are declared, {len(words)} are there")
        rest = len(words[count]) if len(words) > count else 0
        try:
            found = np.array(words[:count], dtype="S").astype(np.dtype(name))
        except (ValueError, OverflowError):
            raise self.error("damaged: expected numbers") from None
        self.at = len(self.content) - rest
        return found

    def _bits(self, count: int) -> np.ndarray:
        """Return bits: words in text, eight in a byte otherwise."""
        if not self.binary:
            return self._in_words(count, "u1")
        packed = self._bytes(-(-count // 8))
        return np.unpackbits(np.frombuffer(packed, "u1"), count=count)

    def _no_numbers(self, count: int) -> np.ndarray:
        """Pass over texts, and return a nan for each.

        In text each is a line of its own, otherwise its length comes first: the two highest bits
        say in how many bytes.
        """
        for _ in range(count):
            if self.binary:
                first = self._bytes(1)[0]
                more = (7, 3, 1, 0)[first >> 6]
                self._bytes(int.from_bytes(bytes([first & 63]) + self._bytes(more)))
                continue
            if self.at >= len(self.content):
                raise self.error("damaged: the file ends within an array")
            end = self.content.find(b"\n", self.at)
            self.at = len(self.content) if end < 0 else end + 1
        return np.full(count, np.nan)

    def _bytes(self, size: int) -> bytes:
        if self.at + size > len(self.content):
            raise self.error("damaged: the file ends within an array")
        self.at += size
        return self.content[self.at - size : self.at]


@dataclass(slots=True)
class _Mesh:
    """The contents read so far."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    cells: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    kinds: np.ndarray | None = None
    data: dict[bytes, dict[str, np.ndarray]] = field(
        default_factory=lambda: {b"CELL_DATA": {}, b"POINT_DATA": {}}
    )
    of_file: list[str] = field(default_factory=list)
    group: bytes = b""
    tuples: int = 0


def read(content: bytes, where: str) -> LineMesh:
    """Read the lines of a legacy VTK file.

    Raises:
        LatticeGnnError: Naming the file, the place and what is wrong.
    """
    if _TEXT.match(content):
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    file = _File(content, where)
    for _ in range(2):  # version and title
        file.at = content.find(b"\n", file.at) + 1
    form = b" ".join(file.line()[:1]).upper()
    if form not in (b"ASCII", b"BINARY"):
        raise file.error("damaged, or not a VTK file: expected ASCII or BINARY in its third line")
    file.binary = form == b"BINARY"
    mesh = _Mesh()
    while words := file.line():
        _section(file, mesh, words)
    return _finished(mesh, where)


def _section(file: _File, mesh: _Mesh, words: list[bytes]) -> None:
    key = words[0].upper()
    if key == b"DATASET":
        kind = words[1].upper() if len(words) > 1 else b""
        if kind not in (b"UNSTRUCTURED_GRID", b"POLYDATA"):
            raise file.error(
                f"a dataset of type {kind[:40].decode('latin-1')}; expected UNSTRUCTURED_GRID or "
                "POLYDATA, which hold lines"
            )
    elif key == b"POINTS" and len(words) > 2:
        mesh.points = file.numbers(3 * file.count(words[1]), words[2]).reshape(-1, 3)
    elif key == b"CELLS" and len(words) > 2:
        mesh.cells[0] = _cells(file, words)
    elif key == b"CELL_TYPES" and len(words) > 1:
        mesh.kinds = file.numbers(file.count(words[1]), b"int")
    elif key in _POLY and len(words) > 2:
        mesh.cells[1 + _POLY[key][0]] = _cells(file, words)
    elif key in mesh.data and len(words) > 1:
        mesh.group, mesh.tuples = key, file.count(words[1])
    elif key == b"METADATA":
        _skip_metadata(file)
    elif not _data(file, mesh, words):
        word = words[0][:30].decode("latin-1")
        raise file.error(f"damaged, or a part of VTK files that is not known here: {word!r}")


def _cells(file: _File, words: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return the point numbers of all cells, and for each the end of its own."""
    first, second = file.count(words[1]), file.count(words[2])
    following = file.peek()
    if following[:1] and following[0].upper() == b"OFFSETS":
        file.line()
        ends = file.numbers(first, following[1] if len(following) > 1 else b"").astype(np.int64)
        line = file.line()
        if len(line) < 2 or line[0].upper() != b"CONNECTIVITY":
            raise file.error("damaged: expected CONNECTIVITY")
        return file.numbers(second, line[1]).astype(np.int64), ends[1:]
    rows = file.numbers(second, b"int").astype(np.int64)
    sizes, at = np.zeros(first, dtype=np.int64), 0
    values = rows.tolist()
    for k in range(first):
        if at >= len(values) or values[at] < 0:
            raise file.error("damaged: the cells do not fit their number")
        sizes[k] = values[at]
        at += values[at] + 1
    if at != len(values):
        raise file.error("damaged: the cells do not fit their number")
    heads = np.cumsum(sizes + 1) - sizes - 1
    return np.delete(rows, heads), np.cumsum(sizes)


def _skip_metadata(file: _File) -> None:
    """Skip to the blank line that ends METADATA."""
    end = file.content.find(b"\n\n", file.at)
    file.at = len(file.content) if end < 0 else end + 2


def _data(file: _File, mesh: _Mesh, words: list[bytes]) -> bool:
    """Read the arrays of one keyword; return whether it is one of data."""
    key = words[0].upper()
    if key == b"FIELD" and len(words) > 2:
        _fields(file, mesh, file.count(words[2]))
    elif key == b"SCALARS" and len(words) > 2:
        width = file.count(words[3]) if len(words) > 3 else 1
        table = file.peek()
        if table[:1] and table[0].upper() == b"LOOKUP_TABLE":
            file.line()
        _store(file, mesh, words[1], file.numbers(width * mesh.tuples, words[2]))
    elif key in _ONE_ARRAY and len(words) > 2:
        _store(file, mesh, words[1], file.numbers(_ONE_ARRAY[key] * mesh.tuples, words[2]))
    elif key == b"TEXTURE_COORDINATES" and len(words) > 3:
        _store(file, mesh, words[1], file.numbers(file.count(words[2]) * mesh.tuples, words[3]))
    elif key in (b"COLOR_SCALARS", b"LOOKUP_TABLE") and len(words) > 2:
        width = mesh.tuples if key == b"COLOR_SCALARS" else 4
        file.numbers(file.count(words[2]) * width, b"unsigned_char" if file.binary else b"float")
    else:
        return False
    return True


def _fields(file: _File, mesh: _Mesh, count: int) -> None:
    for _ in range(count):
        head = file.line()
        if head[:1] == [b"METADATA"]:
            _skip_metadata(file)
            head = file.line()
        if len(head) < 4:
            raise file.error("damaged: expected name, components, tuples and type of an array")
        width, rows = file.count(head[1]), file.count(head[2])
        _store(file, mesh, head[0], file.numbers(width * rows, head[3]))


def _store(file: _File, mesh: _Mesh, name: bytes, values: np.ndarray) -> None:
    label = urllib.parse.unquote(name.decode("utf-8", "replace"))
    if not mesh.group:
        mesh.of_file.append(label)
    elif label in mesh.data[mesh.group]:
        raise file.error(f"two arrays are called {label[:40]!r}; rename one of them")
    else:
        mesh.data[mesh.group][label] = values


def _finished(mesh: _Mesh, where: str) -> LineMesh:
    if 0 in mesh.cells and mesh.kinds is not None:
        rows, ends = mesh.cells[0]
        kinds = mesh.kinds
    else:
        parts = [(number, *mesh.cells[1 + number], kind) for number, kind in _POLY.values()
                 if 1 + number in mesh.cells]  # fmt: skip
        if not parts:
            raise LatticeGnnError(f"{where}: holds no lines; surfaces and solids are not read.")
        starts = np.cumsum([0, *(len(part[1]) for part in parts)])
        rows = np.concatenate([part[1] for part in parts])
        ends = np.concatenate([part[2] + n for part, n in zip(parts, starts, strict=False)])
        kinds = np.concatenate([np.full(len(part[2]), part[3]) for part in parts])
    cells, points = mesh.data[b"CELL_DATA"], mesh.data[b"POINT_DATA"]
    found = line_mesh(mesh.points, (rows, ends, kinds), cells, points, where)
    return replace(found, notes=tuple(columns.skipped_note(mesh.of_file)))
