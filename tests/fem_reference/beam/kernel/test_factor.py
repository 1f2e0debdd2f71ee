"""The block factor against dense linear algebra of numpy."""

import numpy as np
import pytest

from fem_reference.beam.kernel.blocks import BLOCK, WIDTH
from fem_reference.beam.kernel.factor import factorise, solve_lower, solve_upper
from fem_reference.beam.kernel.ordering import buffers, order_nodes

ROUNDING = 1e-13
COLUMNS = np.uint64(WIDTH)


def problem(seed):
    """A random positive definite matrix on a random graph, its panels, and right-hand sides."""
    generator = np.random.default_rng(seed)
    nodes = int(generator.integers(1, 15))
    ends = generator.integers(0, nodes, size=(2 * nodes, 2))
    p = buffers(nodes)
    order_nodes(ends, len(ends), nodes, p)
    K = np.zeros((nodes, 6, nodes, 6))
    for i, j in p.place[ends]:
        block = generator.normal(size=(6, 6))
        K[i, :, j] += block
        K[j, :, i] += block.T
    K = K.reshape(6 * nodes, -1)
    K += (1.0 + np.abs(K).sum(1).max()) * np.eye(len(K))
    return nodes, p, K, generator.normal(size=(6 * nodes, 6))


def fill(nodes, p, K, right):
    """Write the matrix and the right-hand sides into the panels."""
    blocks = K.reshape(nodes, 6, nodes, 6)
    for step in range(nodes):
        panel = p.values[p.start[step] : p.start[step + 1]].reshape(-1, 6, WIDTH)
        panel[:] = 0.0
        for b, other in enumerate([step, *p.later[step, : p.size[step]]]):
            panel[b, :, :6] = blocks[other, :, step].T
        panel[-1, :, :6] = right.reshape(nodes, 6, 6)[step]


def as_blocks(x):
    padded = np.zeros((len(x), WIDTH))
    padded[:, :6] = x
    return padded.ravel()


@pytest.mark.parametrize("seed", range(6))
def test_solutions_are_those_of_dense_algebra(seed):
    nodes, p, K, right = problem(seed)
    fill(nodes, p, K, right)
    assert factorise(nodes, p, COLUMNS)
    forward = np.concatenate([p.values[end - BLOCK : end] for end in p.start[1 : nodes + 1]])
    x = forward.copy()
    solve_upper(nodes, p, x, COLUMNS)
    exact = np.linalg.solve(K, right)
    got = x.reshape(-1, WIDTH)
    assert np.abs(got[:, :6] - exact).max() < ROUNDING * np.abs(exact).max()
    assert not got[:, 6:].any()
    again = as_blocks(right)
    solve_lower(nodes, p, again, COLUMNS)
    assert np.abs(again - forward).max() < ROUNDING * np.abs(forward).max()
    energy = np.einsum("ak,ak->k", right, exact)
    squares = (again.reshape(-1, WIDTH)[:, :6] ** 2).sum(0)
    np.testing.assert_allclose(squares, energy, rtol=1e-12)


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, np.inf])
def test_a_matrix_that_is_not_positive_is_refused(value):
    nodes, p, K, right = problem(1)
    K[-1, -1] = value
    fill(nodes, p, K, right)
    assert not factorise(nodes, p, COLUMNS)
