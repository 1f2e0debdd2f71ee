"""``lattice-gnn homogenise``: stiffness by beam FEM alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.beam import solve
from cli.inputs import Source, check_output, is_single, read_sources
from cli.options import Element, ElementOption, Files, Json, Output
from cli.report import emit_json, progress, say_note, say_warnings, show

if TYPE_CHECKING:
    from cli.facts import Facts
    from fem_reference.beam import BeamSolution

BATCH = 64


def homogenise(
    files: Files,
    element: ElementOption = "euler-bernoulli",
    fields: Annotated[
        bool,
        typer.Option(
            "--fields", help="Also say where the energy goes (stretching, bending, torsion)."
        ),
    ] = False,
    json: Json = False,
    output: Output = None,
) -> None:
    """Compute the stiffness by beam finite elements.

    A net that does not span space has a singular stiffness: it is given as it is, with its rank and
    a warning.
    """
    sources = read_sources(files)
    check_output(output, files)
    single = is_single(files, sources)
    thorough = single or json or output is not None
    rows: list[Facts] = []
    with progress("homogenising") as on_progress:
        for start in range(0, len(sources), BATCH):
            part = sources[start : start + BATCH]
            solution = solve(part, element, fields=fields)
            rows += _assemble(part, solution, element, thorough)
            on_progress(len(rows), len(sources))
    say_warnings(
        f"{source.label}: {warning['text']}"
        for source, row in zip(sources, rows, strict=True)
        for warning in row["warnings"]
    )
    if json or output is not None:
        from cli.facts import documents

        emit_json(documents("homogenisation", "homogenisations", rows, single), json, output)
    if not json:
        _show(rows, single)
    if output is not None:
        say_note(f"JSON written to {output}")


def _assemble(
    sources: Sequence[Source], solution: "BeamSolution", element: Element, thorough: bool
) -> list["Facts"]:
    from cli.facts import lattice_facts, moduli_facts, stiffness_facts, warning_facts

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
    from cli.energy import energy_facts

    found = solution.fields
    assert found is not None  # the caller asked for them
    return {"condition": float(found.condition[b]), **energy_facts(found, b)}


def _show(rows: Sequence["Facts"], single: bool) -> None:
    from cli import tables

    if not single:
        show(tables.overview(rows))
        return
    facts = rows[0]
    lattice = facts["lattice"]
    head = [*tables.lattice_rows(lattice), *tables.solution_rows(facts)]
    by = f"beam FEM, {facts['method']['element']}"
    parts = [tables.block(lattice["name"] or "unnamed lattice", tables.pairs(head))]
    parts += tables.stiffness_blocks(facts["stiffness"], lattice["material"], by)
    parts += tables.moduli_blocks(facts["moduli"])
    if "energy" in facts:
        from cli.energy import energy_blocks

        parts += energy_blocks(facts, facts["rank"])
    show(*parts)
