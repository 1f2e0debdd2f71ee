"""Geometry of lattices in pictures, in plain numpy: tubes, joints, triangle meshes.

A strut is a tube of circular section, straight or bent, tapered, solid or hollow; a joint is a
sphere as wide as the widest solid strut that ends there. This is also the solid that
``Lattice.volume_fraction`` measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.lattice.images import strut_images
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sections import cross_axes
from viz.sphere import icosphere


@dataclass(frozen=True, slots=True, eq=False)
class Tubes:
    """Struts as drawn, and the joints at their ends, in the lattice's unit of length.

    Attributes:
        centres: Points of the axes, from the first end to the second.
        radii: Outer radius at each of these points.
        bores: Bore over outer radius, 0 for solid struts.
        joints: Centres of the spheres that close the ends of solid struts, each position once.
        joint_radii: Radius of the widest solid strut that ends there.
        sources: Number of the strut of which each tube is a periodic image.
        joint_nodes: Number of the node of which each joint is a periodic image.
    """

    centres: Float[np.ndarray, "tubes rings 3"]
    radii: Float[np.ndarray, "tubes rings"]
    bores: Float[np.ndarray, " tubes"]
    joints: Float[np.ndarray, "joints 3"]
    joint_radii: Float[np.ndarray, " joints"]
    sources: Int[np.ndarray, " tubes"]
    joint_nodes: Int[np.ndarray, " joints"]

    @property
    def starts(self) -> Float[np.ndarray, "tubes 3"]:
        """Position of the axis at the first end."""
        return self.centres[:, 0]

    @property
    def ends(self) -> Float[np.ndarray, "tubes 3"]:
        """Position of the axis at the second end."""
        return self.centres[:, -1]

    def scaled(self, centre: Float[np.ndarray, "3"], size: float) -> "Tubes":
        """Return the tubes with ``centre`` moved to the origin and lengths divided by ``size``."""
        return replace(
            self,
            centres=(self.centres - centre) / size,
            radii=self.radii / size,
            joints=(self.joints - centre) / size,
            joint_radii=self.joint_radii / size,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A triangle mesh with one value per point; faces are anticlockwise from outside.

    Attributes:
        points: Corners.
        faces: Point numbers of each triangle.
        values: One per point, to be shown as colour.
        normals: Outward unit normals at the points; None to compute them from the faces.
    """

    points: Float[np.ndarray, "points 3"]
    faces: Int[np.ndarray, "faces 3"]
    values: Float[np.ndarray, " points"]
    normals: Float[np.ndarray, "points 3"] | None = None

    @property
    def volume(self) -> float:
        """Enclosed volume, by the divergence theorem."""
        a, b, c = (self.points[self.faces[:, k]] for k in range(3))
        return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def joined(parts: Sequence[Surface]) -> Surface:
    """Join meshes into one; normals are kept if all have them."""
    firsts = np.cumsum([0] + [len(part.points) for part in parts[:-1]])
    normals = [part.normals for part in parts if part.normals is not None]
    return Surface(
        points=np.concatenate([part.points for part in parts]),
        faces=np.concatenate([part.faces + k for part, k in zip(parts, firsts, strict=True)]),
        values=np.concatenate([part.values for part in parts]),
        normals=np.concatenate(normals) if len(normals) == len(parts) else None,
    )


def lattice_tubes(
    lattice: Lattice, tiles: tuple[int, int, int] = (1, 1, 1), tolerance: float = 0.05
) -> Tubes:
    """Collect every periodic image of a strut whose midpoint lies in the drawn block of cells.

    The block is closed: a strut in a face of the cell is drawn in the opposite face too, so that an
    octet shows its 36 struts and not the 24 that are stored.

    Args:
        lattice: The lattice.
        tiles: Number of cells along each cell vector.
        tolerance: Distance outside the block, in fractional coordinates, at which a midpoint may
            lie. Not zero, so that the faces of an imperfect lattice are complete on both sides.
    """
    i, j = lattice.struts.T
    sources, offsets = strut_images(lattice, tiles, tolerance)
    sections = lattice.sections
    radii = np.column_stack([sections.radii, sections.end_radii])[sources]
    bores = sections.bores[sources]
    starts = (lattice.nodes[i[sources]] + offsets) @ lattice.cell
    node_keys = np.concatenate(
        [
            np.column_stack([i[sources], offsets]),
            np.column_stack([j[sources], offsets + lattice.shifts[sources]]),
        ]
    )
    keys, member = np.unique(node_keys, axis=0, return_inverse=True)
    joint_radii = np.zeros(len(keys))
    solid = np.where(bores[:, None] == 0, radii, 0.0)  # a hollow strut adds no ball
    np.maximum.at(joint_radii, member.reshape(-1), solid.T.reshape(-1))
    keys, joint_radii = keys[joint_radii > 0], joint_radii[joint_radii > 0]
    return Tubes(
        centres=np.stack([starts, starts + lattice.strut_vectors[sources]], axis=1),
        radii=radii,
        bores=bores,
        joints=(lattice.nodes[keys[:, 0]] + keys[:, 1:]) @ lattice.cell,
        joint_radii=joint_radii,
        sources=sources,
        joint_nodes=keys[:, 0],
    )


def segment_tubes(
    segments: Float[np.ndarray, "segments 2 3"], radius: float, pieces: int = 1
) -> Tubes:
    """Turn line segments into thin straight tubes without joints, cut into equal pieces."""
    t = np.linspace(0, 1, pieces + 1)[:, None]
    count = len(segments)
    return Tubes(
        centres=segments[:, :1] + t * (segments[:, 1:] - segments[:, :1]),
        radii=np.full((count, pieces + 1), radius),
        bores=np.zeros(count),
        joints=np.zeros((0, 3)),
        joint_radii=np.zeros(0),
        sources=np.arange(count),
        joint_nodes=np.zeros(0, dtype=np.int64),
    )


def refined(tubes: Tubes, pieces: int) -> Tubes:
    """Cut every piece of a tube between two rings into equal pieces, for sorting by depth."""
    rings = tubes.radii.shape[1]
    at = np.linspace(0, rings - 1, pieces * (rings - 1) + 1)
    low = np.minimum(at.astype(np.int64), rings - 2)
    t = at - low
    radii, centres = tubes.radii, tubes.centres
    return replace(
        tubes,
        radii=radii[:, low] * (1 - t) + radii[:, low + 1] * t,
        centres=centres[:, low] * (1 - t)[:, None] + centres[:, low + 1] * t[:, None],
    )


def strut_surface(
    tubes: Tubes,
    sides: int = 24,
    values: Float[np.ndarray, "tubes rings"] | None = None,
    *,
    capped: bool = True,
) -> Surface:
    """Mesh the tubes as triangles.

    Args:
        tubes: What to mesh.
        sides: Number of flat sides of each tube.
        values: One per ring of points; outer radii if None.
        capped: Whether flat caps close the ends of solid tubes; hollow ones are always closed.
    """
    values = tubes.radii if values is None else values
    sideways = _sideways(tubes.centres)
    solid = tubes.bores == 0
    parts = [_walls(tubes, values, sideways, sides, chosen=solid, capped=capped)]
    if not solid.all():
        hollow = ~solid
        parts.append(_walls(tubes, values, sideways, sides, chosen=hollow, capped=False))
        bore = replace(tubes, radii=tubes.radii * tubes.bores[:, None])
        inside = _walls(bore, values, sideways, sides, chosen=hollow, capped=False)
        assert inside.normals is not None
        parts.append(replace(inside, faces=inside.faces[:, ::-1], normals=-inside.normals))
        parts += [_rings(tubes, values, sideways, sides, end) for end in (0, -1)]
    return joined(parts)


def _sideways(
    centres: Float[np.ndarray, "tubes rings 3"],
) -> tuple[Float[np.ndarray, "tubes rings 3"], Float[np.ndarray, "tubes rings 3"]]:
    """Return two unit vectors across the axis at every ring; a right-handed frame with it."""
    tangents = np.gradient(centres, axis=1)
    tangents /= np.linalg.norm(tangents, axis=2, keepdims=True)
    side = cross_axes(centres[:, -1] - centres[:, 0])[0][:, None]
    side = side - (side * tangents).sum(axis=2, keepdims=True) * tangents
    side /= np.linalg.norm(side, axis=2, keepdims=True)
    return side, np.cross(tangents, side)


def _rim(
    sideways: tuple[np.ndarray, np.ndarray], sides: int
) -> Float[np.ndarray, "tubes rings sides 3"]:
    """Return the unit vectors from the axis to the corners of every ring."""
    angle = np.arange(sides)[:, None] * 2 * np.pi / sides
    side, other = sideways
    return np.cos(angle) * side[:, :, None] + np.sin(angle) * other[:, :, None]


def _walls(
    tubes: Tubes,
    values: Float[np.ndarray, "tubes rings"],
    sideways: tuple[np.ndarray, np.ndarray],
    sides: int,
    *,
    chosen: np.ndarray,
    capped: bool,
) -> Surface:
    """Mesh the outer walls of the chosen tubes."""
    rim = _rim((sideways[0][chosen], sideways[1][chosen]), sides)
    radii = tubes.radii[chosen]
    points = tubes.centres[chosen][:, :, None] + radii[:, :, None, None] * rim
    rings = radii.shape[1]
    firsts = np.arange(len(radii)) * sides * rings
    return Surface(
        points=points.reshape(-1, 3),
        faces=(firsts[:, None, None] + _tube_faces(sides, rings - 1, capped)).reshape(-1, 3),
        values=np.repeat(values[chosen].reshape(-1), sides),
        normals=rim.reshape(-1, 3),
    )


def _rings(
    tubes: Tubes,
    values: Float[np.ndarray, "tubes rings"],
    sideways: tuple[np.ndarray, np.ndarray],
    sides: int,
    end: int,
) -> Surface:
    """Mesh the flat rings at one end (0 or -1) of hollow tubes."""
    hollow = tubes.bores > 0
    side, other = (x[hollow, end] for x in sideways)
    rim = _rim((side[:, None], other[:, None]), sides)[:, 0]
    outer = tubes.radii[hollow, end]
    inner = outer * tubes.bores[hollow]
    axis = np.cross(side, other)
    centres = tubes.centres[hollow, end][:, None]
    points = np.concatenate(
        [centres + outer[:, None, None] * rim, centres + inner[:, None, None] * rim], axis=1
    )
    here = np.arange(sides)
    beside = (here + 1) % sides
    faces = np.concatenate(
        [
            np.column_stack([here, beside, beside + sides]),
            np.column_stack([here, beside + sides, here + sides]),
        ]
    )
    outward = axis if end == -1 else -axis
    faces = faces if end == -1 else faces[:, ::-1]
    firsts = np.arange(len(points)) * 2 * sides
    return Surface(
        points=points.reshape(-1, 3),
        faces=(firsts[:, None, None] + faces).reshape(-1, 3),
        values=np.repeat(values[hollow, end], 2 * sides),
        normals=np.repeat(outward, 2 * sides, axis=0),
    )


def _tube_faces(sides: int, pieces: int, capped: bool) -> Int[np.ndarray, "faces 3"]:
    """Number the triangles of one tube of (pieces + 1) rings of points."""
    around = np.arange(sides)
    rings = sides * np.arange(pieces)[:, None]
    here, beside = rings + around, rings + (around + 1) % sides
    lower = np.stack([here, beside, beside + sides], axis=-1)
    upper = np.stack([here, beside + sides, here + sides], axis=-1)
    wall = np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3)])
    if not capped:
        return wall
    fan = np.column_stack([np.zeros(sides - 2, dtype=np.int64), around[2:], around[1:-1]])
    return np.concatenate([wall, fan, fan[:, ::-1] + sides * pieces])


def joint_surface(
    tubes: Tubes, level: int = 2, values: Float[np.ndarray, " joints"] | None = None
) -> Surface:
    """Mesh the joints as spheres of 20 * 4^level triangles; the values are radii if None."""
    ball, faces = icosphere(level)
    values = tubes.joint_radii if values is None else values
    points = tubes.joints[:, None] + tubes.joint_radii[:, None, None] * ball
    firsts = np.arange(len(tubes.joints)) * len(ball)
    return Surface(
        points=points.reshape(-1, 3),
        faces=(firsts[:, None, None] + faces).reshape(-1, 3),
        values=np.repeat(values, len(ball)),
        normals=np.tile(ball, (len(tubes.joints), 1)),
    )
