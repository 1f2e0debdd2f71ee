"""Processor time of whole commands with and without compiled code.

    python benchmarks/commands.py [--bases N] [--starts N] [--update-docs]

Every command runs alternately with NUMBA_DISABLE_JIT=1, which keeps beam FEM and the joint models
on torch, and without: user plus system time of the process, from its start to its end. The smaller
of two runs counts; all take some minutes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pages import DOCS, table, write_section

from data.datasets.file import read_dataset
from data.formats.lat import CatalogueEntry, write_lat
from lattice_gnn.tensors.stiffness import Stiffness

ROOT = Path(__file__).parents[1]
CODE = "import sys; from cli.main import main; main(sys.argv[1:])"
ROUNDS = 2
DENSITIES = 10  #: of every base


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        title: What it does.
        words: Its arguments; OUT is a new folder in every run.
    """

    title: str
    words: tuple[str, ...]


def seconds(command: Command, *, compiled: bool) -> float:
    """Return user plus system time of one run."""
    environment = {"NUMBA_DISABLE_JIT": "0" if compiled else "1"}
    before = os.times()
    with tempfile.TemporaryDirectory() as out:
        run([word.replace("OUT", out) for word in command.words], environment)
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command of this checkout on one thread."""
    subprocess.run(
        [sys.executable, "-c", CODE, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def catalogue(dataset: Path, path: Path) -> int:
    """Write a catalogue of reference tensors, those of beam FEM itself; return their number."""
    data = read_dataset(dataset)
    batch, C = data.labelled("beam", np.flatnonzero(data.labels["beam"].mask))
    pairs = [
        (float(density), Stiffness(stiffness))
        for density, stiffness in zip(batch.relative_density, C, strict=True)
    ]
    lattices = batch.to_lattices()
    entries = [
        CatalogueEntry(
            lattices[k].replace(name=f"net{k}"), references=tuple(pairs[k : k + DENSITIES])
        )
        for k in range(0, len(pairs), DENSITIES)
    ]
    write_lat(path, entries)
    return len(pairs)


def commands(folder: Path, bases: int, starts: int) -> list[Command]:
    """Return the commands; the catalogue is made from the dataset of the first."""
    dataset, listed, start = (folder / x for x in ("nets.h5", "catalogue.lat", "octet.json"))
    make = (
        "generate",
        "--count",
        f"{bases}",
        "--densities",
        f"0.002:0.05:{DENSITIES}",
        "--workers",
        "1",
    )
    make += ("-o",)
    run([*make, str(dataset)])
    lattices = catalogue(dataset, listed)
    run(["make", "octet", "--relative-density", "0.1", "-o", str(start)])
    design = ("design", str(start), "-o", "OUT/design.json", "--maximise", "E[111]")
    design += ("--subject-to", "relative_density <= 0.1", "--starts", f"{starts}")
    design += ("--break-symmetry",)
    return [
        Command(
            f"generate {bases:,} bases at {DENSITIES} densities with beam labels",
            (*make, "OUT/nets.h5"),
        ),
        Command(f"validate a catalogue of {lattices:,} tensors", ("validate", str(listed))),
        Command(f"design with {starts} starts of up to 200 steps", design),
    ]


def measure(bases: int, starts: int) -> list[tuple[str, float, float]]:
    """Return the titles of the commands with their times by torch and with compiled code, s."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for command in commands(Path(name), bases, starts):
            runs = [
                [seconds(command, compiled=compiled) for compiled in (False, True)]
                for _ in range(ROUNDS)
            ]
            slow, fast = np.min(runs, axis=0).tolist()
            rows.append((command.title, slow, fast))
    return rows


def main() -> None:
    """Print the table, and write it into the docs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bases", type=int, default=500, help="base lattices of generate")
    parser.add_argument("--starts", type=int, default=64, help="starts of design")
    parser.add_argument("--update-docs", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [
        (title, f"{slow:.1f}", f"{fast:.1f}", f"{slow / fast:.2f}")
        for title, slow, fast in measure(options.bases, options.starts)
    ]
    text = table(("command", "torch, s", "compiled, s", "ratio"), rows)
    sys.stdout.write(f"{text}\n")
    if options.update_docs:
        write_section("commands", text, DOCS / "performance.md")


if __name__ == "__main__":
    main()
