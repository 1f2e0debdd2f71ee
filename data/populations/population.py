"""Population of lattices: bases of several kinds, and copies with radii and imperfections.

A base is a named cell, a crystal-like net, or a combination of two named cells. Every base gives
one perfect lattice and one copy for each level of perturbation, each at several densities. Base
``index`` and its copies depend only on the settings of the population and ``(seed, index)``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np

from data.populations.identity import Identity, Symmetry, crystal_symmetry, identify
from data.populations.nets import NetSampling, is_sound, sample_net
from data.populations.space_groups import SYSTEMS, random_cell
from data.populations.strains import random_stretch
from lattice_gnn.cells.named import cell, cell_names
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.crossings import split_crossings, unique_struts
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.settings import read_settings

_TRIES = 200
_RADIUS = 1e-3  #: of bases, before radii are assigned
# Random streams of a base, in addition to that of its net.
_KIND, _FIRST_COPY = 1, 2


@dataclass(frozen=True, slots=True)
class Population:
    """Settings of a population.

    Attributes:
        count: Number of bases, all different.
        seed: Random seed.
        nets: How crystal-like nets are drawn.
        named: Named cells that come first, in this order.
        combined_share: Share of the other bases that combine two named cells.
        levels: Lengths of the nodes' displacement, one imperfect copy per level.
        measure: Whether these are fractional coordinates or multiples of the mean strut length.
        strain: Largest principal strain of the cell of an imperfect copy, uniform in +- this.
        radii: Equal radii, equal radii within each class of symmetry-equivalent struts, or all
            different radii.
        radius_spread: Largest log-ratio of a radius to the common one, uniform in +- this.
        densities: Relative densities of every copy; if empty, ``draws`` of them are drawn.
        density_range: Range from which they are drawn, log-uniform.
        draws: Number of densities drawn per copy.
        slenderness: Largest radius over strut length, which limits the drawn densities.
        nu: Poisson's ratio of the solid.
        nus: If not empty, each lattice takes one of these at random instead.
        modulus_spread: Largest log-ratio of a strut's Young's modulus to the solid's, uniform in
            +- this; equal for equivalent struts, unless ``radii`` is "random".
    """

    count: int = 1000
    seed: int = 0
    nets: NetSampling = field(default_factory=NetSampling)
    named: tuple[str, ...] = ()
    combined_share: float = 0.03
    levels: tuple[float, ...] = ()
    measure: Literal["fractional", "mean_length"] = "fractional"
    strain: float = 0.0
    radii: Literal["uniform", "orbit", "random"] = "uniform"
    radius_spread: float = 0.5
    densities: tuple[float, ...] = ()
    density_range: tuple[float, float] = (0.001, 0.3)
    draws: int = 3
    slenderness: float = 0.3
    nu: float = 0.3
    nus: tuple[float, ...] = ()
    modulus_spread: float = 0.0

    def __post_init__(self) -> None:
        """Check what would otherwise fail only after hours."""
        low, high = self.density_range
        rules = {
            "count: expected 1 to 10,000,000": 1 <= self.count <= 10_000_000,
            "seed: expected a number from 0 to 2^63 - 1": 0 <= self.seed < 2**63,
            "combined_share: expected 0 to 1": 0 <= self.combined_share <= 1,
            "levels: expected lengths above 0": all(level > 0 for level in self.levels),
            "strain: expected 0 to below 1": 0 <= self.strain < 1,
            "radius_spread: expected 0 or more": self.radius_spread >= 0,
            "densities: expected fractions between 0 and 1": all(0 < d < 1 for d in self.densities),
            "density_range: expected two rising fractions between 0 and 1": 0 < low <= high < 1,
            "draws: expected 1 to 10,000": 1 <= self.draws <= 10_000,
            "slenderness: expected above 0": self.slenderness > 0,
            "nu: expected above -1 and below 0.5": -1 < self.nu < 0.5,
            "nus: expected above -1 and below 0.5": all(-1 < nu < 0.5 for nu in self.nus),
            "modulus_spread: expected 0 or more": self.modulus_spread >= 0,
            f"nets.systems: expected some of {', '.join(SYSTEMS)} with shares >= 0, one above 0": (
                {name for name, _ in self.nets.systems} <= set(SYSTEMS)
                and min((share for _, share in self.nets.systems), default=0) >= 0
                and max((share for _, share in self.nets.systems), default=0) > 0
            ),
            "nets.sites: expected at least one": 1 <= self.nets.sites[0] <= self.nets.sites[1],
            "nets.neighbours: expected at least one": (
                1 <= self.nets.neighbours[0] <= self.nets.neighbours[1]
            ),
            "nets.aspect: expected 1 or more": self.nets.aspect >= 1,
            "nets.tries: expected at least 1": self.nets.tries >= 1,
            f"named: expected some of {', '.join(cell_names())}": set(self.named)
            <= set(cell_names()),
        }
        for rule, holds in rules.items():
            if not holds:
                raise LatticeGnnError(f"population.{rule}, got {_value(self, rule)}.")

    @property
    def lattices(self) -> int:
        """Total number of lattices."""
        return self.count * (1 + len(self.levels)) * (len(self.densities) or self.draws)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Population":
        """Build from plain values, such as those of a YAML file.

        Raises:
            LatticeGnnError: For an unknown key, or a value of the wrong type or out of range.
        """
        return read_settings(cls, values, "population")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for YAML and JSON."""
        return asdict(self)

    @property
    def copies(self) -> int:
        """Number of lattices per base."""
        return (1 + len(self.levels)) * (len(self.densities) or self.draws)


def _value(population: Population, rule: str) -> Any:
    value: Any = population
    for name in rule.partition(":")[0].split("."):
        value = getattr(value, name)
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """One base and its lattices.

    Attributes:
        lattice: The perfect lattice; its radii are arbitrary.
        identity: Its fingerprints.
        symmetry: Its space group and classes of equivalent struts.
        copies: Its lattices in the population.
        levels: The level of perturbation of each.
    """

    lattice: Lattice
    identity: Identity
    symmetry: Symmetry
    copies: tuple[Lattice, ...]
    levels: tuple[float, ...]


def make_base(population: Population, index: int) -> Base:
    """Generate base number ``index`` and its copies.

    Raises:
        LatticeGnnError: If no lattice satisfies the settings.
    """
    lattice = _base_lattice(population, index)
    symmetry = crystal_symmetry(lattice)
    copies: list[Lattice] = []
    levels: list[float] = []
    for number, level in enumerate((0.0, *population.levels)):
        rng = np.random.default_rng([population.seed, index, _FIRST_COPY + number])
        radii = _radii(population, symmetry, rng)
        shaped = _imperfect(lattice, level, population, rng) if number else lattice
        dressed = shaped.replace(material=Material(nu=population.nu)).with_radii(radii)
        for density in _densities(dressed, population, rng):
            copy = dressed.with_relative_density(density)
            copies.append(_of_other_material(copy, population, symmetry, rng))
            levels.append(level)
    return Base(lattice, identify(lattice), symmetry, tuple(copies), tuple(levels))


def _base_lattice(population: Population, index: int) -> Lattice:
    if index < len(population.named):
        name = population.named[index]
        return cell(name, radius=_RADIUS).simplified().replace(name=name)
    rng = np.random.default_rng([population.seed, index, _KIND])
    if rng.random() < population.combined_share:
        return _combination(population.nets, rng)
    return sample_net(population.nets, population.seed, index)


@cache
def _cubes() -> tuple[Lattice, ...]:
    """Return the named cells of cubic shape."""
    cells = (cell(name, radius=_RADIUS).simplified().replace(name=name) for name in cell_names())
    return tuple(x for x in cells if np.array_equal(x.cell, np.eye(3)))


def _combination(sampling: NetSampling, rng: np.random.Generator) -> Lattice:
    """Combine two named cells in one orthogonal cell, stretched at random."""
    for _ in range(_TRIES):
        first, second = (_cubes()[k] for k in rng.choice(len(_cubes()), 2, replace=False))
        box = random_cell("orthorhombic", sampling.aspect, rng)
        combined = combine(first, second).replace(cell=box)
        if is_sound(box, (combined.nodes, combined.struts, combined.shifts), sampling):
            return combined
    raise LatticeGnnError(
        f"population: no sound combination of two named cells in {_TRIES} tries; widen "
        "nets.nodes and nets.struts or set combined_share to 0."
    )


def combine(first: Lattice, second: Lattice) -> Lattice:
    """Return the union of the struts of two lattices with the same cell, each kept once."""
    a, b = first.wrapped(), second.wrapped()
    apart = b.nodes[:, None] - a.nodes
    cells = np.rint(apart)
    gaps = np.linalg.norm((apart - cells) @ a.cell, axis=2)
    twin = np.argmin(gaps, axis=1)
    shared = gaps.min(axis=1) < 1e-9 * float(a.lengths.mean())
    number = np.where(shared, twin, a.num_nodes + np.cumsum(~shared) - 1)
    place = np.where(shared[:, None], cells[np.arange(len(twin)), twin], 0).astype(np.int64)
    i, j = b.struts.T
    struts = np.concatenate([a.struts, number[b.struts]])
    shifts = np.concatenate([a.shifts, b.shifts + place[j] - place[i]])
    nodes, struts, shifts = split_crossings(
        a.cell, np.concatenate([a.nodes, b.nodes[~shared]]), *unique_struts(struts, shifts)
    )
    name = f"{first.name}+{second.name}"
    radii = np.full(len(struts), _RADIUS)
    return Lattice(a.cell, nodes, struts, shifts, radii, name=name).wrapped()


def _imperfect(
    lattice: Lattice, level: float, population: Population, rng: np.random.Generator
) -> Lattice:
    """Strain the cell and move every node; shapes with a strut of zero length are redrawn."""
    for _ in range(_TRIES):
        stretch = random_stretch(population.strain, rng)
        seed = int(rng.integers(2**31))
        strained = lattice.strained(stretch) if population.strain else lattice
        moved = strained.perturbed(level, seed, population.measure)
        if moved.lengths.min() > 0.01 * moved.lengths.mean():
            return moved
    raise LatticeGnnError(
        f"population: every copy of {lattice.name} at level {level:g} has a strut of almost "
        "zero length; lower the levels."
    )


def _radii(population: Population, symmetry: Symmetry, rng: np.random.Generator) -> np.ndarray:
    """Draw the radii up to a common factor."""
    if population.radii == "uniform":
        return np.full(len(symmetry.strut_orbits), _RADIUS)
    return _RADIUS * _factors(population.radius_spread, population, symmetry, rng)


def _of_other_material(
    lattice: Lattice, population: Population, symmetry: Symmetry, rng: np.random.Generator
) -> Lattice:
    """Draw Poisson's ratio and the moduli of struts, if the population varies them."""
    if population.nus:
        nu = population.nus[int(rng.integers(len(population.nus)))]
        lattice = lattice.replace(material=Material(nu=nu))
    if population.modulus_spread > 0:
        E = _factors(population.modulus_spread, population, symmetry, rng)
        lattice = lattice.replace(E=lattice.material.E * E)
    return lattice


def _factors(
    spread: float, population: Population, symmetry: Symmetry, rng: np.random.Generator
) -> np.ndarray:
    """Draw a factor per class of equivalent struts, or per strut if radii are random."""
    orbits = symmetry.strut_orbits
    of_struts = population.radii == "random"
    count = len(orbits) if of_struts else int(orbits.max()) + 1
    factors = np.exp(rng.uniform(-spread, spread, count))
    return factors if of_struts else factors[orbits]


def _densities(
    lattice: Lattice, population: Population, rng: np.random.Generator
) -> tuple[float, ...]:
    if population.densities:
        return population.densities
    low, high = population.density_range
    ratio = population.slenderness / float((lattice.radii / lattice.lengths).max())
    high = max(low, min(high, lattice.relative_density * ratio**2))
    return tuple(np.exp(rng.uniform(np.log(low), np.log(high), population.draws)).tolist())
