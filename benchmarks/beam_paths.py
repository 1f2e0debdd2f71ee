"""Comparison of the two paths of the beam solver: torch and the compiled kernel.

Functions are timed alternately within one process, and the fastest of several runs counts, so that
other load affects all alike.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from fem_reference.beam import groups
from fem_reference.beam import homogenise as beam
from fem_reference.beam.compiled import load_kernel
from fem_reference.beam.kernel.ordering import buffers, order_nodes
from fem_reference.beam.supports import find_supports
from fem_reference.loading import pinned
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.joints import JointConfig, JointModel
from lattice_gnn.network.normaliser import Normaliser

Timing = dict[str, float]
TORCH, KERNEL = 0, 10**9  #: lattices of a job for ``pinned``, which then stays on one path

CROSSOVER = ((1, 1, 1), (1, 1, 2), (1, 2, 2), (1, 2, 3), (2, 2, 2), (2, 2, 3), (2, 3, 3), (3, 3, 3))
CROSSOVER += ((3, 4, 4), (4, 4, 4), (4, 5, 6))
_DENSE_UP_TO = 220  #: nodes; dense batches of larger cells take long and decide nothing


def in_turns(functions: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Timing]:
    """Return the best wall and CPU time of each function, run alternately after a warm-up."""
    best = {name: {"wall_s": np.inf, "cpu_s": np.inf} for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if turn:
                best[name]["wall_s"] = min(wall, best[name]["wall_s"])
                best[name]["cpu_s"] = min(cpu, best[name]["cpu_s"])
    return best


def on(path: int, function: Callable[[], Any]) -> Callable[[], Any]:
    """Return the function on one path, independent of the state of the process."""

    def run() -> Any:
        with pinned(path):
            return function()

    return run


def compare_paths(lattices: Sequence[Lattice], repeats: int) -> dict[str, Any]:
    """Measure CPU microseconds per cell for all results on either path, and ratios."""
    load_kernel()
    batch = LatticeBatch.from_lattices(lattices)
    tasks = {
        "C, solve alone": lambda: beam.homogenise_beam(batch),
        "C, from `Lattice` objects": lambda: beam.homogenise_beam(lattices),
        "C and its gradient": lambda: gradient(batch),
        "C and end forces": lambda: beam.homogenise_beam(batch, fields="end_forces"),
        "C, end forces and their gradient": lambda: gradient(batch, forces=True),
        "joint network": lambda: network(batch),
        "joint network and its gradient": lambda: network_gradient(batch),
    }
    network = JointModel(JointConfig(), Normaliser())  # training changes nothing in its cost

    def network_gradient(batch: LatticeBatch) -> None:
        leaves = {
            name: getattr(batch, name).clone().requires_grad_() for name in ("nodes", "radii")
        }
        network(batch.replace(**leaves)).sum().backward()

    paths = {"torch": TORCH, "kernel": KERNEL}
    functions = {
        f"{task} {name}": on(path, function)
        for task, function in tasks.items()
        for name, path in paths.items()
    }
    functions["product"] = product = _Product()
    timings = in_turns(functions, repeats)
    floor = arithmetic(batch) * timings["product"]["cpu_s"] / product.operations
    rows = [
        {"task": task, **{name: _microseconds(timings[f"{task} {name}"], batch) for name in paths}}
        for task in tasks
    ]
    C = {name: on(path, tasks["C, solve alone"])().stiffness.mandel for name, path in paths.items()}
    error = (C["kernel"] - C["torch"]).flatten(1).norm(dim=1) / C["torch"].flatten(1).norm(dim=1)
    return {
        "rows": rows,
        "floor": 1e6 * floor / len(batch),
        "operations": arithmetic(batch) / len(batch),
        "median_difference": float(error.median()),
        "largest_difference": float(error.max()),
    }


def _microseconds(timing: Timing, batch: LatticeBatch) -> float:
    return 1e6 * timing["cpu_s"] / len(batch)


class _Product:
    """A large matrix product, which reaches the peak arithmetic rate of the machine."""

    size = 512
    operations = 2 * size**3

    def __init__(self) -> None:
        self.a = torch.ones(self.size, self.size, dtype=torch.float64)

    def __call__(self) -> None:
        """Multiply."""
        self.a @ self.a


def arithmetic(batch: LatticeBatch) -> float:
    """Count the floating-point operations of the kernel's algorithm for C, including fill-in.

    Per strut: twice deformations (about 75 per strain) and forces (70), energies 8 x 42, matrix
    blocks 3 x 36 x 4. Per block of the factor: products of 6 x 6 blocks, 432 operations each; three
    triangular solves with six columns.
    """
    ends, node_offsets = batch.struts.numpy(), batch.node_offsets.tolist()
    panels = buffers(int(batch.node_offsets.diff().max()))
    total = 0.0
    for b, (first, last) in enumerate(batch.strut_offsets.unfold(0, 2, 1).tolist()):
        nodes = node_offsets[b + 1] - node_offsets[b]
        order_nodes(ends[first:last] - node_offsets[b], last - first, nodes, panels)
        later = panels.size[:nodes].astype(float)
        total += 432 * (later * (later + 3) / 2 + later + 1 + 3 * (later + 1)).sum()
        total += (last - first) * (2 * 6 * 145 + 336 + 432)
    return total


def gradient(batch: LatticeBatch, *, forces: bool = False) -> None:
    """Compute derivatives of C, or C and end forces, by nodes, cells, radii and moduli."""
    names = ("nodes", "cells", "radii", "end_radii", "E")
    leaves = {name: getattr(batch, name).clone().requires_grad_() for name in names}
    solution = beam.homogenise_beam(
        batch.replace(**leaves), fields="end_forces" if forces else False
    )
    total = solution.stiffness.mandel.sum()
    if forces:
        total = total + solution.end_forces.square().sum()
    total.backward()


def crossover(repeats: int) -> list[dict[str, float]]:
    """Measure CPU ms per cell over the nodes: kernel, dense batches, sparse factorisation."""
    kernel = load_kernel()
    rows = []
    for tiling in CROSSOVER:
        lattice = cell("kelvin", relative_density=0.02).supercell(tiling).perturbed(0.01, seed=0)
        batch = LatticeBatch.from_lattices([lattice] * 4)
        task = groups.Task("euler-bernoulli", None, False)
        held = beam.held_degrees(batch, find_supports(batch))
        ways = {
            "kernel_ms": lambda b=batch, h=held, t=task: kernel.solve_compiled(b, h, t),
            "dense_ms": _by_torch(10**9, batch, held, task),
            "sparse_ms": _by_torch(1, batch, held, task),
        }
        if lattice.num_nodes > _DENSE_UP_TO:
            del ways["dense_ms"]
        timings = in_turns(ways, repeats)
        times = {name: 1000 * timing["cpu_s"] / len(batch) for name, timing in timings.items()}
        rows.append({"nodes": float(lattice.num_nodes), **times})
    return rows


def _by_torch(limit: int, *problem: Any) -> Callable[[], None]:
    """Solve by torch, with the sparse factorisation from the given number of nodes."""

    def run() -> None:
        usual = groups.SPARSE_FROM_NODES
        groups.SPARSE_FROM_NODES = limit
        try:
            groups.solve_in_groups(*problem)
        finally:
            groups.SPARSE_FROM_NODES = usual

    return run
