"""``lattice-gnn train``: make a model from a recipe."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.report import say_note
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from lattice_gnn.train import Progress


def train(
    config: Annotated[
        Path,
        typer.Argument(metavar="CONFIG", help="The recipe (YAML): model, training, data."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where the run keeps its state and weights."
        ),
    ],
) -> None:
    """Make a model from a recipe (YAML).

    Lattices are drawn and labelled by beam FEM, the network is trained and tested on others.

    An interrupted run goes on where its last epoch ended when it is started again.
    """
    from data.recipe import read_recipe, run_recipe

    read_recipe(config)
    _prepare(output)
    say_note(f"drawing and labelling the lattices of {config}")
    with _epochs() as on_progress:
        weights = run_recipe(config, output, on_progress=on_progress)
    typer.echo(weights)
    say_note(f"use it: lattice-gnn predict FILE --model {weights}")


def _prepare(folder: Path) -> None:
    """Make the folder, hours before it is needed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LatticeGnnError(
            f"{folder}: cannot be made ({error.strerror}); choose another folder."
        ) from None
    if not os.access(folder, os.W_OK):
        raise LatticeGnnError(f"{folder}: is not writable; choose another folder.")


@contextmanager
def _epochs() -> Iterator[Callable[["Progress"], None]]:
    """Report a training run: a bar on a terminal, one line an epoch elsewhere."""
    if not sys.stderr.isatty():
        yield _say_epoch
        return
    from rich import progress
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=None)

        def show(state: "Progress") -> None:
            done, total = state.epoch * state.steps + state.step, state.epochs * state.steps
            text = f"epoch {state.epoch + 1} of {state.epochs}, loss {state.loss:.3g}"
            bar.update(task, completed=done, total=total, description=text)
            if state.validation is not None:
                bar.console.print(_epoch_line(state), highlight=False)

        yield show


def _say_epoch(state: "Progress") -> None:
    if state.validation is not None:
        say_note(_epoch_line(state))


def _epoch_line(state: "Progress") -> str:
    errors = state.validation or {}
    shown = ", ".join(
        f"{name.replace('_', ' ')} {100 * summary['median']:.2f} %"
        for name, summary in errors.items()
        if name in ("relative_frobenius", "directional_error")
    )
    return f"epoch {state.epoch + 1} of {state.epochs}: loss {state.loss:.4g}, median {shown}"
