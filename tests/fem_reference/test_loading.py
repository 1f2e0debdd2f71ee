"""When compiled code serves: never at the cost of a small job, and the same way each time."""

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from fem_reference import loading
from fem_reference.loading import Kernel, pinned

SMALL = """
import sys
from fem_reference.beam import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.surrogate.surrogate import load_surrogate
homogenise_beam(cell("octet", radius=0.05))
lattices = [cell("kelvin", radius=0.05)] * 100
homogenise_beam(lattices)
load_surrogate("joints").stiffness(lattices)
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


LOAD, COMPILE = 50_000, 1_200_000


@pytest.fixture
def launch(request, monkeypatch):
    """Compiled code of a fresh process, in the cache or not."""
    fake = Launch(request.param)
    monkeypatch.setattr(loading, "importlib", SimpleNamespace(import_module=lambda name: fake))
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    return fake


@pytest.fixture
def kernel():
    """A kernel that has not been loaded yet."""
    return Kernel("launch", LOAD, COMPILE)


def calls_until_served(kernel, work):
    for call in range(1, 100_000):
        if kernel.serving(work) is not None:
            return call
    return None


@pytest.mark.parametrize("launch", [True, False], indirect=True)
def test_work_on_torch_comes_before_the_kernel_as_its_price_asks(launch, kernel):
    calls = calls_until_served(kernel, 10_000)
    price = LOAD if launch.cached else COMPILE
    assert (calls - 1) * 10_000 < price <= calls * 10_000
    assert launch.warmed == 1
    assert kernel.serving(1) is launch
    assert launch.warmed == 1


@pytest.mark.parametrize("launch", [True], indirect=True)
def test_one_large_job_is_served_at_once(launch, kernel):
    assert kernel.serving(10**7) is launch


@pytest.mark.parametrize("launch", [True, False], indirect=True)
def test_a_pinned_job_has_one_path_whatever_came_before(launch, kernel):
    with pinned(100):
        assert kernel.serving(10**7) is None
        with pinned(10**6):  # the outer one decides
            assert kernel.serving(10**7) is None
    with pinned(10**6):
        assert kernel.serving(1) is launch
    with pinned(100):
        assert kernel.serving(1) is None


@pytest.mark.parametrize("launch", [True], indirect=True)
def test_without_a_compiler_torch_serves(launch, kernel, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    with pinned(10**6):
        assert kernel.serving(10**7) is None
    assert kernel.serving(10**7) is None


def test_small_jobs_do_not_even_import_numba():
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    done = subprocess.run(
        [sys.executable, "-c", SMALL], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
