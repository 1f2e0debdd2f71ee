"""Animated pictures: a load cycle as GIF, or as MP4 with the extra ``movies``."""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from fem_reference.beam.solution import BeamFields
from fem_reference.beam.strut_fields import strut_fields
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import check_writable, replacing
from lattice_gnn.lattice.lattice import Lattice
from viz.cases import Case
from viz.deformation_view import (
    Drawing,
    assemble,
    beam_fields,
    common_frame,
    deformed_tubes,
)
from viz.gl import choose_renderer
from viz.mesh import lattice_tubes
from viz.picture import Picture
from viz.render import Pixels, RenderReport, pixels_by

FRAMES = 24
"""Frames of a load cycle."""
_PER_SECOND = 12
SUFFIXES = (".gif", ".mp4")


def load_cycle(
    lattice: Lattice,
    case: Case,
    drawing: Drawing | None = None,
    fields: BeamFields | None = None,
) -> tuple[Picture, ...]:
    """Return the frames of one cycle from zero to the strain, to its opposite, and back.

    Framing and colours are the same in all frames; colours are those of the full strain.

    Args:
        lattice: The lattice.
        case: The strain at its peak.
        drawing: How it is drawn, with the factor at the peak; None for the defaults.
        fields: Fields of the lattice by beam FEM; None to solve it.
    """
    drawing = drawing or Drawing()
    found = beam_fields(lattice) if fields is None else fields
    solved = strut_fields(lattice, found, case.strain)
    peak = drawing.factor_of(case)
    straight = lattice_tubes(lattice, drawing.tiles)
    extremes = [deformed_tubes(lattice, straight, solved, x) for x in (peak, -peak)]
    frame = common_frame(lattice, extremes, drawing.tiles)
    phases = np.sin(2 * np.pi * np.arange(FRAMES) / FRAMES).round(12)
    return tuple(
        assemble(lattice, [case], [solved], [peak * phase], drawing, frame) for phase in phases
    )


def check_animation_path(path: str | os.PathLike[str]) -> Path:
    """Refuse a file that cannot be written, before anything is computed.

    Raises:
        LatticeGnnError: If its name ends neither in .gif nor in .mp4, the extra for MP4 is not
            installed, or the folder is not writable.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise LatticeGnnError(
            f"{path}: animations are written as GIF or MP4, got the ending "
            f"{path.suffix or '(none)'!r}; choose a name that ends in .gif or .mp4."
        )
    if suffix == ".mp4" and find_spec("imageio_ffmpeg") is None:
        raise LatticeGnnError(
            f"{path}: writing MP4 needs the package imageio-ffmpeg; install lattice-gnn[movies] or "
            "choose a name that ends in .gif."
        )
    check_writable(path)
    return path


def write_animation(
    frames: Sequence[Picture],
    path: str | os.PathLike[str],
    size: tuple[int, int],
    on_progress: Callable[[int, int], None] | None = None,
) -> RenderReport:
    """Draw the frames and write them as one looping GIF or as MP4, atomically.

    Args:
        frames: At least one picture.
        path: A file that ends in .gif or .mp4.
        size: Width and height in pixels; MP4 needs even numbers and gets the next lower ones.
        on_progress: Called with the number of frames drawn and the total.

    Raises:
        LatticeGnnError: If the file cannot be written.
    """
    target = check_animation_path(path)
    renderer, note = choose_renderer()
    pixels = pixels_by(renderer)
    width, height = (2 * (x // 2) if target.suffix.lower() == ".mp4" else x for x in size)
    drawn: list[Pixels] = []
    for picture in frames:
        drawn.append(pixels(picture, (width, height)))
        if on_progress is not None:
            on_progress(len(drawn), len(frames))
    with replacing(target) as part:
        (_write_mp4 if part.suffix == ".mp4" else _write_gif)(drawn, part)
    return RenderReport(renderer, target, note)


def _write_gif(frames: Sequence[Pixels], path: Path) -> None:
    """Write a GIF with one table of colours for all frames, so that nothing flickers."""
    strip = Image.fromarray(np.concatenate(frames[:: max(1, len(frames) // 6)]))
    table = strip.quantize(256, method=Image.Quantize.MEDIANCUT)
    images = [Image.fromarray(x).quantize(palette=table, dither=Image.Dither.NONE) for x in frames]
    images[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=round(1000 / _PER_SECOND),
        loop=0,
        disposal=1,
    )


def _write_mp4(frames: Sequence[Pixels], path: Path) -> None:
    """Write an H.264 video of three cycles."""
    import imageio_ffmpeg

    height, width = frames[0].shape[:2]
    writer = imageio_ffmpeg.write_frames(
        str(path), (width, height), fps=_PER_SECOND, macro_block_size=2, codec="libx264", quality=7
    )
    writer.send(None)
    try:
        for _ in range(3):
            for frame in frames:
                writer.send(np.ascontiguousarray(frame))
    finally:
        writer.close()
