"""``lattice-gnn validate``: compare a method with a catalogue of reference tensors."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.inputs import check_output
from cli.terminal.options import (
    ElementName,
    Json,
    Limit,
    Lowest,
    MethodName,
    ModelName,
    Seed,
    Solver,
    Voxels,
    chosen_solver,
)
from cli.terminal.output import emit, progress, say_note, say_warnings, show
from cli.terminal.solvers import solve_solid, stages_of
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from data.experiments.catalogue import Reference
    from fem_reference.validate import Comparison
    from fem_reference.validate import Solver as Solve
    from lattice_gnn.lattice.lattice import Lattice
    from lattice_gnn.reports.errors import Summary
    from lattice_gnn.tensors.stiffness import Stiffness


Highest = Annotated[
    int | None,
    typer.Option(
        "--highest", metavar="N", help="Only the N highest densities of each catalogue entry."
    ),
]


def validate(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    catalogue: Annotated[
        Path, typer.Argument(metavar="CATALOGUE", help="A .lat catalogue with reference tensors.")
    ],
    method: MethodName = "beam",
    element: ElementName = "euler-bernoulli",
    voxels_per_diameter: Voxels = 8,
    model: ModelName = "default",
    lowest: Lowest = None,
    highest: Highest = None,
    limit: Limit = None,
    seed: Seed = 0,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="PNG", help="Draw a parity plot.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare FEM or a network with a catalogue of tensors.

    Computes every lattice at each density that has a tensor, and prints the differences relative to
    the reference: median, mean, p90, p99 and maximum for C, S and the softest eigenvalue of C. A
    further row is the change of C due to the rounding of the printed reference, which explains the
    differences of lattices with one very soft mode.

    Catalogues hold tensors of beam FEM. With --method solid the difference is therefore the error
    of beam theory together with that of the grid, which two more rows estimate. Solid FEM takes
    seconds to minutes per lattice, longest for thin struts: --highest and --limit select some.
    Lattices that the solid reference refuses are reported and left out.
    """
    solver = chosen_solver(context)
    _check_picture(picture, catalogue)
    from data.experiments.catalogue import choose_references, read_catalogue
    from lattice_gnn.reports.document import plain
    from lattice_gnn.reports.validation import ReferenceSelection, ValidationReport, differences

    selection = ReferenceSelection(lowest, highest, limit, seed)
    entries = read_catalogue(catalogue)
    chosen = choose_references(entries, **plain(selection))
    refused: list[str] = []
    grid: dict[str, Summary] = {}
    if method == "solid":
        comparison, grid, refused = _solid(chosen, voxels_per_diameter)
    else:
        comparison = _compare(chosen, _solve(solver))
    say_warnings(f"left out: {text}" for text in refused)
    report = ValidationReport(
        catalogue=str(catalogue),
        method=method,
        voxels_per_diameter=voxels_per_diameter if method == "solid" else None,
        element=element if method == "beam" else None,
        model=_model_name(model) if method == "network" else None,
        selection=selection,
        lattices=len(comparison),
        seconds=comparison.seconds,
        **differences(comparison),
        **grid,
        worst=comparison.worst(),
        without_reference=tuple(entry.name for entry in entries if not entry.references),
        refused=tuple(refused),
        notes=tuple(note for entry in entries for note in entry.notes),
    )
    emit(report, json=json)
    if not json:
        from cli.terminal.validation_tables import blocks

        show(*blocks(report))
    if picture is not None:
        _draw(picture, comparison)


def _check_picture(picture: Path | None, catalogue: Path) -> None:
    check_output(picture, [catalogue])
    if picture is not None:
        from viz.style import check_figure_path

        check_figure_path(picture)


def _model_name(model: str) -> str:
    from lattice_gnn.network.checkpoint import model_name

    return model_name(model)


def _compare(references: "Sequence[Reference]", solve: "Solve") -> "Comparison":
    from fem_reference.validate import compare

    pairs = [(reference.lattice, reference.stiffness) for reference in references]
    return compare(pairs, solve, [reference.rounding for reference in references])


def _solve(solver: Solver) -> "Solve":
    """Compute the stiffness of many lattices by beam FEM or the network."""
    if solver.method == "network":
        import torch

        from lattice_gnn.surrogate.surrogate import load_surrogate
        from lattice_gnn.tensors.stiffness import Stiffness

        surrogate = load_surrogate(solver.model)

        def by_network(lattices: "Sequence[Lattice]") -> "Stiffness":
            with progress("predicting") as on_progress:
                found = surrogate.predict(list(lattices), on_progress=on_progress)
            return Stiffness(torch.stack([prediction.stiffness.mandel for prediction in found]))

        return by_network
    from fem_reference.beam.homogenise import homogenise_beam

    return lambda lattices: homogenise_beam(lattices, element=solver.element).stiffness


def _solid(
    chosen: "Sequence[Reference]", voxels_per_diameter: int
) -> "tuple[Comparison, dict[str, Summary], list[str]]":
    """Return the comparison, statistics of the estimated grid errors, and refused lattices.

    Raises:
        LatticeGnnError: If all lattices are refused.
    """
    import torch

    from lattice_gnn.reports.errors import summary
    from lattice_gnn.tensors.stiffness import Stiffness

    kept, tensors, numbers, refused = [], [], [], []
    with progress("solid FEM") as on_progress:
        for number, reference in enumerate(chosen):
            lattice = reference.lattice
            name = f"{lattice.name} at {lattice.relative_density:.4g}"
            try:
                on_stage = stages_of(on_progress, number, len(chosen), name)
                found = solve_solid(lattice, name, voxels_per_diameter, on_stage)
            except LatticeGnnError as error:
                refused.append(str(error))
                continue
            kept.append(reference)
            tensors.append(found.stiffness.mandel)
            numbers.append((found.error, found.softest_error, found.seconds))
    if not kept:
        raise LatticeGnnError(
            f"the solid reference refused all {len(chosen)} lattices; the first: {refused[0]}"
        )
    comparison = _compare(kept, lambda _: Stiffness(torch.stack(tensors)))
    in_C, in_softest, seconds = torch.tensor(numbers, dtype=torch.float64).T
    grid = {"grid_error": summary(in_C), "grid_softest_error": summary(in_softest)}
    return dataclasses.replace(comparison, seconds=float(seconds.sum())), grid, refused


def _draw(path: Path, comparison: "Comparison") -> None:
    from viz.parity import draw_parity

    draw_parity(
        path,
        comparison.computed.numpy(),
        comparison.reference.numpy(),
        comparison.relative_density.numpy(),
        comparison.rounding_floor.numpy(),
    )
    say_note(f"picture written to {path}")
