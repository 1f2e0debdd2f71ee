"""Struts of the kernel against the square root B of their stiffness."""

import numpy as np
import pytest
import torch

from fem_reference.beam.elements import strut_coefficients, strut_operator
from fem_reference.beam.kernel.blocks import WIDTH
from fem_reference.beam.kernel.ordering import buffers, order_nodes
from fem_reference.beam.kernel.struts import (
    Struts,
    add_derivatives,
    add_forces,
    assemble,
    deform,
    normalise,
    unit_strains,
)
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.notation import strain_basis
from lattice_gnn.testing import random_lattice

ROUNDING = 1e-13
COLUMNS = np.uint64(WIDTH)


class Case:
    """A random cell with every kind of section and rigid ends, and random displacements."""

    def __init__(self, seed):
        self.batch = batch = LatticeBatch.from_lattices([random_lattice(seed, sections=True)])
        arms = 0.2 * torch.rand(len(batch.radii), 2, generator=torch.Generator().manual_seed(seed))
        self.options = {"element": "timoshenko", "rigid_ends": arms * batch.lengths[:, None]}
        self.B = strut_operator(batch, **self.options).numpy()
        vectors, coefficients = strut_coefficients(batch, **self.options)
        self.nodes, self.count = len(batch.nodes), len(batch.radii)
        self.panels = buffers(self.nodes)
        self.struts = Struts(
            self.count,
            0,
            batch.struts.numpy().copy(),
            np.zeros((self.count, 3)),
            vectors.numpy(),
            coefficients.numpy(),
        )
        normalise(self.struts)
        self.u = np.random.default_rng(seed).normal(size=(self.nodes, 6, 6))
        strains = np.einsum("kab,sb->sak", strain_basis(vectors).numpy(), vectors.numpy())
        self.q = self.u[self.struts.ends].reshape(-1, 12, 6)
        self.q[:, 6:9] += strains
        self.D = self.B @ self.q

    def deformed(self):
        D = np.zeros(self.count * 8 * WIDTH)
        deform(self.struts, blocks(self.u), unit_strains(), COLUMNS, D)
        return D


def blocks(values):
    padded = np.zeros((*values.shape[:-1], WIDTH))
    padded[..., :6] = values
    return padded.ravel()


def close(a, b):
    return np.abs(a - b).max() < ROUNDING * np.abs(b).max()


CASES = pytest.mark.parametrize("case", [Case(seed) for seed in range(4)])


@CASES
def test_deformations(case):
    """D = B q, q the displacements and rotations of the ends with the strain's."""
    D = case.deformed().reshape(-1, 8, WIDTH)
    assert close(D[:, :, :6], case.D)
    assert not D[:, :, 6:].any()


@CASES
def test_forces(case):
    f = np.zeros(case.nodes * 6 * WIDTH)
    add_forces(case.struts, case.deformed(), COLUMNS, f)
    expected = np.zeros((case.nodes, 6, 6))
    ends = (case.B.swapaxes(1, 2) @ case.D).reshape(-1, 2, 6, 6)
    np.add.at(expected, case.struts.ends, ends)
    assert close(f.reshape(case.nodes, 6, WIDTH)[:, :, :6], expected)


@CASES
def test_stiffness_matrix(case):
    """The panels hold the lower half of the sum of B^T B."""
    p, ends, nodes = case.panels, case.struts.ends, case.nodes
    order_nodes(ends, case.count, nodes, p)
    p.values[: p.start[nodes]] = 0.0
    placed = case.struts._replace(ends=p.place[ends])
    assemble(placed, p)
    K = np.zeros((nodes, nodes, 6, 6))
    for (i, j), k in zip(placed.ends, case.B.swapaxes(1, 2) @ case.B, strict=True):
        for a, m in ((i, 0), (j, 1)):
            for b, n in ((i, 0), (j, 1)):
                K[a, b] += k[6 * m : 6 * m + 6, 6 * n : 6 * n + 6]
    for step in range(nodes):
        panel = p.values[p.start[step] : p.start[step + 1]].reshape(-1, 6, WIDTH)
        for b, other in enumerate([step, *p.later[step, : p.size[step]]]):
            assert np.abs(panel[b, :, :6].T - K[other, step]).max() < ROUNDING * np.abs(K).max()


@CASES
def test_derivatives(case):
    """Of X . D by vectors and coefficients, against central differences."""
    X = np.random.default_rng(9).normal(size=(case.count, 8, 6))
    gradient = np.zeros((case.count, 11))
    motion = blocks(case.u), unit_strains()
    add_derivatives(case.struts, blocks(X), motion, COLUMNS, gradient)

    def value(vectors, coefficients):
        struts = case.struts._replace(vectors=vectors, coefficients=coefficients)
        struts = struts._replace(tangents=np.zeros((case.count, 3)))
        normalise(struts)
        D = np.zeros(case.count * 8 * WIDTH)
        deform(struts, *motion, COLUMNS, D)
        return (D.reshape(-1, 8, WIDTH)[:, :, :6] * X).sum((1, 2))

    for k in range(11):
        changes = []
        for sign in (1, -1):
            vectors, coefficients = case.struts.vectors.copy(), case.struts.coefficients.copy()
            (vectors if k < 3 else coefficients)[:, k if k < 3 else k - 3] += sign * 1e-6
            changes.append(value(vectors, coefficients))
        expected = (changes[0] - changes[1]) / 2e-6
        assert np.abs(gradient[:, k] - expected).max() < 1e-7 * np.abs(gradient).max()
