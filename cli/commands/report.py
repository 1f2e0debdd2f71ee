"""``lattice-gnn report``: one offline page with everything about a few lattices."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal.inputs import check_output, read_sources, require_spanning
from cli.terminal.options import BELONGS_TO, ElementName, Files, ModelName, Voxels, is_given
from cli.terminal.output import progress, say_note, say_warnings
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from viz.web.results import Methods


class Method(StrEnum):
    """A column of the page."""

    network = "network"
    beam = "beam"
    solid = "solid"


def report(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    files: Files,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="HTML", help="Page to write.")],
    method: Annotated[
        list[Method],
        typer.Option(
            "--method",
            help="Columns of the page, may be repeated: the network, beam FEM, solid FEM.",
        ),
    ] = [Method.network, Method.beam],  # noqa: B006 (typer copies it)
    model: ModelName = "default",
    element: ElementName = "euler-bernoulli",
    voxels_per_diameter: Voxels = 8,
) -> None:
    """Write one offline HTML page about a lattice, or a comparison of several.

    The page shows the lattice and its stiffness in three dimensions, polar cuts, matrices, moduli,
    warnings and where the numbers come from. It needs no network, prints well, and contains the
    numbers as JSON.
    """
    from lattice_gnn.files import check_writable
    from viz.web.report import check_page_path, write_report
    from viz.web.results import page_report
    from viz.web.tables import warning_texts

    methods = _methods(context, method, model, element, voxels_per_diameter)
    check_page_path(output)
    check_writable(output)
    sources = read_sources(files)
    check_output(output, files)
    if methods.network:
        require_spanning(sources)
    with progress("computing") as on_progress:
        found = page_report(
            [source.lattice for source in sources],
            methods,
            [source.origin for source in sources],
            on_progress=on_progress,
        )
    write_report(output, found)
    say_warnings(
        f"{source.label}: {text}"
        for source, entry in zip(sources, found.lattices, strict=True)
        for text in warning_texts(entry.results)
    )
    say_note(f"report written to {output}")


def _methods(
    context: typer.Context, chosen: Sequence[Method], model: str, element: str, voxels: int
) -> "Methods":
    """Return the chosen methods.

    Raises:
        LatticeGnnError: For an option of a method that was not chosen.
    """
    from viz.web.results import Methods

    for name, method in BELONGS_TO.items():
        if method not in chosen and is_given(context, name):
            raise LatticeGnnError(
                f"--{name.replace('_', '-')}: is an option of --method {method}, which was not "
                "chosen; add that, or omit the option."
            )
    return Methods(
        network="network" in chosen,
        beam="beam" in chosen,
        solid="solid" in chosen,
        model=model,
        element=element,  # type: ignore[arg-type]
        voxels_per_diameter=voxels,
    )
