"""When the kernel serves: never at the cost of a small job, and the same way each time."""

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from fem_reference.beam import compiled

SMALL = """
import sys
from fem_reference.beam import homogenise_beam
from lattice_gnn.cells.named import cell
homogenise_beam(cell("octet", radius=0.05))
homogenise_beam([cell("kelvin", radius=0.05)] * 100)
assert "numba" not in sys.modules
"""


class Launch(ModuleType):
    """What ``kernel.launch`` is to the decision."""

    def __init__(self, cached):
        super().__init__("launch")
        self.cached, self.warmed = cached, 0

    def is_cached(self):
        return self.cached

    def warm(self):
        self.warmed += 1


@pytest.fixture
def launch(request, monkeypatch):
    """A fresh process, with code in the cache or not."""
    fake = Launch(request.param)
    monkeypatch.setattr(compiled, "_process", compiled._Process())
    monkeypatch.setattr(compiled, "importlib", SimpleNamespace(import_module=lambda name: fake))
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    return fake


def calls_until_served(nodes):
    for call in range(1, 100_000):
        if compiled.kernel_for(nodes) is not None:
            return call
    return None


@pytest.mark.parametrize("launch", [True, False], indirect=True)
def test_work_on_torch_comes_before_the_kernel_as_its_price_asks(launch):
    """Loading is worth thousands of cells, compiling a hundred thousand."""
    calls = calls_until_served(10_000)
    price = compiled._LOAD if launch.cached else compiled._COMPILE
    assert (calls - 1) * (10_000 + compiled._CALL) < price <= calls * (10_000 + compiled._CALL)
    assert launch.warmed == 1
    assert compiled.kernel_for(1) is launch
    assert launch.warmed == 1


@pytest.mark.parametrize("launch", [True], indirect=True)
def test_one_large_job_is_served_at_once(launch):
    assert compiled.kernel_for(10**7) is launch


@pytest.mark.parametrize("launch", [True], indirect=True)
def test_many_small_calls_add_up(launch):
    assert calls_until_served(1) <= compiled._LOAD // compiled._CALL + 1


@pytest.mark.parametrize("launch", [True, False], indirect=True)
def test_a_pinned_job_has_one_path_whatever_came_before(launch):
    with compiled.pinned(100):
        assert compiled.kernel_for(10**7) is None
        with compiled.pinned(10**6):  # the outer one decides
            assert compiled.kernel_for(10**7) is None
    with compiled.pinned(10**6):
        assert compiled.kernel_for(1) is launch
    with compiled.pinned(100):
        assert compiled.kernel_for(1) is None


@pytest.mark.parametrize("launch", [True], indirect=True)
def test_without_a_compiler_torch_serves(launch, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    with compiled.pinned(10**6):
        assert compiled.kernel_for(10**7) is None
    assert compiled.kernel_for(10**7) is None


def test_small_jobs_do_not_even_import_numba():
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    done = subprocess.run(
        [sys.executable, "-c", SMALL], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
