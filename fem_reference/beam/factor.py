"""Factorisations of the fluctuation stiffness K_uu: dense in batches, or sparse.

Both hold the degrees of freedom given by ``find_supports`` (so that the matrix is positive
definite), scale to a unit diagonal, and provide ``solve(forces) -> displacements`` on the flat node
layout of a ``LatticeBatch``.
"""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fem_reference.beam.dissection import dissection_order
from fem_reference.sparse import IllConditionedError, factorise
from lattice_gnn.lattice.batch import LatticeBatch

Nodal = Float[Tensor, "nodes 6 cases"]
StrutOperator = Float[Tensor, "struts 8 12"]


@runtime_checkable
class Factor(Protocol):
    """A factorised stiffness matrix."""

    def solve(self, forces: Nodal) -> Nodal:
        """Return displacements and rotations under nodal forces and moments; zero where held."""
        ...

    def condition(self) -> Float[Tensor, " lattices"]:
        """Return the condition number of the scaled matrix of each lattice (2-norm)."""
        ...


class DenseFactor:
    """Batched dense Cholesky factors, every lattice padded to the largest of the batch."""

    def __init__(self, batch: LatticeBatch, B: StrutOperator, held: Bool[Tensor, " degrees"]):
        lattices = len(batch)
        self.size = n = int(batch.node_offsets.diff().max())
        owner = batch.node_lattice
        local = torch.arange(len(batch.nodes), device=owner.device) - batch.node_offsets[owner]
        self._slot = owner * n + local
        self._scale = _unit_diagonal(batch, B, held)
        B = B * self._scale.view(-1, 6)[batch.struts].view(-1, 1, 12)
        rows, columns = self._slot[batch.struts], local[batch.struts]
        blocks = (B.mT @ B).view(-1, 2, 6, 2, 6).transpose(2, 3).reshape(-1, 6, 6)
        K = B.new_zeros(lattices * n * n, 6, 6)
        K.index_add_(0, (rows[:, :, None] * n + columns[:, None, :]).view(-1), blocks)
        K = K.view(lattices, n, n, 6, 6).transpose(2, 3).reshape(lattices, 6 * n, 6 * n)
        K.diagonal(dim1=-2, dim2=-1).fill_(1)  # already 1 where free; sets held and padding
        self._cholesky, info = torch.linalg.cholesky_ex(K)
        if bool((info > 0).any()):
            raise IllConditionedError(int(info.argmax()))

    def solve(self, forces: Nodal) -> Nodal:
        """Solve for nodal forces; see ``Factor.solve``."""
        scale = self._scale.view(-1, 6, 1)
        padded = forces.new_zeros(len(self._cholesky) * self.size, 6, forces.shape[-1])
        padded[self._slot] = forces * scale
        solution = torch.cholesky_solve(
            padded.view(len(self._cholesky), 6 * self.size, -1), self._cholesky
        )
        return solution.reshape(padded.shape)[self._slot] * scale

    def condition(self) -> Float[Tensor, " lattices"]:
        """Return condition numbers; see ``Factor.condition``."""
        eigenvalues = torch.linalg.eigvalsh(self._cholesky @ self._cholesky.mT)
        return eigenvalues[:, -1] / eigenvalues[:, 0]


class SparseFactor:
    """One sparse factorisation of the whole batch, ordered by nested dissection.

    See ``fem_reference.sparse.factorise``.
    """

    def __init__(self, batch: LatticeBatch, B: StrutOperator, held: Bool[Tensor, " degrees"]):
        from scipy.sparse import csc_array  # slow to import; not needed for small lattices

        size = 6 * len(batch.nodes)
        struts = batch.struts.cpu().numpy()
        scale = _unit_diagonal(batch, B, held)
        self._order = _degrees(dissection_order(batch))
        self._scale = scale.cpu().numpy()[:, None]
        place = np.empty(size, dtype=np.int64)
        place[self._order] = np.arange(size)
        dofs = place[_degrees(struts.reshape(-1)).reshape(len(struts), 12)]
        B = B * scale.view(-1, 6)[batch.struts].view(-1, 1, 12)
        self._like = B.new_zeros(0)
        values = (B.mT @ B).cpu().numpy()
        rows = np.repeat(dofs, 12, axis=1).ravel()
        columns = np.tile(dofs, (1, 12)).ravel()
        K = csc_array((values.ravel(), (rows, columns)), shape=(size, size))
        K.setdiag(1.0)
        K.eliminate_zeros()
        self._K = K
        self._apply_inverse = factorise(K, ordering="NATURAL")

    def solve(self, forces: Nodal) -> Nodal:
        """Solve for nodal forces; see ``Factor.solve``."""
        b = forces.cpu().numpy().reshape(len(self._order), -1) * self._scale
        x = np.empty_like(b)
        x[self._order] = self._apply_inverse(b[self._order])
        return torch.from_numpy(x * self._scale).to(forces).view_as(forces)

    def condition(self) -> Float[Tensor, " lattices"]:
        """Estimate condition numbers from extreme eigenvalues by Lanczos iteration, to 1 %."""
        from scipy.sparse.linalg import LinearOperator, eigsh

        inverse = LinearOperator(self._K.shape, matvec=self._apply_inverse, dtype=self._K.dtype)
        start = np.ones(len(self._order))
        largest, of_inverse = (
            eigsh(op, k=1, tol=1e-2, v0=start, return_eigenvectors=False)[0]
            for op in (self._K, inverse)
        )
        return self._like.new_tensor([largest * of_inverse])


def _unit_diagonal(
    batch: LatticeBatch, B: StrutOperator, held: Bool[Tensor, " degrees"]
) -> Float[Tensor, " degrees"]:
    """Return the scaling to a unit diagonal of K, and 0 for held degrees of freedom."""
    i, j = batch.struts.unbind(-1)
    diagonal = B.new_zeros(len(batch.nodes), 6)
    diagonal.index_add_(0, batch.struts.view(-1), B.square().sum(1).view(-1, 6))
    loops = (i == j).nonzero()[
        :, 0
    ]  # both ends of a self-image strut share their degrees of freedom
    coupling = (B[loops, :, :6] * B[loops, :, 6:]).sum(1)
    diagonal.index_add_(0, i[loops], 2 * coupling)
    return diagonal.view(-1).rsqrt().masked_fill_(held, 0)


def _degrees(nodes: Int[np.ndarray, " nodes"]) -> Int[np.ndarray, " degrees"]:
    """Return the six degrees of freedom of each node, in order."""
    return (6 * nodes[:, None] + np.arange(6)).ravel()
