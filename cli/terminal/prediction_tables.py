"""Predictions of many lattices: one row each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from cli.terminal.csv_rows import csv_rows
from cli.terminal.inputs import Source
from cli.terminal.lattice_tables import short_labels
from cli.terminal.tables import columns
from lattice_gnn.wording import percent

if TYPE_CHECKING:
    from lattice_gnn.surrogate.prediction import Prediction

_NUMBERS = ("E_1", "E_2", "E_3", "K", "G")


def overview(
    sources: Sequence[Source],
    predictions: "Sequence[Prediction]",
    differences: Sequence[float | None] | None,
) -> Table:
    """Return the table of many predictions without searches over all directions."""
    checked = [] if differences is None else ["FEM diff."]
    heads = ("density", "E_1", "E_2", "E_3", "K Hill", "G Hill", "exp.err.", "domain", *checked)
    table = columns("lattice (moduli over E_s)", heads, left=("domain",), gap=1)
    rows = csv_rows(sources, predictions, differences)
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
