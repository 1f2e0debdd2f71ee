"""Time and memory of the networks against beam FEM, in one run.

    python benchmarks/network.py [--threads N] [--sizes paper small ...] [--update-docs]

64 cells of about 10 nodes and 46 directed struts. A training step is forward, loss, backward,
clipping, AdamW and the running average. The floor is the floating-point work of the network's
matrix products (counted by torch) over what the same cores do in one large matrix product.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel
from torch.utils.flop_counter import FlopCounterMode

from data.label import make_batch
from data.nets import NetSampling
from data.population import Population
from fem_reference.beam import homogenise_beam
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.labelled import LabelledLattices
from lattice_gnn.losses import Examples
from lattice_gnn.memory import keep_freed_memory
from lattice_gnn.model import SIZES, ModelConfig, StiffnessModel
from lattice_gnn.normaliser import Normaliser
from lattice_gnn.train import TrainConfig, losses

DOCS = Path(__file__).parents[1] / "docs" / "network.md"
BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"
CELLS = 64
_REPEATS = 9
_COLUMNS = {
    "size": "size",
    "parameters": "parameters",
    "forward_ms": "forward, ms",
    "step_ms": "training step, ms",
    "forward_mflop": "forward, MFLOP",
    "floor_ms": "floor, ms",
    "memory_kb": "memory of a step, kB",
    "over_beam_fem": "forward over beam FEM",
}


def cells(count: int = CELLS) -> LabelledLattices:
    """Generated cells of the size of the published ones: about 10 nodes and 23 struts each."""
    nets = NetSampling(nodes=(8, 12), struts=(21, 25))
    population = Population(count=count, seed=3, nets=nets, draws=1)
    made = [make_batch(population, number) for number in range(-(-count // 32))]
    parts = [dataset.labelled("beam", np.arange(len(dataset))) for dataset in made]
    lattices = [lattice for batch, _ in parts for lattice in batch.to_lattices()]
    return LabelledLattices(LatticeBatch.from_lattices(lattices), torch.cat([C for _, C in parts]))


def milliseconds(function: Callable[[], object]) -> float:
    """Best of several runs, per cell: the others were disturbed."""
    for _ in range(2):
        function()
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * min(times) / CELLS


def training_step(model: StiffnessModel, examples: Examples) -> Callable[[], object]:
    """Everything that one step of ``lattice_gnn.train`` does between two batches."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    average = AveragedModel(model)
    config = TrainConfig()

    def step() -> None:
        model.zero_grad()
        losses(model, examples, config).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimiser.step()
        average.update_parameters(model)

    return step


def measure(size: str, labelled: LabelledLattices, gflops: float, beam_ms: float) -> dict[str, Any]:
    """Figures of one size, per cell."""
    torch.manual_seed(0)
    config = ModelConfig.from_dict({"size": size})
    model = StiffnessModel(config, Normaliser.fit(labelled.batch))
    examples = Examples.of(labelled, config.positive_map)

    def forward() -> None:
        with torch.no_grad():
            model(labelled.batch)

    with FlopCounterMode(display=False) as counter:
        forward()
    mflop = counter.get_total_flops() / CELLS / 1e6
    forward_ms = milliseconds(forward)
    return {
        "size": size,
        "parameters": sum(p.numel() for p in model.parameters()),
        "forward_ms": forward_ms,
        "step_ms": milliseconds(training_step(model, examples)),
        "forward_mflop": mflop,
        "floor_ms": mflop / gflops,
        "memory_kb": memory(size),
        "over_beam_fem": forward_ms / beam_ms,
    }


def memory(size: str, batches: tuple[int, int] = (256, 512)) -> float:
    """Peak memory of a step, kB a cell: the slope between two batches, each in a fresh process."""
    peaks = [
        int(subprocess.check_output([sys.executable, __file__, "--peak", size, str(n)]))
        for n in batches
    ]
    return (peaks[1] - peaks[0]) / (batches[1] - batches[0])


def print_peak(size: str, count: int) -> None:
    """Print the peak memory (kB) of this process after two training steps."""
    torch.set_num_threads(1)
    labelled = cells()
    repeated = labelled.select(np.arange(count) % CELLS)
    config = ModelConfig.from_dict({"size": size})
    model = StiffnessModel(config, Normaliser.fit(repeated.batch))
    step = training_step(model, Examples.of(repeated, config.positive_map))
    step()
    step()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # noqa: T201


def peak_gflops() -> float:
    """What the cores do in a large float32 matrix product, GFLOP/s."""
    a = torch.randn(1536, 1536)
    return 2 * 1536**3 / (milliseconds(lambda: a @ a) * CELLS / 1000) / 1e9


def table(figures: dict[str, Any]) -> str:
    """Markdown."""
    lines = [f"| {' | '.join(_COLUMNS.values())} |", "|---" * len(_COLUMNS) + "|"]
    for row in figures["sizes"]:
        values = [row[k] if isinstance(row[k], str | int) else f"{row[k]:.2g}" for k in _COLUMNS]
        lines.append(f"| {' | '.join(map(str, values))} |")
    return "\n".join(
        [
            *lines,
            "",
            f"Per cell; {CELLS} cells of {figures['nodes']:.1f} nodes and "
            f"{figures['directed_struts']:.1f} directed struts, {figures['threads']} threads on "
            f"{figures['machine']}, torch {figures['torch']}. Beam FEM of the same cells in the "
            f"same run: {figures['beam_fem_ms']:.2f} ms. One large matrix product: "
            f"{figures['peak_gflops']:.0f} GFLOP/s.",
        ]
    )


def processor() -> str:
    """Model of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    names = [x.split(":")[1].strip() for x in text.splitlines() if x.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Print the figures as JSON; write them into the docs where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--update-docs", action="store_true")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.peak[0], int(options.peak[1]))
        return
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as training does
    labelled = cells()
    gflops = peak_gflops()
    with torch.no_grad():
        beam_ms = milliseconds(lambda: homogenise_beam(labelled.batch))
    figures = {
        "nodes": len(labelled.batch.nodes) / CELLS,
        "directed_struts": 2 * len(labelled.batch.radii) / CELLS,
        "threads": options.threads,
        "machine": processor(),
        "torch": torch.__version__,
        "peak_gflops": gflops,
        "beam_fem_ms": beam_ms,
        "sizes": [measure(size, labelled, gflops, beam_ms) for size in options.sizes],
    }
    print(json.dumps(figures, indent=1))  # noqa: T201
    if options.update_docs:
        head, rest = DOCS.read_text().split(BEGIN)
        tail = rest.split(END)[1]
        DOCS.write_text(f"{head}{BEGIN}\n{table(figures)}\n{END}{tail}")


if __name__ == "__main__":
    main()
