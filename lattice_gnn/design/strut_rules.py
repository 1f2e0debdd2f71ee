"""Quantities of struts with derivatives in closed form.

Constraints on the density and on the lengths of struts accompany almost every design. In closed
form they take a small part of the time of a beam solution, which automatic differentiation does
not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.lattice.batch import LatticeBatch

_TINY = np.finfo(np.float64).tiny

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


@dataclass(frozen=True, eq=False)
class Net:
    """The net that lattices of one topology share.

    Attributes:
        nodes: Number of nodes.
        struts: End nodes of every strut.
        shifts: Cell of node j relative to node i.
        cell: The cell vectors; None if they change.
    """

    nodes: int
    struts: Int[np.ndarray, "struts 2"]
    shifts: Int[np.ndarray, "struts 3"]
    cell: Float[np.ndarray, "3 3"] | None = None

    def geometry(self, batch: LatticeBatch) -> StrutGeometry:
        """Return the geometry of the struts of a batch of this net."""
        count = len(batch)
        nodes = batch.nodes.detach().numpy().reshape(count, -1, 3)
        cells = batch.cells.detach().numpy()
        i, j = self.struts.T
        places = nodes @ cells
        images, volume = self._fixed or _images(self.shifts, cells)
        vectors = places.take(j, 1) - places.take(i, 1) + images
        radii, end_radii, inner_radii = (
            values.detach().numpy().reshape(count, -1)
            for values in (batch.radii, batch.end_radii, batch.inner_radii)
        )
        return StrutGeometry(
            nodes=nodes,
            cells=cells,
            vectors=vectors,
            lengths=np.sqrt((vectors * vectors).sum(2)),
            volumes=volume.repeat(count // len(volume)),
            radii=radii,
            end_radii=end_radii,
            inner_radii=inner_radii,
        )

    def add_slopes(self, found: Slopes, struts: StrutGeometry, rules: dict[int, Partials]) -> None:
        """Add the derivatives of several numbers by the tensors of the lattices to their rows.

        Args:
            found: What to add to, by the names of the tensors that change; end radii that are not
                among them are the radii.
            struts: The geometry.
            rules: Derivatives of each number by the struts, by its row.
        """
        lengths = np.maximum(struts.lengths, _TINY)
        by_length = np.array([one.lengths for one in rules.values()])
        along = (by_length / lengths)[..., None] * struts.vectors
        by_places = self._by_places(along)
        if "nodes" in found:
            for row, values in zip(rules, by_places @ struts.cells.mT, strict=True):
                found["nodes"][:, row] += values
        if "cells" in found:
            by_cells = struts.nodes.mT @ by_places + self.shifts.T @ along
            for row, values in zip(rules, by_cells, strict=True):
                found["cells"][:, row] += values
        ends = "end_radii" if "end_radii" in found else "radii"
        for row, one in rules.items():
            if "cells" in found and one.volumes is not None:
                growth = np.linalg.inv(struts.cells).mT * struts.volumes[:, None, None]
                found["cells"][:, row] += one.volumes[:, None, None] * growth
            for name, by_radius in (
                ("radii", one.radii),
                (ends, one.end_radii),
                ("inner_radii", one.inner_radii),
            ):
                if by_radius is not None and name in found:
                    found[name][:, row] += by_radius

    def _by_places(
        self, along: Float[np.ndarray, "rows lattices struts 3"]
    ) -> Float[np.ndarray, "rows lattices nodes 3"]:
        """Sum derivatives by the strut vectors over the ends at every node."""
        struts, signs, first = self._ends
        sums: Float[np.ndarray, "rows lattices nodes 3"]
        sums = np.add.reduceat(along.take(struts, 2) * signs, first, axis=2)
        return sums

    @cached_property
    def _ends(
        self,
    ) -> tuple[Int[np.ndarray, " ends"], Float[np.ndarray, "ends 1"], Int[np.ndarray, " nodes"]]:
        """The ends of the struts, sorted by node; every node has one.

        These are the strut of every end; -1 for an end at node i, 1 for one at node j; and the
        first end of every node.
        """
        order = np.argsort(self.struts, axis=None, kind="stable")
        _, first = np.unique(self.struts.ravel()[order], return_index=True)
        return order // 2, (2.0 * (order % 2) - 1.0)[:, None], first

    @cached_property
    def _fixed(self) -> tuple[Float[np.ndarray, "1 struts 3"], Float[np.ndarray, " 1"]] | None:
        """What follows from the cell alone; None if it changes."""
        return None if self.cell is None else _images(self.shifts, self.cell[None])


def _images(
    shifts: Int[np.ndarray, "struts 3"], cells: Float[np.ndarray, "lattices 3 3"]
) -> tuple[Float[np.ndarray, "lattices struts 3"], Float[np.ndarray, " lattices"]]:
    """Return the vectors to the cells of the nodes j, and the volumes of the cells."""
    return shifts @ cells, np.abs(np.linalg.det(cells))


def density(struts: StrutGeometry) -> tuple[Float[np.ndarray, " lattices"], Partials]:
    """Return the relative density, as `LatticeBatch.relative_density`, and its derivatives."""
    r, e = struts.radii, struts.end_radii
    bore, both, share = struts.inner_radii / r, r + e, (np.pi / 3) / struts.volumes[:, None]
    square, along = r * both + e * e, share * struts.lengths
    solid = 1 - bore * bore
    per_radius, by_bore = along * solid, along * square * bore * (-2 / r)
    value = (per_radius * square).sum(1)
    return value, Partials(
        lengths=share * solid * square,
        volumes=-value / struts.volumes,
        radii=per_radius * (both + r) - by_bore * bore,
        end_radii=per_radius * (both + e),
        inner_radii=by_bore,
    )


def shortest_over(lengths: Float[np.ndarray, " struts"]) -> StrutRule:
    """Return the rule of the smallest length over given lengths."""

    def rule(struts: StrutGeometry) -> tuple[Float[np.ndarray, " lattices"], Partials]:
        ratios = struts.lengths / lengths
        first = ratios.argmin(1)
        place = (np.arange(len(ratios)), first)
        slopes = np.zeros(ratios.shape)
        slopes[place] = 1 / lengths[first]
        return ratios[place], Partials(slopes)

    return rule
