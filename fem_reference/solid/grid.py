"""The periodic voxel grid: size, active nodes and voxels, neighbours."""

import numpy as np
import psutil
from jaxtyping import Int

from fem_reference.solid.hexahedra import CORNERS, OFFSETS
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import finite_number
from lattice_gnn.lattice.lattice import Lattice

FEWEST_VOXELS = 4.0  #: per diameter on the fine grid; with fewer the coarse grid is meaningless
MEMORY_LIMIT = 0.8 * psutil.virtual_memory().total  #: bytes
_MOST_VOXELS = 2**31 - 1  #: voxel numbers are 32-bit integers
_MULTIPLE = 8  #: of the number of voxels along each axis, for three halvings
_BYTES_PER_NODE, _BYTES_PER_VOXEL = 1700, 16
_NODES_PER_FILLED_VOXEL = 1.7  #: at 8 voxels per diameter; used only to estimate memory

Shape = tuple[int, int, int]


class Grid:
    """Active nodes and voxels of one level; numbers are flat, last axis fastest."""

    def __init__(self, active: np.ndarray, shape: Shape):
        self.shape = shape
        self.voxels = active
        corners = self.numbers(active, CORNERS)
        mask = np.zeros(int(np.prod(shape)), dtype=bool)
        mask[corners.ravel()] = True
        self.nodes = np.flatnonzero(mask)
        places = self.places()
        self.corners = places[corners]
        self.neighbours = places[self.numbers(self.nodes, OFFSETS)]

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.nodes)

    def numbers(
        self, origins: Int[np.ndarray, " count"], steps: Int[np.ndarray, "steps 3"]
    ) -> Int[np.ndarray, "count steps"]:
        """Return the numbers of the (periodic) grid points at these steps from the origins."""
        return numbers_at(np.unravel_index(origins, self.shape), steps, self.shape)

    def places(self) -> Int[np.ndarray, " points"]:
        """Return each grid point's index among the active nodes, or -1 (too large to cache)."""
        places = np.full(int(np.prod(self.shape)), -1, dtype=np.int32)
        places[self.nodes] = np.arange(len(self.nodes), dtype=np.int32)
        return places

    @property
    def half_shape(self) -> Shape:
        """Shape of the grid of half the resolution."""
        n1, n2, n3 = self.shape
        return n1 // 2, n2 // 2, n3 // 2

    def coarser(self) -> "Grid":
        """Return the grid of half the resolution, of the voxels that contain some of these."""
        return Grid(np.unique(self.parent_voxels()), self.half_shape)

    def parent_voxels(self) -> Int[np.ndarray, " voxels"]:
        """Return, for each voxel, the number of its parent one level up."""
        i, j, k = np.unravel_index(self.voxels, self.shape)
        return np.ravel_multi_index((i // 2, j // 2, k // 2), self.half_shape)

    def child_numbers(self) -> Int[np.ndarray, " voxels"]:
        """Return, for each voxel, its number among the eight children of its parent."""
        i, j, k = np.unravel_index(self.voxels, self.shape)
        return 4 * (i % 2) + 2 * (j % 2) + k % 2


def numbers_at(
    at: tuple[np.ndarray, ...], steps: Int[np.ndarray, "steps 3"], shape: Shape
) -> Int[np.ndarray, "count steps"]:
    """Return the flat numbers of the periodic grid points at steps from the points ``at``."""
    numbers = np.zeros((len(at[0]), len(steps)), dtype=np.int64)
    for axis in range(3):
        distinct, which = np.unique(steps[:, axis], return_inverse=True)
        along = (at[axis][:, None] + distinct) % shape[axis]
        numbers *= shape[axis]
        numbers += along[:, which]
    return numbers


def thinnest(lattice: Lattice) -> float:
    """Return the smallest strut radius (thinner end), or wall thickness of a hollow strut."""
    sections = lattice.sections
    thinner = np.minimum(sections.radii, sections.end_radii)
    return float((thinner * (1.0 - sections.bores)).min())


def grid_shape(
    lattice: Lattice, voxels_per_diameter: float | int, memory_limit: float | int
) -> Shape:
    """Choose the voxels along each cell vector, multiples of 8, to resolve the thinnest strut.

    For a hollow strut, twice the wall thickness counts as the diameter.

    Raises:
        LatticeGnnError: For fewer than 4 voxels per diameter, or if the grid needs more memory than
            ``memory_limit`` bytes or more voxels than can be numbered.
    """
    voxels_per_diameter = finite_number(voxels_per_diameter, "voxels_per_diameter")
    if voxels_per_diameter < FEWEST_VOXELS:
        raise LatticeGnnError(
            f"voxels_per_diameter: expected at least {FEWEST_VOXELS:g} (8 for about 1 % in C), got "
            f"{voxels_per_diameter:g}"
        )
    lengths = np.linalg.norm(lattice.cell, axis=1)
    smallest = thinnest(lattice)
    counts = lengths * voxels_per_diameter / (2.0 * smallest)
    rounded = np.maximum(1.0, np.ceil(counts / _MULTIPLE - 1e-6)) * _MULTIPLE
    voxels = float(np.prod(rounded))
    nodes = min(1.0, lattice.relative_density * _NODES_PER_FILLED_VOXEL) * voxels
    memory = nodes * _BYTES_PER_NODE + voxels * _BYTES_PER_VOXEL
    if memory > memory_limit or voxels > _MOST_VOXELS:
        exceeded = f"{memory_limit / 1e9:.3g} GB" if memory > memory_limit else "2^31 voxels"
        raise LatticeGnnError(
            f"the solid reference: {voxels_per_diameter:g} voxels across the thinnest strut "
            f"(radius {smallest:.3g}) need {rounded[0]:.0f} x {rounded[1]:.0f} x "
            f"{rounded[2]:.0f} voxels, about {nodes:.2g} active nodes and {memory / 1e9:.3g} GB of "
            f"memory, over the limit of {exceeded}; use fewer voxels per diameter or "
            "thicker struts"
        )
    n1, n2, n3 = (int(n) for n in rounded)
    return n1, n2, n3
