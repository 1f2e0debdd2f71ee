"""``lattice-gnn validate``: a method against a catalogue of reference tensors."""

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
    import numpy as np

    from data.formats.lat import CatalogueEntry
    from fem_reference.validate import Comparison
    from fem_reference.validate import Solver as Solve
    from lattice_gnn.lattice.lattice import Lattice
    from lattice_gnn.reports.errors import Summary
    from lattice_gnn.reports.validation import ReferenceSelection
    from lattice_gnn.tensors.stiffness import Stiffness

    _Reference = tuple[Lattice, Stiffness, np.ndarray]


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
    highest: Annotated[
        int | None,
        typer.Option(
            "--highest", metavar="N", help="Only the N highest densities of each catalogue entry."
        ),
    ] = None,
    limit: Limit = None,
    seed: Seed = 0,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="PNG", help="Draw a parity plot.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare beam FEM, solid FEM or a network with the reference tensors of a catalogue.

    Computes every lattice at each density that has a tensor, and prints how far apart the two are,
    relative to the reference: median, mean, p90, p99 and largest difference of C, of S, of the
    softest eigenvalue of C. A further row is the change of C that follows from rounding the
    reference to its printed digits, which is where lattices with one very soft mode differ.

    Catalogues hold tensors of beams. By --method solid the difference is therefore what beam theory
    gets wrong, together with the error of the grid, which two more rows estimate. Solids take
    seconds to minutes each, thin struts longest: --highest and --limit pick some. A lattice that
    the solid reference refuses is reported and left out.
    """
    solver = chosen_solver(context)
    check_output(picture, [catalogue])
    from lattice_gnn.reports.validation import ReferenceSelection, ValidationReport, differences

    selection = ReferenceSelection(lowest, highest, limit, seed)
    entries = _read(catalogue)
    chosen = _choose(entries, selection)
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
        model=model if method == "network" else None,
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


def _read(catalogue: Path) -> list["CatalogueEntry"]:
    from data.formats import kind_of
    from data.formats.lat import read_lat

    kind = kind_of(catalogue)
    if kind != "lat":
        raise LatticeGnnError(
            f"{catalogue.name}: a file of the format {kind} carries no reference tensors to "
            "compare with; expected a .lat catalogue."
        )
    entries = read_lat(catalogue)
    if not any(entry.references for entry in entries):
        raise LatticeGnnError(
            f"{catalogue.name}: none of its {len(entries)} entries carries a compliance tensor to "
            "compare with."
        )
    return entries


def _choose(
    entries: "Sequence[CatalogueEntry]", selection: "ReferenceSelection"
) -> "list[_Reference]":
    """Lattice, tensor and its rounding, of what the options select."""
    from data.experiments.reference_set import drawn

    for name in ("lowest", "highest", "limit"):
        value = getattr(selection, name)
        if value is not None and value < 1:
            raise LatticeGnnError(f"--{name}: expected a whole number of at least 1, got {value}.")
    found: list[_Reference] = []
    for entry in entries:
        own = [(*pair, half) for pair, half in zip(entry.pairs(), entry.roundings, strict=True)]
        own.sort(key=lambda reference: reference[0].relative_density)
        own = own[: selection.lowest]
        found += own[-selection.highest :] if selection.highest else own
    return [found[k] for k in drawn(len(found), selection.limit, selection.seed).tolist()]


def _compare(references: "Sequence[_Reference]", solve: "Solve") -> "Comparison":
    from fem_reference.validate import compare

    lattices, tensors, roundings = zip(*references, strict=True)
    return compare(list(zip(lattices, tensors, strict=True)), solve, roundings)


def _solve(solver: Solver) -> "Solve":
    """The stiffness of many lattices by beam FEM or by the network."""
    if solver.method == "network":
        from lattice_gnn.lattice.batch import LatticeBatch
        from lattice_gnn.surrogate.surrogate import load_surrogate
        from lattice_gnn.tensors.stiffness import Stiffness
        from lattice_gnn.training.evaluation import predict_in_batches

        model = load_surrogate(solver.model).model

        def by_network(lattices: "Sequence[Lattice]") -> "Stiffness":
            batch = LatticeBatch.from_lattices([lattice.simplified() for lattice in lattices])
            return Stiffness(predict_in_batches(model, batch))

        return by_network
    from fem_reference.beam.homogenise import homogenise_beam

    return lambda lattices: homogenise_beam(lattices, element=solver.element).stiffness


def _solid(
    chosen: "Sequence[_Reference]", voxels_per_diameter: int
) -> "tuple[Comparison, dict[str, Summary], list[str]]":
    """The comparison, statistics of the errors that the grids estimate, and what was refused.

    Raises:
        LatticeGnnError: If all lattices are refused.
    """
    import torch

    from lattice_gnn.reports.errors import summary
    from lattice_gnn.tensors.stiffness import Stiffness

    kept, tensors, numbers, refused = [], [], [], []
    with progress("solid FEM") as on_progress:
        for number, reference in enumerate(chosen):
            lattice = reference[0]
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
            f"the solid reference refuses all {len(chosen)} lattices; the first: {refused[0]}"
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
