"""Cut a batch into groups of like size, and run the groups on the threads that torch may use."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Int

Task = TypeVar("Task")
Result = TypeVar("Result")

_ENTRIES = 600_000  #: matrix entries of a dense group; larger groups fall out of the cache
_SLAB = 50_000  #: nodes of the lattices whose elements are computed at once


def split_by_size(
    counts: Int[np.ndarray, " lattices"], sparse_from: int
) -> list[Int[np.ndarray, " group"]]:
    """Groups of lattices with like node counts.

    Args:
        counts: Nodes of each lattice.
        sparse_from: A lattice with at least so many nodes makes a group of its own.

    Returns:
        Lattice numbers of each group. Padding to the largest of a group costs at most about a
        quarter more work.
    """
    groups: list[np.ndarray] = []
    order = np.argsort(counts, kind="stable")
    start = 0
    while start < len(order):
        smallest = counts[order[start]]
        if smallest >= sparse_from:
            groups += [order[s : s + 1] for s in range(start, len(order))]
            break
        largest = min(smallest + smallest // 14, sparse_from - 1)
        stop = int(np.searchsorted(counts[order], largest, side="right"))
        stop = min(stop, start + max(1, _ENTRIES // int(36 * largest**2)))
        groups.append(order[start:stop])
        start = stop
    return groups


def slabs(
    groups: list[Int[np.ndarray, " _"]], counts: Int[np.ndarray, " lattices"]
) -> Iterator[list[Int[np.ndarray, " _"]]]:
    """Runs of groups with a bounded number of nodes in all, which bounds the memory.

    Args:
        groups: Lattice numbers of each group.
        counts: Nodes of each lattice.
    """
    slab: list[np.ndarray] = []
    nodes = 0
    for group in groups:
        more = int(counts[group].sum())
        if slab and nodes + more > _SLAB:
            yield slab
            slab, nodes = [], 0
        slab.append(group)
        nodes += more
    yield slab


def in_threads(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, parallel: bool
) -> list[Result]:
    """Apply ``function`` to every task, in order, on as many threads as torch may use.

    The last tasks start first: they are the largest, and a small one fills the gap at the end.
    torch releases the interpreter lock inside its kernels. The kernels of one small group get one
    thread each: nested threads would cost more than they bring.
    """
    threads = torch.get_num_threads()
    workers = min(threads, len(tasks)) if parallel else 1
    if workers <= 1:
        return [function(task) for task in tasks]
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(function, reversed(tasks)))[::-1]
    finally:
        torch.set_num_threads(threads)
