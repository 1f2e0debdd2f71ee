"""Compiled code is kept where it can be, and compiled anew where it cannot."""

import numba
import numba.core.caching
import numpy as np
import pytest

from fem_reference.beam.kernel.jit import is_kept
from fem_reference.jit import compiled


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
