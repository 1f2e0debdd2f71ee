"""Views of a deformed lattice: struts bent as the beams of the frame, the undeformed one behind.

Displacements are those of linear theory, multiplied by a stated factor. Between its ends a strut is
drawn as a cubic with the displacements and rotations of the ends, which is exact for Euler-
Bernoulli beams of constant section.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.beam.solution import BeamFields
from fem_reference.beam.strut_fields import StrutFields, strain_tensor, strut_fields
from lattice_gnn.lattice.images import cell_edges
from lattice_gnn.lattice.lattice import Lattice
from viz.cases import Case
from viz.colouring import Colouring, by_radius, of_strain
from viz.lattice_view import ONE, Tiles, coloured_part
from viz.mesh import Tubes, lattice_tubes
from viz.picture import SURFACE_SIZE, THEMES, Part, Picture, Scale, Theme, View, frame_of, title_of

PIECES = 12  #: straight pieces of a bent strut
_DRAWN_STRAIN = 0.15  #: largest principal strain as drawn, unless a factor is given
_GHOST = 0.35  #: radius of undeformed struts over the true one

Frame = tuple[Float[np.ndarray, "3"], float]


def exaggeration(strain: Float[np.ndarray, " 6"]) -> float:
    """Return a round factor that draws the strain at about 15 %."""
    largest = float(np.abs(np.linalg.eigvalsh(strain_tensor(strain))).max())
    wanted = _DRAWN_STRAIN / max(largest, 1e-12)
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(power * max(x for x in (1, 1.5, 2, 3, 5) if x * power <= wanted * (1 + 1e-9)))


def deformed_tubes(lattice: Lattice, tubes: Tubes, fields: StrutFields, factor: float) -> Tubes:
    """Bend the tubes of a lattice.

    Args:
        lattice: The lattice.
        tubes: Its straight tubes, of ``lattice_tubes``.
        fields: Displacements and rotations of the ends of its struts.
        factor: By which displacements are multiplied.
    """
    i = lattice.struts[tubes.sources, 0]
    carried = (tubes.starts - lattice.positions[i]) @ fields.strain
    ends = fields.displacements[tubes.sources] + carried[:, None]
    turns = fields.rotations[tubes.sources]
    vectors = tubes.ends - tubes.starts
    length = np.linalg.norm(vectors, axis=1)[:, None]
    t = (vectors / length)[:, None]
    s = np.linspace(0, 1, PIECES + 1)[:, None]
    straight = ends[:, :1] * (1 - s) + ends[:, 1:] * s
    slopes = np.cross(turns, t) * length[:, None]
    cubic = (
        ends[:, :1] * (1 - s) ** 2 * (1 + 2 * s)
        + ends[:, 1:] * s**2 * (3 - 2 * s)
        + slopes[:, :1] * s * (1 - s) ** 2
        - slopes[:, 1:] * s**2 * (1 - s)
    )
    along = t * (t * (straight - cubic)).sum(axis=2, keepdims=True)
    motion = cubic + along
    joints = fields.node_displacements[tubes.joint_nodes]
    joints = joints + (tubes.joints - lattice.positions[tubes.joint_nodes]) @ fields.strain
    mean = motion.mean(axis=(0, 1))  # translations are free
    first, last = tubes.radii[:, :1], tubes.radii[:, -1:]
    return replace(
        tubes,
        centres=tubes.starts[:, None] + s * vectors[:, None] + factor * (motion - mean),
        radii=first + s[:, 0] * (last - first),
        joints=tubes.joints + factor * (joints - mean),
    )


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a deformation is drawn.

    Attributes:
        colour: Values shown: "energy", "axial", "bending", "radius" or "none".
        factor: By which displacements are multiplied; None for a strain of about 15 %.
        tiles: Number of cells along each cell vector.
        theme: Colours.
    """

    colour: str = "energy"
    factor: float | None = None
    tiles: Tiles = ONE
    theme: Theme = THEMES["light"]

    def factor_of(self, case: Case) -> float:
        """Return the factor for one strain."""
        return exaggeration(case.strain) if self.factor is None else self.factor


def deformation_picture(
    lattice: Lattice,
    cases: Sequence[Case],
    drawing: Drawing | None = None,
    fields: BeamFields | None = None,
) -> Picture:
    """Draw a lattice under several macroscopic strains, to one scale of size and colour.

    Args:
        lattice: The lattice.
        cases: The strains.
        drawing: How it is drawn; None for the defaults of ``Drawing``.
        fields: Fields of the lattice by beam FEM; None to solve it.
    """
    drawing = drawing or Drawing()
    found = beam_fields(lattice) if fields is None else fields
    solved = [strut_fields(lattice, found, case.strain) for case in cases]
    factors = [drawing.factor_of(case) for case in cases]
    return assemble(lattice, cases, solved, factors, drawing)


def beam_fields(lattice: Lattice) -> BeamFields:
    """Solve a lattice by beam FEM, with its fields under the six unit strains."""
    fields = homogenise_beam(lattice, fields=True).fields
    assert fields is not None
    return fields


def assemble(
    lattice: Lattice,
    cases: Sequence[Case],
    solved: Sequence[StrutFields],
    factors: Sequence[float],
    drawing: Drawing,
    frame: Frame | None = None,
) -> Picture:
    """Draw solved cases; ``frame`` fixes centre and size, for animations."""
    tiles = drawing.tiles
    straight = lattice_tubes(lattice, tiles)
    bent = [deformed_tubes(lattice, straight, x, f) for x, f in zip(solved, factors, strict=True)]
    edges = cell_edges(lattice.cell, tiles)
    centre, size = frame or common_frame(lattice, bent, tiles)
    colourings = [_colouring(drawing.colour, lattice, x) for x in solved]
    views = []
    for case, tubes, factor, colouring in zip(cases, bent, factors, colourings, strict=True):
        part, _ = coloured_part(tubes, tubes.scaled(centre, size), colouring)
        line = f"beam FEM, displacements × {factor:.3g}"
        line += f"\n{colouring.line}" if colouring is not None else ""
        parts = (part, _ghost(straight, centre, size))
        views.append(View(case.title, line, parts, (edges - centre) / size))
    scale = _common_scale(colourings[0], [view.parts[0] for view in views])
    views = [replace(view, scale=scale, bar=False) for view in views]
    columns = len(views) if len(views) <= 3 else -(-len(views) // 2)
    for number in range(columns - 1, len(views), columns):
        views[number] = replace(views[number], bar=scale is not None)
    return Picture(title_of(lattice.name), tuple(views), columns, drawing.theme)


def _colouring(colour: str, lattice: Lattice, fields: StrutFields) -> Colouring | None:
    if colour == "radius":
        return by_radius(lattice)
    return None if colour == "none" else of_strain(colour, lattice, fields)


def common_frame(lattice: Lattice, bent: Sequence[Tubes], tiles: Tiles) -> Frame:
    """Return centre and size that hold all states of a lattice."""
    centre, size = frame_of(bent, cell_edges(lattice.cell, tiles))
    return centre, size / SURFACE_SIZE


def _ghost(tubes: Tubes, centre: Float[np.ndarray, "3"], size: float) -> Part:
    """Draw undeformed struts as thin tubes in a faint colour."""
    thin = replace(tubes, radii=_GHOST * tubes.radii, joint_radii=_GHOST * tubes.joint_radii)
    return Part(thin.scaled(centre, size), colour="ghost")


def _common_scale(colouring: Colouring | None, parts: Sequence[Part]) -> Scale | None:
    """Return a scale that spans the values of all views."""
    shown = [x.ravel() for part in parts for x in (part.values, part.joint_values) if x is not None]
    if colouring is None or not shown:
        return None
    return Scale.of(colouring.title, np.concatenate(shown))
