"""Pictures by PyVista: every view of a picture in a plotter, with linked cameras."""

from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv
from jaxtyping import UInt8

from viz.mesh import Surface, Tubes, joint_surface, strut_surface
from viz.picture import Part, Picture, Scale, Theme, View, camera_direction

_LIGHT: dict[str, Any] = {"specular": 0.25, "specular_power": 20}
_PLAIN_LOOK = _LIGHT | {"ambient": 0.22, "diffuse": 0.85}
_VALUE_LOOK = _LIGHT | {"ambient": 0.38, "diffuse": 0.68}
_REACH = 1.2
"""Distance from the focal point within which everything lies: the unit sphere, off its centre."""
_MANY = 2000  #: tubes from which fewer triangles are drawn for each


def draw(picture: Picture, path: Path | None, size: tuple[int, int]) -> None:
    """Draw the picture into a PNG file, or show it in a window when ``path`` is None."""
    plotter = picture_scene(picture, size, off_screen=path is not None)
    try:
        if path is None:
            plotter.show(title=picture.name)
        else:
            plotter.screenshot(str(path))
    finally:
        plotter.close()


def pixels(picture: Picture, size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """Draw the picture into an array."""
    plotter = picture_scene(picture, size, off_screen=True)
    try:
        return np.asarray(plotter.screenshot(return_img=True))[..., :3]
    finally:
        plotter.close()


def picture_scene(
    picture: Picture,
    size: tuple[int, int],
    *,
    off_screen: bool,
    plotter: pv.Plotter | None = None,
) -> pv.Plotter:
    """Build all views with linked cameras; the caller shows or saves the plotter, and closes it.

    Args:
        picture: What to draw.
        size: Width and height in pixels.
        off_screen: Whether there is no window.
        plotter: A plotter with at least as many subplots as there are views; None makes one.
    """
    if plotter is None:
        plotter = pv.Plotter(
            shape=(picture.rows, picture.columns),
            off_screen=off_screen,
            window_size=list(size),
            border=False,
        )
    plotter.set_background(picture.theme.background)
    width, height = picture.view_size(size)
    for number, view in enumerate(picture.views):
        plotter.subplot(*divmod(number, picture.columns))
        draw_view(plotter, view, (width, height), picture.theme)
        plotter.enable_parallel_projection()
        plotter.view_vector(camera_direction(), viewup=(0, 0, 1))
        plotter.camera.focal_point = (0.0, 0.0, 0.06)
        plotter.camera.parallel_scale = 1.16 * max(1.0, height / width)
        plotter.enable_anti_aliasing("ssaa")
        if view.parts:
            side = 0.22 * min(width, height)
            plotter.add_axes(
                line_width=4,
                color=picture.theme.text,
                viewport=(0.0, 0.0, side / width, side / height),
                interactive=False,
            )
    plotter.link_views()
    _keep_whole(plotter)
    return plotter


def _keep_whole(plotter: pv.Plotter) -> None:
    """Fix the clipping range of the shared camera to the unit sphere that holds every view.

    VTK would fit it to the view that it renders last, and cut the others open.
    """
    camera = plotter.camera
    distance = float(np.linalg.norm(np.subtract(camera.position, camera.focal_point)))
    camera.clipping_range = (distance - _REACH, distance + _REACH)
    if plotter.iren is not None:
        plotter.iren.interactor.GetInteractorStyle().AutoAdjustCameraClippingRangeOff()


def draw_view(plotter: pv.Plotter, view: View, size: tuple[int, int], theme: Theme) -> pv.Plotter:
    """Draw one view into the current subplot, which is ``size`` pixels large."""
    side = min(size)
    ambient_occlusion = False
    for part in view.parts:
        add_part(plotter, part, view.scale, theme)
        ambient_occlusion |= isinstance(part.body, Tubes) and not part.shown
    if len(view.edges):
        plotter.add_lines(
            view.edges.reshape(-1, 3), color=theme.edges, width=max(1, round(side / 400))
        )
    if ambient_occlusion:
        plotter.enable_ssao(radius=0.25, bias=0.01, kernel_size=128, blur=True)
    if view.scale is not None and view.bar:
        _add_bar(plotter, view.scale, side, theme)
    _add_titles(plotter, view, size, theme)
    return plotter


def add_part(plotter: pv.Plotter, part: Part, scale: Scale | None, theme: Theme) -> None:
    """Add the meshes of one part to the current subplot."""
    for mesh, shown in part_meshes(part):
        coloured = shown and scale is not None
        look = _VALUE_LOOK if coloured else _PLAIN_LOOK
        colours: dict[str, Any] = {"color": theme.of(part.colour), "scalars": None}
        if coloured and scale is not None:
            colours = {"scalars": "value", "cmap": scale.colours, "clim": scale.limits}
        actor = plotter.add_mesh(
            mesh, show_scalar_bar=False, opacity=part.opacity, **colours, **look
        )
        actor.prop.interpolation = "phong" if part.smooth else "flat"


def part_meshes(part: Part) -> list[tuple[pv.PolyData, bool]]:
    """Return the meshes of a part, each with whether its values are shown."""
    if isinstance(part.body, Surface):
        return [(to_mesh(part.body), part.shown)]
    tubes = part.body
    sides, level = (24, 3) if len(tubes.radii) < _MANY else (12, 1)
    struts = strut_surface(tubes, sides, part.values)
    meshes = [(to_mesh(struts), part.shown and part.values is not None)]
    if len(tubes.joints):
        balls = joint_surface(tubes, level, part.joint_values)
        meshes.append((to_mesh(balls), part.shown and part.joint_values is not None))
    return meshes


def to_mesh(surface: Surface) -> pv.PolyData:
    """Convert a mesh, with its values as the point array "value" and its normals."""
    mesh = pv.PolyData.from_regular_faces(surface.points, surface.faces)
    mesh.point_data["value"] = surface.values
    if surface.normals is None:
        return mesh.compute_normals(cell_normals=False, split_vertices=False)
    mesh.point_data.active_normals = surface.normals.astype(np.float32)
    return mesh


def _add_bar(plotter: pv.Plotter, scale: Scale, side: int, theme: Theme) -> None:
    """Draw the colour scale at the right edge of the current view."""
    source = pv.PolyData(np.zeros((2, 3)))
    source.point_data["bar"] = np.array(scale.limits)
    actor = plotter.add_mesh(
        source,
        scalars="bar",
        cmap=scale.colours,
        clim=scale.limits,
        opacity=0.0,
        show_scalar_bar=False,
    )
    plotter.add_scalar_bar(
        title=f"{scale.title}\n{' ' * len(plotter.scalar_bars)}",  # equal titles share one bar
        mapper=actor.mapper,
        vertical=True,
        position_x=0.875,
        position_y=0.2,
        width=0.06,
        height=0.55,
        n_labels=5,
        fmt=scale.number_format,
        color=theme.text,
        title_font_size=max(8, side // 40),
        label_font_size=max(8, side // 46),
    )


def _add_titles(plotter: pv.Plotter, view: View, size: tuple[int, int], theme: Theme) -> None:
    """Write the title and the lines below it, as large as fits, at the upper left of a view."""
    side, left = min(size), 0.03 * size[0]
    room = size[0] - 2 * left
    rows = [(view.title, side / 48, 0.06)]
    rows += [(line, side / 74, 0.1 + 0.036 * k) for k, line in enumerate(view.line.split("\n"))]
    for text, font_size, drop in rows:
        actor = plotter.add_text(
            text,
            position=(left, size[1] - drop * side),
            font_size=max(4, round(font_size)),
            color=theme.text,
        )
        extent = [0.0, 0.0]
        actor.GetSize(plotter.renderer, extent)
        if extent[0] > room:
            actor.prop.font_size = max(4, int(actor.prop.font_size * room / extent[0]))
