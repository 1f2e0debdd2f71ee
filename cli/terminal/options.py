"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lattice_gnn.errors import LatticeGnnError

Element = Literal["euler-bernoulli", "timoshenko"]

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE",
        help="Lattice files of any format (docs/formats.md), or folders of *.json.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON (keys: docs/cli.md), no tables.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="PATH", help="Also write the JSON to this file."),
]
Model = Annotated[
    str,
    typer.Option("--model", metavar="NAME|PATH", help="A shipped model or a .safetensors file."),
]
ElementOption = Annotated[
    Element, typer.Option("--element", help="Beam theory of the struts in the FEM.")
]
Method = Literal["beam", "solid"]
MethodOption = Annotated[
    Method,
    typer.Option("--method", help="Struts as beams, or the union of struts and joints as a solid."),
]
VoxelsOption = Annotated[
    int,
    typer.Option(
        "--voxels-per-diameter",
        metavar="N",
        help="Resolution of the solid, across its thinnest strut: at least 4.",
    ),
]


def is_given(context: typer.Context, parameter: str) -> bool:
    """Whether the user gave the option, be it with its default value."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def refuse_other_method(context: typer.Context, method: Method) -> None:
    """Refuse options that the other method understands and this one would pass over.

    Raises:
        LatticeGnnError: Naming the first such option that the user gave.
    """
    of = {"element": "beam", "fields": "beam", "voxels_per_diameter": "solid"}
    for name, theirs in of.items():
        if theirs != method and is_given(context, name):
            raise LatticeGnnError(
                f"--{name.replace('_', '-')}: is an option of --method {theirs}, and the method is "
                f"{method}; leave the option out or change the method."
            )
