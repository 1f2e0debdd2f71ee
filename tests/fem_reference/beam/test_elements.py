"""Beam elements: closed forms of structural mechanics, rigid motions, tapers, bores, rigid ends."""

import inspect

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from fem_reference.beam import elements
from fem_reference.beam.elements import AXIAL, BENDING, TORSION, shear_coefficient, strut_operator
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.testing import random_rotation

CLOSED_FORM = 1e-12
"""Relative error against a formula that is evaluated in another way."""
QUADRATURE = 1e-9
"""Relative error of adaptive quadrature of a steep taper."""
FLOAT32 = 1e-5
"""Relative error of single precision."""
THEORIES = pytest.mark.parametrize("element", ["euler-bernoulli", "timoshenko"])


def strut(vector, *, r=0.1, r_end=None, bore=0.0, dtype=torch.float64, **material):
    """A batch of one strut from the origin along ``vector``; the cell plays no part."""

    def one(x):
        return torch.tensor([x], dtype=dtype)

    return LatticeBatch(
        cells=torch.eye(3, dtype=dtype)[None],
        nodes=torch.tensor([[0.0, 0.0, 0.0], list(vector)], dtype=dtype),
        struts=torch.tensor([[0, 1]]),
        shifts=torch.zeros(1, 3, dtype=torch.int64),
        radii=one(r),
        end_radii=one(r if r_end is None else r_end),
        inner_radii=one(bore),
        E=one(material.get("E", 1.0)),
        nu=one(material.get("nu", 0.3)),
        node_offsets=torch.tensor([0, 2]),
        strut_offsets=torch.tensor([0, 1]),
    )


def stiffness(batch, element="euler-bernoulli", rigid_ends=None):
    B = strut_operator(batch, element=element, rigid_ends=rigid_ends)[0]
    return (B.mT @ B).numpy()


def tip_flexibility(batch, element="euler-bernoulli", rigid_ends=None):
    """Displacements and rotations of node j under unit loads on it, node i clamped."""
    return np.linalg.inv(stiffness(batch, element, rigid_ends)[6:, 6:])


def section(r, bore=0.0, nu=0.3, E=1.0):
    """A, I, J, G, kappa of a circular tube; kappa of Cowper (1966), table 1."""
    A, I = np.pi * (r**2 - bore**2), np.pi / 4 * (r**4 - bore**4)
    m2 = (bore / r) ** 2
    hollow = (7 + 6 * nu) * (1 + m2) ** 2 + (20 + 12 * nu) * m2
    return A, I, 2 * I, E / (2 * (1 + nu)), 6 * (1 + nu) * (1 + m2) ** 2 / hollow


def rigid_motions(start, end):
    """Six columns: end displacements and rotations of u = v + omega x x."""
    columns = np.zeros((12, 6))
    for k, x in ((0, start), (6, end)):
        columns[k : k + 3, :3] = columns[k + 3 : k + 6, 3:] = np.eye(3)
        columns[k : k + 3, 3:] = np.cross(np.eye(3), x).T
    return columns


# Closed forms


@pytest.mark.parametrize("bore", [0.0, 0.06])
@THEORIES
def test_cantilever_closed_forms(element, bore):
    L, E, nu = 1.7, 2.3, 0.27
    A, I, J, G, kappa = section(0.1, bore, nu, E)
    F = tip_flexibility(strut([L, 0, 0], bore=bore, E=E, nu=nu), element)
    shear = L / (kappa * G * A) if element == "timoshenko" else 0.0
    assert F[0, 0] == pytest.approx(L / (E * A), rel=CLOSED_FORM)
    assert F[3, 3] == pytest.approx(L / (G * J), rel=CLOSED_FORM)
    for across, turn, sign in ((1, 5, 1), (2, 4, -1)):
        assert F[across, across] == pytest.approx(L**3 / (3 * E * I) + shear, rel=CLOSED_FORM)
        assert F[turn, across] == pytest.approx(sign * L**2 / (2 * E * I), rel=CLOSED_FORM)
        assert F[turn, turn] == pytest.approx(L / (E * I), rel=CLOSED_FORM)


def test_euler_bernoulli_matrix_is_the_textbooks():
    """Entries 12, 6L, 4L^2, 2L^2 times E I / L^3 (Przemieniecki 1968, eq. 5.116)."""
    L = 1.3
    A, I, J, G, _ = section(0.1)
    K = stiffness(strut([L, 0, 0])) * L**3 / I
    bending = [[12, 6 * L, -12, 6 * L], [6 * L, 4 * L**2, -6 * L, 2 * L**2]]
    np.testing.assert_allclose(K[np.ix_([1, 5], [1, 5, 7, 11])], bending, rtol=CLOSED_FORM)
    np.testing.assert_allclose(K[0, [0, 6]], [A * L**2 / I, -A * L**2 / I], rtol=CLOSED_FORM)
    np.testing.assert_allclose(K[3, 9], -G * J * L**2 / I, rtol=CLOSED_FORM)


def test_timoshenko_matrix_is_the_textbooks():
    """With Phi = 12 E I / (kappa G A L^2) (Przemieniecki 1968, eq. 5.116)."""
    L = 0.4
    A, I, _, G, kappa = section(0.1)
    phi = 12 * I / (kappa * G * A * L**2)
    K = stiffness(strut([L, 0, 0]), "timoshenko") * (1 + phi) * L**3 / I
    expected = [[12, 6 * L, -12, 6 * L], [6 * L, (4 + phi) * L**2, -6 * L, (2 - phi) * L**2]]
    np.testing.assert_allclose(K[np.ix_([1, 5], [1, 5, 7, 11])], expected, rtol=CLOSED_FORM)


def test_shear_coefficients_of_cowper():
    """Solid 6(1+nu)/(7+6nu); thin tube 2(1+nu)/(4+3nu) (Cowper 1966, table 1)."""
    nu = torch.tensor([0.0, 0.3, 0.45], dtype=torch.float64)
    solid, thin = shear_coefficient(nu, 0 * nu), shear_coefficient(nu, 0 * nu + 1)
    torch.testing.assert_close(solid, 6 * (1 + nu) / (7 + 6 * nu), rtol=CLOSED_FORM, atol=0)
    torch.testing.assert_close(thin, 2 * (1 + nu) / (4 + 3 * nu), rtol=CLOSED_FORM, atol=0)


@pytest.mark.parametrize("slenderness", [1e-4, 1e-2, 1.0, 1e3])
def test_timoshenko_holds_from_discs_to_needles(slenderness):
    """L / r from 1e-4 (shear alone matters) to 1e3; the clamp of a disc does not cancel away."""
    r = 0.1
    L = slenderness * r
    A, I, _, G, kappa = section(r)
    F = tip_flexibility(strut([L, 0, 0], r=r), "timoshenko")
    assert F[1, 1] == pytest.approx(L**3 / (3 * I) + L / (kappa * G * A), rel=CLOSED_FORM)
    K = stiffness(strut([L, 0, 0], r=r), "timoshenko")
    antisymmetric = K[5, 5] - K[5, 11]  # moments +1, -1: pure bending, no shear
    assert antisymmetric / 2 == pytest.approx(I / L, rel=1e-7)


def test_timoshenko_tends_to_euler_bernoulli_with_slenderness():
    slender = [stiffness(strut([1.0, 0, 0], r=1e-5), x) for x in ("timoshenko", "euler-bernoulli")]
    np.testing.assert_allclose(slender[0], slender[1], rtol=1e-8, atol=1e-25)


# Rigid motions and invariances


@THEORIES
def test_exactly_the_rigid_motions_cost_nothing(element):
    batch = strut([0.4, -0.8, 0.6], r_end=0.15, bore=0.03)
    K = stiffness(batch, element)
    values = np.linalg.eigvalsh(K)
    assert np.abs(values[:6]).max() < 1e-15 * values[-1]
    assert values[6] > 1e-6 * values[-1]
    motions = rigid_motions(np.zeros(3), batch.nodes[1].numpy())
    B = strut_operator(batch, element=element)[0].numpy()
    assert np.abs(B @ motions).max() < CLOSED_FORM * np.abs(B).max()


@THEORIES
def test_direction_of_storage_means_nothing(element):
    v = np.array([0.4, -0.8, 0.6])
    swap = np.r_[6:12, 0:6]
    forth = stiffness(strut(v, r=0.1, r_end=0.16, bore=0.04), element)
    back = stiffness(strut(-v, r=0.16, r_end=0.1, bore=0.064), element)
    assert np.abs(back[np.ix_(swap, swap)] - forth).max() < CLOSED_FORM * np.abs(forth).max()


@pytest.mark.parametrize("improper", [False, True])
@THEORIES
def test_frame_invariance(element, improper):
    """Rotations are axial vectors: an improper turn reverses them."""
    R = random_rotation(3, improper=improper)
    axial = R * np.linalg.det(R)
    T = np.kron(np.eye(2), np.block([[R, 0 * R], [0 * R, axial]]))
    v = np.array([0.4, -0.8, 0.6])
    K = stiffness(strut(v, r_end=0.16), element)
    turned = stiffness(strut(R @ v, r_end=0.16), element)
    assert np.abs(turned - T @ K @ T.T).max() < CLOSED_FORM * np.abs(K).max()


@pytest.mark.parametrize("axis", np.vstack([np.eye(3), -np.eye(3)]), ids=str)
def test_no_direction_is_special(axis):
    """Local frames from a fixed reference vector fail along that vector; here there are none."""
    F = tip_flexibility(strut(1.3 * axis))
    _, I, *_ = section(0.1)
    across = np.eye(3) - np.outer(axis, axis)
    bending = F[:3, :3] - np.outer(axis, axis) * (axis @ F[:3, :3] @ axis)
    np.testing.assert_allclose(bending, across * 1.3**3 / (3 * I), atol=1e-9)


def test_rows_are_what_they_are_called():
    L = 1.3
    A, I, J, G, _ = section(0.1)
    B = strut_operator(strut([L, 0, 0]))[0].numpy()
    stretch, twist, bend = np.eye(12)[6], np.eye(12)[9], np.eye(12)[11]
    assert (B[AXIAL] @ stretch) ** 2 == pytest.approx(A / L, rel=CLOSED_FORM)
    assert (B[TORSION] @ twist) ** 2 == pytest.approx(G * J / L, rel=CLOSED_FORM)
    assert ((B[BENDING] @ bend) ** 2).sum() == pytest.approx(4 * I / L, rel=CLOSED_FORM)
    assert np.abs(B[1:] @ stretch).max() == np.abs(np.delete(B, 1, 0) @ twist).max() == 0.0


def test_any_unit_of_length_in_single_precision():
    """Struts of a micrometre, measured in metres, neither overflow nor underflow float32."""
    tiny = strut([1e-6, 0, 0], r=5e-8, dtype=torch.float32)
    plain = strut([1.0, 0, 0], r=5e-2, dtype=torch.float32)
    units = np.array([1.0] * 3 + [1e-6] * 3)
    scale = np.sqrt(1e6) / np.concatenate([units, units])
    for element in ("euler-bernoulli", "timoshenko"):
        B = strut_operator(tiny, element=element)[0].double().numpy() * scale
        expected = strut_operator(plain, element=element)[0].double().numpy()
        np.testing.assert_allclose(B, expected, rtol=FLOAT32, atol=FLOAT32 * expected.max())


# Taper and bore


def quadrature(L, r1, r2, bore_ratio, nu, element):
    """Cantilever flexibilities of node j by unit loads: int of M^2/EI + V^2/(kappa G A), ..."""

    def radius(s):
        return r1 + (r2 - r1) * s

    def integral(power):
        # Substituting log r keeps the integrand smooth at any taper.
        if r1 == r2:
            return lambda g: quad(lambda s: g(s) / r1**power, 0, 1)[0]
        span = np.log(r2 / r1)

        def of(g):
            def f(x):
                r = r1 * np.exp(span * x)
                return g((r - r1) / (r2 - r1)) * r ** (1 - power) * span / (r2 - r1)

            return quad(f, 0, 1, epsabs=0, epsrel=1e-12, limit=200)[0]

        return of

    area = np.pi * (1 - bore_ratio**2)
    inertia = np.pi / 4 * (1 - bore_ratio**4)
    G = 1 / (2 * (1 + nu))
    kappa = section(1.0, bore_ratio, nu)[4]
    two, four = integral(2), integral(4)
    shear = L * two(lambda s: 1.0) / (kappa * G * area) if element == "timoshenko" else 0.0
    return {
        "axial": L * two(lambda s: 1.0) / area,
        "twist": L * four(lambda s: 1.0) / (2 * G * inertia),
        "deflection": L**3 * four(lambda s: (1 - s) ** 2) / inertia + shear,
        "slope": L**2 * four(lambda s: 1 - s) / inertia,
        "turn": L * four(lambda s: 1.0) / inertia,
    }


@pytest.mark.parametrize("bore_ratio", [0.0, 0.7])
@pytest.mark.parametrize("taper", [1e-3, 0.1, 0.5, 1.0, 3.0, 1e3])
@THEORIES
def test_linear_taper_against_quadrature(element, taper, bore_ratio):
    L, r, nu = 1.4, 0.1, 0.3
    batch = strut([L, 0, 0], r=r, r_end=taper * r, bore=bore_ratio * r, nu=nu)
    want = quadrature(L, r, taper * r, bore_ratio, nu, element)
    B = strut_operator(batch, element=element)[0, :, 6:].numpy()
    # From the triangular structure of B, since K of a steep taper is too ill-conditioned to invert.
    F = np.linalg.pinv(B, rcond=1e-30)
    F = F @ F.T
    got = {"axial": F[0, 0], "twist": F[3, 3], "deflection": F[1, 1], "slope": F[5, 1]}
    got["turn"] = F[5, 5]
    for name, value in want.items():
        assert got[name] == pytest.approx(value, rel=QUADRATURE), name


# Rigid ends


def link(start, end):
    """Motion at ``end`` of a rigid link whose motion at ``start`` is given."""
    T = np.eye(6)
    T[:3, 3:] = np.cross(np.eye(3), end - start).T
    return T


@pytest.mark.parametrize("arms", [(0.0, 0.0), (0.2, 0.0), (0.1, 0.3), (0.9, 0.09)])
@THEORIES
def test_rigid_ends_against_rigid_links(element, arms):
    """K = T^T K_flexible T with the explicit links between nodes and flexible part."""
    v = np.array([0.36, -0.48, 0.8])
    a, b = arms
    flexible = strut((1 - a - b) * v, r=0.1, bore=0.03)
    K = stiffness(flexible, element)
    zero = np.zeros((6, 6))
    T = np.block([[link(0 * v, a * v), zero], [zero, link(v, (1 - b) * v)]])
    got = stiffness(strut(v, r=0.1, bore=0.03), element, torch.tensor([arms], dtype=torch.float64))
    want = T.T @ K @ T
    assert np.abs(got - want).max() < CLOSED_FORM * np.abs(want).max()


def test_rigid_ends_of_a_tapered_strut_keep_the_radius_between_them():
    """The flexible part of a cone is a piece of that cone."""
    v = np.array([1.0, 0, 0])
    a, b = 0.2, 0.3
    piece = strut(0.5 * v, r=0.1 + 0.1 * a, r_end=0.2 - 0.1 * b, bore=0.3 * (0.1 + 0.1 * a))
    zero = np.zeros((6, 6))
    T = np.block([[link(0 * v, a * v), zero], [zero, link(v, (1 - b) * v)]])
    want = T.T @ stiffness(piece, "timoshenko") @ T
    whole = strut(v, r=0.1, r_end=0.2, bore=0.03)
    got = stiffness(whole, "timoshenko", torch.tensor([[a, b]], dtype=torch.float64))
    assert np.abs(got - want).max() < CLOSED_FORM * np.abs(want).max()


@THEORIES
def test_no_rigid_ends_is_the_limit_of_short_ones(element):
    batch = strut([0.36, -0.48, 0.8], r_end=0.15)
    without = stiffness(batch, element)
    zero = stiffness(batch, element, torch.zeros(1, 2, dtype=torch.float64))
    short = stiffness(batch, element, torch.full((1, 2), 1e-9, dtype=torch.float64))
    np.testing.assert_array_equal(zero, without)
    assert np.abs(short - without).max() < 1e-7 * np.abs(without).max()


@pytest.mark.parametrize("arms", [(0.5, 0.5), (0.7, 0.4), (-0.1, 0.2), (float("nan"), 0.1)])
def test_impossible_rigid_ends_are_refused(arms):
    with pytest.raises(LatticeGnnError, match=r"rigid_ends\[0\]"):
        strut_operator(strut([1.0, 0, 0]), rigid_ends=torch.tensor([arms], dtype=torch.float64))


def test_unknown_element_is_refused():
    unchecked = inspect.unwrap(elements._flexibilities)  # tests would stop at the annotation
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(LatticeGnnError, match="'timoshenko', got 'shell'"):
        unchecked(strut([1.0, 0, 0]), "shell", one, (one, one))


# Another way to the same matrix


@THEORIES
def test_hessian_of_an_independent_energy(element):
    """2 W = E A int u'^2 + G J int theta'^2 + E I int w''^2 + kappa G A int gamma^2, exactly.

    The deflection is the cubic, and gamma the constant, of a Timoshenko beam without load between
    its ends; slopes at the ends are theta - gamma. Integrated by Gauss points, differentiated by
    autograd, with all vectors split by explicit projection.
    """
    v = torch.tensor([0.5, -0.7, 0.9], dtype=torch.float64)
    A, I, J, G, kappa = section(0.1, 0.05)
    L = v.norm()
    t = v / L
    points, weights = np.polynomial.legendre.leggauss(4)
    s = torch.from_numpy((points + 1) / 2)
    w = torch.from_numpy(weights / 2)
    phi = 12 * I / (kappa * G * A * L**2) if element == "timoshenko" else torch.zeros(())

    def energy(q):
        u1, a1, u2, a2 = q.view(4, 3)

        def across(x):
            return x - t * (t @ x)

        # Slopes of the centre line that the cross sections' rotations ask for: theta x t.
        turn1, turn2 = torch.linalg.cross(a1, t), torch.linalg.cross(a2, t)
        w1, w2 = across(u1), across(u2)
        gamma = phi / (1 + phi) * ((w2 - w1) / L - (turn1 + turn2) / 2)
        slope1, slope2 = turn1 + gamma, turn2 + gamma
        curvature = (
            torch.outer(-6 + 12 * s, w1)
            + torch.outer(6 - 12 * s, w2)
            + torch.outer(-4 + 6 * s, slope1) * L
            + torch.outer(-2 + 6 * s, slope2) * L
        ) / L**2
        bending = I * L * (w * curvature.square().sum(1)).sum()
        shear = kappa * G * A * L * gamma.square().sum() if element == "timoshenko" else 0.0
        stretch, twist = t @ (u2 - u1), t @ (a2 - a1)
        return (A / L * stretch**2 + G * J / L * twist**2 + bending + shear) / 2

    zero = torch.zeros(12, dtype=torch.float64)
    K = torch.autograd.functional.hessian(energy, zero).numpy()
    got = stiffness(strut(v.tolist(), bore=0.05), element)
    assert np.abs(got - K).max() < CLOSED_FORM * np.abs(K).max()
