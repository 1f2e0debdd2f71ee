"""The text of a ``.lat`` catalogue, block by block: numbers and their places."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from data.reading import Place
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading
from lattice_gnn.lattice.checks import MAX_INTEGER

MAX_LINE = 4_000_000  #: characters of one line
MAX_ROWS = 300_000  #: lines of one entry, which bounds the memory that an entry can ask for

_DENSITY = re.compile(r"->\s*at relative density\s+(\S+?):?\s*$", re.IGNORECASE)
_TENSORS = re.compile(
    r"compliance tensors\s*(?:\((?!flattened)(?P<notation>[^)]*)\))?\s*(?P<edge>start|end)\b",
    re.IGNORECASE,
)
_RADII = re.compile(r"fundamental edge radii\s*(?P<edge>start|end)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_EXPONENT, _NO_DIGIT = re.compile("[eE]"), re.compile("[^0-9]")
_LABELS = ("name", "base name", "imperfection level", "imperfection kind", "nodal hash")
_TABLES = {
    "nodal positions": "nodes",
    "bar connectivities": "bars",
    "fundamental edge adjacency": "adjacency",
    "fundamental tesselation vectors": "tessellation",
    "fundamental tessellation vectors": "tessellation",
}
_COLUMNS = {"nodes": (3,), "bars": (2,), "adjacency": (2,), "tessellation": (3, 6)}


@dataclass(frozen=True, slots=True, eq=False)
class PrintedRow:
    """Numbers as printed.

    Attributes:
        values: The numbers.
        halves: Half a unit in the last digit of each, with as many digits as the longest of the row
            (shorter ones have lost trailing zeros).
    """

    values: Float[np.ndarray, " numbers"]
    halves: Float[np.ndarray, " numbers"]


@dataclass(frozen=True, slots=True)
class TensorBlock:
    """Compliance tensors of one entry: the notation, and (density, upper triangle, place)."""

    notation: str
    rows: list[tuple[float, PrintedRow, Place]]


@dataclass(slots=True)
class LatText:
    """The blocks of one entry."""

    name: str
    start: Place
    labels: dict[str, str] = field(default_factory=dict)
    imperfection_level: float = 0.0
    cell: Float[np.ndarray, "6"] = field(default_factory=lambda: np.zeros(6))
    cell_place: Place = field(default_factory=lambda: Place("", 0))
    nodes: Float[np.ndarray, "nodes 3"] = field(default_factory=lambda: np.zeros((0, 3)))
    bars: Int[np.ndarray, "bars 2"] = field(
        default_factory=lambda: np.zeros((0, 2), dtype=np.int64)
    )
    adjacency: Int[np.ndarray, "struts 2"] | None = None
    tessellation: Int[np.ndarray, "struts columns"] | None = None
    tensors: TensorBlock | None = None
    radii: list[tuple[float, Float[np.ndarray, " struts"], Place]] = field(default_factory=list)
    unread: dict[str, None] = field(default_factory=dict)


Line = tuple[str, Place]


def read_blocks(path: Path) -> Iterator[LatText]:
    """Read the entries of a catalogue, one at a time.

    Raises:
        LatticeGnnError: naming file and line.
    """
    found = False
    for lines in _entries(path):
        found = True
        yield _parse(lines)
    if not found:
        raise LatticeGnnError(
            f"{path.name}: not a .lat catalogue: expected entries that begin with 'Name:'."
        )


def _entries(path: Path) -> Iterator[list[Line]]:
    """Cut the file into the lines of its entries, each from 'Name:' on."""
    lines: list[Line] = []
    for text, place in _lines(path):
        is_name = text.lower().startswith("name:")
        if "lattice_transition" in text or is_name:
            if lines:
                yield lines
            lines = [(text, place)] if is_name else []
        elif lines:
            if len(lines) > MAX_ROWS:
                raise place.error(f"more than {MAX_ROWS} lines in one entry; split the lattice")
            lines.append((text, place))
        elif text:
            raise place.error("text outside of any entry; expected a line 'Name: ...' before it")
    if lines:
        yield lines


def _lines(path: Path) -> Iterator[Line]:
    """Read stripped lines of bounded length."""
    number = 0
    try:
        with reading(path), path.open(encoding="utf-8-sig") as file:
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise Place(path.name, number).error(f"longer than {MAX_LINE} characters")
                yield line.strip(), Place(path.name, number)
    except UnicodeDecodeError:
        raise Place(path.name, number + 1).error(
            "not a .lat catalogue: from here on it is not UTF-8 text"
        ) from None


def _parse(lines: list[Line]) -> LatText:
    """Sort the lines of one entry into blocks."""
    text, start = lines[0]
    entry = LatText(name=text.partition(":")[2].strip(), start=start)
    if not entry.name:
        raise start.error("the name is missing after 'Name:'")
    reader = _Reader(lines[1:], start)
    tables: dict[str, tuple[np.ndarray, Place]] = {}
    seen: set[str] = set()
    while (line := reader.next()) is not None:
        text, place = line
        title = text.rstrip(":").strip().lower()
        key = _kind_of(text, title)
        if key is None:
            _pass_over(entry, text, place)
            continue
        if key in seen:
            raise place.error(f"{entry.name}: a second {text.partition(':')[0]!r} in one entry")
        seen.add(key)
        if key in _LABELS:
            entry.labels[key] = text.partition(":")[2].strip()
        elif key == "cell":
            entry.cell, entry.cell_place = reader.row(6, "unit cell parameters")
        elif key == "tensors":
            entry.tensors = _tensors(reader, text, place)
        elif key == "radii":
            entry.radii = [(d, row.values, p) for d, row, p in reader.densities(_RADII, None)]
        else:
            tables[key] = (reader.table(key), place)
    _fill(entry, tables, seen)
    return entry


def _pass_over(entry: LatText, text: str, place: Place) -> None:
    """Note a line that begins no block."""
    if text and _is_number(re.split(r"[\s,]+", text[:100])[0]):
        raise place.error("numbers outside of any block; is its title missing above?")
    if text:
        entry.unread[text.partition(":")[0][:40].strip()] = None


def _kind_of(text: str, title: str) -> str | None:
    """Name the block that a line begins."""
    label = text.partition(":")[0].strip().lower()
    if ":" in text and label in _LABELS:
        return label
    if "unit cell parameters" in title:
        return "cell"
    if match := _TENSORS.match(_title(text)):
        return "tensors" if match["edge"].lower() == "start" else None
    if match := _RADII.match(_title(text)):
        return "radii" if match["edge"].lower() == "start" else None
    return _TABLES.get(title)


def _title(text: str) -> str:
    """Return the beginning of a line with single blanks: long runs of them slow patterns down."""
    return " ".join(text[:2000].split())


class _Reader:
    """The lines of one entry, one after the other."""

    def __init__(self, lines: list[Line], start: Place) -> None:
        self._lines, self._next, self._last = lines, 0, start

    def next(self) -> Line | None:
        """Return the next line, or None at the end."""
        if self._next == len(self._lines):
            return None
        line = self._lines[self._next]
        self._next += 1
        self._last = line[1]
        return line

    def filled(self, what: str) -> Line:
        """Return the next line that is not blank."""
        while (line := self.next()) is not None:
            if line[0]:
                return line
        raise self._last.error(f"the entry ends in the middle of {what}")

    def row(self, count: int | None, what: str) -> tuple[Float[np.ndarray, " numbers"], Place]:
        """Read one line of numbers."""
        text, place = self.filled(what)
        return _numbers(text, place, what, () if count is None else (count,)), place

    def table(self, key: str) -> np.ndarray:
        """Read the rows up to the next blank line, or line that is no row of numbers."""
        rows: list[np.ndarray] = []
        while (line := self.next()) is not None:
            text, place = line
            if not text or (rows and not _is_number(text.split()[0]) and text[0].isalpha()):
                if not text and not rows:
                    continue
                self._next -= 1
                break
            values = _numbers(text, place, key, _COLUMNS[key])
            if rows and len(values) != len(rows[0]):
                raise place.error(
                    f"{key}: {len(values)} numbers in this row, {len(rows[0])} in the rows above"
                )
            if key != "nodes":
                _check_integers(values, place, key)
            rows.append(values)
        if not rows:
            raise self._last.error(f"{key}: expected at least one row, got none")
        table = np.array(rows)
        return table if key == "nodes" else table.astype(np.int64)

    def densities(
        self, ending: re.Pattern[str], count: int | None
    ) -> Iterator[tuple[float, PrintedRow, Place]]:
        """Read lines of a relative density, each with a line of numbers, up to the end line."""
        seen = set()
        while True:
            text, place = self.filled("a block that has a start but no end")
            if (match := ending.match(_title(text))) and match["edge"].lower() == "end":
                return
            match = _DENSITY.match(_title(text))
            if match is None:
                raise place.error(f"expected '-> at relative density X:', got {text[:40]!r}")
            density = _numbers(match[1], place, "relative density", (1,))[0]
            if not 0 < density < 1:
                raise place.error(f"relative density: expected between 0 and 1, got {density:g}")
            if density in seen:
                raise place.error(f"relative density {density:g} occurs twice")
            seen.add(density)
            text, place = self.filled("a block that has a start but no end")
            counts = () if count is None else (count,)
            yield float(density), _printed_row(text, place, "row", counts), place


def _tensors(reader: _Reader, text: str, place: Place) -> TensorBlock:
    match = _TENSORS.match(_title(text))
    notation = ((match["notation"] if match else None) or "voigt").strip().lower()
    if notation not in ("mandel", "voigt"):
        raise place.error(
            f"compliance tensors in {notation!r}: expected (Mandel), (Voigt), or no word for Voigt"
        )
    return TensorBlock(notation, list(reader.densities(_TENSORS, 21)))


def _numbers(
    text: str, place: Place, what: str, counts: tuple[int, ...]
) -> Float[np.ndarray, " numbers"]:
    """Read one line of finite numbers, separated by blanks or commas."""
    words = text.replace(",", " ").split()
    if counts and len(words) not in counts:
        wanted = " or ".join(str(count) for count in counts)
        raise place.error(f"{what}: expected {wanted} numbers, got {len(words)} words")
    for word in words:
        if not _is_number(word):
            raise place.error(f"{what}: expected a finite number, got {word[:40]!r}")
    return np.array([float(word) for word in words])


def _printed_row(text: str, place: Place, what: str, counts: tuple[int, ...]) -> PrintedRow:
    """Read one line of numbers, with the rounding of each."""
    values = _numbers(text, place, what, counts)
    digits = max(_significant_digits(word) for word in text.replace(",", " ").split())
    with np.errstate(divide="ignore"):
        decade = np.floor(np.log10(np.abs(values)))
    halves = np.where(
        values == 0, 0.0, 0.5 * 10.0 ** (np.where(values == 0, 0, decade) - digits + 1)
    )
    return PrintedRow(values, halves)


def _significant_digits(word: str) -> int:
    mantissa = _EXPONENT.split(word)[0]
    return len(_NO_DIGIT.sub("", mantissa).lstrip("0"))


def _is_number(word: str) -> bool:
    """Whether a word is a finite number in plain ASCII, such as -1.5e-3."""
    return bool(_NUMBER.fullmatch(word)) and math.isfinite(float(word))


def _check_integers(values: Float[np.ndarray, " numbers"], place: Place, key: str) -> None:
    wrong = values[(values != np.floor(values)) | (np.abs(values) > MAX_INTEGER)]
    if len(wrong):
        raise place.error(
            f"{key}: expected integers of at most {MAX_INTEGER} in size, got {wrong[0]:.12g}"
        )


def _fill(entry: LatText, tables: dict[str, tuple[np.ndarray, Place]], seen: set[str]) -> None:
    """Check that the blocks fit together, and put them in place with nodes numbered from 0."""
    for key, title in (("cell", "unit cell parameters"), ("nodes", "Nodal positions")):
        if key not in seen:
            raise entry.start.error(f"{entry.name}: the block {title!r} is missing")
    if "imperfection level" in seen:
        level = entry.labels["imperfection level"]
        entry.imperfection_level = float(
            _numbers(level, entry.start, "imperfection level", (1,))[0]
        )
    entry.nodes = tables["nodes"][0]
    first = _first_number(entry, tables)
    for key in ("bars", "adjacency"):
        if key in tables:
            setattr(entry, key, _numbered_from_zero(entry, key, *tables[key], first))
    if "tessellation" in tables:
        entry.tessellation = tables["tessellation"][0]
    _check_struts(entry, tables)


def _numbered_from_zero(
    entry: LatText, key: str, numbers: Int[np.ndarray, "rows 2"], place: Place, first: int
) -> Int[np.ndarray, "rows 2"]:
    outside = numbers[(numbers < first) | (numbers >= len(entry.nodes) + first)]
    if len(outside):
        raise place.error(
            f"{entry.name}: {key}: node {outside[0]} does not exist; the entry lists "
            f"{len(entry.nodes)} nodes"
        )
    return numbers - first


def _check_struts(entry: LatText, tables: dict[str, tuple[np.ndarray, Place]]) -> None:
    """Struts come as a drawing, or as adjacency and tessellation vectors of equal number."""
    if (entry.adjacency is None) != (entry.tessellation is None):
        raise entry.start.error(
            f"{entry.name}: expected fundamental edge adjacency and tessellation vectors together, "
            "got one of them"
        )
    if entry.adjacency is not None and entry.tessellation is not None:
        if len(entry.tessellation) != len(entry.adjacency):
            raise tables["tessellation"][1].error(
                f"{entry.name}: {len(entry.tessellation)} tessellation vectors for "
                f"{len(entry.adjacency)} struts"
            )
    elif "bars" not in tables:
        raise entry.start.error(
            f"{entry.name}: the struts are missing: expected 'Fundamental edge adjacency' or "
            "'Bar connectivities'"
        )


def _first_number(entry: LatText, tables: dict[str, tuple[np.ndarray, Place]]) -> int:
    """Return 1 where nodes are numbered from 1: no strut ends at 0, one at the count; else 0."""
    ends = [tables[key][0].ravel() for key in ("bars", "adjacency") if key in tables]
    if not ends:
        return 0
    numbers = np.concatenate(ends)
    return int(numbers.min() == 1 and numbers.max() == len(entry.nodes))
