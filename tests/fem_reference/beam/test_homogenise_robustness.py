"""Hard cells against extended precision, nets that do not span space, and what is refused.

The reference below shares nothing with the solver: local axes, the textbook's 12x12 matrix, the six
strains as unknowns, a plain elimination, all with 60 digits (mpmath).
"""

import warnings

import mpmath
import numpy as np
import pytest
import torch

import fem_reference.beam.groups
from fem_reference.beam.homogenise import RankWarning, homogenise_beam
from fem_reference.sparse import IllConditionedError
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import random_lattice, random_rotation

pytestmark = pytest.mark.usefixtures("path")

EXACT = 1e-11
"""Relative Frobenius error of C."""
SOFTEST = 1e-9
"""Error of C in the metric of C itself, which the softest way to deform rules..."""
ROUNDING_OF_C = 8 * 2.2e-16
"""... to which rounding the entries of C adds this times its condition number."""
RANK = 1e-11
"""Eigenvalue of C over the largest that counts as zero."""

THEORIES = pytest.mark.parametrize("element", ["euler-bernoulli", "timoshenko"])
PATHS = pytest.mark.parametrize("sparse_from", [60, 1], ids=["dense", "sparse"])


# Extended precision


def textbook_matrix(L, r, bore, E, nu, shear):
    """Przemieniecki (1968), eq. 5.116, local axes, for a circular tube."""
    A, I = mpmath.pi * (r**2 - bore**2), mpmath.pi / 4 * (r**4 - bore**4)
    G, m2 = E / (2 * (1 + nu)), (bore / r) ** 2
    hollow = (7 + 6 * nu) * (1 + m2) ** 2 + (20 + 12 * nu) * m2
    kappa = 6 * (1 + nu) * (1 + m2) ** 2 / hollow
    phi = 12 * E * I / (kappa * G * A * L**2) if shear else mpmath.mpf(0)
    K = mpmath.zeros(12)

    def put(i, j, value):
        K[i, j] = K[j, i] = value

    for i, k in ((0, E * A / L), (3, 2 * G * I / L)):
        put(i, i, k)
        put(i + 6, i + 6, k)
        put(i, i + 6, -k)
    b = E * I / ((1 + phi) * L**3)
    for v, turn, sign in ((1, 5, 1), (2, 4, -1)):
        for i, j, value in (
            (v, v, 12),
            (v + 6, v + 6, 12),
            (v, v + 6, -12),
            (v, turn, sign * 6 * L),
            (v, turn + 6, sign * 6 * L),
            (v + 6, turn, -sign * 6 * L),
            (v + 6, turn + 6, -sign * 6 * L),
            (turn, turn, (4 + phi) * L**2),
            (turn + 6, turn + 6, (4 + phi) * L**2),
            (turn, turn + 6, (2 - phi) * L**2),
        ):
            put(i, j, value * b)
    return K


def frame_of(t):
    """Rows: the unit tangent and two unit vectors across."""
    helper = [mpmath.mpf(k == min(range(3), key=lambda a: abs(t[a]))) for k in range(3)]

    def cross(a, b):
        return [a[k - 2] * b[k - 1] - a[k - 1] * b[k - 2] for k in range(3)]

    y = cross(t, helper)
    size = mpmath.sqrt(sum(x * x for x in y))
    y = [x / size for x in y]
    return [t, y, cross(t, y)]


def assemble(lattice, shear):
    """K of all degrees of freedom and the six strains, exact numbers of the stored floats."""
    exact = np.vectorize(mpmath.mpf, otypes=[object])
    nodes, vectors = exact(lattice.nodes), exact(lattice.cell)
    size = 6 * lattice.num_nodes
    K = np.full((size + 6, size + 6), mpmath.mpf(0), dtype=object)
    half = 1 / mpmath.sqrt(2)
    for s, (i, j) in enumerate(lattice.struts.tolist()):
        v = (nodes[j] - nodes[i] + lattice.shifts[s].astype(object)) @ vectors
        L = mpmath.sqrt((v * v).sum())
        bore = 0.0 if lattice.inner_radii is None else lattice.inner_radii[s]
        E = 1.0 if lattice.E is None else lattice.E[s]
        nu = lattice.material.nu if lattice.nu is None else lattice.nu[s]
        numbers = (mpmath.mpf(float(x)) for x in (lattice.radii[s], bore, E, nu))
        local = np.array(textbook_matrix(L, *numbers, shear).tolist(), dtype=object).reshape(12, 12)
        T = np.full((12, 12), mpmath.mpf(0), dtype=object)
        for q in range(0, 12, 3):
            T[q : q + 3, q : q + 3] = np.array(frame_of(list(v / L)), dtype=object)
        S = np.full((12, size + 6), mpmath.mpf(0), dtype=object)
        for q in range(6):
            S[q, 6 * i + q] += 1
            S[6 + q, 6 * j + q] += 1
        x, y, z = v
        zero = mpmath.mpf(0)
        S[6:9, size:] = [
            [x, zero, zero, zero, z * half, y * half],
            [zero, y, zero, z * half, zero, x * half],
            [zero, zero, z, y * half, x * half, zero],
        ]
        used = np.flatnonzero((S != 0).any(0))
        TS = T @ S[:, used]
        K[np.ix_(used, used)] += TS.T @ local @ TS
    return K


def exact_stiffness(lattice, element, digits=60):
    """C of a connected net, as mpmath numbers: Gauss elimination of everything but the strains."""
    with mpmath.workdps(digits):
        K = assemble(lattice, element == "timoshenko")
        K = np.delete(np.delete(K, [0, 1, 2], 0), [0, 1, 2], 1)  # hold one node
        for _ in range(len(K) - 6):
            K = K[1:, 1:] - np.outer(K[1:, 0], K[0, 1:] / K[0, 0])
        a, b, c = np.vectorize(mpmath.mpf, otypes=[object])(lattice.cell)
        volume = abs(sum(a[k] * (b[k - 2] * c[k - 1] - b[k - 1] * c[k - 2]) for k in range(3)))
        return K / volume


def errors(C, exact, digits=60):
    """Relative Frobenius error; error in the metric of C; condition number of C."""
    as_floats = exact.astype(float)
    frobenius = np.linalg.norm(C - as_floats) / np.linalg.norm(as_floats)
    with mpmath.workdps(digits):
        root = mpmath.cholesky(mpmath.matrix(exact.tolist())) ** -1
        change = mpmath.matrix((C.astype(object) - exact).tolist())
        relative = np.array((root * change * root.T).tolist(), dtype=float)
    return frobenius, np.linalg.norm(relative, 2), np.linalg.cond(as_floats)


def assert_correct(lattice, element="euler-bernoulli"):
    C = homogenise_beam(lattice, element=element).stiffness.mandel[0].numpy()
    assert np.isfinite(C).all()
    frobenius, softest, condition = errors(C, exact_stiffness(lattice, element))
    assert frobenius < EXACT
    assert softest < SOFTEST + ROUNDING_OF_C * condition


@pytest.mark.parametrize("seed", range(3))
@THEORIES
def test_ordinary_cells(seed, element):
    lattice = random_lattice(seed, sections=True).replace(end_radii=None)
    assert_correct(lattice, element)


@pytest.mark.parametrize("ratio", [1e-4, 1e-3, 0.1, 0.5])
@pytest.mark.parametrize("name", ["bcc", "diamond"])
@THEORIES
def test_slender_to_stocky(name, ratio, element):
    """r / L from 1e-4, where C of these cells has condition 3e7, to 0.5."""
    lattice = cell(name, radius=0.01)
    assert_correct(lattice.with_radii(ratio * lattice.lengths), element)


@pytest.mark.parametrize("seed", range(4))
@THEORIES
def test_radii_that_differ_by_a_thousand(seed, element):
    lattice = random_lattice(seed)
    thin = np.random.default_rng(seed).random(lattice.num_struts) < 0.5
    assert_correct(lattice.with_radii(np.where(thin, 5e-5, 5e-2)), element)


@pytest.mark.parametrize("ratio", [1e2, 1e3, 1e4])
def test_one_direction_thinner(ratio):
    """Simple cubic: C44 of the thin planes is of order ratio^-4 beside C11, and right."""
    assert_correct(cell("sc", radius=0.1).with_radii(np.array([0.1, 0.1, 0.1 / ratio])))


def split_joint(seed, gap):
    """A random cell whose first joint is two joints, ``gap`` apart, with a short strut between."""
    base = random_lattice(seed, num_nodes=3)
    generator = np.random.default_rng(seed)
    direction = generator.normal(size=3)
    direction /= np.linalg.norm(direction)
    struts = base.struts.copy()
    move = (struts == 0) & (generator.random(struts.shape) < 0.5)
    struts[move] = 3
    return Lattice(
        cell=base.cell,
        nodes=np.vstack([base.nodes, base.nodes[0] + gap * direction @ np.linalg.inv(base.cell)]),
        struts=np.vstack([struts, [0, 3]]),
        shifts=np.vstack([base.shifts, [0, 0, 0]]),
        radii=np.append(base.radii, 0.05),
    )


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7, 3e-9])
@PATHS
@THEORIES
def test_nearly_coincident_joints(gap, element, sparse_from, monkeypatch):
    """Down to the shortest strut that a lattice accepts."""
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    assert_correct(split_joint(0, gap), element)


def test_a_vanishing_strut_is_no_strut():
    """As the gap closes, C tends to that of the single joint."""
    merged = homogenise_beam(random_lattice(0, num_nodes=3)).stiffness.mandel[0]
    close = homogenise_beam(split_joint(0, 1e-8)).stiffness.mandel[0]
    assert float((close - merged).norm() / merged.norm()) < 1e-6


# Nets


def joined(*lattices):
    """Several structures in one cell, without a common joint."""
    first = np.cumsum([0] + [x.num_nodes for x in lattices])
    return Lattice(
        cell=lattices[0].cell,
        nodes=np.concatenate([x.nodes for x in lattices]),
        struts=np.concatenate([x.struts + n for x, n in zip(lattices, first, strict=False)]),
        shifts=np.concatenate([x.shifts for x in lattices]),
        radii=np.concatenate([x.radii for x in lattices]),
    )


def images(*shifts, at):
    return Lattice(np.eye(3), [at], [[0, 0]] * len(shifts), shifts, [0.05] * len(shifts))


CHAIN = images((1, 0, 0), at=(0.1, 0.2, 0.3))
SHEET = images((1, 0, 0), (0, 1, 0), at=(0.1, 0.2, 0.3))
CLUSTER = Lattice(
    np.eye(3),
    [[0.1, 0.2, 0.8], [0.6, 0.5, 0.4], [0.3, 0.8, 0.1]],
    [[0, 1], [1, 2], [2, 0]],
    np.zeros((3, 3), dtype=int),
    [0.05, 0.04, 0.03],
)
POOR = {
    "chain": (CHAIN, 1, 1),
    "sheet": (SHEET, 3, 0),
    "cluster": (CLUSTER, 0, 0),
    "chains crossing": (joined(CHAIN, images((0, 1, 0), at=(0.5, 0.5, 0.9))), 2, 2),
    "sheet and chain": (joined(SHEET, images((0, 0, 1), at=(0.5, 0.6, 0.0))), 4, 1),
    "two sheets": (joined(SHEET, images((0, 1, 0), (0, 0, 1), at=(0.7, 0.7, 0.7))), 5, 0),
    "honeycomb layer": (
        Lattice(
            np.array([[1, 0, 0], [0.5, 0.75**0.5, 0], [0.2, 0.1, 1]]),
            [[0, 0, 0], [1 / 3, 1 / 3, 0.1]],
            [[0, 1]] * 3,
            [[0, 0, 0], [-1, 0, 0], [0, -1, 0]],
            [0.05] * 3,
        ),
        3,
        0,
    ),
}
VIEWS = {
    "as is": lambda x: x,
    "rotated": lambda x: x.rotated(random_rotation(1)),
    "strained": lambda x: x.strained(random_rotation(2) + 0.3 * random_rotation(5)),
    "tiled": lambda x: x.supercell([[1, 1, 0], [0, 1, 1], [1, 0, 2]]).rotated(random_rotation(3)),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", POOR)
@PATHS
def test_nets_that_do_not_span_space(name, view, sparse_from, monkeypatch):
    """Singular C, with a warning, the rank that C has, and finite fields."""
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    lattice, rank, spins = POOR[name]
    lattice = VIEWS[view](lattice)
    with pytest.warns(RankWarning, match=f"rank {rank} of 6"):
        solution = homogenise_beam(lattice, fields=True)
    assert solution.rank.tolist() == [rank]
    if view != "tiled":
        assert solution.free_spins.tolist() == [spins]
    C = solution.stiffness.mandel[0].numpy()
    scale = max(np.trace(C), RANK * 1e-3)
    assert int((np.linalg.eigvalsh(C) > RANK * scale).sum()) == rank
    for tensor in vars_of(solution.fields):
        assert torch.isfinite(tensor).all()


def vars_of(fields):
    return [getattr(fields, name) for name in fields.__dataclass_fields__]


def test_one_poor_lattice_does_not_hurt_the_batch():
    lattices = [cell("bcc", radius=0.05), CLUSTER, cell("octet", radius=0.03), CHAIN]
    with pytest.warns(RankWarning, match="lattice 1 and others"):
        together = homogenise_beam(lattices)
    assert together.rank.tolist() == [6, 0, 6, 1]
    for b in (0, 2):
        alone = homogenise_beam(lattices[b]).stiffness.mandel[0]
        torch.testing.assert_close(together.stiffness.mandel[b], alone, rtol=EXACT, atol=1e-16)


@pytest.mark.parametrize("name", ["sc", "diamond"])
@PATHS
def test_interpenetrating_nets_both_carry(name, sparse_from, monkeypatch):
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    one = cell(name, radius=0.03)
    two = joined(one, one.translated(np.array([0.5, 0.5, 0.5])))
    solution = homogenise_beam(two)
    assert solution.components.tolist() == [2]
    C = solution.stiffness.mandel
    torch.testing.assert_close(C, 2 * homogenise_beam(one).stiffness.mandel, rtol=EXACT, atol=1e-15)


def test_interpenetrating_nets_in_one_quotient_component():
    """Cycles (1,1,0), (1,-1,0), (0,0,1) generate every other cell: two nets, one component."""
    shifts = [[1, 1, 0], [1, -1, 0], [0, 0, 1]]
    lattice = Lattice(np.eye(3), [[0, 0, 0]], [[0, 0]] * 3, shifts, [0.05, 0.04, 0.03])
    assert lattice.connectivity().components[0].index == 2
    single = Lattice(
        np.array([[1, 1, 0], [1, -1, 0], [0, 0, 1]]),
        [[0, 0, 0]],
        [[0, 0]] * 3,
        np.eye(3, dtype=int),
        [0.05, 0.04, 0.03],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        C, half = (homogenise_beam(x).stiffness.mandel for x in (lattice, single))
    torch.testing.assert_close(C, 2 * half, rtol=EXACT, atol=1e-15)


def test_a_chain_that_spins_beside_a_net_adds_its_stretching_alone():
    net = cell("bcc", radius=0.05)
    solution = homogenise_beam(joined(net, CHAIN))
    assert solution.free_spins.tolist() == [1]
    assert solution.rank.tolist() == [6]
    added = solution.stiffness.mandel[0] - homogenise_beam(net).stiffness.mandel[0]
    expected = np.diag([np.pi * 0.05**2, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(added.numpy(), expected, atol=1e-15)


def test_needle_shaped_cells_are_recognised():
    """The same net in a cell sheared 300 times; floating point takes its cycles for coplanar."""
    lattice = random_lattice(0)
    U = np.array([[1, 300, 0], [0, 1, 300], [0, 0, 1]])
    C = homogenise_beam(lattice.with_cell_vectors(U)).stiffness.mandel
    torch.testing.assert_close(C, homogenise_beam(lattice).stiffness.mandel, rtol=1e-8, atol=1e-9)


# Units, precision, refusals


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1e3, 1e9])
@THEORIES
def test_single_precision_in_any_unit_of_length(factor, element):
    """Micrometre struts in metres: r^6 underflows float32, and (L/EI)^2 overflows it."""
    lattice = cell("bcc", radius=0.05)
    C = homogenise_beam(lattice.scaled(factor), element=element, dtype=torch.float32)
    exact = homogenise_beam(lattice, element=element)
    change = C.stiffness.mandel - exact.stiffness.mandel
    assert float(change.norm() / exact.stiffness.mandel.norm()) < 1e-6


@PATHS
def test_beyond_the_range_of_floats_an_error_not_a_nan(sparse_from, monkeypatch):
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    batch = LatticeBatch.from_lattices([cell("octet", radius=0.05), cell("bcc", radius=0.05)])
    scale = torch.tensor([1.0, 1e-90], dtype=torch.float64)
    radii = batch.radii * scale[batch.strut_lattice]
    bad = batch.replace(cells=batch.cells * scale[:, None, None], radii=radii, end_radii=radii)
    with pytest.raises(IllConditionedError, match="lattice 1") as caught:
        homogenise_beam(bad)
    assert caught.value.lattice == 1
    assert isinstance(caught.value, LatticeGnnError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["nodes", "cells", "radii", "E"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@PATHS
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy, while it orders such nodes
def test_broken_tensors_give_an_error_not_a_nan(field, value, sparse_from, monkeypatch):
    """A batch may be made by hand, or by an optimiser that has run away."""
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    batch = LatticeBatch.from_lattices([random_lattice(0)])
    broken = getattr(batch, field).clone()
    broken.view(-1)[0] = value
    with pytest.raises(LatticeGnnError):
        homogenise_beam(batch.replace(**{field: broken}))
