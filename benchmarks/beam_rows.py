"""Rows of the results on beam labels: those of ``lattice-gnn compare`` added; their cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from data.experiments.comparison_config import ComparisonConfig, read_comparison
from data.experiments.comparison_cost import measure_cost
from data.experiments.comparison_plan import Plan
from data.experiments.comparison_rows import read_report
from data.experiments.machine import machine
from data.experiments.training_data import DataConfig, Labelling, load_training_data
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.reports.comparison import ComparedModel, ComparisonReport
from lattice_gnn.training.memory import keep_freed_memory

CONFIG = Path(__file__).parents[1] / "lattice_gnn" / "configs" / "comparison.yaml"


@dataclass(frozen=True)
class Present:
    """The present settings of the comparison.

    Attributes:
        config: The comparison.
        plans: Settings of every model by name.
    """

    config: ComparisonConfig
    plans: Mapping[str, Plan]

    @classmethod
    def of(cls, path: Path = CONFIG) -> "Present":
        """Read the settings."""
        return cls(*read_comparison(path))

    def has_made(self, row: ComparedModel, data_hash: str) -> bool:
        """Whether a row is of a model with these settings on lattices with this hash."""
        plan = self.plans.get(row.name)
        return plan is not None and row.settings == plan.settings(data_hash)


def settled(report: ComparisonReport, present: Present) -> ComparisonReport:
    """Return a comparison whose budget, ablation and unfinished models are the present ones.

    Without learning curves: here, fewer labels are a row of their own, which can be rerun by name.

    Raises:
        LatticeGnnError: If a row is of a model that the settings do not have.
    """
    unknown = [row.name for row in report.models if row.name not in present.plans]
    if unknown:
        raise LatticeGnnError(
            f"results: there is a row {unknown[0]!r}, but no model of this name in {CONFIG.name}; "
            "rename or remove the row."
        )
    finished = {row.name for row in report.models if present.has_made(row, report.data.hash)}
    unfinished = tuple(name for name in present.plans if name not in finished)
    return replace(
        report,
        budget_minutes=present.config.budget_minutes,
        models=tuple(sorted(report.models, key=lambda row: row.score)),
        curves={},
        ablation=tuple(present.config.ablation),
        unfinished=unfinished,
        failed={},  # the reasons name files of a folder, and stay there
    )


def added(report: ComparisonReport, folder: Path, present: Present) -> ComparisonReport:
    """Return a comparison with the finished rows of a folder instead of those of the same names.

    A row that is there already, but for its cost, stays as it is. Costs that were measured on
    another computer are left out.

    Raises:
        LatticeGnnError: If the folder has no finished row, or its data, budget, settings or
            catalogues are others.
    """
    new = _read(folder)
    if new.data.hash != report.data.hash:
        raise LatticeGnnError(
            f"{folder}: its lattices are not those of the results (hash {new.data.hash[:12]}, "
            f"expected {report.data.hash[:12]}); compare with {CONFIG.name} as it is."
        )
    if new.budget_minutes != present.config.budget_minutes:
        raise LatticeGnnError(
            f"{folder}: its budget is {new.budget_minutes:g} core-minutes, expected "
            f"{present.config.budget_minutes:g}; compare without --budget-minutes."
        )
    rows = [row for row in new.models if row.name not in new.unfinished]
    if not rows:
        raise LatticeGnnError(f"{folder}: no model has finished; run `lattice-gnn compare` again.")
    for row in rows:
        if not present.has_made(row, report.data.hash):
            raise LatticeGnnError(
                f"{folder}: {row.name!r} was trained with other settings than those of "
                f"{CONFIG.name}; train it again in another folder."
            )
    _check_catalogues(rows, report.models, folder)
    if new.machine != report.machine:
        rows = [replace(row, forward_ms=None, step_ms=None) for row in rows]
    stored = {row.name: row for row in report.models}
    fresh = {row.name: row for row in rows if not _is_same_run(row, stored.get(row.name))}
    return settled(replace(report, models=tuple((stored | fresh).values())), present)


def _read(folder: Path) -> ComparisonReport:
    path = folder / "comparison.json"
    if not path.is_file():
        raise LatticeGnnError(
            f"{folder}: there is no comparison.json, which `lattice-gnn compare` writes when a "
            "model has finished."
        )
    return read_report(path)


def _check_catalogues(
    rows: Sequence[ComparedModel], stored: Sequence[ComparedModel], folder: Path
) -> None:
    """Check that errors on a catalogue are those on the same lattices as in the other rows."""
    names = {row.name for row in rows}
    others = [row for row in stored if row.name not in names]
    known = {name: found.catalogue for row in others for name, found in row.catalogues.items()}
    for row in rows:
        for name, found in row.catalogues.items():
            if found.catalogue != known.get(name, found.catalogue):
                raise LatticeGnnError(
                    f"{folder}: {row.name!r} was tested on another {name} than the other rows, or "
                    f"on other densities of it (--lowest {found.catalogue.lowest}, expected "
                    f"{known[name].lowest})."
                )


def _is_same_run(row: ComparedModel, other: ComparedModel | None) -> bool:
    """Whether two rows differ in nothing but the measured cost."""
    return other is not None and row == replace(
        other, forward_ms=row.forward_ms, step_ms=row.step_ms
    )


def with_costs(report: ComparisonReport, folder: Path, present: Present) -> ComparisonReport:
    """Return a comparison with the cost of all rows measured on this computer, in one run.

    Args:
        report: The comparison.
        folder: Its ``data`` keeps the labelled lattices, as in a folder of ``lattice-gnn compare``.
        present: The present settings.

    Raises:
        LatticeGnnError: If the data cannot be used.
    """
    keep_freed_memory()  # as in `compare`
    config = DataConfig.from_dict(present.config.data)
    data = load_training_data(config, Labelling(folder / "data"), CONFIG.parent)
    rows = []
    for row in report.models:
        with TemporaryDirectory() as place:
            cost = measure_cost(present.plans[row.name], Path(place), data)
        rows.append(replace(row, forward_ms=cost["forward_ms"], step_ms=cost["step_ms"]))
    return replace(report, machine=machine(), models=tuple(rows))
