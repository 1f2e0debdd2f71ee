"""Space group of a lattice: the operations that map nodes, struts and sections onto themselves.

Operations act on fractional coordinates, x -> R x + t. spglib finds those of the nodes alone; those
that map every strut onto a strut of equal section form the group of the lattice.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted

TOLERANCE = 1e-5
"""Largest deviation of positions, over the mean strut length, and of sections, relative."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpaceGroup:
    """The symmetry of one lattice in its own cell.

    Attributes:
        number: International number, 1 to 230.
        symbol: International symbol, short.
        rotations: The matrices R.
        translations: The vectors t.
        node_images: Node onto which each operation maps each node.
        strut_images: Strut onto which each operation maps each strut.
    """

    number: int
    symbol: str
    rotations: Int[np.ndarray, "operations 3 3"]
    translations: Float[np.ndarray, "operations 3"]
    node_images: Int[np.ndarray, "operations nodes"]
    strut_images: Int[np.ndarray, "operations struts"]

    @property
    def order(self) -> int:
        """Number of operations in one cell, centring translations included."""
        return len(self.rotations)

    def cartesian(self, cell: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "operations 3 3"]:
        """Return the orthogonal matrices of the operations in Cartesian axes."""
        turned: Float[np.ndarray, "operations 3 3"] = (
            cell.T @ self.rotations @ np.linalg.inv(cell.T)
        )
        return turned

    def __repr__(self) -> str:
        """Return the symbol, the number and the order."""
        return f"{self.symbol} ({self.number}), {counted(self.order, 'operation')}"


def ask_spglib(question: str, *arguments: Any, **options: Any) -> Any:
    """Call a function of spglib without its warning that its error handling will change."""
    import spglib  # 0.1 s; not needed by most users of lattices

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)
        return getattr(spglib, question)(*arguments, **options)


def find_space_group(lattice: Lattice, tolerance: float = TOLERANCE) -> SpaceGroup:
    """Find the space group of a lattice, sections included.

    Raises:
        LatticeGnnError: If spglib finds no symmetry at all, because nodes coincide.
    """
    precision = tolerance * float(lattice.lengths.mean())
    kinds = np.unique(lattice.degrees, return_inverse=True)[1] + 1
    crystal = (lattice.cell, lattice.nodes, kinds)
    found = ask_spglib("get_symmetry", crystal, symprec=precision)
    if found is None:
        raise LatticeGnnError(
            f"lattice {lattice.name!r}: no space group can be found; check that no two nodes "
            "coincide"
        )
    mapping = _Mapping(lattice, precision, tolerance)
    kept = []
    for R, t in zip(found["rotations"].astype(np.int64), found["translations"], strict=True):
        images = mapping.images(R, t)
        if images is not None:
            kept.append((R, t, *images))
    rotations, translations, nodes, struts = (np.array(part) for part in zip(*kept, strict=True))
    kind = ask_spglib(
        "get_spacegroup_type_from_symmetry",
        rotations,
        translations,
        lattice=lattice.cell,
        symprec=precision,
    )
    number, symbol = (1, "P1") if kind is None else (int(kind.number), kind.international_short)
    return SpaceGroup(number, symbol, rotations, translations, nodes, struts)


def group_of_changed(lattice: Lattice, group: SpaceGroup) -> SpaceGroup:
    """Return the same operations for a lattice with other nodes or struts that they preserve.

    Raises:
        LatticeGnnError: If an operation does not map the lattice onto itself.
    """
    mapping = _Mapping(lattice, TOLERANCE * float(lattice.lengths.mean()), TOLERANCE)
    pairs = zip(group.rotations, group.translations, strict=True)
    images = [mapping.images(R, t) for R, t in pairs]
    nodes = [pair[0] for pair in images if pair is not None]
    struts = [pair[1] for pair in images if pair is not None]
    if len(nodes) < len(images):
        raise LatticeGnnError(
            f"lattice {lattice.name!r}: does not have the symmetry {group!r}, which was to be kept"
        )
    return replace(group, node_images=np.array(nodes), strut_images=np.array(struts))


def trivial_group(lattice: Lattice) -> SpaceGroup:
    """Return the group of the identity alone, whatever the symmetry of the lattice."""
    return SpaceGroup(
        number=1,
        symbol="P1",
        rotations=np.eye(3, dtype=np.int64)[None],
        translations=np.zeros((1, 3)),
        node_images=np.arange(lattice.num_nodes)[None],
        strut_images=np.arange(lattice.num_struts)[None],
    )


class _Mapping:
    """Finds the images of nodes and struts under an operation; None where there are none."""

    def __init__(self, lattice: Lattice, precision: float, tolerance: float):
        self.lattice, self.precision, self.tolerance = lattice, precision, tolerance
        self.sections = lattice.sections.table
        self.turned_sections = self.sections[:, [1, 0, 2, 3, 4]]
        self.places: dict[tuple[int, ...], tuple[int, bool]] = {}
        for strut, (i, j) in enumerate(lattice.struts.tolist()):
            shift = lattice.shifts[strut]
            self.places[_key(j, i, -shift)] = strut, True
            self.places[_key(i, j, shift)] = strut, False

    def images(
        self, R: Int[np.ndarray, "3 3"], t: Float[np.ndarray, "3"]
    ) -> tuple[Int[np.ndarray, " nodes"], Int[np.ndarray, " struts"]] | None:
        """Map every node and every strut, or return None."""
        lattice = self.lattice
        apart = (lattice.nodes @ R.T + t)[:, None] - lattice.nodes
        cells = np.rint(apart)
        distance = np.linalg.norm((apart - cells) @ lattice.cell, axis=2)
        node = distance.argmin(1)
        rows = np.arange(len(node))
        if distance[rows, node].max() > 2 * self.precision or len(np.unique(node)) < len(node):
            return None
        offset = cells[rows, node].astype(np.int64)
        i, j = lattice.struts.T
        shifts = lattice.shifts @ R.T + offset[j] - offset[i]
        keys = map(_key, node[i].tolist(), node[j].tolist(), shifts)
        found = [self.places.get(key) for key in keys]
        places = [place for place in found if place is not None]
        if len(places) < len(found):
            return None
        strut = np.array([s for s, _ in places], dtype=np.int64)
        turned = np.array([back for _, back in places], dtype=bool)
        theirs = np.where(turned[:, None], self.turned_sections[strut], self.sections[strut])
        alike = np.allclose(self.sections, theirs, rtol=self.tolerance, atol=0)
        return (node, strut) if alike else None


def _key(i: int, j: int, shift: Int[np.ndarray, "3"]) -> tuple[int, ...]:
    return (i, j, *shift.tolist())
