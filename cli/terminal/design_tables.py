"""Tables of a design: objective, constraints, status and verdict."""

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.markup import escape

from cli.terminal.lattice_tables import lattice_rows
from cli.terminal.tables import block, columns, pairs
from lattice_gnn.wording import percent, significant

if TYPE_CHECKING:
    from lattice_gnn.reports.design import DesignReport

STATUS = {
    "converged": "converged: constraints satisfied, no improvement to first order",
    "stalled": "STALLED: a constraint is violated, or the objective could still improve",
    "max_steps": "MAX STEPS: the limit of steps was reached before convergence",
    "interrupted": "INTERRUPTED: the best design so far",
}
VERDICT = {
    "confirmed": "confirmed by {}",
    "refuted": "REFUTED by {}: a constraint is violated, or the objective is worse than before",
    "undecided": "UNDECIDED by {}: its own error is too large to tell",
    "unchecked": "not checked by a reference",
}


def design_blocks(report: "DesignReport") -> list[RenderableType]:
    """Return what was found: the lattice, the outcome, the objective and every constraint."""
    reference = report.reference
    by = "" if reference is None else f"{reference.method} FEM"
    outcome = [
        ("status", STATUS[report.status]),
        ("verdict", VERDICT[report.verdict].format(by)),
        ("evaluator", report.evaluator),
        ("symmetry kept", report.task.symmetry or "none"),
        ("variables", str(report.task.variables)),
    ]
    if report.optimality is not None:
        outcome.insert(1, ("unbalanced", f"{percent(report.optimality)} of the gradient"))
    if reference is not None and reference.method != report.evaluator:
        gap = f"{percent(reference.gap)} (relative Frobenius)"
        outcome.append((f"{report.evaluator} against {by}", gap))
    if reference is not None and reference.error is not None:
        outcome.append(("error of the solid", percent(reference.error)))
    return [
        block(report.lattice.name or "unnamed lattice", pairs(lattice_rows(report.lattice))),
        block("Outcome", pairs(outcome)),
        block(f"Objective: {report.objective.aim} {report.objective.name}", _objective(report)),
        *([block("Constraints", _constraints(report))] if report.constraints else []),
    ]


def _objective(report: "DesignReport") -> RenderableType:
    found = report.objective
    table = columns("", ("start", "design"))
    table.add_row(report.evaluator, significant(found.start), significant(found.value))
    if found.start_reference is not None and found.reference is not None:
        table.add_row("reference", significant(found.start_reference), significant(found.reference))
    return table


def _constraints(report: "DesignReport") -> RenderableType:
    table = columns("", (report.evaluator, "reference", ""), left=("",))
    for row in report.constraints:
        table.add_row(
            escape(row.name),
            significant(row.value),
            "" if row.reference is None else significant(row.reference),
            "" if row.satisfied else f"VIOLATED by {percent(row.violation)}",
        )
    return table
