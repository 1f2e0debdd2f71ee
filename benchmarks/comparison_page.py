"""Table of the comparison on beam labels, from its committed rows, and the figure of both tasks.

    python benchmarks/comparison_page.py                     # the table, and what is missing
    lattice-gnn compare lattice_gnn/configs/comparison.yaml -o again --only "encoder prior"
    python benchmarks/comparison_page.py --add again --update-docs     # with the row of the folder
    python benchmarks/comparison_page.py --costs again --update-docs   # all costs, in one run

The table has the models that have had the whole budget, or that need none. The figure shows the
error over the cost of a prediction, here for the best row of each network, and on solid labels
(``solid_comparison.py``). Results: ``benchmarks/comparison/results.json`` (``results_file.py``).
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from beam_rows import Present, added, settled, with_costs
from cost_figure import Panel, Point, draw_costs
from pages import DOCS, table, write_section
from results_file import RESULTS, read_beam, read_solid, write_beam
from solid_comparison import CONSTANT, FIXED, costs
from solid_runs import load

from data.experiments.comparison_plan import Plan
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.reports.comparison import ComparedErrors, ComparedModel, ComparisonReport

OUTSIDE = "glamm_train60.lat"
SECTION = "beam labels"
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
Seeds = tuple[ComparedModel, ...]
"""A model trained with one seed, or with several."""
_SEED = re.compile(r" seed \d+$")


def models_table(report: ComparisonReport) -> str:
    """Return the table of the page: the finished models."""
    return rows(by_seed(finished(report)))


def finished(report: ComparisonReport) -> list[ComparedModel]:
    """Return the models that have had the whole budget, or need none, best first."""
    return [model for model in report.models if model.name not in report.unfinished]


def by_seed(models: Iterable[ComparedModel]) -> list[Seeds]:
    """Return models of the same settings but another seed together, by ascending seed."""
    found: dict[str, list[ComparedModel]] = {}
    for model in models:
        found.setdefault(_SEED.sub("", model.name), []).append(model)
    return [tuple(sorted(runs, key=lambda run: run.seed or 0)) for runs in found.values()]


def rows(models: Iterable[Seeds]) -> str:
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
    return table(heads, [row(runs) for runs in models])


def row(runs: Seeds) -> tuple[str, ...]:
    """Return name, training, errors in per cent, and milliseconds of a prediction.

    Errors are those of all seeds, separated by strokes; the rest is that of the first.
    """
    model = runs[0]
    outside = [run.catalogues[OUTSIDE] for run in runs if OUTSIDE in run.catalogues]
    turned = model.test.rotation_error.median or 0.0
    return (
        f"`{model.name}`",
        "" if model.core_minutes is None or not model.steps else f"{model.core_minutes:.0f}",
        "" if model.learning_rate is None else f"{model.learning_rate:g}",
        "" if model.steps is None else f"{model.steps:,}",
        " / ".join(both(run.test) for run in runs),
        " / ".join(map(both, outside)),
        " / ".join(percent(run.test.softest_error.median) for run in runs),
        percent(model.test.negative_eigenvalue_share),
        percent(turned) if turned > 1e-4 else "0",
        "" if model.forward_ms is None else f"{model.forward_ms:.2g}",
    )


def beam_panel(report: ComparisonReport, plans: Mapping[str, Plan]) -> Panel:
    """Return the best row of each network, its first seed.

    Rows of one network differ in its training or its positivity: at one cost, they would crowd.
    """
    best: dict[str, Point] = {}
    for model in (runs[0] for runs in by_seed(finished(report))):
        error = model.test.directional_error.mean
        if model.forward_ms is not None and error is not None:
            point = Point(model.name, model.forward_ms, 100 * error, KINDS[model.kind])
            best.setdefault(network(plans[model.name]), point)  # the best comes first
    return Panel("beam labels", "mean directional error", list(best.values()))


def network(plan: Plan) -> str:
    """Return the settings of the network of a row, but for its positivity, or its weights."""
    settings = {key: value for key, value in plan.model.items() if key != "positive_map"}
    return plan.weights or json.dumps(settings, sort_keys=True)


def solid_panel() -> Panel:
    """Return the models on solid labels."""
    points = [
        Point(kind, *cost, "no network" if kind in (*FIXED, *CONSTANT) else group(kind))
        for kind, cost in costs(read_solid(), load()[2]).items()
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


def updated(folders: Iterable[Path], costs_in: Path | None) -> ComparisonReport:
    """Return the comparison with the rows of some folders, and perhaps with new costs."""
    present = Present.of()
    report = settled(read_beam(), present)
    for folder in folders:
        report = added(report, folder, present)
    return report if costs_in is None else with_costs(report, costs_in, present)


def main() -> None:
    """Print the table and what is missing; write the results, the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--add", nargs="+", type=Path, default=[], metavar="FOLDER",
                        help="finished rows of `compare`")  # fmt: skip
    parser.add_argument("--costs", type=Path, metavar="FOLDER",
                        help="measure the costs of all rows; labels: FOLDER/data")  # fmt: skip
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    try:
        report = updated(arguments.add, arguments.costs)
    except LatticeGnnError as error:
        parser.exit(2, f"{error}\n")
    if arguments.add or arguments.costs or arguments.update_docs:
        write_beam(report)
    text = models_table(report)
    sys.stdout.write(f"{text}\n\n")
    if arguments.update_docs:
        write_section(SECTION, text, DOCS / "comparison.md")
    if report.unfinished:
        sys.stdout.write(f"Not yet with the whole budget: {', '.join(report.unfinished)}.\n")
    if arguments.update_docs:
        draw_costs((beam_panel(report, Present.of().plans), solid_panel()), FIGURE)


if __name__ == "__main__":
    main()
