"""``lattice-gnn schema``: print the JSON schemas of the documents."""

from typing import Annotated

import typer

from cli.terminal.output import show, to_json
from lattice_gnn.errors import LatticeGnnError


def schema(
    name: Annotated[
        str | None,
        typer.Argument(help="Document, such as prediction; default: list all.", show_default=False),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/json.md instead.")
    ] = False,
) -> None:
    """Print the JSON schema of a document, or list the documents."""
    from lattice_gnn.reports import schema as schemas

    if markdown and name is not None:
        raise LatticeGnnError(f"--markdown: prints all documents; leave out {name}.")
    if markdown:
        typer.echo(schemas.markdown(), nl=False)
    elif name is not None:
        typer.echo(to_json(schemas.json_schema(schemas.find_document(name))))
    else:
        from cli.terminal.tables import pairs

        rows = [(kind.SCHEMA, schemas.summary_of(kind)) for kind in schemas.DOCUMENTS]
        show(pairs(rows))
