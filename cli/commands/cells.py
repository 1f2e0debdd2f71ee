"""``lattice-gnn cells``: which unit cells there are by name."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.terminal.options import Json
from cli.terminal.output import emit_json, show

if TYPE_CHECKING:
    from lattice_gnn.cells.named import CellInfo

_RADIUS = 0.01


def cells(
    name: Annotated[
        str | None,
        typer.Argument(help="A cell, by name or alias: print its definition.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """List the named unit cells, or define one of them."""
    from lattice_gnn.cells.named import CELLS, cell_info

    members = [cell_info(name)] if name is not None else list(CELLS.values())
    rows = [_facts(member) for member in members]
    if json:
        from cli.terminal.facts import documents

        emit_json(documents("cell", "cells", rows, name is not None), True, None)
    elif name is not None:
        _define(rows[0])
    else:
        _list(rows)


def _facts(info: "CellInfo") -> dict[str, Any]:
    lattice = info.build(radius=_RADIUS)
    return {
        "name": info.name,
        "aliases": list(info.aliases),
        "nodes": lattice.num_nodes,
        "struts": lattice.num_struts,
        "parameters": info.parameters,
        "summary": info.summary,
        "definition": info.definition,
    }


def _define(row: dict[str, Any]) -> None:
    aliases = f" ({', '.join(row['aliases'])})" if row["aliases"] else ""
    typer.echo(f"{row['name']}{aliases}: {row['nodes']} nodes, {row['struts']} struts\n")
    typer.echo(row["definition"])


def _list(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="cyan")
    table.add_column("name", no_wrap=True, style="bold")
    for heading in ("nodes", "struts"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what it is, and other names")
    for row in rows:
        counts = str(row["nodes"]), str(row["struts"])
        aliases = f" [dim]({', '.join(row['aliases'])})[/]" if row["aliases"] else ""
        table.add_row(row["name"], *counts, row["summary"] + aliases)
    show(table)
