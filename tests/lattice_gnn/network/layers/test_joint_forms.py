"""The batched quadratic forms against the formula written out pair by pair."""

import numpy as np
import pytest
import torch

from fem_reference.beam import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.joint_forms import NUM_FORMS, joint_energy
from lattice_gnn.testing import random_lattice

pytestmark = pytest.mark.usefixtures("path")

LATTICES = [random_lattice(0), cell("bcc", radius=0.07), random_lattice(3, num_nodes=2)]


def cases_of(lattices: list[Lattice]) -> JointCases:
    return JointCases.of(LatticeBatch.from_lattices(lattices), torch.float64)


def random_coefficients(cases: JointCases) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (2, cases.ends.shape[1], NUM_FORMS)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def written_out(lattice: Lattice, g: np.ndarray, cases: JointCases) -> np.ndarray:
    """M of one lattice by loops, from the beam solver's end forces."""
    solution = homogenise_beam(lattice, fields=True)
    values, vectors = np.linalg.eigh(solution.stiffness.mandel[0].numpy())
    strains = vectors / np.sqrt(values) @ vectors.T / np.sqrt(lattice.volume)
    forces = solution.fields.end_forces.numpy() @ strains
    t = lattice.strut_vectors / lattice.lengths[:, None]

    def end(e: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        s, k = divmod(e, 2)
        r = lattice.radii[s]
        f, m = forces[s, 6 * k : 6 * k + 3], forces[s, 6 * k + 3 : 6 * k + 6]
        return (t[s] if k == 0 else -t[s]), f / np.sqrt(np.pi * r), m * np.sqrt(4 / np.pi / r**3)

    M = np.zeros((6, 6))
    for p, pair in enumerate(cases.ends.T.tolist()):
        for k in range(2):
            (ta, fa, ma), (tb, fb, mb) = end(pair[k]), end(pair[1 - k])
            c, w = ta @ tb, np.cross(ta, tb)
            na, nb = tb - c * ta, ta - c * tb
            xa, xb = (np.stack([v @ f, n @ f, s * w @ m]) for v, n, s, f, m in
                      ((ta, na, 1, fa, ma), (tb, nb, -1, fb, mb)))  # fmt: skip
            ya, yb = (np.stack([v @ m, n @ m, s * w @ f]) for v, n, s, f, m in
                      ((ta, na, 1, fa, ma), (tb, nb, -1, fb, mb)))  # fmt: skip
            G1, G2, G3, G4 = g[k, p, :36].reshape(4, 3, 3)
            h = g[k, p, 36:]
            alone = float(cases.influence[k, p])
            lever_a, lever_b = np.cross(ta, ma.T).T, np.cross(tb, mb.T).T
            own = xa.T @ G1 @ xa + ya.T @ G3 @ ya
            own = own + h[0] * fa.T @ fa + h[1] * ma.T @ ma + h[2] * fa.T @ lever_a
            both = xa.T @ G2 @ xb + ya.T @ G4 @ yb
            both = both + h[3] * fa.T @ fb + h[4] * ma.T @ mb + h[5] * fa.T @ lever_b
            M += (1 - float(cases.cut[p])) * (alone * own + float(cases.coupling[p]) * both)
    return (M + M.T) / 2


def test_forms_are_those_written_out_pair_by_pair() -> None:
    for lattice in LATTICES:
        cases = cases_of([lattice])
        g = random_coefficients(cases)
        expected = torch.from_numpy(written_out(lattice, g.numpy(), cases))
        torch.testing.assert_close(joint_energy(g, cases)[0], expected, rtol=1e-9, atol=1e-9)


def test_selected_and_joined_cases_are_those_of_the_lattices() -> None:
    whole = cases_of(LATTICES)
    for chosen in ([2, 0], [1]):
        picked, alone = whole.select(chosen), cases_of([LATTICES[k] for k in chosen])
        joined = JointCases.join([cases_of([LATTICES[k]]) for k in chosen])
        g = random_coefficients(alone)
        expected = joint_energy(g, alone)
        for cases in (picked, joined):
            torch.testing.assert_close(cases.features, alone.features, rtol=1e-9, atol=1e-9)
            torch.testing.assert_close(joint_energy(g, cases), expected, rtol=1e-8, atol=1e-9)


def test_scaled_forces_are_independent_of_size_and_of_the_unit_of_modulus() -> None:
    lattice = random_lattice(0)
    a, b = (
        cases_of([lattice]),
        cases_of([lattice.scaled(7.0).replace(E=np.full(lattice.num_struts, 3.0))]),
    )
    torch.testing.assert_close(b.forces, a.forces, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(b.root, a.root * 3**0.5, rtol=1e-10, atol=0)
