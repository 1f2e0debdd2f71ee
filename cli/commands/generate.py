"""``lattice-gnn generate``: make a labelled dataset of crystal-like lattices."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.commands.label import Memory, Processes, Scheduler, warn_refused
from cli.terminal.inputs import check_output
from cli.terminal.options import VoxelsOption, is_given
from cli.terminal.output import emit_json, progress, say_note, show
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml

if TYPE_CHECKING:
    from rich.table import Table

    from data.datasets.dataset import Dataset
    from data.labelling.batches import Workers
    from data.labelling.solid import SolidLabelling
    from data.populations.population import Population

_DRAWN = 24


Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", help="The dataset to write (HDF5).")
]
Count = Annotated[int, typer.Option(min=1, help="Number of different base lattices.")]
Densities = Annotated[
    str,
    typer.Option(
        metavar="LIST|LOW:HIGH:N",
        help="Relative densities of each lattice, such as 0.01,0.03,0.1; or N of them drawn "
        "between two, log-uniform.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Levels = Annotated[
    str,
    typer.Option(metavar="LIST", help="Add copies with displaced nodes, such as 0.01,0.05,0.1."),
]
Measure = Annotated[
    Literal["fractional", "mean_length"],
    typer.Option(help="The unit of --levels: cell coordinates, or the mean strut length."),
]
Strain = Annotated[
    float, typer.Option(help="Largest principal strain of the cells of these copies.")
]
Radii = Annotated[
    Literal["uniform", "orbit", "random"],
    typer.Option(help="Radii: all equal, equal by symmetry class, or all different."),
]
Named = Annotated[bool, typer.Option("--named", help="Put the named cells first.")]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="YAML",
        help="A population in full (docs/data.md), instead of the options above.",
    ),
]
Solid = Annotated[
    bool, typer.Option("--solid", help="Add labels of solid FEM, which take seconds a lattice.")
]
Sheet = Annotated[
    Path | None,
    typer.Option(metavar="PICTURE", help="Draw some of the lattices into this file."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the statistics as JSON.")]


def generate(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    out: Out,
    count: Count = 1000,
    densities: Densities = "0.001:0.3:3",
    seed: Seed = 0,
    levels: Levels = "",
    measure: Measure = "fractional",
    strain: Strain = 0.0,
    radii: Radii = "uniform",
    named: Named = False,
    config: Config = None,
    workers: Processes = 2,
    scheduler: Scheduler = None,
    solid: Solid = False,
    voxels_per_diameter: VoxelsOption = 8,
    memory_limit: Memory = 1.0,
    sheet: Sheet = None,
    json: Json = False,
) -> None:
    """Make a dataset of lattices with beam-FEM labels, and with those of solid FEM if wanted.

    The lattices are crystal-like nets drawn from symmetry, each different from all others.

    An interrupted run goes on where it stopped when it is started again with the same options.
    """
    check_output(out)
    check_output(sheet)
    from data.datasets.statistics import describe
    from data.labelling.batches import Workers
    from data.labelling.solid import SolidLabelling
    from data.populations.population import Population

    if not solid:
        _refuse_solid(context)
    if config is not None:
        _refuse_both(context)
        population = Population.from_dict(read_yaml(config))
    else:
        from lattice_gnn.cells.named import cell_names

        population = Population(
            count=count,
            seed=seed,
            levels=_numbers("--levels", levels),
            measure=measure,
            strain=strain,
            radii=radii,
            named=tuple(cell_names()) if named else (),
            **_densities(densities),
        )
    settings = SolidLabelling(voxels_per_diameter, memory_limit=memory_limit) if solid else None
    dataset = _made(population, out, Workers(workers, scheduler), settings)
    if sheet is not None:
        draw_sheet(dataset, sheet)
    facts = describe(dataset)
    if json:
        emit_json({"file": str(out), **facts}, True, None)
    else:
        show(*statistics_tables(facts))
    say_note(f"dataset written to {out}")


def _made(
    population: "Population", out: Path, workers: "Workers", solid: "SolidLabelling | None"
) -> "Dataset":
    """Make the lattices with the labels of beams, then those of solids where they are wanted."""
    if solid is not None:
        from data.labelling.generate import generate_solid

        dataset = generate_solid(population, out, solid, workers, watch=progress)
        warn_refused(dataset)
        return dataset
    from data.labelling.generate import generate as make

    with progress("base lattices") as on_progress:
        return make(population, out, workers, on_progress=on_progress)


def _refuse_solid(context: typer.Context) -> None:
    """Options of solid labels where none are wanted."""
    for name in ("voxels_per_diameter", "memory_limit"):
        if is_given(context, name):
            raise LatticeGnnError(f"--{name.replace('_', '-')}: goes with --solid; add that.")


def _refuse_both(context: typer.Context) -> None:
    """Options that a YAML file also sets are refused beside it."""
    taken = ("count", "densities", "seed", "levels", "measure", "strain", "radii", "named")
    for name in taken:
        if is_given(context, name):
            raise LatticeGnnError(f"--{name}: give it in the YAML file or as an option, not both.")


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise LatticeGnnError(f"{option} {text}: expected numbers with commas between.") from None


def _densities(text: str) -> dict[str, Any]:
    if ":" not in text:
        found = _numbers("--densities", text)
        if not found:
            raise LatticeGnnError("--densities: expected at least one relative density.")
        return {"densities": found}
    words = text.split(":")
    try:
        low, high, draws = float(words[0]), float(words[1]), int(words[2])
    except (ValueError, IndexError):
        raise LatticeGnnError(
            f"--densities {text}: expected LOW:HIGH:N, such as 0.001:0.3:3."
        ) from None
    return {"density_range": (low, high), "draws": draws}


def draw_sheet(dataset: "Dataset", path: Path) -> None:
    """Draw the first lattices of as many bases, evenly spread."""
    import numpy as np

    from viz.sheet import draw_sheet as draw

    _, first = np.unique(dataset.base, return_index=True)
    spread = np.unique(np.linspace(0, len(first) - 1, min(_DRAWN, len(first))).astype(int))
    draw(path, dataset.lattices(first[spread]))
    say_note(f"contact sheet written to {path}")


def statistics_tables(facts: dict[str, Any]) -> list["Table"]:
    """The statistics of a population as tables."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title_justify="left")
    names = ("min", "p10", "median", "mean", "p90", "max")
    table.add_column("quantity")
    for name in names:
        table.add_column(name, justify="right")
    for quantity, summary in facts.items():
        if isinstance(summary, dict) and "median" in summary:
            row = (f"{summary[name]:.4g}" for name in names)
            table.add_row(quantity.replace("_", " "), *row)
    counts = Table(box=SIMPLE_HEAD)
    counts.add_column("what")
    counts.add_column("number", justify="right")
    counts.add_row("lattices", str(facts["lattices"]))
    counts.add_row("base lattices", str(facts["bases"]))
    counts.add_row("different nets", str(facts["nets"]))
    counts.add_row("space groups", str(facts["space_groups"]))
    for system, number in facts["systems"].items():
        counts.add_row(system, str(number))
    for kind, label in facts["labels"].items():
        counts.add_row(f"labels: {kind}", str(label["count"]))
    return [counts, table]
