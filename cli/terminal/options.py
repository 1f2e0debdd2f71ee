"""Arguments and options that several commands share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from lattice_gnn.errors import LatticeGnnError

Element = Literal["euler-bernoulli", "timoshenko"]
FemMethod = Literal["beam", "solid"]
Method = Literal["beam", "solid", "network"]
METHODS = get_args(Method)
Measure = Literal["fractional", "mean_length"]

BATCH = 64
"""Number of lattices per batch."""

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Lattice files in any format (docs/formats.md), or folders of them.",
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON (keys: docs/json.md) instead of tables.")
]
JsonOutput = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="PATH", help="Also write the JSON to this file."),
]
DatasetOutput = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Dataset to write (HDF5).")
]
ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        help="Shipped model (joints, joints-linear, relaxation), or a .safetensors file.",
        show_default="joints",
    ),
]
ElementName = Annotated[Element, typer.Option("--element", help="Beam theory of the struts.")]
FemMethodName = Annotated[
    FemMethod,
    typer.Option("--method", help="FEM of the struts as beams, or of their union as a solid."),
]
MethodName = Annotated[
    Method,
    typer.Option("--method", help="Beam FEM, solid FEM, or the trained network."),
]
Voxels = Annotated[
    int,
    typer.Option(
        "--voxels-per-diameter",
        metavar="N",
        help="Voxels of the solid across its thinnest strut, at least 4.",
    ),
]
Lowest = Annotated[
    int | None,
    typer.Option(
        "--lowest", metavar="N", help="Only the N lowest densities of each catalogue entry."
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="S", min=0, help="Random seed.")]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", help="At most N lattices, drawn at random.")
]
Supercell = Annotated[
    tuple[int, int, int], typer.Option(metavar="A B C", help="Copies along the cell vectors.")
]
Memory = Annotated[
    float,
    typer.Option(
        "--memory-limit",
        metavar="GB",
        help="Memory limit per process; lattices with larger grids are not labelled.",
    ),
]
WorkerCount = Annotated[
    int, typer.Option("--workers", metavar="N", min=1, help="Processes on this machine.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="tcp://HOST:PORT", help="Dask scheduler whose workers are used instead."),
]
LabelFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Folder of the labelled lattices, which runs may share; default: OUTPUT/data.",
    ),
]

BELONGS_TO = {
    "element": "beam",
    "fields": "beam",
    "voxels_per_diameter": "solid",
    "model": "network",
}
"""Options that apply to one method only."""

Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="CSV", help="Also write one row per lattice to this file."),
]
"""Path of a table with one row per lattice."""


@dataclass(frozen=True, slots=True)
class Solver:
    """Method of computing a stiffness, with its settings.

    Attributes:
        method: By beam FEM, solid FEM or the network.
        element: Beam theory, for beams.
        voxels_per_diameter: Resolution, for solids.
        model: Name or path, for the network.
    """

    method: Method = "beam"
    element: Element = "euler-bernoulli"
    voxels_per_diameter: int = 8
    model: str = "default"

    @property
    def name(self) -> str:
        """Description of the method."""
        if self.method == "beam":
            return f"beam FEM, {self.element}"
        if self.method == "solid":
            return f"solid FEM, {self.voxels_per_diameter} voxels per diameter"
        from lattice_gnn.network.checkpoint import model_name

        return f"network {model_name(self.model)}"

    @property
    def short_name(self) -> str:
        """The method alone, for legends."""
        return "network" if self.method == "network" else f"{self.method} FEM"


def is_given(context: typer.Context, parameter: str) -> bool:
    """Return whether the user gave the option, even with its default value."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def refuse_without(context: typer.Context, names: Collection[str], needed: str) -> None:
    """Refuse options that mean nothing without another one.

    Args:
        context: Context of the command.
        names: The options, as parameters of the command.
        needed: What they need, such as "--solid".

    Raises:
        LatticeGnnError: Naming the first of them that is given.
    """
    for name in names:
        if is_given(context, name):
            raise LatticeGnnError(f"--{name.replace('_', '-')}: requires {needed}; add that.")


def chosen_solver(
    context: typer.Context, *, by: str = "method", apart_from: Collection[str] = ()
) -> Solver:
    """Return the solver chosen by the options of a command.

    Args:
        context: Context of the command.
        by: The option that names the method.
        apart_from: Options that have another meaning in the command.

    Raises:
        LatticeGnnError: Naming the first option given that belongs to another method.
    """
    values: Mapping[str, object] = context.params
    method = values[by]
    for name, theirs in BELONGS_TO.items():
        if theirs != method and name not in apart_from and is_given(context, name):
            raise LatticeGnnError(
                f"--{name.replace('_', '-')}: is an option of --{by} {theirs}, but the {by} is "
                f"{method}; omit the option or change the {by}."
            )
    own = set(Solver.__slots__) - {"method", *apart_from}
    known = {name: values[name] for name in own if name in values}
    return Solver(method=method, **known)  # type: ignore[arg-type]


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Parse numbers separated by commas.

    Raises:
        LatticeGnnError: If there is anything else.
    """
    try:
        return tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise LatticeGnnError(f"{option} {text}: expected numbers separated by commas.") from None
