"""Jobs: limits of time and number, a process that dies, reuse of processes."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict
from viz.web import tasks
from viz.web.jobs import MOST_RUNNING, Jobs

SLOW = {"lattice": lattice_to_dict(cell("kelvin", relative_density=0.02))}


@pytest.fixture
def jobs():
    found = Jobs()
    yield found
    found.close()


def test_a_process_is_used_again_and_a_failure_is_a_sentence(jobs, monkeypatch):
    jobs.warm()
    monkeypatch.setattr("viz.web.jobs.Worker", None)  # no other process can be started
    for _ in range(2):
        with pytest.raises(LatticeGnnError, match="no known format"):
            jobs.run("read", {"name": "a.bin", "content": b"\x00"})


def test_a_job_that_takes_too_long_is_ended(jobs, monkeypatch):
    monkeypatch.setitem(tasks.SECONDS, "solid", 0.2)
    job = jobs.find(jobs.start("solid", SLOW))
    process = job.worker.process
    assert job.wait() == "failed"
    assert "stopped after 0.2 s" in job.error
    assert not process.is_alive()


def test_a_process_that_dies_is_a_failed_job(jobs):
    job = jobs.find(jobs.start("solid", SLOW))
    os.kill(job.worker.process.pid, signal.SIGKILL)
    assert job.wait() == "failed"
    assert "ended unexpectedly" in job.error
    with pytest.raises(LatticeGnnError, match="no known format"):
        jobs.run("read", {"name": "a.bin", "content": b"\x00"})


def test_a_design_that_is_interrupted_returns_the_best_so_far(jobs):
    start = cell("kelvin", relative_density=0.1)
    task = {"maximise": "E[100]", "subject_to": ["relative_density <= 0.1"], "keep_symmetry": False}
    job = jobs.find(jobs.start("design", {"lattice": lattice_to_dict(start), **task}))
    while job.look() == "running" and not job.progress:
        time.sleep(0.05)
    job.interrupt()
    assert job.wait() == "done", job.error
    assert job.result["report"]["status"] == "interrupted"
    assert len(job.result["lattice"]["struts"]) == start.num_struts


def test_a_second_interrupt_ends_a_design(jobs):
    start = cell("kelvin", relative_density=0.1)
    task = {"maximise": "E[100]", "keep_symmetry": False}
    job = jobs.find(jobs.start("design", {"lattice": lattice_to_dict(start), **task}))
    job.interrupt()
    job.interrupt()
    assert job.state == "stopped"


KILLED = """
import os, signal, sys
from viz.web.jobs import Jobs
jobs = Jobs()
job = jobs.find(jobs.start("solid", {SLOW!r}))
print(job.worker.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_process_is_left_when_the_server_is_killed():
    code = KILLED.replace("{SLOW!r}", repr(SLOW))
    killed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    number = int(killed.stdout)
    left = [psutil.Process(number)] if psutil.pid_exists(number) else []
    _, alive = psutil.wait_procs(left, timeout=30)
    assert alive == []


def test_there_is_a_limit_to_the_jobs_at_once(jobs):
    names = [jobs.start("solid", SLOW) for _ in range(MOST_RUNNING)]
    with pytest.raises(LatticeGnnError, match=f"{MOST_RUNNING} jobs are running"):
        jobs.start("solid", SLOW)
    jobs.find(names[0]).stop()
    assert jobs.find(names[0]).state == "stopped"
    jobs.find(jobs.start("solid", SLOW)).stop()
