"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

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
