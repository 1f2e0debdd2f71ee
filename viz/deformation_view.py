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
from fem_reference.beam.solution import BeamSolution
from fem_reference.beam.strut_fields import StrutFields, strain_tensor, strut_fields
from lattice_gnn.lattice.images import cell_edges
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.notation import COMPONENTS
from viz.colouring import Colouring, by_axial_force, by_bending_share, by_energy
from viz.lattice_view import ONE, Tiles, coloured_part
from viz.mesh import Tubes, lattice_tubes
from viz.picture import SURFACE_SIZE, THEMES, Part, Picture, Scale, Theme, View, frame_of, title_of

PIECES = 12  #: straight pieces of a bent strut
_DRAWN_STRAIN = 0.15  #: largest principal strain as drawn, unless a factor is given
_GHOST = 0.35  #: radius of undeformed struts over the true one

Frame = tuple[Float[np.ndarray, "3"], float]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A macroscopic strain with its name.

    Attributes:
        title: What is applied.
        strain: Mandel, order 11 22 33 23 13 12.
    """

    title: str
    strain: Float[np.ndarray, " 6"]


def unit_cases() -> tuple[Case, ...]:
    """Return the six unit strains; unit shears have two components of 1/sqrt 2."""
    kinds = ["unit strain"] * 3 + ["unit shear"] * 3
    rows = zip(kinds, COMPONENTS, np.eye(6), strict=True)
    return tuple(Case(f"{kind} {name}", row) for kind, name, row in rows)


def mode_cases(solution: BeamSolution) -> tuple[Case, ...]:
    """Return the eigen-strains of the stiffness, softest first, with their eigen-stiffnesses."""
    C = solution.stiffness[0].numpy()
    values, modes = np.linalg.eigh((C + C.T) / 2)
    found = []
    for k, (value, mode) in enumerate(zip(values, modes.T, strict=True)):
        sign = np.sign(mode[np.argmax(np.abs(mode))])
        found.append(Case(f"mode {k + 1}: eigen-stiffness {value:.4g} E_s", sign * mode))
    return tuple(found)


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


def coloured(name: str, lattice: Lattice, fields: StrutFields) -> Colouring | None:
    """Return the colouring "energy", "axial" or "bending" under one strain; None for others."""
    if name == "energy":
        return by_energy(fields)
    if name == "axial":
        return by_axial_force(lattice, fields)
    return by_bending_share(fields) if name == "bending" else None


def deformation_picture(
    lattice: Lattice,
    cases: Sequence[Case],
    colour: str = "energy",
    *,
    factor: float | None = None,
    tiles: Tiles = ONE,
    theme: Theme = THEMES["light"],
) -> Picture:
    """Draw a lattice under several macroscopic strains, to one scale of size and colour.

    Args:
        lattice: The lattice; solved by beam FEM.
        cases: The strains.
        colour: Values shown: "energy", "axial", "bending" or "none".
        factor: By which displacements are multiplied; None for a strain of about 15 %.
        tiles: Number of cells along each cell vector.
        theme: Colours.
    """
    solution = homogenise_beam(lattice, fields=True)
    assert solution.fields is not None
    solved = [strut_fields(lattice, solution.fields, case.strain) for case in cases]
    factors = [exaggeration(case.strain) if factor is None else factor for case in cases]
    return assemble(lattice, cases, solved, factors, colour=colour, tiles=tiles, theme=theme)


def assemble(
    lattice: Lattice,
    cases: Sequence[Case],
    solved: Sequence[StrutFields],
    factors: Sequence[float],
    *,
    colour: str,
    tiles: Tiles,
    frame: Frame | None = None,
    theme: Theme = THEMES["light"],
) -> Picture:
    """Draw solved cases; ``frame`` fixes centre and size, for animations."""
    straight = lattice_tubes(lattice, tiles)
    bent = [deformed_tubes(lattice, straight, x, f) for x, f in zip(solved, factors, strict=True)]
    edges = cell_edges(lattice.cell, tiles)
    centre, size = frame or common_frame(lattice, bent, tiles)
    colourings = [coloured(colour, lattice, x) for x in solved]
    views = []
    for case, tubes, factor, colouring in zip(cases, bent, factors, colourings, strict=True):
        part, _ = coloured_part(tubes, tubes.scaled(centre, size), colouring)
        line = f"displacements × {factor:.3g}"
        line += f"\n{colouring.line}" if colouring is not None else ""
        parts = (part, _ghost(straight, centre, size))
        views.append(View(case.title, line, parts, (edges - centre) / size))
    scale = _common_scale(colourings)
    views = [replace(view, scale=scale, bar=False) for view in views]
    columns = len(views) if len(views) <= 3 else -(-len(views) // 2)
    for number in range(columns - 1, len(views), columns):
        views[number] = replace(views[number], bar=scale is not None)
    return Picture(title_of(lattice.name), tuple(views), columns, theme)


def common_frame(lattice: Lattice, bent: Sequence[Tubes], tiles: Tiles) -> Frame:
    """Return centre and size that hold all states of a lattice."""
    centre, size = frame_of(bent, cell_edges(lattice.cell, tiles))
    return centre, size / SURFACE_SIZE


def _ghost(tubes: Tubes, centre: Float[np.ndarray, "3"], size: float) -> Part:
    """Draw undeformed struts as thin tubes in a faint colour."""
    thin = replace(tubes, radii=_GHOST * tubes.radii, joint_radii=_GHOST * tubes.joint_radii)
    return Part(thin.scaled(centre, size), colour="ghost")


def _common_scale(colourings: Sequence[Colouring | None]) -> Scale | None:
    values = [x.struts for x in colourings if x is not None and x.struts is not None]
    titles = [x.title for x in colourings if x is not None]
    return Scale.of(titles[0], np.concatenate(values)) if values else None
