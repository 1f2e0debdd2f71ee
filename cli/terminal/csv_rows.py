"""Results of many lattices as CSV: one row per lattice."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.terminal.inputs import Source
from cli.terminal.output import say_note

if TYPE_CHECKING:
    from lattice_gnn.reports.result import Result
    from lattice_gnn.reports.rows import Row


def csv_rows(
    sources: Sequence[Source],
    results: "Sequence[Result]",
    differences: Sequence[float | None] | None = None,
    *,
    full: bool = False,
) -> "list[Row]":
    """Return one row per lattice: file, results, difference from the check.

    Args:
        sources: Where the lattices come from.
        results: Their predictions or homogenisations.
        differences: Relative Frobenius difference of each from FEM; None without a check.
        full: Also the quantities that need a search over all directions.
    """
    from lattice_gnn.reports.rows import result_rows

    found: list[Row] = []
    for number, (source, row) in enumerate(
        zip(sources, result_rows(results, full=full), strict=True)
    ):
        place: Row = {"file": str(source.file), "index": None if source.alone else source.index}
        check: Row = {} if differences is None else {"fem_difference": differences[number]}
        found.append({**place, **row, **check})
    return found


def write_csv(path: Path, rows: "Sequence[Row]") -> None:
    """Write rows as CSV, atomically, and say so."""
    from lattice_gnn.files import write_whole
    from lattice_gnn.reports.rows import rows_as_csv

    write_whole(path, rows_as_csv(rows))
    say_note(f"{len(rows)} rows written to {path}")
