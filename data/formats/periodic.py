"""The formats that hold the periodic lattice itself: our JSON and ``.lat`` catalogues."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from data.drawings.fold_report import Fold, FoldReport
from data.formats.options import ReadOptions
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import read_lattices, write_lattices
from lattice_gnn.lattice.lattice import Lattice


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read a JSON file or a catalogue, whichever it is.

    Raises:
        LatticeGnnError: Naming file and place; also if a cell is given, which these files have.
    """
    from data.formats import first_guess

    if options.cell is not None:
        raise LatticeGnnError(f"{path.name}: holds its cell; leave out the cell vectors.")
    if first_guess(path) != "lat":
        return [Fold(lattice) for lattice in read_lattices(path)]
    from data.formats.lat import read_lat

    return [
        Fold(entry.lattice, FoldReport(notes=entry.reading_notes())) for entry in read_lat(path)
    ]


def write(path: Path, lattices: Sequence[Lattice], kind: str = "json") -> None:
    """Write JSON, or a catalogue without tensors.

    A catalogue keeps neither units nor E, and names without blanks: these become ``_``.

    Raises:
        LatticeGnnError: The file cannot be written, or a catalogue cannot hold such lattices.
    """
    if kind == "json":
        write_lattices(path, list(lattices))
        return
    from data.formats.lat import CatalogueEntry, write_lat

    entries = []
    for number, lattice in enumerate(lattices):
        name = "_".join(lattice.name.split()) or f"lattice_{number}"
        entries.append(CatalogueEntry(dataclasses.replace(lattice, name=name)))
    write_lat(path, entries)
