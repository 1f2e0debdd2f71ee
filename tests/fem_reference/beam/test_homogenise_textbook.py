"""Frames of the textbooks, assembled here by plain numpy from the element matrices.

Closed forms with bending, torsion, axial and shear deformation; one published numerical example.
"""

import numpy as np
import pytest
import torch

from fem_reference.beam.elements import strut_operator
from lattice_gnn.lattice.batch import LatticeBatch

CLOSED_FORM = 1e-10
"""Relative error of a displacement against a formula that contains every deformation."""
INEXTENSIBLE = 1e-7
"""Relative error where the formula neglects axial deformation, for r/L = 1e-4."""

THEORIES = pytest.mark.parametrize("element", ["euler-bernoulli", "timoshenko"])


class Frame:
    """A finite frame of equal tubes."""

    def __init__(self, nodes, struts, *, r=0.05, bore=0.0, E=1.0, nu=0.3):
        count = len(struts)

        def each(x):
            return torch.full((count,), float(x), dtype=torch.float64)

        self.count = len(nodes)
        self.struts = np.array(struts)
        self.batch = LatticeBatch(
            cells=torch.eye(3, dtype=torch.float64)[None],
            nodes=torch.tensor(nodes, dtype=torch.float64),
            struts=torch.tensor(struts),
            shifts=torch.zeros(count, 3, dtype=torch.int64),
            radii=each(r),
            end_radii=each(r),
            inner_radii=each(bore),
            E=each(E),
            nu=each(nu),
            node_offsets=torch.tensor([0, len(nodes)]),
            strut_offsets=torch.tensor([0, count]),
        )

    def solve(self, *, fixed, loads, element="euler-bernoulli"):
        """Displacements and rotations (nodes, 6), and reactions; ``loads``: (node, dof) -> value.

        ``fixed`` lists nodes, or pairs of a node and its held degrees of freedom.
        """
        B = strut_operator(self.batch, element=element).numpy()
        K = np.zeros((self.count, 6, self.count, 6))
        for (i, j), k in zip(self.struts, np.einsum("sqa,sqb->sab", B, B), strict=True):
            for a, p in ((i, slice(0, 6)), (j, slice(6, 12))):
                for b, q in ((i, slice(0, 6)), (j, slice(6, 12))):
                    K[a, :, b] += k[p, q]
        K = K.reshape(6 * self.count, -1)
        held = np.zeros((self.count, 6), dtype=bool)
        for item in fixed:
            node, dofs = item if isinstance(item, tuple) else (item, range(6))
            held[node, list(dofs)] = True
        free = ~held.ravel()
        force = np.zeros((self.count, 6))
        for (node, dof), value in loads.items():
            force[node, dof] = value
        u = np.zeros(6 * self.count)
        scale = np.diagonal(K)[free] ** -0.5
        scaled = K[np.ix_(free, free)] * scale[:, None] * scale
        u[free] = scale * np.linalg.solve(scaled, scale * force.ravel()[free])
        return u.reshape(-1, 6), (K @ u - force.ravel()).reshape(-1, 6)


def tube(r=0.05, nu=0.3, element="euler-bernoulli"):
    """Area, I, G J and kappa G A (infinite without shear deformation) for E = 1."""
    A, I = np.pi * r**2, np.pi / 4 * r**4
    G = 1 / (2 * (1 + nu))
    kappa = 6 * (1 + nu) / (7 + 6 * nu)
    return A, I, 2 * G * I, kappa * G * A if element == "timoshenko" else np.inf


@THEORIES
def test_right_angle_bracket_bends_and_twists(element):
    """Load P across a bracket of arms a and b, perpendicular to its plane.

    P a^3/3EI + P b^3/3EI + P a b^2/GJ (Timoshenko, *Strength of Materials* I), and
    P (a + b) / kappa G A of shear.
    """
    a, b, P = 1.3, 0.7, 2.0
    _, I, GJ, shear = tube(element=element)
    frame = Frame([[0, 0, 0], [a, 0, 0], [a, b, 0]], [[0, 1], [1, 2]])
    u, reactions = frame.solve(fixed=[0], loads={(2, 2): P}, element=element)
    expected = P * a**3 / (3 * I) + P * b**3 / (3 * I) + P * a * b**2 / GJ + P * (a + b) / shear
    assert u[2, 2] == pytest.approx(expected, rel=CLOSED_FORM)
    assert u[2, 3] == pytest.approx(P * b * a / GJ + P * b**2 / (2 * I), rel=CLOSED_FORM)
    np.testing.assert_allclose(reactions[0, [2, 3, 4]], [-P, -P * b, P * a], rtol=CLOSED_FORM)


@THEORIES
def test_cantilever_l_frame_in_its_plane(element):
    """Load P at the tip of the beam b on a column h: P b^3/3EI + P b^2 h/EI + P h/EA (+ shear)."""
    h, b, P = 1.1, 0.8, 1.0
    A, I, _, shear = tube(element=element)
    frame = Frame([[0, 0, 0], [0, 0, h], [b, 0, h]], [[0, 1], [1, 2]])
    u, _ = frame.solve(fixed=[0], loads={(2, 2): P}, element=element)
    down = P * b**3 / (3 * I) + P * b**2 * h / I + P * h / A + P * b / shear
    assert u[2, 2] == pytest.approx(down, rel=CLOSED_FORM)
    assert u[2, 0] == pytest.approx(-P * b * h**2 / (2 * I), rel=CLOSED_FORM)
    assert u[2, 4] == pytest.approx(-P * b**2 / (2 * I) - P * b * h / I, rel=CLOSED_FORM)


def test_propped_cantilever():
    """Central load: prop reaction 5P/16, deflection 7 P L^3 / 768 E I under the load (Roark)."""
    L, P = 2.0, 1.0
    _, I, *_ = tube()
    frame = Frame([[0, 0, 0], [L / 2, 0, 0], [L, 0, 0]], [[0, 1], [1, 2]])
    u, reactions = frame.solve(fixed=[0, (2, [1, 2])], loads={(1, 2): -P})
    assert u[1, 2] == pytest.approx(-7 * P * L**3 / (768 * I), rel=CLOSED_FORM)
    assert reactions[2, 2] == pytest.approx(5 * P / 16, rel=CLOSED_FORM)
    assert abs(reactions[0, 4]) == pytest.approx(3 * P * L / 16, rel=CLOSED_FORM)


@THEORIES
def test_fixed_beam_with_a_central_load(element):
    """P L^3 / 192 E I + P L / 4 kappa G A, end moments P L / 8 (Roark)."""
    L, P = 1.6, 1.0
    _, I, _, shear = tube(element=element)
    turn = np.array([[0.36, 0.48, 0.8]])
    along = np.array([0.0, 0.5 * L, L])[:, None] * turn
    across = np.array([0.8, -0.6, 0.0])
    frame = Frame(along.tolist(), [[0, 1], [1, 2]])
    loads = {(1, k): P * across[k] for k in range(3)}
    u, reactions = frame.solve(fixed=[0, 2], loads=loads, element=element)
    expected = P * L**3 / (192 * I) + P * L / (4 * shear)
    np.testing.assert_allclose(u[1, :3], expected * across, rtol=CLOSED_FORM, atol=1e-9)
    assert np.linalg.norm(reactions[0, 3:]) == pytest.approx(P * L / 8, rel=CLOSED_FORM)


def test_portal_frame_under_a_side_load():
    """Fixed feet: moments (P h/2)(3k+1)/(6k+1) there and (P h/2) 3k/(6k+1) at the corners.

    k = h / L for equal sections (Kleinlogel, *Rigid Frame Formulas*, 1952), inextensible.
    """
    h, L, P = 1.0, 1.5, 1.0
    r = 1e-4
    frame = Frame([[0, 0, 0], [0, 0, h], [L, 0, h], [L, 0, 0]], [[0, 1], [1, 2], [2, 3]], r=r)
    loads = {(1, 0): P / 2, (2, 0): P / 2}  # half at each corner: no thrust in the beam
    _, reactions = frame.solve(fixed=[0, 3], loads=loads)
    k = h / L
    foot = P * h / 2 * (3 * k + 1) / (6 * k + 1)
    np.testing.assert_allclose(np.abs(reactions[[0, 3], 4]), foot, rtol=INEXTENSIBLE)
    np.testing.assert_allclose(reactions[[0, 3], 0], -P / 2, rtol=INEXTENSIBLE)
    corner = P * h / 2 * 3 * k / (6 * k + 1)
    vertical = 2 * corner / L
    np.testing.assert_allclose(np.abs(reactions[[0, 3], 2]), vertical, rtol=INEXTENSIBLE)


def test_hub_of_six_clamped_spokes_under_torque():
    """Each spoke resists with 4 E I/l: theta = M l / 24 E I, and the hub stays where it is."""
    l, M = 0.9, 1.0
    _, I, *_ = tube()
    angles = np.arange(6) * np.pi / 3
    rim = np.column_stack([l * np.cos(angles), l * np.sin(angles), 0 * angles])
    frame = Frame([[0, 0, 0], *rim.tolist()], [[0, k] for k in range(1, 7)])
    u, _ = frame.solve(fixed=list(range(1, 7)), loads={(0, 5): M})
    assert u[0, 5] == pytest.approx(M * l / (24 * I), rel=CLOSED_FORM)


def test_space_frame_of_logan():
    """Logan, *A First Course in the Finite Element Method*, 4th ed. 2007, example 5.8 (kip, inch).

    E = 30000, G = 10000, A = 10, Iy = Iz = 100, J = 50: a tube of the right A and I, with the
    Poisson ratio that makes G J right (it enters nowhere else). Results as printed.
    """
    # r^2 (1 - m^2) = A / pi and r^2 (1 + m^2) = 4 I / A
    minus, plus = 10 / np.pi, 4 * 100 / 10
    r, bore = np.sqrt((plus + minus) / 2), np.sqrt((plus - minus) / 2)
    nu = 30000 * 100 / (10000 * 50) - 1
    nodes = [[0, 0, 0], [-100, 0, 0], [0, 0, -100], [0, -100, 0]]
    frame = Frame(nodes, [[1, 0], [2, 0], [3, 0]], r=r, bore=bore, E=30000, nu=nu)
    u, _ = frame.solve(fixed=[1, 2, 3], loads={(0, 1): -50, (0, 3): -1000})
    printed = [7.098e-5, -0.014, -2.352e-3, -3.996e-3, 1.78e-5, -1.033e-4]
    half_digit = [5e-9, 5e-4, 5e-7, 5e-7, 5e-8, 5e-8]
    assert (np.abs(u[0] - printed) <= half_digit).all()
