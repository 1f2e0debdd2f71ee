"""Periodic beam homogenisation: known answers, two routes to C, energies, and every invariance."""

import numpy as np
import pytest
import torch

import fem_reference.beam.groups
import fem_reference.beam.homogenise
from fem_reference.beam.affine import affine_stiffness
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.testing import (
    example_lattices,
    random_lattice,
    random_rotation,
    random_unimodular,
)

pytestmark = pytest.mark.usefixtures("path")

INVARIANCE = 1e-11
"""Relative Frobenius difference of stiffnesses that ought to be equal."""
SUPERCELL = 1e-8
"""The same for a large supercell, solved sparsely, against its unit cell."""
BALANCE = 1e-10
"""Forces left over at a joint, relative to the largest."""
CLOSED_FORM = 1e-10
"""Relative error against a formula for the whole cell."""
SLENDER = 1e-6
"""Relative distance of r/L = 1e-4 from the limit of slender struts: (r/L)^2 with room."""

THEORIES = pytest.mark.parametrize("element", ["euler-bernoulli", "timoshenko"])
RANDOM = [random_lattice(seed, sections=True) for seed in range(6)]
ALL = [*example_lattices(), *RANDOM]
LATTICES = pytest.mark.parametrize("lattice", ALL, ids=lambda x: x.name)
ASYMMETRIC = pytest.mark.parametrize("lattice", RANDOM, ids=lambda x: x.name)


def stiffness(lattice, **options):
    return homogenise_beam(lattice, **options).stiffness.mandel[0].numpy()


def difference(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def stiffnesses(lattices, **options):
    """All at once, which is much faster."""
    return homogenise_beam(lattices, **options).stiffness.mandel.numpy()


def offenders(after, before):
    """Which of ``ALL`` (or ``RANDOM``) have changed, and by how much."""
    changes = {k: difference(a, b) for k, (a, b) in enumerate(zip(after, before, strict=True))}
    return {k: change for k, change in changes.items() if not change < INVARIANCE}


@pytest.fixture
def sparse(monkeypatch):
    """Send every cell, however small, through the sparse factorisation."""
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", 1)


# Known answers


@pytest.mark.parametrize(
    ("name", "nodes", "struts", "C11", "C12", "C44"),
    [
        ("sc", 1, 3, 0.3333, 0.0, None),
        ("bcc", 2, 8, 0.1115, 0.1109, 0.1112),
        ("octet", 4, 24, 0.1671, 0.0831, 0.0835),
        ("diamond", 8, 16, 0.1125, 0.1104, 0.0032),
        ("kelvin", 12, 24, 0.1139, 0.1097, 0.0021),
        ("isotruss", None, None, 0.2144, 0.0594, 0.0597),
        ("truncated cube", 6, 15, 0.1739, 0.0426, 0.0008),
    ],
)
def test_published_stiffness_over_density(name, nodes, struts, C11, C12, C44):
    """C / (E rho) at r/a = 0.02, nu = 0.3, to the four decimals that are printed."""
    lattice = cell(name, radius=0.02)
    if nodes is not None:
        assert (lattice.num_nodes, lattice.num_struts) == (nodes, struts)
    C = stiffness(lattice) / lattice.relative_density
    assert round(C[0, 0], 4) == C11
    assert round(C[0, 1], 4) + 0.0 == C12
    if C44 is not None:
        assert round(C[3, 3] / 2, 4) == C44


def test_simple_cubic_in_closed_form():
    """C11 = E pi r^2 / a^2, C12 = 0, C44 = 6 E I / a^4: struts between joints that do not turn."""
    r = 0.07
    C = stiffness(cell("sc", radius=r))
    C44 = 6 * np.pi / 4 * r**4
    expected = np.diag([np.pi * r**2] * 3 + [2 * C44] * 3)
    assert np.abs(C - expected).max() < CLOSED_FORM * C44


def test_octet_is_stretch_dominated_in_the_limit():
    """C11 = E rho / 6, C12 = C44 = E rho / 12 (Deshpande, Fleck & Ashby, JMPS 49 (2001) 1747)."""
    lattice = cell("octet", radius=1e-4)
    C = stiffness(lattice) / lattice.relative_density
    np.testing.assert_allclose(C[0, 0], 1 / 6, rtol=SLENDER)
    np.testing.assert_allclose([C[0, 1], C[3, 3] / 2], 1 / 12, rtol=SLENDER)


def test_kelvin_foam_in_closed_form():
    """E = 6 sqrt 2 E I / L^4 / (1 + 12 I/A L^2), nu = (1 - 12 I/A L^2) / 2 (1 + 12 I/A L^2).

    Zhu, Knott & Mills, J. Mech. Phys. Solids 45 (1997) 319, for any section.
    """
    r = 0.02
    lattice = cell("kelvin", radius=r)
    L = lattice.lengths[0]
    area, inertia = np.pi * r**2, np.pi / 4 * r**4
    S = np.linalg.inv(stiffness(lattice))
    x = 12 * inertia / (area * L**2)
    E = 6 * np.sqrt(2) * inertia / L**4 / (1 + x)
    assert 1 / S[0, 0] == pytest.approx(E, rel=CLOSED_FORM)
    assert -S[0, 1] / S[0, 0] == pytest.approx((1 - x) / 2 / (1 + x), rel=CLOSED_FORM)


@pytest.mark.parametrize("name", ["sc", "bcc", "octet", "diamond", "kelvin"])
def test_bulk_modulus_where_hydrostatic_strain_only_stretches(name):
    """K = E rho / 9: every strut strained alike and no joint turns."""
    lattice = cell(name, radius=0.05)
    C = stiffness(lattice)
    assert C[:3, :3].sum() / 9 == pytest.approx(lattice.relative_density / 9, rel=CLOSED_FORM)


def test_a_chain_carries_its_section_and_nothing_else():
    area = np.pi * 0.05**2
    lattice = Lattice(np.diag([2.0, 1, 1]), [[0, 0, 0]], [[0, 0]], [[1, 0, 0]], [0.05])
    with pytest.warns(fem_reference.beam.homogenise.RankWarning, match=r"rank 1 of 6"):
        solution = homogenise_beam(lattice)
    C = solution.stiffness.mandel[0].numpy()
    np.testing.assert_allclose(C, np.diag([area, 0, 0, 0, 0, 0]), atol=CLOSED_FORM * area)
    assert solution.free_spins.tolist() == [1]


# Two routes, energies, bounds


@LATTICES
@THEORIES
def test_forces_averaged_over_the_cell_give_the_same_stiffness(lattice, element):
    """Stress = sum of f (x) v over the struts, divided by V; symmetric since moments balance."""
    solution = homogenise_beam(lattice, element=element, fields=True)
    forces = solution.fields.end_forces[:, 6:9].numpy()
    stress = np.einsum("sak,sb->kab", forces, lattice.strut_vectors) / lattice.volume
    largest = np.abs(stress).max()
    assert np.abs(stress - stress.swapaxes(1, 2)).max() < BALANCE * largest
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    root2 = np.sqrt([1, 1, 1, 2, 2, 2])
    C = root2[:, None] * np.array([stress[:, a, b] for a, b in pairs])
    assert difference(C, solution.stiffness.mandel[0].numpy()) < BALANCE


@LATTICES
def test_joints_are_in_equilibrium(lattice):
    fields = homogenise_beam(lattice, fields=True).fields
    forces = fields.end_forces.numpy().reshape(-1, 2, 6, 6)
    total = np.zeros((lattice.num_nodes, 6, 6))
    np.add.at(total, lattice.struts, forces)
    for part in (slice(0, 3), slice(3, 6)):
        assert np.abs(total[:, part]).max() < BALANCE * np.abs(forces[:, :, part]).max()


@LATTICES
@THEORIES
def test_energy_equality_of_hill(lattice, element):
    """Work of the end forces on the end displacements, summed over the struts, is V E:C:E / 2."""
    solution = homogenise_beam(lattice, element=element, fields=True)
    fields = solution.fields
    C = solution.stiffness.mandel[0].numpy()
    strain = np.zeros((6, 3, 3))
    for k, (a, b) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        strain[k, a, b] = strain[k, b, a] = 1 if a == b else np.sqrt(0.5)
    i, j = lattice.struts.T
    jump = np.einsum("kab,sb->sak", strain, lattice.shifts @ lattice.cell)
    u, turn = fields.displacements.numpy(), fields.rotations.numpy()
    motion = np.concatenate([u[i], turn[i], u[j] + jump, turn[j]], axis=1)
    work = np.einsum("sqk,sqk->k", fields.end_forces.numpy(), motion) / 2 / lattice.volume
    np.testing.assert_allclose(work, np.diagonal(C) / 2, atol=BALANCE * np.trace(C))
    parts = (fields.axial, fields.bending, fields.torsion)
    np.testing.assert_allclose(sum(parts)[0], C, atol=BALANCE * np.trace(C))
    for part in parts:
        assert torch.linalg.eigvalsh(part).min() >= -BALANCE * np.trace(C)


def shares(part, fields):
    """Share of a part of C in the energy under each unit strain."""
    total = fields.axial + fields.bending + fields.torsion
    return (part / total)[0].diagonal()


def test_energies_tell_stretching_from_bending():
    """Under uniaxial strain along the axes, and under shear, with slender struts."""
    octet = homogenise_beam(cell("octet", radius=0.01), fields=True).fields
    assert (shares(octet.axial, octet)).min() > 0.99
    kelvin = homogenise_beam(cell("kelvin", radius=0.01), fields=True).fields
    assert shares(kelvin.axial, kelvin)[3:].max() < 0.01
    assert shares(kelvin.torsion, kelvin)[3:].min() > 0.01


@LATTICES
@THEORIES
def test_bounded_by_affine_motion_and_never_negative(lattice, element):
    """0 <= C <= C_affine in the Loewner order."""
    batch = LatticeBatch.from_lattices([lattice])
    C = stiffness(lattice, element=element)
    upper = affine_stiffness(batch, element=element)[0].numpy()
    assert np.array_equal(C, C.T)
    assert np.linalg.eigvalsh(C)[0] > 0
    assert np.linalg.eigvalsh(upper - C)[0] > -INVARIANCE * np.trace(upper)


@ASYMMETRIC
def test_more_constraint_is_stiffer(lattice):
    """Timoshenko <= Euler-Bernoulli <= rigid ends, in the Loewner order."""
    arms = torch.from_numpy(0.1 * np.outer(lattice.lengths, [1.0, 0.5]))
    plain = stiffness(lattice)
    softer, stiffer = stiffness(lattice, element="timoshenko"), stiffness(lattice, rigid_ends=arms)
    assert np.linalg.eigvalsh(plain - softer)[0] > -INVARIANCE * np.trace(plain)
    assert np.linalg.eigvalsh(stiffer - plain)[0] > -INVARIANCE * np.trace(plain)


# Invariances


@THEORIES
@pytest.mark.parametrize("improper", [False, True])
def test_rotation_and_inversion(element, improper):
    R = random_rotation(7, improper=improper)
    Q = rotation_mandel(torch.from_numpy(R)).numpy()
    expected = Q @ stiffnesses(ALL, element=element) @ Q.T
    assert offenders(stiffnesses([x.rotated(R) for x in ALL], element=element), expected) == {}


CHANGES = {
    "inversion": lambda x: x.rotated(-np.eye(3)),
    "translation": lambda x: x.translated(np.array([0.37, -2.21, 0.64])),
    "node order": lambda x: x.reordered(np.random.default_rng(1).permutation(x.num_nodes)),
    "strut direction": lambda x: x.reversed_struts(np.arange(x.num_struts) % 2 == 0),
    "homes of the nodes": lambda x: x.wrapped(),
    "other cell": lambda x: x.with_cell_vectors(random_unimodular(3)),
    "left-handed cell": lambda x: x.with_cell_vectors(random_unimodular(4, determinant=-1)),
    "tiling": lambda x: x.supercell([1, 2, 2]),
    "skew tiling": lambda x: x.supercell([[1, 1, 0], [0, 2, 1], [-1, 0, 1]]),
    "small units": lambda x: x.scaled(1e-6),
    "large units": lambda x: x.scaled(1e9),
    "cut struts": lambda x: cut(x, 0, 0.3, 0.45),
}


def cut(lattice, strut, *fractions):
    """Put nodes on a strut; a taper goes on through its pieces."""
    i, j = lattice.struts[strut]
    end = lattice.nodes[j] + lattice.shifts[strut]
    middle = [lattice.nodes[i] + f * (end - lattice.nodes[i]) for f in fractions]
    names = [i, *range(lattice.num_nodes, lattice.num_nodes + len(middle)), j]
    pieces = np.column_stack([names[:-1], names[1:]])
    shifts = np.zeros_like(np.repeat(lattice.shifts[:1], len(pieces), 0))
    shifts[-1] = lattice.shifts[strut]
    radii = lattice.radii
    ends = radii if lattice.end_radii is None else lattice.end_radii
    marks = np.array([0, *fractions, 1])
    along = radii[strut] + (ends[strut] - radii[strut]) * marks

    def spread(values, new=None):
        if values is None:
            return None
        new = np.full(len(pieces), values[strut]) if new is None else new
        return np.concatenate([np.delete(values, strut), new])

    bores = lattice.inner_radii
    return lattice.replace(
        nodes=np.concatenate([lattice.nodes, middle]),
        struts=np.concatenate([np.delete(lattice.struts, strut, axis=0), pieces]),
        shifts=np.concatenate([np.delete(lattice.shifts, strut, axis=0), shifts]),
        radii=spread(radii, along[:-1]),
        end_radii=spread(ends, along[1:]),
        inner_radii=None
        if bores is None
        else spread(bores, along[:-1] * bores[strut] / radii[strut]),
        E=spread(lattice.E),
        nu=spread(lattice.nu),
    )


@THEORIES
@pytest.mark.parametrize("change", CHANGES)
def test_what_means_nothing_changes_nothing(element, change):
    before = stiffnesses(ALL, element=element)
    after = stiffnesses([CHANGES[change](x) for x in ALL], element=element)
    assert offenders(after, before) == {}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_through_the_sparse_factorisation(change, sparse):
    after = stiffnesses([CHANGES[change](x) for x in RANDOM])
    assert offenders(after, stiffnesses(RANDOM)) == {}


@ASYMMETRIC
@THEORIES
def test_stiffness_is_measured_in_youngs_modulus(lattice, element):
    """C / E_s stays when the material and all struts' moduli change their unit."""
    other = lattice.replace(
        material=type(lattice.material)(E=70e9, nu=lattice.material.nu), E=lattice.E * 70e9
    )
    before = stiffness(lattice, element=element)
    assert difference(stiffness(other, element=element), before) < INVARIANCE


# Dense, sparse, batches


@LATTICES
@THEORIES
def test_sparse_equals_dense(lattice, element, monkeypatch):
    dense = homogenise_beam(lattice, element=element, fields=True)
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", 1)
    sparse = homogenise_beam(lattice, element=element, fields=True)
    a, b = (x.stiffness.mandel[0].numpy() for x in (dense, sparse))
    assert difference(b, a) < INVARIANCE
    for name in ("fluctuations", "rotations", "end_forces"):
        one, two = getattr(dense.fields, name), getattr(sparse.fields, name)
        unit = max(float(one.abs().max()), 1e-8)  # some are zero by symmetry, to rounding
        torch.testing.assert_close(two, one, rtol=0, atol=1e-7 * unit)
    # Lanczos iteration gives it to a per cent or so.
    torch.testing.assert_close(sparse.fields.condition, dense.fields.condition, rtol=0.1, atol=0)


@pytest.mark.parametrize(
    "count", [3, pytest.param(10, marks=pytest.mark.slow)], ids=["324 nodes", "12,000 nodes"]
)
def test_large_supercell_equals_its_unit_cell(count):
    lattice = cell("kelvin", relative_density=0.05).perturbed(0.02, seed=3)
    assert count**3 * lattice.num_nodes > fem_reference.beam.groups.SPARSE_FROM_NODES
    large = stiffness(lattice.supercell([count] * 3))
    assert difference(large, stiffness(lattice)) < SUPERCELL


@pytest.mark.parametrize("sparse_from", [60, 4])
def test_a_batch_is_its_lattices_one_by_one(sparse_from, monkeypatch):
    """In the order given, though solved in groups of like size; fields too."""
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    lattices = [*example_lattices(), *RANDOM, cell("kelvin", radius=0.03).supercell([1, 2, 3])]
    lattices = [lattices[k] for k in np.random.default_rng(0).permutation(len(lattices))]
    together = homogenise_beam(lattices, fields=True)
    nodes = struts = 0
    for b, lattice in enumerate(lattices):
        alone = homogenise_beam(lattice, fields=True)
        C = alone.stiffness.mandel[0].numpy()
        assert difference(together.stiffness.mandel[b].numpy(), C) < INVARIANCE
        mine = slice(nodes, nodes + lattice.num_nodes)
        forces = slice(struts, struts + lattice.num_struts)
        nodes, struts = mine.stop, forces.stop
        for name, part in (("displacements", mine), ("end_forces", forces)):
            got, want = getattr(together.fields, name)[part], getattr(alone.fields, name)
            torch.testing.assert_close(got, want, rtol=0, atol=1e-7 * float(want.abs().max()))
        for name in ("axial", "bending", "torsion"):
            got, want = getattr(together.fields, name)[b], getattr(alone.fields, name)[0]
            torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-15)
    assert together.rank.tolist() == [6] * len(lattices)


def test_lattices_and_batches_are_taken_alike():
    lattice = RANDOM[0]
    batch = LatticeBatch.from_lattices([lattice])
    one, several, tensors = (homogenise_beam(x) for x in (lattice, [lattice], batch))
    assert torch.equal(one.stiffness.mandel, several.stiffness.mandel)
    assert torch.equal(one.stiffness.mandel, tensors.stiffness.mandel)
    assert one.fields is None


def test_single_precision_is_single_precision():
    C = stiffness(cell("octet", radius=0.05), dtype=torch.float32)
    assert difference(C, stiffness(cell("octet", radius=0.05))) < 1e-6


def test_no_lattice_is_refused():
    with pytest.raises(LatticeGnnError, match="at least one lattice"):
        homogenise_beam([])


def test_slabs_and_groups_give_what_each_lattice_gives_alone(monkeypatch):
    """Elements are computed slab by slab: here a few nodes at a time, on fields too."""
    lattices = [cell(n, radius=0.03) for n in ("kelvin", "sc", "octet", "weaire-phelan", "bcc")]
    whole = homogenise_beam(lattices, fields=True)
    monkeypatch.setattr("fem_reference.beam.schedule._SLAB", 10)
    pieces = homogenise_beam(lattices, fields=True)
    assert torch.equal(whole.stiffness.mandel, pieces.stiffness.mandel)
    assert torch.equal(whole.fields.end_forces, pieces.fields.end_forces)
