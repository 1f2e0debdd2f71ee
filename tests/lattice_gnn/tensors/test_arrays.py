"""Anything like an array becomes a float64 tensor, or one sentence."""

import numpy as np
import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.arrays import float64_tensor


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2, 3]],
        np.array([[1, 2, 3]], dtype=np.int32),
        np.array([[1, 2, 3]], dtype=np.float32),
        torch.tensor([[1.0, 2.0, 3.0]]),
    ],
)
def test_numbers_of_any_kind_become_float64(values):
    found = float64_tensor(values, 3, name="a direction")
    assert found.dtype == torch.float64
    assert found.tolist() == [[1.0, 2.0, 3.0]]


def test_gradients_are_kept_and_read_only_arrays_copied():
    source = torch.ones(3, requires_grad=True)
    float64_tensor(source, 3, name="x").sum().backward()
    assert source.grad.tolist() == [1.0, 1.0, 1.0]
    fixed = np.ones(3)
    fixed.setflags(write=False)
    assert float64_tensor(fixed, 3, name="x").mul_(2).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("values", [["a"], [[1], [1, 2]], [None], np.array(["a"])])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(LatticeGnnError, match="a direction must be numbers but is a"):
        float64_tensor(values, 3, name="a direction")


def test_another_shape_is_refused():
    with pytest.raises(
        LatticeGnnError, match=r"must have shape \(\.\.\., 3\) but has shape \(2,\)"
    ):
        float64_tensor([1.0, 2.0], 3, name="a direction")
