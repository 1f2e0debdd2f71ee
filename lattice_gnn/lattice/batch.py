"""`LatticeBatch`, the ragged tensor form of lattices used by beam FEM and the network.

A periodic lattice is a *quotient graph*: strut ``s`` joins node ``struts[s, 0]`` of the home cell
to node ``struts[s, 1]`` of the cell displaced by the integer vector ``shifts[s]``. A
``LatticeBatch`` is the disjoint union of many such graphs. Geometry (strut vectors, lengths,
volumes) is computed from it in torch at every use, so that gradients flow to node positions, cells
and radii.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch_simplification import STRUT_FIELDS, simplify_batch
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.lattice.sequence import as_list

if TYPE_CHECKING:
    import torch_geometric.data


@dataclass(frozen=True, eq=False, repr=False)
class LatticeBatch:
    """One or many periodic lattices as flat tensors.

    Attributes:
        cells: Cell vectors as rows, unit of length.
        nodes: Fractional node coordinates of all lattices, concatenated.
        struts: End nodes (i, j) of each strut, numbered across the whole batch.
        shifts: Cell of node j relative to node i (integers).
        radii: Outer radius at node i, unit of length.
        end_radii: Outer radius at node j; the radius varies linearly along the strut.
        inner_radii: Bore radius at node i (0 for a solid strut); bore / outer radius is constant
            along a strut.
        E: Young's modulus of each strut divided by that of the lattice's material.
        nu: Poisson's ratio of each strut.
        node_offsets: Lattice ``b`` has nodes ``node_offsets[b]:node_offsets[b + 1]``.
        strut_offsets: Lattice ``b`` has struts ``strut_offsets[b]:strut_offsets[b + 1]``.
    """

    cells: Float[Tensor, "lattices 3 3"]
    nodes: Float[Tensor, "nodes 3"]
    struts: Int[Tensor, "struts 2"]
    shifts: Int[Tensor, "struts 3"]
    radii: Float[Tensor, " struts"]
    end_radii: Float[Tensor, " struts"]
    inner_radii: Float[Tensor, " struts"]
    E: Float[Tensor, " struts"]
    nu: Float[Tensor, " struts"]
    node_offsets: Int[Tensor, " lattices_plus_1"]
    strut_offsets: Int[Tensor, " lattices_plus_1"]

    @classmethod
    def from_lattices(
        cls,
        lattices: Lattice | Iterable[Lattice],
        *,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> "LatticeBatch":
        """Collate lattices, in order.

        Args:
            lattices: One lattice, or several.
            dtype: Type of the real-valued tensors.
            device: Device of the tensors.

        Raises:
            LatticeGnnError: If ``lattices`` is empty or contains anything else.
        """
        lattices = as_list(lattices, "LatticeBatch.from_lattices")
        if not lattices:
            raise LatticeGnnError("a batch needs at least one lattice, got none")
        node_offsets = np.cumsum([0] + [len(x.nodes) for x in lattices])
        strut_offsets = np.cumsum([0] + [len(x.radii) for x in lattices])

        def real(array: np.ndarray) -> Tensor:
            return torch.as_tensor(array, dtype=dtype, device=device)

        def whole(array: np.ndarray) -> Tensor:
            return torch.as_tensor(array, dtype=torch.int64, device=device)

        def joined(values: list[np.ndarray]) -> np.ndarray:
            return np.concatenate(values)

        def some(values: list[np.ndarray | None], others: np.ndarray) -> np.ndarray:
            for b, value in enumerate(values):
                if value is not None:
                    others[strut_offsets[b] : strut_offsets[b + 1]] = value
            return others

        counts = np.diff(strut_offsets)
        radii = joined([x.radii for x in lattices])
        return cls(
            cells=real(np.stack([x.cell for x in lattices])),
            nodes=real(joined([x.nodes for x in lattices])),
            struts=whole(
                joined([x.struts for x in lattices]) + np.repeat(node_offsets[:-1], counts)[:, None]
            ),
            shifts=whole(joined([x.shifts for x in lattices])),
            radii=real(radii),
            end_radii=real(some([x.end_radii for x in lattices], radii.copy())),
            inner_radii=real(some([x.inner_radii for x in lattices], np.zeros_like(radii))),
            E=real(
                some(
                    [None if x.E is None else x.E / x.material.E for x in lattices],
                    np.ones_like(radii),
                )
            ),
            nu=real(
                some(
                    [x.nu for x in lattices],
                    np.repeat(np.array([x.material.nu for x in lattices]), counts),
                )
            ),
            node_offsets=whole(node_offsets),
            strut_offsets=whole(strut_offsets),
        )

    def to_lattices(self, *, material: Material | None = None) -> list[Lattice]:
        """Split into lattices; E is relative to ``material`` (default E = 1, nu = 0.3)."""
        material = Material() if material is None else material
        return [self[b]._single(material) for b in range(len(self))]

    def _single(self, material: Material) -> Lattice:
        def array(tensor: Tensor) -> np.ndarray:
            return tensor.detach().cpu().numpy()

        radii, end_radii, bores = (
            array(x).astype(np.float64) for x in (self.radii, self.end_radii, self.inner_radii)
        )
        E, nu = array(self.E).astype(np.float64), array(self.nu).astype(np.float64)
        return Lattice(
            cell=array(self.cells[0]).astype(np.float64),
            nodes=array(self.nodes).astype(np.float64),
            struts=array(self.struts),
            shifts=array(self.shifts),
            radii=radii,
            end_radii=None if np.array_equal(radii, end_radii) else end_radii,
            inner_radii=bores if bores.any() else None,
            E=None if np.all(E == 1.0) else E * material.E,
            nu=None if np.all(nu == material.nu) else nu,
            material=material,
        )

    def __repr__(self) -> str:
        """Return one line: counts, type and device."""
        kind = str(self.nodes.dtype).removeprefix("torch.")
        return (
            f"LatticeBatch({len(self)} lattices, {len(self.nodes)} nodes, {len(self.radii)} "
            f"struts, {kind} on {self.nodes.device})"
        )

    def _repr_html_(self) -> str:
        """Return counts and densities of the first lattices as HTML, for notebooks."""
        from lattice_gnn.lattice.picture import batch_html

        nodes, struts = (x.diff().tolist() for x in (self.node_offsets, self.strut_offsets))
        return batch_html(repr(self), nodes, struts, self.relative_density.tolist())

    def __len__(self) -> int:
        """Return the number of lattices."""
        return len(self.cells)

    def __getitem__(self, b: int) -> "LatticeBatch":
        """Return lattice ``b`` alone, keeping gradients."""
        if not -len(self) <= b < len(self):
            raise IndexError(f"lattice {b} of a batch of {len(self)}")
        return self.select([b % len(self)])

    def select(self, lattices: Sequence[int] | np.ndarray) -> "LatticeBatch":
        """Return the given lattices, in the given order, keeping gradients."""
        chosen = torch.as_tensor(lattices, dtype=torch.int64, device=self.cells.device)
        if _are_all(chosen, len(self)):
            return self
        nodes, node_offsets = ranges(self.node_offsets, chosen)
        struts, strut_offsets = ranges(self.strut_offsets, chosen)
        moved = (node_offsets[:-1] - self.node_offsets[chosen]).repeat_interleave(
            strut_offsets.diff()
        )
        picked = {name: getattr(self, name)[struts] for name in STRUT_FIELDS}
        picked["struts"] = picked["struts"] + moved[:, None]
        return LatticeBatch(
            cells=self.cells[chosen],
            nodes=self.nodes[nodes],
            node_offsets=node_offsets,
            strut_offsets=strut_offsets,
            **picked,
        )

    def span(self, first: int, stop: int) -> "LatticeBatch":
        """Return lattices first, ..., stop - 1 as views, keeping gradients."""
        if (first, stop) == (0, len(self)):
            return self
        n0, n1 = self.node_offsets[[first, stop]].tolist()
        s0, s1 = self.strut_offsets[[first, stop]].tolist()
        picked = {name: getattr(self, name)[s0:s1] for name in STRUT_FIELDS}
        picked["struts"] = picked["struts"] - n0
        return LatticeBatch(
            cells=self.cells[first:stop],
            nodes=self.nodes[n0:n1],
            node_offsets=self.node_offsets[first : stop + 1] - n0,
            strut_offsets=self.strut_offsets[first : stop + 1] - s0,
            **picked,
        )

    @classmethod
    def join(cls, batches: Sequence["LatticeBatch"]) -> "LatticeBatch":
        """Return the lattices of several batches, in order, keeping gradients."""
        first = np.cumsum([0, *(len(batch.nodes) for batch in batches)]).tolist()
        joined = {
            name: torch.cat([getattr(batch, name) for batch in batches])
            for name in ("cells", "nodes", *STRUT_FIELDS)
        }
        joined["struts"] = torch.cat(
            [batch.struts + k for batch, k in zip(batches, first, strict=False)]
        )
        for name in ("node_offsets", "strut_offsets"):
            counts = torch.cat([getattr(batch, name).diff() for batch in batches])
            joined[name] = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(**joined)

    def split(self, size: int) -> Iterator["LatticeBatch"]:
        """Yield ``size`` lattices at a time as views, keeping gradients."""
        for first in range(0, len(self), size):
            yield self.span(first, min(first + size, len(self)))

    def members(
        self, lattices: Sequence[int] | np.ndarray
    ) -> tuple[Int[Tensor, " nodes"], Int[Tensor, " struts"]]:
        """Return the node and strut numbers of the given lattices, in the given order."""
        chosen = torch.as_tensor(lattices, dtype=torch.int64, device=self.cells.device)
        return ranges(self.node_offsets, chosen)[0], ranges(self.strut_offsets, chosen)[0]

    def replace(self, **changes: Tensor) -> "LatticeBatch":
        """Return a batch with some tensors replaced (positions, radii, cells: same lengths).

        With ``radii`` but not ``end_radii``, tapers and bores keep their ratio to the radius, as
        with ``Lattice.with_radii``; give both to make or change a taper.
        """
        if "radii" in changes and "end_radii" not in changes:
            new, old = changes["radii"], self.radii.detach()
            constant = self.end_radii.detach() == old
            scaled = torch.where(constant, new, self.end_radii * (new / old))
            changes = {"end_radii": scaled, "inner_radii": self.inner_radii * (new / old)} | changes
        return replace(self, **changes)

    def to(
        self, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
    ) -> "LatticeBatch":
        """Return the batch with another real type or on another device."""
        changes: dict[str, Any] = {}
        for field in fields(self):
            tensor: Tensor = getattr(self, field.name)
            real = dtype if tensor.is_floating_point() else None
            changes[field.name] = tensor.to(device=device, dtype=real)
        return LatticeBatch(**changes)

    @cached_property
    def node_lattice(self) -> Int[Tensor, " nodes"]:
        """The lattice to which each node belongs."""
        return _owners(self.node_offsets, len(self.nodes))

    @cached_property
    def strut_lattice(self) -> Int[Tensor, " struts"]:
        """The lattice to which each strut belongs."""
        return _owners(self.strut_offsets, len(self.radii))

    @property
    def strut_vectors(self) -> Float[Tensor, "struts 3"]:
        """Cartesian vectors from node i to the image of node j, unit of length."""
        ends = self.nodes[self.struts]
        fractional = ends[:, 1] - ends[:, 0] + self.shifts.to(self.nodes.dtype)
        cells = self.cells[self.strut_lattice]
        return (fractional[:, None, :] @ cells)[:, 0]

    @property
    def lengths(self) -> Float[Tensor, " struts"]:
        """Strut lengths between node centres."""
        return self.strut_vectors.norm(dim=-1)

    @property
    def volumes(self) -> Float[Tensor, " lattices"]:
        """Cell volumes |det cell|."""
        a, b, c = self.cells.unbind(-2)
        return (torch.linalg.cross(a, b) * c).sum(-1).abs()

    def sum_over_struts(
        self, values: Float[Tensor, "struts *rest"]
    ) -> Float[Tensor, "lattices *rest"]:
        """Sum a per-strut quantity over each lattice."""
        total = values.new_zeros(len(self), *values.shape[1:])
        return total.index_add(0, self.strut_lattice, values)

    @property
    def relative_density(self) -> Float[Tensor, " lattices"]:
        """Sum of strut volumes over cell volume; overlap at the joints is counted twice.

        A linear taper from r1 to r2 has the volume pi L (r1^2 + r1 r2 + r2^2) / 3; a bore removes
        the share (bore/outer)^2.
        """
        square = (self.radii**2 + self.radii * self.end_radii + self.end_radii**2) / 3
        solid = 1 - (self.inner_radii / self.radii) ** 2
        return self.sum_over_struts(torch.pi * square * solid * self.lengths) / self.volumes

    def simplified(self) -> "LatticeBatch":
        """Leave out hanging struts and merge collinear struts that meet at valence-2 nodes.

        The rule is that of ``Lattice.simplified``; the section of a merged strut is the mean of
        those of its parts (which are equal). Gradients are kept. Returns the batch itself if there
        is nothing to leave out.
        """
        return simplify_batch(self)

    def to_pyg(self) -> "torch_geometric.data.Batch":
        """Return a PyTorch Geometric batch, one ``Data`` per lattice, keeping gradients.

        A ``Data`` holds ``edge_index`` (2, struts), directed from i to j, each strut once; ``cell``
        (1, 3, 3); ``fractional`` (nodes, 3) coordinates; ``shifts``, ``radii``, ``end_radii``,
        ``inner_radii``, ``E`` and ``nu`` per strut. ``Data.__inc__`` goes by name, and only
        ``edge_index`` of these is offset when graphs are collated.
        """
        from torch_geometric.data import Batch, Data

        lattices = (self[b] for b in range(len(self)))
        return Batch.from_data_list(
            [
                Data(
                    edge_index=x.struts.T.contiguous(),
                    num_nodes=len(x.nodes),
                    cell=x.cells,
                    fractional=x.nodes,
                    **{name: getattr(x, name) for name in STRUT_FIELDS[1:]},
                )
                for x in lattices
            ]
        )

    @classmethod
    def from_pyg(cls, graphs: "torch_geometric.data.Data") -> "LatticeBatch":
        """Return the lattices of a ``Batch`` or a single ``Data`` made by ``to_pyg``.

        Further fields (labels, states) are ignored.

        Raises:
            LatticeGnnError: If a field is missing.
        """
        needed = ("edge_index", "cell", "fractional", *STRUT_FIELDS[1:])
        missing = [name for name in needed if graphs.get(name) is None]
        if missing:
            raise LatticeGnnError(
                f"graph: expected the fields of LatticeBatch.to_pyg, but {missing[0]!r} is missing"
            )
        struts = graphs.edge_index.T.contiguous()
        node_offsets = graphs.get("ptr")
        if node_offsets is None:
            node_offsets = struts.new_tensor([0, len(graphs.fractional)])
        owner = torch.searchsorted(node_offsets, struts[:, 0].contiguous(), right=True) - 1
        counts = torch.bincount(owner, minlength=len(node_offsets) - 1)
        return cls(
            cells=graphs.cell,
            nodes=graphs.fractional,
            struts=struts,
            node_offsets=node_offsets,
            strut_offsets=torch.cat([counts.new_zeros(1), counts.cumsum(0)]),
            **{name: graphs[name] for name in STRUT_FIELDS[1:]},
        )


def _owners(offsets: Int[Tensor, " groups_plus_1"], count: int) -> Int[Tensor, " members"]:
    groups = torch.arange(len(offsets) - 1, device=offsets.device)
    return groups.repeat_interleave(offsets.diff(), output_size=count)


def _are_all(chosen: Int[Tensor, " chosen"], count: int) -> bool:
    """Whether the chosen numbers are 0, ..., count - 1 in order."""
    return len(chosen) == count and torch.equal(chosen, torch.arange(count, device=chosen.device))


def ranges(
    offsets: Int[Tensor, " groups_plus_1"], chosen: Int[Tensor, " chosen"]
) -> tuple[Int[Tensor, " members"], Int[Tensor, " chosen_plus_1"]]:
    """Return the members of the chosen groups of a ragged array, and their new offsets."""
    if _are_all(chosen, len(offsets) - 1):
        return torch.arange(int(offsets[-1]), device=offsets.device), offsets
    counts = offsets.diff()[chosen]
    new_offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    start = (offsets[chosen] - new_offsets[:-1]).repeat_interleave(counts)
    return start + torch.arange(int(new_offsets[-1]), device=offsets.device), new_offsets
