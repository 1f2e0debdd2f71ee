"""The ridge model in closed form: against least squares, and against what it can learn."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.checkpoint import load_model, save_model
from lattice_gnn.network.layers.positivity import prior_inverse
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.ridge_fit import PENALTIES, fit


def labelled(seeds):
    """Perturbed bcc of a range of radii with beam labels."""
    members = [
        cell("bcc", radius=0.01 + 0.05 * (seed % 7) / 7).perturbed(0.05, seed=seed)
        for seed in seeds
    ]
    batch = LatticeBatch.from_lattices(members)
    return LabelledLattices(batch, homogenise_beam(batch).stiffness.mandel)


def log_error(model, data):
    M = prior_inverse(data.stiffness, data.batch)
    return float((model.matrix(data.batch) - M).square().sum((1, 2)).mean())


def test_ridge_learns_what_it_can_and_comes_back_from_disk(tmp_path):
    training, validation, test = (
        labelled(range(60)),
        labelled(range(60, 80)),
        labelled(range(80, 100)),
    )
    errors = {}
    for order in (1, 2):
        model = build_model(
            read_model_config({"kind": "ridge", "order": order}), Normaliser.fit(training.batch)
        )
        calls: list[tuple[int, int]] = []
        fit(model, training, validation, on_progress=lambda *state, seen=calls: seen.append(state))
        assert calls[-1] == (80, 80)
        errors[order] = log_error(model, test)
    affine = float(prior_inverse(test.stiffness, test.batch).square().sum((1, 2)).mean())
    assert errors[2] < 0.5 * errors[1] < 0.05 * affine
    save_model(tmp_path / "ridge.safetensors", model, {})
    loaded, _ = load_model(tmp_path / "ridge.safetensors")
    assert log_error(loaded, test) == errors[2]


def test_ridge_solves_the_penalised_least_squares_problem():
    """Order 1 against lstsq on the stacked rows of degree 4, with the penalty that it chose."""
    training, validation = labelled(range(20)), labelled(range(20, 25))
    model = build_model(
        read_model_config({"kind": "ridge", "order": 1}), Normaliser.fit(training.batch)
    )
    fit(model, training, validation)
    x = model.features(model.normaliser, training.batch)[4].flatten(0, 1)
    M = prior_inverse(training.stiffness, training.batch)
    y = torch.einsum("bij,kij->bk", M, model.output.basis)[:, 12:].reshape(-1, 1)
    size = x.norm(dim=0).clamp(min=1e-9)
    distances = []
    for penalty in PENALTIES:
        rows = torch.cat([x / size, penalty**0.5 * torch.eye(x.shape[1]).double()])
        right = torch.cat([y, y.new_zeros(x.shape[1], 1)])
        solution = torch.linalg.lstsq(rows, right, driver="gelsd").solution / size[:, None]
        distances.append(float((x @ (solution - model.weights(4))).norm() / y.norm()))
    assert min(distances) < 1e-8


def test_without_lattices_there_is_no_fit():
    data = labelled([0])
    empty = data.select(np.array([], dtype=np.int64))
    with pytest.raises(LatticeGnnError, match="ridge: expected training and validation"):
        fit(build_model(read_model_config({"kind": "ridge"}), Normaliser()), data, empty)
