"""Directions as users write them: checked, scaled, and as text."""

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.arrays import ArrayLike, float64_tensor
from lattice_gnn.tensors.moduli import unit_vectors


def vector(direction: ArrayLike) -> Float[Tensor, "3"]:
    """Return a direction as a unit vector.

    Raises:
        LatticeGnnError: If it is not three numbers, or zero.
    """
    numbers = float64_tensor(direction, 3, name="a direction")
    if numbers.ndim != 1:
        raise LatticeGnnError(f"expected one direction (x, y, z), got {len(numbers)} of them")
    return unit_vectors(numbers)


def frame_of(rows: ArrayLike) -> Float[Tensor, "3 3"]:
    """Return material axes, given as rows of any length, as a rotation.

    Raises:
        LatticeGnnError: If they are not three perpendicular directions.
    """
    axes = unit_vectors(float64_tensor(rows, 3, 3, name="a frame"))
    if bool(((axes @ axes.mT - torch.eye(3, dtype=axes.dtype)).abs() > 1e-6).any()):
        raise LatticeGnnError("a frame must be three perpendicular directions, one per row")
    return axes


def pair(name: str, n: ArrayLike, m: ArrayLike) -> tuple[Tensor, Tensor]:
    """Return a unit vector and that along the part of another perpendicular to it.

    Parallel directions are refused.

    Args:
        name: Name of the quantity, for the message.
        n: First direction.
        m: Second direction.
    """
    first, second = vector(n), vector(m)
    across = second - (second @ first) * first
    if float(torch.linalg.vector_norm(across)) < 1e-6:
        raise LatticeGnnError(f"{name}: the two directions are parallel; give different ones")
    return first, unit_vectors(across)


def direction_name(direction: ArrayLike) -> str:
    """Return a direction as in ``E[111]``, with blanks between other than single digits."""
    numbers = float64_tensor(direction, 3, name="a direction").tolist()
    words = [f"{round(number, 6) + 0.0:.6g}" for number in numbers]
    return ("" if all(len(word) == 1 for word in words) else " ").join(words)


def frame_name(rows: ArrayLike) -> str:
    """Return material axes, given as rows, as in ``zener[110][-1 1 0][001]``."""
    return "".join(f"[{direction_name(row)}]" for row in float64_tensor(rows, 3, 3, name="a frame"))
