"""Blocks of design variables: node coordinates, radii, strains of the cell.

The symmetry that is kept is exact for every value: displacements u of the nodes satisfy
u(image of n) = R u(n), radii are equal on every orbit of struts, and strains are invariant under
the point group. Each variable is a coordinate, a radius or a strain component itself (the bases are
in reduced row echelon form), so that rounding a variable rounds what a file of the lattice holds.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import SpaceGroup
from lattice_gnn.tensors.notation import rotation_mandel

_ZERO = 1e-9
_NODE_SCALE = 0.1  #: typical step of a node, in mean strut lengths
_STRAIN_SCALE = 0.1
_WIDEST = 0.25  #: default of the largest radius, in mean strut lengths
_THINNEST = 0.1  #: default of the smallest radius, in smallest radii of the start


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some variables and what they change: values = offset + x @ basis.

    Attributes:
        kind: "nodes", "radii" or "cell".
        names: Name of each variable.
        start: Value of each at the start.
        lower: Smallest value of each.
        upper: Largest value of each.
        scale: Typical step of each.
        basis: What a unit of each changes: fractional coordinates, radii, or Mandel strains.
        offset: The rest of these values.
    """

    kind: str
    names: tuple[str, ...]
    start: Float[np.ndarray, " variables"]
    lower: Float[np.ndarray, " variables"]
    upper: Float[np.ndarray, " variables"]
    scale: Float[np.ndarray, " variables"]
    basis: Float[np.ndarray, "variables values"]
    offset: Float[np.ndarray, " values"]

    @property
    def extremes(self) -> tuple[float, float]:
        """The smallest and largest of its values at the lower and at the upper bounds."""
        low, high = (self.offset + bound @ self.basis for bound in (self.lower, self.upper))
        return float(low.min()), float(high.max())


def echelon(
    rows: Float[np.ndarray, "rows columns"],
) -> tuple[Float[np.ndarray, "rank columns"], Int[np.ndarray, " rank"]]:
    """Return the reduced row echelon form and the pivot columns of a matrix."""
    matrix = rows.astype(np.float64, copy=True)
    pivots: list[int] = []
    for column in range(matrix.shape[1]):
        rank = len(pivots)
        if rank == len(matrix):
            break
        best = rank + int(np.abs(matrix[rank:, column]).argmax())
        if abs(matrix[best, column]) < _ZERO:
            continue
        matrix[[rank, best]] = matrix[[best, rank]]
        matrix[rank] /= matrix[rank, column]
        others = np.arange(len(matrix)) != rank
        matrix[others] -= matrix[others, column, None] * matrix[rank]
        pivots.append(column)
    basis = matrix[: len(pivots)]
    basis[np.abs(basis) < _ZERO] = 0.0
    return basis, np.array(pivots, dtype=np.int64)


def displacement_basis(
    lattice: Lattice, group: SpaceGroup
) -> tuple[Float[np.ndarray, "variables coordinates"], Int[np.ndarray, " variables"]]:
    """Return the invariant displacements (fractional, node by node) without rigid translations.

    The second array holds the coordinate that each basis vector names.
    """
    size = 3 * lattice.num_nodes
    projector = np.zeros((size, size))
    columns = 3 * np.arange(lattice.num_nodes)[:, None, None] + np.arange(3)
    for R, images in zip(group.rotations, group.node_images, strict=True):
        rows = 3 * images[:, None, None] + np.arange(3)[:, None]
        projector[rows, columns] += R
    basis, pivots = echelon(projector.T / group.order)
    _, held = echelon(group.rotations.mean(0).T)
    kept = ~np.isin(pivots, held)
    return basis[kept], pivots[kept]


def strain_basis(lattice: Lattice, group: SpaceGroup) -> Float[np.ndarray, "variables 6"]:
    """Return the invariant strains, Mandel."""
    Q = rotation_mandel(torch.from_numpy(group.cartesian(lattice.cell))).numpy()
    return echelon(Q.mean(0).T)[0]


def node_block(lattice: Lattice, group: SpaceGroup, settings: DesignSettings) -> Block:
    """Return the free coordinates of the nodes."""
    basis, pivots = displacement_basis(lattice, group)
    nodes = lattice.nodes.reshape(-1)
    start = nodes[pivots]
    mean = float(lattice.lengths.mean())
    unit = mean / np.linalg.norm(lattice.cell, axis=1)[pivots % 3]
    return Block(
        kind="nodes",
        names=tuple(f"node {p // 3}, {'abc'[p % 3]}" for p in pivots),
        start=start,
        lower=start - settings.move * unit,
        upper=start + settings.move * unit,
        scale=_NODE_SCALE * unit,
        basis=basis,
        offset=nodes - start @ basis,
    )


def radius_block(
    lattice: Lattice, group: SpaceGroup, settings: DesignSettings, *, one: bool
) -> Block:
    """Return the radii of the orbits of struts, or one factor for all radii."""
    radii = lattice.radii
    low, high = settings.radius_bounds or (
        _THINNEST * float(radii.min()),
        max(_WIDEST * float(lattice.lengths.mean()), 1.5 * float(radii.max())),
    )
    if one:
        start = radii.max(keepdims=True)
        basis = (radii / start)[None]
        low, high = low * float(start[0] / radii.min()), high
        names: tuple[str, ...] = ("largest radius",)
    else:
        orbit = group.strut_images.min(0)
        first, number = np.unique(orbit, return_inverse=True)
        basis = (np.arange(len(first))[:, None] == number).astype(np.float64)
        start = basis @ radii / basis.sum(1)
        names = tuple(f"radius of strut {s}" for s in first)
    if low > high:
        raise LatticeGnnError(
            f"design: one factor for all radii cannot keep them between {low:.4g} and {high:.4g}; "
            "vary radii instead of radius, or widen radius_bounds"
        )
    return Block(
        kind="radii",
        names=names,
        start=start,
        lower=np.full(len(names), low),
        upper=np.full(len(names), high),
        scale=np.clip(start, low, high),
        basis=basis,
        offset=np.zeros(len(radii)),
    )


def cell_block(lattice: Lattice, group: SpaceGroup, settings: DesignSettings, kind: str) -> Block:
    """Return the strains of the cell; of its shape or of its volume alone, by kind."""
    basis = strain_basis(lattice, group)
    dilatation = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    if kind == "cell_volume":
        basis = dilatation[None]
    elif kind == "cell_shape":
        basis = echelon(basis - np.outer(basis @ dilatation, dilatation) / 3)[0]
    count = len(basis)
    return Block(
        kind="cell",
        names=tuple(f"strain {1 + k}" for k in range(count)),
        start=np.zeros(count),
        lower=np.full(count, -settings.strain),
        upper=np.full(count, settings.strain),
        scale=np.full(count, _STRAIN_SCALE),
        basis=basis,
        offset=np.zeros(6),
    )
