"""Multigrid solver of the solid reference in torch, for GPUs.

The levels are set up on the host and copied. The finest level is matrix-free: corner displacements
are gathered per voxel, multiplied by the single element matrix and the voxel's weight, and added to
the nodes. Coarse levels store their block rows. All operations are gathers, batches of small
products and sums. Gauss-Seidel is sequential, so the smoother is damped block Jacobi, the same
before and after the coarse correction. The coarsest level is solved on the host.

Vectors have shape (nodes, 18), component by right-hand side, so that one node is one row of memory.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.linalg import block_diag, eigh
from torch import Tensor

from fem_reference.solid import multigrid as host
from fem_reference.solid.hexahedra import Hexahedron
from fem_reference.solid.multigrid import SHARES, CoarseLevel, Multigrid, Nodal, Solved, VoxelLevel
from fem_reference.solid.stopping import largest_share, reached
from lattice_gnn.errors import LatticeGnnError

CHUNK = 2**15  #: products per batch; some versions of cuBLAS fail above 65,535
_VECTORS = 8  #: of the finest level held at the same time

Vector = Float[Tensor, "nodes 18"]
FineVector = Float[Tensor, "fine_nodes 18"]


class DeviceError(LatticeGnnError):
    """The device is unavailable, unsupported or too small, whatever the lattice."""


@dataclass(frozen=True, slots=True)
class DeviceSolver:
    """Counterpart of ``multigrid.solve`` on a torch device."""

    device: torch.device

    def __call__(
        self,
        multigrid: Multigrid,
        affine_stiffness: Float[np.ndarray, "6 6"],
        volume: float,
        *,
        tolerance: float = 1e-6,
        start: Nodal | None = None,
        on_iteration: Callable[[int, float], None] | None = None,
    ) -> Solved:
        """Solve for the fluctuations under the six unit strains; see ``multigrid.solve``.

        Raises:
            NotConvergedError: If the tolerance is not reached; states the error reached.
            LatticeGnnError: If the device has too little memory.
        """
        try:
            levels = DeviceMultigrid(multigrid, self.device)
            f = torch.from_numpy(multigrid.fine.forces()).to(self.device).view(-1, 18)
            u = torch.zeros_like(f)
            if start is not None:
                u.copy_(torch.from_numpy(start).view(-1, 18))
            energy = _Energy(f, affine_stiffness, volume)
            iterations, error = _iterate(levels, energy, u, tolerance, on_iteration)
            C = energy.stiffness(u, levels.fine.residual(f, u))
        except torch.cuda.OutOfMemoryError as full:
            raise DeviceError(
                f"the solid reference: {multigrid.fine.size} active nodes do not fit into the "
                f"memory of {self.device}; use fewer voxels per diameter, or device 'cpu'"
            ) from full
        return Solved(u.cpu().numpy().reshape(-1, 3, 6), C, iterations, error, levels.memory)


def solver_on(device: str) -> Callable[..., Solved]:
    """Return the ``solve`` of a device: numba's for "cpu", otherwise that of this module.

    Raises:
        LatticeGnnError: If torch cannot compute in float64 on the device.
    """
    try:
        place = torch.device(device)
        torch.ones(1, dtype=torch.float64, device=place).item()
    except (AssertionError, RuntimeError, TypeError) as error:
        reason = "does not support float64" if isinstance(error, TypeError) else "is not available"
        raise DeviceError(
            f"the solid reference: device {device!r} {reason}; use 'cpu', or 'cuda' where "
            "torch.cuda.is_available() is true"
        ) from error
    return host.solve if place.type == "cpu" else DeviceSolver(place)


class _Level:
    """A multigrid level copied from the host to a device."""

    def __init__(self, level: host.Level, damping: float, device: torch.device):
        self.size = level.size
        self.smoother = torch.from_numpy(level.inverse).to(device) * damping

    def product(self, x: Vector) -> Vector:
        """Return A x."""
        raise NotImplementedError

    def residual(self, b: Vector, x: Vector) -> Vector:
        """Return b - A x."""
        Ax = self.product(x)
        return torch.sub(b, Ax, out=Ax)

    def smooth(self, b: Vector) -> Vector:
        """Apply one step of damped block Jacobi from x = 0."""
        x = torch.empty_like(b)
        for inverse, right, left in _chunks(self.smoother, b.view(-1, 3, 6), x.view(-1, 3, 6)):
            torch.bmm(inverse, right, out=left)
        return x


class _FineLevel(_Level):
    """The finest level, matrix-free."""

    def __init__(self, level: VoxelLevel, damping: float, device: torch.device):
        super().__init__(level, damping, device)
        self.stiffness = torch.from_numpy(level.element.stiffness).to(device)
        self.corners = torch.from_numpy(level.corners).to(device)
        self.weights = torch.from_numpy(level.weights).to(device)

    def product(self, x: Vector) -> Vector:
        """Return A x; see ``_Level.product``."""
        y = torch.zeros_like(x)
        for corners, weights in _chunks(self.corners, self.weights):
            nodes = corners.flatten()
            forces = self.stiffness @ x.index_select(0, nodes).view(-1, 24, 6)
            forces *= weights[:, None, None]
            y.index_add_(0, nodes, forces.view(-1, 18))
        return y


class _CoarseLevel(_Level):
    """A coarse level, with its interpolation P to the next finer level as a list of entries."""

    def __init__(self, level: CoarseLevel, damping: float, device: torch.device):
        super().__init__(level, damping, device)
        rows = level.blocks.reshape(-1, 27, 3, 3).transpose(0, 2, 1, 3).reshape(-1, 3, 81)
        self.rows = torch.from_numpy(rows).to(device)
        near = level.neighbours.clip(min=0)  # blocks of missing neighbours are zero
        self.neighbours = torch.from_numpy(near).to(device)
        node, offset = np.nonzero(level.children >= 0)
        self.child = torch.from_numpy(level.children[node, offset]).to(device)
        self.parent = torch.from_numpy(node.astype(np.int32)).to(device)
        self.shares = torch.from_numpy(SHARES[offset]).to(device)

    def product(self, x: Vector) -> Vector:
        """Return A x; see ``_Level.product``."""
        y = torch.empty_like(x)
        for near, rows, part in _chunks(self.neighbours, self.rows, y.view(-1, 3, 6)):
            torch.bmm(rows, x.index_select(0, near.flatten()).view(-1, 81, 6), out=part)
        return y

    def restrict(self, fine: FineVector) -> Vector:
        """Return P^T fine."""
        return _add(self.child, self.parent, self.shares, fine, fine.new_zeros(self.size, 18))

    def prolong(self, x: Vector, fine: FineVector) -> None:
        """Add P x to fine."""
        _add(self.parent, self.child, self.shares, x, fine)


def _chunks(*tensors: Tensor) -> zip:
    """Split tensors of the same length into corresponding pieces."""
    return zip(*(tensor.split(CHUNK) for tensor in tensors), strict=True)


def _add(
    source: Int[Tensor, " entries"],
    target: Int[Tensor, " entries"],
    shares: Float[Tensor, " entries"],
    x: Float[Tensor, "sources 18"],
    y: Float[Tensor, "targets 18"],
) -> Float[Tensor, "targets 18"]:
    """Add to y the product of a sparse matrix, given by its entries, with x."""
    for here, there, share in _chunks(source, target, shares):
        y.index_add_(0, there, x.index_select(0, here) * share[:, None])
    return y


class DeviceMultigrid:
    """All multigrid levels on a device, and their W-cycle."""

    def __init__(self, multigrid: Multigrid, device: torch.device):
        damping = _damping(multigrid.fine.element)
        self.fine = _FineLevel(multigrid.fine, damping, device)
        self.coarse = [_CoarseLevel(level, damping, device) for level in multigrid.coarse]
        self._solve_coarsest = multigrid.solve_coarsest

    def precondition(self, b: Vector, number: int = 0) -> Vector:
        """Return M b, with level ``number`` as the finest."""
        if number == len(self.coarse):
            solved = self._solve_coarsest(b.view(-1, 3, 6).cpu().numpy())
            return torch.from_numpy(np.ascontiguousarray(solved)).to(b.device).view(-1, 18)
        level = (self.fine, *self.coarse)[number]
        above = self.coarse[number]
        x = level.smooth(b)
        above.prolong(self._correction(above.restrict(level.residual(b, x)), number + 1), x)
        x += level.smooth(level.residual(b, x))
        return x

    def _correction(self, b: Vector, number: int) -> Vector:
        """Solve approximately on a coarse level, visited twice unless solved directly."""
        x = self.precondition(b, number)
        if number < len(self.coarse):
            x += self.precondition(self.coarse[number - 1].residual(b, x), number)
        return x

    @property
    def memory(self) -> int:
        """Bytes of all levels, the vectors of the conjugate gradients included."""
        tensors = [x for level in (self.fine, *self.coarse) for x in vars(level).values()]
        total = sum(x.nbytes for x in tensors if isinstance(x, Tensor))
        return total + 144 * _VECTORS * sum(level.size for level in (self.fine, *self.coarse))


def _damping(element: Hexahedron) -> float:
    """Return the Jacobi damping 4/3 over the largest eigenvalue of D^-1 A, D block-diagonal.

    The Chebyshev smoother of the fourth kind at degree one (Lottes, Numer. Linear Algebra Appl. 30,
    2023, e2518). The eigenvalue of one element bounds that of the finest level; on coarse levels it
    is similar, and as long as it is below 3/2 of the bound the steps converge and M is positive.
    """
    K = element.stiffness
    D = block_diag(*(K[k : k + 3, k : k + 3] for k in range(0, 24, 3)))
    return 4.0 / 3.0 / float(eigh(K, D, eigvals_only=True)[-1])


@dataclass(frozen=True, slots=True)
class _Energy:
    """Stiffness and its error from the energy of displacements.

    Attributes:
        forces: Nodal forces that release the six unit strains.
        affine: C / E_s under affine displacements.
        volume: Volume of the cell.
    """

    forces: Vector
    affine: Float[np.ndarray, "6 6"]
    volume: float

    def stiffness(self, u: Vector, r: Vector) -> Float[np.ndarray, "6 6"]:
        """Return C of displacements u with A u = forces - r."""
        return self.affine - self.mean(_gram(self.forces, u) + _gram(r, u))

    def mean(self, gram: Float[Tensor, "6 6"]) -> Float[np.ndarray, "6 6"]:
        """Return the symmetric part of an energy over the volume, on the host."""
        return ((gram + gram.T) / (2.0 * self.volume)).cpu().numpy()


def _iterate(
    levels: DeviceMultigrid,
    energy: _Energy,
    u: Vector,
    tolerance: float,
    on_iteration: Callable[[int, float], None] | None,
) -> tuple[int, float]:
    """Improve u by conjugate gradients; stopping criterion as in ``multigrid.solve``.

    Returns:
        Number of iterations, and the remaining relative error of the energy.
    """
    r, p = levels.fine.residual(energy.forces, u), torch.zeros_like(u)
    C, old, iterations = energy.affine, u.new_ones(6), 0
    while True:
        z = levels.precondition(r)
        gram = _gram(r, z)
        error = largest_share(energy.mean(gram), C)
        if error <= tolerance:  # C decreases during the iteration: check again with the current one
            C = energy.stiffness(u, r)
            error = largest_share(energy.mean(gram), C)
        if on_iteration is not None:
            on_iteration(iterations, error)
        if reached(error, tolerance, iterations):
            return iterations, error
        rz = gram.diagonal().clamp(min=0.0)
        p.mul_((rz / old).repeat(3)).add_(z)
        Ap = levels.fine.product(p)
        curvature = _gram(p, Ap).diagonal()
        step = torch.where(curvature > 0, rz / curvature, 0.0).repeat(3)
        u.addcmul_(p, step)
        r.addcmul_(Ap, -step)
        old = torch.where(rz > 0, rz, 1.0)
        iterations += 1


def _gram(a: Vector, b: Vector) -> Float[Tensor, "6 6"]:
    """Return the scalar products of the columns."""
    return a.view(-1, 6).T @ b.view(-1, 6)
