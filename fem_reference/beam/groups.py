"""Equilibrium of groups of lattices of similar size in torch: padded dense batches, or sparse.

This path supports any device and any size, and is decisive where the accuracy of a cell is in
doubt.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fem_reference.beam.adjoint import differentiable
from fem_reference.beam.affine import affine_deformation, affine_displacements, energy_density
from fem_reference.beam.elements import AXIAL, BENDING, TORSION, BeamTheory, strut_operator
from fem_reference.beam.factor import DenseFactor, Factor, SparseFactor
from fem_reference.beam.schedule import in_threads, slabs, split_by_size
from fem_reference.beam.solution import BeamFields
from fem_reference.sparse import IllConditionedError
from lattice_gnn.lattice.batch import LatticeBatch

SPARSE_FROM_NODES = 60
"""Cells with more nodes use sparse factorisation; benchmarks/beam.py measures the crossover."""
NEGLIGIBLE = 1e-20  #: error of C over its trace below which eigenvalues need not be computed
ROUNDING = 64  #: units in the last place within which deformations count as zero
_REFINEMENTS = 6
_ENERGY_TOLERANCE = 1e-9  #: admissible relative error of the softest eigenvalue of C
_ZERO = 1e-15  #: eigenvalue of C over its trace that counts as zero


@dataclass(frozen=True, slots=True)
class Task:
    """Settings of the solution, the same for every group."""

    element: BeamTheory
    rigid_ends: Float[Tensor, "struts 2"] | None
    fields: bool | Literal["end_forces"]


class Found(NamedTuple):
    """Results of a group, or of all groups."""

    C: Float[Tensor, "lattices 6 6"]
    end_forces: Float[Tensor, "struts 12 6"] | None = None
    fields: BeamFields | None = None


def solve_in_groups(batch: LatticeBatch, held: Bool[Tensor, "nodes 6"], task: Task) -> Found:
    """Homogenise groups of lattices of similar size and merge the results in order.

    Args:
        batch: The lattices.
        held: Degrees of freedom to hold.
        task: Settings of the solution.

    Raises:
        IllConditionedError: Naming a lattice of the batch.
    """
    counts = batch.node_offsets.diff().cpu().numpy()
    groups = split_by_size(counts, SPARSE_FROM_NODES)
    parts: list[Found] = []
    for slab in slabs(groups, counts):
        parts += _solve_slab(batch, slab, held, task)
    return in_order(batch, parts, np.concatenate(groups))


def in_order(batch: LatticeBatch, parts: list[Found], order: Int[np.ndarray, " lattices"]) -> Found:
    """Merge the results of parts of a batch, which hold its lattices in the given order."""
    lattices = torch.from_numpy(np.argsort(order)).to(batch.nodes.device)
    C = torch.cat([part.C for part in parts])[lattices]
    forces = [part.end_forces for part in parts if part.end_forces is not None]
    if not forces:
        return Found(C)
    nodes, struts = (numbers.argsort() for numbers in batch.members(order))
    end_forces = torch.cat(forces)[struts]
    found = [part.fields for part in parts if part.fields is not None]
    if not found:
        return Found(C, end_forces)
    return Found(C, end_forces, _fields_in_order(found, nodes, struts, lattices))


def condition_numbers(
    batch: LatticeBatch, held: Bool[Tensor, "nodes 6"], task: Task
) -> Float[Tensor, " lattices"]:
    """Compute the condition number of each lattice's scaled stiffness matrix."""
    counts = batch.node_offsets.diff().cpu().numpy()
    groups = split_by_size(counts, SPARSE_FROM_NODES)
    arms = task.rigid_ends
    found = []
    with torch.no_grad():
        for group in groups:
            part, (nodes, struts) = batch.select(group), batch.members(group)
            mine = None if arms is None else arms[struts]
            B = strut_operator(part, element=task.element, rigid_ends=mine)
            found.append(factorise_group(part, B, held[nodes].reshape(-1)).condition())
    order = torch.from_numpy(np.argsort(np.concatenate(groups))).to(held.device)
    return torch.cat(found)[order]


def factorise_group(part: LatticeBatch, B: Tensor, held: Bool[Tensor, " degrees"]) -> Factor:
    """Factorise a group: dense factors, or a sparse factor of a single large cell."""
    sparse = int(part.node_offsets[1]) >= SPARSE_FROM_NODES
    return (SparseFactor if sparse else DenseFactor)(part, B, held)


def _solve_slab(
    batch: LatticeBatch,
    groups: list[Int[np.ndarray, " _"]],
    held: Bool[Tensor, "nodes 6"],
    task: Task,
) -> list[Found]:
    """Solve each group of a slab: elements for all at once, then group by group in threads."""
    order = np.concatenate(groups)
    slab, (nodes, struts) = batch.select(order), batch.members(order)
    arms = None if task.rigid_ends is None else task.rigid_ends[struts]
    B = strut_operator(slab, element=task.element, rigid_ends=arms)
    affine = affine_deformation(slab, B)
    stops = np.cumsum([len(group) for group in groups])
    starts = stops - [len(group) for group in groups]
    struts_of, nodes_of = (
        np.diff(offsets.cpu().numpy()[[0, *stops]]).tolist()
        for offsets in (slab.strut_offsets, slab.node_offsets)
    )
    pieces = zip(
        B.split(struts_of), affine.split(struts_of), held[nodes].split(nodes_of), strict=True
    )
    with_gradient = torch.is_grad_enabled()

    def solve(job: tuple[int, int, tuple[Tensor, Tensor, Tensor]]) -> Found:
        start, stop, piece = job
        with torch.set_grad_enabled(with_gradient):  # grad mode is per thread
            try:
                return _solve_group(slab.span(start, stop), *piece, task)
            except IllConditionedError as error:
                raise IllConditionedError(int(order[start + error.lattice])) from error

    jobs = list(zip(starts.tolist(), stops.tolist(), pieces, strict=True))
    return in_threads(solve, jobs, parallel=batch.nodes.device.type == "cpu")


def _solve_group(
    part: LatticeBatch,
    B: Float[Tensor, "struts 8 12"],
    affine: Float[Tensor, "struts 8 6"],
    held: Bool[Tensor, "nodes 6"],
    task: Task,
) -> Found:
    """Solve a group outside the autograd graph; the energy at the solution is inside."""
    held = held.reshape(-1)
    with torch.no_grad():
        factor = factorise_group(part, B.detach(), held)
        U, D = _equilibrium(part, (B.detach(), affine.detach()), factor, held)
    if B.requires_grad:
        D = affine + B @ at_ends(part, U)
    C = energy_density(part, D)
    if not task.fields:
        return Found(C)
    if B.requires_grad:
        U = differentiable(U, unbalanced_forces(part, B, D, held), factor)
        D = affine + B @ at_ends(part, U)
    end_forces = B.mT @ D
    if task.fields == "end_forces":
        return Found(C, end_forces)
    return Found(C, end_forces, _fields(part, (end_forces, D), U, factor.condition()))


def _fields_in_order(
    parts: list[BeamFields],
    nodes: Int[Tensor, " nodes"],
    struts: Int[Tensor, " struts"],
    lattices: Int[Tensor, " lattices"],
) -> BeamFields:
    """Merge the fields of all groups, in the order of the batch."""
    by_node = {"fluctuations", "rotations", "displacements"}
    joined = {}
    for name in BeamFields.__dataclass_fields__:
        place = nodes if name in by_node else struts if name == "end_forces" else lattices
        joined[name] = torch.cat([getattr(part, name) for part in parts])[place]
    return BeamFields(**joined)


def _equilibrium(
    batch: LatticeBatch,
    elements: tuple[Float[Tensor, "struts 8 12"], Float[Tensor, "struts 8 6"]],
    factor: Factor,
    held: Bool[Tensor, " degrees"],
) -> tuple[Float[Tensor, "nodes 6 6"], Float[Tensor, "struts 8 6"]]:
    """Return fluctuations U with K_uu U = -K_ue, and the strut deformations D.

    ``elements`` are B and the deformations under affine motion.

    With residual r and correction dU = K^-1 r, the energy of the uncorrected U is too high by
    exactly dU.r, which is compared with the smallest non-zero eigenvalue of C. The residual is
    summed from strut forces, independently of the rounding of the assembled matrix.
    """
    B, affine = elements
    U = factor.solve(unbalanced_forces(batch, B, affine, held))
    for _ in range(_REFINEMENTS):
        D = affine + B @ at_ends(batch, U)
        residual = unbalanced_forces(batch, B, D, held)
        correction = factor.solve(residual)
        excess = _sum_over_nodes(batch, (correction * residual).sum(1)).amax(-1).abs()
        wrong = _inaccurate(batch, affine, D, excess / batch.volumes)
        U = U + correction
        if not bool(wrong.any()):
            return U, D
    raise IllConditionedError(int(wrong.nonzero()[0, 0]))


def unbalanced_forces(
    batch: LatticeBatch,
    B: Float[Tensor, "struts 8 12"],
    D: Float[Tensor, "struts 8 fields"],
    held: Bool[Tensor, " degrees"],
) -> Float[Tensor, "nodes 6 fields"]:
    """Return the unbalanced nodal forces; zero where held."""
    residual = -_nodal_forces(batch, B.mT @ D)
    return residual.flatten(0, 1).masked_fill(held[:, None], 0).view_as(residual)


def _inaccurate(
    batch: LatticeBatch,
    affine: Float[Tensor, "struts 8 6"],
    D: Float[Tensor, "struts 8 6"],
    excess: Float[Tensor, " lattices"],
) -> Bool[Tensor, " lattices"]:
    """Find energy densities whose error exceeds the tolerance of the softest eigenvalue.

    Energies as small as the square of the rounding error of the affine deformations count as zero:
    those of a component that closes on itself.
    """
    trace = batch.sum_over_struts(D.square().sum((1, 2))) / batch.volumes
    bound = batch.sum_over_struts(affine.square().sum((1, 2))) / batch.volumes
    rounding = (ROUNDING * torch.finfo(D.dtype).eps) ** 2 * bound
    wrong = ~(excess <= torch.maximum(NEGLIGIBLE * trace, rounding))  # also true for NaN
    if not bool(wrong.any()):
        return wrong
    C = energy_density(batch, D)
    for b in wrong.nonzero()[:, 0].tolist():
        if bool(torch.isfinite(C[b]).all()):
            eigenvalues = torch.linalg.eigvalsh(C[b])
            softest = eigenvalues[eigenvalues > _ZERO * trace[b]].min()
            wrong[b] = ~(excess[b] <= _ENERGY_TOLERANCE * softest)
    return wrong


def _sum_over_nodes(batch: LatticeBatch, values: Float[Tensor, "nodes cases"]) -> Tensor:
    return values.new_zeros(len(batch), values.shape[1]).index_add(0, batch.node_lattice, values)


def at_ends(
    batch: LatticeBatch, U: Float[Tensor, "nodes 6 fields"]
) -> Float[Tensor, "struts 12 fields"]:
    """Return displacements and rotations at the two ends of every strut."""
    return U[batch.struts].reshape(-1, 12, U.shape[-1])


def _nodal_forces(
    batch: LatticeBatch, end_forces: Float[Tensor, "struts 12 fields"]
) -> Float[Tensor, "nodes 6 fields"]:
    """Sum the strut end forces and moments at each node."""
    fields = end_forces.shape[-1]
    total = end_forces.new_zeros(len(batch.nodes), 6, fields)
    return total.index_add_(0, batch.struts.view(-1), end_forces.reshape(-1, 6, fields))


def _fields(
    batch: LatticeBatch,
    struts: tuple[Float[Tensor, "struts 12 6"], Float[Tensor, "struts 8 6"]],
    U: Float[Tensor, "nodes 6 6"],
    condition: Float[Tensor, " lattices"],
) -> BeamFields:
    """Compute the fields of a group; ``struts`` are end forces and deformations."""
    end_forces, D = struts
    return BeamFields(
        fluctuations=U[:, :3],
        rotations=U[:, 3:],
        displacements=affine_displacements(batch) + U[:, :3],
        end_forces=end_forces,
        axial=energy_density(batch, D[:, AXIAL]),
        bending=energy_density(batch, D[:, BENDING]),
        torsion=energy_density(batch, D[:, TORSION]),
        condition=condition,
    )
