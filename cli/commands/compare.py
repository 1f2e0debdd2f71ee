"""``lattice-gnn compare``: many models on the same data with the same budget."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.terminal.inputs import make_folder
from cli.terminal.options import Json, LabelFolder, Lowest, refuse_without
from cli.terminal.output import emit, progress, say_note, say_warning, show
from lattice_gnn.wording import percent

if TYPE_CHECKING:
    from rich.table import Table

    from data.experiments.comparison import RunProgress
    from lattice_gnn.reports.comparison import ComparisonReport

_SHOWN = (
    "model",
    "parameters",
    "steps",
    "core-min",
    "ms",
    "directional mean",
    "median",
    "Frobenius median",
    "p90",
    "negative",
)


Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="Comparison (YAML): data, models, budget.")
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FOLDER", help="Folder for runs, tables and pictures."),
]
Catalogues = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalogue",
        metavar="FILE",
        help="Also test on this .lat catalogue (or dataset); may be repeated.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Train this model only; may be repeated."),
]
Jobs = Annotated[
    int,
    typer.Option("--jobs", metavar="N", min=1, help="Models trained at once, each on one thread."),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget-minutes",
        metavar="M",
        help="Core-minutes of training for each model, instead of those in the file.",
    ),
]


def compare(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    config: Config,
    output: Output,
    catalogue: Catalogues = None,
    lowest: Lowest = None,
    only: Only = None,
    jobs: Jobs = 1,
    data: LabelFolder = None,
    budget: Budget = None,
    json: Json = False,
) -> None:
    """Train many models on the same data with the same budget.

    FOLDER gets comparison.json, comparison.md, pictures, and a folder for each model. Finished
    models are kept; an interrupted comparison resumes.
    """
    from data.experiments.comparison import Job
    from data.experiments.comparison import compare as make
    from data.experiments.comparison_config import read_comparison
    from data.experiments.comparison_run import Catalogue
    from data.experiments.training_data import Labelling
    from data.labelling.batches import Workers
    from lattice_gnn.training.memory import keep_freed_memory
    from viz.comparison import draw_comparison

    if not catalogue:
        refuse_without(context, ("lowest",), "--catalogue")
    read_comparison(config, budget)
    keep_freed_memory()
    make_folder(output)
    with progress("labelling") as on_labelled, _runs() as on_run:
        job = Job(
            folder=output,
            labelling=Labelling(data or output / "data", Workers(jobs), on_labelled),
            catalogues=tuple(Catalogue(path, lowest) for path in catalogue or ()),
            only=tuple(only or ()),
            jobs=jobs,
            budget_minutes=budget,
        )
        report = make(config, job, on_run=on_run)
    pictures = draw_comparison(output, report)
    emit(report, json=json)
    if not json:
        show(_table(report))
    for name, why in report.failed.items():
        say_warning(f"{name}: {why}")
    left = [name for name in report.unfinished if name not in report.failed]
    if left:
        say_note(f"not finished: {', '.join(left)}")
    names = ", ".join(path.name for path in pictures)
    say_note(f"tables in {output / 'comparison.md'} and .json; pictures beside them: {names}")


@contextmanager
def _runs() -> Iterator[Callable[["RunProgress"], None]]:
    """Report runs: on a terminal a progress bar per model in training, else one line when done."""
    if not sys.stderr.isatty():
        yield _say_done
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[at]}"),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True)) as screen:
        tasks: dict[str, Any] = {}

        def tell(run: "RunProgress") -> None:
            if run.model is not None or run.failure is not None:
                if run.name in tasks:
                    screen.remove_task(tasks.pop(run.name))
                screen.console.print(_line(run), highlight=False, markup=False)
                return
            if run.name not in tasks:
                tasks[run.name] = screen.add_task(run.name, total=1.0, at="")
            screen.update(tasks[run.name], completed=run.share, at=run.at)

        yield tell


def _say_done(run: "RunProgress") -> None:
    if run.model is not None or run.failure is not None:
        say_note(_line(run))


def _line(run: "RunProgress") -> str:
    if run.model is None:
        return f"{run.name}: failed: {run.failure}"
    error, minutes = run.model.test.directional_error, run.model.core_minutes
    took = "" if minutes is None else f", {minutes:.3g} core-minutes"
    mean, median = percent(error.mean, 3), percent(error.median, 3)
    return f"{run.name}: directional error {mean} mean, {median} median{took}"


def _table(report: "ComparisonReport") -> "Table":
    from rich.markup import escape

    from cli.terminal.tables import columns

    table = columns(_SHOWN[0], _SHOWN[1:])
    for model in report.models:
        directional, frobenius = model.test.directional_error, model.test.relative_frobenius
        shares = (directional.mean, directional.median, frobenius.median, frobenius.p90)
        table.add_row(
            escape(model.name),
            str(model.parameters),
            "-" if model.steps is None else str(model.steps),
            "-" if model.core_minutes is None else f"{model.core_minutes:.3g}",
            "-" if model.forward_ms is None else f"{model.forward_ms:.3g}",
            *(percent(share, 3) for share in shares),
            percent(model.test.negative_eigenvalue_share, 3),
        )
    return table
