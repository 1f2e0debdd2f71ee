"""Arguments that are one lattice or a sequence of lattices."""

import os
from collections.abc import Iterable
from typing import Any

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice


def as_list(lattices: Any, verb: str) -> list[Lattice]:
    """Return one lattice, or any iterable of lattices, as a list.

    Args:
        lattices: The user's argument.
        verb: Name of the called function in error messages.

    Raises:
        LatticeGnnError: For anything other than lattices, with a hint if it is a path.
    """
    if isinstance(lattices, Lattice):
        return [lattices]
    if isinstance(lattices, str | os.PathLike) or not isinstance(lattices, Iterable):
        raise LatticeGnnError(_refusal(lattices, verb, "a Lattice or a sequence of them"))
    found = list(lattices)
    for number, lattice in enumerate(found):
        if not isinstance(lattice, Lattice):
            raise LatticeGnnError(_refusal(lattice, verb, f"a Lattice as item {number}"))
    return found


def label(number: int, lattice: Lattice) -> str:
    """Return the name of one lattice of a sequence in error messages."""
    return f"lattice {number}" + (f" ({lattice.name})" if lattice.name else "")


def _refusal(value: Any, verb: str, expected: str) -> str:
    got = f"{verb}: expected {expected}, got {type(value).__name__}"
    if not isinstance(value, str | os.PathLike):
        return got
    return (
        f"{got} {os.fspath(value)!r}; lattice_gnn.read(path) reads a file, "
        "lattice_gnn.cell(name) makes a named cell"
    )
