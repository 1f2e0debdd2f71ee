"""``lattice-gnn app``: a local page on which a lattice is changed and its stiffness follows."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from cli.terminal.inputs import read_sources
from cli.terminal.options import ModelName
from cli.terminal.output import say_note


def app(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]",
            help="Lattice files to begin with; default: the octet.",
            show_default=False,
        ),
    ] = None,
    model: ModelName = "default",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Open a page on which you change a lattice and watch its stiffness.

    The page is served on this machine only, to whoever has the address with its token. End it with
    Ctrl-C.
    """
    from viz.web.app import App, loopback, require_server, serve
    from viz.web.live import require_small

    require_server()
    lattices = [source.lattice for source in read_sources(files or [])]
    for lattice in lattices:
        require_small(lattice.num_struts)

    from lattice_gnn.surrogate.surrogate import load_surrogate

    load_surrogate(model)  # an unknown model is refused here, not by the page

    def ready(address: str) -> None:
        say_note(f"{address}  (Ctrl-C ends it)")
        if browser:
            import webbrowser

            webbrowser.open(address)

    serve(App(model, lattices), loopback(port), secrets.token_urlsafe(24), ready)
