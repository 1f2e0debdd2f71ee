"""The two paths of the joint models."""

from types import SimpleNamespace

import pytest

from lattice_gnn.network.layers import joint_kernel


@pytest.fixture(params=["torch", "compiled"])
def path(request, monkeypatch):
    """Compute joints by torch alone, or by the compiled kernel from the first lattice on."""
    kernel = joint_kernel.KERNEL.load_now() if request.param == "compiled" else None
    monkeypatch.setattr(joint_kernel, "KERNEL", SimpleNamespace(serving=lambda work: kernel))
    return request.param
