"""Periodic homogenisation of Euler-Bernoulli and Timoshenko frames: batched, differentiable.

Macro strain is six extra degrees of freedom. With nodal fluctuations and rotations U, the strain
energy per volume is a quadratic form in (E, U); minimising over U at each unit strain (Mandel
basis, 11 22 33 23 13 12) leaves

    C_kl = (1/V) sum over struts D_k . D_l,

with D_k the strut deformations under unit strain k at equilibrium, scaled so that D.D is twice the
strut's energy. Evaluated in this form C is symmetric positive semi-definite by construction, an
error in U enters only squared, and its derivative with respect to positions, radii, cells and
moduli is the explicit one, with U held fixed (envelope theorem). ``docs/beam-reference.md``
explains.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fem_reference.beam.adjoint import differentiable
from fem_reference.beam.affine import affine_deformation, energy_density
from fem_reference.beam.elements import (
    AXIAL,
    BENDING,
    TORSION,
    BeamTheory,
    check_rigid_ends,
    strut_operator,
)
from fem_reference.beam.factor import DenseFactor, Factor, SparseFactor
from fem_reference.beam.schedule import in_threads, slabs, split_by_size
from fem_reference.beam.solution import BeamFields, BeamSolution
from fem_reference.beam.supports import Supports, find_supports
from fem_reference.sparse import IllConditionedError
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.notation import strain_basis
from lattice_gnn.tensors.stiffness import Stiffness

SPARSE_FROM_NODES = 60
"""Cells with more nodes are factorised sparsely; benchmarks/beam.py measures the crossover."""
_REFINEMENTS = 6
_ENERGY_TOLERANCE = 1e-9  #: admitted error of the softest eigenvalue of C, relative
_NEGLIGIBLE = 1e-20  #: error of C over its trace that needs no look at the eigenvalues
_ZERO = 1e-15  #: eigenvalue of C over its trace that counts as none
_ROUNDING = 64  #: units in the last place by which deformations differ from zero where they are


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
    """Effective stiffness of periodic beam lattices.

    Args:
        lattices: One lattice, several, or a batch (whose dtype and device are then kept). C is
            differentiable with respect to the batch's nodes, cells, radii, end_radii, inner_radii,
            E and nu, and to ``rigid_ends``.
        element: "euler-bernoulli", or "timoshenko" with Cowper's shear coefficient.
        rigid_ends: Rigid lengths at the two ends of every strut, unit of length.
        fields: Also return displacements, forces, energies and condition numbers; "end_forces" for
            the strut end forces alone, at little cost. They are differentiable as C is (first
            derivatives, by one adjoint solve with the same factor).
        dtype: Precision for lattices given as objects.
        device: Device for lattices given as objects.

    Returns:
        The solution; a singular C comes with a ``RankWarning``.

    Raises:
        IllConditionedError: Where the energy of C's softest mode cannot be had to 1e-9 in this
            precision (float64 then stores that eigenvalue to about 1e-16 times cond(C)).
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
    C, end_forces, found = _solve(batch, supports, _Task(element, rigid_ends, fields))
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


def _at_ends(batch: LatticeBatch, U: Float[Tensor, "nodes 6 6"]) -> Float[Tensor, "struts 12 6"]:
    """Displacements and rotations at the two ends of every strut."""
    return U[batch.struts].reshape(-1, 12, 6)


def _nodal_forces(
    batch: LatticeBatch, end_forces: Float[Tensor, "struts 12 6"]
) -> Float[Tensor, "nodes 6 6"]:
    """Sum of the strut end forces and moments at each node."""
    total = end_forces.new_zeros(len(batch.nodes), 6, 6)
    return total.index_add_(0, batch.struts.view(-1), end_forces.reshape(-1, 6, 6))


@dataclass(frozen=True, slots=True)
class _Task:
    """What is asked of every group."""

    element: BeamTheory
    rigid_ends: Float[Tensor, "struts 2"] | None
    fields: bool | Literal["end_forces"]


class _Found(NamedTuple):
    """What a group, or all of them, gave."""

    C: Float[Tensor, "lattices 6 6"]
    end_forces: Float[Tensor, "struts 12 6"] | None = None
    fields: BeamFields | None = None


def _solve(batch: LatticeBatch, supports: Supports, task: _Task) -> _Found:
    """Homogenise group by group, lattices of like size together, and put the parts in order."""
    device = batch.nodes.device
    held = torch.zeros(6 * len(batch.nodes), dtype=torch.bool, device=device)
    held[torch.from_numpy(supports.held).to(device)] = True
    counts = batch.node_offsets.diff().cpu().numpy()
    groups = split_by_size(counts, SPARSE_FROM_NODES)
    parts: list[_Found] = []
    for slab in slabs(groups, counts):
        parts += _solve_slab(batch, slab, held.view(-1, 6), task)
    order = np.concatenate(groups)
    lattices = torch.from_numpy(np.argsort(order)).to(device)
    C = torch.cat([part.C for part in parts])[lattices]
    if not task.fields:
        return _Found(C)
    nodes, struts = (numbers.argsort() for numbers in batch.members(order))
    forces = [part.end_forces for part in parts if part.end_forces is not None]
    end_forces = torch.cat(forces)[struts]
    if task.fields == "end_forces":
        return _Found(C, end_forces)
    found = [part.fields for part in parts if part.fields is not None]
    return _Found(C, end_forces, _in_order(found, nodes, struts, lattices))


def _solve_slab(
    batch: LatticeBatch,
    groups: list[Int[np.ndarray, " _"]],
    held: Bool[Tensor, "nodes 6"],
    task: _Task,
) -> list[_Found]:
    """C (and fields) of each group: elements for all at once, then group by group in threads."""
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

    def solve(job: tuple[int, int, tuple[Tensor, Tensor, Tensor]]) -> _Found:
        start, stop, piece = job
        with torch.set_grad_enabled(with_gradient):  # grad mode belongs to the thread
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
    task: _Task,
) -> _Found:
    """C of a group; the solve is outside the graph, the energy at its solution inside."""
    held = held.reshape(-1)
    with torch.no_grad():
        sparse = int(part.node_offsets[1]) >= SPARSE_FROM_NODES
        factor = (SparseFactor if sparse else DenseFactor)(part, B.detach(), held)
        U, D = _equilibrium(part, (B.detach(), affine.detach()), factor, held)
    if B.requires_grad:
        D = affine + B @ _at_ends(part, U)
    C = energy_density(part, D)
    if not task.fields:
        return _Found(C)
    if B.requires_grad:
        U = differentiable(U, _residual(part, B, D, held), factor)
        D = affine + B @ _at_ends(part, U)
    end_forces = B.mT @ D
    if task.fields == "end_forces":
        return _Found(C, end_forces)
    return _Found(C, end_forces, _fields(part, (end_forces, D), U, factor.condition()))


def _in_order(
    parts: list[BeamFields],
    nodes: Int[Tensor, " nodes"],
    struts: Int[Tensor, " struts"],
    lattices: Int[Tensor, " lattices"],
) -> BeamFields:
    """Fields of all groups, in the order of the batch."""
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
    """Nodal fluctuations U with K_uu U = -K_ue, and the strut deformations D that go with them.

    ``elements`` are B and the deformations under affine motion.

    With residual r and correction dU = K^-1 r, the energy of the uncorrected U is too high by
    exactly dU.r, which is compared with the softest eigenvalue of C that is not zero. The residual
    is summed from strut forces, so that it does not share the rounding of the assembled matrix.
    """
    B, affine = elements
    U = factor.solve(_residual(batch, B, affine, held))
    for _ in range(_REFINEMENTS):
        D = affine + B @ _at_ends(batch, U)
        residual = _residual(batch, B, D, held)
        correction = factor.solve(residual)
        excess = _sum_over_nodes(batch, (correction * residual).sum(1)).amax(-1).abs()
        wrong = _inaccurate(batch, affine, D, excess / batch.volumes)
        U = U + correction
        if not bool(wrong.any()):
            return U, D
    raise IllConditionedError(int(wrong.nonzero()[0, 0]))


def _residual(
    batch: LatticeBatch,
    B: Float[Tensor, "struts 8 12"],
    D: Float[Tensor, "struts 8 6"],
    held: Bool[Tensor, " degrees"],
) -> Float[Tensor, "nodes 6 6"]:
    """Nodal forces out of balance; zero where held."""
    residual = -_nodal_forces(batch, B.mT @ D)
    return residual.view(-1, 6).masked_fill(held[:, None], 0).view_as(residual)


def _inaccurate(
    batch: LatticeBatch,
    affine: Float[Tensor, "struts 8 6"],
    D: Float[Tensor, "struts 8 6"],
    excess: Float[Tensor, " lattices"],
) -> Bool[Tensor, " lattices"]:
    """Which energy densities are off by more than the tolerance of the softest eigenvalue.

    Energies as small as the square of what rounding leaves of the affine deformations are zero:
    those of a component that closes on itself.
    """
    trace = batch.sum_over_struts(D.square().sum((1, 2))) / batch.volumes
    bound = batch.sum_over_struts(affine.square().sum((1, 2))) / batch.volumes
    rounding = (_ROUNDING * torch.finfo(D.dtype).eps) ** 2 * bound
    wrong = ~(excess <= torch.maximum(_NEGLIGIBLE * trace, rounding))  # also true for NaN
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


def _fields(
    batch: LatticeBatch,
    struts: tuple[Float[Tensor, "struts 12 6"], Float[Tensor, "struts 8 6"]],
    U: Float[Tensor, "nodes 6 6"],
    condition: Float[Tensor, " lattices"],
) -> BeamFields:
    """Fields of a group; ``struts`` are end forces and deformations."""
    end_forces, D = struts
    positions = (batch.nodes[:, None] @ batch.cells[batch.node_lattice])[:, 0]
    affine = torch.einsum("kab,nb->nak", strain_basis(positions), positions)

    return BeamFields(
        fluctuations=U[:, :3],
        rotations=U[:, 3:],
        displacements=affine + U[:, :3],
        end_forces=end_forces,
        axial=energy_density(batch, D[:, AXIAL]),
        bending=energy_density(batch, D[:, BENDING]),
        torsion=energy_density(batch, D[:, TORSION]),
        condition=condition,
    )
