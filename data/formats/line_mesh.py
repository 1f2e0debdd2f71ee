"""Line cells of meshes of any format: straight bars between points, with their data."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from data.reading import MAX_BARS, MAX_VALUES
from lattice_gnn.errors import LatticeGnnError

LINE, POLY_LINE, EDGE_2, EDGE_3, EDGE_N = 3, 4, 21, 35, 68
"""Line, poly-line, quadratic, cubic and higher edges, as VTK numbers them."""
_ENDS_FIRST = (EDGE_2, EDGE_3, EDGE_N)  #: whose first two points are the ends
_POINTS = (1, 2)  #: vertices, which stand for nothing
_NAMES = {5: "triangle", 6: "triangle strip", 7: "polygon", 8: "pixel", 9: "quad", 10: "tetra",
          11: "voxel", 12: "hexahedron", 13: "wedge", 14: "pyramid", 22: "triangle6", 23: "quad8",
          24: "tetra10", 25: "hexahedron20", 36: "cubic line", 42: "polyhedron"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LineMesh:
    """The bars of a mesh.

    Attributes:
        points: Positions.
        bars: Point numbers.
        cells: The cell that each bar is of.
        cell_data: By name, one row for each cell.
        point_data: By name, one row for each point.
        skipped: How many cells of other kinds there were, by the name of the kind.
        notes: What else of the file was left out, as sentences.
    """

    points: Float[np.ndarray, "points 3"]
    bars: Int[np.ndarray, "bars 2"]
    cells: Int[np.ndarray, " bars"]
    cell_data: dict[str, Float[np.ndarray, "cells components"]] = field(default_factory=dict)
    point_data: dict[str, Float[np.ndarray, "points components"]] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a mesh, as it stands in a file.

    Attributes:
        points: Coordinates, one to three for each point.
        cells: Point numbers of all cells in one row; for each cell the end of its points in that
            row; for each cell its kind, as VTK numbers them.
        cell_data: By name.
        point_data: By name.
    """

    points: np.ndarray
    cells: tuple[np.ndarray, np.ndarray, np.ndarray]
    cell_data: dict[str, np.ndarray]
    point_data: dict[str, np.ndarray]


def line_mesh(
    points: np.ndarray,
    cells: tuple[np.ndarray, np.ndarray, np.ndarray],
    cell_data: dict[str, np.ndarray],
    point_data: dict[str, np.ndarray],
    where: str,
) -> LineMesh:
    """Cut the line cells of a mesh into straight bars.

    Args:
        points: Coordinates, one to three for each point.
        cells: Point numbers of all cells in one row; for each cell the end of its points in that
            row; for each cell its kind, as VTK numbers them.
        cell_data: By name; what does not fit the number of cells is damage.
        point_data: By name.
        where: The file, for errors.

    Raises:
        LatticeGnnError: The arrays do not fit one another, or there is no line.
    """
    connectivity, ends, kinds = (np.asarray(x, dtype=np.int64).ravel() for x in cells)
    sizes = np.diff(ends, prepend=0)
    if len(kinds) != len(ends) or (sizes < 0).any() or ends[-1:].sum() > len(connectivity):
        raise LatticeGnnError(f"{where}: damaged: cells and their points do not fit one another.")
    is_line = np.isin(kinds, (LINE, POLY_LINE, *_ENDS_FIRST)) & (sizes >= 2)
    order = np.arange(len(connectivity))
    for cell in np.flatnonzero(is_line & np.isin(kinds, _ENDS_FIRST)).tolist():
        start, end = int(ends[cell] - sizes[cell]), int(ends[cell])
        order[start:end] = [start, *range(start + 2, end), start + 1]
    owner = np.repeat(np.arange(len(ends)), sizes)
    first = np.flatnonzero((owner[1:] == owner[:-1]) & is_line[owner[1:]])
    bars = connectivity[np.column_stack([order[first], order[first + 1]])]
    other = Counter(kinds[~is_line & ~np.isin(kinds, _POINTS)].tolist())
    skipped = {_NAMES.get(kind, f"kind {kind}"): count for kind, count in other.items()}
    if not len(bars):
        also = f" ({', '.join(skipped)})" if skipped else ""
        raise LatticeGnnError(f"{where}: holds no lines{also}; surfaces and solids are not read.")
    if len(bars) > MAX_BARS:
        raise LatticeGnnError(f"{where}: more than {MAX_BARS} lines; convert a single cell.")
    points = np.asarray(points, dtype=np.float64)
    points = np.column_stack([points, np.zeros((len(points), 3 - points.shape[1]))])
    if bars.min() < 0 or bars.max() >= len(points):
        raise LatticeGnnError(f"{where}: a line ends at a point that is not there.")
    alone = np.flatnonzero(bars[:, 0] == bars[:, 1])
    if len(alone):
        raise LatticeGnnError(
            f"{where}: cell {owner[first][alone[0]]}, counted from 0: a line begins and ends at "
            "one point; remove it."
        )
    return LineMesh(
        points,
        bars,
        owner[first],
        {name: _rows(x, len(ends), name, where) for name, x in cell_data.items()},
        {name: _rows(x, len(points), name, where) for name, x in point_data.items()},
        skipped,
    )


def _rows(values: np.ndarray, count: int, name: str, where: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if count == 0 or values.size % count or values.size == 0:
        raise LatticeGnnError(
            f"{where}: damaged: {name[:40]!r} has {values.size} numbers for {count} entries."
        )
    return values.reshape(count, -1)


def joined(parts: Sequence[Part], where: str) -> LineMesh:
    """Cut the line cells of the parts of a mesh into straight bars.

    Args:
        parts: At least one.
        where: The file, for errors.

    Raises:
        LatticeGnnError: As of `line_mesh`, or the data of all parts are too many.
    """
    if len(parts) == 1:
        (part,) = parts
        return line_mesh(part.points, part.cells, part.cell_data, part.point_data, where)
    points = np.cumsum([0, *(len(part.points) for part in parts)])
    ends = [np.asarray(part.cells[1], dtype=np.int64) for part in parts]
    used = [
        part.cells[0][: int(end[-1]) if len(end) else 0]
        for part, end in zip(parts, ends, strict=True)
    ]
    rows = np.cumsum([0, *map(len, used)])
    cells = (
        np.concatenate([x.astype(np.int64) + n for x, n in zip(used, points, strict=False)]),
        np.concatenate([end + n for end, n in zip(ends, rows, strict=False)]),
        np.concatenate([part.cells[2] for part in parts]),
    )
    cell_data = _joined_data([part.cell_data for part in parts], [len(end) for end in ends], where)
    point_data = _joined_data(
        [part.point_data for part in parts], [len(part.points) for part in parts], where
    )
    together = np.concatenate([part.points for part in parts])
    return line_mesh(together, cells, cell_data, point_data, where)


def _joined_data(
    parts: list[dict[str, np.ndarray]], counts: list[int], where: str
) -> dict[str, np.ndarray]:
    """Join the arrays of pieces with so many cells or points; nan where a piece lacks an array."""
    found = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        width = max(
            part[name].size // count
            for part, count in zip(parts, counts, strict=True)
            if name in part and count
        )
        if width * sum(counts) > MAX_VALUES:
            raise LatticeGnnError(
                f"{where}: the array {name[:40]!r} stands for more than {MAX_VALUES} numbers."
            )
        found[name] = np.concatenate(
            [
                part[name].ravel() if name in part else np.full(count * width, np.nan)
                for part, count in zip(parts, counts, strict=True)
            ]
        )
    return found
