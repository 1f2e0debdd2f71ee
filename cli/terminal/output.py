"""Output of the commands: JSON, tables, progress, warnings, errors."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from lattice_gnn.reports.document import Document

PIPE_WIDTH = 1000
"""Width of tables that do not go to a terminal, so that nothing is wrapped."""

MOST_WARNINGS = 10
"""Number of warnings that are printed individually."""


class OnProgress(Protocol):
    """Callback with the completed amount, the total, and the current task."""

    def __call__(self, done: float, total: float, now: str | None = None) -> None:
        """Show the progress."""


def say_error(sentence: str) -> None:
    """Print an error on stderr."""
    _say("error", sentence, typer.colors.RED)


def say_warning(sentence: str) -> None:
    """Print a warning on stderr."""
    _say("warning", sentence, typer.colors.YELLOW)


def say_warnings(sentences: Iterable[str]) -> None:
    """Print the first warnings, and the number of further ones."""
    found = list(sentences)
    for sentence in found[:MOST_WARNINGS]:
        say_warning(sentence)
    if len(found) > MOST_WARNINGS:
        more = len(found) - MOST_WARNINGS
        say_warning(f"... and {more} more; the JSON has all of them, lattice by lattice.")


def say_note(sentence: str) -> None:
    """Print a note on stderr, such as which file was written."""
    typer.echo(sentence, err=True)


def _say(kind: str, sentence: str, colour: str) -> None:
    typer.echo(f"{typer.style(f'{kind}:', fg=colour, bold=True)} {sentence}", err=True)


def console(*, wide: bool = False) -> "Console":
    """Return the console for tables on stdout; a pipe gets a fixed width, as do ``wide`` tables."""
    from rich.console import Console

    free = not wide and (sys.stdout.isatty() or "COLUMNS" in os.environ)
    return Console(width=None if free else PIPE_WIDTH, highlight=False)


def show(*parts: "RenderableType", wide: bool = False) -> None:
    """Print tables on stdout, without trailing spaces.

    Args:
        parts: What to print.
        wide: Neither wrap nor cut at the width of the terminal, so that names stay whole.
    """
    screen = console(wide=wide)
    with screen.capture() as captured:
        screen.print(*parts, sep="\n")
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """Show a progress bar on stderr while the block runs, if stderr is a terminal.

    Args:
        what: Description of the task.

    Yields:
        A function of the completed number, the total, and the current task.
    """
    if not sys.stderr.isatty():
        yield lambda done, total, now=None: None
        return
    from rich import progress as bars
    from rich.console import Console
    from rich.markup import escape

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: float, total: float, now: str | None = None) -> None:
            bar.update(task, completed=done, total=total, description=escape(now or what))

        yield tell


def emit(document: "Document", *, json: bool, output: Path | None = None) -> None:
    """Print a document as JSON, or write it to a file, or both; a file is written atomically.

    Raises:
        LatticeGnnError: If the file cannot be written.
    """
    if not json and output is None:
        return
    text = to_json(document.to_dict())
    if output is not None:
        from lattice_gnn.files import write_whole

        write_whole(output, text + "\n")
        say_note(f"JSON written to {output}")
    if json:
        typer.echo(_printable(text))


def _printable(text: str) -> str:
    """Return JSON that standard output can hold: what its encoding lacks is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(x if x.isascii() else json.dumps(x)[1:-1] for x in text)
    return text


def to_json(value: Any, indent: str = "") -> str:
    """Format as JSON with short lists on one line; equal values give equal text."""
    deeper = indent + "  "
    if isinstance(value, Mapping) and value:
        rows = [f"{json.dumps(key)}: {to_json(entry, deeper)}" for key, entry in value.items()]
        opening, closing = "{}"
    elif isinstance(value, list) and any(isinstance(entry, list | dict) for entry in value):
        rows = [to_json(entry, deeper) for entry in value]
        opening, closing = "[]"
    else:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    body = f",\n{deeper}".join(rows)
    return f"{opening}\n{deeper}{body}\n{indent}{closing}"
