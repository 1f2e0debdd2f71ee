"""The two paths of the beam solver."""

import pytest

from fem_reference.beam import compiled, groups


@pytest.fixture(params=["torch", "compiled"])
def path(request, monkeypatch):
    """Homogenise by torch alone, or small cells by the compiled kernel.

    Tests that send every cell through the sparse factorisation keep the kernel out.
    """
    kernel, usual = None, groups.SPARSE_FROM_NODES
    if request.param == "compiled":
        compiled.load_kernel()
        kernel = compiled.kernel_for(0)

    def serves(nodes):
        return kernel if usual == groups.SPARSE_FROM_NODES else None

    monkeypatch.setattr(compiled, "kernel_for", serves)
    return request.param
