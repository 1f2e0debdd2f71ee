"""Targets that no lattice of a symmetry can come near enough to."""

import math

import numpy as np
import torch
from torch import Tensor

from lattice_gnn.design.quantities import Constraint
from lattice_gnn.design.task import Task
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import SpaceGroup
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.wording import percent

REACHABLE = 1e-3
"""Distance up to which a target that is approached counts as reachable, relative."""


def check_reachable(task: Task, group: SpaceGroup) -> None:
    """Refuse to approach a target that no lattice of a symmetry can come near enough to.

    A lattice that keeps the point group G has a stiffness invariant under G, so that every C is at
    least as far from the target as the projection of the target, its average over G. A target that
    is kept away from is no matter.

    Raises:
        LatticeGnnError: With the distance between target and projection.
    """
    wanted = [(c.quantity.target, _farthest(c), c.name) for c in task.constraints]
    if task.aim == "minimise":
        wanted.append((task.objective.target, REACHABLE, "the target"))
    for target, farthest, name in wanted:
        if target is None or not farthest < math.inf:
            continue
        distance = distance_to_group(target, task.start, group)
        if distance > farthest:
            raise LatticeGnnError(
                f"design: {name} cannot be reached with the symmetry {group!r} kept: the target is "
                f"{percent(distance, 3)} from its projection onto that symmetry; aim for a target "
                "of that symmetry or set keep_symmetry=False"
            )


def _farthest(constraint: Constraint) -> float:
    """Return how far from its target a C that satisfies a constraint can be at most.

    The constrained quantity is that distance, or a vector whose norm it is.
    """
    size = constraint.quantity.size or 1
    if constraint.sense == ">=" or (constraint.sense == "<=" and size > 1):
        return math.inf
    bound = np.broadcast_to(np.abs(np.asarray(constraint.bound, dtype=np.float64)), size)
    return float(np.linalg.norm(bound + constraint.allowed * constraint.unit))


def distance_to_group(target: Tensor, lattice: Lattice, group: SpaceGroup) -> float:
    """Return the relative Frobenius distance of a target from its average over a point group.

    Components that are NaN are free: they are taken from the projection.
    """
    Q = rotation_mandel(torch.from_numpy(group.cartesian(lattice.cell)))
    projector = torch.einsum("gij,gkl->ikjl", Q, Q).reshape(36, 36) / len(Q)
    flat = target.detach().reshape(36)
    free = flat.isnan()
    size = float(flat[~free].norm())
    if not free.any():
        return float((flat - projector @ flat).norm()) / size
    # The nearest invariant tensor in the given components, by least squares.
    given = projector[~free]
    found = torch.linalg.lstsq(given, flat[~free, None], driver="gelsd").solution
    return float((given @ found - flat[~free, None]).norm()) / size
