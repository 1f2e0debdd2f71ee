"""Comparison of a fast layer with a slow, readable twin."""

import pytest
import torch


@pytest.fixture
def assert_same():
    """Assert that two functions from and to named tensors agree in values and in gradients.

    The gradients are those of a random linear function of all results, with respect to the inputs
    and to the weights of a module.
    """

    def run(function, inputs, module):
        leaves = {name: x.detach().clone().requires_grad_() for name, x in inputs.items()}
        weights = {} if module is None else dict(module.named_parameters())
        results = function(leaves)
        generator = torch.Generator().manual_seed(17)
        total = 0.0
        for x in results.values():
            direction = torch.randn(x.shape, dtype=x.dtype, generator=generator)
            total = total + (direction * x).sum() / x.detach().norm()
        variables = leaves | weights
        gradients = torch.autograd.grad(total, list(variables.values()))
        return results, dict(zip(variables, gradients, strict=True))

    def check(fast, slow, inputs, module=None, tolerance=1e-10):
        pairs = zip(run(fast, inputs, module), run(slow, inputs, module), strict=True)
        for kind, (got, expected) in zip(("value", "gradient"), pairs, strict=True):
            assert got.keys() == expected.keys()
            for name, x in expected.items():
                difference = (got[name] - x).detach().norm() / x.detach().norm()
                assert float(difference) < tolerance, f"{kind} of {name}: off by {difference:.1e}"

    return check
