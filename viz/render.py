"""Rendering of pictures in a window or as PNG, by PyVista or, without OpenGL, by matplotlib."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import check_writable, replacing
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.stiffness import Stiffness
from viz.gl import Renderer, choose_renderer, has_display
from viz.lattice_view import lattice_view
from viz.picture import Picture, title_of
from viz.stiffness_view import stiffness_view

Pixels = UInt8[np.ndarray, "height width 3"]

MOST_PIXELS = 8192  #: per side of a picture; beyond this, graphics libraries abort
MOST_TILES = 1000  #: cells per picture


@dataclass(frozen=True, slots=True)
class RenderReport:
    """Report of a rendering.

    Attributes:
        renderer: ``pyvista``, or ``matplotlib`` if PyVista cannot draw.
        path: The PNG file; None if a window was shown.
        note: A sentence for the user on why it was not PyVista; empty if it was.
    """

    renderer: Renderer
    path: Path | None
    note: str


def render(
    lattice: Lattice,
    stiffness: Stiffness,
    path: str | os.PathLike[str] | None = None,
    *,
    size: tuple[int, int] = (1600, 800),
    tiles: tuple[int, int, int] = (1, 1, 1),
) -> RenderReport:
    """Draw a lattice as tubes and joints beside the surface of radius E(n)/E_s.

    PyVista draws if a probe finds that it can, else matplotlib; the report says which. The PNG is
    written atomically.

    Args:
        lattice: The lattice.
        stiffness: Its stiffness in units of the solid's Young's modulus E_s, not a batch.
        path: The PNG file to write; None shows a window and returns when it is closed.
        size: Width and height in pixels.
        tiles: Number of cells to draw along each cell vector.

    Raises:
        LatticeGnnError: If the file cannot be written, its name does not end in .png, there is no
            display for a window, or a size or number of tiles is less than 1.
    """
    target = check_place(path, size)
    check_tiles(tiles)
    return draw_picture(overview(lattice, stiffness, tiles), target, size)


def overview(
    lattice: Lattice,
    stiffness: Stiffness,
    tiles: tuple[int, int, int] = (1, 1, 1),
    *,
    by: str = "",
) -> Picture:
    """Compose the picture of a lattice beside its Young's modulus by direction.

    Args:
        lattice: The lattice.
        stiffness: Its stiffness in units of E_s, not a batch.
        tiles: Number of cells to draw along each cell vector.
        by: How the stiffness was computed, for the text; "" to leave that out.
    """
    views = (lattice_view(lattice, tiles), stiffness_view(stiffness, by=by))
    return Picture(title_of(lattice.name), views, 2)


def draw_picture(
    picture: Picture, path: str | os.PathLike[str] | None, size: tuple[int, int]
) -> RenderReport:
    """Draw any picture into a PNG file, atomically, or show it in a window.

    Args:
        picture: What to draw.
        path: The PNG file to write; None shows a window and returns when it is closed.
        size: Width and height in pixels.

    Raises:
        LatticeGnnError: As ``check_place``, or the file cannot be written.
    """
    target = check_place(path, size)
    renderer, note = choose_renderer()
    if renderer == "pyvista":
        from viz.scene import draw
    else:
        from viz.fallback import draw
    if target is None:
        draw(picture, None, size)
    else:
        with replacing(target) as part:
            draw(picture, part, size)
    return RenderReport(renderer, target, note)


def pixels_by(renderer: Renderer) -> Callable[[Picture, tuple[int, int]], Pixels]:
    """Return the function by which a renderer draws a picture of a size, in pixels, as an array."""
    if renderer == "pyvista":
        from viz.scene import pixels
    else:
        from viz.fallback import pixels
    return pixels


def check_place(path: str | os.PathLike[str] | None, size: tuple[int, int]) -> Path | None:
    """Refuse a file or window that cannot be drawn to, before anything is computed.

    Raises:
        LatticeGnnError: For a bad path or size, or no display for a window.
    """
    check_size(size)
    if path is not None:
        return check_picture_path(Path(path))
    if not has_display():
        raise LatticeGnnError(
            "no display to open a window on: give the name of a PNG file to write instead"
        )
    return None


def check_size(size: tuple[int, int]) -> None:
    """Refuse a size in pixels that cannot be drawn.

    Raises:
        LatticeGnnError: In this case.
    """
    if min(size) < 1:
        raise LatticeGnnError(f"picture size {size[0]} x {size[1]}: expected at least 1 x 1 pixels")
    if max(size) > MOST_PIXELS:
        raise LatticeGnnError(
            f"picture size {size[0]} x {size[1]}: expected at most {MOST_PIXELS} pixels per side"
        )


def check_tiles(tiles: tuple[int, int, int]) -> None:
    """Refuse numbers of cells below 1, or too large for the memory.

    Raises:
        LatticeGnnError: In these cases.
    """
    if prod(tiles) > MOST_TILES:
        raise LatticeGnnError(
            f"tiles {' '.join(map(str, tiles))}: expected at most {MOST_TILES} cells in all"
        )
    if min(tiles) < 1:
        raise LatticeGnnError(
            f"tiles {' '.join(map(str, tiles))}: expected at least one cell in each direction"
        )


def check_picture_path(path: Path) -> Path:
    """Refuse a picture file that cannot be written, before anything is computed.

    Raises:
        LatticeGnnError: If the suffix is not .png, or the folder does not exist or is not writable.
    """
    if path.suffix.lower() != ".png":
        raise LatticeGnnError(
            f"{path}: pictures are written as PNG, got the ending {path.suffix or '(none)'!r}; "
            "choose a name that ends in .png"
        )
    check_writable(path)
    return path
