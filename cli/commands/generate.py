"""``lattice-gnn generate``: make a labelled dataset of crystal-like lattices."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.terminal.inputs import check_outputs
from cli.terminal.options import (
    DatasetOutput,
    Json,
    Measure,
    Memory,
    Scheduler,
    Seed,
    Voxels,
    WorkerCount,
    is_given,
    numbers,
    refuse_without,
)
from cli.terminal.output import emit, progress, say_note, show
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml

if TYPE_CHECKING:
    from data.datasets.dataset import Dataset
    from data.labelling import batches
    from data.labelling.solid import SolidLabelling
    from data.populations.population import Population

Count = Annotated[int, typer.Option(metavar="N", min=1, help="Number of different base lattices.")]
Densities = Annotated[
    str,
    typer.Option(
        metavar="LIST|LOW:HIGH:N",
        help="Relative densities of each lattice, such as 0.01,0.03,0.1; or N densities drawn "
        "log-uniformly between two.",
    ),
]
Levels = Annotated[
    str,
    typer.Option(metavar="LIST", help="Add copies with displaced nodes, such as 0.01,0.05,0.1."),
]
MeasureName = Annotated[
    Measure,
    typer.Option(help="Unit of --levels: cell coordinates, or the mean strut length."),
]
Strain = Annotated[
    float, typer.Option(metavar="E", help="Largest principal strain of the cells of these copies.")
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
        help="A complete population (docs/data.md), instead of the options above.",
    ),
]
Solid = Annotated[
    bool, typer.Option("--solid", help="Also label by solid FEM, which takes seconds per lattice.")
]


def generate(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    output: DatasetOutput,
    count: Count = 1000,
    densities: Densities = "0.001:0.3:3",
    seed: Seed = 0,
    levels: Levels = "",
    measure: MeasureName = "fractional",
    strain: Strain = 0.0,
    radii: Radii = "uniform",
    named: Named = False,
    config: Config = None,
    workers: WorkerCount = 2,
    scheduler: Scheduler = None,
    solid: Solid = False,
    voxels_per_diameter: Voxels = 8,
    memory_limit: Memory = 1.0,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="PNG", help="Draw a contact sheet of the lattices."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a dataset of labelled, crystal-like lattices.

    The lattices are random nets with crystal symmetry, all different, with labels of beam FEM and,
    with --solid, of solid FEM.

    An interrupted run resumes when it is started again with the same options.
    """
    _check_places(output, picture, config)
    from data.datasets.statistics import describe
    from data.labelling.batches import Workers
    from data.labelling.solid import SolidLabelling
    from data.populations.population import Population
    from lattice_gnn.reports.dataset import DatasetReport

    _refuse_useless(context)
    if config is not None:
        _refuse_both(context)
        population = _read_population(config)
    else:
        from lattice_gnn.cells.named import cell_names

        population = Population(
            count=count,
            seed=seed,
            levels=numbers("--levels", levels),
            measure=measure,
            strain=strain,
            radii=radii,
            named=tuple(cell_names()) if named else (),
            **_densities(densities),
        )
    settings = SolidLabelling(voxels_per_diameter, memory_limit=memory_limit) if solid else None
    dataset = _made(population, output, Workers(workers, scheduler), settings)
    from cli.terminal.dataset_tables import draw_sheet, statistics_blocks

    if picture is not None:
        draw_sheet(dataset, picture)
    facts = describe(dataset)
    emit(DatasetReport(file=str(output), **vars(facts)), json=json)
    if not json:
        show(*statistics_blocks(facts))
    say_note(f"dataset written to {output}")


def _made(
    population: "Population",
    path: Path,
    workers: "batches.Workers",
    solid: "SolidLabelling | None",
) -> "Dataset":
    """Generate the lattices with beam labels and, if requested, solid labels."""
    if solid is not None:
        from cli.terminal.dataset_tables import warn_refused
        from data.labelling.generate import generate_solid
        from data.labelling.report import refused

        dataset = generate_solid(population, path, solid, workers, watch=progress)
        warn_refused(refused(dataset))
        return dataset
    from data.labelling.generate import generate as make

    with progress("base lattices") as on_progress:
        return make(population, path, workers, on_progress=on_progress)


def _check_places(output: Path, picture: Path | None, config: Path | None) -> None:
    check_outputs((output, picture), [] if config is None else [config])
    if picture is not None:
        from viz.render import check_picture_path

        check_picture_path(picture)


def _refuse_useless(context: typer.Context) -> None:
    """Refuse options of solid labels or of displaced copies where there are none."""
    given = context.params
    if not given["solid"]:
        refuse_without(context, ("voxels_per_diameter", "memory_limit"), "--solid")
    if given["config"] is None and not numbers("--levels", given["levels"]):
        refuse_without(context, ("measure", "strain"), "--levels")


def _read_population(config: Path) -> "Population":
    from data.populations.population import Population

    values = read_yaml(config)
    try:
        return Population.from_dict(values)
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{config}: {error}") from None


def _refuse_both(context: typer.Context) -> None:
    """Refuse options that the YAML file of --config also sets."""
    taken = ("count", "densities", "seed", "levels", "measure", "strain", "radii", "named")
    for name in taken:
        if is_given(context, name):
            raise LatticeGnnError(f"--{name}: give it in the YAML file or as an option, not both.")


def _densities(text: str) -> dict[str, Any]:
    if ":" not in text:
        found = numbers("--densities", text)
        if not found:
            raise LatticeGnnError("--densities: expected at least one relative density.")
        return {"densities": found}
    try:
        first, second, number = text.split(":")
        low, high, draws = float(first), float(second), int(number)
    except ValueError:
        raise LatticeGnnError(
            f"--densities {text}: expected LOW:HIGH:N, such as 0.001:0.3:3."
        ) from None
    return {"density_range": (low, high), "draws": draws}
