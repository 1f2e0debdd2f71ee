"""Making datasets: the same bytes from every number of workers and after every kill."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from data.datasets.file import read_dataset
from data.labelling.batches import Workers, parallel
from data.labelling.generate import generate, make_batch
from data.populations.population import Population
from lattice_gnn.cells.named import cell_names
from lattice_gnn.errors import LatticeGnnError

ROOT = Path(__file__).parents[3]
# Two in a hundred candidates are duplicates: more batches are needed than the count says.
POPULATION = Population(count=128, seed=2, draws=2, named=("octet", "octet", "bcc", "bcc"))
SCRIPT = f"""
from pathlib import Path
import sys
from data.labelling.batches import Workers, parallel
from data.labelling.generate import generate
from data.populations.population import Population
population = Population.from_dict({POPULATION.to_dict()!r})
scheduler = sys.argv[3] if len(sys.argv) > 3 else None
generate(population, Path(sys.argv[1]), Workers(int(sys.argv[2]), scheduler))
"""


def start(*arguments, command=(sys.executable, "-c", SCRIPT)):
    """Start a process group of its own, with one thread a process."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        env={**os.environ, **threads, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process):
    """Kill -9 the process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The file of a run that was not interrupted."""
    path = tmp_path_factory.mktemp("unbroken") / "set.h5"
    generate(POPULATION, path)
    return path.read_bytes()


def parts(path):
    return len(list(path.with_name(f"{path.name}.parts").glob("0*.h5")))


def wait_until_made(path, wanted, process):
    """Wait until so many batches are written, or the process has ended."""
    wait_for(lambda: parts(path) >= wanted or process.poll() is not None, 120)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_killed_runs_end_in_the_bytes_of_an_unbroken_one(workers, unbroken, tmp_path):
    path = tmp_path / "set.h5"
    for wanted in (1, 2):
        process = start(path, workers)
        try:
            wait_until_made(path, wanted, process)
        finally:
            kill(process)
        assert not path.exists(), "finished before it was killed"
    # What a kill in the middle of writing leaves behind does no harm either.
    folder = path.with_name("set.h5.parts")
    (folder / ".0000009.h5.1.part").write_bytes(b"half a file")
    broken = sorted(folder.glob("0*.h5"))[0]
    broken.write_bytes(broken.read_bytes()[:-100])
    generate(POPULATION, path, Workers(workers))
    assert path.read_bytes() == unbroken
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_two_workers_make_the_same_bytes_as_one(unbroken, tmp_path):
    path = tmp_path / "set.h5"
    generate(POPULATION, path, Workers(2))
    assert path.read_bytes() == unbroken


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_cluster_run_survives_the_death_of_a_worker(unbroken, tmp_path):
    pytest.importorskip("distributed")
    dask = (sys.executable, "-m", "dask")
    address, path = f"tcp://127.0.0.1:{free_port()}", tmp_path / "set.h5"
    port = address.rpartition(":")[2]
    options = ("--no-nanny", "--nthreads", 1, "--no-dashboard", "--local-directory", tmp_path)
    started = [
        start("--host", "127.0.0.1", "--port", port, "--no-dashboard", command=(*dask, "scheduler"))
    ]
    try:
        for _ in range(2):
            started.append(start(address, *options, command=(*dask, "worker")))
        run = start(path, 1, address)
        started.append(run)
        wait_until_made(path, 1, run)
        assert run.poll() is None
        kill(started[1])
        assert run.wait(200) == 0
        assert path.read_bytes() == unbroken
    finally:
        for process in started:
            kill(process)


def test_bases_are_different_and_come_in_the_order_of_their_numbers(unbroken, tmp_path):
    path = tmp_path / "set.h5"
    path.write_bytes(unbroken)
    dataset = read_dataset(path)
    assert len(dataset.bases) == POPULATION.count == len(set(dataset.bases.shapes.tolist()))
    assert len(dataset) == POPULATION.count * POPULATION.copies
    names = [name.decode() for name in dataset.bases.names]
    assert names[:2] == ["octet", "bcc"]
    numbers = [int(n.rpartition("_")[2]) for n in names[2:] if "+" not in n]
    assert numbers == sorted(numbers)
    assert numbers[0] == 4
    first = make_batch(POPULATION, 0)
    assert first.bases.shapes[0] == first.bases.shapes[1]
    assert np.array_equal(dataset.cells[0], first.cells[0])
    assert dataset.provenance[0]["seed"] == 2


def test_a_finished_file_is_kept_and_another_run_does_not_touch_it(unbroken, tmp_path):
    path = tmp_path / "set.h5"
    path.write_bytes(unbroken)
    assert len(generate(POPULATION, path)) == POPULATION.count * POPULATION.copies
    with pytest.raises(LatticeGnnError, match="exists already, made with other settings"):
        generate(Population(count=128, seed=3), path)
    assert path.read_bytes() == unbroken


def test_a_folder_of_another_run_is_not_used(tmp_path):
    folder = tmp_path / "set.h5.parts"
    folder.mkdir()
    (folder / "plan.json").write_text("{}")
    (folder / "0000000.h5").write_bytes(b"")
    with pytest.raises(LatticeGnnError, match="holds an unfinished run with other settings"):
        generate(POPULATION, tmp_path / "set.h5")


def test_progress_counts_different_bases(tmp_path):
    seen = []
    few = Population(count=40, seed=1, draws=1)
    generate(few, tmp_path / "set.h5", on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (40, 40)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_population_that_runs_dry_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("data.labelling.generate._FRUITLESS", 2)
    monkeypatch.setattr("data.labelling.generate._BATCH", 4)
    names = tuple(cell_names())[:1] * 40
    with pytest.raises(LatticeGnnError, match="expected 9 different bases, found only 1;"):
        generate(Population(count=9, draws=1, named=names), tmp_path / "set.h5")


def test_no_scheduler_is_one_sentence(monkeypatch, tmp_path):
    pytest.importorskip("distributed")
    monkeypatch.setattr("data.labelling.batches._CONNECT_SECONDS", 1)
    workers = Workers(scheduler=f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(LatticeGnnError, match=r"^scheduler tcp://.*cannot be reached"):
        generate(POPULATION, tmp_path / "set.h5", workers)
    with pytest.raises(LatticeGnnError, match=r"^workers: expected at least 1, got 0"):
        Workers(0)
    assert not list(tmp_path.iterdir())


def test_a_killed_worker_is_told_in_one_sentence():
    with (
        parallel(Workers(2), signal.raise_signal) as run,
        pytest.raises(LatticeGnnError, match=r"workers: one was killed.* resume"),
    ):
        list(run([signal.SIGKILL]))
