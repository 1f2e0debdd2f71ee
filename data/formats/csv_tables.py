"""Two tables of comma-separated values: ``NAME_nodes.csv`` and ``NAME_struts.csv``.

Nodes: columns ``id, x, y, z``. Struts: columns ``i, j`` (node ids) and, if known, ``radius`` and
``end_radius``; others are skipped. The first row names the columns; ``#`` begins comments. Either
file may be named, the other is found beside it. Our own node tables end with a comment that holds
the lattice itself.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from data.drawings.builder import DrawingBuilder
from data.drawings.drawing import draw, passport_text, read_passport
from data.drawings.fold_report import Fold
from data.formats.options import ReadOptions, fold_file, only_one
from data.reading import Place, number, read_lines
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.lattice import Lattice

PASSPORT = "# lattice-gnn "
_ENDS = (("i", "j"), ("n1", "n2"), ("start", "end"), ("node1", "node2"), ("from", "to"))


def table_paths(path: Path) -> tuple[Path, Path]:
    """Return the tables of nodes and of struts that a name stands for."""
    stem = path.stem
    for word, other in (("nodes", "struts"), ("struts", "nodes")):
        if stem.lower().endswith(word):
            pair = (path, path.with_name(stem[: -len(word)] + other + path.suffix))
            return pair if word == "nodes" else (pair[1], pair[0])
    return (
        path.with_name(f"{stem}_nodes{path.suffix}"),
        path.with_name(f"{stem}_struts{path.suffix}"),
    )


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read both tables and fold the lattice into its cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    nodes, struts = table_paths(path)
    builder = DrawingBuilder()
    comments: list[str] = []
    for row, place in _rows(nodes, comments):
        label = row.get("id") or row.get("node") or str(builder.num_points)
        x, y, z = (number(_value(row, key, place), place, key) for key in "xyz")
        builder.add_point(label, (x, y, z), place)
    for row, place in _rows(struts, []):
        found = [pair for pair in _ENDS if pair[0] in row and pair[1] in row]
        if not found:
            raise place.error("expected columns i and j for the two nodes of a strut")
        radii = [number(row[k], place, k) for k in ("radius", "end_radius") if row.get(k)]
        builder.add_bar((row[found[0][0]], row[found[0][1]]), place, *radii)
    texts = [line[len(PASSPORT) :] for line in comments if line.startswith(PASSPORT)]
    original = read_passport(texts[-1], nodes.name) if texts else None
    name = nodes.stem[: -len("nodes")].rstrip("_-. ")
    drawing = builder.drawing(struts.name, name=original.name if original else name)
    return [fold_file(path.name, drawing, original, options)]


def _rows(path: Path, comments: list[str]) -> Iterator[tuple[dict[str, str], Place]]:
    """Yield the rows of a table by column, and collect its comments."""
    columns: list[str] = []
    for line, place in read_lines(path):
        if line.startswith("#"):
            comments.append(line)
            continue
        if not line:
            continue
        try:
            (cells,) = csv.reader([line], strict=True)
        except (csv.Error, ValueError) as error:
            raise place.error(f"not a row of comma-separated values ({error})") from None
        cells = [cell.strip() for cell in cells]
        if not columns:
            columns = [cell.lower() for cell in cells]
            continue
        if len(cells) != len(columns):
            raise place.error(f"expected {len(columns)} columns, got {len(cells)}")
        yield dict(zip(columns, cells, strict=True)), place
    if not columns:
        raise LatticeGnnError(f"{path.name}: empty; expected a row that names the columns.")


def _value(row: dict[str, str], key: str, place: Place) -> str:
    if key not in row:
        raise place.error(f"expected columns x, y and z; {key} is missing")
    return row[key]


def write(path: Path, lattices: Sequence[Lattice]) -> None:
    """Write one lattice as two tables, with the images of nodes that its struts end at.

    Raises:
        LatticeGnnError: There are several, or the files cannot be written.
    """
    lattice = only_one(path, lattices, "CSV tables")
    drawing = draw(lattice)
    ends = lattice.radii if lattice.end_radii is None else lattice.end_radii
    lines = ["id,x,y,z"]
    lines += [f"{n},{x!r},{y!r},{z!r}" for n, (x, y, z) in enumerate(drawing.points.tolist())]
    rows = zip(drawing.bars.tolist(), lattice.radii.tolist(), ends.tolist(), strict=True)
    nodes, struts = table_paths(path)
    write_whole(nodes, "\n".join([*lines, PASSPORT + passport_text(lattice), ""]))
    lines = ["i,j,radius,end_radius", *(f"{i},{j},{r!r},{end!r}" for (i, j), r, end in rows), ""]
    write_whole(struts, "\n".join(lines))
