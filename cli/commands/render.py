"""``lattice-gnn render``: pictures of a lattice, its stiffness and its deformation."""

from pathlib import Path
from typing import Annotated

import typer

from cli.terminal.inputs import read_one
from cli.terminal.options import ElementName, MethodName, ModelName, Voxels
from cli.terminal.picture_request import Colour, Quantity, Request, ThemeName, What
from cli.terminal.pictures import draw

LatticeFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="File with one lattice; for a chart also a folder or dataset.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PNG",
        help="Picture to write (cuts and charts also .pdf, .svg); default: show a window, or write "
        "FILE-WHAT.png here where there is no display.",
    ),
]
Kind = Annotated[What, typer.Option(help="What to draw.")]
OneQuantity = Annotated[
    Quantity | None,
    typer.Option(help="With stiffness or cuts: only this one, by direction."),
]
Compare = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METHOD|FILE",
        help="With stiffness or cuts: beside another method (beam, solid, network) or lattice, "
        "on one scale, with the difference; may be repeated.",
    ),
]
ShownValue = Annotated[
    Colour | None,
    typer.Option(help="With lattice, deformation or modes: value shown as colour."),
]
Strain = Annotated[
    str | None,
    typer.Option(
        metavar="STRAIN",
        help="Macroscopic strain: 11, 22, 33, 23, 13, 12 (unit strain), stress-33 and so on "
        "(under this stress alone), softest, or six numbers, engineering shear, such as "
        "0,0,0.01,0,0,0.",
    ),
]
Factor = Annotated[
    float | None,
    typer.Option(metavar="F", help="Exaggerate displacements by F; default: 15 % strain."),
]
Tile = Annotated[
    tuple[int, int, int],
    typer.Option(metavar="A B C", help="Number of cells to draw along each cell vector."),
]
Animate = Annotated[
    Path | None,
    typer.Option(
        metavar="GIF|MP4",
        help="Write a load cycle of the strain given, or of the softest eigen-strain.",
    ),
]
Gltf = Annotated[
    Path | None, typer.Option(metavar="GLB", help="Also write the picture's 3-D content.")
]
Stl = Annotated[
    Path | None,
    typer.Option(metavar="STL", help="Also write the union of struts and joints (triangles)."),
]
Threemf = Annotated[
    Path | None, typer.Option("--3mf", metavar="3MF", help="The same as a 3MF file.")
]
Size = Annotated[
    tuple[int, int] | None,
    typer.Option(metavar="WIDTH HEIGHT", help="Pixels; default: by the number of views."),
]
Theme = Annotated[ThemeName, typer.Option(help="Colours of the picture.")]


def render(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    file: LatticeFile,
    output: Output = None,
    what: Kind = "overview",
    method: MethodName = "beam",
    element: ElementName = "euler-bernoulli",
    voxels_per_diameter: Voxels = 8,
    model: ModelName = "default",
    quantity: OneQuantity = None,
    compare: Compare = None,
    colour: ShownValue = None,
    strain: Strain = None,
    factor: Factor = None,
    tile: Tile = (1, 1, 1),
    animate: Animate = None,
    gltf: Gltf = None,
    stl: Stl = None,
    threemf: Threemf = None,
    size: Size = None,
    theme: Theme = "light",
) -> None:
    """Draw a lattice, its stiffness by direction, or its deformation."""
    request = Request(
        file=file,
        what=what,
        output=output,
        animate=animate,
        gltf=gltf,
        stl=stl,
        threemf=threemf,
        size=size,
        theme=theme,
        tiles=tile,
        quantity=quantity,
        compare=tuple(compare or ()),
        colour=colour,
        strain=strain,
        factor=factor,
    )
    draw(context, request, lambda: read_one(file))
