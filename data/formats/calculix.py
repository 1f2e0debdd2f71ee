"""CalculiX input decks of beams, ``.inp``: as those of Abaqus, but circles by their diameter.

CalculiX takes circular sections for quadratic elements (B32, B32R) alone.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from data.drawings.fold_report import Fold
from data.formats import abaqus
from data.formats.abaqus_write import DeckOptions, write_deck
from data.formats.options import ReadOptions, only_one
from lattice_gnn.lattice.lattice import Lattice


def read(path: Path, options: ReadOptions) -> list[Fold]:
    """Read a deck and fold its beams into their cell.

    Raises:
        LatticeGnnError: Naming file and line.
    """
    return abaqus.read(path, dataclasses.replace(options, dialect="calculix"))


def write(path: Path, lattices: Sequence[Lattice]) -> None:
    """Write one lattice as a periodic cell under six unit macroscopic stresses.

    Raises:
        LatticeGnnError: There are several, or the file cannot be written.
    """
    options = DeckOptions(dialect="calculix", elements=8)
    write_deck(path, only_one(path, lattices, "CalculiX"), options)
