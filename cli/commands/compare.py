"""``lattice-gnn compare``: many models on the same data with the same budget."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.terminal.inputs import make_folder
from cli.terminal.options import Json
from cli.terminal.output import emit_json, progress, say_note, say_warning, show

if TYPE_CHECKING:
    from rich.table import Table

    from data.experiments.comparison import RunProgress

_SHOWN = (
    "model",
    "parameters",
    "steps",
    "core-min",
    "ms",
    "directional mean %",
    "median %",
    "Frobenius median %",
    "p90 %",
    "negative %",
)


Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The comparison (YAML): data, models, budget.")
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Gets the runs and the tables.")
]
Catalogues = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalogue",
        metavar="FILE",
        help="Also test on this .lat catalogue (or dataset); may be repeated.",
    ),
]
Lowest = Annotated[
    int | None, typer.Option(min=1, help="Only the N lowest densities of each catalogue entry.")
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Make this model only; may be repeated."),
]
Jobs = Annotated[int, typer.Option(min=1, help="Models trained at once, each on one thread.")]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget-minutes",
        metavar="M",
        help="Core-minutes of training for each model, instead of those in the file.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Where labelled lattices are kept, for several comparisons; FOLDER/data if left out.",
    ),
]


def compare(  # noqa: PLR0913 (every option of a command is a parameter)
    config: Config,
    output: Output,
    catalogue: Catalogues = None,
    lowest: Lowest = None,
    only: Only = None,
    jobs: Jobs = 1,
    data: Data = None,
    budget: Budget = None,
    json: Json = False,
) -> None:
    """Train and measure many models on the same data, and put them in one table.

    FOLDER gets comparison.json, comparison.md, pictures, and a folder for each model. A model that
    is finished is not made again; an interrupted comparison goes on where it stopped.
    """
    from data.experiments.comparison import Job
    from data.experiments.comparison import compare as make
    from data.experiments.comparison_config import read_comparison
    from data.experiments.comparison_run import Catalogue
    from data.experiments.training_data import Labelling
    from data.labelling.batches import Workers
    from lattice_gnn.training.memory import keep_freed_memory
    from viz.comparison import draw_comparison

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
        document = make(config, job, on_run=on_run)
    pictures = draw_comparison(output, document)
    if json:
        emit_json(document, to_stdout=True, output=None)
    else:
        show(_table(document))
    for name, why in document["failed"].items():
        say_warning(f"{name}: {why}")
    left = [name for name in document["unfinished"] if name not in document["failed"]]
    if left:
        say_note(f"not finished: {', '.join(left)}")
    names = ", ".join(path.name for path in pictures)
    say_note(f"tables in {output / 'comparison.md'} and .json; pictures beside them: {names}")


@contextmanager
def _runs() -> Iterator[Callable[["RunProgress"], None]]:
    """Report models: a bar for each at work on a terminal, one line when it is done elsewhere."""
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
            if run.metrics is not None or run.failure is not None:
                if run.name in tasks:
                    screen.remove_task(tasks.pop(run.name))
                screen.console.print(_line(run), highlight=False, markup=False)
                return
            if run.name not in tasks:
                tasks[run.name] = screen.add_task(run.name, total=1.0, at="")
            screen.update(tasks[run.name], completed=run.share, at=run.at)

        yield tell


def _say_done(run: "RunProgress") -> None:
    if run.metrics is not None or run.failure is not None:
        say_note(_line(run))


def _line(run: "RunProgress") -> str:
    if run.metrics is None:
        return f"{run.name}: failed: {run.failure}"
    test, minutes = run.metrics["test"], run.metrics["core_minutes"]
    took = "" if minutes is None else f", {minutes:.3g} core-minutes"
    mean, median = (_percent(test["directional_error"][name]) for name in ("mean", "median"))
    return f"{run.name}: directional error {mean} % mean, {median} % median{took}"


def _table(document: dict[str, Any]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column(_SHOWN[0], overflow="fold")
    for name in _SHOWN[1:]:
        table.add_column(name, justify="right")
    for model in document["models"]:
        test = model["test"]
        minutes = model["core_minutes"]
        table.add_row(
            escape(model["name"]),
            str(model["parameters"]),
            "-" if model["steps"] is None else str(model["steps"]),
            "-" if minutes is None else f"{minutes:.3g}",
            f"{model['forward_ms']:.3g}",
            _percent(test["directional_error"]["mean"]),
            _percent(test["directional_error"]["median"]),
            _percent(test["relative_frobenius"]["median"]),
            _percent(test["relative_frobenius"]["p90"]),
            _percent(test["negative_eigenvalue_share"]),
        )
    return table


def _percent(value: float | None) -> str:
    return "inf" if value is None else f"{100 * value:.3g}"
