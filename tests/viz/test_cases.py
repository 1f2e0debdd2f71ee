"""Strains by name, and eigen-strains."""

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from viz.cases import case_named, mode_cases, unit_cases

C = np.diag([1.0, 1, 1, 0.4, 0.4, 0.4]) + 0.5 * np.pad(np.ones((3, 3)), (0, 3))


def test_unit_strains_have_unit_norm_and_their_names():
    cases = unit_cases()
    np.testing.assert_array_equal([case.strain for case in cases], np.eye(6))
    assert [case.title for case in cases][2:4] == ["unit strain 33", "unit shear 23"]


def test_modes_are_orthonormal_eigen_strains_softest_first_and_plain():
    modes = np.array([case.strain for case in mode_cases(C)])
    np.testing.assert_allclose(modes @ modes.T, np.eye(6), atol=1e-12)
    np.testing.assert_allclose(np.diag(modes @ C @ modes.T), [0.4, 0.4, 0.4, 1, 1, 2.5])
    # Equal eigenvalues: single shears, not mixtures.
    np.testing.assert_allclose(np.sort(modes[:3].argmax(axis=1)), [3, 4, 5])
    np.testing.assert_allclose(modes[:3].max(axis=1), 1)
    assert mode_cases(C)[5].title == "mode 6: eigen-stiffness 2.5 E_s"


def test_six_numbers_are_engineering_shear():
    case = case_named("0, 0, 0.01, 0, 0.02, 0", C)
    np.testing.assert_allclose(case.strain, [0, 0, 0.01, 0, 0.02 / 2**0.5, 0])
    assert case_named("13", C).strain[4] == 1
    assert case_named("softest", C).title.startswith("mode 1")


def test_a_stress_alone_gives_the_contraction_of_the_closed_form():
    # C above is isotropic in tension: nu = C12 / (C11 + C12) with C11 = 1.5, C12 = 0.5.
    case = case_named("stress-33", C)
    np.testing.assert_allclose(case.strain, [-0.25, -0.25, 1, 0, 0, 0], atol=1e-12)
    assert case.title == "uniaxial stress 33"
    np.testing.assert_allclose(case_named("stress-12", C).strain, np.eye(6)[5], atol=1e-12)
    with pytest.raises(LatticeGnnError, match="singular"):
        case_named("stress-33", np.zeros((6, 6)))


@pytest.mark.parametrize("text", ["", "44", "stress-44", "1,2", "0,0,0,0,0,0", "nan,0,0,0,0,0"])
def test_other_texts_are_refused(text):
    with pytest.raises(LatticeGnnError, match="expected one of 11"):
        case_named(text, C)
