"""Tables of a validation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from cli.terminal.evaluation_tables import STATISTICS
from cli.terminal.tables import block, columns

if TYPE_CHECKING:
    from fem_reference.validate import Outlier
    from lattice_gnn.reports.validation import ValidationReport

_TITLES = {
    "stiffness": "C (Frobenius)",
    "compliance": "its inverse S (Frobenius)",
    "softest": "softest eigenvalue of C",
    "rounding_floor": "C by rounding the reference alone",
    "grid_error": "estimated error of the solid, C",
    "grid_softest_error": "estimated error of the solid, softest",
}


def blocks(report: "ValidationReport") -> list[RenderableType]:
    """Return headline, summary, the largest differences, and the omitted lattices."""
    by = {
        "beam": f"{report.element} beams",
        "solid": f"solids of {report.voxels_per_diameter} voxels per diameter",
        "network": f"network {report.model}",
    }[report.method]
    each = report.seconds / report.lattices
    parts: list[RenderableType] = [
        escape(
            f"{report.lattices} reference tensors, {by}, "
            f"{report.seconds:.2f} s ({each:.2g} s per lattice)"
        )
    ]
    if report.method == "solid":
        parts.append(
            "The references are tensors of beam FEM: the difference is the error of beam theory "
            "and of the grid."
        )
    return [
        *parts,
        block("Differences, per cent", _summaries(report)),
        block("Largest differences of C, per cent", _worst(report.worst)),
        *(escape(f"left out, no tensor: {name}") for name in report.without_reference),
        *(escape(note) for note in report.notes),
    ]


def _summaries(report: "ValidationReport") -> Table:
    table = columns("", STATISTICS)
    for key, title in _TITLES.items():
        if (found := getattr(report, key)) is not None:
            table.add_row(title, *(_per_cent(getattr(found, name)) for name in STATISTICS))
    return table


def _worst(rows: "Sequence[Outlier]") -> Table:
    heads = ("density", "C", "S", "softest", "condition", "rounding rms", "rounding at most")
    table = columns("lattice", heads)
    for row in rows:
        table.add_row(
            escape(row.name),
            f"{row.relative_density:.4g}",
            *(_per_cent(value) for value in (row.stiffness, row.compliance, row.softest)),
            f"{row.condition:.3g}",
            *(_per_cent(value) for value in (row.rounding_floor, row.rounding_bound)),
        )
    return table


def _per_cent(fraction: float | None) -> str:
    return "inf" if fraction is None else f"{100 * fraction:.3f}"
