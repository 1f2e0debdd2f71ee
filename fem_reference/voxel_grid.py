"""The periodic grid of voxels: which nodes and voxels take part, and who is next to whom."""

import numpy as np
from jaxtyping import Int

from fem_reference.hexahedra import CORNERS, OFFSETS

Shape = tuple[int, int, int]


class Grid:
    """Active nodes and voxels of one level; numbers are flat, the last axis runs fastest."""

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
        """Number of nodes."""
        return len(self.nodes)

    def numbers(
        self, origins: Int[np.ndarray, " count"], steps: Int[np.ndarray, "steps 3"]
    ) -> Int[np.ndarray, "count steps"]:
        """Numbers of the grid points at these steps from the origins, periodic."""
        return numbers_at(np.unravel_index(origins, self.shape), steps, self.shape)

    def places(self) -> Int[np.ndarray, " points"]:
        """For every grid point its place among the active nodes, or -1; too large to be kept."""
        places = np.full(int(np.prod(self.shape)), -1, dtype=np.int32)
        places[self.nodes] = np.arange(len(self.nodes), dtype=np.int32)
        return places

    @property
    def half_shape(self) -> Shape:
        """Shape of the grid of half the resolution."""
        n1, n2, n3 = self.shape
        return n1 // 2, n2 // 2, n3 // 2

    def coarser(self) -> "Grid":
        """Grid of half the resolution, of the voxels that hold some of these."""
        return Grid(np.unique(self.parent_voxels()), self.half_shape)

    def parent_voxels(self) -> Int[np.ndarray, " voxels"]:
        """For each voxel the number of the voxel that holds it one level up."""
        i, j, k = np.unravel_index(self.voxels, self.shape)
        return np.ravel_multi_index((i // 2, j // 2, k // 2), self.half_shape)

    def child_numbers(self) -> Int[np.ndarray, " voxels"]:
        """Which of the eight children of its parent each voxel is."""
        i, j, k = np.unravel_index(self.voxels, self.shape)
        return 4 * (i % 2) + 2 * (j % 2) + k % 2


def numbers_at(
    at: tuple[np.ndarray, ...], steps: Int[np.ndarray, "steps 3"], shape: Shape
) -> Int[np.ndarray, "count steps"]:
    """Flat numbers of the periodic grid points at steps from the points ``at``."""
    numbers = np.zeros((len(at[0]), len(steps)), dtype=np.int64)
    for axis in range(3):
        distinct, which = np.unique(steps[:, axis], return_inverse=True)
        along = (at[axis][:, None] + distinct) % shape[axis]
        numbers *= shape[axis]
        numbers += along[:, which]
    return numbers
