"""The solid reference at the terminal: progress, trouble told with a name, facts and tables."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.terminal.facts import Facts, finding_facts, lattice_facts, moduli_facts, stiffness_facts
from cli.terminal.inputs import Finding, Source, findings
from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from rich.table import Table

    from fem_reference.solid.homogenise import Progress as OnStage
    from fem_reference.solid.homogenise import SolidSolution
    from lattice_gnn.lattice.lattice import Lattice

Watch = Callable[[int, str], "OnStage | None"]


@contextmanager
def watching(total: int) -> Iterator[Watch]:
    """Show on stderr what is being done to which lattice; nothing where that is no terminal.

    Args:
        total: Number of lattices.

    Yields:
        A function of the number of a lattice, from 0, and its name: the ``on_progress`` of its
        solver.
    """
    if not sys.stderr.isatty():
        yield lambda number, name: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("solid FEM", total=1.0)

        def watch(number: int, name: str) -> "OnStage":
            where = escape(name if total == 1 else f"{name} ({number + 1} of {total})")
            return lambda stage, share: bar.update(
                task, description=f"{where}: {stage}", completed=share
            )

        yield watch


def solve(
    lattice: "Lattice", name: str, voxels_per_diameter: int, on_progress: "OnStage | None"
) -> "SolidSolution":
    """Homogenise one lattice.

    Raises:
        LatticeGnnError: Naming the lattice, where the solid reference refuses it.
    """
    from fem_reference.solid.homogenise import homogenise_solid

    try:
        return homogenise_solid(
            lattice, voxels_per_diameter=voxels_per_diameter, on_progress=on_progress
        )
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{name}: {error}") from None


def solid_rows(
    sources: Sequence[Source], voxels_per_diameter: int, *, thorough: bool, mesh: Path | None
) -> tuple[list[Facts], dict[int, str]]:
    """Homogenise lattices one by one.

    Args:
        sources: The lattices.
        voxels_per_diameter: Resolution that was asked for.
        thorough: Sample the union of the struts too.
        mesh: File for displacement and stress of the only lattice.

    Returns:
        Rows of those that the solid reference accepts; and, by number, why it refuses others.

    Raises:
        LatticeGnnError: Where all are refused, naming the first, or the mesh cannot be written.
    """
    rows: list[Facts] = []
    refused: dict[int, str] = {}
    with watching(len(sources)) as watch:
        for number, source in enumerate(sources):
            on_progress = watch(number, source.label)
            try:
                solution = solve(source.lattice, source.label, voxels_per_diameter, on_progress)
            except LatticeGnnError as error:
                refused[number] = str(error)
                continue
            rows.append(_facts(source, solution, voxels_per_diameter, thorough))
            if mesh is not None:
                from data.exports.solid_fields import write_fields

                write_fields(mesh, solution.fields)
    if not rows:
        first = refused[0]
        many = len(refused) > 1
        raise LatticeGnnError(f"all {len(refused)} are refused; {first}" if many else first)
    return rows, refused


def _facts(
    source: Source, solution: "SolidSolution", voxels_per_diameter: int, thorough: bool
) -> Facts:
    """One row; the keys are in ``docs/cli.md``."""
    components = solution.fine.components
    return {
        "lattice": lattice_facts(source, thorough=thorough),
        "method": {"name": "solid FEM", "voxels_per_diameter": voxels_per_diameter},
        "rank": 6,  # anything less is refused
        "components": components.kept,
        "stiffness": stiffness_facts(solution.stiffness, source.lattice.material.E),
        "moduli": moduli_facts(solution.stiffness[None])[0],
        "warnings": _warnings(source, solution),
        "solid": {
            "error": solution.error,
            "softest_error": solution.softest_error,
            "volume_fraction": solution.volume_fraction,
            "voxels_per_diameter": solution.voxels_per_diameter,
            "grid": list(solution.fine.shape),
            "active_nodes": solution.active_nodes,
            "iterations": {
                "fine": solution.fine.iterations,
                "coarse": solution.coarse.iterations,
            },
            "memory": solution.memory,
            "seconds": solution.seconds,
            "touching": solution.touching,
            "unresolved_gap": solution.unresolved_gap,
            "dropped_components": components.dropped,
            "dropped_volume": components.dropped_volume,
        },
    }


def _warnings(source: Source, solution: "SolidSolution") -> list[Facts]:
    """What touches the results of a solid; the limits of beam theory do not."""
    from cli.terminal.tables import percent

    parts = solution.fine.components
    found = []
    if parts.kept > 1:
        text = f"{parts.kept} separate solids interpenetrate; each of them carries load."
        found.append(Finding("net", text))
    if parts.dropped:
        text = (
            f"{_count(parts.dropped, 'part')} of the solid ({percent(parts.dropped_volume)} of the "
            "cell) left out: not connected in three dimensions, so that no load is carried."
        )
        found.append(Finding("dropped", text))
    found += _contacts(solution)
    found += [x for x in findings(source.lattice) if x.kind == "dangling"]
    return [finding_facts(finding) for finding in found]


def _contacts(solution: "SolidSolution") -> list[Finding]:
    """Struts without a common joint that touch, or nearly."""
    clearance = solution.clearance
    if clearance is None:
        text = "The struts are so long that contacts between them were not looked for."
        return [Finding("contact", text)]
    if solution.touching:
        text = (
            f"{_count(clearance.touching, 'pair')} of struts that share no joint touch or overlap: "
            "here they are one solid."
        )
        return [Finding("contact", text)]
    if solution.unresolved_gap:
        text = (
            f"The smallest gap between struts without a joint, {clearance.distance:.4g}, is below "
            "two voxels of the coarse grid, which may close it: the estimates of the error grow; "
            "more voxels per diameter resolve it."
        )
        return [Finding("gap", text)]
    return []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def solution_rows(solid: Facts) -> list[tuple[str, str]]:
    """Return how far one solution can be trusted and what it took, for the table."""
    from cli.terminal.tables import percent

    return [
        ("filled voxels", f"{solid['volume_fraction']:.5g} (union of struts and joints)"),
        ("error of C", f"about {percent(solid['error'])} (Frobenius; estimate from two grids)"),
        ("softest eigenvalue", f"about {percent(solid['softest_error'])} (likewise)"),
        (
            "grid",
            f"{_grid(solid)} voxels, {solid['voxels_per_diameter']:.3g} across the thinnest "
            f"strut; {solid['active_nodes']:,} active nodes",
        ),
        (
            "iterations",
            f"{solid['iterations']['fine']}, on the coarse grid {solid['iterations']['coarse']}",
        ),
        ("cost", f"{_megabytes(solid)} MB, {solid['seconds']:.2f} s"),
    ]


def solution_table(rows: Sequence[Facts]) -> "Table":
    """Return one row a lattice: errors, volume, grid and cost."""
    from rich.markup import escape
    from rich.table import Table

    from cli.terminal.tables import percent

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="cyan")
    table.add_column("solid FEM, estimated errors", overflow="fold", min_width=16)
    for name in ("of C", "of softest", "volume", "grid", "nodes", "iterations", "MB", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        lattice, solid = row["lattice"], row["solid"]
        index = "" if lattice["index"] is None else f"[{lattice['index']}]"
        table.add_row(
            escape(Path(lattice["file"]).name + index),
            percent(solid["error"]),
            percent(solid["softest_error"]),
            f"{solid['volume_fraction']:.4g}",
            _grid(solid),
            f"{solid['active_nodes']}",
            f"{solid['iterations']['fine']}",
            _megabytes(solid),
            f"{solid['seconds']:.2f}",
        )
    return table


def _grid(solid: Facts) -> str:
    return " x ".join(str(n) for n in solid["grid"])


def _megabytes(solid: Facts) -> str:
    return f"{solid['memory'] / 1e6:.0f}"
