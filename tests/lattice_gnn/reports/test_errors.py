"""Summaries of errors."""

import math

import pytest
import torch

from lattice_gnn.reports.errors import summary


def test_quantiles_of_known_values():
    found = summary(torch.arange(101, dtype=torch.float64))
    assert (found.median, found.mean, found.max) == (50, 50, 100)
    assert (found.p90, found.p99) == pytest.approx((90, 99))


def test_infinite_values_are_none_where_they_count():
    found = summary(torch.tensor([1.0, 2.0, math.inf], dtype=torch.float64))
    assert found.median == 2.0
    assert found.mean is found.p90 is found.max is None
