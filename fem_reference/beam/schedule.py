"""Split a batch into groups of similar size and run them on torch's threads."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Int

Task = TypeVar("Task")
Result = TypeVar("Result")

_ENTRIES = 600_000  #: matrix entries of a dense group; larger groups exceed the cache
_SLAB = 50_000  #: nodes of the lattices whose elements are computed at once


def split_by_size(
    counts: Int[np.ndarray, " lattices"], sparse_from: int
) -> list[Int[np.ndarray, " group"]]:
    """Group lattices with similar node counts.

    Args:
        counts: Nodes of each lattice.
        sparse_from: Number of nodes from which a lattice forms a group of its own.

    Returns:
        Lattice numbers of each group. Padding to the largest lattice of a group adds at most about
        a quarter of the work.
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
    """Split groups into runs with a bounded total number of nodes, which bounds memory.

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


def spans(cost: np.ndarray, least: int) -> list[tuple[int, int]]:
    """Split items 0, 1, ... into ranges of similar cost, a few for each of torch's threads.

    Every item is in one range, those at the end that cost nothing too.

    Args:
        cost: Cost of all items up to each one, 0 first.
        least: Smallest cost of a range.
    """
    threads = torch.get_num_threads()
    pieces = 1 if threads == 1 else max(1, min(int(cost[-1]) // least, 4 * threads))
    marks = np.searchsorted(cost, np.linspace(0, cost[-1], pieces + 1)).tolist()
    marks[-1] = len(cost) - 1
    return [(a, b) for a, b in pairwise(marks) if b > a]


def in_threads(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, parallel: bool
) -> list[Result]:
    """Apply ``function`` to every task on torch's threads; results are in order.

    The last tasks, which are the largest, start first, for better load balance. torch releases the
    interpreter lock inside its kernels. Kernels of small groups run on one thread each, since
    nested threading would be slower.
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
