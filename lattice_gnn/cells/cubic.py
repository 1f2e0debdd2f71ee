"""Named cells on the classical cubic lattices, cube edge a = 1.

Every function takes ``radius`` (strut radius over a) or ``relative_density`` (sum of pi r^2 L over
the volume), and ``nu``, Poisson's ratio of the solid, whose Young's modulus is 1. Counts are
nodes and struts of one cube; three-letter symbols are nets of the RCSR (O'Keeffe et al., Acc. Chem.
Res. 41 (2008) 1782).
"""

from math import sqrt

from lattice_gnn.cells.building import CUBE, face_centred, joined, neighbour_net, segment_net, sized
from lattice_gnn.lattice.lattice import Lattice

_FACE_CENTRES = ((0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
_CORNERS = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
_Z_EDGE = (((0, 0, 0), (0, 0, 1)),)


def simple_cubic(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Simple cubic: struts along the cube edges.

    1 node (0 0 0), 3 struts of length a to its own images, coordination 6. Net pcu, group m-3m.
    """
    net = neighbour_net("sc", CUBE, [(0, 0, 0)], 1.0)
    return sized(net, radius, relative_density, nu)


def bcc(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Body-centred cubic: struts from the cube centre to the 8 corners.

    2 nodes (0 0 0; 1/2 1/2 1/2), 8 struts of length sqrt(3)/2 a, coordination 8. Net bcu, group
    m-3m.
    """
    net = neighbour_net("bcc", CUBE, [(0, 0, 0), (0.5, 0.5, 0.5)], sqrt(3) / 2)
    return sized(net, radius, relative_density, nu)


def fcc(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Face-centred cubic: both diagonals of every cube face, joined where they cross.

    4 nodes (corner and the 3 face centres), 12 struts of length a/sqrt(2); the corner has
    coordination 12, a face centre 4. Group m-3m. Face diagonals without a node at the face centre,
    as some tools draw them, are another, softer structure. Joining face centres gives the octet.
    """
    segments = [
        (centre, corner)
        for centre in _FACE_CENTRES
        for corner in _CORNERS
        if abs(sum((x - y) ** 2 for x, y in zip(centre, corner, strict=True)) - 0.5) < 1e-9
    ]
    net = segment_net("fcc", CUBE, segments)
    return sized(net, radius, relative_density, nu)


def bccz(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """BCC with struts along the cube edges parallel to z.

    2 nodes, 8 + 1 struts; the corner has coordination 10, the centre 8. Group 4/mmm. Leary et al.,
    Materials & Design 98 (2016) 344.
    """
    net = joined("bccz", bcc(radius=0.01), segment_net("z", CUBE, _Z_EDGE))
    return sized(net, radius, relative_density, nu)


def fccz(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """FCC, all faces with crossings joined, with struts along the cube edges parallel to z.

    4 nodes, 12 + 1 struts; the corner has coordination 14, a face centre 4. Group 4/mmm. Some
    authors (Leary et al., Materials & Design 98 (2016) 344) leave out the diagonals of the
    horizontal faces.
    """
    net = joined("fccz", fcc(radius=0.01), segment_net("z", CUBE, _Z_EDGE))
    return sized(net, radius, relative_density, nu)


def octet(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Octet truss: every point of a face-centred cubic lattice joined to its 12 nearest neighbours.

    4 nodes, 24 struts of length a/sqrt(2), coordination 12. Net fcu, group m-3m. Deshpande, Fleck &
    Ashby, J. Mech. Phys. Solids 49 (2001) 1747.
    """
    net = neighbour_net("octet", CUBE, face_centred((0, 0, 0)), 1 / sqrt(2))
    return sized(net, radius, relative_density, nu)


def diamond(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Diamond: the bonds of the diamond crystal.

    8 nodes (fcc points, and the same displaced by 1/4 1/4 1/4), 16 struts of length sqrt(3)/4 a,
    coordination 4. Net dia, group m-3m.
    """
    nodes = face_centred((0, 0, 0)) + face_centred((0.25, 0.25, 0.25))
    net = neighbour_net("diamond", CUBE, nodes, sqrt(3) / 4)
    return sized(net, radius, relative_density, nu)


def fluorite(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Fluorite: fcc points joined to the centres of all tetrahedra around them.

    12 nodes (4 fcc points of coordination 8; 8 tetrahedron centres of coordination 4), 32 struts of
    length sqrt(3)/4 a: two diamond nets that share their fcc points. Net flu, group m-3m. These are
    also the edges of the space-filling rhombic dodecahedra.
    """
    nodes = face_centred((0, 0, 0))
    nodes += face_centred((0.25, 0.25, 0.25)) + face_centred((0.75, 0.75, 0.75))
    net = neighbour_net("fluorite", CUBE, nodes, sqrt(3) / 4)
    return sized(net, radius, relative_density, nu)


def isotruss(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Isotruss as additive-manufacturing tools draw it: simple cubic, BCC, and face centres.

    5 nodes: corner (coordination 14), cube centre (14) and 3 face centres (2), which merely split
    the struts from cube centre to cube centre. 17 struts: 3 cube edges, 8 half body diagonals, 6
    from the cube centre to the face centres. ``simplified()`` leaves 2 nodes and 14 struts: two
    simple cubic nets joined along <111>, hence nearly isotropic. Group m-3m.
    """
    centre = (0.5, 0.5, 0.5)
    edges = [((0, 0, 0), axis) for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    diagonals = [(centre, corner) for corner in _CORNERS]
    faces = [(centre, tuple(1 - x if x == 0 else x for x in face)) for face in _FACE_CENTRES]
    net = segment_net(
        "isotruss", CUBE, edges + diagonals + faces + [(centre, face) for face in _FACE_CENTRES]
    )
    return sized(net, radius, relative_density, nu)


def gyroid(
    radius: float | None = None, relative_density: float | None = None, nu: float = 0.3
) -> Lattice:
    """Gyroid net: the graph of one labyrinth of the gyroid surface, chiral.

    8 nodes (1/8 1/8 1/8; 3/8 7/8 5/8; 7/8 5/8 3/8; 5/8 3/8 7/8 and these displaced by 1/2 1/2 1/2),
    12 struts of length a/sqrt(8), planar joints of coordination 3 at 120 degrees. Net srs, group
    432 without mirrors or inversion; its enantiomorph is its image under inversion.
    """
    first = ((1, 1, 1), (3, 7, 5), (7, 5, 3), (5, 3, 7))
    nodes = [tuple(x / 8 for x in point) for point in first]
    nodes += [tuple((x / 8 + 0.5) % 1 for x in point) for point in first]
    net = neighbour_net("gyroid", CUBE, nodes, 1 / sqrt(8))
    return sized(net, radius, relative_density, nu)
