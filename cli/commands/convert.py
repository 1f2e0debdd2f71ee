"""``lattice-gnn convert``: convert lattice files between formats."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.inputs import check_output
from cli.terminal.options import Supercell
from cli.terminal.output import say_note
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    import numpy as np


Source = Annotated[Path, typer.Argument(metavar="A", help="File to read.")]
Target = Annotated[Path, typer.Argument(metavar="B", help="File to write.")]
FromKind = Annotated[
    str | None,
    typer.Option("--from", metavar="KIND", help="Format of A; default: found from its content."),
]
ToKind = Annotated[
    str | None,
    typer.Option("--to", metavar="KIND", help="Format of B; default: inferred from its suffix."),
]
Cell = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBERS",
        help="Cell of a drawing: 3 edge lengths along the axes, or 9 numbers, vector by "
        "vector; default: that of the file, else the bounding box of the drawing.",
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        metavar="LENGTH",
        help="Points of a drawing closer than this are merged, unit of A; default: a small "
        "fraction of the strut length.",
    ),
]
Dialect = Annotated[
    str | None,
    typer.Option(
        metavar="PROGRAM",
        help="Program of the input deck A, abaqus or calculix, where the deck does not tell: "
        "circles are given by radius or by diameter.",
    ),
]
KeepCrossings = Annotated[
    bool, typer.Option("--keep-crossings", help="Do not add joints where struts cross.")
]
RelativeDensity = Annotated[
    float | None,
    typer.Option(help="Scale all radii to this sum of strut volumes over the cell volume."),
]


def convert(  # noqa: PLR0913 (every option of a command is a parameter)
    source: Source,
    target: Target,
    from_kind: FromKind = None,
    to_kind: ToKind = None,
    cell: Cell = None,
    tolerance: Tolerance = None,
    dialect: Dialect = None,
    keep_crossings: KeepCrossings = False,
    relative_density: RelativeDensity = None,
    supercell: Supercell = (1, 1, 1),
) -> None:
    """Convert lattices from one file format to another.

    Formats: 3mf, abaqus, calculix, csv, gmsh, json, lat, ltcx, text, vtk, vtu, xdmf; pylattice is
    read only. Formats that draw struts in space are folded into a periodic cell, with notes on what
    was done. docs/formats.md lists what each format keeps and loses.
    """
    check_output(target, [source])
    from data.formats import read_with_report, write_any, writing_notes
    from data.formats.options import ReadOptions

    options = ReadOptions(
        cell=_cell(cell), split=not keep_crossings, tolerance=tolerance, dialect=dialect
    )
    reading = read_with_report(source, from_kind, options)
    for sentence in reading.sentences():
        say_note(f"{source}: {sentence}")
    _refuse_unused(source, reading.kind, tolerance, dialect)
    reading.require_spanning(str(source))
    lattices = list(reading.lattices)
    if relative_density is not None:
        lattices = [lattice.with_relative_density(relative_density) for lattice in lattices]
    if supercell != (1, 1, 1):
        lattices = [lattice.supercell(supercell) for lattice in lattices]
    kind = write_any(target, lattices, to_kind)
    if reading.kind == "lat":
        say_note(f"{target}: reference tensors of a catalogue are not kept.")
    for sentence in writing_notes(kind, lattices):
        say_note(f"{target}: {sentence}")
    what = repr(lattices[0]) if len(lattices) == 1 else f"{len(lattices)} lattices"
    say_note(f"{target}: {what}, {reading.kind} to {kind}")


def _refuse_unused(source: Path, kind: str, tolerance: float | None, dialect: str | None) -> None:
    """Refuse options that the format of A has no use for."""
    if tolerance is not None and kind in ("json", "lat"):
        raise LatticeGnnError(
            f"--tolerance: is for drawings, and {source} ({kind}) holds the nodes; leave it out."
        )
    if dialect is not None and kind not in ("abaqus", "calculix"):
        raise LatticeGnnError(
            f"--dialect: is for input decks, and {source} is of kind {kind}; leave it out."
        )


def _cell(text: str | None) -> "np.ndarray | None":
    if text is None:
        return None
    import numpy as np

    try:
        numbers = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        numbers = np.zeros(0)
    if numbers.size not in (3, 9) or not np.isfinite(numbers).all():
        raise LatticeGnnError(f"--cell {text}: expected 3 edge lengths, or 9 numbers.")
    return np.diag(numbers) if numbers.size == 3 else numbers.reshape(3, 3)
