"""``lattice-gnn make``: write a named unit cell as a lattice file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.inputs import check_output
from cli.terminal.options import Measure, Seed, Supercell, is_given, refuse_without
from cli.terminal.output import say_note, to_json
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.lattice.lattice import Lattice


Perturb = Annotated[
    float, typer.Option(metavar="LEVEL", help="Move every node this far in a random direction.")
]


def make(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name or alias of a cell: see `lattice-gnn cells`.")],
    radius: Annotated[
        float | None, typer.Option(metavar="R", help="Strut radius over the edge of the cube.")
    ] = None,
    relative_density: Annotated[
        float | None,
        typer.Option(
            metavar="D", help="Sum of strut volumes over the cell volume; instead of a radius."
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Parameter, such as angle=20; may be repeated."),
    ] = None,
    supercell: Supercell = (1, 1, 1),
    perturb: Perturb = 0.0,
    measure: Annotated[
        Measure,
        typer.Option(help="Unit of --perturb: cell coordinates, or the mean strut length."),
    ] = "fractional",
    seed: Seed = 0,
    nu: Annotated[float, typer.Option(metavar="NU", help="Poisson's ratio of the solid.")] = 0.3,
    E: Annotated[
        float, typer.Option("--E", metavar="E", help="Young's modulus of the solid.")
    ] = 1.0,
    units: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the unit of length, such as mm.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="File to write; default: stdout."),
    ] = None,
) -> None:
    """Write a named unit cell (cube edge 1) as a lattice file.

    The supercell is built first, then the nodes are moved, then the radii are set to the density.
    """
    check_output(output)
    if not is_given(context, "perturb"):
        refuse_without(context, ("measure", "seed"), "--perturb")
    kind = _kind(output)
    from lattice_gnn.cells.named import cell
    from lattice_gnn.lattice.json_file import lattice_to_dict
    from lattice_gnn.lattice.lattice import Material

    parameters = dict(_parameter(text) for text in param or ())
    lattice = cell(name, radius=radius, relative_density=relative_density, nu=nu, **parameters)
    if supercell != (1, 1, 1):
        lattice = lattice.supercell(supercell)
    if perturb:
        lattice = _perturbed(lattice, perturb, measure, seed, relative_density)
    lattice = lattice.replace(material=Material(E=E, nu=nu), units=units)
    if output is None:
        typer.echo(to_json(lattice_to_dict(lattice)))
        return
    from data.formats import write_any, writing_notes

    write_any(output, [lattice], kind)
    for sentence in writing_notes(kind, [lattice]):
        say_note(f"{output}: {sentence}")
    say_note(f"{output}: {lattice!r}")


def _kind(output: Path | None) -> str:
    """Return the format of the file to write: as its suffix says, JSON if it has none."""
    if output is None or not output.suffix:
        return "json"
    from data.formats import output_format

    return output_format(output).kind


def _perturbed(
    lattice: "Lattice",
    level: float,
    measure: Measure,
    seed: int,
    relative_density: float | None,
) -> "Lattice":
    """Move the nodes, keeping a requested density."""
    moved = lattice.perturbed(level, seed, measure)
    return moved if relative_density is None else moved.with_relative_density(relative_density)


def _parameter(text: str) -> tuple[str, float]:
    key, _, value = text.partition("=")
    try:
        return key.strip(), float(value)
    except ValueError:
        raise LatticeGnnError(
            f"--param {text}: expected a name and a number, such as angle=20."
        ) from None
