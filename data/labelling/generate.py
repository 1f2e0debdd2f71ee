"""Generation of labelled populations, in batches, parallel and resumable.

A batch consists of consecutive bases. Finally the batches are concatenated in order, without
duplicates.
"""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

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
from fem_reference.loading import pinned
from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError

_BATCH = 32  #: bases per batch; the bytes of a file depend on it
_FRUITLESS = 200  #: consecutive batches without a new base after which the population is exhausted

Watch = Callable[[str], AbstractContextManager[OnProgress | None]]


def make_batch(population: Population, number: int) -> Dataset:
    """Generate and label batch ``number``, including duplicates."""
    bases = [make_base(population, number * _BATCH + k) for k in range(_BATCH)]
    dataset = _flat(bases)
    with pinned(population.lattices):  # the same path for all batches, hence the same bytes
        return replace(dataset, labels={BEAM: label_beam(dataset.to_batch())})


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
    """Generate a population with beam labels and write it; an interrupted run resumes.

    Until the file is complete, finished batches lie in a folder beside it, its name with
    ``.parts``. The file has the same bytes however often the run was interrupted and whatever the
    number of workers (same machine, same versions).

    Args:
        population: The population.
        path: The HDF5 file.
        workers: Processes that do the work.
        on_progress: Called with the numbers of different bases generated and requested.

    Returns:
        The finished dataset.

    Raises:
        LatticeGnnError: If the file or the folder belongs to another run, the scheduler cannot be
            reached, or the population has fewer different bases than requested.
    """
    plan = population_plan(population)
    folder = parts_folder(path)
    if path.exists():
        return finished(path, lambda last: last == plan)
    claim(folder, plan)
    try:
        chosen = _collect(population, folder, workers, on_progress)
    except LatticeGnnError:
        if not any(folder.glob("*.h5")):  # nothing was generated: leave nothing behind
            remove_parts(folder)
        raise
    return finish(path, replace(concatenate(chosen), provenance=(plan,)))


def population_plan(population: Population) -> dict[str, Any]:
    """Return everything that the bytes of its file depend on, as plain values: its provenance."""
    return {
        "generator": "data.population",
        "bases_a_batch": _BATCH,
        "code_version": __version__,
        **json.loads(json.dumps(population.to_dict())),
    }


def _collect(
    population: Population, folder: Path, workers: Workers, on_progress: OnProgress | None
) -> list[Dataset]:
    """Collect the new bases of every batch, in order, until there are enough."""
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
        f"population: expected {population.count} different bases, found only {len(seen)}; "
        "lower the count or widen the settings."
    )


def _waves(population: Population, folder: Path, run: Run) -> Made:
    """Yield all batches in order, endlessly."""
    plan = population_plan(population)
    wave = range(math.ceil(population.count / _BATCH))
    while True:
        yield from batches(folder, plan, wave, run)
        # Duplicates were dropped: a few more batches are needed.
        wave = range(wave.stop, wave.stop + max(1, wave.stop // 20))


def generate_solid(
    population: Population,
    path: Path,
    settings: SolidLabelling,
    workers: Workers = ALONE,
    *,
    watch: Watch = lambda _: nullcontext(),
) -> Dataset:
    """Generate a population with beam and solid labels; an interrupted run resumes.

    Until the solid labels are complete, the lattices lie in a file beside it, its name with
    ``.beam.h5``.

    Args:
        population: The population.
        path: The HDF5 file.
        settings: Settings of the solid reference.
        workers: Processes that do the work.
        watch: Returns, for the name of a stage, a context manager that yields a progress callback.

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
