"""Every kind of model on solid labels: errors over labels and cost, and extrapolation.

    python benchmarks/solid_comparison.py                       # what is missing, then the tables
    python benchmarks/solid_comparison.py --only encoder        # rows of one model
    python benchmarks/solid_comparison.py --only encoder --results again.json   # all of them again
    python benchmarks/solid_comparison.py --add again.json --update-docs        # into the results
    python benchmarks/solid_comparison.py --only cost           # milliseconds of a prediction
    python benchmarks/solid_comparison.py --only none --update-docs   # tables and figures

Models of ``solid_models.py`` and the joint models of ``joints_curves.py``, trained on parts of the
same labels and judged on the same test lattices; optimiser and learning rate of each network are
chosen by short runs (``solid_rates.py``). Results: ``benchmarks/comparison/results.json``
(``results_file.py``). A run of a network takes a core-minute or two. Extrapolation to large cells:
``large_cells.py``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from joints_curves import COUNTS, KINDS, SEEDS, far_run, joint_kinds
from pages import DOCS, Row, table, write_section
from results_file import RESULTS, Result, Run, SolidResults, read_solid, store_results
from solid_models import frames
from solid_rates import network_kinds, probe_kinds, probes_of
from solid_runs import (
    FAR,
    RECIPE,
    TESTED,
    Kind,
    Lattices,
    Mask,
    added,
    compute,
    load,
    store_cost,
    tested_on,
)

from data.experiments.recipe import read_recipe
from lattice_gnn.errors import LatticeGnnError
from viz.style import MARKERS, PALETTE, new_figure, save_figure, tidy

PAGE = DOCS / "comparison.md"
FIGURES = Path(__file__).parent / "comparison"
FIXED = ("beam", "Timoshenko", "thick end zones", "rigid end zones")
CONSTANT = ("rigid end zones, fitted", "rigid ends")
SHOWN = (50, 300, None)
"""Numbers of labels in the table; None: all."""
NAMES = {
    "beam": "beam (Euler-Bernoulli)",
    "Timoshenko": "beam with shear (Timoshenko)",
    "thick end zones": "1.5 times thicker over r / tan(θ/2)",
    "rigid end zones": "rigid over r / tan(θ/2)",
    "rigid end zones, fitted": "rigid over a fitted share of r / tan(θ/2)",
    "rigid ends": "rigid over a fitted multiple of r",
    "condensation": "condensation: learned struts in the frame",
    "encoder": "published encoder on the frame",
    "relaxation": "relaxation network on the frame",
    "linear": "linear joint model",
    "network": "joint network (one member)",
}


def all_kinds(stored: SolidResults) -> dict[str, Kind]:
    """Return all models by name, networks with the recipe that their short runs have chosen."""
    return frames() | network_kinds(stored) | joint_kinds(read_recipe(RECIPE))


def kinds_with_probes(stored: SolidResults) -> dict[str, Kind]:
    """Return all models by name, those of the short runs among them."""
    return probe_kinds() | all_kinds(stored)


def runs_of(kind: str, labels: int | None) -> list[Run]:
    """Return the runs of a table entry, one per seed."""
    if kind in FIXED:
        return [Run(kind)]
    if labels is None and kind in (*CONSTANT, "linear"):
        return [Run(kind)]
    return [Run(kind, seed, None, labels) for seed in SEEDS]


def missing_runs(only: str) -> list[Run]:
    """Return all runs of the tables, in the order in which they are made."""
    found = []
    for kind in NAMES:
        found += [run for count in (None, *COUNTS) for run in runs_of(kind, count)]
    found.sort(key=lambda run: (run.labels not in SHOWN, run.seed))
    found += [far_run(kind, name) for kind in KINDS for name in FAR]
    return [run for run in dict.fromkeys(found) if only in (run.name, "all")]


def mean_of(results: Sequence[Result], mask: Mask) -> dict[str, float]:
    """Return statistics, %, of C and of the softest eigenvalue, averaged over runs."""
    errors = [np.array(result.errors)[mask] / 100 for result in results]
    soft = [np.abs(np.array(result.softest)[mask] / 100 - 100) for result in results]
    found = {
        "median": np.mean([np.median(e) for e in errors]),
        "mean": np.mean([e.mean() for e in errors]),
        "soft": np.mean([np.median(e) for e in soft]),
        "soft p90": np.mean([np.quantile(e, 0.9) for e in soft]),
    }
    return {name: float(value) for name, value in found.items()}


def models_table(stored: SolidResults, test: Lattices) -> str:
    """Return errors by number of labels, training and cost."""
    mask = test.facts["fresh"]
    rows: list[Row] = []
    for kind, name in NAMES.items():
        found = [stored.done(runs_of(kind, count)) for count in SHOWN]
        last = next((results for results in reversed(found) if results), None)
        if last is None:
            continue
        cells = [both(results, mask) + ("" if kind in FIXED else f" ({len(results)})")
                 if results else "-" for results in found]  # fmt: skip
        if kind in FIXED:
            cells = [cells[-1] if count is None else "" for count in SHOWN]
        value = mean_of(last, mask)
        soft = f"{value['soft']:.1f} / {value['soft p90']:.1f}"
        ms = stored.milliseconds.get(kind)
        cost = "-" if ms is None else f"{ms:.2g}"
        rows.append((f"`{kind}`: {name}", *cells, soft, *training_of(last), cost))
    heads = ("model", "50 labels", "300", "all", "softest", "training", "core-min", "steps", "ms")
    return (
        f"Error of C, %: median / mean on {mask.sum()} test lattices, averaged over the runs in "
        "brackets (other labels and initial weights); median / p90 error of the softest "
        "eigenvalue, optimiser with rate, core-minutes and steps of a run with most labels; "
        f"milliseconds per lattice, one thread.\n\n{table(heads, rows)}"
    )


def both(results: Sequence[Result], mask: Mask) -> str:
    """Return median and mean error, averaged over runs."""
    value = mean_of(results, mask)
    return f"{value['median']:.2f} / {value['mean']:.2f}"


def training_of(results: Sequence[Result]) -> Row:
    """Return optimiser and rate, core-minutes and steps; nothing without training."""
    train = results[0].made_of["settings"].get("train")
    if train is None:
        return ("", "", "")
    minutes = np.mean([result.core_minutes for result in results])
    steps = np.mean([result.steps for result in results])
    title = {"adamw": "AdamW", "soap": "SOAP"}[train["optimiser"]]
    return (f"{title} {train['learning_rate']:g}", f"{minutes:.2f}", f"{steps:,.0f}")


def costs(stored: SolidResults, test: Lattices) -> dict[str, tuple[float, float]]:
    """Return milliseconds of a prediction and median error, %, with all labels, by model."""
    mask = test.facts["fresh"]
    found = {kind: stored.done(runs_of(kind, None)) for kind in NAMES}
    return {
        kind: (stored.milliseconds[kind], mean_of(results, mask)["median"])
        for kind, results in found.items()
        if results and kind in stored.milliseconds
    }


def extrapolation_table(stored: SolidResults, test: Lattices) -> str:
    """Return median errors on lattices of a kind that was left out of training."""
    rows: list[Row] = []
    for title, count, values in extrapolation(stored, test):
        cells = (f"{values[name]:.2f}" if name in values else "-" for name in COLUMNS)
        rows.append((title, f"{count}", *cells))
    return (
        "Median error of C, %, on lattices of a kind; *without*: trained without any of the kind, "
        "*with*: trained with them. The last rows: the shipped models, trained on cells of at most "
        "16 nodes and on labels that are corrected for their grids; those of these rows are not."
        "\n\n" + table(("tested on", "number", *COLUMNS), rows)
    )


COLUMNS = ("beam", "rigid ends", "linear, without", "network, without", "network, with")


def extrapolation(stored: SolidResults, test: Lattices) -> list[tuple[str, int, dict[str, float]]]:
    """Return kinds of lattices, their number and the median errors, %, of ``COLUMNS``."""
    found = []
    for name in FAR:
        mask = tested_on(name, test.facts)
        runs = (Run("beam"), Run("rigid ends"), far_run("linear", name), far_run("network", name),
                Run("network"))  # fmt: skip
        values = {
            column: float(np.median(np.array(stored.runs[run].errors)[mask]) / 100)
            for column, run in zip(COLUMNS, runs, strict=True)
            if run in stored.runs
        }
        title = TESTED[name][0] if name in TESTED else name
        found.append((title, int(mask.sum()), values))
    columns = dict(zip(("beam", "rigid ends", "linear", "network"), COLUMNS, strict=False))
    for title, transfer in stored.transfers.items():
        errors = {columns[k]: float(np.median(v) / 100) for k, v in transfer.errors.items()}
        found.append((title, len(transfer.stiffness), errors))
    return found


def draw_curves(stored: SolidResults, test: Lattices, path: Path) -> None:
    """Draw the median error over the number of labels; bars reach over the runs."""
    mask = test.facts["fresh"]
    total = max(result.made_of["labels"] for result in stored.runs.values())
    figure = new_figure(8.5, 4.0)
    axes = figure.add_subplot()
    shown = ("rigid ends", "condensation", "encoder", "relaxation", "linear", "network")
    for kind, colour, marker in zip(shown, PALETTE, MARKERS, strict=False):
        points = []
        for count in (*COUNTS, None):
            found = stored.done(runs_of(kind, count))
            medians = [np.median(np.array(result.errors)[mask]) / 100 for result in found]
            if medians:
                points.append((count or total, np.mean(medians), min(medians), max(medians)))
        if points:
            x, y, low, high = np.array(points).T
            axes.errorbar(x, y, [y - low, high - y], color=colour, marker=marker, markersize=5,
                          linewidth=1, capsize=2, label=NAMES[kind])  # fmt: skip
    for beam in stored.done([Run("beam")]):
        level = np.median(np.array(beam.errors)[mask]) / 100
        axes.axhline(level, color="0.6", linewidth=1, linestyle="--", label=NAMES["beam"])
    axes.set(xscale="log", yscale="log", xlabel="labels", ylabel="median error of C, %")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    tidy(axes)
    save_figure(figure, path)


def draw_extrapolation(stored: SolidResults, test: Lattices, path: Path) -> None:
    """Draw the median errors of ``COLUMNS``, one row of points for every kind of lattice."""
    found = extrapolation(stored, test)
    figure = new_figure(7.0, 4.0)
    axes = figure.add_subplot()
    for column, colour, marker in zip(COLUMNS, PALETTE, MARKERS, strict=False):
        points = [(v[column], k) for k, (_, _, v) in enumerate(found) if column in v]
        if points:
            axes.plot(*np.array(points).T, marker, color=colour, markersize=5, label=column)
    axes.set_yticks(
        range(len(found)), [f"{title} ({count})" for title, count, _ in found], fontsize=8
    )
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="median error of C, %")
    axes.legend(frameon=False, fontsize=8)
    tidy(axes)
    save_figure(figure, path)


def main() -> None:
    """Compute what is missing, print the tables, and write them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=(*NAMES, "cost", "all", "none"),
                        help="what to compute; default: all, or none with --add")  # fmt: skip
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument("--add", nargs="+", type=Path, default=[], metavar="FILE",
                        help="results of other runs of this script")  # fmt: skip
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets, path = load(), arguments.results
    try:
        for file in arguments.add:
            runs = added(read_solid(path), file, kinds_with_probes, sets).runs
            store_results(runs.values(), path)
    except LatticeGnnError as error:
        parser.exit(2, f"{error}\n")
    only = arguments.only or ("none" if arguments.add else "all")
    stored = compute(probes_of(only), probe_kinds(), sets, path)
    stored = compute(missing_runs(only), all_kinds(stored), sets, path)
    test = sets[2]
    if only in ("cost", "all"):
        stored = store_cost(all_kinds(stored), test, path)
    sections = {
        "solid": models_table(stored, test),
        "extrapolation": extrapolation_table(stored, test),
    }
    for name, text in sections.items():
        sys.stdout.write(f"{text}\n\n")
        if arguments.update_docs:
            write_section(name, text, PAGE)
    if arguments.update_docs:
        draw_curves(stored, test, FIGURES / "solid-curves.png")
        draw_extrapolation(stored, test, FIGURES / "solid-extrapolation.png")


if __name__ == "__main__":
    main()
