"""Making a labelled dataset in batches, on several cores or machines, and resuming it.

The work is cut into batches of consecutive bases. A batch is a pure function of the population and
its number, so it may be made anywhere and again; each is written to a file of its own, which
appears whole or not at all. At the end the batches are put together in order, duplicates dropped.
"""

import json
import math
import os
import shutil
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from data.dataset import UPPER, Bases, Dataset, Label, concatenate
from data.dataset_file import read_dataset, write_dataset
from data.population import Base, Population, make_base
from fem_reference.beam import homogenise_beam
from fem_reference.factor import IllConditionedError
from lattice_gnn import __version__
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.graph import LatticeBatch

BEAM = "beam"
BEAM_METHOD = "periodic beam FEM, Euler-Bernoulli, joints are points"
BEAM_ERROR = 1e-9
"""Relative error of the softest eigenvalue that the beam solver admits; the model error of beam
theory against a solid is not in it."""
_BATCH = 32  #: bases in a batch; part of what makes the bytes of a file
_FRUITLESS = 200  #: batches in a row without a new base after which the population is exhausted
_CONNECT_SECONDS = 20

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does the work.

    Attributes:
        count: Processes on this machine.
        scheduler: Address of a running Dask scheduler, such as ``tcp://host:8786``, whose workers
            are used instead; they need lattice-gnn installed.
    """

    count: int = 1
    scheduler: str | None = None

    def __post_init__(self) -> None:
        """Check the number."""
        if self.count < 1:
            raise LatticeGnnError(f"workers: expected at least 1, got {self.count}.")


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
    workers: Workers = Workers(),
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
    plan = {
        "generator": "data.population",
        "bases_a_batch": _BATCH,
        "code_version": __version__,
        **json.loads(json.dumps(population.to_dict())),
    }
    folder = path.with_name(f"{path.name}.parts")
    if path.exists():
        return _finished(path, folder, plan)
    _claim(folder, plan)
    try:
        chosen = _collect(population, folder, workers, on_progress)
    except LatticeGnnError:
        if not any(folder.glob("*.h5")):  # nothing was made: nothing stays
            shutil.rmtree(folder, ignore_errors=True)
        raise
    dataset = replace(concatenate(chosen), provenance=(plan,))
    write_dataset(folder / "whole.h5", dataset)
    os.replace(folder / "whole.h5", path)
    shutil.rmtree(folder, ignore_errors=True)
    return dataset


def _finished(path: Path, folder: Path, plan: dict[str, Any]) -> Dataset:
    dataset = read_dataset(path)
    if dataset.provenance != (plan,):
        raise LatticeGnnError(
            f"{path}: exists already and was made otherwise; choose another file or remove it."
        )
    shutil.rmtree(folder, ignore_errors=True)
    return dataset


def _claim(folder: Path, plan: dict[str, Any]) -> None:
    """Make the folder of parts, or make sure that it belongs to the same run."""
    text = json.dumps(plan, indent=1, sort_keys=True)
    file = folder / "plan.json"
    try:
        folder.mkdir(exist_ok=True)
        if not file.exists():
            part = folder / f".plan.{os.getpid()}"
            part.write_text(text)
            part.replace(file)
        known = file.read_text()
        if known != text and not any(folder.glob("*.h5")):
            known = text  # nothing was made under the old plan
            file.write_text(text)
    except OSError as error:
        raise LatticeGnnError(f"{folder}: cannot be used ({error.strerror}).") from None
    if known != text:
        raise LatticeGnnError(
            f"{folder}: holds an unfinished run with other settings; choose another file, or "
            "remove the folder to start anew."
        )


def _collect(
    population: Population, folder: Path, workers: Workers, on_progress: OnProgress | None
) -> list[Dataset]:
    """The new bases of every batch, in order, until there are enough."""
    seen: set[bytes] = set()
    chosen: list[Dataset] = []
    fruitless = 0
    with _parallel(workers) as run, closing(_batches(population, folder, run)) as batches:
        for batch in batches:
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


_Made = Generator[Dataset, None, None]
_Run = Callable[[Population, Sequence[int]], _Made]


def _batches(population: Population, folder: Path, run: _Run) -> _Made:
    """All batches in order, without end; those that are not there yet are made and kept."""
    wave = range(math.ceil(population.count / _BATCH))
    while True:
        files = {number: folder / f"{number:07d}.h5" for number in wave}
        missing = [number for number, file in files.items() if not _is_whole(file)]
        made = run(population, missing)
        try:
            for number, file in files.items():
                if number in missing:
                    batch = next(made)
                    write_dataset(file, batch)
                    yield batch
                else:
                    yield read_dataset(file)
        finally:
            with warnings.catch_warnings():  # that the rest of a wave is not wanted is no news
                warnings.filterwarnings("ignore", ".*cancelled", UserWarning)
                made.close()
        # Duplicates were dropped: a little more is needed.
        wave = range(wave.stop, wave.stop + max(1, wave.stop // 20))


def _is_whole(file: Path) -> bool:
    if not file.exists():
        return False
    try:
        read_dataset(file)
    except LatticeGnnError:
        return False
    return True


@contextmanager
def _parallel(workers: Workers) -> Iterator[_Run]:
    """A function that makes batches of the given numbers and yields them in order."""
    with _backend(workers) as count:

        def run(population: Population, numbers: Sequence[int]) -> _Made:
            parallel = joblib.Parallel(n_jobs=count, return_as="generator", batch_size=1)
            tasks = (joblib.delayed(make_batch)(population, number) for number in numbers)
            made: _Made = parallel(tasks)
            return made

        yield run


@contextmanager
def _backend(workers: Workers) -> Iterator[int]:
    """Choose who works; yields the number of jobs."""
    if workers.scheduler is None:
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            yield workers.count
        return
    try:
        from distributed import Client
    except ImportError:
        raise LatticeGnnError(
            "scheduler: dask is not installed; install lattice-gnn with the extra 'cluster'."
        ) from None
    try:
        client = Client(workers.scheduler, timeout=_CONNECT_SECONDS)
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise LatticeGnnError(
            f"scheduler {workers.scheduler}: cannot be reached ({reason}); start it with "
            "`dask scheduler` and `dask worker`, or correct the address."
        ) from None
    with client, joblib.parallel_config(backend="dask"):
        yield -1
