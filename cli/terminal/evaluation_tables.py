"""Tables of an evaluation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from cli.terminal.tables import block, columns, pairs, three_digits, three_per_cent

if TYPE_CHECKING:
    from lattice_gnn.reports.errors import Summary
    from lattice_gnn.reports.evaluation import (
        Breakdown,
        EvaluationReport,
        SelectionFacts,
        TensorError,
        WorstLattice,
    )

STATISTICS = ("median", "mean", "p90", "p99", "max")


def blocks(report: "EvaluationReport") -> list[RenderableType]:
    """Return headline, all errors, the breakdowns, the worst lattices."""
    breakdowns = {
        "relative density": report.by_density,
        "symmetry": report.by_symmetry,
        "nodes of the cell": report.by_size,
    }
    return [
        pairs(_head(report)),
        block("Errors, per cent", _errors(report)),
        block("Errors, absolute", _absolute(report)),
        *(
            block(f"By {title}, per cent", _breakdown(rows, title))
            for title, rows in breakdowns.items()
        ),
        block("Largest directional errors, per cent", _worst(report.worst)),
    ]


def _head(report: "EvaluationReport") -> list[tuple[str, str]]:
    frobenius, equivariance = report.relative_frobenius, report.equivariance_error
    turns = {"rotation": equivariance.rotation, "inversion": equivariance.inversion}
    turned = ", ".join(
        f"{_exponent(found.median)} ({_exponent(found.max)}) under {name}"
        for name, found in turns.items()
    )
    return [
        ("model", report.model),
        ("data", report.data + _chosen(report.selection)),
        ("lattices", f"{report.count}, {1e3 * report.seconds_per_lattice:.3g} ms each"),
        (
            "whole tensor",
            f"{_share(frobenius.within_5_percent)} within 5 %, "
            f"{_share(frobenius.within_25_percent)} within 25 % of the reference",
        ),
        ("negative energy", f"{_share(report.negative_eigenvalue_share)} of the lattices"),
        ("equivariance error", f"median (max): {turned}"),
    ]


def _chosen(selection: "SelectionFacts") -> str:
    chosen = [
        f"{name} {value}"
        for name in ("label", "part", "lowest", "limit")
        if (value := getattr(selection, name)) is not None
    ]
    return f" ({', '.join(chosen)})" if chosen else ""


def _errors(report: "EvaluationReport") -> Table:
    rows: dict[str, Summary | TensorError] = {
        "directional stiffness": report.directional_error,
        "components": report.component_error,
        "whole tensor (Frobenius)": report.relative_frobenius,
        "softest eigenvalue": report.softest_error,
        "Young's modulus E": report.moduli.E,
        "shear modulus G": report.moduli.G,
        "bulk modulus K": report.moduli.K,
    }
    table = columns("", STATISTICS)
    for title, found in rows.items():
        table.add_row(title, *(three_per_cent(getattr(found, name)) for name in STATISTICS))
    return table


def _absolute(report: "EvaluationReport") -> Table:
    rows = {
        "Poisson's ratio nu": report.moduli.nu,
        "log-Euclidean distance": report.log_euclidean,
    }
    table = columns("", STATISTICS)
    for title, found in rows.items():
        table.add_row(title, *(three_digits(getattr(found, name)) for name in STATISTICS))
    return table


def _breakdown(rows: "Sequence[Breakdown]", title: str) -> Table:
    heads = [
        f"{metric} {name}"
        for metric in ("directional", "Frobenius")
        for name in ("median", "mean", "p90")
    ]
    table = columns(title, ("lattices", *heads))
    for row in rows:
        errors = [
            three_per_cent(value)
            for found in (row.directional_error, row.relative_frobenius)
            for value in (found.median, found.mean, found.p90)
        ]
        table.add_row(row.label, str(row.count), *errors)
    return table


def _worst(rows: "Sequence[WorstLattice]") -> Table:
    table = columns("lattice", ("row of the file", "density", "directional", "Frobenius"))
    for row in rows:
        table.add_row(
            escape(row.name),
            str(row.row),
            f"{row.relative_density:.4g}",
            three_per_cent(row.directional_error),
            three_per_cent(row.relative_frobenius),
        )
    return table


def _exponent(value: float | None) -> str:
    return "inf" if value is None else f"{value:.1e}"


def _share(fraction: float) -> str:
    """Format a share in per cent; only exact values are shown as 0 % or 100 %."""
    if 0 < fraction < 0.001 or 0.999 < fraction < 1:
        return f"{100 * fraction:.3g} %"
    return f"{100 * fraction:.1f} %"
