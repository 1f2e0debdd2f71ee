"""Conversions against components written by hand; nothing here is symmetric."""

import math

import numpy as np
import pytest
import torch

from lattice_gnn.tensors import notation
from lattice_gnn.tensors.rotations import rotation_matrix

ROOT2 = math.sqrt(2.0)
# Entry IJ reads "IJ", so that a transposition shows: row 4, column 2 holds 42.
LABELS = torch.tensor(
    [[10.0 * i + j for j in range(1, 7)] for i in range(1, 7)], dtype=torch.float64
)


def random_tensor(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def mandel_vector(strain):
    parts = [strain[..., 0, 0], strain[..., 1, 1], strain[..., 2, 2]]
    parts += [ROOT2 * strain[..., i, j] for i, j in ((1, 2), (0, 2), (0, 1))]
    return torch.stack(parts, dim=-1)


def random_rotation(seed, *, improper=False):
    Q = torch.linalg.qr(random_tensor(3, 3, seed=seed))[0]
    Q = Q * torch.linalg.det(Q).sign()
    return -Q if improper else Q


def test_stiffness_components_by_hand():
    mandel = notation.voigt_to_mandel_stiffness(LABELS)
    assert mandel[0, 1] == 12.0
    assert mandel[0, 3].item() == pytest.approx(14.0 * ROOT2)
    assert mandel[3, 0].item() == pytest.approx(41.0 * ROOT2)
    assert mandel[4, 5].item() == pytest.approx(112.0)
    C = notation.mandel_to_cartesian(mandel)
    # Order 11, 22, 33, 23, 13, 12.
    for pair, number in {
        (0, 0, 1, 1): 12.0,
        (1, 1, 0, 0): 21.0,
        (0, 0, 1, 2): 14.0,
        (0, 0, 2, 1): 14.0,
        (1, 2, 0, 0): 41.0,
        (0, 2, 0, 1): 56.0,
        (2, 0, 1, 0): 56.0,
        (0, 1, 0, 2): 65.0,
        (2, 1, 2, 1): 44.0,
    }.items():
        assert C[pair].item() == pytest.approx(number), pair


def test_compliance_components_by_hand():
    # Voigt S_44 is 4 S_2323, S_14 is 2 S_1123.
    mandel = notation.voigt_to_mandel_compliance(LABELS)
    assert mandel[3, 3].item() == pytest.approx(22.0)
    assert mandel[0, 3].item() == pytest.approx(14.0 / ROOT2)
    assert mandel[5, 1].item() == pytest.approx(62.0 / ROOT2)
    S = notation.mandel_to_cartesian(mandel)
    assert S[1, 2, 1, 2].item() == pytest.approx(11.0)
    assert S[0, 0, 1, 2].item() == pytest.approx(7.0)
    assert S[0, 1, 1, 1].item() == pytest.approx(31.0)
    assert S[2, 2, 0, 0].item() == 31.0


def test_round_trips_of_matrices_without_symmetry():
    matrix = random_tensor(4, 5, 6, 6)
    stiffness = notation.mandel_to_voigt_stiffness(notation.voigt_to_mandel_stiffness(matrix))
    compliance = notation.mandel_to_voigt_compliance(notation.voigt_to_mandel_compliance(matrix))
    cartesian = notation.cartesian_to_mandel(notation.mandel_to_cartesian(matrix))
    for back in (stiffness, compliance, cartesian):
        torch.testing.assert_close(back, matrix, rtol=1e-14, atol=0)


def test_cartesian_has_the_minor_symmetries_and_not_the_major_one():
    C = notation.mandel_to_cartesian(random_tensor(6, 6))
    assert torch.equal(C, C.permute(1, 0, 2, 3))
    assert torch.equal(C, C.permute(0, 1, 3, 2))
    assert not torch.allclose(C, C.permute(2, 3, 0, 1))


def test_norms_and_inverse_are_those_of_the_cartesian_tensor():
    mandel = random_tensor(6, 6)
    C = notation.mandel_to_cartesian(mandel)
    assert C.square().sum().item() == pytest.approx(mandel.square().sum().item())
    S = notation.mandel_to_cartesian(torch.linalg.inv(mandel))
    one = torch.eye(3).double()
    identity = torch.einsum("ik,jl->ijkl", one, one) + torch.einsum("il,jk->ijkl", one, one)
    torch.testing.assert_close(torch.einsum("ijkl,klmn->ijmn", C, S), 0.5 * identity)


def test_strain_vector_by_hand():
    strain = torch.tensor([[1.0, 6.0, 5.0], [6.0, 2.0, 4.0], [5.0, 4.0, 3.0]], dtype=torch.float64)
    vector = mandel_vector(strain)
    expected = torch.tensor(
        [1.0, 2.0, 3.0, 4.0 * ROOT2, 5.0 * ROOT2, 6.0 * ROOT2], dtype=torch.float64
    )
    torch.testing.assert_close(vector, expected)
    torch.testing.assert_close(notation.mandel_to_strain(vector), strain)
    a, b = random_tensor(2, 3)
    dyad = 0.5 * (torch.outer(a, b) + torch.outer(b, a))
    torch.testing.assert_close(notation.dyad_mandel(a, b), mandel_vector(dyad))


def test_stress_of_a_strain_agrees_between_the_two_forms():
    mandel, strain = random_tensor(6, 6), random_tensor(3, 3, seed=3)
    strain = strain + strain.T
    stress = torch.einsum("ijkl,kl->ij", notation.mandel_to_cartesian(mandel), strain)
    short = mandel @ mandel_vector(strain)
    torch.testing.assert_close(notation.mandel_to_strain(short), stress)


@pytest.mark.parametrize("improper", [False, True])
def test_rotation_of_a_tensor_without_symmetry_by_two_routes(improper):
    mandel, R = random_tensor(6, 6), random_rotation(5, improper=improper)
    C = notation.mandel_to_cartesian(mandel)
    turned = torch.einsum("ia,jb,kc,ld,abcd->ijkl", R, R, R, R, C)
    Q = notation.rotation_mandel(R)
    torch.testing.assert_close(Q @ mandel @ Q.T, notation.cartesian_to_mandel(turned))
    torch.testing.assert_close(Q @ Q.T, torch.eye(6).double())


def test_rotations_compose_and_inversion_does_nothing():
    R, T = random_rotation(1), random_rotation(2, improper=True)
    product = notation.rotation_mandel(R) @ notation.rotation_mandel(T)
    torch.testing.assert_close(notation.rotation_mandel(R @ T), product)
    assert torch.equal(notation.rotation_mandel(-R), notation.rotation_mandel(R))


@pytest.mark.parametrize(("axis", "start", "towards"), [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_right_hand_rule(axis, start, towards):
    # Turned by +30 degrees about 3, axis 1 moves towards +2; and so on in cyclic order.
    angle = math.radians(30.0)
    vector = torch.zeros(3).double()
    vector[axis] = angle
    R = rotation_matrix(vector)
    along = torch.zeros(3, 3).double()
    along[start, start] = 1.0
    turned = notation.mandel_to_strain(notation.rotation_mandel(R) @ mandel_vector(along))
    assert turned[start, start].item() == pytest.approx(math.cos(angle) ** 2)
    assert turned[towards, towards].item() == pytest.approx(math.sin(angle) ** 2)
    assert turned[start, towards].item() == pytest.approx(math.cos(angle) * math.sin(angle))
    assert turned[axis].abs().max().item() == 0.0


def test_generators_are_the_derivative_of_the_rotation():
    like = torch.zeros(1).double()
    vector = 0.4 * random_tensor(3, seed=7)
    generator = torch.einsum("k,kij->ij", vector, notation.rotation_generators(like))
    torch.testing.assert_close(
        torch.linalg.matrix_exp(generator), notation.rotation_mandel(rotation_matrix(vector))
    )


def test_unit_strains_are_the_mandel_basis():
    basis = notation.strain_basis(torch.zeros(1, dtype=torch.float64))
    eye = torch.eye(6, dtype=torch.float64)
    torch.testing.assert_close(mandel_vector(basis), eye)
    torch.testing.assert_close(notation.mandel_to_strain(eye), basis)
    torch.testing.assert_close(torch.einsum("mij,nij->mn", basis, basis), eye)
    assert basis[4, 0, 2] == basis[4, 2, 0] == 0.5**0.5


def test_upper_triangles_are_read_row_by_row():
    C = notation.symmetric_from_upper(np.arange(21.0))
    assert C[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert C[1].tolist() == [1, 6, 7, 8, 9, 10]
    assert np.array_equal(C, C.T)
    assert np.array_equal(C[notation.UPPER], np.arange(21.0))
