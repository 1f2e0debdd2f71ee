"""One table with both ends of a strut in every row, as CAD programs and scripts export lines.

Columns ``x1, y1, z1, x2, y2, z2``, or ``start_x, ..., end_z`` and the like, and if known ``radius``
and ``end_radius`` in any spelling (:mod:`data.formats.columns`). Ends at equal coordinates are one
node; those that nearly coincide are merged in folding.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from data.drawings.builder import DrawingBuilder
from data.drawings.fold_report import Fold
from data.formats import columns
from data.formats.options import ReadOptions, fold_file
from data.formats.table import Table, in_place
from data.reading import Place

_SPELLINGS = (
    ("{}1", "{}2"), ("{}0", "{}1"), ("start{}", "end{}"), ("{}start", "{}end"), ("from{}", "to{}"),
    ("{}from", "{}to"), ("{}i", "{}j"), ("{}a", "{}b"), ("p1{}", "p2{}"), ("p0{}", "p1{}"),
    ("point1{}", "point2{}"), ("node1{}", "node2{}"), ("startpoint{}", "endpoint{}"),
)  # fmt: skip
"""Names of a coordinate at the first and at the second end, as letters and digits alone."""


def end_columns(names: Sequence[str]) -> list[int] | None:
    """Return the indices of x1, y1, z1, x2, y2, z2 among names; None if one of them is missing.

    Raises:
        LatticeGnnError: Two columns stand for one of them.
    """
    stems = [columns.Column.of(name).stem for name in names]
    found: list[int] | None = None
    for spelling in _SPELLINGS:
        wanted = [end.format(axis) for end in spelling for axis in "xyz"]
        if not all(stem in stems for stem in wanted):
            continue
        at = [k for stem in wanted for k in range(len(stems)) if stems[k] == stem]
        for first, second in pairwise(at):
            if stems[first] == stems[second]:
                raise columns.ambiguous(names[first], names[second], stems[first])
        if found is not None:
            raise columns.ambiguous(names[found[0]], names[at[0]], "an end of the strut")
        found = at
    return found


def read_segments(path: Path, options: ReadOptions, *, is_nodes: bool) -> Fold | None:
    """Read a table of struts with coordinates; None if its columns are others.

    Args:
        path: The file.
        options: What the user says.
        is_nodes: Whether a file of this name is a table of nodes otherwise, for errors.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    table = Table(path, "nodes" if is_nodes else "struts")
    rows = table.rows()
    _, place = next(rows)
    at = in_place(place, lambda: end_columns(table.names))
    if at is None:
        return None
    names = [table.names[k] for k in at]
    unit = in_place(place, lambda: columns.common_unit(names))
    sizes = table.sizes(place, unit, columns.OF_ENDS)
    builder = DrawingBuilder()
    labels: dict[tuple[float, ...], str] = {}
    for cells, where in rows:
        values = [table.value(cells[k], where, table.names[k]) for k in at]
        ends = [
            _node(builder, labels, values[:3], where),
            _node(builder, labels, values[3:], where),
        ]
        builder.add_bar((ends[0], ends[1]), where, *table.radii_of(cells, sizes, where))
    notes = [*sizes.notes, *table.skipped({*names, *sizes.names})]
    return fold_file(path.name, builder.drawing(path.name, units=unit), None, options, notes=notes)


def _node(
    builder: DrawingBuilder,
    labels: dict[tuple[float, ...], str],
    position: list[float],
    place: Place,
) -> str:
    """Return the label of the node at a position, which is added if it is new."""
    x, y, z = position
    if (x, y, z) not in labels:
        labels[x, y, z] = str(len(labels))
        builder.add_point(labels[x, y, z], (x, y, z), place)
    return labels[x, y, z]
