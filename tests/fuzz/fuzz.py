"""Damaged files for every reader: each gives lattices or one short sentence, and soon.

``python tests/fuzz/fuzz.py --seconds 300`` (or ``make fuzz``) mutates files of every format; a
finding is kept in ``tests/fuzz/found`` and printed with its seed, and the exit code is 1.
"""

import argparse
import math
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from data.datasets.file import read_dataset, write_dataset
from data.experiments.comparison_config import read_comparison
from data.experiments.recipe import read_recipe
from data.formats import FORMATS, read_any, write_any
from data.populations.population import Population
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import read_yaml

SECONDS = 10
"""Of processor time, for one file."""
MEMORY = 3 * 2**30
"""Of the whole process, in which everything is loaded."""
LONGEST = 1200
"""Characters of a sentence: the path and what is wrong with the file."""
DATASETS = 5
"""A dataset is damaged in one of so many rounds."""
ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).with_name("found")
CORPUS = Path(__file__).with_name("corpus")

NAMES = {"json": "x.json", "3mf": "x.3mf", "ltcx": "x.ltcx", "text": "x.txt", "csv": "x_nodes.csv",
         "abaqus": "x.inp", "calculix": "y.inp", "vtu": "x.vtu", "vtk": "x.vtk", "xdmf": "x.xdmf",
         "gmsh": "x.msh", "lat": "x.lat"}  # fmt: skip
NUMBERS = [b"0", b"-1", b"1e300", b"1e-300", b"1e400", b"nan", b"-inf", b"99999999999", b"0x10",
           b"1_0", "١٢".encode(), b"1d5", b"", b"1e-3", b"4294967295", b"9" * 5000]  # fmt: skip
WORDS = [b"*ELSET, ELSET=A, GENERATE\n1, 9999999, 1\n", b"*INIT\n", b"*NODE\n", b"<setattr/>",
         b"[" * 300, b"\n" * 5000, b" " * 60000, b"\xff\xfe", b"\0", b"{", b"}", b"\xed\xa0\x80",
         b"$x$", b"a" * 5000, b"!!int x", b"&a [*a]", b"2001-01-01", b"<!DOCTYPE x>"]  # fmt: skip
_NUMBER = re.compile(rb"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")

Reader = Callable[[Path], object]


class TookTooLong(Exception):  # noqa: N818 (it is raised by the clock)
    """A reader did not come to an end."""


def seeds(folder: Path) -> dict[str, tuple[str, bytes, Reader]]:
    """Return a good file of every kind: its name, its bytes, and what reads it."""
    lattice = cell("bcc", radius=0.05)
    found: dict[str, tuple[str, bytes, Reader]] = {}
    for kind in (x.kind for x in FORMATS if x.writer):
        path = folder / NAMES[kind]
        write_any(path, [lattice], kind)
        found[kind] = (path.name, path.read_bytes(), _lattices)
    configs = ROOT / "lattice_gnn" / "configs"
    recipe = sorted(x for x in configs.glob("*.yaml") if "comparison" not in x.name)[0]
    found["recipe"] = ("x.yaml", recipe.read_bytes(), read_recipe)
    found["comparison"] = ("x.yaml", (configs / "comparison.yaml").read_bytes(), read_comparison)
    found["population"] = (
        "x.yaml",
        b"count: 3\nseed: 1\ndensity_range: [0.01, 0.1]\ndraws: 2\nnets: {sites: [1, 2]}\n",
        lambda path: Population.from_dict(read_yaml(path)),
    )
    for path in sorted(CORPUS.glob("*")):
        found[f"corpus {path.name}"] = (path.name, path.read_bytes(), _lattices)
    return found


def dataset_seed(folder: Path) -> tuple[str, bytes, Reader]:
    """Return a dataset as a seed; damaged ones take a process each, so they are tried seldom."""
    whole = read_dataset(ROOT / "data" / "solid_set" / "weak_test.h5")
    write_dataset(folder / "x.h5", whole.select(np.array([0, 1])))
    return "x.h5", (folder / "x.h5").read_bytes(), _dataset


def _dataset(path: Path) -> object:
    """Read a dataset and use it as commands do."""
    dataset = read_dataset(path)
    for lattice in dataset.lattices(np.arange(len(dataset))):
        lattice.connectivity()
    return dataset.to_batch()


def _lattices(path: Path) -> object:
    """Read lattices and use them as every command does."""
    lattices = read_any(path)
    for lattice in lattices:
        if not math.isfinite(lattice.relative_density) or lattice.relative_density <= 0:
            raise ValueError(f"relative density {lattice.relative_density}")
        lattice.connectivity()
        lattice.name.encode("utf-8")
    return lattices


def mutated(content: bytes, generator: random.Random) -> bytes:
    """Return a damaged copy: bits, pieces, numbers and lines of it changed, one to five times."""
    data = bytearray(content)
    for _ in range(generator.randint(1, 5)):
        at = generator.randrange(len(data) + 1)
        kind = generator.randrange(7)
        if kind == 0 and at < len(data):
            data[at] = generator.randrange(256)
        elif kind == 1:
            del data[at : at + generator.choice((1, 4, 40, 400))]
        elif kind == 2:
            data[at:at] = generator.choice(WORDS)
        elif kind == 3:
            numbers = list(_NUMBER.finditer(bytes(data)))
            if numbers:
                place = generator.choice(numbers)
                data[place.start() : place.end()] = generator.choice(NUMBERS)
        elif kind == 4:
            size = generator.choice((1, 10, 100))
            data[at:at] = data[at : at + size] * generator.choice((1, 3, 50))
        elif kind == 5:
            lines = bytes(data).split(b"\n")
            generator.shuffle(lines)
            data = bytearray(b"\n".join(lines))
        else:
            del data[at:]
    return bytes(data)


def fault(path: Path, read: Reader) -> str:
    """Return what is wrong with how a file is read, "" if nothing is."""

    def stop(*_: object) -> None:
        raise TookTooLong

    old = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except LatticeGnnError as error:
        text = str(error)
        if "\n" in text or len(text) > LONGEST or not text.isprintable():
            return f"sentence of {len(text)} characters: {text[:200]!r}"
    except TookTooLong:
        return f"more than {SECONDS} s"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {frame.name}: {str(error)[:100]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)
    return ""


def run(seconds: float, seed: int, rounds: int | None = None) -> Iterator[tuple[str, int, str]]:
    """Damage and read until the time is over; yield kind, number and fault of every finding."""
    start, number = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = seeds(folder)
        dataset = dataset_seed(folder)
        while time.monotonic() - start < seconds and (rounds is None or number < rounds):
            now = {**kinds, "dataset": dataset} if number % DATASETS == 0 else kinds
            for kind, (file, content, read) in now.items():
                generator = random.Random(f"{seed} {number} {kind}")
                path = folder / file
                path.write_bytes(mutated(content, generator))
                what = fault(path, read)
                if what:
                    FOUND.mkdir(exist_ok=True)
                    (FOUND / f"{kind}-{seed}-{number}{path.suffix}").write_bytes(path.read_bytes())
                    yield kind, number, what
                path.write_bytes(content)  # both tables of a lattice in CSV must be there
            number += 1
    sys.stdout.write(f"{number} rounds of {len(kinds)} files\n")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    count = 0
    for kind, number, what in run(options.seconds, options.seed):
        count += 1
        sys.stdout.write(f"{kind} {options.seed} {number}: {what}\n")
    sys.stdout.write(f"{count} findings, in {FOUND}\n" if count else "nothing found\n")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
