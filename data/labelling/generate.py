"""Populations with their labels: made in batches, on several cores or machines, and resumed.

A batch is some consecutive bases. At the end the batches are put together in order, duplicates
dropped.
"""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.datasets.dataset import Bases, Dataset
from data.datasets.file import read_dataset
from data.datasets.joining import concatenate
from data.labelling.batches import (
    ALONE,
    Made,
    OnProgress,
    Run,
    Workers,
    batches,
    claim,
    finish,
    finished,
    parallel,
    parts_folder,
    remove_parts,
)
from data.labelling.beam import BEAM, label_beam
from data.labelling.solid import SOLID_GENERATOR, SolidLabelling, label_dataset
from data.populations.population import Base, Population, make_base
from fem_reference.beam.compiled import pinned
from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError

_BATCH = 32  #: bases in a batch; part of what makes the bytes of a file
_FRUITLESS = 200  #: batches in a row without a new base after which the population is exhausted

Watch = Callable[[str], AbstractContextManager[OnProgress | None]]


def make_batch(population: Population, number: int) -> Dataset:
    """Make and label batch ``number``; duplicates are still in it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        bases = [make_base(population, number * _BATCH + k) for k in range(_BATCH)]
        dataset = _flat(bases)
        with pinned(population.lattices):  # one path for all batches: the same bytes
            return replace(dataset, labels={BEAM: label_beam(dataset.to_batch())})
    finally:
        torch.set_num_threads(threads)


def _flat(bases: Sequence[Base]) -> Dataset:
    return Dataset.from_lattices(
        [copy for base in bases for copy in base.copies],
        Bases(
            names=np.array([base.lattice.name.encode() for base in bases]),
            shapes=np.array([base.identity.shape.encode() for base in bases]),
            nets=np.array([base.identity.net.encode() for base in bases]),
            space_groups=np.array([base.symmetry.space_group for base in bases], dtype=np.int16),
        ),
        np.repeat(np.arange(len(bases)), [len(base.copies) for base in bases]),
        np.array([level for base in bases for level in base.levels]),
    )


def generate(
    population: Population,
    path: Path,
    workers: Workers = ALONE,
    *,
    on_progress: OnProgress | None = None,
) -> Dataset:
    """Make a population with beam labels and write it; an interrupted run goes on.

    Until the file is there, finished batches lie in a folder beside it, its name with ``.parts``.
    However often the run was killed, and whoever did the work, the file has the same bytes (same
    machine, same versions).

    Args:
        population: What to make.
        path: The HDF5 file.
        workers: Who does the work.
        on_progress: Called with the number of different bases made, and wanted.

    Returns:
        The finished dataset.

    Raises:
        LatticeGnnError: If the file or the folder holds something else, the scheduler is out of
            reach, or the population has fewer different bases than wanted.
    """
    plan = population_plan(population)
    folder = parts_folder(path)
    if path.exists():
        return finished(path, lambda last: last == plan)
    claim(folder, plan)
    try:
        chosen = _collect(population, folder, workers, on_progress)
    except LatticeGnnError:
        if not any(folder.glob("*.h5")):  # nothing was made: nothing stays
            remove_parts(folder)
        raise
    return finish(path, replace(concatenate(chosen), provenance=(plan,)))


def population_plan(population: Population) -> dict[str, Any]:
    """Everything that the bytes of its file depend on, plain values: its provenance."""
    return {
        "generator": "data.population",
        "bases_a_batch": _BATCH,
        "code_version": __version__,
        **json.loads(json.dumps(population.to_dict())),
    }


def _collect(
    population: Population, folder: Path, workers: Workers, on_progress: OnProgress | None
) -> list[Dataset]:
    """The new bases of every batch, in order, until there are enough."""
    seen: set[bytes] = set()
    chosen: list[Dataset] = []
    fruitless = 0
    with (
        parallel(workers, make_batch, population) as run,
        closing(_waves(population, folder, run)) as waves,
    ):
        for batch in waves:
            fresh = []
            for number, shape in enumerate(batch.bases.shapes.tolist()):
                if shape not in seen and len(seen) < population.count:
                    seen.add(shape)
                    fresh.append(number)
            fruitless = 0 if fresh else fruitless + 1
            if fresh:
                chosen.append(batch.select(np.flatnonzero(np.isin(batch.base, fresh))))
            if on_progress is not None:
                on_progress(len(seen), population.count)
            if len(seen) == population.count:
                return chosen
            if fruitless == _FRUITLESS:
                break
    raise LatticeGnnError(
        f"population: only {len(seen)} different bases found where {population.count} are wanted; "
        "lower the count or widen the settings."
    )


def _waves(population: Population, folder: Path, run: Run) -> Made:
    """All batches in order, without end."""
    plan = population_plan(population)
    wave = range(math.ceil(population.count / _BATCH))
    while True:
        yield from batches(folder, plan, wave, run)
        # Duplicates were dropped: a little more is needed.
        wave = range(wave.stop, wave.stop + max(1, wave.stop // 20))


def generate_solid(
    population: Population,
    path: Path,
    settings: SolidLabelling,
    workers: Workers = ALONE,
    *,
    watch: Watch = lambda _: nullcontext(),
) -> Dataset:
    """Make a population with both kinds of label; an interrupted run goes on.

    Until the solid labels are done the lattices lie in a file beside it, its name with
    ``.beam.h5``.

    Args:
        population: What to make.
        path: The HDF5 file.
        settings: How solids are computed.
        workers: Who does the work.
        watch: Gives, for the name of a stage, a context that gives what is called with progress.

    Raises:
        LatticeGnnError: As for ``generate`` and ``data.labelling.solid.label_dataset``.
    """
    if path.exists():
        provenance = read_dataset(path).provenance
        wanted = {"generator": SOLID_GENERATOR, "shard": "1/1", **asdict(settings)}
        if provenance[:1] == (population_plan(population),):
            return finished(path, lambda last: {**last, **wanted} == last)
        return finished(path, lambda _: False)
    beams = path.with_name(f"{path.name}.beam.h5")
    with watch("base lattices") as on_progress:
        generate(population, beams, workers, on_progress=on_progress)
    with watch("solid FEM") as on_progress:
        dataset = label_dataset(beams, path, settings, workers, on_progress=on_progress)
    beams.unlink()
    return dataset
