"""``lattice-gnn homogenise``: stiffness by finite elements alone, of beams or of the solid."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.terminal.beam import solve
from cli.terminal.inputs import Source, check_output, is_single, read_sources
from cli.terminal.options import (
    Element,
    ElementOption,
    Files,
    Json,
    Method,
    MethodOption,
    VoxelsOption,
    refuse_other_method,
)
from cli.terminal.output import emit_json, progress, say_error, say_note, say_warnings, show
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.terminal.facts import Facts
    from fem_reference.beam.solution import BeamSolution

BATCH = 64
MESH_SUFFIX = ".vtu"


def homogenise(  # noqa: PLR0913 (every option of a command is a parameter)
    context: typer.Context,
    files: Files,
    method: MethodOption = "beam",
    voxels_per_diameter: VoxelsOption = 8,
    element: ElementOption = "euler-bernoulli",
    fields: Annotated[
        bool,
        typer.Option(
            "--fields",
            help="Also say where the energy of beams goes (stretching, bending, torsion).",
        ),
    ] = False,
    json: Json = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Also write the JSON to this file; with .vtu displacement and stress of the "
            "solid instead.",
        ),
    ] = None,
) -> None:
    """Compute the stiffness by finite elements, of beams or of a solid.

    Beams take milliseconds and leave out the material of the joints: too soft for all but slender
    struts. The solid is voxels, takes seconds to minutes, and estimates its error from two grids.

    A net of beams that does not span space has a singular stiffness: it is given as it is, with its
    rank and a warning. As a solid it is refused; the results of the others are given all the same,
    and the exit code is 2.
    """
    refuse_other_method(context, method)
    sources = read_sources(files)
    check_output(output, files)
    mesh = _mesh(output, method, len(sources))
    document = None if mesh is not None else output
    single = is_single(files, sources)
    thorough = single or json or document is not None
    if method == "solid":
        from cli.terminal.solvers import solid_rows

        rows, refused = solid_rows(sources, voxels_per_diameter, thorough=thorough, mesh=mesh)
    else:
        rows, refused = _beam_rows(sources, element, fields, thorough), {}
    solved = [source for number, source in enumerate(sources) if number not in refused]
    say_warnings(
        f"{source.label}: {warning['text']}"
        for source, row in zip(solved, rows, strict=True)
        for warning in row["warnings"]
    )
    if json or document is not None:
        from cli.terminal.facts import documents

        facts = documents("homogenisation", "homogenisations", rows, single)
        if method == "solid" and not single:
            facts["refused"] = list(refused.values())
        emit_json(facts, json, document)
    if not json:
        _show(rows, single)
    if output is not None:
        say_note(f"{'JSON' if mesh is None else 'displacement and stress'} written to {output}")
    if refused:
        say_warnings(f"left out: {why}" for why in refused.values())
        say_error(f"{len(refused)} of {len(sources)} lattices are refused, as said above.")
        raise typer.Exit(2)


def _mesh(output: Path | None, method: Method, count: int) -> Path | None:
    """The output, if it is to be a mesh.

    Raises:
        LatticeGnnError: For beams, or several lattices.
    """
    if output is None or output.suffix.lower() != MESH_SUFFIX:
        return None
    if method != "solid":
        raise LatticeGnnError(
            f"{output}: displacement and stress are those of the solid; give --method solid, or "
            "the name of a .json file."
        )
    if count != 1:
        raise LatticeGnnError(
            f"{output}: holds displacement and stress of one lattice, got {count} lattices; give "
            "them one by one, or the name of a .json file."
        )
    return output


def _beam_rows(
    sources: Sequence[Source], element: Element, fields: bool, thorough: bool
) -> list["Facts"]:
    rows: list[Facts] = []
    with progress("homogenising") as on_progress:
        for start in range(0, len(sources), BATCH):
            part = sources[start : start + BATCH]
            solution = solve(part, element, fields=fields)
            rows += _assemble(part, solution, element, thorough)
            on_progress(len(rows), len(sources))
    return rows


def _assemble(
    sources: Sequence[Source], solution: "BeamSolution", element: Element, thorough: bool
) -> list["Facts"]:
    from cli.terminal.facts import lattice_facts, moduli_facts, stiffness_facts, warning_facts

    stiffness = solution.stiffness
    definite = [b for b in range(len(sources)) if solution.rank[b] == 6]
    moduli: dict[int, Any] = {}
    if definite:
        moduli = dict(zip(definite, moduli_facts(stiffness[definite,]), strict=True))
    rows: list[Facts] = []
    for b, source in enumerate(sources):
        row: Facts = {
            "lattice": lattice_facts(source, thorough=thorough),
            "method": {"name": "beam FEM", "element": element},
            "rank": int(solution.rank[b]),
            "components": int(solution.components[b]),
            "stiffness": stiffness_facts(stiffness[b], source.lattice.material.E),
            "moduli": moduli.get(b),
            "warnings": warning_facts(source) if thorough or b not in moduli else [],
        }
        if solution.fields is not None:
            row |= _field_facts(solution, b)
        rows.append(row)
    return rows


def _field_facts(solution: "BeamSolution", b: int) -> "Facts":
    """Condition number, and energy density under each unit strain by kind of deformation."""
    from cli.terminal.energy_tables import energy_facts

    found = solution.fields
    assert found is not None  # the caller asked for them
    return {"condition": float(found.condition[b]), **energy_facts(found, b)}


def _show(rows: Sequence["Facts"], single: bool) -> None:
    from cli.terminal import tables

    solid = "solid" in rows[0]
    if not single:
        show(tables.overview(rows))
        if solid:
            from cli.terminal.solvers import solution_table

            show("", solution_table(rows))
        return
    facts = rows[0]
    lattice = facts["lattice"]
    head = tables.lattice_rows(lattice)
    if solid:
        from cli.terminal.solvers import solution_rows

        head += solution_rows(facts["solid"])
        by = "solid FEM"
    else:
        head += tables.solution_rows(facts)
        by = f"beam FEM, {facts['method']['element']}"
    parts: list[RenderableType] = [
        tables.block(lattice["name"] or "unnamed lattice", tables.pairs(head))
    ]
    parts += tables.stiffness_blocks(facts["stiffness"], lattice["material"], by)
    parts += tables.moduli_blocks(facts["moduli"])
    if "energy" in facts:
        from cli.terminal.energy_tables import energy_blocks

        parts += energy_blocks(facts, facts["rank"])
    show(*parts)
