"""``lattice-gnn homogenise``: stiffness by finite elements, of beams or of the solid."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.inputs import Source, check_outputs, is_single, read_sources
from cli.terminal.options import (
    BATCH,
    Csv,
    ElementName,
    FemMethodName,
    Files,
    Json,
    Solver,
    Voxels,
    chosen_solver,
)
from cli.terminal.output import emit, progress, say_error, say_note, say_warnings, show
from cli.terminal.solvers import solve_beams, solve_solid, stages_of
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.reports.homogenisation import HomogenisationReport
    from lattice_gnn.verbs.homogenise import Homogenisation

MESH_SUFFIX = ".vtu"

Fields = Annotated[
    bool,
    typer.Option(
        "--fields",
        help="Also split the strain energy of beams into stretching, bending and torsion.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Also write the JSON to this file; with the suffix .vtu write displacement and "
        "stress of the solid instead.",
    ),
]


def homogenise(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    files: Files,
    method: FemMethodName = "beam",
    voxels_per_diameter: Voxels = 8,
    element: ElementName = "euler-bernoulli",
    fields: Fields = False,
    json: Json = False,
    output: Output = None,
    table: Csv = None,
) -> None:
    """Compute the stiffness by beam FEM or solid FEM.

    Beam FEM takes milliseconds but neglects the material of the joints: too soft except for slender
    struts. Solid FEM uses voxels, takes seconds to minutes, and estimates its error from two grids.

    A net that does not span space has a singular beam stiffness, which is printed with its rank and
    a warning. Solid FEM refuses it; the other lattices are solved, and the exit code is 2.
    """
    homogenise_files(
        files, chosen_solver(context), fields=fields, json=json, output=output, table=table
    )


def homogenise_files(
    files: Sequence[Path],
    solver: Solver,
    *,
    fields: bool,
    json: bool,
    output: Path | None,
    table: Path | None,
) -> None:
    """Solve all lattices of the files, and print and write the results."""
    sources = read_sources(files)
    check_outputs((output, table), files)
    mesh = _mesh(output, solver.method, len(sources))
    document = None if mesh is not None else output
    single = is_single(files, sources)
    thorough = single or json or document is not None
    if fields and not thorough:
        raise LatticeGnnError(
            "--fields: the table of several lattices has no room for the energies; add --json or "
            "--output, or name one file with one lattice."
        )
    if solver.method == "solid":
        found = _solids(sources, solver.voxels_per_diameter, thorough=thorough, mesh=mesh)
    else:
        found = _beams(sources, solver, fields=fields, thorough=thorough)
    reports, refused = found.reports, found.refused
    solved = [source for number, source in enumerate(sources) if number not in refused]
    say_warnings(
        f"{source.label}: {warning.text}"
        for source, report in zip(solved, reports, strict=True)
        for warning in report.warnings
    )
    if table is not None:
        from cli.terminal.csv_rows import csv_rows, write_csv

        write_csv(table, csv_rows(solved, found.results))
    _emit(reports, refused, solver, single, json=json, output=document)
    if not json:
        _show(reports, solver, single)
    if refused:
        say_warnings(f"left out: {why}" for why in refused.values())
        say_error(f"{len(refused)} of {len(sources)} lattices were refused, for the reasons above.")
        raise typer.Exit(2)


def _mesh(output: Path | None, method: str, count: int) -> Path | None:
    """Return the output path if it is a mesh.

    Raises:
        LatticeGnnError: For beams, or several lattices.
    """
    if output is None or output.suffix.lower() != MESH_SUFFIX:
        return None
    if method != "solid":
        raise LatticeGnnError(
            f"{output}: displacement and stress require solid FEM; give --method solid, or "
            "the name of a .json file."
        )
    if count != 1:
        raise LatticeGnnError(
            f"{output}: holds displacement and stress of one lattice, got {count} lattices; give "
            "one lattice, or the name of a .json file."
        )
    return output


@dataclass(frozen=True, slots=True)
class _Found:
    """Results and their documents; and, by number, why the other lattices were refused."""

    results: "list[Homogenisation]" = field(default_factory=list)
    reports: "list[HomogenisationReport]" = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def _beams(sources: Sequence[Source], solver: Solver, *, fields: bool, thorough: bool) -> _Found:
    from lattice_gnn.reports.beam import beam_reports
    from lattice_gnn.verbs.homogenise import beam_results

    found = _Found()
    with progress("beam FEM") as on_progress:
        for start in range(0, len(sources), BATCH):
            part = sources[start : start + BATCH]
            lattices = [source.lattice for source in part]
            solution = solve_beams(part, solver.element, fields=fields)
            origins = [source.origin for source in part]
            found.results.extend(beam_results(lattices, solution, solver.element))
            found.reports.extend(
                beam_reports(lattices, solution, solver.element, origins, thorough=thorough)
            )
            on_progress(len(found.reports), len(sources))
    return found


def _solids(
    sources: Sequence[Source], voxels_per_diameter: int, *, thorough: bool, mesh: Path | None
) -> _Found:
    """Homogenise lattices as solids, one by one.

    Raises:
        LatticeGnnError: If all are refused, naming the first, or the mesh cannot be written.
    """
    from lattice_gnn.reports.solid import solid_report
    from lattice_gnn.verbs.homogenise import solid_result

    found = _Found()
    with progress("solid FEM") as on_progress:
        for number, source in enumerate(sources):
            on_stage = stages_of(on_progress, number, len(sources), source.label)
            try:
                solution = solve_solid(source.lattice, source.label, voxels_per_diameter, on_stage)
            except LatticeGnnError as error:
                found.refused[number] = str(error)
                continue
            lattice, origin = source.lattice, source.origin
            found.results.append(solid_result(lattice, solution, voxels_per_diameter))
            found.reports.append(
                solid_report(lattice, solution, voxels_per_diameter, origin, thorough=thorough)
            )
            if mesh is not None:
                from data.exports.solid_fields import write_fields

                write_fields(mesh, solution.fields)
                say_note(f"displacement and stress written to {mesh}")
    if not found.reports:
        count, first = len(found.refused), found.refused[0]
        raise LatticeGnnError(f"all {count} lattices were refused; {first}" if count > 1 else first)
    return found


def _emit(
    reports: "Sequence[HomogenisationReport]",
    refused: dict[int, str],
    solver: Solver,
    single: bool,
    *,
    json: bool,
    output: Path | None,
) -> None:
    from lattice_gnn.reports.homogenisation import HomogenisationReports

    if single:
        emit(reports[0], json=json, output=output)
        return
    reasons = tuple(refused.values()) if solver.method == "solid" else None
    emit(HomogenisationReports(tuple(reports), reasons), json=json, output=output)


def _show(reports: "Sequence[HomogenisationReport]", solver: Solver, single: bool) -> None:
    from cli.terminal import solid_tables, stiffness_tables
    from cli.terminal.energy_tables import energy_blocks
    from cli.terminal.lattice_tables import lattice_rows
    from cli.terminal.tables import block, pairs

    if not single:
        show(stiffness_tables.homogenisation_overview(reports), wide=True)
        if solver.method == "solid":
            show("", solid_tables.solid_table(reports))
        return
    (report,) = reports
    lattice, solid = report.lattice, report.solid
    rows = stiffness_tables.solution_rows(report)
    if solid is not None:
        rows = solid_tables.solid_rows(solid)
    by = report.method.name + (f", {report.method.element}" if report.method.element else "")
    show(
        block(lattice.name or "unnamed lattice", pairs(lattice_rows(lattice) + rows)),
        *stiffness_tables.stiffness_blocks(report.stiffness, lattice.material, by),
        *stiffness_tables.moduli_blocks(report.moduli),
        *energy_blocks(report),
    )
