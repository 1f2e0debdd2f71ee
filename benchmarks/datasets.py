"""Speed of generating, reading and collating datasets, and their statistics.

``python benchmarks/datasets.py --help``. With ``--update-docs`` it writes the measured part of
``docs/data.md`` and its pictures.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pages import DOCS, write_section

from data.datasets.dataset import Bases, Dataset, Label
from data.datasets.file import read_dataset, write_dataset
from data.datasets.joining import concatenate
from data.datasets.statistics import describe, population_values
from data.formats.lat import read_lat
from data.labelling.batches import Workers
from data.labelling.generate import generate
from data.populations.identity import crystal_symmetry, identify
from data.populations.nets import NetSampling, sample_net
from data.populations.population import Population
from lattice_gnn.network.equivariant import ModelConfig, StiffnessModel
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.reports.dataset import DatasetFacts, Distribution
from lattice_gnn.reports.document import plain
from lattice_gnn.tensors.notation import UPPER
from viz.sheet import draw_histograms, draw_sheet

Figures = dict[str, Any]
Pick = Callable[[DatasetFacts], Distribution | None]

READER = """
import re, sys, time
from pathlib import Path
from data.datasets.file import read_dataset
def memory(kind):
    return 1024 * int(re.search(kind + r":\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
before, start = memory("VmRSS"), time.perf_counter()
dataset = read_dataset(Path(sys.argv[1]))
seconds = time.perf_counter() - start
print(len(dataset), seconds, memory("VmRSS") - before, memory("VmHWM") - before)
"""


def cpu_seconds() -> float:
    """Return the CPU time of this process and its finished children."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def net_rate(count: int) -> Figures:
    """Measure sound nets per second of CPU time, on one core."""
    sample_net(NetSampling(), 0, 0)
    start = time.process_time()
    for index in range(count):
        sample_net(NetSampling(), 1, index)
    return {"nets": count, "nets_per_s": count / (time.process_time() - start)}


def generation(count: int, path: Path, workers: int) -> Figures:
    """Measure the time to draw and label ``count`` nets at three densities."""
    population = Population(count=count, seed=1, densities=(0.003, 0.03, 0.1))
    start = time.perf_counter()
    dataset = generate(population, path, Workers(workers))
    return {
        "bases": count,
        "lattices": len(dataset),
        "workers": workers,
        "wall_s": time.perf_counter() - start,
    }


def reading(dataset: Dataset, count: int, folder: Path) -> Figures:
    """Measure time and memory to read ``count`` lattices, in a separate process."""
    copies = -(-count // len(dataset))
    large = concatenate([dataset] * copies).select(np.arange(count))
    path = folder / "large.h5"
    write_dataset(path, large)
    best: list[float] = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=True
        )
        row = [float(word) for word in done.stdout.split()]
        best = row if not best or row[1] < best[1] else best
    return {
        "lattices": int(best[0]),
        "seconds": best[1],
        "megabytes": best[2] / 1e6,
        "peak_megabytes": best[3] / 1e6,
        "file_megabytes": path.stat().st_size / 1e6,
    }


def collation(dataset: Dataset, size: int = 64) -> Figures:
    """Measure the time to collate a batch, and the forward pass of the default model."""
    rng = np.random.default_rng(0)
    chosen = [rng.choice(len(dataset), size, replace=False) for _ in range(6)]
    model = StiffnessModel(ModelConfig(), Normaliser()).eval()

    def best(function: Any) -> float:
        times = []
        for part in chosen:
            start = time.perf_counter()
            function(part)
            times.append(time.perf_counter() - start)
        return 1e3 * min(times)

    batches = {id(part): dataset.to_batch(part).simplified() for part in chosen}
    with torch.no_grad():
        return {
            "batch": size,
            "collate_ms": best(dataset.to_batch),
            "forward_ms": best(lambda part: model(batches[id(part)])),
        }


def from_catalogue(path: Path) -> Dataset:
    """Read a .lat catalogue with its reference tensors as labels."""
    entries = [entry for entry in read_lat(path) if entry.references]
    lattices, base, labels = [], [], []
    for number, entry in enumerate(entries):
        for lattice, stiffness in entry.pairs():
            lattices.append(lattice)
            base.append(number)
            labels.append(stiffness.mandel.numpy()[UPPER])
    identities = [identify(entry.lattice) for entry in entries]
    bases = Bases(
        np.array([entry.name.encode() for entry in entries]),
        np.array([x.shape.encode() for x in identities]),
        np.array([x.net.encode() for x in identities]),
        np.array([crystal_symmetry(e.lattice, 1e-3).space_group for e in entries], dtype=np.int16),
    )
    dataset = Dataset.from_lattices(lattices, bases, np.array(base), np.zeros(len(lattices)))
    label = Label(np.array(labels), np.ones(len(lattices), dtype=bool), "as published", 1e-3)
    return Dataset(
        **{name: getattr(dataset, name) for name in dataset.__slots__ if name != "labels"},
        labels={"beam": label},
    )


def population_table(ours: DatasetFacts, published: DatasetFacts | None) -> str:
    """Return the statistics of two populations side by side."""
    rows = ["| | generated: median (p10–p90; min–max) | published sample |", "|---|---|---|"]

    def cell(facts: DatasetFacts | None, pick: Pick) -> str:
        s = None if facts is None else pick(facts)
        if s is None:
            return ""
        return f"{s.median:.3g} ({s.p10:.3g}–{s.p90:.3g}; {s.min:.3g}–{s.max:.3g})"

    picks: dict[str, Pick] = {
        "nodes": lambda facts: facts.nodes,
        "struts": lambda facts: facts.struts,
        "mean number of struts at a node": lambda facts: facts.connectivity,
        "relative density": lambda facts: facts.relative_density,
        "largest radius over length": lambda facts: facts.slenderness,
        "mean eigenvalue of C/E_s over density": lambda facts: facts.labels["beam"].C,
        "largest over smallest eigenvalue of C": lambda facts: facts.labels["beam"].anisotropy,
    }
    rows += [f"| {t} | {cell(ours, p)} | {cell(published, p)} |" for t, p in picks.items()]
    systems = sorted(ours.systems, key=lambda name: -ours.systems[name])

    def share(facts: DatasetFacts | None, system: str) -> str:
        if facts is None:
            return ""
        return f"{100 * facts.systems.get(system, 0) / facts.bases:.1f} %"

    rows += [f"| {s} | {share(ours, s)} | {share(published, s)} |" for s in systems]
    return "\n".join(rows)


def markdown(figures: Figures, ours: DatasetFacts, published: DatasetFacts | None) -> str:
    """Return the measured part of the page."""
    g, r, c = figures["generation"], figures["reading"], figures["collation"]
    published_size = (
        ""
        if published is None
        else f" and {published.bases} published ones ({published.lattices} lattices)"
    )
    spread = (
        f"{ours.bases:,} generated base lattices ({ours.lattices:,} lattices, "
        f"{ours.nets:,} different nets, {ours.space_groups} space groups)"
    )
    return "\n\n".join(
        [
            f"### The population\n\n{spread}{published_size}:",
            population_table(ours, published),
            "![Histograms](images/data-population.png)",
            "![Contact sheet](images/data-sheet.png)",
            f"### Speed\n\nMeasured on {platform.machine()}, torch "
            f"{torch.__version__.partition('+')[0]}, one thread per process, on a "
            "shared machine.",
            "| what | measured |\n|---|---|\n"
            f"| sound nets, one core | {figures['nets']['nets_per_s']:.0f} per CPU second |\n"
            f"| {g['bases']:,} nets × 3 densities drawn, labelled, written, {g['workers']} "
            f"workers | {g['wall_s']:.0f} s |\n"
            f"| {r['lattices']:,} lattices read ({r['file_megabytes']:.0f} MB) | "
            f"{r['seconds']:.2f} s, {r['megabytes']:.0f} MB kept, {r['peak_megabytes']:.0f} MB at "
            "the peak |\n"
            f"| a batch of {c['batch']} collated | {c['collate_ms']:.2f} ms |\n"
            f"| the default model's forward pass on it | {c['forward_ms']:.0f} ms |",
        ]
    )


def main() -> None:
    """Measure, print, and write the requested outputs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bases", type=int, default=10_000, help="nets to draw and label")
    parser.add_argument("--nets", type=int, default=300, help="nets drawn to time drawing alone")
    parser.add_argument("--read", type=int, default=100_000, help="lattices of the file to read")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--published", type=Path, help="a .lat catalogue to compare with")
    parser.add_argument("--population", type=int, default=2000, help="bases of the histograms")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--update-docs", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: Figures = {"nets": net_rate(options.nets)}
        figures["generation"] = generation(options.bases, folder / "made.h5", options.workers)
        made = read_dataset(folder / "made.h5")
        figures["reading"] = reading(made, options.read, folder)
        figures["collation"] = collation(made)
        shown = generate(
            Population(count=options.population), folder / "shown.h5", Workers(options.workers)
        )
        figures["cpu_s"] = cpu_seconds()
    published = None if options.published is None else from_catalogue(options.published)
    facts = (describe(shown), None if published is None else describe(published))
    text = markdown(figures, *facts)
    sys.stdout.write(text + "\n")
    if options.json is not None:
        options.json.write_text(json.dumps({**figures, "population": plain(facts[0])}, indent=1))
    if options.update_docs:
        write_section("population", text, DOCS / "data.md")
        draw_pictures(shown, published, DOCS / "images")


def draw_pictures(shown: Dataset, published: Dataset | None, folder: Path) -> None:
    """Draw the histograms and the contact sheet of the page."""
    folder.mkdir(exist_ok=True)
    sets = {"generated": shown} | ({} if published is None else {"published sample": published})
    draw_histograms(
        folder / "data-population.png",
        {name: population_values(dataset) for name, dataset in sets.items()},
        {name: describe(dataset).systems for name, dataset in sets.items()},
    )
    _, first = np.unique(shown.base, return_index=True)
    draw_sheet(folder / "data-sheet.png", shown.lattices(first[:24]))


if __name__ == "__main__":
    main()
