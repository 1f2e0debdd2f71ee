"""Global extrema against closed forms, brute force, and the same search in other frames."""

import math

import numpy as np
import pytest
import scipy.optimize
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.notation import dyad_mandel
from lattice_gnn.tensors.stiffness import Stiffness

QUANTITIES = ["E", "G", "nu", "beta"]
FRAME_SPREAD = 1e-7
"""Relative difference allowed between searches of one tensor in different frames."""


def random(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def rotations(count, seed):
    return torch.linalg.qr(random(count, 3, 3, seed=seed))[0]


def spectrum(decades, *, count=4, seed=0):
    """Random modes, eigen-stiffnesses spread over so many decades."""
    Q = torch.linalg.qr(random(count, 6, 6, seed=seed))[0]
    exponents = random(count, 6, seed=seed + 100).erf().abs()
    return Stiffness(Q @ torch.diag_embed(10 ** (-decades * exponents)) @ Q.mT).symmetrised()


def struts(softness, *, number=4, count=4, seed=0):
    """Stiff lines in random directions within a soft random medium: needles of E."""
    n = torch.nn.functional.normalize(random(count, number, 3, seed=seed), dim=-1)
    v = dyad_mandel(n, n)
    return Stiffness(v.mT @ v + softness * spectrum(1.0, count=count, seed=seed).mandel)


def soft_mode(softness, *, count=4, seed=0):
    """One strain costs next to nothing: stiff directions lie on a cone, a curved ridge of E."""
    mode = torch.nn.functional.normalize(random(count, 6, seed=seed), dim=-1)
    dyad = mode[:, :, None] * mode[:, None, :]
    rest = torch.eye(6).double() - dyad
    base = torch.eye(6).double() + 0.1 * spectrum(1.0, count=count, seed=seed).mandel
    return Stiffness(rest @ base @ rest + softness * dyad).symmetrised()


FAMILIES = {
    "mild": lambda: spectrum(1.0),
    "wide": lambda: spectrum(4.0),
    "near-singular": lambda: spectrum(8.0),
    "needles": lambda: struts(1e-5),
    "many needles": lambda: struts(1e-3, number=8),
    "ridge": lambda: soft_mode(1e-5),
}


def value(C, quantity, directions):
    if quantity in ("E", "beta"):
        method = C.young_modulus if quantity == "E" else C.linear_compressibility
        return method(directions)
    method = C.shear_modulus if quantity == "G" else C.poisson_ratio
    return method(directions[..., 0, :], directions[..., 1, :])


@pytest.mark.parametrize("seed", range(4))
def test_needle_along_the_cube_diagonal(seed):
    # 1/E(111) = (S11 + 2 S12 + S44)/3; 20,000 sampled directions find 1.38 at most.
    C11, C12, C44 = 1.0, 0.9995, 0.95
    exact = 1 / ((1 / (C11 + 2 * C12) + 1 / C44) / 3)
    assert exact == pytest.approx(2.1644, abs=5e-5)
    R = rotations(1, seed)[0]
    found = Stiffness.cubic(C11, C12, C44).rotated(R).extrema("E")
    assert found.max.item() == pytest.approx(exact, rel=1e-12)
    in_cube = (found.max_directions @ R).abs()
    torch.testing.assert_close(
        in_cube, torch.full((3,), 3**-0.5, dtype=torch.float64), atol=1e-7, rtol=0
    )
    along_cube = (found.min_directions @ R).abs().sort().values
    torch.testing.assert_close(along_cube, torch.eye(3).double()[2], atol=1e-7, rtol=0)


def test_directions_of_a_cubic_tensor_read_well():
    found = Stiffness.cubic(1.0, 0.9995, 0.95).extrema("E")
    third = torch.full((3,), 3**-0.5, dtype=torch.float64)
    torch.testing.assert_close(found.max_directions, third, atol=1e-8, rtol=0)


@pytest.mark.parametrize("constants", [(168.4, 121.4, 75.4), (246.0, 134.0, 28.7)])
def test_cubic_crystals_against_closed_forms(constants):
    # Copper (Zener ratio above 1) and niobium (below). G: Hayes and Shuvalov (1998), J. Appl. Mech.
    # 65, 786. nu of copper: Norris (2006), Proc. R. Soc. A 462, 3385: extremes for load on <110>.
    C11, C12, C44 = constants
    C = Stiffness.cubic(*constants).rotated(rotations(1, 3)[0])
    shear = sorted([C44, (C11 - C12) / 2])
    G = C.extrema("G")
    assert [G.min.item(), G.max.item()] == pytest.approx(shear, rel=1e-12)
    S11, S12 = (C11 + C12) / (C11 - C12) / (C11 + 2 * C12), -C12 / (C11 - C12) / (C11 + 2 * C12)
    young = sorted([1 / S11, 3 / (S11 + 2 * S12 + 1 / C44)])
    E = C.extrema("E")
    assert [E.min.item(), E.max.item()] == pytest.approx(young, rel=1e-12)
    beta = C.extrema("beta")
    assert [beta.min.item(), beta.max.item()] == pytest.approx([1 / (C11 + 2 * C12)] * 2)
    if C11 == 168.4:
        diagonal = 2 * S11 + 2 * S12 + 1 / C44
        nu = C.extrema("nu")
        assert nu.min.item() == pytest.approx(-(2 * S11 + 2 * S12 - 1 / C44) / diagonal)
        assert nu.max.item() == pytest.approx(-4 * S12 / diagonal)


def test_isotropic_tensor_has_one_value_everywhere():
    C = Stiffness.isotropic(2.0, 0.3)
    for quantity, exact in (("E", 2.0), ("G", 2 / 2.6), ("nu", 0.3), ("beta", 0.2)):
        found = C.extrema(quantity)
        assert found.min.item() == pytest.approx(exact)
        assert found.max.item() == pytest.approx(exact)
        lengths = torch.linalg.vector_norm(found.max_directions, dim=-1)
        torch.testing.assert_close(lengths, torch.ones_like(lengths))


@pytest.mark.parametrize("seed", range(3))
def test_tetragonal_needle_in_an_arbitrary_frame(seed):
    # A stack of columns: E along 3 is C33 - 2 C13^2/(C11 + C12), a million times that across.
    voigt = torch.diag(torch.tensor([2e-6, 2e-6, 1.0, 3e-7, 3e-7, 5e-7], dtype=torch.float64))
    voigt[0, 1] = voigt[1, 0] = 1e-6
    voigt[0, 2] = voigt[2, 0] = voigt[1, 2] = voigt[2, 1] = 5e-7
    R = rotations(1, 10 + seed)[0]
    found = Stiffness.from_voigt(voigt).rotated(R).extrema("E")
    assert found.max.item() == pytest.approx(1.0 - 2 * 25e-14 / 3e-6, rel=1e-9)
    assert abs((R.T @ found.max_directions)[2].item()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_no_sample_lies_outside_and_every_frame_agrees(quantity, family):
    C = FAMILIES[family]()
    found = C.extrema(quantity)
    torch.testing.assert_close(value(C, quantity, found.min_directions), found.min)
    torch.testing.assert_close(value(C, quantity, found.max_directions), found.max)
    n, m = random(2, 8000, 3, seed=1)
    sample = torch.stack([n, m], dim=1) if quantity in ("G", "nu") else n
    values = value(C[:, None], quantity, sample)
    slack = 1e-9 * (found.max.abs() + found.min.abs())[:, None]
    assert bool((values >= found.min[:, None] - slack).all())
    assert bool((values <= found.max[:, None] + slack).all())
    for R in rotations(2, 5):
        turned = C.rotated(R).symmetrised().extrema(quantity)
        spread = FRAME_SPREAD * torch.maximum(found.max.abs(), found.min.abs())
        assert bool(((turned.max - found.max).abs() <= spread).all())
        assert bool(((turned.min - found.min).abs() <= FRAME_SPREAD * found.min.abs()).all())


def polished(function, starts):
    """Smallest value that scipy reaches from the best of many starts."""
    order = np.argsort([function(x) for x in starts])[:10]
    return min(
        scipy.optimize.minimize(function, starts[k], method="BFGS", options={"gtol": 1e-9}).fun
        for k in order
    )


@pytest.mark.parametrize("quantity", ["E", "G", "nu"])
def test_against_a_search_that_shares_no_code(quantity):
    S = np.linalg.inv(spectrum(2.0, count=1, seed=11).numpy()[0])

    def vector(a, b):
        d = 0.5 * (np.outer(a, b) + np.outer(b, a))
        r = math.sqrt(2)
        return np.array([d[0, 0], d[1, 1], d[2, 2], r * d[1, 2], r * d[0, 2], r * d[0, 1]])

    def modulus(x):
        n = x[:3] / np.linalg.norm(x[:3])
        nn = vector(n, n)
        if quantity == "E":
            return 1 / (nn @ S @ nn)
        m = x[3:] - (x[3:] @ n) * n
        m = m / np.linalg.norm(m)
        if quantity == "G":
            return 0.25 / (vector(n, m) @ S @ vector(n, m))
        return -(vector(m, m) @ S @ nn) / (nn @ S @ nn)

    starts = np.random.default_rng(0).normal(size=(2000, 6))
    found = Stiffness.from_compliance_mandel(S).extrema(quantity)
    assert found.min.item() == pytest.approx(polished(modulus, starts), rel=1e-7)
    assert found.max.item() == pytest.approx(-polished(lambda x: -modulus(x), starts), rel=1e-7)


def test_batches_give_what_single_tensors_give():
    C = spectrum(2.0, count=4, seed=3)
    square = Stiffness(C.mandel.reshape(2, 2, 6, 6))
    for quantity in QUANTITIES:
        found = square.extrema(quantity)
        assert found.max.shape == (2, 2)
        assert found.max_directions.shape[:2] == (2, 2)
        for k in range(4):
            single = C[k].extrema(quantity)
            assert single.max.item() == pytest.approx(found.max.flatten()[k].item(), rel=1e-10)
            assert single.min.item() == pytest.approx(found.min.flatten()[k].item(), rel=1e-10)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_gradient_of_an_extremum_against_central_differences(quantity):
    C = spectrum(1.0, count=1, seed=6)[0].mandel.requires_grad_()
    found = Stiffness(C).extrema(quantity)
    (found.max - 2.0 * found.min).backward()
    change = random(6, 6, seed=7)
    change, step = change + change.T, 1e-5
    ahead, behind = (Stiffness(C.detach() + s * change).extrema(quantity) for s in (step, -step))
    slope = (ahead.max - 2 * ahead.min - behind.max + 2 * behind.min).item() / (2 * step)
    assert (C.grad * change).sum().item() == pytest.approx(slope, rel=1e-5)


def test_what_has_no_extrema_is_refused():
    singular = torch.diag(torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, -0.25], dtype=torch.float64))
    with pytest.raises(LatticeGnnError, match=r"smallest eigen-stiffness is -0\.25"):
        Stiffness(singular).extrema("E")
    with pytest.raises(LatticeGnnError, match="unknown quantity 'K'"):
        Stiffness.isotropic().extrema("K")
    with pytest.raises(LatticeGnnError, match="NaN or infinity"):
        Stiffness(singular * torch.nan).extrema("G")
