"""Periodic beam homogenisation: batched, differentiable, exact for Euler-Bernoulli and Timoshenko frames.

Macro strain is six extra degrees of freedom. With nodal fluctuations and rotations U, the strain energy per volume is a
quadratic form in (E, U); minimising over U at each unit strain (Mandel basis, 11 22 33 23 13 12) leaves

    C_kl = (1/V) sum over struts D_k . D_l,

with D_k the strut deformations under unit strain k at equilibrium, scaled so that D.D is twice the strut's energy. Evaluated in this form C is symmetric positive
semi-definite by construction, an error in U enters only squared, and its derivative with respect to positions, radii,
cells and moduli is the explicit one, with U held fixed (envelope theorem). ``docs/beam-reference.md`` explains.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fem_reference.affine import affine_deformation, energy_density, strain_basis
from fem_reference.elements import AXIAL, BENDING, TORSION, BeamTheory, strut_operator
from fem_reference.factor import DenseFactor, Factor, IllConditionedError, SparseFactor
from fem_reference.schedule import in_threads, split_by_size
from fem_reference.supports import Supports, find_supports
from lattice_gnn.elasticity import Stiffness
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.lattice import Lattice

SPARSE_FROM_NODES = 60  #: cells with more nodes are factorised sparsely (benchmarks/beam.py measures the crossover)
_REFINEMENTS = 6
_ENERGY_TOLERANCE = 1e-9  #: admitted error of the softest eigenvalue of C, relative


class RankWarning(UserWarning):
    """The net does not span space: its effective stiffness is singular."""


@dataclass(frozen=True, slots=True)
class BeamFields:
    """What happens inside the cells under the six unit strains (last axis, Mandel order 11 22 33 23 13 12).

    Attributes:
        fluctuations: Nodal displacement less the affine one, unit of length.
        rotations: Nodal rotations, rad.
        displacements: Total displacement of the nodes in the home cell, strain . position + fluctuation.
        end_forces: Forces and moments on the strut's ends, rows f_i, m_i, f_j, m_j in global axes; E_s times length^2
            and length^3.
        energy_axial: Energy density from stretching, W = E.C.E / 2, unit of E_s.
        energy_bending: Energy density from bending and shear, unit of E_s.
        energy_torsion: Energy density from torsion, unit of E_s.
        condition: Condition number of each lattice's scaled stiffness matrix (an estimate where factorised sparsely).
    """

    fluctuations: Float[Tensor, "nodes 3 6"]
    rotations: Float[Tensor, "nodes 3 6"]
    displacements: Float[Tensor, "nodes 3 6"]
    end_forces: Float[Tensor, "struts 12 6"]
    energy_axial: Float[Tensor, "lattices 6"]
    energy_bending: Float[Tensor, "lattices 6"]
    energy_torsion: Float[Tensor, "lattices 6"]
    condition: Float[Tensor, " lattices"]


@dataclass(frozen=True, slots=True)
class BeamSolution:
    """Effective stiffness of each lattice, and what the solver knows about it.

    Attributes:
        stiffness: C / E_s of every lattice, shape (lattices, 6, 6).
        rank: Rank of C known from the net: 6 where some component spans space.
        components: Number of connected components of each quotient graph.
        free_spins: Straight or chain-like components that turn about their own line without energy.
        fields: Displacements, forces and energies, where asked for.
    """

    stiffness: Stiffness
    rank: Int[np.ndarray, " lattices"]
    components: Int[np.ndarray, " lattices"]
    free_spins: Int[np.ndarray, " lattices"]
    fields: BeamFields | None = None


def homogenise_beam(
    lattices: LatticeBatch | Sequence[Lattice] | Lattice,
    *,
    element: BeamTheory = "euler-bernoulli",
    rigid_ends: Float[Tensor, "struts 2"] | None = None,
    fields: bool = False,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> BeamSolution:
    """Effective stiffness of periodic beam lattices.

    Args:
        lattices: One lattice, several, or a batch (whose dtype and device are then kept). C is differentiable with
            respect to the batch's nodes, cells, radii, end_radii, inner_radii, E and nu, and to ``rigid_ends``.
        element: "euler-bernoulli", or "timoshenko" with Cowper's shear coefficient.
        rigid_ends: Rigid lengths at the two ends of every strut, unit of length.
        fields: Also return displacements, forces, energies and condition numbers.
        dtype: Precision for lattices given as objects.
        device: Device for lattices given as objects.

    Returns:
        The solution; a singular C comes with a ``RankWarning``.

    Raises:
        IllConditionedError: Where C's softest eigenvalue cannot be had to 1e-9 in this precision.
        LatticeGnnError: For an empty sequence, an unknown element or impossible rigid ends.
    """
    if isinstance(lattices, Lattice):
        lattices = [lattices]
    if isinstance(lattices, LatticeBatch):
        batch = lattices
    else:
        batch = LatticeBatch.from_lattices(lattices, dtype=dtype, device=device)
    supports = find_supports(batch)
    _warn_of_rank(supports)
    with torch.no_grad():
        U, condition = _fluctuations(batch, element, rigid_ends, supports, fields)
    B = strut_operator(batch, element=element, rigid_ends=rigid_ends)
    D = affine_deformation(batch, B) + B @ _at_ends(batch, U)
    C = energy_density(batch, D)
    count = len(batch)
    return BeamSolution(
        stiffness=Stiffness(C.to(torch.float64)),
        rank=supports.rank,
        components=np.bincount(supports.component_lattice, minlength=count),
        free_spins=np.bincount(
            supports.component_lattice[supports.cycle_rank == 1], minlength=count
        ),
        fields=_fields(batch, B, D, U, condition) if fields else None,
    )


def _at_ends(
    batch: LatticeBatch, U: Float[Tensor, "nodes 6 6"]
) -> Float[Tensor, "struts 12 6"]:
    """Displacements and rotations at the two ends of every strut."""
    return U[batch.struts].reshape(-1, 12, 6)


def _nodal_forces(
    batch: LatticeBatch, end_forces: Float[Tensor, "struts 12 6"]
) -> Float[Tensor, "nodes 6 6"]:
    """Sum of the strut end forces and moments at each node."""
    total = end_forces.new_zeros(len(batch.nodes), 6, 6)
    return total.index_add_(0, batch.struts.view(-1), end_forces.reshape(-1, 6, 6))


def _fluctuations(
    batch: LatticeBatch,
    element: BeamTheory,
    rigid_ends: Float[Tensor, "struts 2"] | None,
    supports: Supports,
    with_condition: bool,
) -> tuple[Float[Tensor, "nodes 6 6"], Float[Tensor, " lattices"] | None]:
    """Nodal fluctuations and rotations of the whole batch, solved group by group."""
    held = np.zeros(6 * len(batch.nodes), dtype=bool)
    held[supports.held] = True
    held_of_node = torch.from_numpy(held.reshape(-1, 6)).to(batch.nodes.device)
    groups = split_by_size(batch.node_offsets.diff().cpu().numpy(), SPARSE_FROM_NODES)

    def solve(group: np.ndarray) -> tuple[np.ndarray, Tensor, Tensor, Tensor | None]:
        # Grad mode belongs to the thread.
        with torch.no_grad():
            part = batch.select(group) if len(groups) > 1 or len(group) > 1 else batch
            nodes = _members(batch.node_offsets, group)
            arms = None if rigid_ends is None else rigid_ends[_members(batch.strut_offsets, group)]
            B = strut_operator(part, element=element, rigid_ends=arms)
            part_held = held_of_node[nodes].reshape(-1).nonzero()[:, 0]
            sparse = int(part.node_offsets[1]) >= SPARSE_FROM_NODES
            try:
                factor = (SparseFactor if sparse else DenseFactor)(part, B, part_held)
                U = _equilibrium(part, B, factor, part_held)
            except IllConditionedError as error:
                raise IllConditionedError(int(group[error.lattice])) from error
            return group, nodes, U, factor.condition() if with_condition else None

    U = batch.nodes.new_empty(len(batch.nodes), 6, 6)
    condition = batch.nodes.new_empty(len(batch)) if with_condition else None
    on_host = batch.nodes.device.type == "cpu"
    for group, nodes, part_U, part_condition in in_threads(solve, groups, parallel=on_host):
        U[nodes] = part_U
        if condition is not None and part_condition is not None:
            condition[torch.from_numpy(group).to(condition.device)] = part_condition
    return U, condition


def _members(offsets: Int[Tensor, " groups_plus_1"], chosen: np.ndarray) -> Int[Tensor, " members"]:
    """Indices of the nodes (or struts) of the chosen lattices."""
    bounds = offsets.cpu().numpy()
    ranges = [np.arange(bounds[b], bounds[b + 1]) for b in chosen]
    return torch.from_numpy(np.concatenate(ranges)).to(offsets.device)


def _equilibrium(
    batch: LatticeBatch,
    B: Float[Tensor, "struts 8 12"],
    factor: Factor,
    held: Int[Tensor, " held"],
) -> Float[Tensor, "nodes 6 6"]:
    """Solve K_uu U = -K_ue, refined until the energy is right.

    With residual r and correction dU = K^-1 r, the energy of the uncorrected U is too high by exactly dU.r, which is
    compared with the softest eigenvalue of C that is not zero. The residual is summed from strut forces, so that it
    does not share the rounding of the assembled matrix.
    """
    affine = affine_deformation(batch, B)

    def residual_of(D: Tensor) -> Tensor:
        residual = -_nodal_forces(batch, B.mT @ D)
        residual.view(-1, 6)[held] = 0
        return residual

    U = factor.solve(residual_of(affine))
    for _ in range(_REFINEMENTS):
        D = affine + B @ _at_ends(batch, U)
        residual = residual_of(D)
        correction = factor.solve(residual)
        excess = _sum_over_nodes(batch, (correction * residual).sum(1)).amax(-1).abs()
        U = U + correction
        wrong = _inaccurate(batch, D, excess)
        if not bool(wrong.any()):
            return U
    raise IllConditionedError(int(wrong.nonzero()[0, 0]))


def _inaccurate(
    batch: LatticeBatch, D: Float[Tensor, "struts 8 6"], excess: Float[Tensor, " lattices"]
) -> Tensor:
    """Which lattices' energy was off by more than the tolerance of their softest eigenvalue."""
    C = energy_density(batch, D)
    excess = excess / batch.volumes()
    trace = C.diagonal(dim1=-2, dim2=-1).sum(-1)
    wrong = ~(excess <= 1e-20 * trace)  # also true for NaN
    for b in wrong.nonzero()[:, 0].tolist():
        if bool(torch.isfinite(C[b]).all()):
            eigenvalues = torch.linalg.eigvalsh(C[b])
            softest = eigenvalues[eigenvalues > 1e-15 * trace[b]].min()
            wrong[b] = ~(excess[b] <= _ENERGY_TOLERANCE * softest)
    return wrong


def _sum_over_nodes(batch: LatticeBatch, values: Float[Tensor, "nodes cases"]) -> Tensor:
    return values.new_zeros(len(batch), values.shape[1]).index_add(0, batch.node_lattice, values)


def _warn_of_rank(supports: Supports) -> None:
    poor = np.flatnonzero(supports.rank < 6)
    if len(poor):
        warnings.warn(
            f"lattice {poor[0]}{' and others' if len(poor) > 1 else ''}: no component of the net spans space, so the "
            f"effective stiffness is singular (rank {supports.rank[poor[0]]} of 6)",
            RankWarning,
            stacklevel=3,
        )


def _fields(
    batch: LatticeBatch,
    B: Float[Tensor, "struts 8 12"],
    D: Float[Tensor, "struts 8 6"],
    U: Float[Tensor, "nodes 6 6"],
    condition: Float[Tensor, " lattices"] | None,
) -> BeamFields:
    assert condition is not None  # both are asked for together
    positions = (batch.nodes[:, None] @ batch.cells[batch.node_lattice])[:, 0]
    affine = torch.einsum("kab,nb->nak", strain_basis(positions), positions)

    def energy(rows: slice) -> Tensor:
        return 0.5 * batch.sum_over_struts((D[:, rows] ** 2).sum(1)) / batch.volumes()[:, None]

    return BeamFields(
        fluctuations=U[:, :3],
        rotations=U[:, 3:],
        displacements=affine + U[:, :3],
        end_forces=B.mT @ D,
        energy_axial=energy(AXIAL),
        energy_bending=energy(BENDING),
        energy_torsion=energy(TORSION),
        condition=condition,
    )
