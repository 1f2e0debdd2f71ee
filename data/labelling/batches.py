"""Batches of a long computation: parallel on cores or machines, and resumable.

A batch is a pure function of the plan and its number, so it can be computed anywhere and repeated.
Each batch is computed on one thread, so that its last bits do not depend on where, and written
atomically to its own file.
"""

import hashlib
import json
import os
import re
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from data.datasets.dataset import Dataset
from data.datasets.file import read_dataset, write_dataset
from data.labelling.orphans import end_with, interrupts_kept_from_children
from data.threads import one_thread
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.files import write_whole

_CONNECT_SECONDS = 20
_OWN = re.compile(r"\d{7}\.h5|plan\.json|whole\.h5|\.(\d{7}|plan|whole)\..*\.part.*")
"""Names of the files of a folder of parts."""

OnProgress = Callable[[int, int], None]
Plan = Mapping[str, Any]
Made = Generator[Dataset, None, None]
Run = Callable[[Sequence[int]], Made]
"""Computes the batches of the given numbers and yields them in order."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes that compute the batches.

    Attributes:
        count: Number of processes on this machine.
        scheduler: Address of a running Dask scheduler, such as ``tcp://host:8786``, whose workers
            are used instead; they need lattice-gnn installed.
    """

    count: int = 1
    scheduler: str | None = None

    def __post_init__(self) -> None:
        """Check the number."""
        if self.count < 1:
            raise LatticeGnnError(f"workers: expected at least 1, got {self.count}.")


ALONE = Workers()
"""One process."""


def parts_folder(path: Path) -> Path:
    """Return the folder of the batches until the file ``path`` exists."""
    return path.with_name(f"{path.name}.parts")


def claim(folder: Path, plan: Plan) -> None:
    """Create the folder of batches, or check that it belongs to the same run.

    Raises:
        LatticeGnnError: If it holds batches of another run, or cannot be used.
    """
    text = json.dumps(plan, indent=1, sort_keys=True)
    file = folder / "plan.json"
    try:
        folder.mkdir(exist_ok=True)
        if not file.exists():
            write_whole(file, text)
        known = file.read_text("utf-8")
        if known != text and not any(folder.glob("*.h5")):
            known = text  # it holds no batch of the old plan
            write_whole(file, text)
    except OSError as error:
        raise LatticeGnnError(f"{folder}: cannot be used ({error.strerror}).") from None
    if known != text:
        raise LatticeGnnError(
            f"{folder}: holds an unfinished run with other settings; choose another file, or "
            "remove the folder to start again."
        )


def finished(path: Path, is_last: Callable[[Mapping[str, Any]], bool]) -> Dataset:
    """Read a file that exists already, and remove leftover batches.

    Raises:
        LatticeGnnError: If, according to ``is_last``, the last entry of its provenance is not this
            run.
    """
    dataset = read_dataset(path)
    if not dataset.provenance or not is_last(dataset.provenance[-1]):
        raise LatticeGnnError(
            f"{path}: exists already, made with other settings; choose another file or remove it."
        )
    remove_parts(parts_folder(path))
    return dataset


def finish(path: Path, dataset: Dataset, *, compressed: bool = False) -> Dataset:
    """Write the file and remove the batches."""
    folder = parts_folder(path)
    write_dataset(folder / "whole.h5", dataset, compressed=compressed)
    os.replace(folder / "whole.h5", path)
    remove_parts(folder)
    return dataset


def remove_parts(folder: Path) -> None:
    """Remove the files of a run from its folder of batches; other files are kept."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for file in folder.iterdir():
        if _OWN.fullmatch(file.name) and file.is_file() and not file.is_symlink():
            file.unlink(missing_ok=True)
    with suppress(OSError):  # other files are left
        folder.rmdir()


def batches(folder: Path, plan: Plan, numbers: Sequence[int], run: Run) -> Made:
    """Yield the batches of these numbers in order; missing ones are computed and stored.

    Every file carries a hash of the plan; batches of another plan are computed again.
    """
    mark = {"plan": hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()}
    files = {number: folder / f"{number:07d}.h5" for number in numbers}
    missing = {number for number, file in files.items() if not _is_whole(file, mark)}
    made = run(sorted(missing))
    try:
        for number, file in files.items():
            if number in missing:
                batch = next(made)
                batch = replace(batch, provenance=(*batch.provenance, mark))
                write_dataset(file, batch)
                yield batch
            else:
                yield read_dataset(file)
    finally:
        with warnings.catch_warnings():  # joblib warns about results not consumed
            warnings.filterwarnings("ignore", ".*cancelled", UserWarning)
            made.close()


def _is_whole(file: Path, mark: Plan) -> bool:
    if not file.exists():
        return False
    try:
        provenance = read_dataset(file).provenance
    except LatticeGnnError:
        return False
    return provenance[-1:] == (mark,)


@contextmanager
def parallel(workers: Workers, make: Callable[..., Dataset], *arguments: Any) -> Iterator[Run]:
    """Return a function that computes batches, ``make(*arguments, number)``, on the workers.

    Raises:
        LatticeGnnError: If the scheduler cannot be reached; from the function, if a process is
            killed.
    """
    with _backend(workers) as count:

        def run(numbers: Sequence[int]) -> Made:
            parent = os.getpid() if workers.scheduler is None and count != 1 else None
            task = joblib.delayed(_in_worker)
            try:
                with interrupts_kept_from_children():
                    jobs = joblib.Parallel(n_jobs=count, return_as="generator", batch_size=1)
                    made = jobs(task(parent, make, *arguments, number) for number in numbers)
                yield from made
            except TerminatedWorkerError:
                raise LatticeGnnError(
                    "workers: one was killed, most likely because it ran out of memory; resume "
                    "with fewer workers or, for solids, a lower memory limit."
                ) from None

        yield run


def _in_worker(parent: int | None, make: Callable[..., Dataset], *arguments: Any) -> Dataset:
    """Compute a batch, on one thread like all others, in a process that ends with its parent."""
    if parent is not None:
        end_with(parent)
    with one_thread():
        return make(*arguments)


@contextmanager
def _backend(workers: Workers) -> Iterator[int]:
    """Set up the joblib backend, and yield the number of jobs."""
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
