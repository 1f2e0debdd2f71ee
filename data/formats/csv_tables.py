"""Two tables, ``NAME_nodes.csv`` and ``NAME_struts.csv``, with any usual separator.

Nodes: columns ``id, x, y, z``; without an id rows are numbered from 0. Struts: columns ``i, j``
(node ids) and, if known, ``radius`` and ``end_radius``. Other spellings of these names, diameters
and units in brackets are understood (:mod:`data.formats.columns`), radii may stand with the nodes,
and columns that are not understood are skipped, which is said. The first row names the columns;
``#`` begins comments; the separator is a comma, semicolon, tab, bar or blanks, whichever the first
row has. Either file may be named, the other is found beside it. Our own node tables end with a
comment that holds the lattice itself.
"""

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from data.drawings.builder import DrawingBuilder
from data.drawings.drawing import draw, passport_text, read_passport
from data.drawings.fold_report import Fold
from data.formats import columns
from data.formats.options import ReadOptions, fold_file, only_one
from data.reading import Place, number, read_lines
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import replacing
from lattice_gnn.lattice.lattice import Lattice

PASSPORT = "# lattice-gnn "
_NODE_WORDS = ("nodes", "points", "vertices", "node")
_STRUT_WORDS = ("struts", "edges", "beams", "bars", "elements", "lines", "strut", "edge", "beam")
_SEPARATORS = (";", "\t", "|", ",")
_WANTED = {
    "nodes": "x, y, z and perhaps id",
    "struts": "i, j (the nodes of a strut) and perhaps radius and end_radius",
}
_IGNORED = ("label",)  #: columns of struts that mean nothing here, without a note


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


@dataclass(slots=True)
class _Table:
    """A table, read row by row.

    Attributes:
        path: The file.
        kind: "nodes" or "struts".
        names: The columns, known after the first row.
        comments: Its comments.
    """

    path: Path
    kind: str
    names: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    separator: str | None = None

    def rows(self) -> Iterator[tuple[list[str], Place]]:
        """Yield the header row, then the cells of every row."""
        for line, place in read_lines(self.path):
            if line.startswith("#"):
                self.comments.append(line)
            elif found := re.fullmatch(r"sep=(.)", line):
                self.separator = found[1]
            elif line:
                if not self.names:
                    yield from self._head(line, place)
                else:
                    yield self._row(line, place), place
        if not self.names:
            raise LatticeGnnError(
                f"{self.path.name}: empty; expected a row that names the columns: "
                f"{_WANTED[self.kind]}."
            )

    def _head(self, line: str, place: Place) -> Iterator[tuple[list[str], Place]]:
        """Take the names of the columns from the first row, or from the comment before it."""
        first = self._cells(line, place)
        if all(_is_number(cell) for cell in first if cell):
            before = self.comments[-1].lstrip("#% ") if self.comments else ""
            self.names = self._cells(before, place) if before else []
            if len(self.names) != len(first) or all(map(_is_number, self.names)):
                raise place.error(
                    f"expected a row that names the columns: {_WANTED[self.kind]}; got numbers"
                )
            yield self.names, place
            yield self._row(line, place), place
            return
        self.names = first
        while self.names and not self.names[-1]:
            self.names.pop()
        yield self.names, place

    def _cells(self, line: str, place: Place) -> list[str]:
        if self.separator is None:
            self.separator = next((x for x in _SEPARATORS if x in line), " ")
        if self.separator == " ":
            return line.split()
        try:
            (cells,) = csv.reader([line], delimiter=self.separator, strict=True)
        except (csv.Error, ValueError) as error:
            raise place.error(f"not a row of separated values ({error})") from None
        return [cell.strip() for cell in cells]

    def _row(self, line: str, place: Place) -> list[str]:
        cells, width = self._cells(line, place), len(self.names)
        if len(cells) < width or any(cells[width:]):
            raise place.error(f"expected {width} columns, got {len(cells)}")
        return cells[:width]

    def column(self, role: str, place: Place, taken: str | None = None) -> int:
        """Return the index of a required column."""
        name = columns.find((x for x in self.names if x != taken), role)
        if name is None:
            raise place.error(
                f"{role} is missing: expected columns {_WANTED[self.kind]}, got "
                f"{', '.join(self.names)[:60]}"
            )
        return self.names.index(name)

    def value(self, text: str, place: Place, what: str) -> float:
        """Return a number; a decimal comma is understood where commas do not separate."""
        if self.separator != ",":
            text = text.replace(",", ".")
        return number(text, place, what)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+0-9.,eEdD]+", text) is not None and any(x.isdigit() for x in text)


def _label(text: str) -> str:
    """Return the label of a node: 1.0 is 1."""
    whole = re.fullmatch(r"([+-]?\d+)\.0*", text)
    return whole[1] if whole else text


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read both tables and fold the lattice into its cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    nodes, struts = table_paths(path)
    builder = DrawingBuilder()
    node_table, strut_table = _Table(nodes, "nodes"), _Table(struts, "struts")
    at_nodes, unit, notes = _read_nodes(node_table, builder)
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


def _read_nodes(table: _Table, builder: DrawingBuilder) -> tuple[list[float], str, list[str]]:
    """Add the nodes; return their radii (nan where they have none), the unit, and notes."""
    rows = table.rows()
    _, place = next(rows)
    at = [table.column(role, place) for role in "xyz"]
    label = columns.find(table.names, "label")
    sizes = _sizes(table, place)
    unit = _in_place(place, lambda: columns.common_unit(table.names[k] for k in at))
    used = {*(table.names[k] for k in at), label, *(name for name, _ in sizes.values())}
    size = sizes.get("radius")
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
    notes = columns.skipped_note(x for x in table.names if x and x not in used)
    return radii, unit, notes


def _read_struts(table: _Table, builder: DrawingBuilder, unit: str) -> list[str]:
    """Add the struts; return notes."""
    rows = table.rows()
    _, place = next(rows)
    i = table.column("i", place)
    j = table.column("j", place, taken=table.names[i])
    sizes = _sizes(table, place)
    ends = [sizes[key] for key in ("radius", "end_radius") if key in sizes]
    parts = []
    for name, factor in ends:
        unit_of_column = _in_place(place, partial(columns.unit_factor, name, unit))
        parts.append((table.names.index(name), name, factor * unit_of_column))
    for cells, where in rows:
        radii = [f * table.value(cells[k], where, name) for k, name, f in parts if cells[k]]
        builder.add_bar((_label(cells[i]), _label(cells[j])), where, *radii)
    used = {table.names[i], table.names[j], *(name for _, name, _ in parts)}
    return columns.skipped_note(
        x for x in table.names
        if x and x not in used and not any(columns.Column.of(x).is_a(r) for r in _IGNORED)
    )  # fmt: skip


def _sizes(table: _Table, place: Place) -> dict[str, tuple[str, float]]:
    if len(set(table.names)) < len([x for x in table.names if x]):
        raise place.error("two columns have one name; name each of them differently")
    return _in_place(place, lambda: columns.size_columns(table.names))


def _in_place(place: Place, run: Callable[[], Any]) -> Any:
    """Run a function and add the place to its error."""
    try:
        return run()
    except LatticeGnnError as error:
        raise place.error(str(error)) from None


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
