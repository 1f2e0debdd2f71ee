"""``lattice-gnn export``: write the stiffness of a lattice as a material card."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.terminal.inputs import check_output, read_one
from cli.terminal.options import ElementName, MethodName, ModelName, Voxels, chosen_solver
from cli.terminal.output import say_note
from cli.terminal.solvers import stiffness_of
from lattice_gnn.errors import LatticeGnnError


def export(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    lattice: Annotated[
        Path, typer.Argument(metavar="LATTICE", help="File with one lattice, in any format.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="File to write.")],
    card: Annotated[
        Literal["abaqus", "calculix", "ansys", "npy", "json"] | None,
        typer.Option(
            "--format",
            help="Target program; default: inferred from the suffix .inp .mac .npy .json.",
        ),
    ] = None,
    method: MethodName = "beam",
    element: ElementName = "euler-bernoulli",
    voxels_per_diameter: Voxels = 8,
    model: ModelName = "default",
) -> None:
    """Write the stiffness as a material card, .npy or JSON.

    By beam FEM unless --method says otherwise: too soft for all but slender struts, because it does
    not count the material of the joints, as --method network (milliseconds) and solid (seconds to
    minutes) do.

    In the unit of the Young's modulus of the lattice's material. Abaqus and CalculiX: *ELASTIC with
    21 constants, shear in the order 12, 13, 23; Ansys: TB,ANEL, order x, y, z, xy, yz, xz; .npy and
    JSON: 6 x 6, Voigt, order 11, 22, 33, 23, 13, 12.
    """
    from data.exports.material_cards import SUFFIXES, CardInfo, write_card

    solver = chosen_solver(context)
    check_output(output, [lattice])
    kind = card or SUFFIXES.get(output.suffix.lower())
    if kind is None:
        raise LatticeGnnError(
            f"{output}: the suffix {output.suffix!r} does not determine the format; give --format."
        )
    source = read_one(lattice)
    stiffness = stiffness_of(source, solver)
    solid = source.lattice.material
    name = source.lattice.name or source.file.stem
    by = solver.name + (" without the material of the joints" if solver.method == "beam" else "")
    said = f"{name}: effective stiffness by {by}; solid E = {solid.E:g}, nu = {solid.nu:g}"
    write_card(output, stiffness, kind, CardInfo(name=name, source=said, E=solid.E))
    say_note(f"{output}: {kind}, {said}")
