"""Periodic images for pictures: struts of a block of cells, and the edges of the block."""

from itertools import product

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.lattice.lattice import Lattice


def strut_images(
    lattice: Lattice, tiles: tuple[int, int, int] = (1, 1, 1), tolerance: float = 0.05
) -> tuple[Int[np.ndarray, " images"], Int[np.ndarray, "images 3"]]:
    """List the strut images with midpoint in a block of cells: strut numbers, cell offsets.

    The block is closed: a strut in a face of the cell is listed in the opposite face too, so that
    an octet shows 36 struts rather than the 24 that are stored.

    Args:
        lattice: The lattice.
        tiles: Number of cells along each cell vector.
        tolerance: Largest distance of a midpoint outside the block, in fractional coordinates.
            Non-zero, so that the faces of an imperfect lattice are complete on both sides.
    """
    i, j = lattice.struts.T
    middle = (lattice.nodes[i] + lattice.nodes[j] + lattice.shifts) / 2
    lowest = np.ceil(-middle - tolerance).astype(np.int64)
    highest = np.floor(np.asarray(tiles) - middle + tolerance).astype(np.int64)
    sources: list[int] = []
    offsets: list[tuple[int, ...]] = []
    for strut, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        box = list(product(*(range(a, b + 1) for a, b in zip(low, high, strict=True))))
        sources += [strut] * len(box)
        offsets += box
    return np.array(sources, dtype=np.int64), np.array(offsets, dtype=np.int64).reshape(-1, 3)


def cell_edges(
    cell: Float[np.ndarray, "3 3"], tiles: tuple[int, int, int] = (1, 1, 1)
) -> Float[np.ndarray, "12 2 3"]:
    """Return the end points of the twelve edges of a block of cells."""
    corners = np.array(list(product((0, 1), repeat=3)))
    pairs = [
        (a, b)
        for a in range(8)
        for b in range(a + 1, 8)
        if np.abs(corners[a] - corners[b]).sum() == 1
    ]
    return (corners * np.asarray(tiles))[np.array(pairs)] @ cell
