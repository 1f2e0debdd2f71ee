"""Work split over threads: every item once."""

import numpy as np
import pytest
import torch

from fem_reference.beam.schedule import spans


@pytest.mark.parametrize("own", [[3, 1, 2], [3, 0, 0], [0, 0, 4], [0, 0]], ids=str)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_item_is_in_one_range_whatever_it_costs(own, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        ranges = spans(np.concatenate([[0], np.cumsum(own)]), least=1)
    finally:
        torch.set_num_threads(before)
    assert [item for first, last in ranges for item in range(first, last)] == [*range(len(own))]
