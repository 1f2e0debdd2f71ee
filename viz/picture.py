"""Content of a picture before it is drawn: views with bodies of unit size, titles and scales."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from viz.mesh import Surface, Tubes

AZIMUTH, ELEVATION = -68.0, 22.0
"""Direction of the camera from the centre of the drawing, degrees."""

STRUT_COLOUR = "#a9bdd2"
EDGE_COLOUR = "#75808c"
TEXT_COLOUR = "#1d2430"
COLOUR_MAP = "viridis"
SIGNED_COLOUR_MAP = "RdBu_r"
SURFACE_SIZE = 0.83
"""Size of what has a scale beside it relative to the unit sphere."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a picture.

    Attributes:
        background: Behind everything.
        text: Titles, numbers, axes.
        edges: Edges of the cell.
        struts: Bodies without a scale.
        ghost: Undeformed struts behind deformed ones.
    """

    background: str = "#ffffff"
    text: str = TEXT_COLOUR
    edges: str = EDGE_COLOUR
    struts: str = STRUT_COLOUR
    ghost: str = "#c9d1da"

    def of(self, colour: str) -> str:
        """Return the colour of a part: a role of the theme, or a colour by its own name."""
        return {"struts": self.struts, "ghost": self.ghost}.get(colour, colour)


THEMES = MappingProxyType(
    {
        "light": Theme(),
        "dark": Theme("#14181f", "#e8ecf1", "#8b96a3", "#9fb4cc", "#3b4552"),
    }
)


@dataclass(frozen=True, slots=True)
class Scale:
    """A colour scale.

    Attributes:
        title: Symbol and unit of the values.
        limits: Values at the ends.
        colours: Name of a Matplotlib colour map.
    """

    title: str
    limits: tuple[float, float]
    colours: str = COLOUR_MAP

    @property
    def number_format(self) -> str:
        """Format of its numbers, in the style of C."""
        return "%.3g" if max(abs(x) for x in self.limits) < 1000 else "%.0f"

    @classmethod
    def of(cls, title: str, values: Float[np.ndarray, " values"]) -> "Scale":
        """Return a scale that spans the values: symmetric and two-coloured if they change sign."""
        low, high = float(values.min()), float(values.max())
        if low < 0 < high:
            return cls(title, (-max(high, -low), max(high, -low)), SIGNED_COLOUR_MAP)
        if high - low <= 1e-6 * max(abs(high), abs(low)):
            middle, half = (low + high) / 2, 0.05 * abs(high) or 0.5
            return cls(title, (middle - half, middle + half))
        return cls(title, (low, high))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Tubes with their joints, or a mesh, in one colour or coloured by values.

    Attributes:
        body: The geometry. The values of a mesh are its own.
        shown: Whether values are shown as colours, by the scale of the view.
        values: For tubes, one value per ring of points; None for joints alone coloured.
        joint_values: For tubes, one value per joint; None for joints in plain colour.
        colour: Where no values are shown: a name, or "struts" or "ghost" of the theme.
        opacity: 0 to 1.
        smooth: Whether neighbouring faces are shaded as one curved surface.
    """

    body: Tubes | Surface
    shown: bool = False
    values: Float[np.ndarray, "tubes rings"] | None = None
    joint_values: Float[np.ndarray, " joints"] | None = None
    colour: str = "struts"
    opacity: float = 1.0
    smooth: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One view of a picture, centred and scaled into the unit sphere.

    Attributes:
        title: First line of text.
        line: Second line of text; may hold line breaks.
        parts: What is drawn; nothing leaves the place empty.
        edges: End points of thin straight lines: edges of cells.
        scale: Colour scale; None without values.
        bar: Whether the scale is drawn beside the view.
    """

    title: str
    line: str
    parts: tuple[Part, ...]
    edges: Float[np.ndarray, "edges 2 3"]
    scale: Scale | None = None
    bar: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Views in rows, drawn by one camera.

    Attributes:
        name: Title of the window.
        views: The views, row by row.
        columns: Views per row.
        theme: Colours.
    """

    name: str
    views: tuple[View, ...]
    columns: int
    theme: Theme = THEMES["light"]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-len(self.views) // self.columns)

    def view_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of a view, pixels, in a picture of this size."""
        return size[0] // self.columns, size[1] // self.rows


EMPTY = View("", "", (), np.zeros((0, 2, 3)))
"""An empty place in a row."""


def beside(*pictures: Picture) -> Picture:
    """Set pictures of one row each beside each other."""
    views = tuple(view for picture in pictures for view in picture.views)
    return replace(pictures[0], views=views, columns=len(views))


def theme_named(name: str) -> Theme:
    """Return a theme by its name.

    Raises:
        LatticeGnnError: If there is none of this name.
    """
    if name not in THEMES:
        raise LatticeGnnError(f"theme {name!r}: expected one of {', '.join(THEMES)}.")
    return THEMES[name]


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


def plain_name(name: str, longest: int = 60) -> str:
    """Return a name that neither renderer takes for mathematics, of at most so many characters."""
    short = name if len(name) <= longest else f"{name[: longest - 3]}..."
    return short.replace("\\", "/").replace("$", r"\$")


def title_of(lattice_name: str) -> str:
    """Return the title of a lattice."""
    return plain_name(lattice_name) or "unnamed lattice"


def frame_of(
    tubes: Sequence[Tubes], edges: Float[np.ndarray, "edges 2 3"]
) -> tuple[Float[np.ndarray, "3"], float]:
    """Return centre and radius of a sphere about the edges' centre that holds everything."""
    centre = edges.mean(axis=(0, 1))
    size = float(np.linalg.norm(edges - centre, axis=-1).max())
    for part in tubes:
        reach = np.linalg.norm(part.centres - centre, axis=2) + part.radii
        size = max(size, float(reach.max(initial=0.0)))
        balls = np.linalg.norm(part.joints - centre, axis=1) + part.joint_radii
        size = max(size, float(balls.max(initial=0.0)))
    return centre, size
