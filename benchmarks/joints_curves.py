"""Joint models over the number of labels, and on lattices unlike those of their training.

    python benchmarks/joints_curves.py                 # what is missing in the results
    python benchmarks/joints_curves.py --update-docs   # the tables of docs/joints.md
    python benchmarks/joints_curves.py --only curve

Every network is one member, trained with an equal number of steps on a part of the labels of
``benchmarks/solid_comparison.yaml``, and judged on the test files of ``data/solid_set``; every
linear model is fitted to the same labels. The results are kept in
``benchmarks/comparison/results.json`` (``results_file.py``). Runs of several seeds differ in
initial weights, order, and the base lattices that are taken.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import joints
import numpy as np
import torch
from pages import DOCS, Row, table, write_section
from results_file import Run, SolidResults
from solid_runs import (
    FAR,
    LARGEST,
    RECIPE,
    TESTED,
    Kind,
    Lattices,
    Predictor,
    compute,
    load,
    plain,
    statistics,
    tested_on,
)

from data.experiments.recipe import Recipe, read_recipe
from lattice_gnn.network.joints import JointConfig
from lattice_gnn.network.joints_linear import JointLinearConfig, JointLinearModel
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.training.joints_fit import fit_joints
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import train

COUNTS = (25, 50, 100, 300, 1000)
SEEDS = (0, 1, 2)
LINEAR = 300  #: labels of linear models, at most
KINDS = ("network", "linear")


def fit_linear(
    run: Run, part: LabelledLattices, validation: LabelledLattices
) -> tuple[Predictor, int]:
    """Fit the linear joint model; there are no steps."""
    linear = JointLinearModel(JointLinearConfig(), Normaliser.fit(part.batch)).eval()
    fit_joints(linear, part, validation)
    return linear, 0


def train_network(
    recipe: Recipe, run: Run, part: LabelledLattices, validation: LabelledLattices
) -> tuple[Predictor, int]:
    """Train one member of the joint network."""
    if not isinstance(recipe.model, JointConfig):
        raise SystemExit(f"{RECIPE}: expected a model of kind joints, got {recipe.model.kind}")
    steps = recipe.train.steps
    config = replace(recipe.train, checkpoint_steps=steps, seed=run.seed)
    with tempfile.TemporaryDirectory() as folder:
        return train(recipe.model, config, (part, validation), Path(folder)).eval(), steps


def joint_kinds(recipe: Recipe) -> dict[str, Kind]:
    """Return how the joint models are made."""
    model = recipe.model.to_dict()
    settings = {"train": plain(recipe.train), "model": model}
    return {
        "network": Kind(
            partial(train_network, recipe), settings, build=partial(build_model, recipe.model)
        ),
        "linear": Kind(fit_linear, {}, build=partial(JointLinearModel, JointLinearConfig())),
    }


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


def steps_of_all() -> str:
    """Return the number of steps of every network."""
    return f"{read_recipe(RECIPE).train.steps:,}"


def curve_table(stored: SolidResults, test: Lattices) -> str:
    """Return errors over the number of labels, the mean over the seeds of each statistic."""
    inside = test.facts["fresh"]
    ordinary = inside & joints.classes(test.facts)["equal struts, nu 0.3, no contact"]
    rows: list[Row] = []
    for n in (*COUNTS, None):
        runs = {kind: [curve_run(kind, n, seed) for seed in SEEDS] for kind in KINDS}
        if done := stored.done(runs["network"]):
            count = done[0].made_of["labels"]
            masks = (ordinary, inside)
            cells = (statistics(stored, runs[k], mask) for mask in masks for k in KINDS)
            rows.append((f"{count:,}", f"{len(done)}", *cells))
    heads = ("labels", "runs", "ordinary: network", "linear", "all: network", "linear")
    return (
        f"Error of C, %: median / mean / p90, averaged over runs; {ordinary.sum()} ordinary "
        f"lattices (equal struts, nu 0.3, no contact), {inside.sum()} in all; one network of "
        f"{steps_of_all()} steps each; errors above {LARGEST / 100:,.0f} % count as such.\n\n"
        + table(heads, rows)
    )


def far_table(stored: SolidResults, test: Lattices) -> str:
    """Return errors on lattices of a property, by models trained without and with it."""
    C = test.labelled.stiffness
    frames = {
        name: 100 * relative_frobenius(found, C).numpy()
        for name, found in joints.beam_answers(test.labelled.batch).items()
    }
    rows: list[Row] = []
    for name in FAR:
        mask = tested_on(name, test.facts)
        title = TESTED[name][0] if name in TESTED else name
        runs = (far_run("linear", name), far_run("network", name), curve_run("network", None, 0))
        cells = (statistics(stored, [run], mask) for run in runs)
        beams = (joints.three(frames[k][mask]) for k in ("beam", "rigid ends"))
        noise = f"{100 * np.median(test.facts['noise'][mask]):.2f}"
        rows.append((title, f"{mask.sum()}", *beams, *cells, noise))
    heads = ("tested on", "number", "beam", "rigid ends", "linear, without", "network, without",
             "network, with", "label")  # fmt: skip
    return (
        "Error of C, %: median / mean / p90, of models trained without the lattices of the row and "
        f"of a network trained with them; one network of {steps_of_all()} steps each, linear "
        f"models on {LINEAR:,} labels; the estimated error of the labels, %: median.\n\n"
        + table(heads, rows)
    )


def main() -> None:
    """Compute what is missing, print the tables, and write them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("curve", "far", "all"), default="all")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = load()
    stored = compute(all_runs(arguments.only), joint_kinds(read_recipe(RECIPE)), sets)
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
