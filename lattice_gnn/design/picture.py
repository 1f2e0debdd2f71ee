"""Notebook view of a design: start and design side by side, values, the course of the search."""

from collections.abc import Sequence

from lattice_gnn.design.result import DesignResult, Step
from lattice_gnn.lattice.picture import wireframe
from lattice_gnn.notebook import beside, drawing, grid, label, line, table
from lattice_gnn.tensors.picture import polar_curves

WIDTH = 240  #: pixels of the drawing of the search
_MARGIN = 24
_MOST_NOTES = 5


def design_html(result: DesignResult) -> str:
    """Return start, design and their directional moduli, values, notes and course as HTML."""
    heads = ["start", "design", "design by the reference"]
    objective = result.objective
    values = (objective.start, objective.value, objective.reference)
    rows = [(f"{objective.aim} {objective.name}", [_number(x) for x in values])]
    rows += [
        (
            row.name + ("" if row.satisfied else " (violated)"),
            ["", _number(row.value), _number(row.reference)],
        )
        for row in result.constraints
    ]
    facts = [
        ("status", f"{result.status}, {result.verdict}"),
        ("evaluator", result.evaluator),
        ("symmetry kept", result.symmetry or "none"),
        *(("note", text) for text in result.notes[:_MOST_NOTES]),
    ]
    return (
        beside(*_pictures(result))
        + grid(heads, rows)
        + beside(search_curve(result.history), table(facts))
    )


def _pictures(result: DesignResult) -> list[str]:
    found = [wireframe(result.start), wireframe(result.lattice)]
    for stiffness in (result.start_stiffness, result.stiffness):
        if bool(stiffness.is_positive_definite()):
            found.append(polar_curves(stiffness))
    return found


def search_curve(history: Sequence[Step]) -> str:
    """Draw the objective of the best design over the steps, as SVG; "" without a search."""
    if len(history) < 2:
        return ""
    values = [step.objective for step in history]
    low, high = min(values), max(values)
    reach = WIDTH - 2 * _MARGIN
    spread = high - low or 1.0
    points = [
        (
            _MARGIN + reach * k / (len(values) - 1),
            WIDTH - _MARGIN - reach * (value - low) / spread,
        )
        for k, value in enumerate(values)
    ]
    shapes = [
        line(points, "#1b6ca8", 2.0),
        label(WIDTH / 2, 14.0, f"objective up to {high:.4g}", "#555555"),
        label(WIDTH / 2, WIDTH - 6.0, f"from {low:.4g}, {len(values)} steps", "#555555"),
    ]
    return drawing(WIDTH, shapes, "objective over the steps of the search")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
