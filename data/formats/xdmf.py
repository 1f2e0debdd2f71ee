"""XDMF files with their data inside, ``.xdmf``: all uniform grids, or those of the first time step.

Source: XDMF model and format, version 3 (xdmf.org).
"""

from dataclasses import dataclass, field, replace

import numpy as np

from data.formats.line_mesh import EDGE_2, EDGE_3, LINE, POLY_LINE, LineMesh, Part, joined
from data.reading import Place, XmlHandler, in_chunks, parse_xml
from lattice_gnn.errors import LatticeGnnError

_MIXED = {
    1: (1, 0), 2: (POLY_LINE, 0), 4: (5, 3), 5: (9, 4), 6: (10, 4), 7: (14, 5), 8: (13, 6),
    9: (12, 8), 34: (EDGE_2, 3), 35: (28, 9), 36: (22, 6), 37: (23, 8), 38: (24, 10), 39: (27, 13),
    40: (26, 15), 41: (26, 18), 48: (25, 20), 49: (25, 24), 50: (25, 27),
}  # fmt: skip
"""Of mixed topologies: kind as VTK numbers it, and points of a cell (0: the number follows)."""
_CENTRES = ("cell", "node")  #: of data that are read
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
    """A grid and what it holds.

    Attributes:
        place: Where it begins.
        is_temporal: Whether its grids are time steps.
        is_later: Whether it is a time step after the first, or a part of one.
        steps: How many grids it holds.
    """

    place: Place
    is_temporal: bool = False
    is_later: bool = False
    steps: int = 0
    topology: dict[str, str] = field(default_factory=dict)
    attributes: list[tuple[dict[str, str], list[_Item]]] = field(default_factory=list)
    cells: list[_Item] = field(default_factory=list)
    points: list[_Item] = field(default_factory=list)
    geometry: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _File:
    """The contents of the XML read so far: the open grids, the finished ones, what was left out."""

    open: list[_Grid] = field(default_factory=list)
    grids: list[_Grid] = field(default_factory=list)
    later_steps: int = 0
    structured: int = 0
    unread: list[str] = field(default_factory=list)
    home: list[_Item] | None = None
    item: _Item | None = None

    def start(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        if tag == "Grid":
            self._open(attributes, place)
        elif tag == "DataItem":
            if attributes.get("Format", "XML") != "XML":
                raise place.error(
                    "refers to data outside of the file, which is not followed; write the data "
                    "inside (Format XML)"
                )
            if self.home is not None:
                self.item = _Item(place)
                self.home.append(self.item)
        elif self.open and not self.open[-1].is_later:
            grid = self.open[-1]
            if tag == "Topology":
                grid.topology, self.home = attributes, grid.cells
            elif tag == "Geometry":
                grid.geometry, self.home = attributes, grid.points
            elif tag == "Attribute":
                grid.attributes.append((attributes, []))
                self.home = grid.attributes[-1][1]

    def _open(self, attributes: dict[str, str], place: Place) -> None:
        grid = _Grid(place, attributes.get("CollectionType", "").lower() == "temporal")
        if self.open:
            outer = self.open[-1]
            outer.steps += 1
            grid.is_later = outer.is_later or (outer.is_temporal and outer.steps > 1)
            self.later_steps += grid.is_later and not outer.is_later
        self.open.append(grid)

    def end(self, tag: str) -> None:
        if tag == "DataItem":
            self.item = None
        elif tag in ("Topology", "Geometry", "Attribute"):
            self.home = None
        elif tag == "Grid" and self.open:
            grid = self.open.pop()
            has_cells = bool(grid.cells and grid.points)
            if has_cells or _kind(grid) in {*_NAMED, "mixed"} - {"polyvertex"}:
                self.grids.append(grid)
            elif grid.topology:
                self.structured += _kind(grid) != "polyvertex"
            self.unread += [
                attributes.get("Name", "")
                for attributes, items in grid.attributes
                if not (has_cells and items and _centre(attributes) in _CENTRES)
            ]

    def text(self, piece: str) -> None:
        if self.item is not None:
            self.item.text.append(piece)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out."""
        notes = []
        if self.later_steps:
            notes.append(f"of {1 + self.later_steps} time steps the first was taken.")
        if self.structured:
            notes.append(f"structured grids, which have no lines, were skipped: {self.structured}.")
        if self.unread:
            names = ", ".join(repr(name[:30]) for name in dict.fromkeys(self.unread))
            what = "data that are not of the cells or nodes of a grid"
            notes.append(f"{what} were skipped: {names[:200]}.")
        return tuple(notes)


def read(content: bytes, where: str) -> LineMesh:
    """Read the lines of all grids, or of the first time step.

    Raises:
        LatticeGnnError: Naming the file, the line and what is wrong.
    """
    file = _File()
    handler = XmlHandler(start=file.start, end=file.end, text=file.text)
    parse_xml(in_chunks(content), where, handler)
    if not file.grids:
        raise LatticeGnnError(f"{where}: damaged: holds no grid with topology and geometry.")
    return replace(joined([_part(grid) for grid in file.grids], where), notes=file.notes)


def _kind(grid: _Grid) -> str:
    return grid.topology.get("TopologyType", grid.topology.get("Type", "")).lower()


def _centre(attributes: dict[str, str]) -> str:
    return attributes.get("Center", "Node").lower()


def _part(grid: _Grid) -> Part:
    """Return the numbers of a grid."""
    if not (grid.cells and grid.points):
        raise grid.place.error(
            "a grid whose cells or points are not written in it; write both into every grid"
        )
    kind = grid.geometry.get("GeometryType", grid.geometry.get("Type", "XYZ")).upper()
    width = {"XYZ": 3, "XY": 2}.get(kind)
    if width is None:
        raise grid.points[0].place.error(f"geometry {kind[:20]!r}: expected XYZ or XY")
    points = grid.points[0].numbers(np.float64)
    if len(points) % width:
        raise grid.points[0].place.error("damaged: the coordinates do not fit their number")
    data: dict[str, dict[str, np.ndarray]] = {centre: {} for centre in _CENTRES}
    for attributes, items in grid.attributes:
        if items and _centre(attributes) in _CENTRES:
            name, own = attributes.get("Name", ""), data[_centre(attributes)]
            if name in own:
                raise items[0].place.error(f"two attributes of one grid are called {name[:40]!r}")
            own[name] = items[0].numbers(np.float64)
    return Part(points.reshape(-1, width), _cells(grid), data["cell"], data["node"])


def _cells(grid: _Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return point numbers in one row, the end of each cell, and its kind."""
    item, name = grid.cells[0], _kind(grid)
    values = item.numbers(np.int64)
    offset = grid.topology.get("BaseOffset", "0").strip()
    if "Order" in grid.topology or (name == "mixed" and offset != "0"):
        raise item.place.error("Order, and BaseOffset of mixed cells, are not understood")
    if name == "mixed":
        return _declared(grid, _mixed(values, item.place))
    if name not in _NAMED:
        raise item.place.error(
            f"topology {name[:30]!r}: not known here; expected Polyline or Mixed"
        )
    kind, size = _NAMED[name]
    nodes = grid.topology.get("NodesPerElement", "")
    if name in ("polyline", "polyvertex") and (nodes or not _count(grid)):
        size = int(nodes) if nodes.isdecimal() and 0 < len(nodes) < 8 else 0
    if size < 1 or len(values) % size or not offset.isdecimal() or len(offset) > 15:
        raise item.place.error(
            "damaged: the cells do not fit their number of points (NodesPerElement, BaseOffset)"
        )
    count = len(values) // size
    ends, kinds = size * np.arange(1, count + 1), np.full(count, kind)
    return _declared(grid, (values - int(offset), ends, kinds))


def _count(grid: _Grid) -> str:
    """Return the number of cells that a grid declares, '' if it declares none."""
    count = grid.topology.get("NumberOfElements", grid.topology.get("Dimensions", "")).strip()
    return count if count.isdecimal() and len(count) <= 15 else ""


_Cells = tuple[np.ndarray, np.ndarray, np.ndarray]


def _declared(grid: _Grid, cells: _Cells) -> _Cells:
    """Return cells if there are as many as the grid declares."""
    if (count := _count(grid)) and int(count) != len(cells[1]):
        raise grid.cells[0].place.error(
            f"damaged: {count} cells are declared, {len(cells[1])} are there"
        )
    return cells


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
