"""Two tables, ``NAME_nodes.csv`` and ``NAME_struts.csv``, with any usual separator.

Nodes: columns ``id, x, y, z``; without an id rows are numbered from 0. Struts: columns ``i, j``
(node ids) and, if known, ``radius`` and ``end_radius``. Other spellings of these names, diameters
and units in brackets are understood (:mod:`data.formats.columns`), radii may stand with the nodes,
and columns that are not understood are skipped, which is said. The first row names the columns;
``#`` begins comments; the separator is a comma, semicolon, tab, bar or blanks, whichever the first
row has. Either file may be named, the other is found beside it. Our own node tables end with a
comment that holds the lattice itself. One table with both ends of a strut in every row is read by
:mod:`data.formats.segments`.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from data.drawings.builder import DrawingBuilder
from data.drawings.drawing import draw, passport_text, read_passport
from data.drawings.fold_report import Fold
from data.formats import columns
from data.formats.options import ReadOptions, fold_file, only_one
from data.formats.segments import read_segments
from data.formats.table import Table, in_place
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import replacing
from lattice_gnn.lattice.lattice import Lattice

PASSPORT = "# lattice-gnn "
_NODE_WORDS = ("nodes", "points", "vertices", "node")
_STRUT_WORDS = ("struts", "edges", "beams", "bars", "elements", "lines", "strut", "edge", "beam")


def table_paths(path: Path) -> tuple[Path, Path]:
    """Return the paths of the node and strut tables behind a name."""
    stem = path.stem
    for mine, others in ((_NODE_WORDS, _STRUT_WORDS), (_STRUT_WORDS, _NODE_WORDS)):
        word = next((x for x in mine if stem.lower().endswith(x)), None)
        if word is None:
            continue
        names = [path.with_name(stem[: -len(word)] + x + path.suffix) for x in others]
        other = next((x for x in names if x.exists()), names[0])
        return (path, other) if mine is _NODE_WORDS else (other, path)
    return (
        path.with_name(f"{stem}_nodes{path.suffix}"),
        path.with_name(f"{stem}_struts{path.suffix}"),
    )


def _label(text: str) -> str:
    """Return the label of a node: 1.0 is 1."""
    whole = re.fullmatch(r"([+-]?\d+)\.0*", text)
    return whole[1] if whole else text


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read both tables, or the one, and fold the lattice into its cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    nodes, struts = table_paths(path)
    if path.is_file() and (found := read_segments(path, options, is_nodes=path == nodes)):
        return [found]
    builder = DrawingBuilder()
    node_table, strut_table = Table(nodes, "nodes"), Table(struts, "struts")
    _require(nodes, (nodes, struts), path)
    at_nodes, unit, notes = _read_nodes(node_table, builder)
    _require(struts, (nodes, struts), path)
    notes += _read_struts(strut_table, builder, unit)
    texts = [x[len(PASSPORT) :] for x in node_table.comments if x.startswith(PASSPORT)]
    original = read_passport(texts[-1], nodes.name) if texts else None
    word = next((x for x in _NODE_WORDS if nodes.stem.lower().endswith(x)), "")
    name = nodes.stem[: len(nodes.stem) - len(word)].rstrip("_-. ")
    drawing = builder.drawing(
        struts.name, name=original.name if original else name, units="" if original else unit
    )
    drawing, more = columns.with_node_radii(drawing, at_nodes, struts.name)
    return [fold_file(path.name, drawing, original, options, notes=[*notes, *more])]


def _require(table: Path, tables: tuple[Path, Path], path: Path) -> None:
    """Refuse a lattice one of whose tables is missing."""
    if not table.exists():
        raise LatticeGnnError(
            f"{path.name}: {table.name} is missing: a lattice is read from two tables, "
            f"{tables[0].name} and {tables[1].name}, or from one with both ends of a strut in "
            "every row, in columns x1, y1, z1, x2, y2, z2."
        )


def _read_nodes(table: Table, builder: DrawingBuilder) -> tuple[list[float], str, list[str]]:
    """Add the nodes; return their radii (nan where they have none), the unit, and notes."""
    rows = table.rows()
    _, place = next(rows)
    at = [table.column(role, place) for role in "xyz"]
    label = in_place(place, lambda: columns.only(table.names, "label"))
    unit = in_place(place, lambda: columns.common_unit(table.names[k] for k in at))
    sizes = table.sizes(place, unit, columns.OF_NODES)
    used = {*(table.names[k] for k in at), label or "", *sizes.names}
    size = sizes.columns.get("radius")
    radii: list[float] = []
    label_at = None if label is None else table.names.index(label)
    for cells, where in rows:
        own = str(builder.num_points) if label_at is None else _label(cells[label_at])
        x, y, z = (table.value(cells[k], where, table.names[k]) for k in at)
        builder.add_point(own, (x, y, z), where)
        cell = "" if size is None else cells[table.names.index(size[0])]
        radii.append(table.value(cell, where, size[0]) * size[1] if size and cell else math.nan)
    if label is None:
        builder.number_rows()
    return radii, unit, [*sizes.notes, *table.skipped(used)]


def _read_struts(table: Table, builder: DrawingBuilder, unit: str) -> list[str]:
    """Add the struts; return notes."""
    rows = table.rows()
    _, place = next(rows)
    i, j = table.ends(place)
    sizes = table.sizes(place, unit, columns.OF_ENDS)
    for cells, where in rows:
        radii = table.radii_of(cells, sizes, where)
        builder.add_bar((_label(cells[i]), _label(cells[j])), where, *radii)
    return [*sizes.notes, *table.skipped({table.names[i], table.names[j], *sizes.names})]


def write(path: Path, lattices: Sequence[Lattice]) -> None:
    """Write one lattice as two tables, with the images of nodes that its struts end at.

    Raises:
        LatticeGnnError: There are several, or the files cannot be written.
    """
    lattice = only_one(path, lattices, "CSV tables")
    drawing = draw(lattice)
    ends = lattice.sections.end_radii
    lines = ["id,x,y,z"]
    lines += [f"{n},{x!r},{y!r},{z!r}" for n, (x, y, z) in enumerate(drawing.points.tolist())]
    rows = zip(drawing.bars.tolist(), lattice.radii.tolist(), ends.tolist(), strict=True)
    nodes, struts = table_paths(path)
    rest = ["i,j,radius,end_radius", *(f"{i},{j},{r!r},{end!r}" for (i, j), r, end in rows), ""]
    with replacing(nodes) as first, replacing(struts) as second:  # both, or none of them
        first.write_text("\n".join([*lines, PASSPORT + passport_text(lattice), ""]), "utf-8")
        second.write_text("\n".join(rest), "utf-8")
