"""Views of a lattice: struts and joints at true size, in plain colour or coloured by a value."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lattice_gnn.lattice.images import cell_edges
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted
from viz.mesh import lattice_tubes
from viz.picture import SURFACE_SIZE, Part, Scale, View, frame_of, title_of

Tiles = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    """Values shown as the colours of struts or joints.

    Attributes:
        title: Symbol and unit, for the scale.
        line: What is shown, for the second line of text.
        struts: One value per strut; None in plain colour, unless ``radius``.
        joints: One value per node; None in plain colour.
        radius: Whether the colour is the outer radius at every point.
    """

    title: str
    line: str
    struts: Float[np.ndarray, " struts"] | None = None
    joints: Float[np.ndarray, " nodes"] | None = None
    radius: bool = False


def by_radius(lattice: Lattice) -> Colouring:
    """Colour by outer radius."""
    unit = f" ({lattice.units})" if lattice.units else ""
    return Colouring(f"radius{unit}", "coloured by outer radius", radius=True)


def lattice_view(
    lattice: Lattice, tiles: Tiles = (1, 1, 1), colouring: Colouring | None = None
) -> View:
    """Draw a block of cells at true radii, with the edges of the block.

    Args:
        lattice: The lattice.
        tiles: Number of cells along each cell vector.
        colouring: Values to show; None for plain colour.
    """
    tubes, edges = lattice_tubes(lattice, tiles), cell_edges(lattice.cell, tiles)
    centre, size = frame_of([tubes], edges)
    size = size if colouring is None else size / SURFACE_SIZE
    part, scale = Part(tubes.scaled(centre, size)), None
    if colouring is not None:
        values = tubes.radii if colouring.radius else None
        if colouring.struts is not None:
            values = np.repeat(colouring.struts[tubes.sources, None], tubes.radii.shape[1], 1)
        joints = None if colouring.joints is None else colouring.joints[tubes.joint_nodes]
        if colouring.radius:
            joints = tubes.joint_radii
        shown = [x.reshape(-1) for x in (values, joints) if x is not None]
        scale = Scale.of(colouring.title, np.concatenate(shown))
        part = Part(part.body, True, values, joints)
    return View(
        title=title_of(lattice.name),
        line=_facts(lattice, tiles, "" if colouring is None else colouring.line),
        parts=(part,),
        edges=(edges - centre) / size,
        scale=scale,
    )


def _facts(lattice: Lattice, tiles: Tiles, more: str) -> str:
    """Return density, counts and number of cells, one line each if there is more to say."""
    cells = "" if tiles == (1, 1, 1) else f", {' × '.join(map(str, tiles))} cells drawn"
    facts = (
        f"relative density {lattice.relative_density:.4g}, {counted(lattice.num_nodes, 'node')} "
        f"and {counted(lattice.num_struts, 'strut')} per cell{cells}"
    )
    return f"{facts}\n{more}" if more else facts
