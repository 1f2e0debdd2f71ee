"""Quantities of struts with derivatives in closed form.

Constraints on the density and on the lengths of struts accompany almost every design. In closed
form they take a small part of the time of a beam solution, which automatic differentiation does
not.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.memory import Remembering

Slopes = dict[str, Float[np.ndarray, "lattices rows *rest"]]
"""Derivatives of rows of numbers by the tensors of a ``LatticeBatch``, by the name of the tensor:
nodes (lattices, rows, nodes, 3), cells (lattices, rows, 3, 3), radii (lattices, rows, struts)."""


@dataclass(frozen=True, slots=True, eq=False)
class StrutGeometry:
    """Strut vectors, lengths and radii of lattices of one topology, as arrays.

    Attributes:
        nodes: Fractional node coordinates.
        cells: Cell vectors as rows.
        vectors: Cartesian vectors.
        lengths: Their lengths.
        volumes: Cell volumes.
        radii: Outer radius at node i.
        end_radii: Outer radius at node j.
        inner_radii: Bore radius at node i.
    """

    nodes: Float[np.ndarray, "lattices nodes 3"]
    cells: Float[np.ndarray, "lattices 3 3"]
    vectors: Float[np.ndarray, "lattices struts 3"]
    lengths: Float[np.ndarray, "lattices struts"]
    volumes: Float[np.ndarray, " lattices"]
    radii: Float[np.ndarray, "lattices struts"]
    end_radii: Float[np.ndarray, "lattices struts"]
    inner_radii: Float[np.ndarray, "lattices struts"]


@dataclass(frozen=True, slots=True, eq=False)
class Partials:
    """Derivatives of one number per lattice by what it is computed from; None for zero.

    Attributes:
        lengths: By the length of every strut.
        volumes: By the volume of the cell.
        radii: By the outer radius at node i of every strut.
        end_radii: By the outer radius at node j.
        inner_radii: By the bore radius at node i.
    """

    lengths: Float[np.ndarray, "lattices struts"]
    volumes: Float[np.ndarray, " lattices"] | None = None
    radii: Float[np.ndarray, "lattices struts"] | None = None
    end_radii: Float[np.ndarray, "lattices struts"] | None = None
    inner_radii: Float[np.ndarray, "lattices struts"] | None = None


StrutRule = Callable[[StrutGeometry], tuple[Float[np.ndarray, " lattices"], Partials]]
"""Returns one number per lattice and its derivatives."""


@dataclass(frozen=True, slots=True, eq=False)
class Net(Remembering):
    """The net that lattices of one topology share.

    Attributes:
        nodes: Number of nodes.
        struts: End nodes of every strut.
        shifts: Cell of node j relative to node i.
    """

    nodes: int
    struts: Int[np.ndarray, "struts 2"]
    shifts: Int[np.ndarray, "struts 3"]

    def geometry(self, batch: LatticeBatch) -> StrutGeometry:
        """Return the geometry of the struts of a batch of this net."""
        count = len(batch)
        nodes = batch.nodes.detach().numpy().reshape(count, -1, 3)
        cells = batch.cells.detach().numpy()
        i, j = self.struts.T
        places = nodes @ cells
        vectors = places.take(j, 1) - places.take(i, 1) + self.shifts @ cells
        radii, end_radii, inner_radii = (
            values.detach().numpy().reshape(count, -1)
            for values in (batch.radii, batch.end_radii, batch.inner_radii)
        )
        return StrutGeometry(
            nodes=nodes,
            cells=cells,
            vectors=vectors,
            lengths=np.sqrt(np.einsum("bsk,bsk->bs", vectors, vectors)),
            volumes=np.abs(np.linalg.det(cells)),
            radii=radii,
            end_radii=end_radii,
            inner_radii=inner_radii,
        )

    def slopes(
        self, struts: StrutGeometry, rows: list[Partials], wanted: Collection[str]
    ) -> Slopes:
        """Return the derivatives of several numbers by tensors of the lattices.

        Args:
            struts: The geometry.
            rows: Derivatives of each number by the struts.
            wanted: Names of the tensors; end radii that are not wanted are the radii.
        """
        found: Slopes = {}
        if {"nodes", "cells"} & set(wanted):
            by_length = np.stack([row.lengths for row in rows], axis=1)
            lengths = np.maximum(struts.lengths, np.finfo(np.float64).tiny)[:, None]
            along = (by_length / lengths)[..., None] * struts.vectors[:, None]
            by_places = self._by_places(along)
            if "nodes" in wanted:
                found["nodes"] = by_places @ struts.cells.mT[:, None]
            if "cells" in wanted:
                by_volume = _stacked([row.volumes for row in rows], struts.volumes)
                inverse = np.linalg.inv(struts.cells).mT
                growth = (struts.volumes[:, None, None] * inverse)[:, None]
                found["cells"] = (
                    struts.nodes.mT[:, None] @ by_places
                    + self.shifts.T @ along
                    + by_volume[..., None, None] * growth
                )
        for name in ("radii", "end_radii", "inner_radii"):
            if name in wanted:
                found[name] = _stacked([getattr(row, name) for row in rows], struts.lengths)
        if "radii" in wanted and "end_radii" not in wanted:
            found["radii"] += _stacked([row.end_radii for row in rows], struts.lengths)
        return found

    def _by_places(
        self, along: Float[np.ndarray, "lattices rows struts 3"]
    ) -> Float[np.ndarray, "lattices rows nodes 3"]:
        """Sum derivatives by the strut vectors over the ends at every node."""
        lattices, rows, struts, _ = along.shape
        columns = along.transpose(2, 0, 1, 3).reshape(struts, -1)
        sums = self._incidence() @ columns
        return sums.reshape(-1, lattices, rows, 3).transpose(1, 2, 0, 3)

    def _incidence(self) -> csr_array:
        """Return the matrix that sums over the ends of struts: -1 at node i, 1 at node j."""
        found: csr_array = self._once("incidence", lambda: _incidence(self.struts, self.nodes))
        return found


def _stacked(
    rows: Sequence[np.ndarray | None], like: Float[np.ndarray, "lattices *rest"]
) -> Float[np.ndarray, "lattices rows *rest"]:
    """Stack rows, with zeros for None."""
    found = np.zeros((len(like), len(rows), *like.shape[1:]))
    for k, row in enumerate(rows):
        if row is not None:
            found[:, k] = row
    return found


def _incidence(struts: Int[np.ndarray, "struts 2"], nodes: int) -> csr_array:
    """Return a column for every strut: -1 at its node i, 1 at its node j."""
    count = len(struts)
    signs = np.tile([-1.0, 1.0], count)
    places = (struts.ravel(), np.repeat(np.arange(count), 2))
    return csr_array((signs, places), shape=(nodes, count))


def density(struts: StrutGeometry) -> tuple[Float[np.ndarray, " lattices"], Partials]:
    """Return the relative density, as `LatticeBatch.relative_density`, and its derivatives."""
    r, e, bore = struts.radii, struts.end_radii, struts.inner_radii / struts.radii
    V = struts.volumes[:, None]
    square, solid = (r * r + r * e + e * e) / 3, 1 - bore * bore
    per_length = (np.pi / V) * square * solid
    value = (per_length * struts.lengths).sum(1)
    share = (np.pi / V) * struts.lengths
    return value, Partials(
        lengths=per_length,
        volumes=-value / struts.volumes,
        radii=share * ((2 * r + e) / 3 * solid + 2 * square * bore * bore / r),
        end_radii=share * solid * (r + 2 * e) / 3,
        inner_radii=-2 * share * square * bore / r,
    )


def shortest_over(lengths: Float[np.ndarray, " struts"]) -> StrutRule:
    """Return the rule of the smallest length over given lengths."""

    def rule(struts: StrutGeometry) -> tuple[Float[np.ndarray, " lattices"], Partials]:
        ratios = struts.lengths / lengths
        first = ratios.argmin(1, keepdims=True)
        slopes = np.zeros_like(ratios)
        np.put_along_axis(slopes, first, 1 / lengths[first], axis=1)
        return np.take_along_axis(ratios, first, axis=1)[:, 0], Partials(slopes)

    return rule
