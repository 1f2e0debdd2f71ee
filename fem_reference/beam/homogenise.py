"""Periodic homogenisation of Euler-Bernoulli and Timoshenko frames: batched, differentiable.

The macroscopic strain adds six degrees of freedom. With nodal fluctuations and rotations U, the
strain energy density is a quadratic form in (E, U); minimising over U at each unit strain (Mandel
basis, 11 22 33 23 13 12) gives

    C_kl = (1/V) sum over struts D_k . D_l,

with D_k the strut deformations under unit strain k at equilibrium, scaled so that D.D is twice the
strut's energy. In this form C is symmetric positive semi-definite by construction, an error in U
enters only squared, and the derivative with respect to positions, radii, cells and moduli is the
explicit one, with U held fixed (envelope theorem). See ``docs/beam-reference.md``.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fem_reference.beam import compiled
from fem_reference.beam.elements import BeamTheory, check_rigid_ends
from fem_reference.beam.groups import Found, Task, in_order, solve_in_groups
from fem_reference.beam.solution import BeamSolution
from fem_reference.beam.supports import Supports, find_supports
from fem_reference.sparse import IllConditionedError
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.stiffness import Stiffness


class RankWarning(UserWarning):
    """The net does not span space: its effective stiffness is singular."""


def homogenise_beam(
    lattices: LatticeBatch | Sequence[Lattice] | Lattice,
    *,
    element: BeamTheory = "euler-bernoulli",
    rigid_ends: Float[Tensor, "struts 2"] | None = None,
    fields: bool | Literal["end_forces"] = False,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> BeamSolution:
    """Compute the effective stiffness of periodic beam lattices.

    Args:
        lattices: One lattice, several, or a batch (whose dtype and device are then kept). C is
            differentiable with respect to the batch's nodes, cells, radii, end_radii, inner_radii,
            E and nu, and to ``rigid_ends``.
        element: "euler-bernoulli", or "timoshenko" with Cowper's shear coefficient.
        rigid_ends: Rigid lengths at the two ends of every strut, unit of length.
        fields: Also return displacements, forces, energies and condition numbers; "end_forces" for
            the strut end forces alone, at little cost. Like C they are differentiable once, by an
            adjoint solve with the same factor.
        dtype: Precision for lattices given as objects.
        device: Device for lattices given as objects.

    Returns:
        The solution; a singular C comes with a ``RankWarning``.

    Raises:
        IllConditionedError: If the energy of C's softest mode cannot be computed to 1e-9 in this
            precision (float64 stores that eigenvalue to about 1e-16 times cond(C)).
        LatticeGnnError: For an empty sequence, an unknown element or impossible rigid ends.
    """
    if isinstance(lattices, Lattice):
        lattices = [lattices]
    if str(device).startswith("cuda") and not torch.cuda.is_available():
        raise LatticeGnnError(f"device {device}: no CUDA device is available; use 'cpu'")
    if isinstance(lattices, LatticeBatch):
        batch = lattices
    else:
        batch = LatticeBatch.from_lattices(lattices, dtype=dtype, device=device)
    supports = find_supports(batch)
    _warn_of_rank(supports)
    if rigid_ends is not None:
        check_rigid_ends(batch.lengths, rigid_ends)
    C, end_forces, found = _solve(
        batch, held_degrees(batch, supports), Task(element, rigid_ends, fields)
    )
    count = len(batch)
    return BeamSolution(
        stiffness=Stiffness(C.to(torch.float64)),
        rank=supports.rank,
        components=np.bincount(supports.component_lattice, minlength=count),
        free_spins=np.bincount(
            supports.component_lattice[supports.cycle_rank == 1], minlength=count
        ),
        fields=found,
        end_forces=end_forces,
    )


def held_degrees(batch: LatticeBatch, supports: Supports) -> Bool[Tensor, "nodes 6"]:
    """Mark the degrees of freedom that are held."""
    held = torch.zeros(6 * len(batch.nodes), dtype=torch.bool)
    held[torch.from_numpy(supports.held)] = True
    return held.view(-1, 6).to(batch.nodes.device)


def _solve(batch: LatticeBatch, held: Bool[Tensor, "nodes 6"], task: Task) -> Found:
    """Solve small cells by the compiled kernel once available, the others in groups by torch."""
    counts = batch.node_offsets.diff().cpu().numpy()
    small = counts < compiled.COMPILED_BELOW_NODES
    on_cpu = batch.nodes.device.type == "cpu"
    kernel = compiled.kernel_for(int(counts[small].sum())) if on_cpu and small.any() else None
    if kernel is None:
        return solve_in_groups(batch, held, task)
    parts: list[Found] = []
    while small.any() and not parts:
        chosen = np.flatnonzero(small)
        found, solved = kernel.solve_compiled(*_part(chosen, batch, held, task))
        if solved.all():
            parts = [found]
        small[chosen[~solved]] = False
    rest = np.flatnonzero(~small)
    if parts and not len(rest):
        return parts[0]
    if len(rest):
        try:
            parts.append(solve_in_groups(*_part(rest, batch, held, task)))
        except IllConditionedError as error:
            raise IllConditionedError(int(rest[error.lattice])) from error
    return in_order(batch, parts, np.concatenate([np.flatnonzero(small), rest]))


def _part(
    lattices: np.ndarray, batch: LatticeBatch, held: Bool[Tensor, "nodes 6"], task: Task
) -> tuple[LatticeBatch, Bool[Tensor, "chosen 6"], Task]:
    """Return some lattices of the batch with their part of the task."""
    if len(lattices) == len(batch):
        return batch, held, task
    nodes, struts = batch.members(lattices)
    arms = None if task.rigid_ends is None else task.rigid_ends[struts]
    return batch.select(lattices), held[nodes], replace(task, rigid_ends=arms)


def _warn_of_rank(supports: Supports) -> None:
    poor = np.flatnonzero(supports.rank < 6)
    if len(poor):
        warnings.warn(
            f"lattice {poor[0]}{' and others' if len(poor) > 1 else ''}: no component of the net "
            "spans space, so the "
            f"effective stiffness is singular (rank {supports.rank[poor[0]]} of 6)",
            RankWarning,
            stacklevel=3,
        )
