"""The same pictures by matplotlib, for machines without an OpenGL library.

Matplotlib has no depth buffer: it paints triangles from far to near. Struts are therefore cut into
short pieces, and in a file back faces are left out. Shading is done here, because that of
matplotlib lacks highlights; a file is drawn at twice its size and averaged, for smooth edges.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imsave
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from lattice_gnn.errors import LatticeGnnError
from viz.mesh import Surface, Tubes, joint_surface, refined, segment_tubes, strut_surface
from viz.picture import (
    AZIMUTH,
    ELEVATION,
    Part,
    Picture,
    Scale,
    Theme,
    View,
    camera_axes,
)

_DPI = 100  # font sizes are chosen for this resolution
_WITHOUT_WINDOWS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
"""Backends of Matplotlib that only write files."""
_MOST_PIECES = 2000  #: pieces of all struts of a part together

Colours = Float[np.ndarray, "faces 4"]


def draw(picture: Picture, path: Path | None, size: tuple[int, int]) -> None:
    """Draw the picture into a PNG file, or show it in a window when ``path`` is None."""
    if path is not None:
        imsave(path, pixels(picture, size), format="png", dpi=_DPI)
        return
    from matplotlib import pyplot

    if pyplot.get_backend().lower() in _WITHOUT_WINDOWS:
        raise LatticeGnnError(
            "matplotlib has no toolkit to open a window with: install one (on Debian and Ubuntu: "
            "apt install python3-tk) or give the name of a PNG file to write instead"
        )
    window = pyplot.figure(picture.name, figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI)
    fill_figure(window, picture, culled=False)
    pyplot.show()


def pixels(picture: Picture, size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """Draw the picture into an array."""
    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=2 * _DPI)
    canvas = FigureCanvasAgg(figure)
    fill_figure(figure, picture, culled=True)
    canvas.draw()
    fine = np.asarray(canvas.buffer_rgba(), dtype=np.float64)[..., :3]
    mean = fine.reshape(size[1], 2, size[0], 2, 3).mean(axis=(1, 3))
    return mean.round().astype(np.uint8)


def fill_figure(figure: Figure, picture: Picture, *, culled: bool) -> None:
    """Draw all views into an empty figure.

    Args:
        figure: The figure.
        picture: What to draw.
        culled: Whether to leave out back faces; not if the user can turn the view.
    """
    figure.set_facecolor(picture.theme.background)
    for number, view in enumerate(picture.views):
        if not view.parts:
            continue
        row, column = divmod(number, picture.columns)
        box = (
            column / picture.columns,
            1 - (row + 1) / picture.rows,
            1 / picture.columns,
            1 / picture.rows,
        )
        _fill_view(figure, view, box, picture.theme, culled=culled)


def _fill_view(
    figure: Figure,
    view: View,
    box: tuple[float, float, float, float],
    theme: Theme,
    *,
    culled: bool,
) -> None:
    left, bottom, width, height = box
    inches = (figure.get_figwidth() * width, figure.get_figheight() * height)
    scale = min(inches) / 8
    axes = _add_axes(figure, (left, bottom - 0.04 * height, width, height))
    meshes, colours = [], []
    for part in view.parts:
        for mesh, rgba in _coloured(part, view.scale, theme):
            meshes.append(mesh)
            colours.append(rgba)
    if len(view.edges):
        frame = strut_surface(segment_tubes(view.edges, 0.0015, 24), 6, capped=False)
        meshes.append(frame)
        colours.append(_plain(theme.edges, len(frame.faces)))
    _add_mesh(axes, meshes, np.concatenate(colours), culled=culled)
    start, top = left + 0.03 * width, bottom + height
    side = min(inches) / inches[1] * height
    style: dict[str, Any] = {"color": theme.text, "va": "bottom"}
    rows = [(view.title, 0.06, 20 * scale)]
    rows += [(x, 0.1 + 0.036 * k, 12.5 * scale) for k, x in enumerate(view.line.split("\n"))]
    for text, drop, font_size in rows:
        written = figure.text(start, top - drop * side, text, fontsize=font_size, **style)
        share = written.get_window_extent().width / (figure.bbox.width * width)
        written.set_fontsize(font_size * min(1.0, 0.94 / max(share, 1e-9)))
    if view.scale is not None and view.bar:
        _add_bar(figure, view.scale, box, scale, theme)
    _add_axes_marker(figure, (left + 0.02 * width, bottom + 0.02 * height, 0.18 * side), theme)


def _coloured(part: Part, scale: Scale | None, theme: Theme) -> list[tuple[Surface, Colours]]:
    """Return the meshes of a part with the colours of their faces."""
    if isinstance(part.body, Surface):
        meshes = [(part.body, part.shown)]
    else:
        meshes = _tube_meshes(part, part.body)
    found = []
    for mesh, shown in meshes:
        if shown and scale is not None:
            share = Normalize(*scale.limits)(mesh.values[mesh.faces].mean(axis=1))
            rgba = np.array(colormaps[scale.colours](np.asarray(share)), dtype=np.float64)
        else:
            rgba = _plain(theme.of(part.colour), len(mesh.faces))
        rgba[:, 3] = part.opacity
        found.append((mesh, rgba))
    return found


def _tube_meshes(part: Part, tubes: Tubes) -> list[tuple[Surface, bool]]:
    """Mesh tubes cut into short pieces, and their joints."""
    pieces = _pieces(tubes)
    fine, values = refined(tubes, pieces), part.values
    if values is not None:
        values = refined(replace(tubes, radii=values), pieces).radii
    sides = 32 if len(tubes.radii) < 200 else 12
    meshes = [(strut_surface(fine, sides, values, capped=False), values is not None)]
    if len(tubes.joints):
        level = 2 if len(tubes.joints) < 400 else 1
        balls = joint_surface(tubes, level, part.joint_values)
        meshes.append((balls, part.joint_values is not None))
    return [(mesh, shown and part.shown) for mesh, shown in meshes]


def _pieces(tubes: Tubes) -> int:
    """Choose the pieces per ring: as long as wide, longer if there are many struts."""
    rings = tubes.radii.shape[1] - 1
    lengths = np.linalg.norm(tubes.ends - tubes.starts, axis=1) / rings
    wanted = float(np.median(lengths / (2 * tubes.radii.mean(axis=1))))
    return int(np.clip(min(wanted, _MOST_PIECES / (len(lengths) * rings)), 1, 24))


def _plain(colour: str, count: int) -> Colours:
    return np.tile([*to_rgb(colour), 1.0], (count, 1))


def _add_axes(figure: Figure, box: tuple[float, float, float, float]) -> Axes3D:
    """Add an empty 3-D view."""
    axes: Any = figure.add_axes(box, projection="3d")
    axes.set_proj_type("ortho")
    axes.view_init(elev=ELEVATION, azim=AZIMUTH)
    axes.set_axis_off()
    axes.patch.set_visible(False)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    axes.set_box_aspect((1, 1, 1), zoom=1.42)
    return axes


def _add_mesh(axes: Axes3D, meshes: list[Surface], colours: Colours, *, culled: bool) -> None:
    """Add shaded triangles of all meshes together, so that they are sorted by depth."""
    corners = np.concatenate([mesh.points[mesh.faces] for mesh in meshes])
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(length, 1e-300)
    shaded = np.column_stack([_shade(colours[:, :3], normals), colours[:, 3]])
    if culled:
        front = normals @ camera_axes()[2] > -0.02
        corners, shaded = corners[front], shaded[front]
    axes.add_collection3d(
        Poly3DCollection(corners, facecolors=shaded, edgecolors="none", antialiased=False)
    )


def _shade(
    colours: Float[np.ndarray, "faces 3"],
    normals: Float[np.ndarray, "faces 3"],
) -> Float[np.ndarray, "faces 3"]:
    """Shade faces by the Blinn-Phong model: a main light at the camera's upper left, a weak one."""
    right, up, camera = camera_axes()
    bright = np.full(len(normals), 0.42)
    gloss = np.zeros(len(normals))
    for lamp, power in ((camera - 0.5 * right + 0.8 * up, 0.55), (camera + right - 0.3 * up, 0.18)):
        lamp = lamp / np.linalg.norm(lamp)
        half = (lamp + camera) / np.linalg.norm(lamp + camera)
        bright += power * np.clip(normals @ lamp, 0, None)
        gloss += 0.35 * power * np.clip(normals @ half, 0, None) ** 25
    return np.clip(colours * bright[:, None] + gloss[:, None], 0, 1)


def _add_bar(
    figure: Figure,
    scale: Scale,
    box: tuple[float, float, float, float],
    letters: float,
    theme: Theme,
) -> None:
    """Draw the colour scale at the right edge of a view."""
    left, bottom, width, height = box
    place = (left + 0.87 * width, bottom + 0.2 * height, 0.018 * width, 0.5 * height)
    norm = Normalize(*scale.limits)
    bar = figure.colorbar(ScalarMappable(norm, scale.colours), cax=figure.add_axes(place))
    ticks = np.linspace(*scale.limits, 5)
    bar.set_ticks(ticks.tolist(), labels=[scale.number_format % value for value in ticks])
    bar.ax.set_title(scale.title, fontsize=13 * letters, color=theme.text, pad=12 * letters)
    bar.ax.tick_params(labelsize=11 * letters, labelcolor=theme.text, length=0)
    bar.outline.set_visible(False)


def _add_axes_marker(figure: Figure, place: tuple[float, float, float], theme: Theme) -> None:
    """Draw the three axes as arrows; ``place`` is left, bottom and height, shares of the figure."""
    left, bottom, height = place
    width = height * figure.get_figheight() / figure.get_figwidth()
    letters = height * figure.get_figheight() / 1.44
    marker: Any = figure.add_axes((left, bottom, width, height), projection="3d")
    marker.set_proj_type("ortho")
    marker.view_init(elev=ELEVATION, azim=AZIMUTH)
    marker.set_axis_off()
    marker.patch.set_visible(False)
    marker.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    for axis, label, colour in zip(
        np.eye(3), "XYZ", ("#e8743b", "#3aa76d", "#2b4fd8"), strict=True
    ):
        marker.quiver(0, 0, 0, *axis, color=colour, linewidth=2 * letters, arrow_length_ratio=0.25)
        marker.text(
            *(1.35 * axis), label, fontsize=11 * letters, color=theme.text, ha="center", va="center"
        )
