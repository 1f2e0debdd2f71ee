"""Where compiled code is kept, and that it is never taken for that of other sources."""

import numba.core.caching
import pytest

from fem_reference.beam.kernel import jit


def double(x, out):
    out[0] = 2 * x


@pytest.fixture
def function():
    """A function of its own, whose name ``entry`` may change."""
    name = double.__qualname__
    yield double
    double.__qualname__ = name


def test_entries_are_named_after_their_sources(function, monkeypatch):
    first = jit.entry(function).py_func.__qualname__
    assert first == f"double_{jit._fingerprint()}"
    monkeypatch.setattr(jit, "_fingerprint", lambda: "other")
    function.__qualname__ = "double"
    assert jit.entry(function).py_func.__qualname__ == "double_other"


def test_where_no_folder_can_be_written_nothing_is_kept(function, monkeypatch):
    monkeypatch.setattr(numba.core.caching.FunctionCache._impl_class, "_locator_classes", [])
    entry = jit.entry(function)
    out = [0.0]
    assert not jit.is_kept(entry)
    assert entry.py_func(3.0, out) is None
    assert out == [6.0]


def test_kept_code_is_found(function, monkeypatch, tmp_path):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    entry = jit.entry(function)
    assert not jit.is_kept(entry)
    out = numba.typed.List([0.0])
    entry(3.0, out)
    assert out[0] == 6.0
    assert jit.is_kept(entry)
    assert any(tmp_path.rglob("*.nbi"))
