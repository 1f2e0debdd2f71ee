"""Nearest tensors and frames: textbook forms at random orientation, and nothing nearer anywhere."""

import math

import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.rotations import rotation_matrix
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.tensors.symmetry import SYMMETRIES, symmetry_group

EXACT = 1e-12
"""Relative distance of a tensor to its own class, found by search at random orientation."""


def upper(entries):
    """Voigt matrix from its entries on and above the diagonal, "IJ": value."""
    voigt = torch.zeros(6, 6).double()
    for label, number in entries.items():
        i, j = int(label[0]) - 1, int(label[1]) - 1
        voigt[i, j] = voigt[j, i] = number
    return Stiffness.from_voigt(voigt)


# Textbook forms (Nye 1985, table 9; Ting 1996, sec. 2.3), main axis 3, trigonal twofold axis 1.
HEXAGONAL = {"11": 9.0, "22": 9.0, "12": 3.0, "13": 2.5, "23": 2.5, "33": 12.0}
HEXAGONAL |= {"44": 1.5, "55": 1.5, "66": 3.0}
FORMS = {
    "isotropic": Stiffness.isotropic(10.0, 0.25),
    "cubic": Stiffness.cubic(10.0, 6.0, 5.0),
    "hexagonal": upper(HEXAGONAL),
    "tetragonal": upper(HEXAGONAL | {"66": 4.2}),
    "trigonal": upper(HEXAGONAL | {"14": 0.9, "24": -0.9, "56": 0.9}),
    "orthotropic": upper(
        {"11": 9.0, "22": 7.0, "33": 12.0, "12": 3.0, "13": 2.5, "23": 2.0}
        | {"44": 1.5, "55": 2.1, "66": 3.3}
    ),
    "monoclinic": upper(
        {"11": 9.0, "22": 7.0, "33": 12.0, "12": 3.0, "13": 2.5, "23": 2.0, "16": 0.7}
        | {"26": -0.5, "36": 0.4, "44": 1.5, "45": 0.3, "55": 2.1, "66": 3.3}
    ),
}
# For each class the classes that contain it.
WIDER = {
    "isotropic": set(SYMMETRIES),
    "cubic": {"cubic", "tetragonal", "trigonal", "orthotropic", "monoclinic", "triclinic"},
    "hexagonal": set(SYMMETRIES) - {"isotropic", "cubic"},
    "tetragonal": {"tetragonal", "orthotropic", "monoclinic", "triclinic"},
    "trigonal": {"trigonal", "monoclinic", "triclinic"},
    "orthotropic": {"orthotropic", "monoclinic", "triclinic"},
    "monoclinic": {"monoclinic", "triclinic"},
}


def random(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def rotations(count, seed):
    return torch.linalg.qr(random(count, 3, 3, seed=seed))[0]


def triclinic(count, seed):
    A = random(count, 6, 6, seed=seed)
    return Stiffness(A @ A.mT)


@pytest.mark.parametrize("name", FORMS)
def test_each_class_is_recognised_at_random_orientation(name):
    # QR of a random matrix gives proper and improper rotations alike.
    C = FORMS[name][None].rotated(rotations(12, seed=len(name)))
    for symmetry in SYMMETRIES:
        distance = C.distance(symmetry)
        if symmetry in WIDER[name]:
            assert distance.max().item() < EXACT, symmetry
        else:
            assert distance.min().item() > 0.01, symmetry
    found = C.classify(1e-6)
    assert found.names == (name,) * 12


@pytest.mark.parametrize("name", FORMS)
def test_the_frame_brings_out_the_textbook_form(name):
    C = FORMS[name][None].rotated(rotations(12, seed=30 + len(name)))
    found = C.classify(1e-6)
    torch.testing.assert_close(torch.linalg.det(found.frame), torch.ones(12).double())
    seen = C.rotated(found.frame).voigt
    v = seen.movedim((-2, -1), (0, 1))
    scale = seen.abs().max().item()

    def assert_zero(*values):
        for each in values:
            assert each.abs().max().item() < 1e-10 * scale

    if name != "monoclinic":
        # No plane of symmetry of these classes lets normal stress and shear 36, 45 couple.
        assert_zero(v[2, 5], v[3, 4], v[0, 5], v[1, 5])
    assert_zero(v[0, 4], v[1, 4], v[2, 3], v[2, 4], v[3, 5])
    if name == "trigonal":
        assert_zero(v[0, 3] + v[1, 3], v[0, 3] - v[4, 5], v[0, 3].abs() - 0.9)
    else:
        assert_zero(v[0, 3], v[1, 3], v[4, 5])
    if name in ("hexagonal", "tetragonal", "trigonal"):
        assert_zero(v[0, 0] - v[1, 1], v[0, 2] - v[1, 2], v[3, 3] - v[4, 4], v[2, 2] - 12.0)
    if name in ("hexagonal", "trigonal"):
        assert_zero(v[5, 5] - 0.5 * (v[0, 0] - v[0, 1]))
    if name in ("isotropic", "cubic"):
        torch.testing.assert_close(seen, FORMS[name].voigt.expand(12, 6, 6))


@pytest.mark.parametrize("name", FORMS)
def test_a_tensor_in_its_own_axes_keeps_them(name):
    identity = torch.eye(3).double()
    found = FORMS[name].classify(1e-9)
    assert found.name == name
    torch.testing.assert_close(found.frame, identity, atol=1e-7, rtol=0)


def test_a_hexagonal_axis_is_found_where_it_was_put():
    R = rotations(20, seed=4)
    found = FORMS["hexagonal"][None].rotated(R).classify(1e-6)
    axis = R[:, :, 2]
    torch.testing.assert_close(
        (found.frame[:, 2] * axis).sum(-1).abs(), torch.ones(20).double(), atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_the_nearest_tensor_is_an_orthogonal_projection(symmetry):
    C = triclinic(5, seed=1)
    near = C.nearest(symmetry)
    rest = C.mandel - near.mandel
    size = C.mandel.square().sum((-2, -1))
    assert ((rest * near.mandel).sum((-2, -1)).abs() / size).max().item() < 1e-12
    expected = rest.square().sum((-2, -1)).sqrt() / size.sqrt()
    torch.testing.assert_close(C.distance(symmetry), expected)
    assert near.distance(symmetry).max().item() < EXACT
    assert bool(near.is_positive_definite().all())


@pytest.mark.parametrize("symmetry", [s for s in SYMMETRIES if s not in ("isotropic", "triclinic")])
def test_no_other_frame_is_nearer(symmetry):
    C = triclinic(4, seed=2)
    found = C.distance(symmetry)
    frames = rotations(4000, seed=3)
    assert bool((C[:, None].distance(symmetry, frames) >= found[:, None] - 1e-12).all())
    # And the answer turns with the tensor.
    for R in rotations(3, seed=4):
        torch.testing.assert_close(C.rotated(R).distance(symmetry), found, rtol=1e-10, atol=0)


@pytest.mark.parametrize("symmetry", ["cubic", "hexagonal", "trigonal", "orthotropic"])
def test_noise_on_a_symmetric_tensor_is_measured(symmetry):
    noise = random(8, 6, 6, seed=5)
    noise = 0.01 * (noise + noise.mT) / torch.linalg.matrix_norm(noise + noise.mT)[:, None, None]
    R = rotations(8, seed=6)
    clean = FORMS[symmetry][None].rotated(R)
    size = torch.linalg.matrix_norm(clean.mandel)[:, None, None]
    noisy = Stiffness(clean.mandel + size * noise)
    own = noisy.distance(symmetry, R.mT)
    found = noisy.distance(symmetry)
    assert bool((found <= own + 1e-12).all())
    assert bool((found >= 0.5 * own).all())
    assert found.max().item() < 0.0101
    assert noisy.classify(0.02).names == (symmetry,) * 8
    assert set(noisy.classify(1e-4).names) == {"triclinic"}


def test_the_isotropic_average_against_the_icosahedral_group():
    # Sixty rotations whose first invariant beyond l = 0 is l = 6 average a stiffness exactly.
    golden = (1 + math.sqrt(5)) / 2
    axis = torch.tensor([0.0, 1.0, golden], dtype=torch.float64)
    five = rotation_matrix(2 * math.pi / 5 * axis / torch.linalg.vector_norm(axis))
    three = rotation_matrix(2 * math.pi / 3 * torch.full((3,), 3**-0.5, dtype=torch.float64))
    group = [torch.eye(3).double()]
    for R in group:
        for step in (five, three):
            new = step @ R
            if not any(torch.allclose(new, old) for old in group):
                group.append(new)
    assert len(group) == 60
    C = triclinic(1, seed=8)
    mean = C.rotated(torch.stack(group)).mandel.mean(0)
    torch.testing.assert_close(C.nearest("isotropic").mandel[0], mean)
    near, average = C.nearest("isotropic"), C.averages()
    torch.testing.assert_close(near.averages().bulk_reuss, average.bulk_voigt)
    torch.testing.assert_close(near.averages().shear_reuss, average.shear_voigt)


@pytest.mark.parametrize(
    ("symmetry", "order"),
    [
        ("cubic", 24),
        ("hexagonal", 12),
        ("tetragonal", 8),
        ("trigonal", 6),
        ("orthotropic", 4),
        ("monoclinic", 2),
    ],
)
def test_groups_are_groups_and_leave_their_forms_alone(symmetry, order):
    group = symmetry_group(symmetry)
    assert len(group) == order
    products = (group[:, None] @ group[None]).reshape(-1, 9)
    gaps = torch.cdist(products, group.reshape(-1, 9)).amin(1)
    assert gaps.max().item() < 1e-7
    C = FORMS[symmetry][None].rotated(group)
    torch.testing.assert_close(C.mandel, FORMS[symmetry].mandel.expand(order, 6, 6))


def test_zener_ratio_is_found_in_any_frame():
    C = Stiffness.cubic(168.4, 121.4, 75.4).rotated(rotations(1, seed=9)[0])
    assert C.zener().item() == pytest.approx(2 * 75.4 / 47.0)
    aligned = Stiffness.cubic(168.4, 121.4, 75.4)
    assert aligned.zener(torch.eye(3)).item() == pytest.approx(2 * 75.4 / 47.0)
    assert Stiffness.isotropic(1.0, 0.3).zener().item() == pytest.approx(1.0)


def test_gradient_of_the_distance_against_central_differences():
    for symmetry in ("isotropic", "cubic", "tetragonal"):
        C = triclinic(1, seed=10)[0].mandel.requires_grad_()
        Stiffness(C).distance(symmetry).backward()
        change = random(6, 6, seed=11)
        change, step = change + change.T, 1e-5
        ahead, behind = (Stiffness(C.detach() + s * change) for s in (step, -step))
        slope = (ahead.distance(symmetry) - behind.distance(symmetry)).item() / (2 * step)
        assert (C.grad * change).sum().item() == pytest.approx(slope, rel=1e-5)


def test_batches_and_refusals():
    C = Stiffness(torch.stack([FORMS[name].mandel for name in FORMS])[:6].reshape(2, 3, 6, 6))
    found = C.classify(1e-8)
    assert found.names == tuple(FORMS)[:6]
    assert found.frame.shape == (2, 3, 3, 3)
    assert C.nearest("cubic").batch_shape == (2, 3)
    with pytest.raises(LatticeGnnError, match="6 tensors were classified"):
        _ = found.name
    with pytest.raises(LatticeGnnError, match="unknown symmetry 'quartic'"):
        C.nearest("quartic")
    with pytest.raises(LatticeGnnError, match="NaN or infinity"):
        Stiffness(C.mandel * torch.nan).distance("cubic")
    with pytest.raises(LatticeGnnError, match="tolerance must be zero or positive"):
        C.classify(-1.0)
