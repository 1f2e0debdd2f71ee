"""``lattice-gnn train``: train a model from a recipe."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.terminal.compiler_cache import compiler_cache_in
from cli.terminal.inputs import make_folder
from cli.terminal.options import LabelFolder
from cli.terminal.output import say_note
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.training.loop import Progress

Report = Callable[["Progress"], None]


def train(
    config: Annotated[
        Path,
        typer.Argument(metavar="CONFIG", help="Recipe (YAML): model, training, data."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder of the run: state and weights."
        ),
    ],
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option("--device", help="Device; auto takes a GPU if there is one."),
    ] = "auto",
    data: LabelFolder = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Also write curves for TensorBoard, to OUTPUT/tensorboard."
        ),
    ] = False,
) -> None:
    """Train a model from a recipe (YAML).

    Lattices are generated or read, and labelled; the network is trained, and tested on held-out
    lattices.

    An interrupted run resumes from its last validation when it is started again. Several
    processes, or GPUs, train together under torchrun: docs/training.md.
    """
    from data.experiments.recipe import read_recipe, run_recipe
    from data.experiments.training_data import Labelling
    from lattice_gnn.training.distributed import choose_device, is_first_process, join
    from lattice_gnn.training.memory import keep_freed_memory
    from lattice_gnn.training.tensorboard import TensorBoard

    kind = read_recipe(config).model.kind
    if tensorboard:
        _require_curves(kind)
    keep_freed_memory()
    place = choose_device(device)
    curves = TensorBoard(output / "tensorboard") if tensorboard else None
    make_folder(output)
    labelling = Labelling(data or output / "data")
    if not is_first_process():
        with compiler_cache_in(output), join(place):
            run_recipe(config, output, labelling=labelling, device=str(place))
        return
    say_note(f"preparing the lattices of {config}; training on {place}")
    with (
        compiler_cache_in(output),
        join(place),
        closing(curves) if curves else nullcontext(),
        _display() as show,
    ):

        def report(state: "Progress") -> None:
            _note_few_steps(state)
            show(state)
            if curves is not None:
                curves(state)

        weights = run_recipe(
            config, output, labelling=labelling, on_progress=report, device=str(place)
        )
    typer.echo(weights)
    say_note(f"to use it: lattice-gnn predict FILE --model {weights}")


def _require_curves(kind: str) -> None:
    from lattice_gnn.training.closed_form import CLOSED_FORMS

    if kind in CLOSED_FORMS:
        raise LatticeGnnError(
            f"--tensorboard: {kind} is fitted in closed form, without curves; leave it out."
        )


def _note_few_steps(state: "Progress") -> None:
    from lattice_gnn.training.config import FEW_STEPS

    if state.step == 1 and state.steps < FEW_STEPS:
        say_note(
            f"only {state.steps} steps are planned, and most networks need at least "
            f"{FEW_STEPS:,}; raise train.steps or train.epochs, or lower train.batch_size."
        )


@contextmanager
def _display() -> Iterator[Report]:
    """Report a training run: a progress bar on a terminal, else one line per validation."""
    if not sys.stderr.isatty():
        yield _say_validation
        return
    from rich import progress
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("to go"),
        TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=None)

        def show(state: "Progress") -> None:
            if bar.tasks[task].total is None:
                # Earlier steps of a resumed run would distort the remaining time.
                bar.reset(task, total=state.steps, completed=state.step - 1)
            bar.update(task, completed=state.step, description=_step_text(state))
            if state.validation is not None:
                bar.console.print(_validation_line(state), highlight=False)

        yield show


def _say_validation(state: "Progress") -> None:
    if state.validation is not None:
        say_note(_validation_line(state))


def _step_text(state: "Progress") -> str:
    return (
        f"{_place(state)}, loss {state.loss:.3g}, rate {state.learning_rate:.1e}, "
        f"{state.ms_per_lattice:.1f} ms per lattice, best {_percent(state.best)}"
    )


def _validation_line(state: "Progress") -> str:
    errors = state.validation or {}
    shown = ", ".join(
        f"{name.replace('_', ' ')} {_percent(errors[name]['median'])}"
        for name in ("directional_error", "relative_frobenius")
        if name in errors
    )
    line = (
        f"{_place(state)}: loss {state.loss:.4g}, median {shown}; "
        f"mean directional error {_percent(errors['directional_error']['mean'])}, "
        f"best {_percent(state.best)}; {state.ms_per_lattice:.1f} ms per lattice"
    )
    return f"{line}; stopped early: no improvement" if state.stopped else line


def _place(state: "Progress") -> str:
    if state.epochs:
        return f"epoch {state.epoch + 1} of {state.epochs}"
    return f"step {state.step} of {state.steps}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if math.isfinite(share) else "-"
