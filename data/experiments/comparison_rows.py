"""The compact results of a comparison: one row per model, one line per row of the file.

The full report of a model (moduli, symmetry classes, sizes, worst lattices) stays in
``runs/NAME/metrics.json``; a row keeps what tables and figures show, to five significant digits.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import reading
from lattice_gnn.reports.comparison import (
    CatalogueErrors,
    CatalogueFacts,
    ComparedErrors,
    ComparedModel,
    ComparisonReport,
    CurvePoint,
    DensityRow,
    RateProbe,
    RotationError,
)
from lattice_gnn.reports.dataset import MedianAndP90
from lattice_gnn.reports.errors import Summary
from lattice_gnn.reports.evaluation import TensorError
from lattice_gnn.reports.schema import read_document

_DIGITS = 5


def compact_row(metrics: Mapping[str, Any], seed: int | None, settings: str) -> ComparedModel:
    """Reduce the content of ``metrics.json`` of a finished run to its row, without cost.

    Args:
        metrics: The run's metrics.
        seed: Random seed of its training; None if nothing was trained.
        settings: Hash of its settings.
    """
    return ComparedModel(
        name=metrics["name"],
        kind=metrics["kind"],
        parameters=metrics["parameters"],
        labels=metrics["labels"],
        steps=metrics["steps"],
        core_minutes=metrics["core_minutes"],
        seed=seed,
        learning_rate=metrics["learning_rate"],
        probes=tuple(RateProbe(**_rounded(probe)) for probe in metrics["probes"]),
        settings=settings,
        test=ComparedErrors(**_errors(metrics["test"])),
        catalogues={
            name: CatalogueErrors(catalogue=CatalogueFacts(**found["catalogue"]), **_errors(found))
            for name, found in metrics["catalogues"].items()
        },
        forward_ms=None,
        step_ms=None,
    )


def _errors(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``ComparedErrors``."""
    rotation = report["equivariance_error"]["rotation"]
    kinds = ("directional_error", "component_error", "log_euclidean", "softest_error")
    return {
        "count": report["count"],
        **{name: Summary(**_rounded(report[name])) for name in kinds},
        "relative_frobenius": TensorError(**_rounded(report["relative_frobenius"])),
        "negative_eigenvalue_share": _rounded(report["negative_eigenvalue_share"]),
        "rotation_error": RotationError(_rounded(rotation["median"]), _rounded(rotation["max"])),
        "by_density": tuple(_density_row(row) for row in report["by_density"]),
    }


def _density_row(row: Mapping[str, Any]) -> DensityRow:
    low, high = row["range"]
    error = _rounded(row["directional_error"])
    return DensityRow((low, high), row["count"], MedianAndP90(error["median"], error["p90"]))


def curve_points(models: Iterable[ComparedModel]) -> list[CurvePoint]:
    """Return the test errors of trained models by number of training labels."""
    return [
        CurvePoint(
            labels=model.labels,
            steps=model.steps,
            settings=model.settings,
            directional_error=model.test.directional_error,
            relative_frobenius=model.test.relative_frobenius,
        )
        for model in models
        if model.labels is not None and model.steps is not None
    ]


def read_rows(path: Path, data_hash: str) -> ComparisonReport | None:
    """Read the rows of an earlier comparison on the same lattices; None without one.

    Raises:
        LatticeGnnError: If the file is damaged, or holds no comparison on these lattices.
    """
    if not path.exists():
        return None
    try:
        with reading(path):
            values = json.loads(path.read_text("utf-8"))
        report = read_document(values) if isinstance(values, dict) else None
    except (ValueError, LatticeGnnError) as error:
        reason = " ".join(str(error).split())[:120]
        raise LatticeGnnError(
            f"{path}: holds no comparison of this version ({reason}); choose another folder."
        ) from None
    if not isinstance(report, ComparisonReport) or report.data.hash != data_hash:
        raise LatticeGnnError(
            f"{path}: holds no comparison on these lattices; choose another folder."
        )
    return report


def _rounded(value: Any) -> Any:
    """Round numbers, also those inside a mapping, to five significant digits."""
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def to_text(report: ComparisonReport) -> str:
    """Format a comparison as JSON with one line per model and per point of a learning curve."""
    parts = []
    for key, value in report.to_dict().items():
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
