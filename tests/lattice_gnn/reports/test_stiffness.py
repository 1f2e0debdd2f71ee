"""Stiffness documents against the closed forms of isotropic and cubic materials."""

import numpy as np
import pytest
import torch

from lattice_gnn.reports.document import plain
from lattice_gnn.reports.stiffness import moduli_facts, stiffness_facts
from lattice_gnn.tensors.stiffness import Stiffness

E, NU = 70.0, 0.3


def _batch(*tensors):
    return Stiffness(torch.stack([tensor.mandel for tensor in tensors]))


def _cubic(C11, C12, C44):
    C = np.diag([C11 - C12] * 3 + [C44] * 3)
    C[:3, :3] += C12
    return Stiffness.from_voigt(C)


def test_an_isotropic_material_has_the_textbook_moduli_in_every_direction():
    (moduli,) = moduli_facts(_batch(Stiffness.isotropic(E, NU)))
    G, K = E / (2 * (1 + NU)), E / (3 * (1 - 2 * NU))
    np.testing.assert_allclose(moduli.axes.E, E, rtol=1e-12)
    np.testing.assert_allclose(moduli.axes.G, G, rtol=1e-12)
    np.testing.assert_allclose(list(moduli.axes.nu.values()), NU, rtol=1e-12)
    np.testing.assert_allclose(moduli.axes.beta, (1 - 2 * NU) / E, rtol=1e-12)
    for quantity, value in (("E", E), ("G", G), ("nu", NU)):
        ends = getattr(moduli.extremes, quantity)
        assert ends.min.value == pytest.approx(value, rel=1e-6)
        assert ends.max.value == pytest.approx(value, rel=1e-6)
    for average, value in ((moduli.averages.K, K), (moduli.averages.E, E)):
        np.testing.assert_allclose([average.voigt, average.reuss, average.hill], value, rtol=1e-12)
    assert moduli.anisotropy.zener == pytest.approx(1, rel=1e-9)
    assert moduli.anisotropy.universal == pytest.approx(0, abs=1e-9)
    assert moduli.symmetry.name == "isotropic"


def test_copper_is_stiffest_along_the_diagonal_of_the_cube():
    # Constants of copper: Nye, Physical Properties of Crystals (1985), table 15, GPa.
    C11, C12, C44 = 168.4, 121.4, 75.4
    (moduli,) = moduli_facts(_batch(_cubic(C11, C12, C44)))
    S11 = (C11 + C12) / ((C11 - C12) * (C11 + 2 * C12))
    S12 = -C12 / ((C11 - C12) * (C11 + 2 * C12))
    along_111 = 1 / (S11 - 2 * (S11 - S12 - 0.5 / C44) / 3)
    assert moduli.extremes.E.min.value == pytest.approx(1 / S11, rel=1e-6)
    assert moduli.extremes.E.max.value == pytest.approx(along_111, rel=1e-6)
    np.testing.assert_allclose(np.abs(moduli.extremes.E.max.n), 3**-0.5, atol=1e-3)
    assert moduli.anisotropy.zener == pytest.approx(2 * C44 / (C11 - C12), rel=1e-9)
    assert moduli.symmetry.name == "cubic"


def test_a_singular_tensor_of_a_batch_has_no_moduli_and_the_others_do():
    flat = Stiffness(torch.diag(torch.tensor([1.0, 1, 1, 1, 1, 0], dtype=torch.float64)))
    found = moduli_facts(_batch(Stiffness.isotropic(E, NU), flat))
    assert found[0].axes.E[0] == pytest.approx(E)
    assert found[1] is None


def test_matrices_are_in_both_notations_and_both_units():
    C = np.arange(36.0).reshape(6, 6)
    C = C + C.T + 100 * np.eye(6)
    facts = stiffness_facts(Stiffness.from_voigt(C), 3.0)
    np.testing.assert_allclose(facts.voigt, C, rtol=1e-12)
    np.testing.assert_allclose(facts.voigt_times_E, 3 * C, rtol=1e-12)
    weight = np.array([1.0, 1.0, 1.0, 2**0.5, 2**0.5, 2**0.5])
    np.testing.assert_allclose(facts.mandel, C * np.outer(weight, weight), rtol=1e-12)
    assert plain(facts).keys() == {"order", "voigt", "mandel", "voigt_times_E"}
