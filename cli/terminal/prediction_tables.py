"""Predictions of many lattices: one row each, at the terminal and as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from cli.terminal.inputs import Source
from cli.terminal.lattice_tables import short_labels
from cli.terminal.output import say_note
from cli.terminal.tables import columns
from lattice_gnn.wording import percent

if TYPE_CHECKING:
    from lattice_gnn.reports.rows import Row
    from lattice_gnn.surrogate.prediction import Prediction

_NUMBERS = ("E_1", "E_2", "E_3", "K", "G")


def prediction_rows(
    sources: Sequence[Source],
    predictions: "Sequence[Prediction]",
    differences: Sequence[float | None] | None,
    *,
    full: bool = False,
) -> "list[Row]":
    """Return one row per lattice: file, results, difference from the check.

    Args:
        sources: Where the lattices come from.
        predictions: Their predictions.
        differences: Relative Frobenius difference of each from FEM; None without a check.
        full: Also the quantities that need a search over all directions.
    """
    from lattice_gnn.reports.rows import result_rows

    found: list[Row] = []
    for number, (source, row) in enumerate(
        zip(sources, result_rows(predictions, full=full), strict=True)
    ):
        place: Row = {"file": str(source.file), "index": None if source.alone else source.index}
        check: Row = {} if differences is None else {"fem_difference": differences[number]}
        found.append({**place, **row, **check})
    return found


def overview(
    sources: Sequence[Source],
    predictions: "Sequence[Prediction]",
    differences: Sequence[float | None] | None,
) -> Table:
    """Return the table of many predictions without searches over all directions."""
    checked = [] if differences is None else ["FEM diff."]
    heads = ("density", "E_1", "E_2", "E_3", "K Hill", "G Hill", "exp.err.", "domain", *checked)
    table = columns("lattice (moduli over E_s)", heads, left=("domain",), gap=1)
    rows = prediction_rows(sources, predictions, differences)
    for name, row in zip(short_labels([source.label for source in sources]), rows, strict=True):
        cells = [f"{row['relative_density']:.4g}"]
        cells += ["-" if row[key] is None else f"{row[key]:.2e}" for key in _NUMBERS]
        error = row["expected_error"]
        cells.append("-" if error is None else percent(float(error)))
        cells.append("inside" if row["in_domain"] else "OUTSIDE")
        if differences is not None:
            difference = row["fem_difference"]
            cells.append(percent(None if difference is None else float(difference)))
        table.add_row(name, *cells)
    return table


def write_csv(path: Path | None, rows: "Sequence[Row]") -> None:
    """Write rows as CSV, atomically, and say so; nothing without a path."""
    if path is None:
        return
    from lattice_gnn.files import write_whole
    from lattice_gnn.reports.rows import rows_as_csv

    write_whole(path, rows_as_csv(rows))
    say_note(f"{len(rows)} rows written to {path}")
