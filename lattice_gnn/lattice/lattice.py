"""`Lattice`: nodes, struts and a periodic cell as one immutable value."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice import checks, collinear, union
from lattice_gnn.lattice.memory import Remembering
from lattice_gnn.lattice.sections import Sections, sections_of
from lattice_gnn.lattice.simplification import simplify
from lattice_gnn.lattice.solids import Solids
from lattice_gnn.lattice.tiling import tile_topology, tiling_matrix
from lattice_gnn.lattice.topology import Net, analyse_net
from lattice_gnn.wording import counted


@dataclass(frozen=True, slots=True)
class Material:
    """Isotropic linear-elastic solid that the struts are made of.

    Attributes:
        E: Young's modulus, > 0, in any unit of stress; with 1, stiffnesses are multiples of E.
        nu: Poisson's ratio, -1 < nu < 0.5.
    """

    __no_type_check__ = True  # the constructor checks and converts by itself

    E: float = 1.0
    nu: float = 0.3

    def __post_init__(self) -> None:
        """Check both numbers."""
        object.__setattr__(self, "E", checks.positive_number(self.E, "material.E"))
        object.__setattr__(self, "nu", checks.check_poisson_ratio(self.nu, "material.nu"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Lattice(Remembering):
    """Periodic strut lattice.

    Strut s joins node ``struts[s, 0]`` of the home cell to node ``struts[s, 1]`` of the cell
    displaced by the integers ``shifts[s]``, and is stored once. A strut from a node to its own
    image and several struts between one pair of nodes, with different shifts, are allowed. Node
    coordinates may be any real numbers; they are not wrapped into the cell.

    The constructor takes array-likes; arrays are copied and read-only. A violation of the rules in
    :mod:`lattice_gnn.lattice.checks` raises :class:`~lattice_gnn.errors.LatticeGnnError` on
    construction, naming the offending entry.

    ``==`` compares every field exactly. The same structure written differently (in another node
    order, in another cell, translated, renamed) is a different value.

    Attributes:
        cell: Cell vectors as rows, any unit of length; may be left-handed.
        nodes: Fractional coordinates.
        struts: Node numbers (i, j).
        shifts: Cell displacement of node j, in cell vectors.
        radii: Outer radius of each strut (at node i if tapered), unit of ``cell``; a single number
            is broadcast.
        end_radii: Outer radius at node j, linear in between; None if constant.
        inner_radii: Bore radius at node i, 0 for a solid strut; the ratio bore/outer is constant
            along a taper; None if all are solid.
        E: Young's modulus of each strut, unit of ``material.E``; None for that of the material.
        nu: Poisson's ratio of each strut; None for that of the material.
        name: Name for display.
        material: The solid.
        units: Name of the unit of length; no result depends on it.
    """

    __no_type_check__ = True  # the constructor takes array-likes and checks them itself

    cell: Float[np.ndarray, "3 3"]
    nodes: Float[np.ndarray, "nodes 3"]
    struts: Int[np.ndarray, "struts 2"]
    shifts: Int[np.ndarray, "struts 3"]
    radii: Float[np.ndarray, " struts"]
    end_radii: Float[np.ndarray, " struts"] | None = None
    inner_radii: Float[np.ndarray, " struts"] | None = None
    E: Float[np.ndarray, " struts"] | None = None
    nu: Float[np.ndarray, " struts"] | None = None
    name: str = ""
    material: Material = Material()
    units: str = ""

    def __post_init__(self) -> None:
        """Copy and check every field."""
        if not isinstance(self.material, Material):
            raise LatticeGnnError(
                f"material: expected a Material(E, nu), got {type(self.material).__name__}."
            )

        def store(field: str, value: Any) -> None:
            object.__setattr__(self, field, value)

        store("cell", checks.float_array(self.cell, "cell", (3, 3)))
        checks.check_cell(self.cell)
        store("nodes", checks.float_array(self.nodes, "nodes", (None, 3)))
        store("struts", checks.integer_array(self.struts, "struts", (None, 2)))
        store("shifts", checks.integer_array(self.shifts, "shifts", (None, 3)))
        checks.check_topology(self.num_nodes, self.struts, self.shifts)
        count = self.num_struts
        store("radii", checks.strut_values(self.radii, "radii", count, above=0.0))
        if self.end_radii is not None:
            store("end_radii", checks.strut_values(self.end_radii, "end_radii", count, above=0.0))
        if self.inner_radii is not None:
            store("inner_radii", checks.bore_radii(self.inner_radii, self.radii))
        if self.E is not None:
            store("E", checks.strut_values(self.E, "E", count, above=0.0))
        if self.nu is not None:
            store("nu", checks.poisson_ratios(self.nu, count))
        with np.errstate(over="ignore", invalid="ignore"):
            checks.check_lengths(self.lengths, self.volume)
        checks.check_proportions(self.nodes, self.radii, self.lengths, self.volume)
        checks.check_proportions(self.nodes, self.end_radii, self.lengths, self.volume)
        for label in ("name", "units"):
            store(label, checks.text_label(getattr(self, label), label))

    def __eq__(self, other: object) -> bool:
        """Return whether every field is exactly equal, names and units included."""
        if not isinstance(other, Lattice):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        """Return a hash of every field; -0.0 equals 0.0."""
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        """Return every field, arrays as bytes with -0.0 replaced by 0.0."""
        values = (getattr(self, field.name) for field in dataclasses.fields(self))
        return tuple((x + 0.0).tobytes() if isinstance(x, np.ndarray) else x for x in values)

    def __repr__(self) -> str:
        """Return one line: name, counts, density."""
        size = f"{counted(self.num_nodes, 'node')}, {counted(self.num_struts, 'strut')}"
        return f"Lattice({self.name!r}, {size}, relative density {self.relative_density:.4g})"

    def _repr_html_(self) -> str:
        """Return a drawing beside the numbers as HTML, for notebooks."""
        from lattice_gnn.lattice.picture import lattice_html

        return lattice_html(self)

    @property
    def num_nodes(self) -> int:
        """Number of nodes of one cell."""
        return len(self.nodes)

    @property
    def num_struts(self) -> int:
        """Number of struts of one cell, each counted once."""
        return len(self.struts)

    @property
    def volume(self) -> float:
        """Volume of the cell, > 0."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def positions(self) -> Float[np.ndarray, "nodes 3"]:
        """Cartesian node positions."""
        return self.nodes @ self.cell

    @property
    def strut_vectors(self) -> Float[np.ndarray, "struts 3"]:
        """Cartesian vectors from node i to the image of node j."""
        i, j = self.struts.T
        return (self.nodes[j] - self.nodes[i] + self.shifts) @ self.cell

    @property
    def lengths(self) -> Float[np.ndarray, " struts"]:
        """Strut lengths between node centres."""
        return np.linalg.norm(self.strut_vectors, axis=1)

    @property
    def degrees(self) -> Int[np.ndarray, " nodes"]:
        """Number of strut ends at each node; a strut to its own image counts twice."""
        return np.bincount(self.struts.ravel(), minlength=self.num_nodes)

    @property
    def relative_density(self) -> float:
        """Sum of strut volumes over cell volume, pi r^2 L for a plain strut.

        Overlap at the joints is counted twice, as in the literature. The mean of r^2 along a linear
        taper is (r_i^2 + r_i r_j + r_j^2) / 3; a bore of constant ratio k removes the fraction k^2.
        """
        r, end, bore = self.radii, self.sections.end_radii, self.sections.bores
        areas = np.pi * (r * r + r * end + end * end) / 3 * (1 - bore**2)
        return float(np.sum(areas * self.lengths) / self.volume)

    @property
    def sections(self) -> Sections:
        """Sections and moduli of the struts, with what is None filled in."""
        return sections_of(self, self.num_struts)

    def replace(self, **fields: Any) -> "Lattice":
        """Return a copy with some fields replaced; all checks are repeated."""
        return dataclasses.replace(self, **fields)

    def with_radii(self, radii: float | Float[np.ndarray, " struts"]) -> "Lattice":
        """Return the lattice with new radii; tapers and bores keep their ratio to the radius."""
        new = checks.strut_values(radii, "radii", self.num_struts, above=0.0)
        factor = new / self.radii
        return self.replace(
            radii=new,
            end_radii=None if self.end_radii is None else self.end_radii * factor,
            inner_radii=None if self.inner_radii is None else self.inner_radii * factor,
        )

    def with_relative_density(self, relative_density: float) -> "Lattice":
        """Return the lattice with all radii scaled by one factor to this relative density.

        Raises:
            LatticeGnnError: Unless 0 < relative_density < 1.
        """
        density = checks.finite_number(relative_density, "relative_density")
        if not 0 < density < 1:
            raise LatticeGnnError(
                f"relative_density: expected a fraction between 0 and 1, got {density:g}."
            )
        return self.with_radii(self.radii * np.sqrt(density / self.relative_density))

    def scaled(self, factor: float) -> "Lattice":
        """Return the lattice with all lengths, radii included, multiplied by ``factor`` > 0."""
        factor = checks.positive_number(factor, "factor")
        lengths = ("cell", "radii", "end_radii", "inner_radii")
        values = {name: getattr(self, name) for name in lengths}
        return self.replace(**{k: None if x is None else x * factor for k, x in values.items()})

    def rotated(self, R: Float[np.ndarray, "3 3"]) -> "Lattice":
        """Return the lattice rotated (or reflected) by the orthogonal matrix R: x -> R x."""
        return self.replace(cell=self.cell @ checks.orthogonal_matrix(R, "rotation").T)

    def strained(self, F: Float[np.ndarray, "3 3"]) -> "Lattice":
        """Return the lattice mapped by x -> F x; fractional coordinates and radii are kept."""
        F = checks.float_array(F, "deformation gradient", (3, 3))
        return self.replace(cell=self.cell @ F.T)

    def translated(self, vector: Float[np.ndarray, "3"]) -> "Lattice":
        """Return the lattice with all nodes translated by one fractional vector."""
        vector = checks.float_array(vector, "translation", (3,))
        return self.replace(nodes=self.nodes + vector)

    def wrapped(self) -> "Lattice":
        """Return the same structure with fractional coordinates in [0, 1) and adjusted shifts."""
        offsets = np.floor(self.nodes).astype(np.int64)
        i, j = self.struts.T
        return self.replace(
            nodes=self.nodes - offsets, shifts=self.shifts + offsets[j] - offsets[i]
        )

    def reordered(self, permutation: Int[np.ndarray, " nodes"]) -> "Lattice":
        """Return the same structure with new node k = old node ``permutation[k]``."""
        order = checks.integer_array(permutation, "permutation", (self.num_nodes,))
        if not np.array_equal(np.sort(order), np.arange(self.num_nodes)):
            raise LatticeGnnError("permutation: expected every node number exactly once.")
        new_number = np.argsort(order)
        return self.replace(nodes=self.nodes[order], struts=new_number[self.struts])

    def reversed_struts(self, mask: Bool[np.ndarray, " struts"]) -> "Lattice":
        """Return the same structure with the struts in ``mask`` stored in reverse direction."""
        mask = np.asarray(mask)
        if mask.dtype != bool or mask.shape != (self.num_struts,):
            raise LatticeGnnError(f"mask: expected {self.num_struts} booleans, one per strut.")
        radii, end, bore = self.radii, self.end_radii, self.inner_radii
        return self.replace(
            struts=np.where(mask[:, None], self.struts[:, ::-1], self.struts),
            shifts=np.where(mask[:, None], -self.shifts, self.shifts),
            radii=radii if end is None else np.where(mask, end, radii),
            end_radii=None if end is None else np.where(mask, radii, end),
            inner_radii=bore
            if end is None or bore is None
            else np.where(mask, bore * end / radii, bore),
        )

    def supercell(self, *tiling: Any) -> "Lattice":
        """Return the same structure with a larger cell.

        Args:
            tiling: Copies along the cell vectors, as one number for all three, three numbers, or a
                sequence of three; or an integer 3x3 matrix M whose rows are the new cell vectors in
                terms of the old ones (new cell = M @ cell, |det M| copies).
        """
        M = tiling_matrix(*tiling)
        tiling_of_net = tile_topology(self.num_nodes, self.struts, self.shifts, M)
        copies = tiling_of_net.copies
        return self.replace(
            cell=M @ self.cell,
            nodes=((self.nodes + copies[:, None]) @ np.linalg.inv(M)).reshape(-1, 3),
            struts=tiling_of_net.struts,
            shifts=tiling_of_net.shifts,
            **{
                field: None if value is None else np.tile(value, len(copies))
                for field, value in self.strut_fields().items()
            },
        )

    def with_cell_vectors(self, U: Int[np.ndarray, "3 3"]) -> "Lattice":
        """Return the same structure with the cell U @ cell, U integer with det U = 1 or -1."""
        U = checks.integer_array(U, "cell change", (3, 3))
        if abs(round(float(np.linalg.det(U)))) != 1:
            raise LatticeGnnError("cell change: expected an integer matrix of determinant 1 or -1.")
        return self.supercell(U)

    def strut_fields(
        self, chosen: Int[np.ndarray, " chosen"] | slice = slice(None)
    ) -> dict[str, Float[np.ndarray, " chosen"] | None]:
        """Return the fields with one value per strut, of the chosen struts; None where not set."""
        names = ("radii", "end_radii", "inner_radii", "E", "nu")
        values = {name: getattr(self, name) for name in names}
        return {name: None if value is None else value[chosen] for name, value in values.items()}

    def perturbed(
        self, level: float, seed: int, measure: Literal["fractional", "mean_length"] = "fractional"
    ) -> "Lattice":
        """Return the lattice with every node displaced by a fixed length in a random direction.

        Args:
            level: The length, 0 to 0.5: in fractional coordinates (the imperfection of Grega et
                al., ICLR 2024), or relative to the mean strut length in Cartesian space.
            seed: Random seed of the directions, which are uniform on the sphere.
            measure: Which of the two measures the length.
        """
        level = checks.imperfection_level(level)
        if measure not in ("fractional", "mean_length"):
            raise LatticeGnnError(
                f"perturbed: expected measure 'fractional' or 'mean_length', got {measure!r}."
            )
        rng = np.random.default_rng(checks.whole_number(seed, "perturbed: seed"))
        directions = rng.normal(size=(self.num_nodes, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        if measure == "mean_length":
            directions = self.lengths.mean() * directions @ np.linalg.inv(self.cell)
        return self.replace(nodes=self.nodes + level * directions)

    def simplified(
        self, tolerance: float = collinear.TOLERANCE, only: Bool[np.ndarray, " nodes"] | None = None
    ) -> "Lattice":
        """Return the lattice without hanging struts and without nodes that merely split a strut.

        A strut hangs if it ends at a node alone, or does so once such struts are left out; it
        carries no load. A node merely splits a strut if exactly two struts end there, collinear to
        ``tolerance`` (sine of the angle), with radii, bores, E and nu equal to ``tolerance``
        (relative) and without taper. A straight infinite chain keeps one node, joined to its own
        image. Both lattices have the same stiffness in beam theory. ``only`` restricts which nodes
        may be removed, and keeps hanging struts; without it the result is cached.
        """
        if only is not None:
            return simplify(self, tolerance, only) or self
        simplified: Lattice | None = self._once(
            ("simplified", tolerance), lambda: simplify(self, tolerance)
        )
        return simplified or self

    def connectivity(self) -> Net:
        """Analyse how the struts are connected: components, ranks, interpenetration.

        The result is cached.
        """
        net: Net = self._once("net", lambda: analyse_net(self.num_nodes, self.struts, self.shifts))
        return net

    def volume_fraction(
        self, samples: int = union.DEFAULT_SAMPLES, seed: int = 0
    ) -> union.VolumeFraction:
        """Estimate the volume of the union of struts and joints over that of the cell.

        See :func:`lattice_gnn.lattice.union.volume_fraction` for the definition of the joints and
        the sampling.
        """
        return union.volume_fraction(self._solids(), samples, seed)

    def clearance(self) -> union.Clearance:
        """Return the smallest gap between the surfaces of struts that share no joint, cached.

        Negative if they overlap; beam theory does not hold for touching struts. See
        :func:`lattice_gnn.lattice.union.clearance`.
        """
        found: union.Clearance = self._once("clearance", lambda: union.clearance(self._solids()))
        return found

    def _solids(self) -> Solids:
        s = self.sections
        return Solids(
            self.cell, self.nodes, self.struts, self.shifts, s.radii, s.end_radii, s.bores
        )
