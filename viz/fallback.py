"""The same picture by matplotlib, for machines without an OpenGL library.

Matplotlib has no depth buffer: it paints triangles from far to near. Struts are therefore cut into
short pieces, and in a file back faces are left out. Shading is done here, because that of
matplotlib lacks highlights; a file is drawn at twice its size and averaged, for smooth edges.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imsave
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from viz.mesh import Surface, Tubes, joint_surface, strut_surface
from viz.picture import (
    AZIMUTH,
    COLOUR_MAP,
    EDGE_COLOUR,
    ELEVATION,
    STRUT_COLOUR,
    SURFACE_SIZE,
    TEXT_COLOUR,
    Picture,
    camera_axes,
)

_DPI = 100  # font sizes are chosen for this resolution


def draw(picture: Picture, path: Path | None, size: tuple[int, int]) -> None:
    """Draw the picture into a PNG file, or show it in a window when ``path`` is None."""
    inches = (size[0] / _DPI, size[1] / _DPI)
    if path is not None:
        figure = Figure(figsize=inches, dpi=2 * _DPI)
        canvas = FigureCanvasAgg(figure)
        fill_figure(figure, picture, culled=True)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba(), dtype=np.float64)[..., :3]
        pixels = pixels.reshape(size[1], 2, size[0], 2, 3).mean(axis=(1, 3))
        imsave(path, pixels.round().astype(np.uint8), format="png", dpi=_DPI)
        return
    from matplotlib import pyplot

    window = pyplot.figure(picture.name, figsize=inches, dpi=_DPI)
    fill_figure(window, picture, culled=False)
    pyplot.show()


def fill_figure(figure: Figure, picture: Picture, *, culled: bool) -> None:
    """Draw both halves into an empty figure, twice as wide as high.

    Args:
        figure: The figure.
        picture: What to draw.
        culled: Whether to leave out back faces; not if the user can turn the view.
    """
    scale = _letter_scale(figure)
    left = _add_view(figure, 0.0, picture.name, picture.facts)
    frame = _edge_tubes(picture)
    parts = (
        (strut_surface(picture.tubes, 32, _pieces(picture.tubes), capped=False), STRUT_COLOUR),
        (joint_surface(picture.tubes), STRUT_COLOUR),
        (strut_surface(frame, 6, 24, capped=False), EDGE_COLOUR),
    )
    colours = np.concatenate([np.tile(to_rgb(name), (len(part.faces), 1)) for part, name in parts])
    _add_mesh(left, _joined([part for part, _ in parts]), colours, culled=culled)

    right = _add_view(figure, 0.5, picture.modulus_title, picture.modulus_range)
    surface = replace(picture.surface, points=picture.surface.points * SURFACE_SIZE)
    norm = Normalize(*picture.limits)
    colours = colormaps[COLOUR_MAP](norm(surface.values[surface.faces].mean(axis=1)))[:, :3]
    _add_mesh(right, surface, colours, culled=culled)
    ticks = np.linspace(*picture.limits, 5)
    bar = figure.colorbar(
        ScalarMappable(norm, COLOUR_MAP), cax=figure.add_axes((0.935, 0.2, 0.009, 0.5))
    )
    bar.set_ticks(ticks.tolist(), labels=[f"{value:.3g}" for value in ticks])
    bar.ax.set_title("$E/E_s$", fontsize=13 * scale, color=TEXT_COLOUR, pad=12 * scale)
    bar.ax.tick_params(labelsize=11 * scale, labelcolor=TEXT_COLOUR, length=0)
    bar.outline.set_visible(False)
    for x in (0.01, 0.51):
        _add_axes_marker(figure, x)


def _letter_scale(figure: Figure) -> float:
    """Return the font scale relative to a figure of 16 by 8 inches."""
    return min(float(figure.get_figheight()), float(figure.get_figwidth()) / 2) / 8


def _pieces(tubes: Tubes) -> int:
    """Choose the number of pieces per strut: as long as wide, longer if there are many struts."""
    lengths = np.linalg.norm(tubes.ends - tubes.starts, axis=1)
    wanted = float(np.median(lengths / (tubes.start_radii + tubes.end_radii)))
    return int(np.clip(min(wanted, 2000 / len(lengths)), 1, 24))


def _edge_tubes(picture: Picture) -> Tubes:
    """Turn the edges of the cell into thin tubes, so that they are sorted with the struts."""
    thin = np.full(len(picture.edges), 0.0015)
    return Tubes(
        starts=picture.edges[:, 0],
        ends=picture.edges[:, 1],
        start_radii=thin,
        end_radii=thin,
        joints=np.zeros((0, 3)),
        joint_radii=np.zeros(0),
        sources=np.arange(len(thin)),
    )


def _add_view(figure: Figure, left: float, title: str, line: str) -> Axes3D:
    """Add one half of the figure: an empty 3-D view and two lines of text, as large as fits."""
    axes: Any = figure.add_axes((left, -0.04, 0.5, 1.0), projection="3d")
    axes.set_proj_type("ortho")
    axes.view_init(elev=ELEVATION, azim=AZIMUTH)
    axes.set_axis_off()
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    axes.set_box_aspect((1, 1, 1), zoom=1.42)
    scale = _letter_scale(figure)
    for text, height, font_size in ((title, 0.945, 20), (line, 0.905, 12.5)):
        written = figure.text(
            left + 0.015, height, text, fontsize=font_size * scale, color=TEXT_COLOUR
        )
        share = written.get_window_extent().width / figure.bbox.width
        written.set_fontsize(font_size * scale * min(1.0, 0.47 / max(share, 1e-9)))
    return axes


def _add_mesh(
    axes: Axes3D, mesh: Surface, colours: Float[np.ndarray, "faces 3"], *, culled: bool
) -> None:
    """Add shaded triangles, one colour per face, to a view."""
    corners = mesh.points[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(length, 1e-300)
    shaded = _shade(colours, normals)
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


def _joined(parts: list[Surface]) -> Surface:
    """Join meshes into one, so that their triangles are sorted by depth together."""
    firsts = np.cumsum([0] + [len(part.points) for part in parts[:-1]])
    return Surface(
        points=np.concatenate([part.points for part in parts]),
        faces=np.concatenate([part.faces + k for part, k in zip(parts, firsts, strict=True)]),
        values=np.concatenate([part.values for part in parts]),
    )


def _add_axes_marker(figure: Figure, x: float) -> None:
    """Draw the three axes as arrows near the lower edge, at a share x of the width."""
    scale = _letter_scale(figure)
    marker: Any = figure.add_axes((x, 0.02, 0.09, 0.18), projection="3d")
    marker.set_proj_type("ortho")
    marker.view_init(elev=ELEVATION, azim=AZIMUTH)
    marker.set_axis_off()
    marker.patch.set_visible(False)
    marker.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    for axis, label, colour in zip(
        np.eye(3), "XYZ", ("#e8743b", "#3aa76d", "#2b4fd8"), strict=True
    ):
        marker.quiver(0, 0, 0, *axis, color=colour, linewidth=2 * scale, arrow_length_ratio=0.25)
        marker.text(
            *(1.35 * axis), label, fontsize=11 * scale, color=TEXT_COLOUR, ha="center", va="center"
        )
