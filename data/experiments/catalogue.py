"""Catalogues with reference tensors: reading them, and selecting among their tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from data.formats import kind_of
from data.formats.lat import CatalogueEntry, read_lat
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.stiffness import Stiffness


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A lattice with its reference tensor.

    Attributes:
        row: Entry of the catalogue, from 0.
        lattice: The lattice at the density of the tensor.
        stiffness: C / E_s.
        rounding: Half a unit in the last printed digit of the compliance, 1/E_s, Mandel.
    """

    row: int
    lattice: Lattice
    stiffness: Stiffness
    rounding: Float[np.ndarray, "6 6"]


def read_catalogue(path: Path, expected: str = "a .lat catalogue") -> list[CatalogueEntry]:
    """Read a ``.lat`` file with reference tensors.

    Args:
        path: The file.
        expected: Kinds of file that the caller accepts, for the message.

    Raises:
        LatticeGnnError: If the file has another format, cannot be used, or contains no tensor.
    """
    kind = kind_of(path)
    if kind != "lat":
        raise LatticeGnnError(
            f"{path.name}: a file of the format {kind} carries no reference tensors to compare "
            f"with; expected {expected}."
        )
    entries = read_lat(path)
    if not any(entry.references for entry in entries):
        raise LatticeGnnError(
            f"{path.name}: none of its {len(entries)} entries carries a compliance tensor to "
            "compare with."
        )
    return entries


def choose_references(
    entries: Sequence[CatalogueEntry],
    *,
    lowest: int | None = None,
    highest: int | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> list[Reference]:
    """Select tensors of a catalogue.

    Args:
        entries: The catalogue.
        lowest: Number of lowest densities of each entry to take; None takes all.
        highest: Number of highest densities to take among these; None takes all.
        limit: Largest number of tensors to keep, drawn at random; None keeps all.
        seed: Random seed of that draw.

    Raises:
        LatticeGnnError: For a number below 1.
    """
    for name, value in (("lowest", lowest), ("highest", highest), ("limit", limit)):
        if value is not None and value < 1:
            raise LatticeGnnError(f"{name}: expected a whole number of at least 1, got {value}.")
    found: list[Reference] = []
    for row, entry in enumerate(entries):
        own = [
            Reference(row, lattice, stiffness, rounding)
            for (lattice, stiffness), rounding in zip(entry.pairs(), entry.roundings, strict=True)
        ]
        own.sort(key=lambda reference: reference.lattice.relative_density)
        own = own[:lowest]
        found += own[-highest:] if highest else own
    return [found[k] for k in drawn(len(found), limit, seed).tolist()]


def drawn(count: int, limit: int | None, seed: int) -> Int[np.ndarray, " kept"]:
    """Draw at most ``limit`` of the given number of indices, ascending; None returns all."""
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[:limit])
