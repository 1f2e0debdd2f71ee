"""Gmsh meshes, ``.msh``: versions 2 and 4.1, text and binary.

Source: Gmsh reference manual, "MSH file format".
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np

from data.formats.line_mesh import EDGE_2, EDGE_3, EDGE_N, LINE, LineMesh, line_mesh
from data.reading import MAX_BARS, MAX_VALUES
from lattice_gnn.errors import LatticeGnnError

_POINTS_OF = {
    1: 2, 2: 3, 3: 4, 4: 4, 5: 8, 6: 6, 7: 5, 8: 3, 9: 6, 10: 9, 11: 10, 12: 27, 13: 18, 14: 14,
    15: 1, 16: 8, 17: 20, 18: 15, 19: 13, 20: 9, 21: 10, 22: 12, 23: 15, 24: 15, 25: 21, 26: 4,
    27: 5, 28: 6, 29: 20, 30: 35, 31: 56, 92: 64, 93: 125,
}  # fmt: skip
_KINDS = {1: LINE, 2: 5, 3: 9, 4: 10, 5: 12, 6: 13, 7: 14, 8: EDGE_2, 9: 22, 11: 24, 15: 1,
          16: 23, 17: 25, 26: EDGE_3, 27: EDGE_N, 28: EDGE_N}  # fmt: skip
"""Line elements, as VTK numbers them; all others are not lines."""
_SECTION = re.compile(rb"^\$(?!End)(\w{1,40})\r?$", re.MULTILINE)
_SECTIONS = (b"MeshFormat", b"Comments", b"Entities", b"Nodes", b"Elements", b"NodeData",
             b"ElementData")  # fmt: skip
"""Sections that are read, or that say nothing of the mesh itself."""


@dataclass(slots=True)
class _File:
    """The bytes of a file and the reading position."""

    content: bytes
    where: str
    at: int = 0
    binary: bool = False
    order: str = "<"
    words: list[bytes] = field(default_factory=list)
    next_word: int = 0

    def error(self, message: str) -> LatticeGnnError:
        return LatticeGnnError(f"{self.where}: {message}.")

    def section(self, name: bytes) -> bool:
        """Move to the beginning of a section; return whether another one follows."""
        start = self.content.find(b"$" + name + b"\n", self.at)
        if start < 0:
            start = self.content.find(b"$" + name + b"\r\n", self.at)
        if start < 0:
            return False
        self.at = self.content.find(b"\n", start) + 1
        if not self.binary:
            end = self.content.find(b"$End" + name, self.at)
            if end < 0:
                raise self.error(f"damaged: ${name.decode()} has no end")
            self.words, self.next_word = self.content[self.at : end].split(), 0
            self.at = end
        return True

    def line(self) -> bytes:
        """Return one line of text, also in a binary file."""
        end = self.content.find(b"\n", self.at, self.at + 4096)
        if end < 0:
            raise self.error("damaged: the file ends within a section")
        text = self.content[self.at : end].strip()
        self.at = end + 1
        return text

    def take(self, count: int, kind: str) -> np.ndarray:
        """Return numbers: kind "i4" or "f8", or "u8" for sizes."""
        if count < 0 or count > 200 * MAX_BARS:
            raise self.error(f"declares {count} numbers, which are not read")
        if self.binary:
            dtype = np.dtype(self.order + kind)
            if self.at + count * dtype.itemsize > len(self.content):
                raise self.error("damaged: the file ends within an array")
            found = np.frombuffer(self.content, dtype, count, self.at)
            self.at += count * dtype.itemsize
            return found
        words = self.words[self.next_word : self.next_word + count]
        if len(words) < count:
            raise self.error(f"damaged: {count} numbers are declared, {len(words)} are there")
        self.next_word += count
        try:
            return np.array(words, dtype="S").astype("f8" if kind == "f8" else "i8")
        except (ValueError, OverflowError):
            raise self.error("damaged: expected numbers") from None

    def count(self, value: int) -> int:
        if not 0 <= value <= 10 * MAX_BARS:
            raise self.error(f"declares {value} entries, which are not read")
        return value

    def header_count(self) -> int:
        """Return the number on a line of its own at the beginning of a section of version 2."""
        if not self.binary:
            return self.count(int(self.take(1, "i4")[0]))
        word = self.line()
        if not word.isdigit() or len(word) > 15:
            raise self.error("damaged: expected the number of entries")
        return self.count(int(word))


@dataclass(slots=True)
class _Mesh:
    """Nodes and elements by their labels."""

    labels: list[np.ndarray] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    elements: list[tuple[int, np.ndarray, np.ndarray]] = field(default_factory=list)


def read(content: bytes, where: str) -> LineMesh:
    """Read the lines of a mesh.

    Raises:
        LatticeGnnError: Naming the file and what is wrong.
    """
    file = _File(content, where)
    if not file.section(b"MeshFormat"):
        raise file.error("not a Gmsh mesh of version 2 or 4.1: it has no $MeshFormat")
    version, binary = _format(file)
    file.binary = binary
    mesh = _Mesh()
    read_nodes, read_elements = (_nodes_2, _elements_2) if version < 3 else (_nodes_4, _elements_4)
    start = file.at
    while file.section(b"Nodes"):
        read_nodes(file, mesh)
    file.at = start
    while file.section(b"Elements"):
        read_elements(file, mesh)
    if not mesh.points or not mesh.elements:
        raise file.error("damaged, or holds no lines: there are no nodes or no elements")
    return _finished(file, mesh, start)


def _format(file: _File) -> tuple[float, bool]:
    start = file.content.find(b"$MeshFormat")
    words = file.content[start : start + 200].split()[1:4]
    version = words[0].decode("latin-1") if words else ""
    if version not in ("2", "2.0", "2.1", "2.2", "4.1") or len(words) < 3 or words[2] != b"8":
        raise file.error(
            f"Gmsh mesh of version {version[:10]!r}: expected 2.2 or 4.1; save it as one of these"
        )
    binary = words[1] == b"1"
    if binary:
        end = file.content.find(b"\n", file.content.find(b"\n", start) + 1) + 1
        one = file.content[end : end + 4]
        if one not in (b"\1\0\0\0", b"\0\0\0\1"):
            raise file.error("damaged: the binary mesh does not say its byte order")
        file.order = "<" if one == b"\1\0\0\0" else ">"
    return float(version), binary


def _nodes_2(file: _File, mesh: _Mesh) -> None:
    count = file.header_count()
    if file.binary:
        row = np.dtype([("label", file.order + "i4"), ("x", file.order + "f8", 3)])
        rows = file.take(count * row.itemsize, "i1").view(row)
        mesh.labels.append(rows["label"].astype(np.int64))
        mesh.points.append(rows["x"].astype(np.float64))
        return
    table = file.take(4 * count, "f8").reshape(-1, 4)
    mesh.labels.append(_whole(file, table[:, 0]))
    mesh.points.append(table[:, 1:])


def _whole(file: _File, values: np.ndarray) -> np.ndarray:
    if not (np.isfinite(values) & (np.abs(values) < 2**53)).all():
        raise file.error("damaged: a label is no whole number")
    return values.astype(np.int64)


def _points_of(file: _File, kind: int) -> int:
    if kind not in _POINTS_OF:
        raise file.error(f"elements of type {kind}, which is not known here")
    return _POINTS_OF[kind]


def _elements_2(file: _File, mesh: _Mesh) -> None:
    count, found = file.header_count(), 0
    while found < count:
        if file.binary:
            kind, number, tags = (int(x) for x in file.take(3, "i4"))
            width = 1 + file.count(tags) + _points_of(file, kind)
            number = file.count(number)
            if number < 1:
                raise file.error("damaged: a block of elements holds none")
            rows = file.take(number * width, "i4").astype(np.int64).reshape(number, width)
            found += number
        else:
            label, kind, tags = (int(x) for x in file.take(3, "i4"))
            rest = file.take(file.count(tags) + _points_of(file, kind), "i4")
            rows = np.concatenate([[label], rest])[None]
            found += 1
        size = _points_of(file, kind)
        mesh.elements.append((kind, rows[:, 0], rows[:, -size:]))


def _nodes_4(file: _File, mesh: _Mesh) -> None:
    blocks = file.count(int(file.take(4, "u8")[0]))
    for _ in range(blocks):
        dimension, _, parametric = (int(x) for x in file.take(3, "i4"))
        count = file.count(int(file.take(1, "u8")[0]))
        if not 0 <= dimension <= 3:
            raise file.error("damaged: an entity of no dimension")
        labels = file.take(count, "u8").astype(np.int64)
        width = 3 + (dimension if parametric else 0)
        mesh.labels.append(labels)
        mesh.points.append(file.take(count * width, "f8").reshape(count, width)[:, :3])


def _elements_4(file: _File, mesh: _Mesh) -> None:
    blocks = file.count(int(file.take(4, "u8")[0]))
    for _ in range(blocks):
        _, _, kind = (int(x) for x in file.take(3, "i4"))
        count = file.count(int(file.take(1, "u8")[0]))
        width = 1 + _points_of(file, kind)
        rows = file.take(count * width, "u8").astype(np.int64).reshape(count, width)
        mesh.elements.append((kind, rows[:, 0], rows[:, 1:]))


def _finished(file: _File, mesh: _Mesh, start: int) -> LineMesh:
    labels, points = np.concatenate(mesh.labels), np.concatenate(mesh.points)
    known, times = np.unique(labels, return_counts=True)
    if (times > 1).any():
        raise file.error(f"damaged: node {known[times > 1][0]} is defined twice")
    rows = np.concatenate([nodes.ravel() for _, _, nodes in mesh.elements])
    sizes = np.concatenate([np.full(len(nodes), nodes.shape[1]) for _, _, nodes in mesh.elements])
    kinds = np.concatenate(
        [np.full(len(nodes), _KINDS.get(kind, 1000 + kind)) for kind, _, nodes in mesh.elements]
    )
    numbers = _numbers(file, labels, rows, "node")
    elements = np.concatenate([x for _, x, _ in mesh.elements])
    data, notes = {}, _unread(file)
    for name, own in ((b"ElementData", elements), (b"NodeData", labels)):
        file.at = start
        data[name], repeated = _data(file, name, own)
        notes += [f"of {title[:30]!r} the last time step was taken." for title in repeated]
    cells = (numbers, np.cumsum(sizes), kinds)
    found = line_mesh(points, cells, data[b"ElementData"], data[b"NodeData"], file.where)
    return replace(found, notes=tuple(notes))


def _unread(file: _File) -> list[str]:
    """Say which sections are not read."""
    names = dict.fromkeys(_SECTION.findall(file.content))
    several = [x.decode() for x in names if x not in _SECTIONS and b"$End" + x in file.content]
    text = ", ".join(several[:10])
    return [f"sections that are not read were skipped: {text}."] if several else []


def _numbers(file: _File, labels: np.ndarray, wanted: np.ndarray, what: str) -> np.ndarray:
    """Return the index of each wanted label among the labels."""
    order = np.argsort(labels, kind="stable")
    at = np.minimum(np.searchsorted(labels[order], wanted), len(labels) - 1)
    found = order[at]
    wrong = np.flatnonzero(labels[found] != wanted)
    if len(wrong):
        raise file.error(f"damaged: there is no {what} {wanted[wrong[0]]}")
    return found


def _data(
    file: _File, name: bytes, labels: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, None]]:
    """Return the arrays of a kind, one row for each label; nan where an array has none.

    Also the names of those that are there more than once, of which the last is returned.
    """
    found: dict[str, np.ndarray] = {}
    repeated: dict[str, None] = {}
    while file.section(name):
        title, header = _data_header(file)
        if len(header) < 3:
            raise file.error(f"damaged: ${name.decode()} lacks its numbers")
        width, count = file.count(header[1]), file.count(header[2])
        if file.binary:
            row = np.dtype([("label", file.order + "i4"), ("x", file.order + "f8", max(1, width))])
            rows = file.take(count * row.itemsize, "i1").view(row)
            own, values = rows["label"].astype(np.int64), rows["x"].reshape(count, -1)
        else:
            table = file.take(count * (1 + width), "f8").reshape(count, 1 + width)
            own, values = _whole(file, table[:, 0]), table[:, 1:]
        if width * len(labels) > MAX_VALUES:
            raise file.error(f"${name.decode()} stands for more than {MAX_VALUES} numbers")
        if width and len(labels):
            here = np.isin(own, labels)
            if title in found:
                repeated[title] = None
            rows = np.full((len(labels), width), np.nan)
            rows[_numbers(file, labels, own[here], "entry")] = values[here]
            found[title] = rows
    return found, repeated


def _data_header(file: _File) -> tuple[str, list[int]]:
    """Return name and whole numbers (time step, components, entries) of a block of data."""
    lines: list[bytes] = []
    if file.binary:
        take = file.line
    else:
        begin = file.content.rfind(b"$", 0, file.at)
        file_lines = iter(file.content[begin : file.at].split(b"\n")[1:20])
        begin_words = file.words

        def take() -> bytes:
            text = next(file_lines, b"").strip()
            file.next_word = min(file.next_word + len(text.split()), len(begin_words))
            return text

    groups = []
    for _ in range(3):
        word = take()
        if not word.isdigit() or len(word) > 2:
            raise file.error("damaged: expected the number of tags")
        lines = [take() for _ in range(int(word))]
        groups.append(lines)
    title = groups[0][0].strip(b'"').decode("utf-8", "replace") if groups[0] else ""
    numbers = [int(x) for x in groups[2] if x.isdigit() and len(x) < 16]
    return title, numbers
