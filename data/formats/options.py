"""Options for reading, and the checks that all formats share when writing."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from data.drawings.drawing import Drawing
from data.drawings.fold import FoldRules, recover
from data.drawings.fold_report import Fold
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import float_array
from lattice_gnn.lattice.lattice import Lattice, Material


@dataclass(frozen=True, slots=True, eq=False)
class ReadOptions:
    """How to read a format that draws struts in space.

    Attributes:
        cell: Cell vectors as rows, in the unit of the file; None: those of the file, or else the
            box round the drawing.
        split: Join struts where they cross or touch without a common node.
        tolerance: Points closer than this are one, unit of the file; None: told by the struts.
        dialect: "abaqus" or "calculix": whose decks; None: told by their content.
    """

    cell: Float[np.ndarray, "3 3"] | None = None
    split: bool = True
    tolerance: float | None = None
    dialect: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.cell is not None:
            object.__setattr__(self, "cell", float_array(self.cell, "cell", (3, 3)))
        if self.tolerance is not None and not 0 < self.tolerance < float("inf"):
            raise LatticeGnnError(
                f"tolerance: expected a length above 0 in the unit of the file, "
                f"got {self.tolerance:g}."
            )
        if self.dialect not in (None, "abaqus", "calculix"):
            raise LatticeGnnError(f"dialect: expected abaqus or calculix, got {self.dialect!r}.")


def cell_vectors(cell: Any) -> Float[np.ndarray, "3 3"] | None:
    """Return cell vectors as rows, from these or from the three edges of a box along the axes.

    Raises:
        LatticeGnnError: They are neither.
    """
    if cell is None:
        return None
    try:
        is_box = np.ndim(cell) == 1
    except ValueError:  # rows of unequal length
        is_box = False
    found = float_array(cell, "cell", (3,) if is_box else (3, 3))
    return np.diag(found) if is_box else found


def fold_file(
    where: str,
    drawing: Drawing,
    original: Lattice | None,
    options: ReadOptions,
    *,
    join_all: bool = False,
    notes: Sequence[str] = (),
) -> Fold:
    """Recover the lattice of a drawing; errors begin with the file.

    Args:
        where: The file.
        drawing: What it draws.
        original: What it says of itself.
        options: What the user says.
        join_all: Take out every node that only cuts a straight strut.
        notes: What was left out of the file.
    """
    if not drawing.name:
        drawing = dataclasses.replace(drawing, name=Path(where).stem)
    try:
        rules = FoldRules(split=options.split, join_all=join_all, tolerance=options.tolerance)
        fold = recover(drawing, original, options.cell, rules)
    except LatticeGnnError as error:
        text = str(error).rstrip(".")
        raise LatticeGnnError(f"{where}: {text}.") from None
    report = dataclasses.replace(fold.report, notes=(*fold.report.notes, *notes))
    return Fold(fold.lattice, report)


def several_solids(material: Material) -> str:
    """Return the note on struts of several solids in a file that names none of the lattice."""
    return (
        "the struts are of several solids: the first is that of the lattice, which results are "
        f"relative to: E = {material.E:g}, nu = {material.nu:g}."
    )


def only_one(path: Path, lattices: Sequence[Lattice], title: str) -> Lattice:
    """Return the lattice; the format holds one.

    Raises:
        LatticeGnnError: There are none or several.
    """
    if len(lattices) != 1:
        raise LatticeGnnError(
            f"{path}: a file of {title} holds one lattice, got {len(lattices)}; write JSON, .lat "
            "or 3MF, or one file each."
        )
    return lattices[0]
