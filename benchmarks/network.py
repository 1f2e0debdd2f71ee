"""Time the shipped network against beam FEM on the same cells, in one run.

Run as ``python benchmarks/network.py [--threads N] [--cells N]``.
"""

import argparse
import json
import time
from collections.abc import Callable

import torch

from data.generate import CellSampling, sample_cells
from fem_reference.beam import homogenise_beam
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.surrogate import load_surrogate

_REPEATS = 5


def milliseconds_a_cell(function: Callable[[], object], cells: int) -> float:
    """Best of several runs: the others were disturbed."""
    function()
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * min(times) / cells


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cells", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    batch = LatticeBatch.from_lattices(sample_cells(CellSampling(count=options.cells, seed=1)))
    surrogate = load_surrogate()
    radii = batch.radii.clone().requires_grad_()

    def gradient() -> None:
        moved = batch.replace(radii=radii, end_radii=radii)
        surrogate.stiffness(moved).mandel.sum().backward()

    with torch.no_grad():
        forward = milliseconds_a_cell(lambda: surrogate.stiffness(batch), options.cells)
        fem = milliseconds_a_cell(lambda: homogenise_beam(batch), options.cells)
    figures = {
        "cells": options.cells,
        "nodes_a_cell": len(batch.nodes) / options.cells,
        "struts_a_cell": len(batch.radii) / options.cells,
        "threads": options.threads,
        "network_forward_ms": forward,
        "network_forward_and_gradient_ms": milliseconds_a_cell(gradient, options.cells),
        "beam_fem_ms": fem,
        "network_over_beam_fem": forward / fem,
    }
    print(json.dumps(figures, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
