"""Labelled lattices as flat arrays: read as a whole, batched, split by base lattice."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.tensors.notation import symmetric_from_upper

SECTIONS = ("end_radii", "inner_radii", "E", "nu")
"""Per-strut columns that are stored only where some lattice needs them."""
Grouping = Literal["base", "net"]


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """Stiffness of the lattices by one method.

    Attributes:
        stiffness: C / E_s, Mandel order 11 22 33 23 13 12, upper triangle row by row; NaN where
            there is no label.
        mask: Whether each lattice has a label.
        method: Description of the method.
        error: Relative error that the method claims.
        details: Further quantities that the method gives for each lattice, such as its own estimate
            of the label's error; NaN where there are none.
    """

    stiffness: Float[np.ndarray, "lattices 21"]
    mask: Bool[np.ndarray, " lattices"]
    method: str
    error: float
    details: Mapping[str, Float[np.ndarray, " lattices"]] = field(default_factory=dict)

    def select(self, chosen: Int[np.ndarray, " chosen"]) -> "Label":
        """Return the labels of the given lattices, in the given order."""
        return replace(
            self,
            stiffness=self.stiffness[chosen],
            mask=self.mask[chosen],
            details={name: column[chosen] for name, column in self.details.items()},
        )

    def detail(self, name: str) -> Float[np.ndarray, " lattices"]:
        """Return a column of ``details``; all NaN if it does not exist."""
        return self.details.get(name, np.full(len(self.mask), np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class Bases:
    """The perfect lattices from which those of a dataset were made.

    Attributes:
        names: Name of each.
        shapes: Fingerprint of net and shape, the identity of a base.
        nets: Fingerprint of the net alone.
        space_groups: International number.
    """

    names: np.ndarray
    shapes: np.ndarray
    nets: np.ndarray
    space_groups: Int[np.ndarray, " bases"]

    def __len__(self) -> int:
        """Return the number of bases."""
        return len(self.names)

    def select(self, chosen: np.ndarray) -> "Bases":
        """Return the given bases, in the given order."""
        return Bases(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Lattices, what they were made from, and their labels.

    Attributes:
        cells: Cell vectors as rows; the unit of length is free.
        node_offsets: Lattice k owns nodes ``node_offsets[k]:node_offsets[k + 1]``.
        strut_offsets: Likewise for struts.
        nodes: Fractional coordinates.
        struts: End nodes, numbered within each lattice.
        shifts: Cell of the second end.
        radii: Outer radius at the first end.
        poisson: Poisson's ratio of each lattice's material.
        base: Number of the base of each lattice.
        levels: Length of the nodes' displacement from the base; NaN if unknown.
        bases: The bases.
        sections: Any of ``SECTIONS``, a column each; where it is missing, struts are untapered,
            solid, and of the lattice's material. E is relative to that of the material.
        labels: Labels by kind, such as "beam".
        provenance: How the lattices were made: one mapping for each source.
    """

    cells: Float[np.ndarray, "lattices 3 3"]
    node_offsets: Int[np.ndarray, " lattices_plus_1"]
    strut_offsets: Int[np.ndarray, " lattices_plus_1"]
    nodes: Float[np.ndarray, "nodes 3"]
    struts: Int[np.ndarray, "struts 2"]
    shifts: Int[np.ndarray, "struts 3"]
    radii: Float[np.ndarray, " struts"]
    poisson: Float[np.ndarray, " lattices"]
    base: Int[np.ndarray, " lattices"]
    levels: Float[np.ndarray, " lattices"]
    bases: Bases
    sections: Mapping[str, Float[np.ndarray, " struts"]] = field(default_factory=dict)
    labels: Mapping[str, Label] = field(default_factory=dict)
    provenance: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_lattices(
        cls,
        lattices: Sequence[Lattice],
        bases: Bases,
        base: Int[np.ndarray, " lattices"],
        levels: Float[np.ndarray, " lattices"],
    ) -> "Dataset":
        """Flatten lattices into a dataset without labels.

        Raises:
            LatticeGnnError: If there are no lattices, or a shift does not fit into 16 bits.
        """
        batch = LatticeBatch.from_lattices(lattices)
        first = batch.node_offsets[batch.strut_lattice]
        if int(batch.shifts.abs().max()) >= 2**15:
            raise LatticeGnnError("dataset: a strut's shift exceeds 32767 cells; wrap the lattice.")
        poisson = np.array([x.material.nu for x in lattices])
        nu = np.repeat(poisson, batch.strut_offsets.diff().numpy())
        columns = {
            "end_radii": (batch.end_radii, batch.radii),
            "inner_radii": (batch.inner_radii, torch.zeros_like(batch.radii)),
            "E": (batch.E, torch.ones_like(batch.radii)),
            "nu": (batch.nu, torch.from_numpy(nu)),
        }
        return cls(
            cells=batch.cells.numpy(),
            node_offsets=batch.node_offsets.numpy(),
            strut_offsets=batch.strut_offsets.numpy(),
            nodes=batch.nodes.numpy(),
            struts=(batch.struts - first[:, None]).numpy().astype(np.int32),
            shifts=batch.shifts.numpy().astype(np.int16),
            radii=batch.radii.numpy(),
            poisson=poisson,
            base=np.asarray(base, dtype=np.int32),
            levels=np.asarray(levels, dtype=np.float64),
            bases=bases,
            sections={
                k: value.numpy() for k, (value, usual) in columns.items() if (value != usual).any()
            },
        )

    def __len__(self) -> int:
        """Return the number of lattices."""
        return len(self.cells)

    def section(self, name: str) -> Float[np.ndarray, " struts"]:
        """Return a column of ``SECTIONS``, with default values if it is not stored."""
        if name in self.sections:
            return self.sections[name]
        if name == "end_radii":
            return self.radii
        if name == "nu":
            return np.repeat(self.poisson, np.diff(self.strut_offsets))
        return np.full(len(self.radii), 1.0 if name == "E" else 0.0)

    def select(self, chosen: Sequence[int] | np.ndarray) -> "Dataset":
        """Return the given lattices, in the given order, with the bases they need."""
        chosen = np.asarray(chosen, dtype=np.int64)
        nodes, node_offsets = _ranges(self.node_offsets, chosen)
        struts, strut_offsets = _ranges(self.strut_offsets, chosen)
        bases, first, base = np.unique(self.base[chosen], return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")  # bases in order of first appearance
        rank = np.empty(len(order), dtype=np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return replace(
            self,
            cells=self.cells[chosen],
            node_offsets=node_offsets,
            strut_offsets=strut_offsets,
            nodes=self.nodes[nodes],
            struts=self.struts[struts],
            shifts=self.shifts[struts],
            radii=self.radii[struts],
            poisson=self.poisson[chosen],
            base=rank[base],
            levels=self.levels[chosen],
            bases=self.bases.select(bases[order]),
            sections={name: column[struts] for name, column in self.sections.items()},
            labels={kind: label.select(chosen) for kind, label in self.labels.items()},
        )

    def with_label(self, kind: str) -> "Dataset":
        """Return the lattices that have a label of this kind.

        Raises:
            LatticeGnnError: If there is no label of this kind.
        """
        return self.select(np.flatnonzero(self._label(kind).mask))

    def to_batch(
        self,
        chosen: Sequence[int] | np.ndarray | None = None,
        *,
        dtype: torch.dtype = torch.float64,
    ) -> LatticeBatch:
        """Collate the given lattices (all by default), in order."""
        chosen = np.asarray(np.arange(len(self)) if chosen is None else chosen, dtype=np.int64)
        nodes, node_offsets = _ranges(self.node_offsets, chosen)
        struts, strut_offsets = _ranges(self.strut_offsets, chosen)
        counts = np.diff(strut_offsets)
        ends = self.struts[struts] + np.repeat(node_offsets[:-1], counts)[:, None]

        def real(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(array).to(dtype)

        def column(name: str, usual: np.ndarray) -> torch.Tensor:
            return real(self.sections[name][struts] if name in self.sections else usual)

        radii = self.radii[struts]
        return LatticeBatch(
            cells=real(self.cells[chosen]),
            nodes=real(self.nodes[nodes]),
            struts=torch.from_numpy(ends),
            shifts=torch.from_numpy(self.shifts[struts].astype(np.int64)),
            radii=real(radii),
            end_radii=column("end_radii", radii),
            inner_radii=column("inner_radii", np.zeros(len(radii))),
            E=column("E", np.ones(len(radii))),
            nu=column("nu", np.repeat(self.poisson[chosen], counts)),
            node_offsets=torch.from_numpy(node_offsets),
            strut_offsets=torch.from_numpy(strut_offsets),
        )

    def lattices(self, chosen: Sequence[int] | np.ndarray) -> list[Lattice]:
        """Return the given lattices as objects, named after their bases, E_s = 1."""
        chosen = np.asarray(chosen, dtype=np.int64)
        found = []
        for k in chosen.tolist():
            material = Material(nu=float(self.poisson[k]))
            (lattice,) = self.to_batch([k]).to_lattices(material=material)
            found.append(lattice.replace(name=self.name(k)))
        return found

    def name(self, k: int) -> str:
        """Return the name of a lattice: that of its base, with the level of perturbation."""
        name, level = self.bases.names[self.base[k]].decode(), float(self.levels[k])
        return f"{name}_p_{level:g}" if level > 0 else name

    def stiffness(
        self, kind: str, chosen: Sequence[int] | np.ndarray
    ) -> Float[np.ndarray, "chosen 6 6"]:
        """Return C / E_s of the given lattices, Mandel; NaN for lattices without label.

        Raises:
            LatticeGnnError: If there is no label of this kind.
        """
        return symmetric_from_upper(self._label(kind).stiffness[np.asarray(chosen, dtype=np.int64)])

    def labelled(
        self, kind: str, chosen: Sequence[int] | np.ndarray
    ) -> tuple[LatticeBatch, torch.Tensor]:
        """Return the given lattices that have this kind of label, simplified, and C / E_s of each.

        ``LabelledLattices(*dataset.labelled("beam", part))`` is the input of training.

        Raises:
            LatticeGnnError: If there is no label of this kind.
        """
        chosen = np.asarray(chosen, dtype=np.int64)
        chosen = chosen[self._label(kind).mask[chosen]]
        C = torch.from_numpy(self.stiffness(kind, chosen))
        return self.to_batch(chosen).simplified(), C

    def _label(self, kind: str) -> Label:
        if kind not in self.labels:
            known = ", ".join(sorted(self.labels)) or "none"
            raise LatticeGnnError(f"dataset: no labels of kind {kind!r}; it has {known}.")
        return self.labels[kind]

    def split(
        self,
        shares: Mapping[str, float],
        *,
        seed: int = 0,
        by: Grouping = "base",
        known: Collection[bytes] = (),
    ) -> dict[str, Int[np.ndarray, " part"]]:
        """Split the lattices so that no base lattice (or no net) is in two parts.

        A hash of its fingerprint and the seed assigns each group to a part: the same part in every
        file, at every size. The shares are therefore met on average, not exactly.

        Args:
            shares: Share of each part; they add up to 1.
            seed: Seed of the hash.
            by: "base" keeps the copies of one base lattice together, "net" all lattices of one net.
            known: Fingerprints of groups that go into the first part regardless of their hash.

        Returns:
            Lattice numbers of each part, ascending.

        Raises:
            LatticeGnnError: If a share is negative or they do not add up to 1.
        """
        edges = np.cumsum(list(shares.values()))
        if not shares or min(shares.values()) < 0 or abs(float(edges[-1]) - 1) > 1e-9:
            raise LatticeGnnError(
                f"split: expected shares >= 0 that add up to 1, got {list(shares.values())}."
            )
        keys = self.bases.shapes if by == "base" else self.bases.nets
        known = set(known)
        draws = np.array([-1.0 if key in known else _draw(seed, key) for key in keys.tolist()])
        part = np.minimum(np.searchsorted(edges, draws, side="right"), len(shares) - 1)
        return {name: np.flatnonzero(part[self.base] == k) for k, name in enumerate(shares)}


def _draw(seed: int, key: bytes) -> float:
    """Return a number in [0, 1) that depends on seed and key only."""
    digest = hashlib.sha256(f"{seed}:{key.decode()}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _ranges(
    offsets: Int[np.ndarray, " groups_plus_1"], chosen: Int[np.ndarray, " chosen"]
) -> tuple[Int[np.ndarray, " members"], Int[np.ndarray, " chosen_plus_1"]]:
    """Return the members of the chosen groups, and the offsets of the new grouping."""
    counts = offsets[chosen + 1] - offsets[chosen]
    new_offsets = np.concatenate([[0], np.cumsum(counts)])
    members = np.arange(new_offsets[-1]) + np.repeat(offsets[chosen] - new_offsets[:-1], counts)
    return members, new_offsets


def lattice_digests(dataset: Dataset) -> np.ndarray:
    """Return a hash of the geometry and the Poisson's ratio of every lattice, as bytes."""
    columns = [dataset.struts, dataset.shifts, dataset.radii]
    columns += [dataset.section(name) for name in ("end_radii", "inner_radii", "E", "nu")]
    found = []
    for k in range(len(dataset)):
        nodes = slice(*dataset.node_offsets[k : k + 2])
        struts = slice(*dataset.strut_offsets[k : k + 2])
        digest = hashlib.sha256(dataset.cells[k].tobytes())
        digest.update(dataset.nodes[nodes].tobytes())
        digest.update(dataset.poisson[k].tobytes())
        for column in columns:
            digest.update(column[struts].tobytes())
        found.append(digest.hexdigest()[:24].encode())
    return np.array(found)
