"""``lattice-gnn predict``: predict the stiffness by the network, optionally beside FEM."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from typer.core import TyperCommand

from cli.terminal.inputs import Source, check_outputs, is_single, read_sources, require_spanning
from cli.terminal.options import (
    BATCH,
    Csv,
    Element,
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
    refuse_without,
)
from cli.terminal.output import OnProgress, emit, progress, say_note, say_warnings, show
from cli.terminal.solvers import predict_part, references
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.reports.prediction import PredictionReport
    from lattice_gnn.surrogate.prediction import Prediction
    from lattice_gnn.tensors.stiffness import Stiffness


Fidelity = Annotated[
    Literal["solid", "beam"],
    typer.Option(
        "--fidelity",
        help="What to predict: the solid, by the network; or beams, by beam FEM itself, which "
        "needs no network.",
    ),
]
Check = Annotated[
    FemMethod | None,
    typer.Option(
        "--check",
        help="Also run this reference and show the difference; --check alone is beam FEM.",
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--picture",
        metavar="PNG",
        help="Draw the lattice beside its directional Young's modulus (one lattice only).",
    ),
]
Full = Annotated[
    bool,
    typer.Option(
        "--full",
        help="In tables of many lattices, also the extremes over all directions and the symmetry.",
    ),
]


def predict(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    files: Files,
    model: ModelName = "default",
    fidelity: Fidelity = "solid",
    check: Check = None,
    element: ElementName = "euler-bernoulli",
    voxels_per_diameter: Voxels = 8,
    json: Json = False,
    output: JsonOutput = None,
    picture: Picture = None,
    table: Csv = None,
    full: Full = False,
) -> None:
    """Predict the stiffness by a trained network.

    One lattice gets a report, several lattices one row each. A lattice outside the range of the
    model's training set is predicted with a warning that says why.
    """
    if fidelity == "beam":
        _beams_instead(context, files, element, json=json, output=output, table=table)
        return
    solver = _reference(context)
    sources = read_sources(files)
    require_spanning(sources)
    _check_places((output, picture, table), picture, files, sources)
    single = is_single(files, sources)
    from cli.terminal.csv_rows import csv_rows, write_csv
    from cli.terminal.prediction_tables import overview

    thorough = single or json or output is not None
    brief = not (thorough or full)
    found = _predict_all(sources, model, solver, thorough=thorough, documents=not brief)
    differences = None if solver is None else found.differences
    say_warnings(text for b, source in enumerate(sources) for text in _warnings(source, found, b))
    if picture is not None:
        _draw(found.predictions[0], picture)
    if table is not None:
        write_csv(table, csv_rows(sources, found.predictions, differences, full=full))
    if brief:
        show(overview(sources, found.predictions, differences), wide=True)
        return
    from lattice_gnn.reports.prediction import PredictionReports

    reports = found.reports
    emit(reports[0] if single else PredictionReports(tuple(reports)), json=json, output=output)
    if not json:
        _show(reports, single)


class PredictCommand(TyperCommand):
    """The command, in which ``--check`` may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the value that a bare ``--check`` stands for."""
        filled = []
        for arg, following in pairwise([*args, ""]):
            filled.append(arg)
            if arg == "--check" and following not in get_args(FemMethod):
                filled.append("beam")
        return super().parse_args(ctx, filled)


def _beams_instead(
    context: typer.Context,
    files: Sequence[Path],
    element: Element,
    *,
    json: bool,
    output: Path | None,
    table: Path | None,
) -> None:
    """Run beam FEM, the exact answer at this fidelity.

    Raises:
        LatticeGnnError: For options of the network.
    """
    from cli.commands.homogenise import homogenise_files

    others = ("model", "check", "voxels_per_diameter", "picture", "full")
    for name in others:
        if is_given(context, name):
            raise LatticeGnnError(
                f"--{name.replace('_', '-')}: is an option of --fidelity solid; leave it out, or "
                "change the fidelity."
            )
    homogenise_files(
        files, Solver(element=element), fields=False, json=json, output=output, table=table
    )
    say_note(
        "no network is needed for beams: this is beam FEM, as by `lattice-gnn homogenise`; it "
        "neglects the material of the joints."
    )


def _reference(context: typer.Context) -> Solver | None:
    """Return the solver of the check.

    Raises:
        LatticeGnnError: For options of a check without --check, or of another method.
    """
    if context.params["check"] is not None:
        return chosen_solver(context, by="check", apart_from=("model",))
    refuse_without(context, ("element",), "--check beam")
    refuse_without(context, ("voxels_per_diameter",), "--check solid")
    return None


def _check_places(
    outputs: Sequence[Path | None],
    picture: Path | None,
    files: Sequence[Path],
    sources: Sequence[Source],
) -> None:
    check_outputs(outputs, files)
    if picture is None:
        return
    if len(sources) != 1:
        raise LatticeGnnError(
            f"--picture draws one lattice, got {len(sources)}; name one file with one lattice."
        )
    from viz.render import check_picture_path

    check_picture_path(picture)


@dataclass(frozen=True, slots=True)
class _Found:
    """Predictions, their relative Frobenius differences from FEM, and their documents."""

    predictions: "list[Prediction]" = field(default_factory=list)
    differences: list[float | None] = field(default_factory=list)
    reports: "list[PredictionReport]" = field(default_factory=list)


def _predict_all(
    sources: Sequence[Source],
    model: str,
    solver: Solver | None,
    *,
    thorough: bool,
    documents: bool,
) -> _Found:
    """Predict in batches; documents need searches over all directions and take longer."""
    from lattice_gnn.surrogate.prediction import prediction_reports
    from lattice_gnn.surrogate.surrogate import load_surrogate

    surrogate = load_surrogate(model)
    found = _Found()
    with progress("predicting") as on_progress:
        for start in range(0, len(sources), BATCH):
            part = sources[start : start + BATCH]
            answers = predict_part(surrogate, part)
            reference = None
            if solver is not None:
                shifted = _shifted(on_progress, start, len(sources))
                reference = references(part, solver, shifted)
            found.predictions.extend(answers)
            found.differences.extend(_differences(answers, reference))
            if documents:
                found.reports.extend(
                    prediction_reports(
                        answers,
                        [source.origin for source in part],
                        reference=reference,
                        reference_method="" if solver is None else solver.name,
                        thorough=thorough,
                    )
                )
            on_progress(len(found.predictions), len(sources))
    return found


def _differences(
    predictions: "Sequence[Prediction]", reference: "Stiffness | None"
) -> list[float | None]:
    """Return the relative Frobenius differences from a reference; None without one."""
    if reference is None:
        return [None] * len(predictions)
    import torch

    from lattice_gnn.tensors.metrics import relative_frobenius

    C = torch.stack([prediction.stiffness.mandel for prediction in predictions])
    found = relative_frobenius(C, reference.mandel).tolist()
    return [value if math.isfinite(value) else None for value in found]


def _shifted(on_progress: OnProgress, start: int, total: int) -> OnProgress:
    return lambda done, _, now=None: on_progress(start + done, total, now)


def _warnings(source: Source, found: _Found, b: int) -> Iterator[str]:
    for warning in found.reports[b].warnings if found.reports else ():
        yield f"{source.label}: {warning.text}"
    if not found.predictions[b].in_domain:
        notes = "; ".join(found.predictions[b].domain_notes)
        yield f"{source.label}: outside the model's training domain: {notes}."


def _draw(prediction: "Prediction", path: Path) -> None:
    from viz.render import draw_picture, overview

    by = f"network {prediction.model}"
    picture = overview(prediction.lattice, prediction.stiffness, by=by)
    drawn = draw_picture(picture, path, (1600, 800))
    say_note(f"picture written to {drawn.path}. {drawn.note}".rstrip())


def _show(reports: "Sequence[PredictionReport]", single: bool) -> None:
    from cli.terminal import stiffness_tables
    from cli.terminal.lattice_tables import lattice_rows
    from cli.terminal.tables import block, pairs

    if not single:
        show(stiffness_tables.prediction_overview(reports), wide=True)
        return
    (report,) = reports
    lattice = report.lattice
    rows = lattice_rows(lattice) + stiffness_tables.model_rows(report)
    parts = [
        block(lattice.name or "unnamed lattice", pairs(rows)),
        *stiffness_tables.stiffness_blocks(report.stiffness, lattice.material, "network"),
        *stiffness_tables.moduli_blocks(report.moduli),
    ]
    beside = [x for x in (report.frame, report.check) if x is not None]
    if report.frame is not None and report.check is not None:
        beside = beside[report.frame.method == report.check.method :]
    for reference in beside:
        parts += stiffness_tables.check_blocks(report, reference)
    show(*parts)
