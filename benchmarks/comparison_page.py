"""Tables of the comparison on beam labels, from its committed rows, and the figure of both tasks.

    lattice-gnn compare lattice_gnn/configs/comparison.yaml -o benchmarks/comparison   # the rows
    python benchmarks/comparison_page.py --update-docs   # docs/comparison.md

The first table has the models that have had the whole budget, or that need none; the second has
earlier, shorter runs of models whose turn is still to come. The figure shows the error over the
cost of a prediction, here and on solid labels (``solid_comparison.py``).
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from cost_figure import Panel, Point, draw_costs
from solid_comparison import CONSTANT, FIXED, costs
from solid_report import DOCS, table, write_section
from solid_runs import load, read_results

from lattice_gnn.reports.comparison import ComparedErrors, ComparedModel, ComparisonReport
from lattice_gnn.reports.schema import read_document

RESULTS = Path(__file__).parent / "comparison" / "comparison.json"
OUTSIDE = "glamm_train60.lat"
FIGURE = RESULTS.with_name("costs.png")
KINDS = {
    "equivariant": "equivariant",
    "invariant": "invariant",
    "cgcnn": "directions as numbers",
    "mcgcnn": "directions as numbers",
    "nnconv": "directions as numbers",
    "ridge": "no network",
    "affine": "no network",
}
"""Groups of the figure on beam labels, by kind of model."""


def sections(report: ComparisonReport) -> dict[str, str]:
    """Return the tables by name of their section of the page."""
    earlier = set(report.unfinished)
    whole = [model for model in report.models if model.name not in earlier]
    short = [model for model in report.models if model.name in earlier]
    return {"whole budget": rows(whole), "earlier runs": rows(shown(report, short))}


def shown(report: ComparisonReport, models: Iterable[ComparedModel]) -> list[ComparedModel]:
    """Return the models of the ablation, and the best of every other kind.

    Models come best first.
    """
    chosen: list[ComparedModel] = []
    for model in models:
        is_first = model.kind not in {other.kind for other in chosen}
        if model.name in report.ablation or is_first:
            chosen.append(model)
    return chosen


def rows(models: Iterable[ComparedModel]) -> str:
    """Return one row per model."""
    heads = (
        "model",
        "core-min",
        "rate",
        "steps",
        "held-out nets",
        "published tensors",
        "softest",
        "negative",
        "rotation",
        "ms",
    )
    return table(heads, [row(model) for model in models])


def row(model: ComparedModel) -> tuple[str, ...]:
    """Return name, training, errors in per cent, and milliseconds of a prediction."""
    outside = model.catalogues.get(OUTSIDE)
    turned = model.test.rotation_error.median or 0.0
    return (
        f"`{model.name}`",
        "" if model.core_minutes is None or not model.steps else f"{model.core_minutes:.0f}",
        "" if model.learning_rate is None else f"{model.learning_rate:g}",
        "" if model.steps is None else f"{model.steps:,}",
        both(model.test),
        both(outside) if outside else "",
        percent(model.test.softest_error.median),
        percent(model.test.negative_eigenvalue_share),
        percent(turned) if turned > 1e-4 else "0",
        "" if model.forward_ms is None else f"{model.forward_ms:.2g}",
    )


def beam_panel(report: ComparisonReport) -> Panel:
    """Return the models of both tables; those of earlier runs are hollow."""
    models = [m for m in report.models if m.name not in report.unfinished]
    models += shown(report, [m for m in report.models if m.name in report.unfinished])
    points = [
        Point(m.name, m.forward_ms, 100 * error, KINDS[m.kind], m.name in report.unfinished)
        for m in models
        if m.forward_ms is not None and (error := m.test.directional_error.mean) is not None
    ]
    return Panel("beam labels", "mean directional error", points)


def solid_panel() -> Panel:
    """Return the models on solid labels."""
    points = [
        Point(kind, *cost, "no network" if kind in (*FIXED, *CONSTANT) else group(kind))
        for kind, cost in costs(read_results(), load()[2]).items()
    ]
    return Panel("solid labels", "median error of C", points)


def group(kind: str) -> str:
    """Return the group of a model that learns from solid labels."""
    return "joint model" if kind in ("linear", "network") else "network on the frame"


def both(errors: ComparedErrors) -> str:
    """Return mean and median of the directional error."""
    found = errors.directional_error
    return f"{percent(found.mean)} ({percent(found.median)})"


def percent(share: float | None) -> str:
    """Return a share in per cent, without its sign."""
    if share is None:
        return "-"
    value = 100 * share
    return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"


def main() -> None:
    """Print the tables; write them and the figure into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    report = read_document(json.loads(RESULTS.read_text("utf-8")))
    if not isinstance(report, ComparisonReport):
        raise SystemExit(f"{RESULTS}: expected a comparison")
    for name, text in sections(report).items():
        sys.stdout.write(f"{text}\n\n")
        if arguments.update_docs:
            write_section(name, text, DOCS / "comparison.md")
    if arguments.update_docs:
        draw_costs((beam_panel(report), solid_panel()), FIGURE)


if __name__ == "__main__":
    main()
