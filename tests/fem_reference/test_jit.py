"""Compiled code is kept where it can be, and never taken for that of other sources."""

from pathlib import Path

import numba
import numba.core.caching
import numpy as np
import pytest

from fem_reference import jit
from fem_reference.jit import compiled, is_kept


def double(x):
    return 2 * x


@pytest.mark.parametrize("fastmath", [True, False])
def test_where_no_folder_can_be_written_code_is_compiled_all_the_same(fastmath, monkeypatch):
    monkeypatch.setattr(numba.core.caching.FunctionCache._impl_class, "_locator_classes", [])
    function = compiled(fastmath=fastmath)(double)
    np.testing.assert_array_equal(function(np.arange(3.0)), [0.0, 2.0, 4.0])
    assert not is_kept(function)


def test_elsewhere_it_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    function = compiled()(double)
    assert function(3.0) == 6.0
    assert is_kept(function)


def twice(x, out):
    out[0] = 2 * x


@pytest.fixture
def function():
    """A function of its own, whose name ``entry`` may change."""
    name = twice.__qualname__
    yield twice
    twice.__qualname__ = name


def test_entries_are_named_after_their_sources(function, monkeypatch):
    first = jit.entry(function).py_func.__qualname__
    assert first == f"twice_{jit._fingerprint(Path(__file__).parent)}"
    monkeypatch.setattr(jit, "_fingerprint", lambda folder: "other")
    function.__qualname__ = "twice"
    assert jit.entry(function).py_func.__qualname__ == "twice_other"


def test_kept_code_is_found(function, monkeypatch, tmp_path):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    entry = jit.entry(function)
    assert not jit.is_kept(entry)
    out = numba.typed.List([0.0])
    entry(3.0, out)
    assert out[0] == 6.0
    assert jit.is_kept(entry)
    assert any(tmp_path.rglob("*.nbi"))
