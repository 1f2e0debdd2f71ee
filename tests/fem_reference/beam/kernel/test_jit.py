"""Where compiled code is kept, and that it is never taken for that of other sources."""

import numba
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


def test_kept_code_is_found(function, monkeypatch, tmp_path):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    entry = jit.entry(function)
    assert not jit.is_kept(entry)
    out = numba.typed.List([0.0])
    entry(3.0, out)
    assert out[0] == 6.0
    assert jit.is_kept(entry)
    assert any(tmp_path.rglob("*.nbi"))
