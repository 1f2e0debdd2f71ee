"""The Stiffness object: doors in and out, batches, eigen-stiffnesses, and what it refuses."""

import warnings

import numpy as np
import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_numbers_written_in_python_keep_all_their_digits():
    # 0.9995 through float32 would be 0.99949998: a tenth of a per mille of C11 - C12.
    C = Stiffness.cubic(1.0, 0.9995, 0.95)
    assert C.voigt[0, 1].item() == 0.9995
    assert C.voigt[5, 5].item() == pytest.approx(0.95, rel=1e-15)
    assert Stiffness.from_voigt(C.voigt.tolist()).voigt[1, 2].item() == 0.9995
    assert C.scaled(0.1).voigt[0, 0].item() == 0.1
    assert Stiffness(torch.eye(6)).mandel.dtype == torch.float64


def test_cubic_and_isotropic_by_hand():
    voigt = torch.zeros(6, 6, dtype=torch.float64)
    voigt[:3, :3] = 2.0
    for k in range(3):
        voigt[k, k], voigt[k + 3, k + 3] = 5.0, 1.25
    torch.testing.assert_close(Stiffness.cubic(5.0, 2.0, 1.25).voigt, voigt)
    # E = 10, nu = 0.25: lambda = mu = 4.
    torch.testing.assert_close(
        Stiffness.isotropic(10.0, 0.25).voigt, Stiffness.cubic(12.0, 4.0, 4.0).voigt
    )
    batch = Stiffness.cubic(torch.tensor([5.0, 6.0]), 2.0, torch.tensor([[1.0], [2.0]]))
    assert batch.batch_shape == (2, 2)
    assert batch.voigt[1, 0, 3, 3].item() == pytest.approx(2.0)
    assert batch.voigt[1, 0, 0, 0].item() == pytest.approx(5.0)


def test_every_door_leads_to_the_same_tensor():
    A = random(4, 6, 6)
    C = Stiffness(A @ A.mT + torch.eye(6))
    doors = [
        Stiffness.from_voigt(C.voigt),
        Stiffness.from_cartesian(C.cartesian),
        Stiffness.from_compliance_mandel(C.compliance()),
        Stiffness.from_compliance_voigt(C.compliance_voigt()),
        Stiffness(torch.as_tensor(C.numpy())),
    ]
    for door in doors:
        torch.testing.assert_close(door.mandel, C.mandel)
    # Voigt stiffness and Voigt compliance are inverse to one another.
    torch.testing.assert_close(
        C.voigt @ C.compliance_voigt(), torch.eye(6, dtype=torch.float64).expand(4, 6, 6)
    )


def test_nothing_is_symmetrised_unasked():
    mandel = random(6, 6)
    C = Stiffness(mandel)
    assert torch.equal(C.mandel, mandel)
    torch.testing.assert_close(Stiffness.from_voigt(C.voigt).mandel, mandel)
    torch.testing.assert_close(Stiffness.from_cartesian(C.cartesian).mandel, mandel)
    assert torch.equal(C.symmetrised().mandel, 0.5 * (mandel + mandel.T))


@pytest.mark.parametrize("determinant", [1.0, -1.0])
def test_rotation_against_the_cartesian_sum(determinant):
    R = torch.linalg.qr(random(3, 3, seed=1))[0]
    R = R * torch.linalg.det(R) * determinant
    C = Stiffness(random(3, 6, 6, seed=2))
    turned = torch.einsum("ia,jb,kc,ld,nabcd->nijkl", R, R, R, R, C.cartesian)
    torch.testing.assert_close(C.rotated(R).cartesian, turned)
    torch.testing.assert_close(C.rotated(R).rotated(R.T).mandel, C.mandel)


def test_a_quarter_turn_moves_the_stiff_axis_by_the_right_hand_rule():
    # Stiff along 1, coupled to shear 12; +90 degrees about 3 carries axis 1 to 2 and 2 to -1.
    voigt = torch.diag(torch.tensor([9.0, 2.0, 3.0, 4.0, 5.0, 6.0], dtype=torch.float64))
    voigt[0, 5] = voigt[5, 0] = 0.5
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = Stiffness.from_voigt(voigt).rotated(turn).voigt
    expected = torch.diag(torch.tensor([2.0, 9.0, 3.0, 5.0, 4.0, 6.0], dtype=torch.float64))
    expected[1, 5] = expected[5, 1] = -0.5
    torch.testing.assert_close(turned, expected)
    # By +30 degrees, a strut along 1 points into the first quadrant: C_1112 > 0.
    angle = np.pi / 6
    R = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    strut = torch.zeros(6, 6, dtype=torch.float64)
    strut[0, 0] = 1.0
    seen = Stiffness.from_voigt(strut).rotated(R).voigt[0, 5].item()
    assert seen == pytest.approx(np.cos(angle) ** 3 * np.sin(angle))


def test_batches_index_broadcast_and_scale():
    C = Stiffness(random(4, 3, 6, 6))
    assert C.batch_shape == (4, 3)
    assert len(C) == 4
    assert torch.equal(C[1].mandel, C.mandel[1])
    assert torch.equal(C[1, 2].mandel, C.mandel[1, 2])
    assert torch.equal(C[..., 2].mandel, C.mandel[:, 2])
    assert torch.equal(C[:, 1:].mandel, C.mandel[:, 1:])
    assert C[:, None].batch_shape == (4, 1, 3)
    assert C[torch.tensor([True, False, True, False])].batch_shape == (2, 3)
    assert [c.batch_shape for c in C] == [(3,)] * 4
    factors = torch.arange(12.0).reshape(4, 3)
    assert torch.equal(C.scaled(factors).mandel[2, 1], 7.0 * C.mandel[2, 1])
    with pytest.raises(IndexError, match="3 indices for batch shape"):
        C[0, 0, 0]
    with pytest.raises(TypeError, match="no length"):
        len(C[0, 0])


def test_many_directions_for_many_tensors():
    C = Stiffness.isotropic(torch.tensor([1.0, 2.0]), 0.3)
    n = random(5, 3)
    assert C[:, None].young_modulus(n).shape == (2, 5)
    torch.testing.assert_close(
        C.young_modulus(n[:2]), torch.tensor([1.0, 2.0], dtype=torch.float64)
    )
    with pytest.raises(LatticeGnnError, match=r"batch shape \(5,\) does not broadcast.*\(2,\)"):
        C.young_modulus(n)


def test_gradients_reach_the_source_and_detach_cuts_them():
    source = torch.eye(6, dtype=torch.float32).requires_grad_()
    Stiffness(source).averages().young_hill.backward()
    assert source.grad is not None
    assert not Stiffness(source).detach().mandel.requires_grad
    assert isinstance(Stiffness(source).numpy(), np.ndarray)


def test_read_only_arrays_are_welcome():
    R = np.eye(3)
    R.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Stiffness.isotropic().rotated(R)


def test_bulk_modulus_by_name():
    C = Stiffness(torch.diag(torch.tensor([3.0, 6.0, 9.0, 1.0, 1.0, 1.0])))
    assert C.bulk_modulus("voigt").item() == pytest.approx(2.0)
    assert C.bulk_modulus("reuss").item() == pytest.approx(18.0 / 11.0)
    assert C.bulk_modulus().item() == pytest.approx(0.5 * (2.0 + 18.0 / 11.0))
    with pytest.raises(LatticeGnnError, match="unknown average 'mean'"):
        C.bulk_modulus("mean")


def test_averages_without_directions_are_named():
    # Copper (GPa) and its Voigt, Reuss and Hill shear moduli from the cubic closed forms:
    # G_V = (C11 - C12 + 3 C44)/5, 5/G_R = 4/(C11 - C12) + 3/C44.
    C = Stiffness.cubic(168.4, 121.4, 75.4)
    voigt, reuss = (47.0 + 3 * 75.4) / 5, 5 / (4 / 47.0 + 3 / 75.4)
    assert C.shear_modulus(average="voigt").item() == pytest.approx(voigt)
    assert C.shear_modulus(average="reuss").item() == pytest.approx(reuss)
    assert C.shear_modulus().item() == pytest.approx((voigt + reuss) / 2)
    K, G = C.bulk_modulus().item(), C.shear_modulus().item()
    assert pytest.approx((168.4 + 2 * 121.4) / 3) == K
    assert C.young_modulus().item() == pytest.approx(9 * K * G / (3 * K + G))
    assert C.poisson_ratio().item() == pytest.approx((3 * K - 2 * G) / (6 * K + 2 * G))
    K, G = K, voigt
    assert C.young_modulus(average="voigt").item() == pytest.approx(9 * K * G / (3 * K + G))
    with pytest.raises(LatticeGnnError, match="two directions n and m, or none"):
        C.shear_modulus([1.0, 0.0, 0.0])
    with pytest.raises(LatticeGnnError, match="use voigt, reuss or hill"):
        C.poisson_ratio(average="mean")


def test_a_singular_stiffness_has_the_averages_of_voigt_only():
    C = Stiffness(torch.diag(torch.tensor([3.0, 0.0, 0.0, 0.0, 0.0, 0.0])))
    assert C.bulk_modulus("voigt").item() == pytest.approx(1 / 3)
    assert C.shear_modulus(average="voigt").item() == pytest.approx(0.2)
    with pytest.raises(LatticeGnnError, match="singular"):
        C.shear_modulus()


def test_arithmetic_is_that_of_components():
    C, D = Stiffness.cubic(5.0, 2.0, 1.25), Stiffness.isotropic(2.0, 0.25)
    torch.testing.assert_close((C - D).voigt, C.voigt - D.voigt)
    torch.testing.assert_close((C + D).cartesian, C.cartesian + D.cartesian)
    for product in (3 * C, C * 3.0, np.float64(3) * C, C / (1 / 3), C.scaled(3)):
        torch.testing.assert_close(product.voigt, 3 * C.voigt)
    batch = Stiffness(torch.stack([C.mandel, D.mandel]))
    torch.testing.assert_close((batch - C).mandel[1], (D - C).mandel)
    torch.testing.assert_close((batch * [1.0, 2.0]).mandel[1], 2 * D.mandel)
    for wrong in ("2", ["a"]):
        with pytest.raises(LatticeGnnError, match="a factor must be numbers but is a"):
            C * wrong
    with pytest.raises(TypeError, match="'Stiffness' and 'float'"):
        C - 1.0
    with pytest.raises(TypeError, match="'int' and 'Stiffness'"):
        1 + C


def test_norm_and_eigenvalues_do_not_depend_on_the_frame():
    # |C|^2 = C_ijkl C_ijkl; an isotropic C has eigenvalues 2 G (five times) and 3 K.
    C = Stiffness(random(6, 6)).symmetrised()
    assert C.norm().item() == pytest.approx(C.cartesian.square().sum().sqrt().item())
    isotropic = Stiffness.isotropic(1.0, 0.2)
    expected = torch.tensor([1 / 1.2] * 5 + [1 / 0.6], dtype=torch.float64)
    torch.testing.assert_close(isotropic.eigenvalues(), expected)
    turned = C.rotated(np.linalg.qr(random(3, 3, seed=1))[0])
    torch.testing.assert_close(turned.eigenvalues(), C.eigenvalues())
    torch.testing.assert_close(turned.norm(), C.norm())


def test_equal_values_are_equal_and_hash_alike():
    C = Stiffness.cubic(5.0, 0.0, 1.25)
    same = Stiffness(C.mandel.clone().requires_grad_(True))
    assert same == C
    assert hash(C) == hash(same)
    negative_zero = Stiffness(torch.where(C.mandel == 0, -0.0, C.mandel))
    assert negative_zero == C
    assert hash(C) == hash(negative_zero)
    assert Stiffness(C.mandel * (1 + 1e-15)) != C
    assert C[None] != C
    assert C != "C"
    assert len({C, same, negative_zero, C.scaled(2.0)}) == 2


def test_one_line_representations():
    assert repr(Stiffness.cubic(1.0, 0.5, 0.25)) == (
        "Stiffness(C11=1, C22=1, C33=1, C12=0.5, C44=0.25)"
    )
    assert "batch_shape=(2,)" in repr(Stiffness.isotropic(torch.ones(2)))
    assert "\n" not in repr(Stiffness.isotropic(torch.ones(2)))


def test_wrong_input_is_refused_in_one_sentence():
    with pytest.raises(LatticeGnnError, match=r"shape \(\.\.\., 6, 6\) but has shape \(6, 5\)"):
        Stiffness.from_voigt(np.zeros((6, 5)))
    with pytest.raises(LatticeGnnError, match=r"C_ijkl = C_jikl"):
        Stiffness.from_cartesian(random(3, 3, 3, 3))
    with pytest.raises(LatticeGnnError, match="orthogonal"):
        Stiffness.isotropic().rotated(2.0 * np.eye(3))
    with pytest.raises(LatticeGnnError, match=r"between -1 and 0\.5, not 0\.5"):
        Stiffness.isotropic(1.0, 0.5)
    with pytest.raises(LatticeGnnError, match="singular"):
        Stiffness.from_compliance_voigt(np.zeros((6, 6)))


def test_the_repr_shows_what_tells_a_tensor_apart():
    C = torch.diag(torch.tensor([3.0, 3.0, 1.0, 0.4, 0.4, 0.2]).double())
    C[0, 1] = C[1, 0] = 0.5
    C[0, 2] = C[2, 0] = -0.7  # an auxetic plane
    C[1, 2] = C[2, 1] = -0.6
    assert repr(Stiffness.from_voigt(C)) == (
        "Stiffness(C11=3, C22=3, C33=1, C12=0.5, C13=-0.7, C23=-0.6, C44=0.4, C55=0.4, C66=0.2)"
    )
    C[0, 5] = C[5, 0] = -0.11
    assert repr(Stiffness.from_voigt(C)).endswith("C66=0.2, others up to 0.11)")
