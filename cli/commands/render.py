"""``lattice-gnn render``: the lattice beside its directional modulus, as a picture or a window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.terminal.beam import solve
from cli.terminal.inputs import Source, check_output, read_one, require_spanning
from cli.terminal.options import Model
from cli.terminal.output import say_note, say_warning

if TYPE_CHECKING:
    from lattice_gnn.tensors.stiffness import Stiffness


def render(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file with one lattice.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PNG", help="The picture; left out: a window."),
    ] = None,
    method: Annotated[
        Literal["beam", "network"], typer.Option(help="Where the stiffness comes from.")
    ] = "beam",
    model: Model = "default",
    tiles: Annotated[
        tuple[int, int, int], typer.Option(metavar="A B C", help="Cells to draw along each vector.")
    ] = (1, 1, 1),
    size: Annotated[tuple[int, int], typer.Option(metavar="WIDTH HEIGHT", help="Pixels.")] = (
        1600,
        800,
    ),
) -> None:
    """Draw a lattice beside its directional Young's modulus."""
    source = read_one(file)
    if output is not None:
        from viz.render import check_picture_path

        check_picture_path(output)
        check_output(output, [file])
    stiffness = _stiffness(source, method, model)
    from viz.render import render as draw

    report = draw(source.lattice, stiffness, output, size=size, tiles=tiles)
    where = "shown in a window" if report.path is None else f"picture written to {report.path}"
    say_note(f"{where}. {report.note}".rstrip())


def _stiffness(source: Source, method: Literal["beam", "network"], model: str) -> "Stiffness":
    if method == "network":
        require_spanning([source])
        from lattice_gnn.surrogate.surrogate import load_surrogate

        prediction = load_surrogate(model).predict(source.lattice)
        if not prediction.in_domain:
            notes = "; ".join(prediction.domain_notes)
            say_warning(f"{source.label}: outside the model's training domain: {notes}.")
        return prediction.stiffness
    return solve([source]).stiffness[0]  # where it is singular the picture's title says so
