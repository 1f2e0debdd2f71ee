"""Recipe of a model in one YAML file: labelled lattices, training, held-out errors, weights."""

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from data.experiments.training_data import DataConfig, Labelling, TrainingData, load_training_data
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml
from lattice_gnn.network.base import NetworkConfig, StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, save_model
from lattice_gnn.network.registry import read_model_config
from lattice_gnn.surrogate.calibration import LABEL_NOISE, calibrate, enough
from lattice_gnn.surrogate.measures import gap_to_radius
from lattice_gnn.surrogate.uncertainty import ErrorBounds, Signs, signs_of
from lattice_gnn.tensors.metrics import METRICS, relative_frobenius, summarise
from lattice_gnn.training.closed_form import CLOSED_FORMS, fit_in_closed_form
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.distributed import first_process_first, is_first_process
from lattice_gnn.training.evaluation import AFFINE, DENSITY_EDGES, between, predict_in_batches
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import Progress, train

_TOGETHER = 64  #: lattices predicted at once
_SECTIONS = ("model", "train", "data")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings from which a model is trained.

    Attributes:
        model: The network.
        train: The training.
        data: The lattices.
    """

    model: NetworkConfig
    train: TrainConfig
    data: DataConfig


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; keys that are unknown or would have no effect are refused.

    Raises:
        LatticeGnnError: If the file is missing, is not YAML, has an unknown or missing key, or its
            model cannot be trained, or not with these settings.
    """
    values = read_yaml(path)
    if set(values) != set(_SECTIONS):
        got = ", ".join(map(str, values))
        raise LatticeGnnError(f"{path}: expected the keys {', '.join(_SECTIONS)}, got {got}")
    try:
        for name, section in values.items():
            if not isinstance(section, Mapping):
                raise LatticeGnnError(f"{name}: expected names with values, got {section!r}.")
        recipe = Recipe(
            model=read_model_config(values["model"]),
            train=TrainConfig.from_dict(values["train"]),
            data=DataConfig.from_dict(values["data"]),
        )
        _check_trainable(recipe.model.kind, values["train"])
        return recipe
    except LatticeGnnError as error:
        raise LatticeGnnError(f"{path}: {error}") from None


def _check_trainable(kind: str, settings: Mapping[str, Any]) -> None:
    """Refuse a model without weights, and training settings of one that has no training loop."""
    if kind == AFFINE:
        raise LatticeGnnError(
            f"model.kind: {AFFINE} has no weights to train; choose another kind, or see its errors "
            f"with `lattice-gnn evaluate {AFFINE} FILE`."
        )
    if kind in CLOSED_FORMS and settings:
        raise LatticeGnnError(
            f"train.{next(iter(settings))}: has no effect on {kind}, whose weights follow in "
            "closed form; write train: {}."
        )


def run_recipe(
    config: Path,
    folder: Path,
    *,
    labelling: Labelling | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    device: str = "cpu",
) -> Path:
    """Train the model; an interrupted run resumes.

    Args:
        config: The recipe.
        folder: Where the run keeps its state and its results.
        labelling: Where labelled lattices are kept, and the processes that label them; default:
            ``data`` in the folder.
        on_progress: Called with the state of the training.
        device: Where to train, such as "cpu" or "cuda".

    Returns:
        The finished weights, ``model.safetensors`` in the folder. Their header contains the recipe,
        the hash of the data, the training domain, the training time, and the errors over the test
        part: over all of it, over nets known from training, and over unseen nets.
    """
    recipe = read_recipe(config)
    with first_process_first():
        place = labelling or Labelling(folder / "data")
        data = load_training_data(recipe.data, place, config.parent)
    training = {
        "recipe": read_yaml(config),
        "labels": data.method,
        "data_hash": data.fingerprint(),
        "counts": {name: len(part) for name, part in data.parts.items()},
    }
    if data.grid_bias is not None:
        training["grid_bias"] = data.grid_bias.to_dict()
    parts = (data.parts["train"], data.parts["validation"])
    facts = {"training": training}
    if recipe.model.kind in CLOSED_FORMS:
        if is_first_process():
            fit_in_closed_form(recipe.model, parts, folder, facts=facts)
    else:
        train(
            recipe.model,
            recipe.train,
            parts,
            folder,
            facts=facts,
            on_progress=on_progress,
            device=device,
        )
    weights = folder / "model.safetensors"
    if not is_first_process():
        return weights
    model, header = load_model(folder / "best.safetensors")
    if recipe.model.kind not in CLOSED_FORMS:
        header["training"]["core_minutes"] = core_minutes(folder)
    domain = data.domain()
    if model.slender_limit:
        domain = domain.down_to_slender()
    header["domain"] = domain.to_dict()
    header["metrics"].update(held_out_errors(model, data))
    bounds = error_bounds(model, data)
    if bounds is not None:
        header["uncertainty"] = bounds.to_dict()
    save_model(weights, model, header)
    return weights


def error_bounds(model: StiffnessNetwork, data: TrainingData) -> ErrorBounds | None:
    """Return bounds on the error of single predictions, calibrated on the held-out parts.

    These are the test part and the validation part, which only selects the weights. Where labels
    are not corrected for the mean error of their grids, a part of the error that a label states is
    added to that of the prediction (``LABEL_NOISE``). None for models that are not based on a
    frame, and for fewer held-out labels than calibration needs; the errors by density then serve.
    """
    parts = [_signs_and_errors(model, data, name) for name in ("validation", "test")]
    signs = [found for found, _, _ in parts if found is not None]
    if len(signs) < len(parts):
        return None
    errors, bases = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    if not enough(bases):
        return None
    return calibrate(np.concatenate(signs), errors, bases)


def _signs_and_errors(
    model: StiffnessNetwork, data: TrainingData, name: str
) -> tuple[Signs | None, Float[np.ndarray, " part"], Int[np.ndarray, " part"]]:
    """Return the signs of the error, the error and the base of each lattice of a part."""
    labelled, chosen = data.parts[name], data.chosen[name]
    signs, errors = [], []
    for first in range(0, len(labelled), _TOGETHER):
        part = labelled.select(np.arange(first, min(first + _TOGETHER, len(labelled))))
        with torch.no_grad():
            answer = model.answer(part.batch)
        density = part.batch.relative_density
        signs.append(signs_of(answer, gap_to_radius(part.batch), density))
        errors.append(relative_frobenius(answer.stiffness, part.stiffness).numpy())
    known = [found for found in signs if found is not None]
    error = np.concatenate(errors)
    if data.grid_bias is None:
        stated = np.nan_to_num(data.dataset.labels[data.kind].detail("error")[chosen])
        error = np.hypot(error, LABEL_NOISE * stated)
    return np.concatenate(known) if known else None, error, data.dataset.base[chosen]


def core_minutes(folder: Path) -> float:
    """Return the minutes of processor time of all training steps, summed over the ranks."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return round(sum(float(row["core_seconds"]) for row in csv.DictReader(file)) / 60, 3)


def held_out_errors(model: StiffnessNetwork, data: TrainingData) -> dict[str, Any]:
    """Return the test errors: "test", and its subsets "known_nets" and "unseen_nets" if not empty.

    "unseen_nets" are those that no training lattice has.
    """
    test, known = data.parts["test"], data.has_known_net("test")
    sets = {
        "test": np.arange(len(test)),
        "known_nets": np.flatnonzero(known),
        "unseen_nets": np.flatnonzero(~known),
    }
    return {
        name: errors_by_density(model, test.select(chosen))
        for name, chosen in sets.items()
        if len(chosen) > 0
    }


def errors_by_density(model: StiffnessNetwork, labelled: LabelledLattices) -> dict[str, Any]:
    """Return every metric over the set, and the relative Frobenius error by density."""
    C = predict_in_batches(model, labelled.batch)
    frobenius = relative_frobenius(C, labelled.stiffness)
    density = labelled.batch.relative_density
    smallest, largest = float(density.min()), float(density.max())
    rows = []
    for low, high in pairwise(DENSITY_EDGES):
        inside = between(density, low, high)
        if bool(inside.any()):
            rows.append(
                {
                    "density": [max(low, smallest), high if math.isfinite(high) else largest],
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
