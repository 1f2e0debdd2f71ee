"""One thread while a block runs, and the numbers of before afterwards."""

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from data.threads import one_thread


def numbers():
    return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())}


def fail_on_one_thread():
    with one_thread():
        assert numbers() == {1}
        raise KeyError


def test_one_thread_inside_and_as_before_afterwards_even_after_an_error():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threadpool_limits(2):
            assert numbers() == {2}
            with pytest.raises(KeyError):
                fail_on_one_thread()
            assert numbers() == {2}
    finally:
        torch.set_num_threads(before)
