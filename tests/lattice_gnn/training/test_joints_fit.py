"""Least squares finds the weights that made the labels."""

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.joints_linear import (
    BASIS,
    JointLinearConfig,
    JointLinearModel,
    basis_functions,
)
from lattice_gnn.network.layers.joint_forms import joint_energy, pair_forms
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.testing import random_lattice
from lattice_gnn.training.joints_fit import columns, fit_joints
from lattice_gnn.training.labelled import LabelledLattices


def make_model(seed: int) -> JointLinearModel:
    torch.manual_seed(seed)
    return JointLinearModel(JointLinearConfig(), Normaliser())


def labelled(model: JointLinearModel, seeds: range) -> LabelledLattices:
    lattices = [random_lattice(s, sections=True).simplified() for s in seeds]
    batch = LatticeBatch.from_lattices(lattices)
    return LabelledLattices(batch, model(batch))


def test_energy_is_the_sum_of_coefficients_times_forms() -> None:
    model = make_model(0)
    cases = model.inputs(
        LatticeBatch.from_lattices([cell("octet", radius=0.05), random_lattice(1)])
    )
    coefficients = basis_functions(cases) @ model.weights
    assert basis_functions(cases).shape[-1] == len(BASIS)
    by_pair = (coefficients[..., None, None] * pair_forms(cases)).sum((0, 2))
    M = torch.zeros(2, 6, 6, dtype=torch.float64).index_add(0, cases.pair_lattice, by_pair)
    torch.testing.assert_close(M, joint_energy(coefficients, cases), rtol=1e-9, atol=1e-12)
    found = columns(cases) @ model.weights.flatten()
    torch.testing.assert_close(found[:, 0], M[:, 0, 0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found[:, 1], M[:, 0, 1] * 2**0.5, rtol=1e-9, atol=1e-12)


def test_labels_of_a_linear_model_are_found_again() -> None:
    truth, model = make_model(1), make_model(2)
    training, validation = labelled(truth, range(160)), labelled(truth, range(200, 220))
    assert len(training) > 50
    before = relative_frobenius(model(validation.batch), validation.stiffness)
    fit_joints(model, training, validation)
    after = relative_frobenius(model(validation.batch), validation.stiffness)
    assert float(after.median()) < 0.05 * float(before.median())


def test_nothing_to_fit_to_is_told() -> None:
    model = make_model(0)
    some = labelled(model, range(9))
    with pytest.raises(LatticeGnnError, match="and 0"):
        fit_joints(model, some, some.select(np.arange(0)))
