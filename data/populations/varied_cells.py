"""Random variations of named unit cells: perturbed, strained, with varied radii and moduli."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data.populations.strains import random_stretch
from lattice_gnn.cells.named import cell, cell_names
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.settings import read_settings

_TRIES = 50


@dataclass(frozen=True, slots=True)
class CellSampling:
    """Settings of random lattices drawn from the named cells.

    Attributes:
        count: Number of lattices.
        seed: Random seed; lattice k depends only on (seed, k).
        cells: Names of the cells to draw from; all if empty.
        densities: Smallest and largest relative density, log-uniform.
        exact_share: Share of lattices that keep the cell's exact node positions and shape.
        perturbation: Largest node displacement over the mean strut length, uniform from 0.
        strain: Largest principal strain of the cell's shape, uniform in +- this.
        radius_spread: Largest log-ratio of a strut's radius to the common one, uniform in +- this,
            in half of the lattices.
        nu: Smallest and largest Poisson's ratio, uniform.
        special_share: Share of lattices with hollow struts, with tapered struts, and with struts of
            unequal modulus (each).
        slenderness: Largest admissible radius over strut length.
    """

    count: int = 1000
    seed: int = 0
    cells: tuple[str, ...] = ()
    densities: tuple[float, float] = (0.001, 0.3)
    exact_share: float = 0.3
    perturbation: float = 0.2
    strain: float = 0.2
    radius_spread: float = 0.5
    nu: tuple[float, float] = (0.0, 0.45)
    special_share: float = 0.1
    slenderness: float = 0.3

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "sampling") -> "CellSampling":
        """Build from a mapping; unknown keys are refused."""
        return read_settings(cls, values, where)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for YAML and JSON."""
        return asdict(self)


def sample_cells(sampling: CellSampling) -> list[Lattice]:
    """Draw lattices, each named after its cell.

    Raises:
        LatticeGnnError: If no lattice within the slenderness limit is found in 50 tries.
    """
    names = sampling.cells or tuple(cell_names())
    cells = [cell(name, radius=0.01).simplified().replace(name=name) for name in names]
    return [_draw(cells[k % len(cells)], sampling, k) for k in range(sampling.count)]


def _draw(plain: Lattice, sampling: CellSampling, k: int) -> Lattice:
    rng = np.random.default_rng([sampling.seed, k])
    for _ in range(_TRIES):
        lattice = _dress(_shape(plain, sampling, rng), sampling, rng)
        thickest = float((lattice.sections.largest_radii / lattice.lengths).max())
        if thickest <= sampling.slenderness:
            return lattice
    raise LatticeGnnError(
        f"sampling: no {plain.name} within slenderness {sampling.slenderness} in {_TRIES} tries; "
        "lower the densities, the perturbation or the radius spread"
    )


def _shape(lattice: Lattice, sampling: CellSampling, rng: np.random.Generator) -> Lattice:
    """Strain the cell and perturb the nodes; some lattices stay exact."""
    if rng.random() < sampling.exact_share:
        return lattice
    lattice = lattice.strained(random_stretch(sampling.strain, rng))
    level = rng.uniform(0, sampling.perturbation)
    return lattice.perturbed(level, seed=int(rng.integers(2**31)), measure="mean_length")


def _dress(lattice: Lattice, sampling: CellSampling, rng: np.random.Generator) -> Lattice:
    """Assign radii, sections, moduli and a density."""
    count = lattice.num_struts
    spread = sampling.radius_spread * (rng.random() < 0.5)

    def factors() -> np.ndarray:
        return np.exp(rng.uniform(-spread, spread, count))

    radii = lattice.radii * factors()
    hollow, tapered, unequal = rng.random(3) < sampling.special_share
    low, high = np.log(sampling.densities)
    lattice = lattice.replace(
        radii=radii,
        end_radii=radii * np.exp(rng.uniform(-0.5, 0.5, count)) if tapered else None,
        inner_radii=radii * rng.uniform(0.2, 0.9) if hollow else None,
        material=Material(E=1.0, nu=float(rng.uniform(*sampling.nu))),
        E=np.exp(rng.uniform(-1, 1, count)) if unequal else None,
    )
    return lattice.with_relative_density(float(np.exp(rng.uniform(low, high))))
