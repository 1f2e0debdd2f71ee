"""Comparison of many models on the same data with the same budget: training, errors, tables.

A comparison is a folder: ``runs/NAME`` for each model, ``data`` for the labelled lattices, and
``comparison.json`` and ``comparison.md`` for all finished models. Finished models are never trained
again, even if ``comparison.json`` is all that is left of the folder, and an interrupted training
resumes.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from data.experiments.comparison_config import ComparisonConfig, read_comparison
from data.experiments.comparison_cost import measure_cost
from data.experiments.comparison_plan import Plan, read_json
from data.experiments.comparison_rows import compact_row, curve_points, read_rows, to_text
from data.experiments.comparison_run import Catalogue, finished_metrics, make_and_measure
from data.experiments.comparison_table import markdown
from data.experiments.machine import machine
from data.experiments.training_data import (
    PARTS,
    DataConfig,
    Labelling,
    TrainingData,
    load_training_data,
)
from data.labelling.orphans import end_with
from data.threads import one_thread
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole
from lattice_gnn.reports.comparison import (
    ComparedModel,
    ComparisonData,
    ComparisonReport,
    CurvePoint,
    PartCounts,
)
from lattice_gnn.training.memory import keep_freed_memory

_STATE = "progress.json"  #: in the folder of a run that another process executes
_TELL_SECONDS = 0.3  #: minimum time between two messages about one model


@dataclass(frozen=True, slots=True)
class Job:
    """Where and how a comparison is run.

    Attributes:
        folder: Holds the runs and the tables.
        labelling: Where labelled lattices are kept, and the processes that label them.
        catalogues: Further lattices to test on.
        only: Names of the models to train; all if empty.
        jobs: Number of models trained at once, each on one thread.
        budget_minutes: Core-minutes of training per model; None takes the value in the file.
    """

    folder: Path
    labelling: Labelling
    catalogues: tuple[Catalogue, ...] = ()
    only: tuple[str, ...] = ()
    jobs: int = 1
    budget_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Progress of one model.

    Attributes:
        name: The model.
        share: Completed share.
        at: Current step, in words.
        model: Its row of the table, once finished.
        failure: Why it failed, in a sentence.
    """

    name: str
    share: float
    at: str
    model: ComparedModel | None = None
    failure: str | None = None


OnRun = Callable[[RunProgress], None]


def compare(path: Path, job: Job, *, on_run: OnRun | None = None) -> ComparisonReport:
    """Train every unfinished model of a comparison, and write the tables.

    Learning curves follow once all models have finished or failed.

    Args:
        path: The comparison (YAML).
        job: Where and how.
        on_run: Called with the progress of the runs, in this process.

    Returns:
        The content of ``comparison.json``.

    Raises:
        LatticeGnnError: If the settings or the data cannot be used, a name is unknown, or no model
            could be trained.
    """
    config, plans = read_comparison(path, job.budget_minutes)
    unknown = [name for name in job.only if name not in plans]
    if unknown:
        raise LatticeGnnError(
            f"--only {unknown[0]}: {path} has no model of this name; it has {', '.join(plans)}."
        )
    names = [path.name for path in {catalogue.path.resolve() for catalogue in job.catalogues}]
    for catalogue in job.catalogues:
        if names.count(catalogue.path.name) > 1:
            raise LatticeGnnError(
                f"--catalogue: two files are called {catalogue.path.name}; rename one, errors are "
                "kept by name."
            )
        catalogue.read()  # before hours of training
    source = _Source(json.dumps(config.data), path.parent.resolve(), job.labelling.folder.resolve())
    data = source.load(job.labelling)
    data_hash = data.rounded_fingerprint()
    stored = read_rows(job.folder / "comparison.json", data_hash)
    work = _Work(job, source, data_hash, stored, on_run or (lambda _: None))
    failed = work.make([plans[name] for name in job.only or plans])
    rows = work.rows(plans.values())
    if not rows:
        raise LatticeGnnError(
            next(iter(failed.values()), "comparison: none of the models has finished.")
        )
    unfinished = [name for name in plans if name not in {row.name for row in rows}]
    curves = stored.curves if stored else {}
    if not set(unfinished) - set(failed):
        curve_plans = _curve_plans(config, plans, rows, len(data.parts["train"]))
        runs = [plan for curve in curve_plans.values() for plan in curve]
        failed |= work.make([plan for plan in runs if plan.name not in plans])
        curves = {name: work.points(curve) for name, curve in curve_plans.items()}
    made = [work.with_cost(row, plans[row.name], data) for row in rows]
    report = ComparisonReport(
        data=_data_facts(data, data_hash),
        budget_minutes=config.budget_minutes,
        machine=machine(),
        models=tuple(sorted([*made, *_earlier(stored, unfinished)], key=lambda row: row.score)),
        curves=curves,
        ablation=tuple(config.ablation),
        unfinished=tuple(unfinished),
        failed=failed,
    )
    write_whole(job.folder / "comparison.json", to_text(report.to_dict()))
    write_whole(job.folder / "comparison.md", markdown(report))
    return report


def _data_facts(data: TrainingData, data_hash: str) -> ComparisonData:
    return ComparisonData(
        hash=data_hash,
        labels=data.method,
        lattices=PartCounts(*(len(data.parts[name]) for name in PARTS)),
        bases=PartCounts(*(len(data.bases(name)) for name in PARTS)),
        share_of_test_with_unseen_net=1 - float(data.has_known_net("test").mean()),
    )


def _earlier(stored: ComparisonReport | None, unfinished: Sequence[str]) -> list[ComparedModel]:
    """Return rows with other settings; their cost only where it was measured on this computer."""
    rows = [row for row in (stored.models if stored else ()) if row.name in unfinished]
    if stored is not None and stored.machine != machine():
        rows = [replace(row, forward_ms=None, step_ms=None) for row in rows]
    return rows


def _curve_plans(
    config: ComparisonConfig,
    plans: Mapping[str, Plan],
    rows: Sequence[ComparedModel],
    most: int,
) -> dict[str, list[Plan]]:
    """Return the runs of the learning curves of the best trained models; ``rows`` come best first.

    All points of a curve have the same number of steps, so that only the labels differ.
    """
    eligible = [row for row in rows if row.steps is not None and plans[row.name].labels is None]
    curves = {}
    for row in eligible[: config.curves.best] if config.curves.labels else ():
        plan = plans[row.name]
        steps = max(1, round(config.curves.share * (row.steps or 0)))
        train = {**plan.train, "steps": steps, "learning_rate": row.learning_rate}
        few = replace(plan, train=train, learning_rates=())
        curves[plan.name] = [
            replace(few, name=f"{plan.name}@{count}", labels=count)
            for count in sorted(set(config.curves.labels))
            if count < most
        ]
        whole = plan if config.curves.share == 1 else replace(few, name=f"{plan.name}@all")
        curves[plan.name].append(whole)
    return curves


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a process finds the lattices, labelled by the first process."""

    data: str
    beside: Path
    folder: Path

    def load(self, labelling: Labelling | None = None) -> TrainingData:
        """Return the lattices, labelling them if necessary; read once per process."""
        if self not in _LOADED:
            config = DataConfig.from_dict(json.loads(self.data))
            labelling = labelling or Labelling(self.folder)
            _LOADED.clear()
            _LOADED[self] = load_training_data(config, labelling, self.beside)
        return _LOADED[self]


_LOADED: dict[_Source, TrainingData] = {}
"""The lattices that this process read last."""


@dataclass(frozen=True, slots=True)
class _Task:
    """One model to be trained, in this process or another."""

    plan: Plan
    place: Path
    source: _Source
    data_hash: str
    catalogues: tuple[Catalogue, ...]

    def run(self, tell: Callable[[float, str], None]) -> str | None:
        """Train the model on one thread; return why it failed, if it did."""
        try:
            with one_thread():
                source = (self.source.load(), self.data_hash)
                make_and_measure(self.plan, self.place, source, self.catalogues, tell)
        except LatticeGnnError as error:
            return str(error)
        return None


@dataclass(frozen=True, slots=True)
class _Work:
    """The runs of a comparison, executed one after the other or several at once."""

    job: Job
    source: _Source
    data_hash: str
    stored: ComparisonReport | None
    on_run: OnRun

    def place(self, name: str) -> Path:
        """Return the folder of a run."""
        return self.job.folder / "runs" / name

    def finished(self, plan: Plan) -> ComparedModel | None:
        """Return the row of a finished model: of its run, or of the file."""
        settings = plan.settings(self.data_hash)
        metrics = finished_metrics(plan, self.place(plan.name), self.data_hash)
        if metrics is not None:
            return compact_row(metrics, plan.seed, settings)
        rows = {row.name: row for row in self.stored.models} if self.stored else {}
        row = rows.get(plan.name)
        return row if row is not None and row.settings == settings else None

    def rows(self, plans: Iterable[Plan]) -> list[ComparedModel]:
        """Return the rows of the finished models, smallest error first."""
        found = (self.finished(plan) for plan in plans)
        return sorted((row for row in found if row is not None), key=lambda row: row.score)

    def points(self, curve: Sequence[Plan]) -> tuple[CurvePoint, ...]:
        """Return the finished points of a learning curve, by ascending number of labels."""
        found = curve_points(self.rows(curve))
        found += [point for plan in curve if (point := self.stored_point(plan)) is not None]
        return tuple(sorted({p.labels: p for p in found}.values(), key=lambda point: point.labels))

    def stored_point(self, plan: Plan) -> CurvePoint | None:
        """Return the point of a learning curve with these settings in the file."""
        settings = plan.settings(self.data_hash)
        curves = self.stored.curves.values() if self.stored else ()
        return next((p for curve in curves for p in curve if p.settings == settings), None)

    def is_stored(self, plan: Plan) -> bool:
        """Whether the file has the results of this run and the folder does not."""
        if finished_metrics(plan, self.place(plan.name), self.data_hash) is not None:
            return False
        return self.finished(plan) is not None or self.stored_point(plan) is not None

    def with_cost(self, row: ComparedModel, plan: Plan, data: TrainingData) -> ComparedModel:
        """Return the row with the cost of a prediction and of a training step."""
        cost = measure_cost(plan, self.place(row.name), data)
        return replace(row, forward_ms=cost["forward_ms"], step_ms=cost["step_ms"])

    def make(self, plans: Sequence[Plan]) -> dict[str, str]:
        """Train models; return why some of them failed, by name."""
        failed: dict[str, str] = {}

        def end(plan: Plan, failure: str | None) -> None:
            if failure is not None:
                failed[plan.name] = failure
            self.on_run(RunProgress(plan.name, 1.0, "done", self.finished(plan), failure))

        tasks = [
            _Task(plan, self.place(plan.name), self.source, self.data_hash, self.job.catalogues)
            for plan in plans
            if not self.is_stored(plan)
        ]
        if self.job.jobs > 1 and len(tasks) > 1:
            self._make_at_once(tasks, end)
            return failed
        for task in tasks:

            def tell(share: float, at: str, name: str = task.plan.name) -> None:
                self.on_run(RunProgress(name, share, at))

            end(task.plan, task.run(tell))
        return failed

    def _make_at_once(
        self, tasks: Sequence[_Task], end: Callable[[Plan, str | None], None]
    ) -> None:
        """Train models in several processes, each on one thread."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            min(self.job.jobs, len(tasks)), context, _prepare_child, (os.getpid(),)
        ) as pool:
            running = {pool.submit(_run_in_child, task): task for task in tasks}
            waiting = set(running)
            try:
                while waiting:
                    done, waiting = wait(waiting, _TELL_SECONDS, FIRST_COMPLETED)
                    for future in waiting:
                        state = read_json(running[future].place / _STATE)
                        if future.running() and state:
                            name = running[future].plan.name
                            self.on_run(RunProgress(name, state["share"], state["at"]))
                    for future in done:
                        error = future.exception()
                        failure = f"its process failed ({error!r})" if error else future.result()
                        end(running[future].plan, failure)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _prepare_child(parent: int) -> None:
    """Keep freed memory; end this process when its parent ends, for whatever reason."""
    keep_freed_memory()
    end_with(parent)


def _run_in_child(task: _Task) -> str | None:
    """Run a task in a separate process, which writes its progress for the parent."""
    path, last = task.place / _STATE, 0.0

    def tell(share: float, at: str) -> None:
        nonlocal last
        if time.monotonic() - last > _TELL_SECONDS:
            last = time.monotonic()
            write_whole(path, json.dumps({"share": share, "at": at}))

    try:
        return task.run(tell)
    finally:
        path.unlink(missing_ok=True)
