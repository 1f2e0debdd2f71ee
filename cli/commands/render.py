"""``lattice-gnn render``: draw a lattice beside its directional modulus, to a file or window."""

from pathlib import Path
from typing import Annotated

import typer

from cli.terminal.inputs import check_output, read_one
from cli.terminal.options import ElementName, MethodName, ModelName, Voxels, chosen_solver
from cli.terminal.output import say_note
from cli.terminal.solvers import stiffness_of


def render(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File with one lattice.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PNG", help="Picture to write; default: show a window."
        ),
    ] = None,
    method: MethodName = "beam",
    element: ElementName = "euler-bernoulli",
    voxels_per_diameter: Voxels = 8,
    model: ModelName = "default",
    tiles: Annotated[
        tuple[int, int, int],
        typer.Option(metavar="A B C", help="Number of cells to draw along each cell vector."),
    ] = (1, 1, 1),
    size: Annotated[tuple[int, int], typer.Option(metavar="WIDTH HEIGHT", help="Pixels.")] = (
        1600,
        800,
    ),
) -> None:
    """Draw a lattice beside its directional Young's modulus."""
    solver = chosen_solver(context)
    source = read_one(file)
    if output is not None:
        from viz.render import check_picture_path

        check_picture_path(output)
        check_output(output, [file])
    stiffness = stiffness_of(source, solver)
    from viz.render import render as draw

    drawn = draw(source.lattice, stiffness, output, size=size, tiles=tiles)
    where = "shown in a window" if drawn.path is None else f"picture written to {drawn.path}"
    say_note(f"{where}. {drawn.note}".rstrip())
