"""Picture of a design: start and design, their surfaces on one scale, the course of the search."""

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lattice_gnn.design.result import DesignResult, Step
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import replacing
from lattice_gnn.tensors.stiffness import Stiffness
from viz.gl import choose_renderer
from viz.lattice_view import lattice_view
from viz.picture import TEXT_COLOUR, Picture, title_of
from viz.render import check_picture_path, pixels_by
from viz.stiffness_view import surfaces_on_one_scale

_FRAMES = 24  #: most frames of an animation
_SIDE = 520  #: pixels of one view
_DPI = 100
_OBJECTIVE, _VIOLATION = "#1f5fa8", "#c2452d"


def draw_design(path: str | os.PathLike[str], result: DesignResult) -> str:
    """Draw a design into a PNG file.

    The first row shows the start and the design, the second the surfaces of Young's modulus by
    direction of start, target if there is one, design and reference, all on one scale; below, the
    objective and the worst violation of a constraint over the steps of the search.

    Args:
        path: The file.
        result: The design.

    Returns:
        A sentence on the renderer where it was not PyVista.

    Raises:
        LatticeGnnError: If the file cannot be written, or its name does not end in .png.
    """
    target = check_picture_path(Path(path))
    views = tuple(
        replace(lattice_view(lattice), title=f"{which}: {title_of(lattice.name)}")
        for which, lattice in (("start", result.start), ("design", result.lattice))
    )
    lattices = Picture("design", views, len(views))
    surfaces = surfaces_on_one_scale(stiffnesses_of(result), difference=False)
    renderer, note = choose_renderer()
    images = []
    for picture in (lattices, surfaces):
        size = (_SIDE * picture.columns, _SIDE)
        images.append(pixels_by(renderer)(picture, size))
    figure = Figure(figsize=(max(x.shape[1] for x in images) / _DPI, 14), dpi=_DPI)
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, height_ratios=(_SIDE, _SIDE, 320))
    for axes, image in zip((top, middle), images, strict=True):
        axes.imshow(image)
        axes.axis("off")
    draw_history(bottom, result.history, result.objective.name)
    figure.tight_layout()
    with replacing(target) as part:
        figure.savefig(part, format="png")
    return note


def stiffnesses_of(result: DesignResult) -> list[tuple[str, Stiffness]]:
    """Return the tensors that are compared: start, target, design by evaluator and reference.

    Beam FEM that evaluates and verifies is shown once.
    """
    evaluator = "beam FEM" if result.evaluator == "beam" else result.evaluator
    found = [(f"start, by {evaluator}", result.start_stiffness)]
    target = result.task.objective.target
    if target is not None and not bool(target.isnan().any()):
        found.append(("target", Stiffness(target)))
    found.append((f"design, by {evaluator}", result.stiffness))
    if result.reference is not None and result.reference.method != result.evaluator:
        found.append((f"design, by {result.reference.method} FEM", result.reference.stiffness))
    return found


def design_frames(result: DesignResult) -> tuple[Picture, ...]:
    """Return the surface of Young's modulus at up to 24 steps of a search, all on one scale.

    The first is that of the start, the last that of the design.

    Raises:
        LatticeGnnError: If the search needed no stiffness, so that there is nothing to show.
    """
    known = [step for step in result.history if step.stiffness is not None]
    if not known:
        raise LatticeGnnError(
            "animation: neither the objective nor a constraint depends on the stiffness, so that "
            "there is no changing surface to draw."
        )
    changes = [a for a, b in pairwise(known) if a.stiffness is not b.stiffness]
    chosen = changes[:: -(-len(changes) // (_FRAMES - 2))] if changes else []
    name = result.objective.name
    tensors = [(f"start: {name} = {result.objective.start:.4g}", result.start_stiffness)]
    for step in chosen:
        if step.stiffness is not None:
            title = f"{step.phase} {step.step}: {name} = {step.objective:.4g}"
            tensors.append((title, step.stiffness))
    tensors.append((f"design: {name} = {result.objective.value:.4g}", result.stiffness))
    picture = surfaces_on_one_scale(tensors, difference=False)
    return tuple(
        replace(picture, views=(replace(view, bar=True),), columns=1) for view in picture.views
    )


def draw_history(axes: Axes, history: Sequence[Step], objective: str) -> None:
    """Draw the objective, and the worst violation of a constraint, over the steps of a search."""
    steps = np.arange(1, len(history) + 1)
    axes.plot(steps, [x.objective for x in history], color=_OBJECTIVE, lw=1.6)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_xlabel("step of the search")
    axes.set_ylabel(objective, color=_OBJECTIVE)
    axes.tick_params(axis="y", labelcolor=_OBJECTIVE)
    beside = axes.twinx()
    beside.plot(steps, [x.violation for x in history], color=_VIOLATION, lw=1.2)
    beside.set_ylabel("worst violation", color=_VIOLATION)
    beside.set_ylim(0.0, max(1.05 * max((x.violation for x in history), default=0.0), 1e-3))
    beside.tick_params(axis="y", labelcolor=_VIOLATION)
    for number, step in enumerate(history):
        if number == 0 or history[number - 1].phase != step.phase:
            axes.axvline(number + 1, color="#c9d1da", lw=0.8, zorder=0)
            axes.text(
                number + 1,
                1.02,
                step.phase,
                transform=axes.get_xaxis_transform(),
                color=TEXT_COLOUR,
                fontsize=8,
            )
