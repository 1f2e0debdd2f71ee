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
    report = read_report(path)
    if report.data.hash != data_hash:
        raise LatticeGnnError(
            f"{path}: holds no comparison on these lattices; choose another folder."
        )
    return report


def read_report(path: Path) -> ComparisonReport:
    """Read the file of a comparison.

    Raises:
        LatticeGnnError: If the file is missing or damaged, or holds no comparison.
    """
    try:
        with reading(path):
            values = json.loads(path.read_text("utf-8"))
        report = read_document(values) if isinstance(values, dict) else None
    except (ValueError, LatticeGnnError) as error:
        reason = " ".join(str(error).split())[:120]
        raise LatticeGnnError(
            f"{path}: holds no comparison of this version ({reason}); choose another folder."
        ) from None
    if not isinstance(report, ComparisonReport):
        raise LatticeGnnError(f"{path}: holds no comparison; choose another folder.")
    return report


def _rounded(value: Any) -> Any:
    """Round numbers, also those inside a mapping, to five significant digits."""
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def to_text(values: Mapping[str, Any]) -> str:
    """Format an object as JSON with one line per value, or per row where a value has rows.

    Rows are lists of objects, or such lists by name.
    """
    lines = (f" {json.dumps(key)}: {_lines(value)}" for key, value in values.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(value: Any) -> str:
    if _has_rows(value):
        return _rows(value, "  ")
    if isinstance(value, dict) and value and all(map(_has_rows, value.values())):
        named = (f"  {json.dumps(name)}: {_rows(rows, '   ')}" for name, rows in value.items())
        return "{\n" + ",\n".join(named) + "\n }"
    return json.dumps(value)


def _has_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, dict) for x in value)


def _rows(rows: Iterable[Any], indent: str) -> str:
    return "[\n" + ",\n".join(indent + json.dumps(row) for row in rows) + f"\n{indent[:-1]}]"
