"""``lattice-gnn export``: the stiffness of a lattice as a material card of another program."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.terminal.inputs import Source, check_output, read_one, require_spanning
from cli.terminal.options import Element, ElementOption, Model
from cli.terminal.output import say_note, say_warning
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.tensors.stiffness import Stiffness


def export(
    lattice: Annotated[
        Path, typer.Argument(metavar="LATTICE", help="A file with one lattice, of any format.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="The file to write.")
    ],
    card: Annotated[
        Literal["abaqus", "calculix", "ansys", "npy", "json"] | None,
        typer.Option(
            "--format", help="For whom; told by the suffix (.inp .mac .npy .json) if left out."
        ),
    ] = None,
    method: Annotated[
        Literal["beam", "network"],
        typer.Option("--method", help="Beam FEM, or the trained network."),
    ] = "beam",
    element: ElementOption = "euler-bernoulli",
    model: Model = "default",
) -> None:
    """Write the effective stiffness for a solver: as a material card, .npy or JSON.

    In the unit of Young's modulus of the lattice's material. Abaqus and CalculiX: *ELASTIC with 21
    constants, shear in the order 12, 13, 23; Ansys: TB,ANEL, order x, y, z, xy, yz, xz; .npy and
    JSON: 6 x 6, Voigt, order 11, 22, 33, 23, 13, 12.
    """
    from data.exports.material_cards import SUFFIXES, CardInfo, write_card

    check_output(output, [lattice])
    kind = card or SUFFIXES.get(output.suffix.lower())
    if kind is None:
        raise LatticeGnnError(
            f"{output}: the suffix {output.suffix!r} tells no format; give --format."
        )
    source = read_one(lattice)
    if method == "beam":
        stiffness, by = _beam(source, element), f"beam FEM, {element}"
    else:
        stiffness, by = _network(source, model), f"network {model}"
    solid = source.lattice.material
    name = source.lattice.name or source.file.stem
    said = f"{name}: effective stiffness by {by}; solid E = {solid.E:g}, nu = {solid.nu:g}"
    write_card(output, stiffness, kind, CardInfo(name=name, source=said, E=solid.E))
    say_note(f"{output}: {kind}, {said}")


def _beam(source: Source, element: Element) -> "Stiffness":
    from cli.terminal.beam import solve

    solution = solve([source], element)
    if int(solution.rank[0]) < 6:
        say_warning(f"{source.label}: the stiffness is singular, rank {int(solution.rank[0])}.")
    return solution.stiffness[0]


def _network(source: Source, model: str) -> "Stiffness":
    from lattice_gnn.surrogate.surrogate import load_surrogate

    require_spanning([source])
    (prediction,) = load_surrogate(model).predict([source.lattice])
    for note in prediction.domain_notes:
        say_warning(f"{source.label}: {note}")
    return prediction.stiffness
