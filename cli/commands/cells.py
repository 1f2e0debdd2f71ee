"""``lattice-gnn cells``: list the named unit cells."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.options import Json
from cli.terminal.output import emit, show
from lattice_gnn.wording import counted

if TYPE_CHECKING:
    from lattice_gnn.reports.cell import CellReport


def cells(
    name: Annotated[
        str | None,
        typer.Argument(help="A cell, by name or alias: print its definition.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """List the named unit cells, or print the definition of one."""
    from lattice_gnn.cells.named import CELLS, cell_info
    from lattice_gnn.reports.cell import CellReports, cell_report

    if name is not None:
        report = cell_report(cell_info(name))
        emit(report, json=json)
        if not json:
            _define(report)
        return
    reports = tuple(cell_report(info) for info in CELLS.values())
    emit(CellReports(reports), json=json)
    if not json:
        _list(reports)


def _define(cell: "CellReport") -> None:
    aliases = f" ({', '.join(cell.aliases)})" if cell.aliases else ""
    typer.echo(
        f"{cell.name}{aliases}: {counted(cell.nodes, 'node')}, {counted(cell.struts, 'strut')}\n"
    )
    typer.echo(cell.definition)
    if cell.parameters:
        named = ", ".join(
            name if default is None else f"{name}={default:g}"
            for name, default in cell.parameters.items()
        )
        typer.echo(f"\nParameters for `make --param`, with defaults: {named}")


def _list(cells: "Sequence[CellReport]") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="cyan")
    table.add_column("name", no_wrap=True, style="bold")
    for heading in ("nodes", "struts"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("description and aliases")
    for cell in cells:
        aliases = f" [dim]({', '.join(cell.aliases)})[/]" if cell.aliases else ""
        table.add_row(cell.name, str(cell.nodes), str(cell.struts), cell.summary + aliases)
    show(table)
