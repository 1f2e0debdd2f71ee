"""The command line ``lattice-gnn``: one file per command, imported when the command runs."""

import atexit
import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.commands.app import app as app_command
from cli.commands.cells import cells
from cli.commands.compare import compare
from cli.commands.convert import convert
from cli.commands.data import data
from cli.commands.design import design
from cli.commands.evaluate import evaluate
from cli.commands.export import export
from cli.commands.generate import generate
from cli.commands.homogenise import homogenise
from cli.commands.info import info
from cli.commands.label import label
from cli.commands.make import make
from cli.commands.predict import PredictCommand, predict
from cli.commands.render import render
from cli.commands.report import report
from cli.commands.schema import schema
from cli.commands.train import train
from cli.commands.validate import validate
from cli.terminal.interruption import INTERRUPTED, raise_interruptions
from cli.terminal.output import say_error
from cli.terminal.threads import start_with_one_thread
from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError

_OUTPUT_FAILED = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
_ALLOCATIONS = 10_000
"""Objects between two passes of the garbage collector; Python's default is 700."""


class _Commands(TyperGroup):
    """The command group: bad input gives one sentence and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            raise_interruptions()
            return super().invoke(ctx)
        except LatticeGnnError as error:
            say_error(str(error))
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            say_error("interrupted.")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    name="lattice-gnn",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lattice-gnn {__version__}")
        raise typer.Exit


@app.callback()
def _lattice_gnn(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Effective elasticity of strut lattices: a trained network beside beam and solid FEM.

    Lattices are files in JSON, GLAMM .lat, 3MF, .ltcx, Abaqus, mesh or table formats.
    `lattice-gnn make octet --relative-density 0.05 -o octet.json` writes one, `lattice-gnn predict
    octet.json` predicts its stiffness.
    """


_COMMANDS = (
    predict,
    homogenise,
    cells,
    make,
    info,
    convert,
    export,
    render,
    report,
    design,
    app_command,
    train,
    validate,
    evaluate,
    compare,
    generate,
    label,
    schema,
)
_CLASSES: dict[Any, type[TyperCommand]] = {predict: PredictCommand}
for _command in _COMMANDS:
    app.command(cls=_CLASSES.get(_command))(_command)
app.add_typer(data)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Args:
        arguments: Arguments after the program name; default: those of the process.
    """
    _spare_collections()
    _replace_what_cannot_be_printed()
    start_with_one_thread()
    try:
        app(args=None if arguments is None else list(arguments), prog_name="lattice-gnn")
        code: Any = 0
    except SystemExit as done:
        code = done.code
    except KeyboardInterrupt:  # between commands
        say_error("interrupted.")
        code = INTERRUPTED
    except OSError as error:
        if error.errno not in _OUTPUT_FAILED:
            raise
        code = _output_failed(error)
    raise SystemExit(_flushed(code))


def _replace_what_cannot_be_printed() -> None:
    """Characters that the encoding of a stream lacks are replaced; without a stream we stop."""
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
    if sys.stdout is None:
        if sys.stderr is not None:
            say_error("standard output is closed; nothing can be printed. Give it a place.")
        raise SystemExit(2)
    if sys.stderr is None:
        typer.echo("error: standard error is closed; warnings would be lost. Give it a place.")
        raise SystemExit(2)


def _flushed(code: Any) -> Any:
    """Write out what is left of standard output; where that fails, say so and return 2."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or 1
    except OSError as error:
        code = _output_failed(error)
    else:
        return code
    # What cannot be written is dropped, or Python would try again at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _output_failed(error: OSError) -> int:
    say_error(f"standard output cannot be written ({error.strerror}); what is missing is lost.")
    return 2


def _spare_collections() -> None:
    """Collect garbage less often, and not once more when the process ends.

    Loading torch makes hundreds of thousands of objects that stay, and Python's collector goes
    through them again and again: a third of the processor time of a short command.
    """
    gc.set_threshold(_ALLOCATIONS)
    atexit.register(gc.freeze)


if __name__ == "__main__":
    main()
