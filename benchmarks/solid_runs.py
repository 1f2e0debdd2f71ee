"""Models trained on parts of the solid labels: the parts, the test lattices, the runs.

Shared by ``joints_curves.py``, ``solid_comparison.py`` and ``ideas.py``. The result of a run is one
row of the results (``results_file.py``). A run is made again if its labels, the test lattices or
the settings of its model have changed.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import joints
import numpy as np
import torch
from results_file import (
    RESULTS,
    Result,
    Run,
    SolidResults,
    read_solid,
    store_milliseconds,
    store_results,
)

from data.datasets.dataset import Dataset
from data.datasets.file import read_dataset
from data.datasets.joining import concatenate
from data.experiments.comparison_cost import prediction_ms
from data.experiments.recipe import read_recipe
from data.experiments.training_data import Labelling, load_training_data
from fem_reference.loading import pinned
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.training.labelled import LabelledLattices

RECIPE = Path(__file__).with_name("solid_comparison.yaml")
NAMED = "named_cells"
COSTED = 64  #: lattices of a prediction that is timed
MANY = 1_000_000  #: lattices for which compiled code pays
LARGEST = 100_000  #: units of 0.01 %; linear models of few labels may be far off
TETRAGONAL, TRIGONAL, HEXAGONAL, CUBIC = 75, 143, 168, 195  #: numbers of their first space groups
MONOCLINIC = (3, 15)  #: numbers of their first and last space group
Facts = dict[str, np.ndarray]
Mask = np.ndarray


@dataclass(frozen=True)
class Lattices:
    """Labelled lattices and their properties.

    Attributes:
        labelled: The lattices with their labels.
        facts: Properties, one value per lattice.
    """

    labelled: LabelledLattices
    facts: Facts


class Predictor(Protocol):
    """A model that is ready for use."""

    def stiffness(self, batch: LatticeBatch) -> torch.Tensor:
        """C / E_s of simplified lattices."""
        ...


Fit = Callable[[Run, LabelledLattices, LabelledLattices], tuple[Predictor, int]]
"""Makes the model of a run from training and validation lattices; also returns its steps."""


@dataclass(frozen=True)
class Kind:
    """How the models of one name are made.

    Attributes:
        fit: Makes one.
        settings: What the results depend on beside labels and seed; a change makes them anew.
        relabel: Labels instead of the solid ones, for training and test.
        build: Makes one without any fit, which costs as much for a prediction.
        is_probe: Whether its error on the validation part is stored, to choose a recipe by.
    """

    fit: Fit
    settings: Mapping[str, Any]
    relabel: Callable[[LabelledLattices], LabelledLattices] | None = None
    build: Callable[[Normaliser], Predictor] | None = None
    is_probe: bool = False


FAR: dict[str, Callable[[Facts], Mask]] = {
    **joints.PROPERTIES,
    "unequal moduli": lambda f: f["unequal E"],
    "named cells": lambda f: f["named"],
    "other than tetragonal, cubic": lambda f: ~_tetragonal_or_cubic(f["space group"]),
}
"""Properties of the lattices that a network is tested on and was not trained with."""
TESTED: dict[str, tuple[str, Callable[[Facts], Mask]]] = {
    "other than tetragonal, cubic": (
        "monoclinic, after tetragonal and cubic ones",
        lambda f: (f["space group"] >= MONOCLINIC[0]) & (f["space group"] <= MONOCLINIC[1]),
    )
}
"""What is tested where that is only a part of what was left out, with its name."""


def _tetragonal_or_cubic(group: np.ndarray) -> Mask:
    return ((group >= TETRAGONAL) & (group < TRIGONAL)) | (group >= CUBIC)


def tested_on(name: str, facts: Facts) -> Mask:
    """Return the test lattices of one of ``FAR``; those of named cells are not in the others."""
    condition = TESTED[name][1] if name in TESTED else FAR[name]
    return condition(facts) & (facts["fresh"] != (name == "named cells"))


def facts_of(batch: LatticeBatch, dataset: Dataset, chosen: np.ndarray, named: set[bytes]) -> Facts:
    """Return all properties of some lattices of a dataset."""
    base = dataset.base[chosen]
    return joints.facts_of(batch, dataset, chosen) | {
        "named": np.isin(dataset.bases.nets[base], list(named)),
        "base": base,
    }


def load() -> tuple[Lattices, Lattices, Lattices]:
    """Return training, validation and test lattices; the named cells are among the tests."""
    named_cells = read_dataset(joints.SETS / f"{NAMED}.h5").with_label("solid")
    named = set(named_cells.bases.nets.tolist())
    data = load_training_data(read_recipe(RECIPE).data, Labelling(Path()), RECIPE.parent)
    training, validation = (
        Lattices(part := data.parts[k], facts_of(part.batch, data.dataset, data.chosen[k], named))
        for k in ("train", "validation")
    )
    tests = [dataset.select(chosen) for dataset, chosen in joints.finest(joints.TESTS)]
    dataset = concatenate([*tests, named_cells], one_method=False)
    everything = np.arange(len(dataset))
    test = LabelledLattices(*dataset.labelled("solid", everything))
    facts = facts_of(test.batch, dataset, everything, named)
    facts["fresh"] = everything < len(dataset) - len(named_cells)
    return training, validation, Lattices(test, facts)


def part_of(run: Run, training: Lattices) -> LabelledLattices:
    """Return the labels of a run: base by base, in an order that depends on the seed."""
    facts = training.facts
    kept = np.ones(len(training.labelled), dtype=bool)
    if run.without is not None:
        kept = ~FAR[run.without](facts)
    chosen = np.flatnonzero(kept)
    if run.labels is not None:
        bases = np.random.default_rng(run.seed).permutation(np.unique(facts["base"][chosen]))
        rank = np.empty(facts["base"].max() + 1, dtype=np.int64)
        rank[bases] = np.arange(len(bases))
        chosen = chosen[np.argsort(rank[facts["base"][chosen]], kind="stable")][: run.labels]
    return training.labelled.select(np.sort(chosen))


def errors(model: Predictor, test: LabelledLattices) -> dict[str, list[int]]:
    """Return the relative error of C of every lattice and its ratio of softest eigenvalues.

    Both in units of 0.01 %, at most ``LARGEST``.
    """
    found, ratios = [], []
    for part in test.split(64):
        with torch.no_grad():
            C = model.stiffness(part.batch)
        found.append(relative_frobenius(C, part.stiffness))
        finite = torch.isfinite(C).flatten(1).all(1)[:, None, None]
        ratios.append(joints.softest(torch.where(finite, C, 0.0), part.stiffness))
    units = (1e4 * torch.cat(found)).round().nan_to_num(LARGEST)  # exp(M) may overflow
    soft = np.clip(np.round(1e4 * np.concatenate(ratios)), -LARGEST, LARGEST)
    return {
        "errors": units.clamp(max=LARGEST).int().tolist(),
        "softest": soft.astype(int).tolist(),
    }


def made_of_parts(kind: Kind, part: LabelledLattices, judged: LabelledLattices) -> dict[str, Any]:
    """Return all that a result depends on: with anything else it is out of date.

    Of solid labels, also where others are computed instead: those may differ by rounding.
    """
    return {
        "labels": len(part),
        "training": part.fingerprint()[:16],
        "test": judged.fingerprint()[:16],
        "settings": dict(kind.settings),
    }


def compute(
    runs: Iterable[Run],
    kinds: Mapping[str, Kind],
    sets: tuple[Lattices, Lattices, Lattices],
    path: Path = RESULTS,
) -> SolidResults:
    """Make the runs that are missing or out of date; returns all results.

    They are written after each run, so that an interrupted command resumes.
    """
    training, validation, test = sets
    stored = read_solid(path)
    for run in runs:
        kind = kinds[run.name]
        relabel = kind.relabel or (lambda labelled: labelled)
        part = part_of(run, training)
        made_of = made_of_parts(kind, part, test.labelled)
        if run in stored.runs and stored.runs[run].made_of == made_of:
            continue
        part, judged = relabel(part), relabel(test.labelled)
        start = time.process_time()
        model, steps = kind.fit(run, part, relabel(validation.labelled))
        minutes = (time.process_time() - start) / 60
        chosen_by = None
        if kind.is_probe:
            found = errors(model, relabel(validation.labelled))["errors"]
            chosen_by = round(float(np.mean(found)) / 100, 3)
        minutes = round(minutes, 3)
        result = Result(run, minutes, steps, chosen_by, made_of, **errors(model, judged))
        stored = store_results([result], path)
        median = np.median(result.errors) / 100
        sys.stderr.write(f"{run}: {minutes:.2f} min, {median:.2f} %\n")
    return stored


def added(
    stored: SolidResults,
    file: Path,
    kinds_of: Callable[[SolidResults], Mapping[str, Kind]],
    sets: tuple[Lattices, Lattices, Lattices],
) -> SolidResults:
    """Return results with the runs of a file instead of the same runs; costs stay.

    Args:
        stored: The results.
        file: Results like these, made with ``--results``.
        kinds_of: All models, some with the recipe that their short runs have chosen.
        sets: Training, validation and test lattices.

    Raises:
        LatticeGnnError: If the file has no runs, or one of another model, other labels or other
            settings; or if its short runs choose another recipe than that of stored runs.
    """
    new = read_solid(file).runs
    if not new:
        raise LatticeGnnError(f"{file}: there is no run on solid labels; make some by --results.")
    merged = replace(stored, runs=stored.runs | new)
    kinds, names = kinds_of(merged), {run.name for run in new}
    training, _, test = sets
    for run, result in merged.runs.items():
        if run.name not in names:
            continue
        if run.name not in kinds:
            raise LatticeGnnError(f"{file}: {run.name!r} is no model of this comparison.")
        if result.made_of == made_of_parts(kinds[run.name], part_of(run, training), test.labelled):
            continue
        if run in new:
            raise LatticeGnnError(
                f"{file}: {run} was made of other labels or with other settings than the present "
                "ones; make it again in another file."
            )
        raise LatticeGnnError(
            f"{file}: its short runs choose another recipe, but it lacks {run}; make all runs of "
            "this model."
        )
    return merged


def store_cost(kinds: Mapping[str, Kind], test: Lattices, path: Path = RESULTS) -> SolidResults:
    """Measure milliseconds of a prediction per lattice, by model; returns all results.

    The weights do not matter, so that models of any are timed.
    """
    some = test.labelled.batch.select(np.arange(COSTED))
    normaliser = Normaliser.fit(some)
    with pinned(MANY):
        milliseconds = {
            name: float(f"{prediction_ms(kind.build(normaliser).stiffness, some):.3g}")
            for name, kind in kinds.items()
            if kind.build is not None
        }
    return store_milliseconds(milliseconds, path)


def statistics(stored: SolidResults, runs: list[Run], mask: Mask) -> str:
    """Format median, mean and p90, %, averaged over those of the runs that are done."""
    found = [np.array(result.errors)[mask] / 100 for result in stored.done(runs)]
    if not found:
        return "-"
    values = [(np.median(e), e.mean(), np.quantile(e, 0.9)) for e in found]
    return " / ".join(f"{x:.2f}" for x in np.mean(values, axis=0))


def plain(settings: Any) -> dict[str, Any]:
    """Return a dataclass of settings as plain values, as JSON gives them back."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return found
