"""``lattice_gnn.read`` and ``lattice_gnn.write``: reading and writing files of any format."""

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from data.formats import read_with_report, write_any, writing_notes
from data.formats.options import ReadOptions, cell_vectors
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sequence import as_list

MOST_NOTES = 5
"""Largest number of notes on one file that a warning lists."""


class ReadWarning(UserWarning):
    """Changes made on reading a file, such as folding a drawing into a cell or adding joints."""


class WriteWarning(UserWarning):
    """Changes made on writing a ``.lat`` catalogue: what is lost, and lattices that are turned."""


def read(
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    cell: Float[np.ndarray, "3 3"] | Sequence[Any] | None = None,
    split: bool = True,
) -> Lattice | list[Lattice]:
    """Read a file of any format: its lattice, or a list if it contains several.

    A ``ReadWarning`` reports what was done if the file draws struts in space and they were folded
    into a cell. ``data.formats.read_with_report`` gives the same as data; ``read_any`` always gives
    a list.

    Args:
        path: The file; its format is recognised by its content.
        kind: The format, such as "abaqus", where the content is ambiguous.
        cell: Cell vectors as rows, or the three edges of a box along the axes, for formats that
            draw struts in space; default: those in the file, or else the box around the drawing.
        split: Join struts where they cross or touch without a common node.

    Raises:
        LatticeGnnError: Naming the file, the place and what is wrong.
    """
    _check_path(path, "read")
    reading = read_with_report(path, kind, ReadOptions(cell_vectors(cell), split))
    told = reading.sentences()
    if told:
        more = f" ... and {len(told) - MOST_NOTES} more." if len(told) > MOST_NOTES else ""
        text = " ".join(told[:MOST_NOTES])
        warnings.warn(f"{os.fspath(path)}: {text}{more}", ReadWarning, stacklevel=2)
    return reading.lattices[0] if len(reading.lattices) == 1 else list(reading.lattices)


def write(
    path: str | os.PathLike[str],
    lattices: Lattice | Iterable[Lattice],
    *,
    kind: str | None = None,
) -> None:
    """Write one lattice or several to a file (atomically).

    A ``WriteWarning`` says what a ``.lat`` catalogue does not keep, and names the lattices that it
    turns, whose stiffness then has other components.

    Args:
        path: The file; an existing one is replaced.
        lattices: One lattice, or a sequence of them if the format holds several.
        kind: The format; default: inferred from the suffix.

    Raises:
        LatticeGnnError: If the suffix belongs to no format, the format is read only or cannot hold
            these lattices, or the file cannot be written.
    """
    _check_path(path, "write")
    several = as_list(lattices, "write")
    if write_any(path, several, kind) == "lat":
        for text in writing_notes("lat", several):
            warnings.warn(f"{os.fspath(path)}: {text}", WriteWarning, stacklevel=2)


def _check_path(path: object, verb: str) -> None:
    if not isinstance(path, str | os.PathLike):
        raise LatticeGnnError(
            f"{verb}: expected the path of a file first, got {type(path).__name__}"
        )
