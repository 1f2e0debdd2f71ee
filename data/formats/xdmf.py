"""XDMF files with their data inside, ``.xdmf``: the first uniform grid.

Source: XDMF model and format, version 3 (xdmf.org).
"""

from dataclasses import dataclass, field

import numpy as np

from data.formats.line_mesh import EDGE_2, EDGE_3, LINE, POLY_LINE, LineMesh, line_mesh
from data.reading import Place, XmlHandler, in_chunks, parse_xml
from lattice_gnn.errors import LatticeGnnError

_MIXED = {
    1: (1, 0), 2: (POLY_LINE, 0), 4: (5, 3), 5: (9, 4), 6: (10, 4), 7: (14, 5), 8: (13, 6),
    9: (12, 8), 34: (EDGE_2, 3), 35: (28, 9), 36: (22, 6), 37: (23, 8), 38: (24, 10), 39: (27, 13),
    40: (26, 15), 41: (26, 18), 48: (25, 20), 49: (25, 24), 50: (25, 27),
}  # fmt: skip
"""Of mixed topologies: kind as VTK numbers it, and points of a cell (0: the number follows)."""
_NAMED = {
    "polyvertex": (1, 1), "polyline": (POLY_LINE, 2), "triangle": (5, 3), "quadrilateral": (9, 4),
    "tetrahedron": (10, 4), "pyramid": (14, 5), "wedge": (13, 6), "hexahedron": (12, 8),
    "edge_3": (EDGE_2, 3), "edge_4": (EDGE_3, 4), "triangle_6": (22, 6), "quadrilateral_8": (23, 8),
    "tetrahedron_10": (24, 10), "hexahedron_20": (25, 20), "line": (LINE, 2),
}  # fmt: skip


@dataclass(slots=True)
class _Item:
    """The data of one element, as text."""

    place: Place
    text: list[str] = field(default_factory=list)

    def numbers(self, kind: type) -> np.ndarray:
        """Return the numbers in one row."""
        try:
            return np.array("".join(self.text).split(), dtype=kind)
        except (ValueError, OverflowError):
            raise self.place.error("damaged: expected numbers") from None


@dataclass(slots=True)
class _Grid:
    """The first grid with a topology, while it is read."""

    topology: dict[str, str] = field(default_factory=dict)
    attributes: list[tuple[dict[str, str], list[_Item]]] = field(default_factory=list)
    cells: list[_Item] = field(default_factory=list)
    points: list[_Item] = field(default_factory=list)
    geometry: dict[str, str] = field(default_factory=dict)
    home: list[_Item] | None = None
    item: _Item | None = None
    finished: bool = False
    more: bool = False

    def start(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        if tag == "DataItem" and attributes.get("Format", "XML") != "XML":
            raise place.error(
                "refers to data outside of the file, which is not followed; write the data inside "
                "(Format XML)"
            )
        if self.finished:
            self.more |= tag == "Topology"
        elif tag == "Topology":
            self.topology, self.home = attributes, self.cells
        elif tag == "Geometry":
            self.geometry, self.home = attributes, self.points
        elif tag == "Attribute":
            self.attributes.append((attributes, []))
            self.home = self.attributes[-1][1]
        elif tag == "DataItem" and self.home is not None:
            self.item = _Item(place)
            self.home.append(self.item)

    def end(self, tag: str) -> None:
        if tag == "DataItem":
            self.item = None
        elif tag in ("Topology", "Geometry", "Attribute"):
            self.home = None
        elif tag == "Grid" and self.cells:
            self.finished = True

    def text(self, piece: str) -> None:
        if self.item is not None:
            self.item.text.append(piece)


def read(content: bytes, where: str) -> LineMesh:
    """Read the lines of the first grid.

    Raises:
        LatticeGnnError: Naming the file, the line and what is wrong.
    """
    grid = _Grid()
    handler = XmlHandler(start=grid.start, end=grid.end, text=grid.text)
    parse_xml(in_chunks(content), where, handler)
    if not grid.cells or not grid.points:
        raise LatticeGnnError(f"{where}: damaged: holds no grid with topology and geometry.")
    kind = grid.geometry.get("GeometryType", grid.geometry.get("Type", "XYZ")).upper()
    width = {"XYZ": 3, "XY": 2}.get(kind)
    if width is None:
        raise grid.points[0].place.error(f"geometry {kind[:20]!r}: expected XYZ or XY")
    points = grid.points[0].numbers(np.float64)
    if len(points) % width:
        raise grid.points[0].place.error("damaged: the coordinates do not fit their number")
    data: dict[str, dict[str, np.ndarray]] = {"cell": {}, "node": {}}
    for attributes, items in grid.attributes:
        centre = attributes.get("Center", "Node").lower()
        if items and centre in data:
            data[centre][attributes.get("Name", "")] = items[0].numbers(np.float64)
    cells = _cells(grid)
    return line_mesh(points.reshape(-1, width), cells, data["cell"], data["node"], where)


def _cells(grid: _Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return point numbers in one row, the end of each cell, and its kind."""
    item = grid.cells[0]
    name = grid.topology.get("TopologyType", grid.topology.get("Type", "")).lower()
    values = item.numbers(np.int64)
    if name == "mixed":
        return _mixed(values, item.place)
    if name not in _NAMED:
        raise item.place.error(
            f"topology {name[:30]!r}: not known here; expected Polyline or Mixed"
        )
    kind, size = _NAMED[name]
    nodes = grid.topology.get("NodesPerElement", "")
    if name in ("polyline", "polyvertex") and nodes:
        size = int(nodes) if nodes.isdecimal() and 0 < len(nodes) < 8 else 0
    if size < 1 or len(values) % size:
        raise item.place.error("damaged: the cells do not fit their number of points")
    count = len(values) // size
    return values, size * np.arange(1, count + 1), np.full(count, kind)


def _mixed(values: np.ndarray, place: Place) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    row = values.tolist()
    numbers: list[int] = []
    ends, kinds, at = [], [], 0
    while at < len(row):
        if row[at] not in _MIXED:
            raise place.error(f"a cell of kind {row[at]}, which is not known here")
        kind, size = _MIXED[row[at]]
        at += 1
        if size == 0:
            size = row[at] if at < len(row) else -1
            at += 1
        if size < 1 or at + size > len(row):
            raise place.error("damaged: the cells end within one of them")
        numbers += row[at : at + size]
        at += size
        ends.append(len(numbers))
        kinds.append(kind)
    return np.array(numbers), np.array(ends), np.array(kinds)
