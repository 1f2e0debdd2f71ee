"""Ideas of the architecture's family, each as rows with errors and cost.

    python benchmarks/ideas.py                       # what is missing, then the tables
    python benchmarks/ideas.py --only correlation    # rows of one idea
    python benchmarks/ideas.py --only none --update-docs   # the tables of docs/ideas.md

Light encoders (8 channels, 1 layer) that differ in one thing are trained for an equal time on the
same labels. Results: ``benchmarks/comparison/results.json`` (``results_file.py``).
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from idea_green import SHIFTS
from idea_models import FusionModel, GreenEncoder, GreenJoints
from idea_terms import COUNTS, Searches, equations_of, names_of, pursuit, terms, weights_of
from joints import three
from joints_curves import joint_kinds
from pages import DOCS, Row, table, write_section
from results_file import Run, SolidResults
from solid_runs import RECIPE, Kind, Lattices, compute, load, part_of, plain
from solid_training import TRAIN, Budget, Training, fit_network

from data.experiments.recipe import read_recipe
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.baselines import CgcnnConfig
from lattice_gnn.network.equivariant import ModelConfig, StiffnessModel
from lattice_gnn.network.joints import JointConfig
from lattice_gnn.network.layers.positivity import prior_root
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Plan
from lattice_gnn.training.losses import Examples

MINUTES = 0.2  #: core-minutes of training of every encoder
SOME = 1000  #: labels of every model ...
FEWER = 300  #: ... and where features cost much; all labels where the fit is cheap
CORRELATIONS = (1, 2, 3, 4)
CLASSES = (1, 10, 100)
WIDEST = 2.0  #: largest factor of a radius in ``with_classes``, and the inverse of the smallest
SOFT = 0.1  #: softest eigenvalue over that of the affine bound, below which a lattice is soft
LIGHT = ModelConfig.from_dict({"channels": 8, "layers": 1, "hidden": 32, "positive_map": "beam"})
AFFINE = replace(LIGHT, positive_map="prior")
PAGE = DOCS / "ideas.md"
Build = Callable[[Any, Normaliser], StiffnessNetwork]


def encoder(config: ModelConfig, model: Build = StiffnessModel, **more: Any) -> Kind:
    """Return an encoder that is trained for ``MINUTES``."""
    settings = {"model": config.to_dict(), "minutes": MINUTES, "rate": TRAIN.learning_rate}
    return Kind(partial(fit_network, partial(model, config), Budget(MINUTES)), settings, **more)


def by_beams(labelled: LabelledLattices) -> LabelledLattices:
    """Return the same lattices with beam labels."""
    with torch.no_grad():
        return LabelledLattices(labelled.batch, homogenise_beam(labelled.batch).stiffness.mandel)


def with_classes(count: int, labelled: LabelledLattices) -> LabelledLattices:
    """Return the lattices with strut radii of some classes, and their beam labels.

    The factors of the radii are spread evenly in the logarithm from 1 / ``WIDEST`` to ``WIDEST``.
    """
    batch = labelled.batch
    factors = np.geomspace(1 / WIDEST, WIDEST, count) if count > 1 else np.ones(1)
    drawn = np.random.default_rng(0).integers(count, size=len(batch.radii))
    radii = batch.radii * torch.from_numpy(factors[drawn])
    with torch.no_grad():
        return by_beams(LabelledLattices(batch.replace(radii=radii), labelled.stiffness))


def joints_with_green() -> Kind:
    """Return a joint network with features of nodes, trained as the one without."""
    config = read_recipe(RECIPE).train
    settings = {"shifts": list(SHIFTS), "train": plain(config)}
    return Kind(
        partial(
            fit_network,
            partial(GreenJoints, JointConfig()),
            Budget(steps=config.steps, config=config),
        ),
        settings,
    )


def kinds() -> dict[str, Kind]:
    """Return all models by name."""
    found = {}
    for order in CORRELATIONS:
        found[f"correlation {order}"] = encoder(replace(LIGHT, correlation=order))
        found[f"correlation {order}, beam labels"] = encoder(
            replace(AFFINE, correlation=order), relabel=by_beams
        )
    for count in CLASSES:
        found[f"{count} radius classes"] = encoder(AFFINE, relabel=partial(with_classes, count))
    found |= {
        "fusion diagrams 3": encoder(LIGHT, FusionModel),
        "affine": encoder(AFFINE),
        "affine, matrix functions": encoder(AFFINE, GreenEncoder),
        "network, matrix functions": joints_with_green(),
    }
    searches = Searches()
    found |= {f"{count} terms": terms(count, searches) for count in COUNTS}
    return found | {"network": joint_kinds(read_recipe(RECIPE))["network"]}


def runs_of(idea: str) -> list[Run]:
    """Return the runs of an idea, or of all."""
    chosen = [
        name for names in (IDEAS.values() if idea == "all" else [IDEAS[idea]]) for name in names
    ]
    return [Run(name, 0, None, labels_of(name)) for name in dict.fromkeys(chosen)]


def labels_of(name: str) -> int | None:
    """Return the number of labels of a model; None: all."""
    if "terms" in name:
        return None
    return FEWER if name in IDEAS["matrix functions"] else SOME


IDEAS: dict[str, tuple[str, ...]] = {
    "correlation": tuple(
        f"correlation {order}{task}" for task in ("", ", beam labels") for order in CORRELATIONS
    ),
    "fusion diagrams": ("correlation 3", "fusion diagrams 3"),
    "tensor reduction": tuple(f"{count} radius classes" for count in CLASSES),
    "matrix functions": (
        "affine", "affine, matrix functions", "network", "network, matrix functions",
    ),
    "few terms": tuple(f"{count} terms" for count in COUNTS),
}  # fmt: skip
"""Rows of every idea."""


def results_table(stored: SolidResults, idea: str, test: Lattices) -> str:
    """Return errors and cost of the rows that are made."""
    fresh = test.facts["fresh"]
    crowded, soft = fresh & (test.facts["valence"] >= 8), fresh & soft_lattices(test.labelled)
    rows: list[Row] = []
    for result in stored.done(runs_of(idea)):
        error = np.array(result.errors) / 100
        off = np.abs(np.array(result.softest)[soft] / 100 - 100)
        rows.append(
            (
                result.run.name,
                f"{result.made_of['labels']:,}",
                f"{result.core_minutes:.2f}",
                f"{result.steps:,}",
                three(error[fresh]),
                f"{np.median(error[crowded]):.2f}",
                f"{np.median(off):.1f} / {np.quantile(off, 0.9):.1f}",
            )
        )
    heads = (
        "model",
        "labels",
        "core-minutes",
        "steps",
        "C",
        "C, 8 and more struts at a joint",
        "softest",
    )
    return (
        f"Errors, %: median / mean / p90 of C on {fresh.sum()} test lattices; its median on the "
        f"{crowded.sum()} with a joint of 8 or more struts; median / p90 of the softest eigenvalue "
        f"of the {soft.sum()} lattices softer than {100 * SOFT:g} % of their affine bound in some "
        f"mode.\n\n{table(heads, rows)}"
    )


def soft_lattices(labelled: LabelledLattices) -> np.ndarray:
    """Return which lattices have a mode far below their affine bound: it spans the cell."""
    root = prior_root(labelled.batch)
    relative = torch.linalg.solve(root, torch.linalg.solve(root, labelled.stiffness).mT)
    found: np.ndarray = (torch.linalg.eigvalsh(relative)[:, 0] < SOFT).numpy()
    return found


def cost_table(training: Lattices) -> str:
    """Return processor time of a training step, one thread, of what ideas change."""
    part = part_of(Run("cost", 0, None, 64), training)
    wide = {f"8 x {k} channels": replace(LIGHT, channels=8 * k) for k in (1, 2, 4)}
    averaged = CgcnnConfig(group_average=True)
    builds = {name: partial(StiffnessModel, config) for name, config in wide.items()}
    builds |= {f"correlation {k}": partial(StiffnessModel, replace(LIGHT, correlation=k))
               for k in CORRELATIONS}  # fmt: skip
    builds |= {
        "fusion diagrams 3": partial(FusionModel, LIGHT),
        "CGCNN": partial(build_model, CgcnnConfig()),
        "CGCNN, mean over 24 rotations": partial(build_model, averaged),
    }
    seconds = {name: step_seconds(build(Normaliser.fit(part.batch)), part)
               for name, build in builds.items()}  # fmt: skip
    first = seconds["CGCNN"]
    rows = [(name, f"{1e3 * s / len(part):.2f}", f"{s / first:.1f}") for name, s in seconds.items()]
    return "Processor time of a training step per lattice, 1 thread, batches of 32.\n\n" + table(
        ("model", "ms", "CGCNN = 1"), rows
    )


def step_seconds(model: StiffnessNetwork, part: LabelledLattices) -> float:
    """Return the shortest processor time of a pass over some lattices, of five."""
    config = replace(TRAIN, steps=100)
    training = Training(
        model, Examples.of(part, model.config.positive_map), Plan(config, len(part))
    )
    times = []
    for number in range(6):
        start = time.process_time()
        for half in range(2):
            training.step(2 * number + half)
        times.append(time.process_time() - start)
    return min(times[1:])


def terms_text(training: Lattices) -> str:
    """Return the first terms of the sparse linear model, with their weights, as a list."""
    equations = equations_of(training.labelled)
    chosen = pursuit(equations, COUNTS[0])
    weights = weights_of(equations, chosen).flatten()[chosen].tolist()
    named = zip(weights, names_of(chosen), strict=True)
    return "\n".join(f"{n}. {w:+.2f} · {name}" for n, (w, name) in enumerate(named, 1))


def main() -> None:
    """Compute what is missing, print the tables, and write them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=(*IDEAS, "all", "none"), default="all")
    parser.add_argument("--update-docs", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = load()
    whole = arguments.only in ("all", "none")
    runs = [] if arguments.only == "none" else runs_of(arguments.only)
    stored = compute(runs, kinds(), sets)
    sections = {"ideas": results_table(stored, "all" if whole else arguments.only, sets[2])}
    if whole:
        sections |= {"ideas-cost": cost_table(sets[0]), "terms": terms_text(sets[0])}
    for name, text in sections.items():
        sys.stdout.write(f"{text}\n\n")
        if arguments.update_docs and whole:
            write_section(name, text, PAGE)


if __name__ == "__main__":
    main()
