"""Sparse factorisations against numpy's dense solution, and what happens to singular matrices."""

import gc

import numpy as np
import pytest
from scipy.sparse import csc_array, diags_array

from fem_reference import sparse
from fem_reference.sparse import IllConditionedError, factorise


def chain(count):
    """Springs in a row, one end held: condition number about count squared."""
    off = -np.ones(count - 1)
    diagonal = np.append(2 * np.ones(count - 1), 1)
    return csc_array(diags_array([off, diagonal, off], offsets=[-1, 0, 1]))


@pytest.fixture
def without_pardiso(monkeypatch):
    monkeypatch.setattr(sparse, "find_spec", lambda name: None)


@pytest.mark.parametrize("ordering", ["NATURAL", "MMD_AT_PLUS_A"])
def test_superlu_inverts(ordering, without_pardiso):
    K, b = chain(50), np.random.default_rng(0).normal(size=(50, 6))
    apply_inverse = factorise(K, ordering=ordering)
    np.testing.assert_allclose(apply_inverse(b), np.linalg.solve(K.toarray(), b), rtol=1e-11)
    # A force at the end stretches every spring by the same amount.
    np.testing.assert_allclose(apply_inverse(np.eye(50)[-1]), np.arange(1.0, 51.0), rtol=1e-11)


def test_a_singular_matrix_is_ill_conditioned(without_pardiso):
    with pytest.raises(IllConditionedError, match=r"lattice 0: .* too ill-conditioned") as caught:
        factorise(csc_array(np.ones((3, 3))), ordering="NATURAL")
    assert caught.value.lattice == 0


def test_pardiso_inverts_and_factorises_once(monkeypatch):
    solver = pytest.importorskip("pypardiso").PyPardisoSolver
    calls = []

    def counted(name):
        original = getattr(solver, name)

        def call(self, *args, **options):
            calls.append(name)
            return original(self, *args, **options)

        monkeypatch.setattr(solver, name, call)

    counted("factorize")
    counted("free_memory")
    K, b = chain(200), np.random.default_rng(0).normal(size=(200, 6))
    expected = np.linalg.solve(K.toarray(), b)
    apply_inverse = factorise(K, ordering="NATURAL")
    del K
    gc.collect()
    for _ in range(2):
        np.testing.assert_allclose(apply_inverse(b), expected, rtol=1e-9)
    assert calls == ["factorize"]
    del apply_inverse
    gc.collect()
    assert calls == ["factorize", "free_memory"]


def test_small_matrices_do_not_wake_pardiso(monkeypatch):
    asked = []
    monkeypatch.setattr(sparse, "find_spec", lambda name: asked.append(name))
    factorise(chain(5), ordering="NATURAL", pardiso_from=6)
    assert asked == []
    factorise(chain(6), ordering="NATURAL", pardiso_from=6)
    assert asked == ["pypardiso"]
