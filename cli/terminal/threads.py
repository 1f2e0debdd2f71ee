"""Threads of a command: one for ordinary work, more for large work, and none that wait by spinning.

Networks and frames of ordinary cells are thousands of small tensor operations. Shared by several
threads, each of them ends with a wait for the slowest thread, which on a machine that does other
work is one that is not running: a command on two threads took ten times as long there as on one.
"""

import os

COUNT = "OMP_NUM_THREADS"
"""Environment variable by which users choose the number of threads."""
WAIT = "OMP_WAIT_POLICY"
_CHOSEN = "LATTICE_GNN_CHOOSES_THREADS"
"""Set for this process and its children where the number of threads is left to us."""
LARGE = 5_000
"""Nodes solved at once from which a second thread is worth its waits."""


def start_with_one_thread() -> None:
    """Start with one thread, and threads that sleep while they wait; call before loading torch.

    What the environment says about either is respected.
    """
    os.environ.setdefault(WAIT, "PASSIVE")
    if COUNT not in os.environ:
        os.environ[COUNT] = os.environ[_CHOSEN] = "1"


def use_threads(nodes: int) -> None:
    """Use all available cores for large work, unless the user chose the number of threads.

    Args:
        nodes: Nodes of the lattices that are solved at once.
    """
    if os.environ.get(_CHOSEN) and nodes >= LARGE:
        import torch

        torch.set_num_threads(available_cores())


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
