"""The PyVista scene: lattice on the left, directional Young's modulus on the right."""

from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv

from viz.mesh import Surface, Tubes, icosphere
from viz.picture import (
    COLOUR_MAP,
    EDGE_COLOUR,
    STRUT_COLOUR,
    SURFACE_SIZE,
    TEXT_COLOUR,
    Picture,
    camera_direction,
)

_REACH = 1.2
"""Distance from the focal point within which everything lies: the unit sphere, off its centre."""
_LOOK: dict[str, Any] = {"smooth_shading": True, "specular": 0.25, "specular_power": 20}
_STRUT_LOOK = _LOOK | {"ambient": 0.22, "diffuse": 0.85}
_SURFACE_LOOK = _LOOK | {"ambient": 0.38, "diffuse": 0.68}


def draw(picture: Picture, path: Path | None, size: tuple[int, int]) -> None:
    """Draw the picture into a PNG file, or show it in a window when ``path`` is None."""
    plotter = lattice_scene(picture, size, off_screen=path is not None)
    try:
        if path is None:
            plotter.show(title=picture.name)
        else:
            plotter.screenshot(str(path))
    finally:
        plotter.close()


def lattice_scene(picture: Picture, size: tuple[int, int], *, off_screen: bool) -> pv.Plotter:
    """Build the two linked views; the caller shows or saves the plotter, and closes it."""
    plotter = pv.Plotter(shape=(1, 2), off_screen=off_screen, window_size=list(size), border=False)
    plotter.set_background("white")
    _draw_lattice(plotter, picture, size)
    _draw_modulus(plotter, picture, size)
    for column in range(2):
        plotter.subplot(0, column)
        plotter.enable_parallel_projection()
        plotter.view_vector(camera_direction(), viewup=(0, 0, 1))
        plotter.camera.focal_point = (0.0, 0.0, 0.06)
        plotter.camera.parallel_scale = 1.16 * max(1.0, 2 * size[1] / size[0])
        plotter.enable_anti_aliasing("ssaa")
        plotter.add_axes(
            line_width=4, color=TEXT_COLOUR, viewport=(0.0, 0.0, 0.22, 0.22), interactive=False
        )
    plotter.link_views()
    _keep_whole(plotter)
    return plotter


def _keep_whole(plotter: pv.Plotter) -> None:
    """Fix the clipping range of the shared camera to the unit sphere that holds either half.

    VTK would fit it to the half that it renders last, and cut the other one open.
    """
    camera = plotter.camera
    distance = float(np.linalg.norm(np.subtract(camera.position, camera.focal_point)))
    camera.clipping_range = (distance - _REACH, distance + _REACH)
    if plotter.iren is not None:
        plotter.iren.interactor.GetInteractorStyle().AutoAdjustCameraClippingRangeOff()


def tube_mesh(tubes: Tubes, sides: int = 24) -> pv.PolyData:
    """Mesh all struts in one pass of VTK's tube filter, with the radius at every point."""
    count = len(tubes.starts)
    points = np.concatenate([tubes.starts, tubes.ends])
    lines = np.column_stack([np.full(count, 2), np.arange(count), np.arange(count) + count])
    axes = pv.PolyData(points, lines=lines.reshape(-1))
    axes.point_data["radius"] = np.concatenate([tubes.start_radii, tubes.end_radii])
    return axes.tube(scalars="radius", absolute=True, n_sides=sides, capping=True)


def joint_mesh(tubes: Tubes) -> pv.PolyData:
    """Mesh all joints as spheres, in one pass."""
    centres = pv.PolyData(tubes.joints)
    centres.point_data["radius"] = tubes.joint_radii
    points, faces = icosphere(3)
    ball = pv.PolyData.from_regular_faces(points, faces)
    return centres.glyph(geom=ball, scale="radius", orient=False)


def surface_mesh(surface: Surface) -> pv.PolyData:
    """Convert a modulus surface, with E/E_s at every point."""
    mesh = pv.PolyData.from_regular_faces(surface.points, surface.faces)
    mesh.point_data["E"] = surface.values
    return mesh


def _draw_lattice(plotter: pv.Plotter, picture: Picture, size: tuple[int, int]) -> None:
    """Fill the left view."""
    plotter.subplot(0, 0)
    for mesh in (tube_mesh(picture.tubes), joint_mesh(picture.tubes)):
        plotter.add_mesh(
            mesh, color=STRUT_COLOUR, show_scalar_bar=False, scalars=None, **_STRUT_LOOK
        )
    plotter.add_lines(
        picture.edges.reshape(-1, 3), color=EDGE_COLOUR, width=max(1, _letter_size(size) // 400)
    )
    plotter.enable_ssao(radius=0.25, bias=0.01, kernel_size=128, blur=True)
    _add_title(plotter, picture.name, picture.facts, size)


def _draw_modulus(plotter: pv.Plotter, picture: Picture, size: tuple[int, int]) -> None:
    """Fill the right view."""
    plotter.subplot(0, 1)
    plotter.add_mesh(
        surface_mesh(picture.surface).scale(SURFACE_SIZE),
        scalars="E",
        cmap=COLOUR_MAP,
        clim=picture.limits,
        scalar_bar_args={
            "title": "E/E_s\n",
            "vertical": True,
            "position_x": 0.875,
            "position_y": 0.2,
            "width": 0.06,
            "height": 0.55,
            "n_labels": 5,
            "fmt": "%.3g",
            "color": TEXT_COLOUR,
            "title_font_size": max(8, _letter_size(size) // 40),
            "label_font_size": max(8, _letter_size(size) // 46),
        },
        **_SURFACE_LOOK,
    )
    _add_title(plotter, picture.modulus_title, picture.modulus_range, size)


def _add_title(plotter: pv.Plotter, title: str, line: str, size: tuple[int, int]) -> None:
    """Write a title and a line below it, as large as fits, at the upper left of a view."""
    side = _letter_size(size)
    left = 0.03 * size[0] / 2
    for text, font_size, drop in ((title, side / 48, 0.06), (line, side / 74, 0.1)):
        actor = plotter.add_text(
            text,
            position=(left, size[1] - drop * side),
            font_size=max(4, round(font_size)),
            color=TEXT_COLOUR,
        )
        extent = [0.0, 0.0]
        actor.GetSize(plotter.renderer, extent)
        room = size[0] / 2 - 2 * left
        if extent[0] > room:
            actor.prop.font_size = max(4, int(actor.prop.font_size * room / extent[0]))


def _letter_size(size: tuple[int, int]) -> int:
    """Return the reference size of fonts and lines, pixels: the narrower side of a half."""
    return min(size[1], size[0] // 2)
