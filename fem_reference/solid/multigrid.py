"""Conjugate gradients for voxel solids, preconditioned by geometric multigrid.

Only nodes of voxels with non-zero weight are active. Each level halves the resolution, with
trilinear interpolation P in between and exact Galerkin operators P^T A P: an element of a coarse
level is the weighted sum of contributions of its voxels, one matrix product for all elements. The
smoother is block Gauss-Seidel, forward before and backward after the coarse correction, so that the
preconditioner is symmetric. The coarsest level is solved directly. Block rows of the finest level
are computed from the voxel weights on the fly and never stored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import bsr_array, csc_array, csr_matrix, diags_array
from scipy.sparse.csgraph import connected_components

from fem_reference.solid import stencils
from fem_reference.solid.grid import Grid, numbers_at
from fem_reference.solid.hexahedra import (
    CORNERS,
    OFFSETS,
    PAIR_OFFSET,
    Hexahedron,
    child_interpolation,
    descend,
)
from fem_reference.solid.stopping import largest_share, reached
from fem_reference.sparse import factorise

CHUNK = 256  #: rows whose blocks are held at once; they fit into the L2 cache
COARSEST_NODES = 300  #: largest number of nodes of a level that is solved directly
MOST_LEVELS = 7
_GEMM_LEVELS = 3  #: up to this level elements are summed from voxels, above from elements
SHARES = 0.5 ** np.abs(OFFSETS).sum(axis=1)  #: weights of a coarse node in the fine nodes around it
_PARDISO_FROM = 15_000  #: unknowns; for fewer SuperLU is faster
_REGULARISATION = 1e-10  #: of the coarsest diagonal; hinges between voxels make it singular

Nodal = Float[np.ndarray, "nodes 3 6"]


@dataclass(frozen=True, slots=True)
class Solved:
    """Result of the conjugate gradients.

    Attributes:
        displacement: Fluctuations under the six unit strains, unit of length.
        stiffness: C / E_s, Mandel.
        iterations: Number of iterations.
        error: Largest relative error of a strain energy left by the iteration.
        memory: Memory of levels and vectors in bytes, on the device used.
    """

    displacement: Nodal
    stiffness: Float[np.ndarray, "6 6"]
    iterations: int
    error: float
    memory: int


class Level:
    """A grid with the inverse of its diagonal blocks; subclasses provide the rows."""

    def __init__(self, grid: Grid):
        self.neighbours = grid.neighbours
        self.size = len(grid)

    def chunks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Iterate over the first row and the blocks of every chunk of rows, ascending."""
        return (self.chunk(start) for start in range(0, self.size, CHUNK))

    def chunk(self, start: int) -> tuple[int, np.ndarray]:
        """Return the rows from ``start`` on."""
        raise NotImplementedError

    def invert_diagonal(self) -> None:
        """Prepare the smoother."""
        self.inverse = np.empty((self.size, 3, 3))
        for start, blocks in self.chunks():
            stencils.invert_diagonal(blocks, self._near(start), start, self.inverse)

    def product(self, x: Nodal, y: Nodal) -> None:
        """Set y = A x."""
        for start, blocks in self.chunks():
            stencils.product(blocks, self._near(start), start, x, y)

    def smooth_before(self, b: Nodal, x: Nodal, residual: Nodal) -> None:
        """Sweep forward from x = 0 and compute the residual."""
        for start, blocks in self.chunks():
            stencils.forward(blocks, self._near(start), start, self.inverse, b, x)
        for start, blocks in self.chunks():
            stencils.upper_product(blocks, self._near(start), start, x, residual)

    def smooth_after(self, b: Nodal, x: Nodal) -> None:
        """Sweep backward."""
        for first in range((self.size - 1) // CHUNK * CHUNK, -1, -CHUNK):
            start, blocks = self.chunk(first)
            stencils.backward(blocks, self._near(start), start, self.inverse, b, x)

    def _near(self, start: int) -> Int[np.ndarray, "rows 27"]:
        return self.neighbours[start : start + CHUNK]


class VoxelLevel(Level):
    """The finest level: rows are computed from the weights of the eight voxels around a node."""

    def __init__(self, grid: Grid, weights: Float[np.ndarray, " voxels"], element: Hexahedron):
        super().__init__(grid)
        self.corners, self.weights, self.element = grid.corners, weights, element
        dense = np.zeros(int(np.prod(grid.shape)))
        dense[grid.voxels] = weights
        self.around = dense[grid.numbers(grid.nodes, -CORNERS)]
        rows = np.zeros((8, 27, 9))
        K = element.stiffness.reshape(8, 3, 8, 3).transpose(0, 2, 1, 3).reshape(8, 8, 9)
        for a in range(8):
            rows[a, PAIR_OFFSET[a]] = K[a]
        self._rows = rows.reshape(8, 243)
        self._loads = element.loads.reshape(8, 18)
        self.invert_diagonal()

    def chunk(self, start: int) -> tuple[int, np.ndarray]:
        """Return the rows from ``start`` on; see ``Level.chunk``."""
        return start, (self.around[start : start + CHUNK] @ self._rows).reshape(-1, 27, 9)

    def forces(self, start: int = 0, stop: int | None = None) -> Nodal:
        """Return the nodal forces that release the six unit strains."""
        return -(self.around[start:stop] @ self._loads).reshape(-1, 3, 6)

    def forces_less(self, Ap: Nodal, r: Nodal) -> None:
        """Set r = forces - Ap."""
        for start in range(0, self.size, 16 * CHUNK):
            part = slice(start, start + 16 * CHUNK)
            np.subtract(self.forces(part.start, part.stop), Ap[part], out=r[part])


class CoarseLevel(Level):
    """A Galerkin level with stored rows."""

    def __init__(self, grid: Grid, fine: Grid):
        super().__init__(grid)
        at = np.unravel_index(grid.nodes, grid.shape)
        self.children = fine.places()[numbers_at(tuple(2 * x for x in at), OFFSETS, fine.shape)]
        self.blocks = np.zeros((self.size, 27, 9))
        self.b, self.x, self.residual, self.again = (np.empty((self.size, 3, 6)) for _ in range(4))

    def chunk(self, start: int) -> tuple[int, np.ndarray]:
        """Return the rows from ``start`` on; see ``Level.chunk``."""
        return start, self.blocks[start : start + CHUNK]


class Multigrid:
    """Multigrid levels of a voxel solid, finest first, with a W-cycle as preconditioner."""

    def __init__(self, grid: Grid, weights: Float[np.ndarray, " voxels"], element: Hexahedron):
        self.fine = VoxelLevel(grid, weights, element)
        self.coarse: list[CoarseLevel] = []
        self._build(grid, weights, element)
        self.solve_coarsest = _direct(self.coarse[-1] if self.coarse else self.fine)

    def _build(self, grid: Grid, weights: np.ndarray, element: Hexahedron) -> None:
        """Build the coarse levels.

        ``shares`` holds the contribution of each descendant to the matrix of an element; deep
        levels restart from the matrices of the previous level.
        """
        shares, parts = element.stiffness[None], weights[:, None]
        while len(grid) > COARSEST_NODES and len(self.coarse) + 2 <= MOST_LEVELS:
            if any(n % 2 for n in grid.shape):
                break
            numbers, inverse = np.unique(grid.parent_voxels(), return_inverse=True)
            above = Grid(numbers, grid.half_shape)
            level = CoarseLevel(above, grid)
            child = grid.child_numbers()
            if len(self.coarse) < _GEMM_LEVELS:
                shares = descend(shares)
                wider = np.zeros((len(numbers), 8, parts.shape[1]))
                wider[inverse, child] = parts
                parts = wider.reshape(len(numbers), -1)
                matrices = _sum_in_slabs(parts, shares, above, level)
            else:
                matrices = _sum_of_children(matrices, inverse, child, len(numbers))
                stencils.add_elements(matrices, above.corners, PAIR_OFFSET, level.blocks)
            level.invert_diagonal()
            self.coarse.append(level)
            grid = above

    def interpolate(self, coarse: Nodal) -> Float[np.ndarray, "fine_nodes 3 6"]:
        """Interpolate a vector on the nodes of the first coarse level to the finest."""
        fine = np.zeros((self.fine.size, 3, 6))
        stencils.prolong(self.coarse[0].children, SHARES, coarse, fine)
        return fine

    @property
    def memory(self) -> int:
        """Bytes of all levels, the vectors of the conjugate gradients included."""
        fine = self.fine
        total = fine.around.nbytes + 5 * 144 * fine.size
        for level in (fine, *self.coarse):
            total += level.neighbours.nbytes + level.inverse.nbytes
        for level in self.coarse:
            total += level.blocks.nbytes + level.children.nbytes + 4 * 144 * level.size
        return total

    def precondition(self, b: Nodal, x: Nodal, scratch: Nodal) -> None:
        """Set x = M b by one W-cycle; ``scratch`` is overwritten."""
        if not self.coarse:
            x[:] = self.solve_coarsest(b)
            return
        self.fine.smooth_before(b, x, scratch)
        self._cycle(0, x, scratch)
        self.fine.smooth_after(b, x)

    def _cycle(self, number: int, fine_x: Nodal, fine_residual: Nodal) -> None:
        """Correct ``fine_x`` by level ``number``, visited twice (W-cycle)."""
        level = self.coarse[number]
        stencils.restrict(level.children, SHARES, fine_residual, level.b)
        self._visit(number, level.x)
        if number + 1 < len(self.coarse):
            level.product(level.x, level.residual)
            level.b -= level.residual
            self._visit(number, level.again)
            level.x += level.again
        stencils.prolong(level.children, SHARES, level.x, fine_x)

    def _visit(self, number: int, x: Nodal) -> None:
        """Solve on a coarse level approximately, on the coarsest directly."""
        level = self.coarse[number]
        if number + 1 == len(self.coarse):
            x[:] = self.solve_coarsest(level.b)
            return
        level.smooth_before(level.b, x, level.residual)
        self._cycle(number + 1, x, level.residual)
        level.smooth_after(level.b, x)


def _sum_in_slabs(
    parts: np.ndarray, shares: np.ndarray, grid: Grid, level: CoarseLevel
) -> Float[np.ndarray, "elements 24 24"]:
    """Sum element matrices from voxel weights into the level; return them if there are few."""
    flat = shares.reshape(len(shares), 576)
    keep = []
    for start in range(0, len(parts), CHUNK):
        matrices = (parts[start : start + CHUNK] @ flat).reshape(-1, 24, 24)
        corners = grid.corners[start : start + CHUNK]
        stencils.add_elements(matrices, corners, PAIR_OFFSET, level.blocks)
        if len(shares) == 8**_GEMM_LEVELS:
            keep.append(matrices)
    return np.concatenate(keep) if keep else np.empty((0, 24, 24))


def _sum_of_children(
    matrices: np.ndarray, parent: np.ndarray, child: np.ndarray, count: int
) -> Float[np.ndarray, "elements 24 24"]:
    """Sum the element matrices of a level from those one level down."""
    summed, interpolation = np.zeros((count, 24, 24)), child_interpolation()
    for number in range(8):
        mine = np.flatnonzero(child == number)  # at most one child of this number per parent
        Q = interpolation[number]
        summed[parent[mine]] += Q.T @ matrices[mine] @ Q
    return summed


def _direct(level: Level) -> Callable[[Nodal], Nodal]:
    """Factorise a level; springs at one node hold the translations of each connected part.

    The springs carry no load, because the loads on each part are in equilibrium.
    """
    blocks = np.concatenate([blocks for _, blocks in level.chunks()])
    near = level.neighbours
    row, offset = np.nonzero(near >= 0)
    column = near[row, offset]
    order = np.lexsort((column, row))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=level.size))])
    data = blocks[row, offset][order].reshape(-1, 3, 3)
    size = 3 * level.size
    K = bsr_array((data, column[order], pointers), shape=(size, size)).tocsc()
    graph = csr_matrix((np.ones(len(row)), (row, column)), shape=(level.size, level.size))
    first = np.unique(connected_components(graph, directed=False)[1], return_index=True)[1]
    diagonal = K.diagonal()
    springs = _REGULARISATION * diagonal
    held = (3 * first[:, None] + np.arange(3)).ravel()
    springs[held] += diagonal[held]
    apply_inverse = factorise(
        csc_array(K + diags_array(springs)), ordering="MMD_AT_PLUS_A", pardiso_from=_PARDISO_FROM
    )
    return lambda b: apply_inverse(b.reshape(size, -1)).reshape(b.shape)


def solve(
    multigrid: Multigrid,
    affine_stiffness: Float[np.ndarray, "6 6"],
    volume: float,
    *,
    tolerance: float = 1e-6,
    start: Nodal | None = None,
    on_iteration: Callable[[int, float], None] | None = None,
) -> Solved:
    """Solve for the fluctuations under the six unit strains by conjugate gradients.

    With the residuals r of the six columns, r^T A^-1 r / V is the remaining error of C. It is
    estimated in every iteration with the preconditioner M in place of A^-1, and compared with C
    strain by strain: the largest eigenvalue of C^-1 (r^T M r / V) estimates the largest relative
    error of a strain energy, that of the softest mode included.

    Args:
        multigrid: The levels.
        affine_stiffness: C / E_s under affine displacements, Mandel.
        volume: Volume of the cell.
        tolerance: Admissible relative error of any strain energy.
        start: Initial fluctuations, overwritten; zero by default.
        on_iteration: Called with the number of iterations and the error.

    Raises:
        NotConvergedError: If the tolerance is not reached; states the error reached.
    """
    level = multigrid.fine
    r = level.forces()
    p, z, Ap = (np.zeros_like(r) for _ in range(3))
    u = np.zeros_like(r) if start is None else start
    if start is not None:
        level.product(u, Ap)
        r -= Ap
    C, old, iterations = affine_stiffness, np.ones(6), 0
    while True:
        multigrid.precondition(r, z, Ap)
        grams = r.reshape(-1, 6).T @ z.reshape(-1, 6)
        error = largest_share((grams + grams.T) / (2.0 * volume), C)
        if error <= tolerance:  # C decreases during the iteration: check again with the current one
            C = _energy(level, affine_stiffness, volume, u, r)
            error = largest_share((grams + grams.T) / (2.0 * volume), C)
        if on_iteration is not None:
            on_iteration(iterations, error)
        if reached(error, tolerance, iterations):
            break
        rz = np.diagonal(grams).clip(min=0.0)
        _rows(p)[:] *= np.tile(rz / old, 3)
        p += z
        level.product(p, Ap)
        curvature = np.einsum("ij,ij->j", _rows(p), _rows(Ap)).reshape(3, 6).sum(axis=0)
        step = np.tile(np.divide(rz, curvature, out=np.zeros(6), where=curvature > 0), 3)
        np.multiply(_rows(p), step, out=_rows(z))
        u += z
        _rows(Ap)[:] *= step
        r -= Ap
        old = np.where(rz > 0, rz, 1.0)
        iterations += 1
    level.product(u, Ap)
    level.forces_less(Ap, r)
    C = _energy(level, affine_stiffness, volume, u, r)
    return Solved(u, C, iterations, float(error), multigrid.memory)


def _rows(vector: Nodal) -> Float[np.ndarray, "nodes 18"]:
    """Return a view of a nodal vector with long rows, which numpy handles faster."""
    return vector.reshape(-1, 18)


def _energy(
    level: VoxelLevel, affine: np.ndarray, volume: float, u: Nodal, r: Nodal
) -> Float[np.ndarray, "6 6"]:
    """Return C (symmetric) from the energy of displacements with A u = f - r."""
    total = np.zeros((6, 6))
    for start in range(0, len(u), 16 * CHUNK):
        part = slice(start, start + 16 * CHUNK)
        forces = level.forces(part.start, part.stop) + r[part]
        total += forces.reshape(-1, 6).T @ u[part].reshape(-1, 6)
    return affine - (total + total.T) / (2.0 * volume)
