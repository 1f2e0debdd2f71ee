"""Named cells whose struts are the edges of space-filling polyhedra, cube edge a = 1.

Every function takes ``radius`` (strut radius over a) or ``relative_density`` (sum of pi r^2 L over
the volume), and ``nu``, Poisson's ratio of the solid, whose Young's modulus is 1. Counts are
nodes and struts of one cube; three-letter symbols are nets of the RCSR (O'Keeffe et al., Acc. Chem.
Res. 41 (2008) 1782). The uniform honeycombs are those of Grunbaum, Geombinatorics 4 (1994) 49.
"""

from math import sqrt

from lattice_gnn.cells.building import CUBE, inside_cell, neighbour_net, signed_permutations, sized
from lattice_gnn.lattice.lattice import Lattice


def kelvin(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Kelvin cell: the edges of truncated octahedra that fill space.

    12 nodes (permutations of 0 +-1/4 1/2), 24 struts of length sqrt(2)/4 a, coordination 4. Net
    sod, group m-3m. Thomson, Phil. Mag. 24 (1887) 503.
    """
    nodes = inside_cell(signed_permutations(0.0, 0.25, 0.5))
    net = neighbour_net("kelvin", CUBE, nodes, sqrt(2) / 4)
    return sized(net, radius, relative_density, nu)


def cuboctahedron(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Cuboctahedra and octahedra that fill space: octahedra that share all corners.

    3 nodes (the midpoints of the cube edges, 1/2 0 0), 12 struts of length a/sqrt(2), coordination
    8: the octahedron about the cube corner and the cuboctahedron about the cube centre have the
    same edges. Net reo, group m-3m.
    """
    nodes = ((0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5))
    net = neighbour_net("cuboctahedron", CUBE, nodes, 1 / sqrt(2))
    return sized(net, radius, relative_density, nu)


def truncated_cube(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Truncated cubes (with regular octagons) and octahedra that fill space.

    6 nodes (+-t 0 0 and permutations, t = 1 - 1/sqrt(2)), 15 struts of length (sqrt(2) - 1) a:
    12 edges of the octahedron about the cube corner and 3 along the cube edges. Coordination 5. Net
    cab, group m-3m.
    """
    nodes = inside_cell(signed_permutations(1 - 1 / sqrt(2), 0.0, 0.0))
    net = neighbour_net("truncated-cube", CUBE, nodes, sqrt(2) - 1)
    return sized(net, radius, relative_density, nu)


def rhombicuboctahedron(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Rhombicuboctahedra, cuboctahedra and cubes that fill space.

    12 nodes (1/2 +-s +-s and permutations, s = (sqrt(2) - 1)/2): rhombicuboctahedra about the cube
    centres share their axial squares. 36 struts of length (sqrt(2) - 1) a, coordination 6. Group
    m-3m.
    """
    s = (sqrt(2) - 1) / 2
    nodes = inside_cell((x + 0.5, y + 0.5, z + 0.5) for x, y, z in signed_permutations(0.5, s, s))
    net = neighbour_net("rhombicuboctahedron", CUBE, nodes, 2 * s)
    return sized(net, radius, relative_density, nu)


def truncated_cuboctahedron(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Truncated cuboctahedra, truncated octahedra and cubes that fill space.

    24 nodes (all permutations and signs of s, (1 + sqrt(2)) s, 1/2 about the cube centre, with
    s = 1/(2 + 4 sqrt(2))): truncated cuboctahedra share their octagons. 48 struts of length 2 s a,
    coordination 4. Group m-3m.
    """
    s = 1 / (2 + 4 * sqrt(2))
    corners = signed_permutations(s, (1 + sqrt(2)) * s, 0.5)
    nodes = inside_cell((x + 0.5, y + 0.5, z + 0.5) for x, y, z in corners)
    net = neighbour_net("truncated-cuboctahedron", CUBE, nodes, 2 * s)
    return sized(net, radius, relative_density, nu)


def weaire_phelan(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Weaire-Phelan foam with flat faces: 2 dodecahedra and 6 tetrakaidecahedra of equal volume.

    46 nodes in space group Pm-3n, with t = 108^(-1/3) from the volume 13.5 t^3 = a^3/8 of the
    pyritohedral dodecahedron: 16 at (t t t), 24 at (0 3t/2 3t/4), 6 at (1/4 0 1/2). 92 struts of
    four lengths, coordination 4. Net mep, group m-3m. Weaire & Phelan, Phil. Mag. Lett. 69 (1994)
    107.
    """
    t = 108 ** (-1 / 3)
    first = [(x, y, z) for x in (-t, t) for y in (-t, t) for z in (-t, t)]
    ridges = [(0.0, u, v) for u in (-1.5 * t, 1.5 * t) for v in (-0.75 * t, 0.75 * t)]
    joints = [(-0.25, 0.0, 0.5), (0.25, 0.0, 0.5)]
    first += [turned for x, y, z in ridges for turned in ((x, y, z), (y, z, x), (z, x, y))]
    second = [(x + 0.5, z + 0.5, y + 0.5) for x, y, z in first]
    shared = [turned for x, y, z in joints for turned in ((x, y, z), (y, z, x), (z, x, y))]
    nodes = inside_cell(first + second + shared)
    lengths = (
        1.5 * t,
        t * sqrt(1 + 0.25 + 0.0625),
        sqrt(3) * (0.5 - 2 * t),
        sqrt((0.5 - 1.5 * t) ** 2 + (0.25 - 0.75 * t) ** 2),
    )
    net = neighbour_net("weaire-phelan", CUBE, nodes, *lengths)
    return sized(net, radius, relative_density, nu)
