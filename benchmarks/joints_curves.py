"""Joint models over the number of labels, and on lattices unlike those of their training.

    python benchmarks/joints_curves.py                 # what is missing in the results
    python benchmarks/joints_curves.py --update-docs   # the tables of docs/joints.md
    python benchmarks/joints_curves.py --only curve

Every network is one member of the recipe ``lattice_gnn/configs/default.yaml``, trained with an
equal number of steps on a part of its training labels, and judged on the test files of
``data/solid_set``; every linear model is fitted to the same labels. The errors of each run are kept
in ``benchmarks/comparison/joints.json``; they are computed again if labels or recipe have changed.
Runs of several seeds differ in initial weights, order, and the base lattices that are taken.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import joints
import numpy as np
import torch
from solid_report import DOCS, Row, table, write_section

from data.datasets.dataset import Dataset
from data.datasets.file import read_dataset
from data.datasets.joining import concatenate
from data.experiments.recipe import Recipe, read_recipe
from data.experiments.training_data import Labelling, load_training_data
from lattice_gnn.files import write_whole
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.joints import JointConfig
from lattice_gnn.network.joints_linear import JointLinearConfig, JointLinearModel
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.surrogate.surrogate import load_surrogate
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.training.joints_fit import fit_joints
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import train

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "lattice_gnn" / "configs" / "default.yaml"
RESULTS = Path(__file__).parent / "comparison" / "joints.json"
NAMED = "named_cells"
COUNTS = (25, 50, 100, 300, 1000)
SEEDS = (0, 1, 2)
STEPS = 1000
LINEAR = 300  #: labels of linear models, at most
LARGEST = 100_000  #: units of 0.01 %; linear models of few labels may be far off
KINDS = ("network", "linear")
HIGH_SYMMETRY = 143  #: number of the first trigonal space group; hexagonal and cubic ones follow
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


@dataclass(frozen=True)
class Run:
    """One model on one part of the training labels.

    Attributes:
        kind: "network" or "linear".
        seed: Seed of the weights and of the choice of labels.
        without: Name of the lattices that are left out, one of ``FAR``.
        labels: Largest number of labels; None: all.
    """

    kind: str
    seed: int = 0
    without: str | None = None
    labels: int | None = None

    @property
    def key(self) -> str:
        """Name in the file of results."""
        return f"{self.kind} {self.without or 'everything'} {self.labels or 'all'} {self.seed}"


FAR: dict[str, Callable[[Facts], Mask]] = {
    "relative density above 15 %": lambda f: f["density"] > 0.15,
    "r/L above 0.15": lambda f: f["slenderness"] > 0.15,
    "more than 8 nodes": lambda f: f["nodes"] > 8,
    "trigonal, hexagonal, cubic": lambda f: f["space group"] >= HIGH_SYMMETRY,
    "unequal radii": lambda f: f["ratio"] > 1.01,
    "nu other than 0.3": lambda f: f["nu"] != 0.3,
    "unequal moduli": lambda f: f["unequal E"],
    "named cells": lambda f: f["named"],
}
"""Properties of the lattices that a network is tested on and was not trained with."""


def facts_of(batch: LatticeBatch, dataset: Dataset, chosen: np.ndarray, named: set[bytes]) -> Facts:
    """Return all properties of some lattices of a dataset."""
    largest = torch.zeros(len(batch), dtype=torch.float64)
    slenderness = largest.scatter_reduce(
        0, batch.strut_lattice, batch.radii / batch.lengths, "amax"
    )
    base = dataset.base[chosen]
    return joints.facts_of(batch, dataset, chosen) | {
        "slenderness": slenderness.numpy(),
        "nodes": batch.node_offsets.diff().numpy(),
        "space group": dataset.bases.space_groups[base],
        "named": np.isin(dataset.bases.nets[base], list(named)),
        "base": base,
    }


def load(recipe: Recipe) -> tuple[Lattices, Lattices, Lattices]:
    """Return training, validation and test lattices; the named cells are among the tests."""
    named_cells = read_dataset(joints.SETS / f"{NAMED}.h5").with_label("solid")
    named = set(named_cells.bases.nets.tolist())
    data = load_training_data(recipe.data, Labelling(Path()), RECIPE.parent)
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


def fitted(
    run: Run, part: LabelledLattices, validation: LabelledLattices, recipe: Recipe
) -> StiffnessNetwork:
    """Train or fit the model of a run."""
    if run.kind == "linear":
        linear = JointLinearModel(JointLinearConfig(), Normaliser.fit(part.batch)).eval()
        fit_joints(linear, part, validation)
        return linear
    if not isinstance(recipe.model, JointConfig):
        raise SystemExit(f"{RECIPE}: expected a model of kind joints, got {recipe.model.kind}")
    config = replace(recipe.train, steps=STEPS, checkpoint_steps=STEPS, seed=run.seed)
    with tempfile.TemporaryDirectory() as folder:
        return train(
            replace(recipe.model, members=1), config, (part, validation), Path(folder)
        ).eval()


def errors(model: StiffnessNetwork, test: LabelledLattices) -> list[int]:
    """Return the relative error of C of every lattice, in units of 0.01 %, at most ``LARGEST``."""
    found = []
    for part in test.split(64):
        with torch.no_grad():
            found.append(relative_frobenius(model.stiffness(part.batch), part.stiffness))
    units = (1e4 * torch.cat(found)).round().nan_to_num(LARGEST)  # exp(M) may overflow
    return units.clamp(max=LARGEST).int().tolist()


def curve_run(kind: str, count: int | None, seed: int) -> Run:
    """Return the run of one entry of the learning curve."""
    return Run(kind, seed, None, count)


def far_run(kind: str, name: str) -> Run:
    """Return the run without some lattices; linear models are fitted to ``LINEAR`` labels."""
    return Run(kind, 0, name, LINEAR if kind == "linear" else None)


def all_runs(only: str) -> Iterator[Run]:
    """Yield the runs of both tables, those of the networks first."""
    for kind in KINDS:
        if only in ("far", "all"):
            yield from (far_run(kind, name) for name in FAR)
        if only in ("curve", "all"):
            counts = (*COUNTS, None) if kind == "network" else COUNTS
            yield from (curve_run(kind, n, seed) for seed in SEEDS for n in counts)


def compute(runs: list[Run], recipe: Recipe, sets: tuple[Lattices, Lattices, Lattices]) -> dict:
    """Return the errors of every run by its key, and write them after each run."""
    training, validation, test = sets
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    settings = {"train": asdict(recipe.train), "model": recipe.model.to_dict(), "steps": STEPS}
    for run in runs:
        part = part_of(run, training)
        made_of = {
            "labels": len(part),
            "training": part.fingerprint()[:16],
            "test": test.labelled.fingerprint()[:16],
            "settings": settings if run.kind == "network" else {},
        }
        old = stored.get(run.key)
        if old is None or old["made of"] != made_of:
            model = fitted(run, part, validation.labelled, recipe)
            stored[run.key] = {"made of": made_of, "errors": errors(model, test.labelled)}
            write_whole(RESULTS, json.dumps(stored, separators=(",", ":")) + "\n")
            sys.stderr.write(f"{run.key}: {len(part)} labels\n")
    return stored


def statistics(stored: dict, runs: list[Run], mask: Mask) -> str:
    """Format median, mean and p90, %, averaged over those of the runs that are done."""
    found = [np.array(stored[run.key]["errors"])[mask] / 100 for run in runs if run.key in stored]
    if not found:
        return "-"
    values = [(np.median(e), e.mean(), np.quantile(e, 0.9)) for e in found]
    return " / ".join(f"{x:.2f}" for x in np.mean(values, axis=0))


def curve_table(stored: dict, test: Lattices) -> str:
    """Return errors over the number of labels, the mean over the seeds of each statistic."""
    inside = test.facts["fresh"]
    ordinary = inside & joints.classes(test.facts)["equal struts, nu 0.3, no contact"]
    rows: list[Row] = []
    for n in (*COUNTS, None):
        runs = {kind: [curve_run(kind, n, seed) for seed in SEEDS] for kind in KINDS}
        done = [run for run in runs["network"] if run.key in stored]
        if done:
            count = stored[done[0].key]["made of"]["labels"]
            masks = (ordinary, inside)
            cells = (statistics(stored, runs[k], mask) for mask in masks for k in KINDS)
            rows.append((f"{count:,}", f"{len(done)}", *cells))
    heads = ("labels", "runs", "ordinary: network", "linear", "all: network", "linear")
    return (
        f"Error of C, %: median / mean / p90, averaged over runs; {ordinary.sum()} ordinary "
        f"lattices (equal struts, nu 0.3, no contact), {inside.sum()} in all; one network of "
        f"{STEPS:,} steps each; errors above {LARGEST / 100:,.0f} % count as such.\n\n"
        + table(heads, rows)
    )


def covered_by_shipped(test: LabelledLattices) -> np.ndarray:
    """Return whether the 90 % bound of the shipped model covers its error."""
    shipped = load_surrogate("joints")
    found = []
    for part in test.split(64):
        C, bounds = joints.network_answers(shipped, part.batch)
        found.append(relative_frobenius(C, part.stiffness).numpy() <= bounds[:, 1])
    return np.concatenate(found)


def far_table(stored: dict, test: Lattices) -> str:
    """Return errors on lattices of a property, by models trained without and with it."""
    C = test.labelled.stiffness
    covered = covered_by_shipped(test.labelled)
    frames = {
        name: 100 * relative_frobenius(found, C).numpy()
        for name, found in joints.beam_answers(test.labelled.batch).items()
    }
    rows: list[Row] = []
    for name, condition in FAR.items():
        mask = condition(test.facts) & (test.facts["fresh"] != (name == "named cells"))
        runs = (far_run("linear", name), far_run("network", name), curve_run("network", None, 0))
        cells = (statistics(stored, [run], mask) for run in runs)
        beams = (joints.three(frames[k][mask]) for k in ("beam", "rigid ends"))
        noise = f"{100 * np.median(test.facts['noise'][mask]):.2f}"
        share = f"{100 * covered[mask].mean():.0f} %"
        rows.append((name, f"{mask.sum()}", *beams, *cells, noise, share))
    heads = ("tested on", "number", "beam", "rigid ends", "linear, without", "network, without",
             "network, with", "label", "covered")  # fmt: skip
    return (
        "Error of C, %: median / mean / p90, of models trained without the lattices of the row and "
        f"of a network trained with them; one network of {STEPS:,} steps each, linear models on "
        f"{LINEAR:,} labels; the estimated error of the labels, %: median; how many errors of the "
        "shipped model, trained with all of them, are below its 90 % bounds.\n\n"
        + table(heads, rows)
    )


def main() -> None:
    """Compute what is missing, print the tables, and write them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("curve", "far", "all"), default="all")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = read_recipe(RECIPE)
    sets = load(recipe)
    stored = compute(list(all_runs(arguments.only)), recipe, sets)
    sections = {}
    if arguments.only in ("curve", "all"):
        sections["curve"] = curve_table(stored, sets[2])
    if arguments.only in ("far", "all"):
        sections["far"] = far_table(stored, sets[2])
    for name, text in sections.items():
        sys.stdout.write(f"{text}\n\n")
        if arguments.update_docs:
            write_section(name, text, DOCS / "joints.md")


if __name__ == "__main__":
    main()
