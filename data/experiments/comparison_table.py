"""A comparison as Markdown."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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


def score(metrics: Mapping[str, Any]) -> float:
    """What models are sorted by: mean directional error over the test part."""
    value = metrics["test"]["directional_error"]["mean"]
    return math.inf if value is None else float(value)


def markdown(document: Mapping[str, Any]) -> str:
    """All tables of a comparison; ``document`` is what ``comparison.json`` holds."""
    data, machine = document["data"], document["machine"]
    lattices = data["lattices"].items()
    counts = ", ".join(f"{n} {name} ({data['bases'][name]} bases)" for name, n in lattices)
    unseen = data["share_of_test_with_unseen_net"]
    lines = [
        "# Comparison",
        "",
        f"Lattices: {counts}; no base is in two parts; {percent(unseen, 3)} of the test lattices "
        f"have a net that no training lattice has. Labels: {data['labels']}. Data hash "
        f"`{data['hash'][:16]}`.",
        "",
        f"Budget: {document['budget_minutes']:g} core-minutes of training steps for each model, "
        "unless its steps are set; core-min is what they took. ms: one "
        "prediction of one lattice in a batch of 64; ms/step: one training step, by lattice. Both "
        f"on one thread of: {machine['processor']}, {machine['cores']} cores, torch "
        f"{machine['torch']}.",
        "",
        "## Test part",
        "",
        "Errors in per cent. Directional: mean over n of |c - c_ref| over the mean of c_ref, c = "
        "nn:C:nn. Negative: share of predictions with negative strain energy. Rotation: median of "
        "|Q^T C(Q x) Q - C(x)| / |C(x)| over random rotations.",
        "",
        *_table(_COLUMNS, (_row(model) for model in document["models"])),
    ]
    for name in _catalogue_names(document["models"]):
        lines += ["", f"## {name}", "", *_catalogue_table(document["models"], name)]
    if document["ablation"]:
        lines += ["", "## What each ingredient brings", "", *_ablation(document)]
    if document["curves"]:
        lines += ["", "## Learning curves", "", *_curves(document["curves"])]
    if document["unfinished"]:
        lines += ["", f"Not finished: {', '.join(document['unfinished'])}."]
    lines += [f"- {name} failed: {why}" for name, why in document["failed"].items()]
    return "\n".join(lines) + "\n"


def _row(model: Mapping[str, Any]) -> list[str]:
    test = model["test"]
    return [
        model["name"],
        str(model["parameters"]),
        *("-" if model[key] is None else str(model[key]) for key in ("labels", "steps")),
        _number(model["core_minutes"], ".3g"),
        _number(model["forward_ms"], ".3g"),
        _number(model["step_ms"], ".3g"),
        *_errors(test),
        percent(test["softest_error"]["median"], 3),
        percent(test["negative_eigenvalue_share"], 3),
        percent(test["rotation_error"]["median"], 3),
    ]


def _errors(report: Mapping[str, Any]) -> list[str]:
    return [
        percent(report[metric][name], 3)
        for metric, name in (
            ("directional_error", "mean"),
            ("directional_error", "median"),
            ("relative_frobenius", "median"),
            ("relative_frobenius", "p90"),
        )
    ]


def _catalogue_names(models: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({name for model in models for name in model["catalogues"]})


def _catalogue_table(models: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    measured = [model for model in models if name in model["catalogues"]]
    report = measured[0]["catalogues"][name]
    lowest = report["catalogue"]["lowest"]
    which = "all densities" if lowest is None else f"the {lowest} lowest densities of each entry"
    rows = (
        [model["name"], *_errors(model["catalogues"][name])]
        for model in sorted(
            measured, key=lambda m: _sortable(m["catalogues"][name]["directional_error"]["mean"])
        )
    )
    columns = ("model", "directional mean", "median", "Frobenius median", "p90")
    return [f"{report['count']} reference tensors, {which}.", "", *_table(columns, rows)]


def _ablation(document: Mapping[str, Any]) -> list[str]:
    """Errors of some models, and their ratio to that of the first."""
    models = {model["name"]: model for model in document["models"]}
    finished = [models[name] for name in document["ablation"] if name in models]
    if not finished or finished[0]["name"] != document["ablation"][0]:
        return [f"{document['ablation'][0]}, the reference, is not finished."]
    least = score(finished[0])
    columns = ("model", "directional mean", f"over {finished[0]['name']}", "Frobenius median", "ms")
    rows = (
        [
            model["name"],
            percent(model["test"]["directional_error"]["mean"], 3),
            f"{score(model) / least:.2f}",
            percent(model["test"]["relative_frobenius"]["median"], 3),
            _number(model["forward_ms"], ".3g"),
        ]
        for model in finished
    )
    return _table(columns, rows)


def _curves(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Directional error by number of training labels, at equal steps."""
    labels = sorted({point["labels"] for points in curves.values() for point in points})
    rows = []
    for name, points in curves.items():
        at = {
            p["labels"]: f"{percent(p['directional_error']['mean'], 3)} "
            f"({percent(p['directional_error']['median'], 3)})"
            for p in points
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


def _sortable(value: float | None) -> float:
    return math.inf if value is None else value


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
