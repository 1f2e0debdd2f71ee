"""The results of the comparisons: one file, read and written here alone.

``benchmarks/comparison/results.json`` has two sections, and one line per row.

``beam labels``: the document ``comparison/1`` of ``lattice-gnn compare``, a row per model
(``comparison_page.py`` adds rows to it).

``solid labels``: a row per run of ``solid_comparison.py``, ``joints_curves.py`` and ``ideas.py``
(``runs``), a row per group of lattices on which ``large_cells.py`` tests the shipped models
(``transfers``), and ``milliseconds`` of a prediction by model.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from data.experiments.comparison_rows import to_text
from lattice_gnn.files import write_whole
from lattice_gnn.reports.comparison import ComparisonReport
from lattice_gnn.reports.schema import read_document

RESULTS = Path(__file__).parent / "comparison" / "results.json"
BEAM, SOLID = "beam labels", "solid labels"


@dataclass(frozen=True)
class Run:
    """One model on one part of the solid labels for training.

    Attributes:
        name: Name of the model.
        seed: Seed of the weights and of the choice of labels.
        without: Name of the lattices that are left out, one of ``solid_runs.FAR``.
        labels: Largest number of labels; None: all.
    """

    name: str
    seed: int = 0
    without: str | None = None
    labels: int | None = None

    def __str__(self) -> str:
        """The run in words."""
        without = f", without {self.without}" if self.without else ""
        return f"{self.name}{without}, {self.labels or 'all'} labels, seed {self.seed}"


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes:
        run: The run; its fields are the first ones of the row.
        core_minutes: Processor time of the training, or of the fit.
        steps: Number of training steps; 0 without any.
        validation: Mean error of C on the validation part, %, of short runs: that of other runs is
            of no use, and None.
        made_of: All that the result depends on, see ``solid_runs.made_of_parts``.
        errors: Relative error of C of every test lattice, in units of 0.01 %.
        softest: Ratio of softest eigenvalues, predicted to true, in units of 0.01 %.
    """

    run: Run
    core_minutes: float
    steps: int
    validation: float | None
    made_of: Mapping[str, Any]
    errors: list[int]
    softest: list[int]

    def to_row(self) -> dict[str, Any]:
        """Return the row of the file."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        if self.validation is None:
            del values["validation"]
        return asdict(values.pop("run")) | values

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Result":
        """Return the result of a row."""
        key = {item.name for item in fields(Run)}
        rest = {name: value for name, value in row.items() if name not in key}
        return cls(Run(**{name: row[name] for name in key}), **{"validation": None, **rest})


@dataclass(frozen=True)
class Transfer:
    """The shipped models on lattices unlike those of their training.

    Attributes:
        name: Name of the lattices.
        seed: Seed of the lattices.
        steps: Number of training steps: none, the models are those of the package.
        core_minutes: Processor time of the labels.
        stiffness: Labels by hash of the lattice: C / E_s in Mandel notation, upper triangle.
        errors: Relative error of C of every lattice by model, in units of 0.01 %.
        weights: Hashes of the weights by model.
    """

    name: str
    seed: int = 0
    steps: int = 0
    core_minutes: float = 0.0
    stiffness: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, list[int]] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SolidResults:
    """The section of solid labels.

    Attributes:
        runs: Results by run.
        transfers: The shipped models on other lattices, by name of the lattices.
        milliseconds: Processor time of a prediction per lattice by model, one thread.
    """

    runs: dict[Run, Result] = field(default_factory=dict)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)

    def done(self, runs: Iterable[Run]) -> list[Result]:
        """Return the results of those of the runs that are made."""
        return [self.runs[run] for run in runs if run in self.runs]


def read_solid(path: Path = RESULTS) -> SolidResults:
    """Return the section of solid labels; empty if there is none."""
    section = _sections(path).get(SOLID, {})
    results = [Result.of_row(row) for row in section.get("runs", ())]
    transfers = [Transfer(**row) for row in section.get("transfers", ())]
    found = SolidResults(
        {result.run: result for result in results},
        {transfer.name: transfer for transfer in transfers},
        section.get("milliseconds", {}),
    )
    if len(found.runs) < len(results) or len(found.transfers) < len(transfers):
        raise SystemExit(f"{path}: two rows of one run under {SOLID!r}; remove one of them.")
    return found


def store_results(results: Iterable[Result], path: Path = RESULTS) -> SolidResults:
    """Add results to those of the file as it is now, or replace them; return all."""
    stored = read_solid(path)
    runs = stored.runs | {result.run: result for result in results}
    return _write_solid(replace(stored, runs=runs), path)


def store_transfer(transfer: Transfer, path: Path = RESULTS) -> SolidResults:
    """Add errors on a group of lattices to the file as it is now, or replace them; return all."""
    stored = read_solid(path)
    transfers = stored.transfers | {transfer.name: transfer}
    return _write_solid(replace(stored, transfers=transfers), path)


def store_milliseconds(milliseconds: dict[str, float], path: Path = RESULTS) -> SolidResults:
    """Replace the cost of predictions in the file as it is now; return all."""
    return _write_solid(replace(read_solid(path), milliseconds=milliseconds), path)


def _write_solid(results: SolidResults, path: Path) -> SolidResults:
    rows = sorted((result.to_row() for result in results.runs.values()), key=_place)
    transfers = [asdict(transfer) for transfer in results.transfers.values()]
    _write(
        path,
        SOLID,
        {"milliseconds": results.milliseconds, "transfers": transfers, "runs": rows},
    )
    return results


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what rows are sorted by: all labels after fewer."""
    labels = row["labels"]
    return row["name"], row["without"] or "", labels is None, labels or 0, row["seed"]


def read_beam(path: Path = RESULTS) -> ComparisonReport:
    """Return the section of beam labels."""
    section = _sections(path).get(BEAM)
    report = read_document(section) if section is not None else None
    if not isinstance(report, ComparisonReport):
        raise SystemExit(f"{path}: expected a comparison under {BEAM!r}.")
    return report


def write_beam(report: ComparisonReport, path: Path = RESULTS) -> None:
    """Replace the section of beam labels."""
    _write(path, BEAM, report.to_dict())


def _sections(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def _write(path: Path, name: str, section: Mapping[str, Any]) -> None:
    """Replace a section of the file as it is now."""
    sections = _sections(path) | {name: section}
    text = ",\n".join(
        f"{json.dumps(key)}: {to_text(sections[key]).rstrip()}"
        for key in (BEAM, SOLID)
        if key in sections
    )
    write_whole(path, f"{{\n{text}\n}}\n")
