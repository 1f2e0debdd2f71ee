"""One thread for a computation, whatever the environment and the caller chose."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch and the linear algebra of NumPy and SciPy to one thread while the block runs.

    Several threads add in another order, which changes the last bits of a result, and take longer
    where matrices are small. Only libraries loaded before are limited.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
