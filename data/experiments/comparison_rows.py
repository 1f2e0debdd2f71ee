"""The compact results of a comparison: one row per model, one line per row of the file.

The full report of a model (moduli, symmetry classes, sizes, worst lattices) stays in
``runs/NAME/metrics.json``; a row keeps what tables and figures show, to five significant digits.
"""

import json
from collections.abc import Mapping
from typing import Any

METRICS = (
    "directional_error",
    "component_error",
    "relative_frobenius",
    "log_euclidean",
    "softest_error",
)
_DIGITS = 5


def compact_row(metrics: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
    """Reduce what ``metrics.json`` of a finished run says to its row.

    Args:
        metrics: The run's metrics.
        seed: Random seed of its training; None where nothing was trained.
    """
    keys = ("name", "kind", "parameters", "labels", "steps", "core_minutes")
    return {
        **{key: metrics[key] for key in keys},
        "seed": seed,
        "test": _compact_report(metrics["test"]),
        "catalogues": {
            name: {"catalogue": report["catalogue"], **_compact_report(report)}
            for name, report in metrics["catalogues"].items()
        },
    }


def _compact_report(report: Mapping[str, Any]) -> dict[str, Any]:
    rotation = report["equivariance_error"]["rotation"]
    return {
        "count": report["count"],
        **{name: _rounded(report[name]) for name in METRICS},
        "negative_eigenvalue_share": _rounded(report["negative_eigenvalue_share"]),
        "rotation_error": {key: _rounded(rotation[key]) for key in ("median", "max")},
        "by_density": [
            {
                "range": row["range"],
                "count": row["count"],
                "directional_error": {
                    key: _rounded(row["directional_error"][key]) for key in ("median", "p90")
                },
            }
            for row in report["by_density"]
        ],
    }


def _rounded(value: Any) -> Any:
    """Round numbers, also those inside a mapping, to five significant digits."""
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def to_text(document: Mapping[str, Any]) -> str:
    """Format a comparison as JSON with one line per model and per point of a learning curve."""
    parts = []
    for key, value in document.items():
        if key == "models":
            text = _lines(value, "  ")
        elif key == "curves":
            curves = (f"  {json.dumps(n)}: {_lines(points, '   ')}" for n, points in value.items())
            text = "{\n" + ",\n".join(curves) + "\n }" if value else "{}"
        else:
            text = json.dumps(value)
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(rows: list[Any], indent: str) -> str:
    inside = ",\n".join(indent + json.dumps(row) for row in rows)
    return f"[\n{inside}\n{indent[:-1]}]" if rows else "[]"
