"""Views of a lattice: struts and joints at true size, in plain colour or coloured by a value."""

from dataclasses import replace

import numpy as np

from lattice_gnn.lattice.images import cell_edges
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted
from viz.colouring import JOINT_SIZE, Colouring
from viz.mesh import Tubes, lattice_tubes
from viz.picture import SURFACE_SIZE, Part, Scale, View, frame_of, title_of

Tiles = tuple[int, int, int]
ONE: Tiles = (1, 1, 1)


def lattice_view(lattice: Lattice, tiles: Tiles = ONE, colouring: Colouring | None = None) -> View:
    """Draw a block of cells at true radii, with the edges of the block.

    Args:
        lattice: The lattice.
        tiles: Number of cells along each cell vector.
        colouring: Values to show; None for plain colour.
    """
    tubes, edges = lattice_tubes(lattice, tiles), cell_edges(lattice.cell, tiles)
    centre, size = frame_of([tubes], edges)
    size = size if colouring is None else size / SURFACE_SIZE
    part, scale = coloured_part(tubes, tubes.scaled(centre, size), colouring)
    return View(
        title=title_of(lattice.name),
        line=facts(lattice, tiles, "" if colouring is None else colouring.line),
        parts=(part,),
        edges=(edges - centre) / size,
        scale=scale,
    )


def coloured_part(
    tubes: Tubes, drawn: Tubes, colouring: Colouring | None
) -> tuple[Part, Scale | None]:
    """Colour tubes by the values of their struts and nodes.

    Args:
        tubes: The tubes in the lattice's unit of length.
        drawn: The same as drawn.
        colouring: Values to show; None for plain colour.
    """
    if colouring is None:
        return Part(drawn), None
    values = tubes.radii if colouring.radius else None
    if colouring.struts is not None:
        values = np.repeat(colouring.struts[tubes.sources, None], tubes.radii.shape[1], 1)
    joints = None if colouring.joints is None else colouring.joints[tubes.joint_nodes]
    if colouring.radius:
        joints = tubes.joint_radii
    if values is None:
        drawn = replace(drawn, joint_radii=JOINT_SIZE * drawn.joint_radii)
    shown = [x.reshape(-1) for x in (values, joints) if x is not None]
    return Part(drawn, True, values, joints), Scale.of(colouring.title, np.concatenate(shown))


def facts(lattice: Lattice, tiles: Tiles, more: str) -> str:
    """Return density, counts and number of cells, one line each if there is more to say."""
    cells = "" if tiles == ONE else f", {' × '.join(map(str, tiles))} cells drawn"
    found = (
        f"relative density {lattice.relative_density:.4g}, {counted(lattice.num_nodes, 'node')} "
        f"and {counted(lattice.num_struts, 'strut')} per cell{cells}"
    )
    return f"{found}\n{more}" if more else found
