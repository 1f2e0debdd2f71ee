"""Comparison as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence

from lattice_gnn.reports.comparison import (
    ComparedErrors,
    ComparedModel,
    ComparisonReport,
    CurvePoint,
    rank,
)
from lattice_gnn.wording import percent

_COLUMNS = (
    "model",
    "parameters",
    "labels",
    "steps",
    "core-min",
    "ms",
    "ms/step",
    "directional mean",
    "median",
    "Frobenius median",
    "p90",
    "softest median",
    "negative",
    "rotation",
)


def markdown(report: ComparisonReport) -> str:
    """Return all tables of a comparison."""
    data, machine = report.data, report.machine
    counts = ", ".join(
        f"{getattr(data.lattices, name)} {name} ({getattr(data.bases, name)} bases)"
        for name in ("train", "validation", "test")
    )
    unseen = data.share_of_test_with_unseen_net
    lines = [
        "# Comparison",
        "",
        f"Lattices: {counts}; no base is in two parts; {percent(unseen, 3)} of the test lattices "
        f"have a net that no training lattice has. Labels: {data.labels}. Data hash "
        f"`{data.hash[:16]}`.",
        "",
        f"Budget: {report.budget_minutes:g} core-minutes of training steps for each model, "
        "unless its steps are set; core-min is what they took. ms: one "
        "prediction of one lattice in a batch of 64; ms/step: one training step, by lattice. Both "
        f"on one thread of: {machine.processor}, {machine.cores} cores, torch {machine.torch}.",
        "",
        "## Test part",
        "",
        "Errors in per cent. Directional: mean over n of |c - c_ref| over the mean of c_ref, c = "
        "nn:C:nn. Negative: share of predictions with negative strain energy. Rotation: median of "
        "|Q^T C(Q x) Q - C(x)| / |C(x)| over random rotations.",
        "",
        *_table(_COLUMNS, (_row(model) for model in report.models)),
    ]
    for name in sorted({name for model in report.models for name in model.catalogues}):
        lines += ["", f"## {name}", "", *_catalogue_table(report.models, name)]
    if report.ablation:
        lines += ["", "## What each ingredient brings", "", *_ablation(report)]
    if report.curves:
        lines += ["", "## Learning curves", "", *_curves(report.curves)]
    if report.unfinished:
        lines += ["", f"Not finished: {', '.join(report.unfinished)}."]
    lines += [f"- {name} failed: {why}" for name, why in report.failed.items()]
    return "\n".join(lines) + "\n"


def _row(model: ComparedModel) -> list[str]:
    test = model.test
    return [
        model.name,
        str(model.parameters),
        *("-" if value is None else str(value) for value in (model.labels, model.steps)),
        _number(model.core_minutes, ".3g"),
        _number(model.forward_ms, ".3g"),
        _number(model.step_ms, ".3g"),
        *_errors(test),
        percent(test.softest_error.median, 3),
        percent(test.negative_eigenvalue_share, 3),
        percent(test.rotation_error.median, 3),
    ]


def _errors(found: ComparedErrors) -> list[str]:
    directional, frobenius = found.directional_error, found.relative_frobenius
    values = (directional.mean, directional.median, frobenius.median, frobenius.p90)
    return [percent(value, 3) for value in values]


def _catalogue_table(models: Sequence[ComparedModel], name: str) -> list[str]:
    measured = [
        (model.name, model.catalogues[name]) for model in models if name in model.catalogues
    ]
    found = measured[0][1]
    lowest = found.catalogue.lowest
    which = "all densities" if lowest is None else f"the {lowest} lowest densities of each entry"
    rows = (
        [model, *_errors(errors)] for model, errors in sorted(measured, key=lambda x: rank(x[1]))
    )
    columns = ("model", "directional mean", "median", "Frobenius median", "p90")
    return [f"{found.count} reference tensors, {which}.", "", *_table(columns, rows)]


def _ablation(report: ComparisonReport) -> list[str]:
    """Return the errors of some models, and their ratio to that of the first."""
    models = {model.name: model for model in report.models}
    finished = [models[name] for name in report.ablation if name in models]
    if not finished or finished[0].name != report.ablation[0]:
        return [f"{report.ablation[0]}, the reference, is not finished."]
    least = finished[0].score
    columns = ("model", "directional mean", f"over {finished[0].name}", "Frobenius median", "ms")
    rows = (
        [
            model.name,
            percent(model.test.directional_error.mean, 3),
            f"{model.score / least:.2f}",
            percent(model.test.relative_frobenius.median, 3),
            _number(model.forward_ms, ".3g"),
        ]
        for model in finished
    )
    return _table(columns, rows)


def _curves(curves: Mapping[str, Sequence[CurvePoint]]) -> list[str]:
    """Return the directional error by number of training labels, at equal steps."""
    labels = sorted({point.labels for points in curves.values() for point in points})
    rows = []
    for name, points in curves.items():
        at = {
            point.labels: f"{percent(point.directional_error.mean, 3)} "
            f"({percent(point.directional_error.median, 3)})"
            for point in points
        }
        rows.append([name, *(at.get(count, "-") for count in labels)])
    text = (
        "Directional error over the test part, mean (median), by number of training labels; all "
        "points of a row have the same number of steps."
    )
    return [text, "", *_table(("model", *map(str, labels)), rows)]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(columns)} |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
