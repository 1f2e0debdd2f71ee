"""Design variables: a vector x maps smoothly to lattices of one topology.

Fractional node coordinates, radii and the strain of the cell are affine in x.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.design.blocks import Block, cell_block, node_block, radius_block
from lattice_gnn.design.settings import VARIABLES, DesignSettings
from lattice_gnn.design.strut_rules import Slopes
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import SpaceGroup
from lattice_gnn.tensors.notation import mandel_to_strain

_ZERO = 1e-9


@dataclass(frozen=True, eq=False)
class Variables:
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

    @cached_property
    def start(self) -> Float[np.ndarray, " variables"]:
        """The values at the start, within the bounds."""
        return np.clip(self._joined("start"), self.lower, self.upper)

    @cached_property
    def lower(self) -> Float[np.ndarray, " variables"]:
        """Smallest values."""
        return self._joined("lower")

    @cached_property
    def upper(self) -> Float[np.ndarray, " variables"]:
        """Largest values."""
        return self._joined("upper")

    @cached_property
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

    def batch(self, x: Float[np.ndarray, "lattices variables"]) -> LatticeBatch:
        """Return the lattices of some x; their derivatives are those of ``chained``."""
        start = self._copies.get(len(x))
        if start is None:
            start = self._copies[len(x)] = _repeated(self.lattice, len(x))
        changes: dict[str, Tensor] = {}
        for block, part in self._parts(x):
            values = torch.from_numpy(block.offset + part @ block.basis)
            if block.kind == "nodes":
                changes["nodes"] = values.view(-1, 3)
            elif block.kind == "radii":
                radii = values.view(-1)
                changes["radii"] = changes["end_radii"] = radii
                for name, ratios in self._radius_ratios.items():
                    changes[name] = radii * torch.from_numpy(ratios).repeat(len(x))
            else:
                changes["cells"] = _stretched(start.cells, values)
        return start.replace(**changes)

    @cached_property
    def _copies(self) -> dict[int, LatticeBatch]:
        """Batches of copies of the start, by their number."""
        return {}

    def _parts(
        self, x: Float[np.ndarray, "lattices variables"]
    ) -> Iterator[tuple[Block, Float[np.ndarray, "lattices own"]]]:
        """Yield every block with its variables."""
        first = 0
        for block in self.blocks:
            last = first + len(block.names)
            yield block, x[:, first:last]
            first = last

    @cached_property
    def changing(self) -> tuple[str, ...]:
        """Names of the tensors of a ``LatticeBatch`` that the variables change, each once."""
        found: list[str] = []
        for block in self.blocks:
            found.append("cells" if block.kind == "cell" else block.kind)
            found += self._radius_ratios if block.kind == "radii" else ()
        return tuple(found)

    def chained(
        self, x: Float[np.ndarray, "lattices variables"], slopes: Slopes
    ) -> Float[np.ndarray, "lattices rows variables"]:
        """Return derivatives by x from those by the lattices, by the chain rule.

        Args:
            x: Where.
            slopes: Derivatives by the tensors that are ``changing``.
        """
        found = []
        for block, part in self._parts(x):
            if block.kind == "nodes":
                values = slopes["nodes"].reshape(*slopes["nodes"].shape[:2], -1)
            elif block.kind == "radii":
                values = slopes["radii"]
                for name, ratios in self._radius_ratios.items():
                    values = values + slopes[name] * ratios
            else:
                values = _by_strain(self.lattice.cell, block.offset + part @ block.basis, slopes)
            each = values.reshape(-1, block.basis.shape[1]) @ block.basis.T
            found.append(each.reshape(*values.shape[:2], -1))
        return np.concatenate(found, axis=2)

    @cached_property
    def _radius_ratios(self) -> dict[str, Float[np.ndarray, " struts"]]:
        """End and bore radii as multiples of the radii; only those that differ."""
        one = LatticeBatch.from_lattices([self.lattice])
        ends, bores = ((x / one.radii).numpy() for x in (one.end_radii, one.inner_radii))
        found = {"end_radii": ends} if (ends != 1).any() else {}
        return found | ({"inner_radii": bores} if bores.any() else {})

    def lattice_of(self, x: Float[np.ndarray, " variables"]) -> Lattice:
        """Return the lattice of one x, with the name and the material of the start."""
        batch = self.batch(np.asarray(x, dtype=np.float64)[None])
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
        blocks.append(node_block(lattice, group, settings))
    if "radii" in chosen or "radius" in chosen:
        blocks.append(radius_block(lattice, group, settings, one="radius" in chosen))
    cell = chosen & {"cell", "cell_shape", "cell_volume"}
    if cell:
        blocks.append(cell_block(lattice, group, settings, cell.pop()))
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


def _stretched(cells: Float[Tensor, "*#b 3 3"], strain: Float[Tensor, "b 6"]) -> Tensor:
    """Return cell vectors after a strain, Mandel; one without trace keeps the volume."""
    return cells @ torch.matrix_exp(mandel_to_strain(strain))


def _by_strain(
    cell: Float[np.ndarray, "3 3"], strain: Float[np.ndarray, "lattices 6"], slopes: Slopes
) -> Float[np.ndarray, "lattices rows 6"]:
    """Return derivatives by the strain of the cell from those by the cell: one row, one copy."""
    given = torch.from_numpy(slopes["cells"])
    copies = torch.from_numpy(np.repeat(strain, given.shape[1], axis=0)).requires_grad_()
    with torch.enable_grad():
        stretched = _stretched(torch.tensor(cell), copies)
    (found,) = torch.autograd.grad(stretched, copies, given.reshape(-1, 3, 3))
    return found.numpy().reshape(*given.shape[:2], 6)


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
