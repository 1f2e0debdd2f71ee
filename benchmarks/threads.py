"""Wall time of predictions and of a short training on a machine that does other work.

    python benchmarks/threads.py [--files N] [--rounds N]

A command runs alone, then while every core is kept busy by another process, with the threads that
it chooses itself and with one thread per core (``OMP_NUM_THREADS``). The medians of the rounds and
their ratios are printed as a Markdown table; run it on a machine that is idle otherwise.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cli.terminal.threads import COUNT, WAIT, available_cores
from data.files import write
from lattice_gnn.cells.named import cell

ROOT = Path(__file__).parents[1]
NAMES = ("octet", "bcc", "kelvin", "diamond")
RECIPE = """model: {kind: joints}
train: {steps: 150, batch_size: 16}
data:
  cells: {count: 160, seed: 1, densities: [0.02, 0.2], perturbation: 0.1}
"""
COMMAND = "from cli.main import main; import sys; main(sys.argv[1:])"


def write_lattices(folder: Path, count: int) -> None:
    """Write perturbed named cells, one file each."""
    folder.mkdir()
    density = np.random.default_rng(0).uniform(0.02, 0.2, count)
    for k in range(count):
        lattice = cell(NAMES[k % len(NAMES)], relative_density=float(density[k]))
        write(folder / f"{k:04d}.json", lattice.perturbed(0.03, seed=k))


@contextmanager
def busy(cores: int) -> Iterator[None]:
    """Keep so many cores busy by other processes."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def seconds(arguments: Sequence[str], threads: int | None) -> float:
    """Return the wall time of one command."""
    environment = {k: v for k, v in os.environ.items() if k not in (COUNT, WAIT)}
    environment["PYTHONPATH"] = str(ROOT)
    if threads is not None:
        environment |= {COUNT: str(threads), WAIT: "ACTIVE"}
    start = time.perf_counter()
    words = [sys.executable, "-c", COMMAND, *arguments]
    subprocess.run(words, env=environment, capture_output=True, check=True)
    return time.perf_counter() - start


def measure(commands: dict[str, list[str]], rounds: int) -> list[tuple[str, str, float, float]]:
    """Return command, threads, and its time alone and beside busy processes."""
    cores = available_cores()
    rows = []
    for name, arguments in commands.items():
        for title, threads in (("own choice", None), (f"{cores}, spinning", cores)):
            alone, beside = [], []
            for number in range(rounds):
                where = [x.replace("RUN", f"{threads}-{number}") for x in arguments]
                alone.append(seconds([f"{x}-alone" if "run" in x else x for x in where], threads))
                with busy(cores):
                    beside.append(seconds(where, threads))
            rows.append((name, title, statistics.median(alone), statistics.median(beside)))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lattices(folder / "lattices", options.files)
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        commands = {
            f"predict, {options.files} files": ["predict", str(folder / "lattices")],
            "train, 150 steps of 16 cells": [
                "train", str(folder / "recipe.yaml"), "--output", str(folder / "run-RUN"),
                "--data", str(folder / "labels"),
            ],
        }  # fmt: skip
        rows = measure(commands, options.rounds)
    lines = ["| command | threads | alone | both cores busy | ratio |", "|---" * 5 + "|"]
    for command, threads, alone, beside in rows:
        ratio = beside / alone
        lines.append(f"| {command} | {threads} | {alone:.1f} s | {beside:.1f} s | {ratio:.1f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
