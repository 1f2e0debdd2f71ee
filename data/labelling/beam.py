"""Populations with beam labels: made in batches, on several cores or machines, and resumed.

A batch is some consecutive bases. At the end the batches are put together in order, duplicates
dropped.
"""

import json
import math
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.datasets.dataset import UPPER, Bases, Dataset, Label
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
)
from data.populations.population import Base, Population, make_base
from fem_reference.beam.factor import IllConditionedError
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch

BEAM = "beam"
BEAM_METHOD = "periodic beam FEM, Euler-Bernoulli, joints are points"
BEAM_ERROR = 1e-9
"""Relative error of the softest eigenvalue that the beam solver admits; the model error of beam
theory against a solid is not in it."""
_BATCH = 32  #: bases in a batch; part of what makes the bytes of a file
_FRUITLESS = 200  #: batches in a row without a new base after which the population is exhausted


def label_beam(batch: LatticeBatch) -> Label:
    """Label lattices by beam FEM; one that the solver refuses stays without label."""
    mask = np.ones(len(batch), dtype=bool)
    while mask.any():
        try:
            C = homogenise_beam(batch.select(np.flatnonzero(mask))).stiffness.mandel.numpy()
            break
        except IllConditionedError as error:
            mask[np.flatnonzero(mask)[error.lattice]] = False
    stiffness = np.full((len(batch), 21), np.nan)
    if mask.any():
        stiffness[mask] = C[:, UPPER[0], UPPER[1]]
    return Label(stiffness, mask, BEAM_METHOD, BEAM_ERROR)


def make_batch(population: Population, number: int) -> Dataset:
    """Make and label batch ``number``; duplicates are still in it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        bases = [make_base(population, number * _BATCH + k) for k in range(_BATCH)]
        dataset = _flat(bases)
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
            shutil.rmtree(folder, ignore_errors=True)
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
