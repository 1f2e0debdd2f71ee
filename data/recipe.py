"""A model from one YAML file: draw lattices, label them, train, test, and write the weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from data.generate import CellSampling, sample_cells
from fem_reference.beam import homogenise_beam
from lattice_gnn.cells import cell_names
from lattice_gnn.checkpoint import load_model, save_model
from lattice_gnn.domain import Domain
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.evaluation import predict_in_batches
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.labelled import LabelledLattices
from lattice_gnn.lattice import Lattice
from lattice_gnn.metrics import METRICS, relative_frobenius, summarise
from lattice_gnn.network import NetworkConfig, StiffnessNetwork
from lattice_gnn.registry import read_model_config
from lattice_gnn.train import Progress, TrainConfig, train

LABELS = "beam FEM, Euler-Bernoulli"
_SECTIONS = ("model", "train", "sampling", "counts", "held_out_cells")
_DENSITY_EDGES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes a model.

    Attributes:
        model: The network.
        train: The training.
        sampling: How lattices are drawn; its ``count`` and ``cells`` are set for each part.
        counts: Lattices in the parts "train", "validation", "test" and "unseen".
        held_out_cells: Cells that are never trained on: the part "unseen".
    """

    model: NetworkConfig
    train: TrainConfig
    sampling: CellSampling
    counts: Mapping[str, int]
    held_out_cells: tuple[str, ...]

    def part(self, name: str) -> CellSampling:
        """The sampling of one part; parts differ in their seed."""
        unseen = name == "unseen"
        names = [c for c in cell_names() if (c in self.held_out_cells) == unseen]
        values = self.sampling.to_dict()
        seed = [self.sampling.seed, sorted(self.counts).index(name)]
        values.update(
            count=self.counts[name],
            cells=tuple(names),
            seed=int(np.random.default_rng(seed).integers(2**31)),
        )
        return CellSampling(**values)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; unknown keys are refused.

    Raises:
        LatticeGnnError: If the file is missing, is no YAML, or has an unknown or missing key.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise LatticeGnnError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise LatticeGnnError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or set(values) != set(_SECTIONS):
        got = ", ".join(map(str, values)) if isinstance(values, dict) else type(values).__name__
        raise LatticeGnnError(f"{path}: expected the keys {', '.join(_SECTIONS)}, got {got}")
    parts = {"train", "validation", "test", "unseen"}
    if set(values["counts"]) != parts:
        raise LatticeGnnError(f"{path}: counts: expected the keys {', '.join(sorted(parts))}")
    unknown = sorted(set(values["held_out_cells"]) - set(cell_names()))
    if unknown:
        raise LatticeGnnError(
            f"{path}: held_out_cells: unknown cell {unknown[0]!r}; see `lattice-gnn cells`"
        )
    return Recipe(
        model=read_model_config(values["model"]),
        train=TrainConfig.from_dict(values["train"]),
        sampling=CellSampling.from_dict(values["sampling"]),
        counts=values["counts"],
        held_out_cells=tuple(values["held_out_cells"]),
    )


def run_recipe(
    config_path: Path,
    folder: Path,
    *,
    on_progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Make the model; an interrupted run goes on where it stopped.

    Args:
        config_path: The recipe.
        folder: Where the run keeps its state and its results.
        on_progress: Called with the state of the training.

    Returns:
        The finished weights, ``model.safetensors`` in the folder, with held-out errors in their
        header.
    """
    recipe = read_recipe(config_path)
    lattices = {name: sample_cells(recipe.part(name)) for name in recipe.counts}
    domain = Domain.of(lattices["train"])
    # A held-out cell may have the net of another one that is trained on.
    lattices["unseen"] = [x for x in lattices["unseen"] if not domain.knows_net(x)]
    parts = {name: label_beam(members) for name, members in lattices.items()}
    training = {"recipe": yaml.safe_load(config_path.read_text()), "labels": LABELS}
    data = (parts["train"], parts["validation"])
    facts = {"training": training}
    train(recipe.model, recipe.train, data, folder, facts=facts, on_progress=on_progress)
    model, header = load_model(folder / "best.safetensors")
    header["domain"] = domain.to_dict()
    header["metrics"]["known_nets"] = errors_by_density(model, parts["test"])
    header["metrics"]["unseen_nets"] = {
        **errors_by_density(model, parts["unseen"]),
        "cells": sorted({x.name for x in lattices["unseen"]}),
    }
    weights = folder / "model.safetensors"
    save_model(weights, model, header)
    return weights


def label_beam(lattices: list[Lattice]) -> LabelledLattices:
    """Label lattices with their Euler-Bernoulli stiffness."""
    batch = LatticeBatch.from_lattices(lattices).simplified()
    return LabelledLattices(batch, homogenise_beam(batch).stiffness.mandel)


def errors_by_density(model: StiffnessNetwork, labelled: LabelledLattices) -> dict[str, Any]:
    """Every metric over the whole set, and the relative Frobenius error density by density."""
    C = predict_in_batches(model, labelled.batch)
    frobenius = relative_frobenius(C, labelled.stiffness)
    density = labelled.batch.relative_density()
    rows = []
    for low, high in pairwise(_DENSITY_EDGES):
        inside = (density >= low) & ((density < high) | (high == _DENSITY_EDGES[-1]))
        if bool(inside.any()):
            rows.append(
                {
                    "density": [max(low, float(density.min())), high],
                    "count": int(inside.sum()),
                    "relative_frobenius": summarise(frobenius[inside]),
                }
            )
    return {
        "count": len(labelled),
        **{name: summarise(metric(C, labelled.stiffness)) for name, metric in METRICS.items()},
        "positive_definite": bool((torch.linalg.eigvalsh(C)[:, 0] > 0).all()),
        "by_density": rows,
    }
