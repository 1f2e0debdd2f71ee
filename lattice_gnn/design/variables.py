"""Design variables: a vector x maps differentiably to lattices of one topology.

Fractional node coordinates, radii and the strain of the cell are affine in x. The symmetry that is
kept is exact for every x: displacements u of the nodes satisfy u(image of n) = R u(n), radii are
equal on every orbit of struts, and strains are invariant under the point group. Each variable is a
coordinate, a radius or a strain component itself (the bases are in reduced row echelon form), so
that rounding a variable rounds what a file of the lattice holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.design.settings import VARIABLES, DesignSettings
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.memory import Remembering
from lattice_gnn.lattice.space_group import SpaceGroup
from lattice_gnn.tensors.notation import mandel_to_strain, rotation_mandel

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


@dataclass(frozen=True, slots=True, eq=False)
class Variables(Remembering):
    """The variables of a design: maps x to lattices, with bounds and scales.

    Attributes:
        lattice: The start.
        group: The symmetry that is kept.
        blocks: The variables by kind.
    """

    lattice: Lattice
    group: SpaceGroup
    blocks: tuple[Block, ...]

    @property
    def count(self) -> int:
        """Number of variables."""
        return sum(len(block.names) for block in self.blocks)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each variable."""
        return tuple(name for block in self.blocks for name in block.names)

    @property
    def start(self) -> Float[np.ndarray, " variables"]:
        """The values at the start, within the bounds."""
        return np.clip(self._joined("start"), self.lower, self.upper)

    @property
    def lower(self) -> Float[np.ndarray, " variables"]:
        """Smallest values."""
        return self._joined("lower")

    @property
    def upper(self) -> Float[np.ndarray, " variables"]:
        """Largest values."""
        return self._joined("upper")

    @property
    def scale(self) -> Float[np.ndarray, " variables"]:
        """Typical steps."""
        return self._joined("scale")

    def _joined(self, field: str) -> Float[np.ndarray, " variables"]:
        return np.concatenate([getattr(block, field) for block in self.blocks])

    def near(self, x: Float[np.ndarray, " variables"], share: float) -> "Variables":
        """Return the variables with bounds that leave a share of each range about x."""
        reach = 0.5 * share * (self.upper - self.lower)
        ends = np.cumsum([len(block.names) for block in self.blocks])[:-1]
        lower = np.split(np.maximum(self.lower, x - reach), ends)
        upper = np.split(np.minimum(self.upper, x + reach), ends)
        blocks = [
            replace(block, lower=low, upper=high)
            for block, low, high in zip(self.blocks, lower, upper, strict=True)
        ]
        return Variables(self.lattice, self.group, tuple(blocks))

    def batch(self, x: Float[Tensor, "lattices variables"]) -> LatticeBatch:
        """Return the lattices of some x, differentiable with respect to x."""
        start: LatticeBatch = self._once(len(x), lambda: _repeated(self.lattice, len(x)))
        parts = x.split([len(block.names) for block in self.blocks], dim=1)
        changes: dict[str, Tensor] = {}
        for block, part in zip(self.blocks, parts, strict=True):
            values = torch.from_numpy(block.offset) + part @ torch.from_numpy(block.basis)
            if block.kind == "nodes":
                changes["nodes"] = values.reshape(-1, 3)
            elif block.kind == "radii":
                radii = values.reshape(-1)
                changes["radii"] = radii
                changes["end_radii"] = radii * (start.end_radii / start.radii)
                changes["inner_radii"] = radii * (start.inner_radii / start.radii)
            else:
                stretch = torch.matrix_exp(mandel_to_strain(values))
                changes["cells"] = start.cells @ stretch
        return start.replace(**changes)

    def lattice_of(self, x: Float[np.ndarray, " variables"]) -> Lattice:
        """Return the lattice of one x, with the name and the material of the start."""
        batch = self.batch(torch.as_tensor(x, dtype=torch.float64)[None])
        (found,) = batch.to_lattices(material=self.lattice.material)
        same = {name: getattr(self.lattice, name) for name in ("name", "units", "E", "nu")}
        return found.replace(**same)

    def units(
        self, x: Float[np.ndarray, " variables"], digits: int
    ) -> Float[np.ndarray, " variables"]:
        """Return the unit to which each variable is rounded.

        Radii are rounded to significant digits, the others to decimals.
        """
        places = np.full(self.count, digits)
        radii = np.repeat(
            [b.kind == "radii" for b in self.blocks], [len(b.names) for b in self.blocks]
        )
        places[radii] -= np.floor(np.log10(x[radii])).astype(np.int64) + 1
        return 10.0**-places

    def rounded(
        self, x: Float[np.ndarray, " variables"], digits: int
    ) -> Float[np.ndarray, " variables"]:
        """Round x to its units, within the bounds."""
        return self.on_grid(x, self.units(x, digits))

    def on_grid(
        self, x: Float[np.ndarray, " variables"], units: Float[np.ndarray, " variables"]
    ) -> Float[np.ndarray, " variables"]:
        """Return the nearest multiples of some units within the bounds, as decimal numbers."""
        steps = np.rint(x / units)
        steps += steps * units < self.lower - _ZERO * units
        steps -= steps * units > self.upper + _ZERO * units
        places = np.rint(-np.log10(units)).astype(np.int64).tolist()
        values = (steps * units).tolist()
        return np.array([round(value, p) for value, p in zip(values, places, strict=True)])


def make_variables(
    lattice: Lattice,
    vary: Sequence[str],
    group: SpaceGroup,
    settings: DesignSettings,
) -> Variables:
    """Set up the variables of a design.

    Args:
        lattice: The start.
        vary: What may change: "nodes"; "radii" (one per orbit of struts) or "radius" (one factor
            for all); "cell", "cell_shape" (at constant volume) or "cell_volume".
        group: The symmetry that is kept.
        settings: Bounds.

    Raises:
        LatticeGnnError: For an unknown or contradictory name, or if nothing can vary.
    """
    chosen = _checked(vary)
    blocks = []
    if "nodes" in chosen:
        blocks.append(_node_block(lattice, group, settings))
    if "radii" in chosen or "radius" in chosen:
        blocks.append(_radius_block(lattice, group, settings, one="radius" in chosen))
    cell = chosen & {"cell", "cell_shape", "cell_volume"}
    if cell:
        blocks.append(_cell_block(lattice, group, settings, cell.pop()))
    if not any(len(block.names) for block in blocks):
        raise LatticeGnnError(
            f"design: with the symmetry {group!r} kept, none of {', '.join(sorted(chosen))} can "
            "vary; vary something else or set keep_symmetry=False"
        )
    return Variables(lattice, group, tuple(block for block in blocks if len(block.names)))


def _checked(vary: Sequence[str]) -> set[str]:
    chosen = {vary} if isinstance(vary, str) else set(vary)
    unknown = sorted(str(name) for name in chosen - set(VARIABLES))
    if unknown or not chosen:
        raise LatticeGnnError(
            f"design: vary: expected some of {', '.join(VARIABLES)}, got "
            f"{', '.join(unknown) or 'nothing'}"
        )
    for few in ({"radii", "radius"}, {"cell", "cell_shape", "cell_volume"}):
        if len(chosen & few) > 1:
            raise LatticeGnnError(
                f"design: vary: expected one of {', '.join(sorted(few))}, got "
                f"{' and '.join(sorted(chosen & few))}"
            )
    return chosen


def _node_block(lattice: Lattice, group: SpaceGroup, settings: DesignSettings) -> Block:
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


def _radius_block(
    lattice: Lattice, group: SpaceGroup, settings: DesignSettings, *, one: bool
) -> Block:
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


def _cell_block(lattice: Lattice, group: SpaceGroup, settings: DesignSettings, kind: str) -> Block:
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


def _repeated(lattice: Lattice, count: int) -> LatticeBatch:
    """Return a batch of copies of one lattice."""
    one = LatticeBatch.from_lattices([lattice])
    nodes, struts = lattice.num_nodes, lattice.num_struts
    numbers = torch.arange(count + 1)
    many = {
        name: getattr(one, name).repeat(count)
        for name in ("radii", "end_radii", "inner_radii", "E", "nu")
    }
    return replace(
        one,
        cells=one.cells.expand(count, 3, 3),
        nodes=one.nodes.repeat(count, 1),
        struts=(one.struts + nodes * numbers[:-1, None, None]).reshape(-1, 2),
        shifts=one.shifts.repeat(count, 1),
        node_offsets=nodes * numbers,
        strut_offsets=struts * numbers,
        **many,
    )
