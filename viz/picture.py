"""Content of a picture before it is drawn: geometry of unit size, titles, colours."""

from dataclasses import dataclass, replace
from math import cos, radians, sin

import numpy as np
from jaxtyping import Float

from lattice_gnn.lattice.images import cell_edges
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.wording import counted
from viz.mesh import Surface, Tubes, lattice_tubes, modulus_surface

AZIMUTH, ELEVATION = -68.0, 22.0
"""Direction of the camera from the centre of the drawing, degrees."""

STRUT_COLOUR = "#a9bdd2"
EDGE_COLOUR = "#75808c"
TEXT_COLOUR = "#1d2430"
COLOUR_MAP = "viridis"
SURFACE_SIZE = 0.83
"""Size of the modulus surface relative to the unit sphere, to leave room for the colour bar."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Both halves of a picture, each centred and scaled into the unit sphere.

    Attributes:
        name: Title of the left half.
        facts: Second line of the left half: density and counts.
        modulus_title: Title of the right half.
        modulus_range: Second line of the right half: extremal moduli and their directions.
        tubes: The lattice.
        edges: End points of the edges of the drawn block of cells.
        surface: Surface of radius proportional to E(n), with E(n)/E_s as values.
        limits: Smallest and largest E(n)/E_s, the ends of the colour bar.
    """

    name: str
    facts: str
    modulus_title: str
    modulus_range: str
    tubes: Tubes
    edges: Float[np.ndarray, "12 2 3"]
    surface: Surface
    limits: tuple[float, float]


def compose(
    lattice: Lattice, stiffness: Stiffness, tiles: tuple[int, int, int] = (1, 1, 1)
) -> Picture:
    """Compose the picture of a lattice and its stiffness.

    Args:
        lattice: The lattice.
        stiffness: Its stiffness in units of E_s, not a batch.
        tiles: Number of cells to draw along each cell vector.
    """
    tubes, edges = _unit_size(lattice_tubes(lattice, tiles), cell_edges(lattice.cell, tiles))
    surface = modulus_surface(stiffness)
    low, high, label = _modulus_range(stiffness, surface)
    cells = "" if tiles == (1, 1, 1) else f", {' × '.join(map(str, tiles))} cells drawn"
    return Picture(
        name=plain_name(lattice.name) or "unnamed lattice",
        facts=(
            f"relative density {lattice.relative_density:.4g}, "
            f"{counted(lattice.num_nodes, 'node')} and "
            f"{counted(lattice.num_struts, 'strut')} per cell{cells}"
        ),
        modulus_title="Young's modulus by direction, E(n)/E_s",
        modulus_range=label,
        tubes=tubes,
        edges=edges,
        surface=replace(surface, points=surface.points / max(surface.values.max(), 1e-300)),
        limits=(low, high),
    )


def camera_direction() -> tuple[float, float, float]:
    """Return the unit vector from the centre of the drawing to the camera."""
    azimuth, elevation = radians(AZIMUTH), radians(ELEVATION)
    return cos(elevation) * cos(azimuth), cos(elevation) * sin(azimuth), sin(elevation)


def camera_axes() -> Float[np.ndarray, "3 3"]:
    """Return the unit vectors to the right, up and towards the camera, as rows."""
    camera = np.array(camera_direction())
    right = np.cross([0.0, 0.0, 1.0], camera)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(camera, right), camera])


def direction_label(direction: Float[np.ndarray, "3"]) -> str:
    """Write a direction as small integers, ``[1 1 0]``, where they fit, else by its components."""
    direction = (direction / np.linalg.norm(direction)).round(6)
    largest = direction[np.argmax(np.abs(direction))]  # the first, where several are equal
    ratios = direction / largest
    for scale in (1, 2, 3, 4):
        whole = np.rint(ratios * scale)
        if np.allclose(ratios * scale, whole, atol=2e-3):
            return "[" + " ".join(f"{int(v)}" for v in whole) + "]"
    unit = direction * np.sign(largest)
    return "(" + ", ".join(f"{v:.2f}" for v in unit.round(2) + 0.0) + ")"


def _modulus_range(stiffness: Stiffness, surface: Surface) -> tuple[float, float, str]:
    """Return the extremal E/E_s over all directions and a line of text about them."""
    if not surface.values.any():
        return 0.0, 1.0, "not defined: the stiffness is singular, some strain has zero energy"
    extrema = stiffness.detach().extrema("E")
    low, high = float(extrema.min), float(extrema.max)
    if high - low < 1e-6 * high:
        return low * 0.95, high * 1.05, f"{high:.4g} in every direction (isotropic)"
    ends = (
        (low, extrema.min_directions.reshape(-1, 3)[0].numpy()),
        (high, extrema.max_directions.reshape(-1, 3)[0].numpy()),
    )
    texts = [f"{value:.4g} along {direction_label(n)}" for value, n in ends]
    return low, high, f"from {texts[0]} to {texts[1]}"


def _unit_size(
    tubes: Tubes, edges: Float[np.ndarray, "12 2 3"]
) -> tuple[Tubes, Float[np.ndarray, "12 2 3"]]:
    """Move the block of cells to the origin and scale everything into the unit sphere."""
    centre = edges.mean(axis=(0, 1))
    reach = np.linalg.norm(tubes.joints - centre, axis=1) + tubes.joint_radii
    size = max(float(reach.max()), float(np.linalg.norm(edges - centre, axis=-1).max()))
    scaled = Tubes(
        starts=(tubes.starts - centre) / size,
        ends=(tubes.ends - centre) / size,
        start_radii=tubes.start_radii / size,
        end_radii=tubes.end_radii / size,
        joints=(tubes.joints - centre) / size,
        joint_radii=tubes.joint_radii / size,
        sources=tubes.sources,
    )
    return scaled, (edges - centre) / size


def plain_name(name: str, longest: int = 60) -> str:
    """Return a name that neither renderer takes for mathematics, of at most so many characters."""
    short = name if len(name) <= longest else f"{name[: longest - 3]}..."
    return short.replace("\\", "/").replace("$", r"\$")
