"""Triangles of a lattice for printing: the union of its struts and joints, as STL or 3MF.

The union is computed by manifold3d (extra ``print``), which guarantees an oriented closed surface;
the triangles are checked once more before they are written. Struts are prisms of
the same cross-sectional area as the true circle, joints are spheres of the same volume.
"""

import os
import struct
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from jaxtyping import Float, Int

from data.formats.threemf_elements import CORE, unit_of
from data.formats.threemf_write import packed
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import check_writable, write_whole
from lattice_gnn.lattice.images import strut_images
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sections import cross_axes

SIDES = 32
"""Sides of a strut, and segments around a joint."""
MOST_PIECES = 50_000
"""Struts and joints of one union."""
SUFFIXES = (".stl", ".3mf")
_OVERLAP = 0.1  #: length by which a bore is cut beyond the ends of its strut, over its radius

Corners = Float[np.ndarray, "corners 3"]
Triangles = Int[np.ndarray, "triangles 3"]


def printed_union(
    lattice: Lattice, tiles: tuple[int, int, int] = (1, 1, 1), *, clipped: bool = False
) -> tuple[Corners, Triangles]:
    """Return corners and triangles of the union of a block of cells.

    A strut whose middle is in a face of the block is part of it on both sides, as in pictures;
    struts are not cut at the faces unless ``clipped``.

    Args:
        lattice: The lattice.
        tiles: Number of cells along each cell vector.
        clipped: Cut the union at the faces of the block, so that it is the material of these cells.

    Raises:
        LatticeGnnError: If manifold3d is not installed, there are too many struts, or the result is
            not closed.
    """
    kernel = _kernel()
    solid = _union(kernel, lattice, tiles, periodic=clipped)
    if clipped:
        solid = solid ^ _block(kernel, lattice.cell, tiles)
    mesh = solid.to_mesh64()
    corners = np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3]
    triangles = np.asarray(mesh.tri_verts, dtype=np.int64)
    return single_precision(corners, triangles)


def check_print_path(path: str | os.PathLike[str], suffix: str = "") -> Path:
    """Refuse a file that cannot be written, before anything is computed.

    Args:
        path: The file.
        suffix: The suffix that it must have; "" for either of .stl and .3mf.

    Raises:
        LatticeGnnError: If its name ends in something else, manifold3d is not installed, or the
            folder is not writable.
    """
    path, allowed = Path(path), (suffix,) if suffix else SUFFIXES
    if path.suffix.lower() not in allowed:
        raise LatticeGnnError(
            f"{path}: got the ending {path.suffix or '(none)'!r}; choose a name that ends in "
            f"{' or '.join(allowed)}."
        )
    check_writable(path)
    if find_spec("manifold3d") is None:
        raise LatticeGnnError(_missing())
    return path


def write_print_mesh(
    path: str | os.PathLike[str], lattice: Lattice, tiles: tuple[int, int, int] = (1, 1, 1)
) -> tuple[float, int]:
    """Write the union of a block of cells as triangles, atomically.

    Args:
        path: A file that ends in .stl or .3mf.
        lattice: The lattice; lengths are written in its unit (3MF: mm if it has none of this name).
        tiles: Number of cells along each cell vector.

    Returns:
        Volume and number of triangles.

    Raises:
        LatticeGnnError: As ``check_print_path`` and ``printed_union``.
    """
    target = check_print_path(path)
    corners, triangles = printed_union(lattice, tiles)
    if target.suffix.lower() == ".stl":
        write_whole(target, stl_bytes(corners, triangles))
    else:
        write_whole(target, _threemf(corners, triangles, lattice))
    return enclosed_volume(corners, triangles), len(triangles)


def enclosed_volume(corners: Corners, triangles: Triangles) -> float:
    """Return the volume that oriented triangles enclose, by the divergence theorem."""
    a, b, c = (corners[triangles[:, k]] for k in range(3))
    return float(np.einsum("ti,ti->", a, np.cross(b, c)) / 6)


def is_watertight(triangles: Triangles) -> bool:
    """Return whether every edge is walked exactly once in each direction."""
    other = np.roll(triangles, -1, axis=1)
    count = int(triangles.max(initial=0)) + 1
    forward = np.sort((triangles * count + other).reshape(-1))
    backward = np.sort((other * count + triangles).reshape(-1))
    once = len(forward) == 0 or bool((np.diff(forward) > 0).all())
    return once and bool((triangles != other).all()) and bool(np.array_equal(forward, backward))


def single_precision(corners: Corners, triangles: Triangles) -> tuple[Corners, Triangles]:
    """Round corners to what files hold, and check that the surface is closed.

    Corners keep their numbers: where hollow struts touch along an edge, two sheets of the surface
    share its position but stay closed each.

    Raises:
        LatticeGnnError: If it is not closed.
    """
    rounded = (corners.astype(np.float32) + np.float32(0)).astype(np.float64)
    if not len(triangles) or not is_watertight(triangles):
        raise LatticeGnnError(
            "the union of the struts is not a closed surface; change their radii slightly."
        )
    return rounded, triangles


def stl_bytes(corners: Corners, triangles: Triangles) -> bytes:
    """Return a binary STL file."""
    points = corners[triangles].astype("<f4")
    normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.zeros(len(triangles), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)),
                                           ("attribute", "<u2")])  # fmt: skip
    rows["normal"] = normals / np.maximum(length, 1e-30)
    rows["corners"] = points
    header = b"lattice-gnn: union of struts and joints".ljust(80, b" ")
    return header + struct.pack("<I", len(triangles)) + rows.tobytes()


def _threemf(corners: Corners, triangles: Triangles, lattice: Lattice) -> bytes:
    """Return a 3MF package with one mesh object, moved into the positive octant."""
    unit = unit_of(lattice.units) or "millimeter"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<model unit="{unit}" xml:lang="en-US" xmlns="{CORE}"><resources>',
        f'<object id="1" type="model" name={quoteattr(lattice.name or "lattice")}><mesh>',
        "<vertices>",
    ]
    lines += [
        f'<vertex x="{x:.9g}" y="{y:.9g}" z="{z:.9g}"/>'
        for x, y, z in (corners - corners.min(axis=0)).tolist()
    ]
    lines += ["</vertices>", "<triangles>"]
    lines += [f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in triangles.tolist()]
    lines += ["</triangles>", "</mesh></object></resources>"]
    lines += ['<build><item objectid="1"/></build></model>', ""]
    return packed("\n".join(lines))


def _kernel() -> Any:
    if find_spec("manifold3d") is None:
        raise LatticeGnnError(_missing())
    import manifold3d

    return manifold3d


def _missing() -> str:
    return (
        "triangles of a lattice need the package manifold3d, which is not installed; install "
        "lattice-gnn[print]."
    )


def _union(kernel: Any, lattice: Lattice, tiles: tuple[int, int, int], *, periodic: bool) -> Any:
    """Join the struts and joints of a block; with those that reach into it if ``periodic``."""
    reach = 0.05
    if periodic:
        heights = 1 / np.linalg.norm(np.linalg.inv(lattice.cell), axis=0)
        spans = np.linalg.norm(lattice.strut_vectors, axis=1) / 2 + lattice.sections.largest_radii
        reach = float(spans.max() / heights.min())
    sources, offsets = strut_images(lattice, tiles, reach)
    if len(sources) > MOST_PIECES:
        raise LatticeGnnError(
            f"{len(sources)} struts: expected at most {MOST_PIECES} for a union; draw fewer cells."
        )
    i, j = lattice.struts[sources].T
    starts = (lattice.nodes[i] + offsets) @ lattice.cell
    vectors = lattice.strut_vectors[sources]
    sections = lattice.sections
    widen = float(np.sqrt(2 * np.pi / (SIDES * np.sin(2 * np.pi / SIDES))))  # equal areas
    radii = widen * np.column_stack([sections.radii, sections.end_radii])[sources]
    bores = sections.bores[sources]
    pieces = [
        _strut(kernel, *geometry) for geometry in zip(starts, vectors, radii, bores, strict=True)
    ]
    keys = np.concatenate([np.column_stack([i, offsets]),
                           np.column_stack([j, offsets + lattice.shifts[sources]])])  # fmt: skip
    nodes, member = np.unique(keys, axis=0, return_inverse=True)
    widest = np.zeros(len(nodes))
    solid = np.where(bores[:, None] == 0, radii, 0.0)
    np.maximum.at(widest, member.reshape(-1), solid.T.reshape(-1))
    centres = (lattice.nodes[nodes[:, 0]] + nodes[:, 1:]) @ lattice.cell
    for centre, radius in zip(centres, widest, strict=True):
        if radius > 0:
            pieces.append(kernel.Manifold.sphere(radius, SIDES).translate(centre.tolist()))
    return kernel.Manifold.batch_boolean(pieces, kernel.OpType.Add)


def _strut(
    kernel: Any,
    start: Float[np.ndarray, "3"],
    vector: Float[np.ndarray, "3"],
    radii: Float[np.ndarray, "2"],
    bore: float,
) -> Any:
    """Return one strut: a frustum, with its bore cut out."""
    length = float(np.linalg.norm(vector))
    first, last = radii.tolist()
    solid = kernel.Manifold.cylinder(length, first, last, SIDES)
    if bore > 0:
        beyond = _OVERLAP * min(first, last)
        slope = (last - first) / length
        hole = kernel.Manifold.cylinder(
            length + 2 * beyond,
            bore * (first - slope * beyond),
            bore * (last + slope * beyond),
            SIDES,
        )
        solid = solid - hole.translate([0.0, 0.0, -beyond])
    side, other = (x[0] for x in cross_axes(vector[None]))
    columns = np.column_stack([side, other, vector / length, start])
    return solid.transform(columns.tolist())


def _block(kernel: Any, cell: Float[np.ndarray, "3 3"], tiles: Sequence[int]) -> Any:
    """Return the block of cells as a solid."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * np.array(tiles) @ cell
    return kernel.Manifold.hull_points(corners.tolist())
