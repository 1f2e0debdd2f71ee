"""``lattice-gnn info``: what a file holds, and what to beware of."""

from typing import TYPE_CHECKING, Any

from cli.terminal.inputs import Source, check_output, findings, is_single, read_sources
from cli.terminal.options import Files, Json, Output
from cli.terminal.output import emit_json, say_note, show

if TYPE_CHECKING:
    from cli.terminal.facts import Facts
    from lattice_gnn.lattice.lattice import Lattice


def info(files: Files, json: Json = False, output: Output = None) -> None:
    """Say what lattice files hold, with every warning."""
    sources = read_sources(files)
    check_output(output, files)
    rows = [_facts(source) for source in sources]
    if json or output is not None:
        from cli.terminal.facts import documents

        document = documents("info", "infos", rows, is_single(files, sources))
        emit_json(document, json, output)
    if not json:
        _show(rows)
    if output is not None:
        say_note(f"JSON written to {output}")


def _facts(source: Source) -> "Facts":
    from cli.terminal.facts import finding_facts, lattice_facts

    lattice = source.lattice
    net = lattice.connectivity()
    return {
        "lattice": lattice_facts(source),
        "geometry": _geometry(lattice),
        "net": {
            "description": net.describe(),
            "spans_space": net.spans_space,
            "components": [
                {
                    "nodes": component.nodes.tolist(),
                    "rank": component.rank,
                    "index": component.index,
                }
                for component in net.components
            ],
        },
        "warnings": [finding_facts(finding) for finding in findings(lattice)],
    }


def _geometry(lattice: "Lattice") -> dict[str, Any]:
    """Cell, lengths, radii, slenderness, coordination, clearance."""
    import numpy as np

    from lattice_gnn.errors import LatticeGnnError

    edges = np.linalg.norm(lattice.cell, axis=1)
    ends = lattice.radii if lattice.end_radii is None else lattice.end_radii
    radii = np.stack([lattice.radii, ends])
    try:
        clearance: float | None = lattice.clearance().distance
    except LatticeGnnError:
        clearance = None
    degrees, counts = np.unique(lattice.degrees, return_counts=True)
    unit = lattice.cell / edges[:, None]
    cosines = [unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]
    return {
        "cell_lengths": edges.tolist(),
        "cell_angles": np.degrees(np.arccos(np.clip(cosines, -1, 1))).tolist(),
        "volume": lattice.volume,
        "strut_lengths": _range(lattice.lengths),
        "radii": _range(radii),
        "radius_over_length": _range(radii / lattice.lengths),
        "coordination": {
            str(degree): int(count) for degree, count in zip(degrees, counts, strict=True)
        },
        "tapered": lattice.end_radii is not None,
        "hollow": lattice.inner_radii is not None,
        "own_moduli": lattice.E is not None or lattice.nu is not None,
        "clearance": clearance,
    }


def _range(values: Any) -> list[float]:
    return [float(values.min()), float(values.max())]


def _show(rows: list["Facts"]) -> None:
    from cli.terminal import tables

    for facts in rows:
        lattice = facts["lattice"]
        head = tables.lattice_rows(lattice) + tables.geometry_rows(facts)
        parts = [tables.block(lattice["name"] or "unnamed lattice", tables.pairs(head))]
        if facts["warnings"]:
            parts.append(tables.block("Beware", tables.finding_table(facts["warnings"])))
        show(*parts)
