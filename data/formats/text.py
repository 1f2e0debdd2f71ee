"""GRID/STRUT text: the wireframe files of the 149-line MATLAB homogenisation code.

::

    GRID  1  0.0 0.0 0.0
    GRID  2  1.0 1.0 1.0
    STRUT 1  1 2

``GRID id x y z`` and ``STRUT id start end``, in a unit cube, blanks or commas between. A ``STRUT``
line may end with a radius, or with the radii at both ends. ``#`` and ``$`` begin comments; our own
files end with one that holds the lattice itself.

Source: github.com/GuoyingDong/homogenization.
"""

from collections.abc import Sequence
from pathlib import Path

from data.drawings.builder import DrawingBuilder
from data.drawings.drawing import draw, passport_text, read_passport
from data.drawings.fold_report import Fold
from data.formats.options import ReadOptions, fold_file, only_one
from data.reading import number, read_lines
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.lattice import Lattice

PASSPORT = "# lattice-gnn "


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read a wireframe and fold it into its cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    builder = DrawingBuilder()
    original = None
    for line, place in read_lines(path):
        if line.startswith(PASSPORT):
            original = read_passport(line[len(PASSPORT) :], f"{path.name}, line {place.line}")
            continue
        words = line.replace(",", " ").split()
        if not words or words[0][0] in "#$%":
            continue
        keyword = words[0].upper()
        if keyword == "GRID":
            if len(words) != 5:
                raise place.error(f"expected 'GRID id x y z', got {line[:60]!r}")
            x, y, z = (number(word, place, "coordinate") for word in words[2:])
            builder.add_point(words[1], (x, y, z), place)
        elif keyword == "STRUT":
            if not 4 <= len(words) <= 6:
                raise place.error(f"expected 'STRUT id start end [radius]', got {line[:60]!r}")
            radii = [number(word, place, "radius") for word in words[4:]]
            builder.add_bar((words[2], words[3]), place, *radii)
        else:
            raise place.error(f"expected a line of GRID or STRUT, got {line[:60]!r}")
    return [fold_file(path.name, builder.drawing(path.name), original, options)]


def write(path: Path, lattices: Sequence[Lattice]) -> None:
    """Write one lattice, with the images of nodes that its struts end at.

    Raises:
        LatticeGnnError: There are several, or the file cannot be written.
    """
    lattice = only_one(path, lattices, "GRID/STRUT text")
    drawing = draw(lattice)
    ends = lattice.sections.end_radii
    lines = [
        f"GRID {label} {x!r} {y!r} {z!r}"
        for label, (x, y, z) in enumerate(drawing.points.tolist(), 1)
    ]
    rows = zip(drawing.bars.tolist(), lattice.radii.tolist(), ends.tolist(), strict=True)
    for label, ((i, j), r1, r2) in enumerate(rows, 1):
        radii = f"{r1!r}" if r1 == r2 else f"{r1!r} {r2!r}"
        lines.append(f"STRUT {label} {i + 1} {j + 1} {radii}")
    write_whole(path, "\n".join([*lines, PASSPORT + passport_text(lattice), ""]))
