"""Time and memory of the networks relative to beam FEM, in one run.

    python benchmarks/network.py [--threads N] [--device cpu|cuda] [--models paper small ...]
                                 [--update-docs]

64 cells of about 10 nodes and 46 directed struts. A training step is forward, loss, backward,
clipping, AdamW and the running average; drawing the batch is excluded. The floor is the
floating-point work of the network's matrix products (counted by torch) over the rate of the same
cores in one large matrix product. Memory is that of a training step, from the peaks of fresh
processes with 128, 256 and 512 cells (512 to 2048 for the small sizes): the two slopes agree where
it grows linearly.
"""

import argparse
import json
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel
from torch.utils.flop_counter import FlopCounterMode

from data.labelling.generate import make_batch
from data.populations.nets import NetSampling
from data.populations.population import Population
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.equivariant import SIZES
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.loop import losses
from lattice_gnn.training.losses import Examples
from lattice_gnn.training.memory import keep_freed_memory

DOCS = Path(__file__).parents[1] / "docs" / "network.md"
BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"
CELLS = 64
_REPEATS = 25
_MEMORY_CELLS = {"tiny": (512, 1024, 2048), "small": (512, 1024, 2048)}
_USUAL_MEMORY_CELLS = (128, 256, 512)
MODELS: dict[str, dict[str, Any]] = {
    **{size: {"size": size} for size in SIZES},
    "cgcnn": {"kind": "cgcnn"},
    "cgcnn, averaged": {"kind": "cgcnn", "group_average": True},
    "mcgcnn": {"kind": "mcgcnn"},
    "nnconv": {"kind": "nnconv"},
    "invariant": {"kind": "invariant"},
}
_COLUMNS = {
    "model": "model",
    "parameters": "parameters",
    "forward_ms": "forward, ms",
    "step_ms": "training step, ms",
    "forward_mflop": "forward, MFLOP",
    "floor_ms": "floor, ms",
    "memory_kb": "memory, kB per cell",
    "over_beam_fem": "forward over beam FEM",
}


def cells(count: int = CELLS) -> LabelledLattices:
    """Generate cells of the size of the published ones: about 10 nodes and 23 struts each."""
    nets = NetSampling(nodes=(8, 12), struts=(21, 25))
    population = Population(count=count, seed=3, nets=nets, draws=1)
    made = [make_batch(population, number) for number in range(-(-count // 32))]
    parts = [dataset.labelled("beam", np.arange(len(dataset))) for dataset in made]
    lattices = [lattice for batch, _ in parts for lattice in batch.to_lattices()]
    return LabelledLattices(LatticeBatch.from_lattices(lattices), torch.cat([C for _, C in parts]))


def milliseconds(function: Callable[[], object], device: str = "cpu") -> float:
    """Return the best time of several runs, ms per cell."""
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    for _ in range(2):
        function()
    times = []
    for _ in range(_REPEATS):
        wait()
        start = time.perf_counter()
        function()
        wait()
        times.append(time.perf_counter() - start)
    return 1000 * min(times) / CELLS


def training_step(model: StiffnessNetwork, examples: Examples) -> Callable[[], object]:
    """Perform the work of one step of ``lattice_gnn.training.loop`` on its batch."""
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


def make(name: str, labelled: LabelledLattices) -> tuple[StiffnessNetwork, Examples]:
    """Return a model with random weights, and the cells prepared for its training."""
    torch.manual_seed(0)
    config = read_model_config(MODELS[name])
    model = build_model(config, Normaliser.fit(labelled.batch))
    return model, Examples.of(labelled, config.positive_map)


def measure(name: str, labelled: LabelledLattices, device: str) -> dict[str, Any]:
    """Measure one model, per cell."""
    model, examples = make(name, labelled)
    model, examples = model.to(device), examples.to(torch.device(device))

    def forward() -> None:
        with torch.no_grad():
            model(examples.batch)

    with FlopCounterMode(display=False) as counter:
        forward()
    return {
        "model": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "forward_ms": milliseconds(forward, device),
        "step_ms": milliseconds(training_step(model, examples), device),
        "forward_mflop": counter.get_total_flops() / CELLS / 1e6,
    }


def memory(name: str) -> list[float]:
    """Measure the peak memory of a step, kB per cell: slopes between batches of growing size."""
    counts = _MEMORY_CELLS.get(name, _USUAL_MEMORY_CELLS)
    peaks = [
        int(subprocess.check_output([sys.executable, __file__, "--peak", name, str(n)]))
        for n in counts
    ]
    return [
        round((b - a) / (n - m), 1) for (m, a), (n, b) in pairwise(zip(counts, peaks, strict=True))
    ]


def print_peak(name: str, count: int) -> None:
    """Print the peak memory (kB) of this process after two training steps (Linux).

    That of ``getrusage`` includes the peak of the parent, from which a process is forked.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    step = training_step(*make(name, cells().select(np.arange(count) % CELLS)))
    step()
    step()
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(re.findall(r"VmHWM:\s*(\d+) kB", status)[0])  # noqa: T201


def peak_gflops(device: str) -> float:
    """Measure the rate of the device in a large float32 matrix product, GFLOP/s."""
    a = torch.randn(1536, 1536, device=device)
    return 2 * 1536**3 / (milliseconds(lambda: a @ a, device) * CELLS / 1000) / 1e9


def table(figures: dict[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    lines = [f"| {' | '.join(_COLUMNS.values())} |", "|---" * len(_COLUMNS) + "|"]
    for row in figures["models"]:
        values = [_text(row.get(key)) for key in _COLUMNS]
        lines.append(f"| {' | '.join(values)} |")
    device = f"{figures['threads']} threads on {figures['machine']}"
    return "\n".join(
        [
            *lines,
            "",
            f"Per cell; {CELLS} cells of {figures['nodes']:.1f} nodes and "
            f"{figures['directed_struts']:.1f} directed struts, {device}, torch "
            f"{figures['torch']}. Beam FEM of the same cells in the same run: "
            f"{figures['beam_fem_ms']:.2f} ms. One large matrix product: "
            f"{figures['peak_gflops']:.0f} GFLOP/s. Memory: slopes between batches of 128, 256 "
            "and 512 cells (512, 1024 and 2048 for tiny and small).",
        ]
    )


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"{x:.0f}" for x in value)
    if isinstance(value, float):
        return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"
    return "" if value is None else str(value)


def processor() -> str:
    """Return the model of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    names = [x.split(":")[1].strip() for x in text.splitlines() if x.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Print the figures as JSON; write them into the docs on request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--update-docs", action="store_true")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.peak[0], int(options.peak[1]))
        return
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as training does
    labelled, device = cells(), options.device
    with torch.no_grad():
        beam_ms = milliseconds(lambda: homogenise_beam(labelled.batch))
    figures = {
        "nodes": len(labelled.batch.nodes) / CELLS,
        "directed_struts": 2 * len(labelled.batch.radii) / CELLS,
        "threads": options.threads,
        "machine": torch.cuda.get_device_name() if device == "cuda" else processor(),
        "torch": torch.__version__,
        "peak_gflops": peak_gflops(device),
        "beam_fem_ms": beam_ms,
        "models": [measure(name, labelled, device) for name in options.models],
    }
    for row in figures["models"]:
        row["floor_ms"] = row["forward_mflop"] / figures["peak_gflops"]
        row["over_beam_fem"] = row["forward_ms"] / beam_ms
        if row["model"] in SIZES and device == "cpu":
            row["memory_kb"] = memory(row["model"])
    print(json.dumps(figures, indent=1))  # noqa: T201
    if options.update_docs:
        head, rest = DOCS.read_text("utf-8").split(BEGIN)
        tail = rest.split(END)[1]
        DOCS.write_text(f"{head}{BEGIN}\n{table(figures)}\n{END}{tail}", "utf-8")


if __name__ == "__main__":
    main()
