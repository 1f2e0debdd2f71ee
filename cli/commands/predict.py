"""``lattice-gnn predict``: predict the stiffness by the network, optionally beside FEM."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.inputs import Source, check_outputs, is_single, read_sources, require_spanning
from cli.terminal.options import (
    BATCH,
    ElementName,
    FemMethod,
    Files,
    Json,
    JsonOutput,
    ModelName,
    Solver,
    Voxels,
    chosen_solver,
    is_given,
)
from cli.terminal.output import OnProgress, emit, progress, say_note, say_warnings, show
from cli.terminal.solvers import references
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.reports.prediction import PredictionReport
    from lattice_gnn.surrogate.prediction import Prediction


def predict(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    files: Files,
    model: ModelName = "default",
    check: Annotated[
        bool, typer.Option("--check", help="Also run FEM and show the difference.")
    ] = False,
    method: Annotated[
        FemMethod, typer.Option("--method", help="With --check: beam FEM or solid FEM.")
    ] = "beam",
    element: ElementName = "euler-bernoulli",
    voxels_per_diameter: Voxels = 8,
    json: Json = False,
    output: JsonOutput = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="PNG",
            help="Draw the lattice beside its directional Young's modulus (one lattice only).",
        ),
    ] = None,
) -> None:
    """Predict the stiffness by a trained network.

    One lattice gets a report, several lattices one row each. A lattice outside the range of the
    model's training set is predicted with a warning that says why.
    """
    solver = _reference(context, check=check)
    sources = read_sources(files)
    require_spanning(sources)
    _check_places(output, picture, files, sources)
    single = is_single(files, sources)
    thorough = single or json or output is not None
    reports, predictions = _predict_all(sources, model, solver, thorough=thorough)
    pairs = zip(sources, reports, strict=True)
    say_warnings(text for source, report in pairs for text in _warnings(source, report))
    if picture is not None:
        _draw(predictions[0], picture)
    from lattice_gnn.reports.prediction import PredictionReports

    emit(reports[0] if single else PredictionReports(tuple(reports)), json=json, output=output)
    if not json:
        _show(reports, single)


def _reference(context: typer.Context, *, check: bool) -> Solver | None:
    """Return the solver of the check.

    Raises:
        LatticeGnnError: For options of a check without --check, or of another method.
    """
    if check:
        return chosen_solver(context, apart_from=("model",))
    for name in ("method", "element", "voxels_per_diameter"):
        if is_given(context, name):
            raise LatticeGnnError(f"--{name.replace('_', '-')}: requires --check; add that.")
    return None


def _check_places(
    output: Path | None, picture: Path | None, files: Sequence[Path], sources: Sequence[Source]
) -> None:
    check_outputs((output, picture), files)
    if picture is None:
        return
    if len(sources) != 1:
        raise LatticeGnnError(
            f"--picture draws one lattice, got {len(sources)}; name one file with one lattice."
        )
    from viz.render import check_picture_path

    check_picture_path(picture)


def _predict_all(
    sources: Sequence[Source], model: str, solver: Solver | None, *, thorough: bool
) -> "tuple[list[PredictionReport], list[Prediction]]":
    """Predict in batches: a report and a prediction for each lattice."""
    from lattice_gnn.surrogate.prediction import prediction_reports
    from lattice_gnn.surrogate.surrogate import load_surrogate

    surrogate = load_surrogate(model)
    reports: list[PredictionReport] = []
    predictions: list[Prediction] = []
    with progress("predicting") as on_progress:
        for start in range(0, len(sources), BATCH):
            part = sources[start : start + BATCH]
            answers = surrogate.predict([source.lattice for source in part], batch_size=BATCH)
            predictions += answers
            reports += prediction_reports(
                answers,
                [source.origin for source in part],
                reference=None
                if solver is None
                else references(part, solver, _shifted(on_progress, start, len(sources))),
                reference_method="" if solver is None else solver.name,
                thorough=thorough,
            )
            on_progress(len(reports), len(sources))
    return reports, predictions


def _shifted(on_progress: OnProgress, start: int, total: int) -> OnProgress:
    return lambda done, _, now=None: on_progress(start + done, total, now)


def _warnings(source: Source, report: "PredictionReport") -> Iterator[str]:
    for warning in report.warnings:
        yield f"{source.label}: {warning.text}"
    if not report.domain.inside:
        notes = "; ".join(report.domain.notes)
        yield f"{source.label}: outside the model's training domain: {notes}."


def _draw(prediction: "Prediction", path: Path) -> None:
    from viz.render import render

    drawn = render(prediction.lattice, prediction.stiffness, path)
    say_note(f"picture written to {drawn.path}. {drawn.note}".rstrip())


def _show(reports: "Sequence[PredictionReport]", single: bool) -> None:
    from cli.terminal import stiffness_tables
    from cli.terminal.lattice_tables import lattice_rows
    from cli.terminal.tables import block, pairs

    if not single:
        show(stiffness_tables.prediction_overview(reports))
        return
    (report,) = reports
    lattice = report.lattice
    rows = lattice_rows(lattice) + stiffness_tables.model_rows(report)
    parts = [
        block(lattice.name or "unnamed lattice", pairs(rows)),
        *stiffness_tables.stiffness_blocks(report.stiffness, lattice.material, "network"),
        *stiffness_tables.moduli_blocks(report.moduli),
    ]
    if report.check is not None:
        parts += stiffness_tables.check_blocks(report, report.check)
    show(*parts)
