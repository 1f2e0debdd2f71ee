"""Target stiffness tensors from files."""

import math
import re
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from lattice_gnn.design.elastic import target_components
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml
from lattice_gnn.tensors.arrays import float64_tensor

_ORDER = "11 22 33 23 13 12"


def read_target(place: str, E_s: float = 1.0) -> Float[Tensor, "6 6"]:
    """Read the target of ``FILE`` or ``FILE:NAME``, C/E_s in Voigt notation, NaN where free.

    The file, JSON or YAML, holds ``voigt``, a 6x6 matrix in the order 11, 22, 33, 23, 13, 12 with
    null for free components. It may be a document of predict or homogenise, whose ``stiffness`` is
    taken, or hold several targets by name as ``targets``. An ``order`` of components, if it gives
    one, must be this one; ``E_solid``, which stiffness cards give, is E_s.

    Args:
        place: The file, and the name if it holds several.
        E_s: Young's modulus of the solid in the unit of the matrix; 1: that of the file, if any.

    Raises:
        LatticeGnnError: If there is no target that a stiffness can have.
    """
    path, name = file_and_name(place)
    values = read_yaml(path)
    values = values["stiffness"] if isinstance(values.get("stiffness"), dict) else values
    targets = values.get("targets")
    if targets is not None:
        values = values | _named(targets, name, path)
    elif name is not None:
        raise LatticeGnnError(f"{path}: holds one target, so that {name!r} cannot be chosen.")
    if "voigt" not in values:
        raise LatticeGnnError(
            f"{path}: expected a 6x6 matrix 'voigt', 'targets' by name, or the JSON of predict or "
            "homogenise."
        )
    order = values.get("order", _ORDER)
    if re.findall("[0-9]+", str(order)) != _ORDER.split():
        raise LatticeGnnError(f"{path}: order: expected {_ORDER}, got {order!r:.60}.")
    own = values.get("E_solid", E_s)
    if E_s not in (1.0, own):
        raise LatticeGnnError(
            f"{path}: E_solid is {own!r:.40}, the modulus given {E_s!r:.40}; leave one of them out."
        )
    return target_of(values["voigt"], own, str(place))


def file_and_name(place: str) -> tuple[Path, str | None]:
    """Return the file of ``FILE`` or ``FILE:NAME``, and the name if there is one."""
    path = Path(place)
    if path.exists() or ":" not in place:
        return path, None
    head, _, name = place.rpartition(":")
    return Path(head), name


def target_of(voigt: Any, E_s: Any, where: str) -> Float[Tensor, "6 6"]:
    """Return a target C/E_s, NaN where free, from plain values.

    Args:
        voigt: Rows of a symmetric 6x6 matrix, None for free components.
        E_s: Young's modulus of the solid, in the unit of the matrix.
        where: Name of the place in messages.

    Raises:
        LatticeGnnError: If no stiffness can have these components.
    """
    if isinstance(E_s, bool) or not isinstance(E_s, int | float) or not 0 < E_s < math.inf:
        raise LatticeGnnError(f"{where}: E_s: expected a positive number, got {E_s!r:.40}.")
    rows = voigt if isinstance(voigt, list | tuple) else []
    if len(rows) != 6 or any(not isinstance(row, list | tuple) or len(row) != 6 for row in rows):
        raise LatticeGnnError(f"{where}: voigt: expected six rows of six numbers.")
    numbers = [[math.nan if x is None else x for x in row] for row in rows]
    try:
        target = float64_tensor(numbers, 6, 6, name="voigt") / E_s
        target_components(target)
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{where}: {error}") from None
    return target


def _named(targets: Any, name: str | None, path: Path) -> dict[str, Any]:
    known = ", ".join(targets) if isinstance(targets, dict) else ""
    if not known or not all(isinstance(entry, dict) for entry in targets.values()):
        raise LatticeGnnError(f"{path}: targets: expected names, each with a matrix 'voigt'.")
    if name is None or name not in targets:
        raise LatticeGnnError(
            f"{path}: holds the targets {known}; choose one as {path.name}:{next(iter(targets))}."
        )
    chosen: dict[str, Any] = targets[name]
    return chosen
