"""A table of text, read row by row: its separator, the names of its columns, its numbers."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.formats import columns
from data.reading import Place, number, read_lines
from lattice_gnn.errors import LatticeGnnError

COMMENTS = ("#", "%")
_SEPARATORS = (";", "\t", "|", ",")
_EMPTY = "".join(_SEPARATORS) + ' "'
_WANTED = {
    "nodes": "x, y, z and perhaps id",
    "struts": "i, j (the nodes of a strut) and perhaps radius and end_radius",
}
_IGNORED = ("label",)  #: columns of struts that mean nothing here, without a note


@dataclass(slots=True)
class Table:
    """A table, read row by row.

    Attributes:
        path: The file.
        kind: "nodes" or "struts".
        names: The columns, known after the first row.
        comments: Its comments.
        unnamed: Whether there are cells in columns without a name.
    """

    path: Path
    kind: str
    names: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    separator: str | None = None
    unnamed: bool = False

    def rows(self) -> Iterator[tuple[list[str], Place]]:
        """Yield the header row, then the cells of every row."""
        for line, place in read_lines(self.path):
            if line.startswith(COMMENTS):
                self.comments.append(line)
            elif found := re.fullmatch(r"sep=(.)", line):
                self.separator = found[1]
            elif line.strip(_EMPTY):  # spreadsheets write rows of separators alone
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
            self._refuse_repeated(place)
            yield self.names, place
            yield self._row(line, place), place
            return
        self.names = first
        while self.names and not self.names[-1]:
            self.names.pop()
        self._refuse_repeated(place)
        yield self.names, place

    def _refuse_repeated(self, place: Place) -> None:
        named = [name for name in self.names if name]
        if len(set(named)) < len(named):
            raise place.error("two columns have one name; name each of them differently")

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
        if "" in self.names and not self.unnamed:
            self.unnamed = any(x for name, x in zip(self.names, cells, strict=False) if not name)
        return cells[:width]

    def column(self, role: str, place: Place) -> int:
        """Return the index of a required column, which must be the only one of its role."""
        return self._index(in_place(place, lambda: columns.only(self.names, role)), role, place)

    def ends(self, place: Place) -> tuple[int, int]:
        """Return the indices of the columns of both nodes of a strut."""
        pair = in_place(place, lambda: columns.node_columns(self.names))
        i, j = self._index(pair[0], "i", place), self._index(pair[1], "j", place)
        return i, j

    def _index(self, name: str | None, role: str, place: Place) -> int:
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

    def sizes(self, place: Place, unit: str, keys: Sequence[str]) -> columns.Sizes:
        """Return the columns of radii, see ``columns.sizes_among``."""
        return in_place(place, lambda: columns.sizes_among(self.names, unit, keys))

    def radii_of(self, cells: list[str], sizes: columns.Sizes, place: Place) -> list[float]:
        """Return the radii of a strut that its row gives: none, one, or those of both ends."""
        given = [
            factor * self.value(cell, place, name) if cell else None
            for name, factor in sizes.columns.values()
            for cell in [cells[self.names.index(name)]]
        ]
        if given and given[0] is None and any(x is not None for x in given):
            raise place.error("this strut has a radius at its other end alone; give both")
        return [x for x in given if x is not None]

    def skipped(self, used: set[str]) -> list[str]:
        """Return notes on the columns that were not understood, if there are any."""
        ignored = _IGNORED if self.kind == "struts" else ()
        notes = columns.skipped_note(
            x for x in self.names
            if x and x not in used and not any(columns.Column.of(x).is_a(r) for r in ignored)
        )  # fmt: skip
        return [*notes, *(["columns without a name were skipped."] if self.unnamed else [])]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+0-9.,eEdD]+", text) is not None and any(x.isdigit() for x in text)


def in_place(place: Place, run: Callable[[], Any]) -> Any:
    """Run a function and add the place to its error."""
    try:
        return run()
    except LatticeGnnError as error:
        raise place.error(str(error)) from None
