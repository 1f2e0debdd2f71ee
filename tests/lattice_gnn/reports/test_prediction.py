"""A check beside a prediction whose error is known."""

import math

import pytest
import torch

from lattice_gnn.reports.prediction import check_facts
from lattice_gnn.tensors.stiffness import Stiffness


def _batch(*tensors):
    return Stiffness(torch.stack([tensor.mandel for tensor in tensors]))


def test_a_prediction_ten_per_cent_too_stiff_has_that_error_in_every_measure():
    reference = _batch(Stiffness.isotropic(1.0, 0.3), Stiffness.isotropic(2.0, 0.1))
    checks = check_facts(reference.scaled(1.1), reference, [1.0, 5.0], method="beam FEM")
    for check in checks:
        assert check.relative_frobenius == pytest.approx(0.1)
        assert check.directional_error == pytest.approx(0.1)
        assert check.softest_error == pytest.approx(0.1)
        assert check.log_euclidean == pytest.approx(math.sqrt(6) * math.log(1.1))
        assert check.method == "beam FEM"
    assert checks[1].stiffness.voigt_times_E[0][0] == pytest.approx(
        5 * checks[1].stiffness.voigt[0][0]
    )
    assert checks[0].moduli.axes.E[0] == pytest.approx(1.0)


def test_an_infinite_distance_of_logarithms_is_none():
    singular = Stiffness(torch.diag(torch.tensor([1.0, 1, 1, 1, 1, 0], dtype=torch.float64)))
    reference = _batch(Stiffness.isotropic(1.0, 0.3))
    (check,) = check_facts(_batch(singular), reference, [1.0], method="beam FEM", thorough=False)
    assert check.log_euclidean is None
    assert check.softest_error == pytest.approx(1.0)
    assert check.moduli is None
