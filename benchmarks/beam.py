"""Speed and scaling of the beam solver: ``python benchmarks/beam.py --help``.

Throughput relative to fedoo and PyNite on the same cells in the same run; the compiled kernel
against torch and against the floor of floating-point arithmetic; time and memory from 1 to 20,000
nodes; the crossover to the sparse factorisation; the cost of a gradient.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from beam_oracles import Oracle, available, is_comparable
from beam_paths import Timing, compare_paths, crossover
from beam_report import markdown, update_docs

from fem_reference.beam import homogenise as beam
from fem_reference.beam.compiled import load_kernel
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice

POPULATION = (
    "fcc", "octet", "diamond", "gyroid", "kelvin", "fluorite", "rhombicuboctahedron",
    "truncated-cuboctahedron", "isotruss", "truncated-cube", "re-entrant",
)  # fmt: skip
"""Cells whose means, 9.1 nodes and 23.0 struts, are those of the published GLAMM lattices."""

SIZES = (1, 12, 96, 324, 768, 2592, 6144, 12000, 20736)
"""Nodes of the scaling study: simple cubic, then Kelvin supercells of 1 to 1728 cells."""


def population(count: int, seed: int) -> list[Lattice]:
    """Draw box-shaped, stretched and perturbed copies of named cells at densities of 0.1 to 5 %."""
    lattices = []
    for k in range(count):
        rng = np.random.default_rng([seed, k])
        density = float(np.exp(rng.uniform(np.log(0.001), np.log(0.05))))
        lattice = cell(POPULATION[k % len(POPULATION)], relative_density=density)
        lattice = lattice.strained(np.diag(rng.uniform(0.6, 1.4, 3)))
        lattice = lattice.perturbed(0.02, seed=int(rng.integers(2**31)))
        lattices.append(lattice.with_relative_density(density))
    return lattices


def from_catalogue(path: Path) -> list[Lattice]:
    """Read every lattice of a .lat catalogue at every density that has a tensor."""
    from data.formats.lat import read_lat

    entries = read_lat(path)
    return [pair[0] for entry in entries for pair in entry.pairs()] or [e.lattice for e in entries]


def timed(function: Callable[[], Any], repeats: int) -> Timing:
    """Return the best wall and CPU time of several runs, s, after a warm-up run."""
    function()
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"wall_s": min(walls), "cpu_s": min(cpus)}


def rate(timing: Timing, count: int) -> dict[str, float]:
    """Return cells per second of wall time, and CPU milliseconds per cell."""
    return {"cells_per_s": count / timing["wall_s"], "cpu_ms": 1000 * timing["cpu_s"] / count}


def throughput(lattices: Sequence[Lattice], repeats: int, oracle_cells: int) -> dict[str, Any]:
    """Measure our rate, solve alone or from ``Lattice`` objects, that of the oracles, ratios."""
    batch = LatticeBatch.from_lattices(lattices)
    solve = rate(timed(lambda: beam.homogenise_beam(batch), repeats), len(lattices))
    objects = rate(timed(lambda: beam.homogenise_beam(lattices), repeats), len(lattices))
    result: dict[str, Any] = {
        "cells": len(lattices),
        "nodes": float(np.mean([x.num_nodes for x in lattices])),
        "struts": float(np.mean([x.num_struts for x in lattices])),
        "solve_alone": solve,
        "from_lattices": objects,
    }
    if torch.cuda.is_available():
        there = LatticeBatch.from_lattices(list(lattices) * 10, device="cuda")
        on_gpu = timed(lambda: beam.homogenise_beam(there), repeats)
        result["solve_alone_cuda"] = rate(on_gpu, 10 * len(lattices))
    comparable = [x for x in lattices if is_comparable(x)]
    chosen = comparable[:: max(1, len(comparable) // max(oracle_cells, 1))][:oracle_cells]
    oracles, result["skipped"] = (
        available() if chosen else ([], ["no cell that the oracles accept"])
    )
    result["oracles"] = [_against(oracle, chosen, repeats) for oracle in oracles]
    return result


def _against(oracle: Oracle, lattices: Sequence[Lattice], repeats: int) -> dict[str, Any]:
    """Time one oracle, cell by cell, and our solver on the same cells repeated to a full batch."""
    drawings = [oracle.prepare(lattice) for lattice in lattices]
    wall, cpu = time.perf_counter(), time.process_time()
    theirs = torch.stack([oracle.solve(drawing).mandel for drawing in drawings])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    copies = max(1, 600 // len(lattices))
    batch = LatticeBatch.from_lattices(list(lattices) * copies)
    ours = timed(lambda: beam.homogenise_beam(batch), repeats)
    C = beam.homogenise_beam(lattices).stiffness.mandel
    error = (theirs - C).flatten(1).norm(dim=1) / C.flatten(1).norm(dim=1)
    count = len(lattices)
    return {
        "name": oracle.name,
        "note": oracle.note,
        "cells": count,
        **rate({"wall_s": wall, "cpu_s": cpu}, count),
        "ours_cells_per_s": count * copies / ours["wall_s"],
        "ratio_wall": wall / count / (ours["wall_s"] / (count * copies)),
        "ratio_cpu": cpu / count / (ours["cpu_s"] / (count * copies)),
        "largest_difference": float(error.max()),
    }


def one_size(nodes: int) -> dict[str, float]:
    """Measure time and peak memory of one cell of the scaling study, in this process."""
    if nodes == 1:
        lattice = cell("sc", relative_density=0.02)
    else:
        side = round((nodes / 12) ** (1 / 3))
        lattice = cell("kelvin", relative_density=0.02).supercell((side, side, side))
    beam.homogenise_beam(cell("kelvin", relative_density=0.02))
    start_mb = _memory_mb(reset=True)
    wall, cpu = time.perf_counter(), time.process_time()
    C = beam.homogenise_beam(lattice).stiffness.mandel[0]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak_mb = _memory_mb(reset=False)
    unit = "sc" if nodes == 1 else "kelvin"
    exact = beam.homogenise_beam(cell(unit, relative_density=0.02)).stiffness.mandel[0]
    return {
        "nodes": lattice.num_nodes,
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_mb": peak_mb,
        "added_mb": peak_mb - start_mb,
        "difference_from_unit_cell": float((C - exact).norm() / exact.norm()),
    }


def _memory_mb(reset: bool) -> float:
    """Return the peak resident memory, MB; on Linux ``reset`` restarts it at the current value."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    peak = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    return float(peak.split()[1]) / 1024


def memory_of_batch(lattices: Sequence[Lattice], copies: int) -> dict[str, float]:
    """Measure the peak memory in addition to the batch and its result, for copies of the cells."""
    batch = LatticeBatch.from_lattices(list(lattices) * copies)
    start_mb = _memory_mb(reset=True)
    beam.homogenise_beam(batch)
    return {"cells": float(len(batch)), "added_mb": _memory_mb(reset=False) - start_mb}


def scaling(sizes: Sequence[int], threads: int) -> list[dict[str, float]]:
    """Run ``one_size`` in a separate process per size, so that memory peaks do not mix."""
    rows = []
    for nodes in sizes:
        words = [sys.executable, __file__, "--one-size", str(nodes), "--threads", str(threads)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
    return rows


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--catalogue", type=Path, help="cells of this .lat file instead of generated ones"
    )
    parser.add_argument("--cells", type=int, default=600, help="number of generated cells")
    parser.add_argument(
        "--oracle-cells", type=int, default=30, help="number of cells that the oracles solve"
    )
    parser.add_argument(
        "--repeats", type=int, default=5, help="number of runs, of which the best counts"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), metavar="NODES")
    parser.add_argument("--throughput-only", action="store_true", help="skip scaling and crossover")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--markdown", action="store_true", help="print tables instead of JSON")
    parser.add_argument(
        "--update-docs",
        action="store_true",
        help="write tables and plot into docs/beam-reference.md",
    )
    parser.add_argument("--one-size", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Run what the command line asks for."""
    options = arguments()
    torch.set_num_threads(options.threads)
    if options.one_size is not None:
        sys.stdout.write(json.dumps(one_size(options.one_size)))
        return
    lattices = (
        from_catalogue(options.catalogue)
        if options.catalogue
        else population(options.cells, options.seed)
    )
    load_kernel()
    figures: dict[str, Any] = {
        "machine": {
            "processor": platform.machine(),
            "threads": options.threads,
            "load": os.getloadavg()[0],
            "torch": torch.__version__,
            "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "source": options.catalogue.name if options.catalogue else "named cells, perturbed",
        },
        "throughput": throughput(lattices, options.repeats, options.oracle_cells),
        "paths": compare_paths(lattices, options.repeats),
        "memory": [memory_of_batch(lattices, copies) for copies in (1, 4, 16)],
    }
    if not options.throughput_only:
        figures["crossover"] = crossover(options.repeats)
        figures["scaling"] = scaling(options.sizes, options.threads)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.update_docs:
        update_docs(figures)
    sys.stdout.write(markdown(figures) if options.markdown else json.dumps(figures, indent=1))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
