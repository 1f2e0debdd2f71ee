"""Workers end with their parent, and an interruption of the terminal reaches the parent alone."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

PARENT = """
import sys, time
from data.labelling.batches import Workers, parallel

def sleep(number):
    time.sleep(60)

with parallel(Workers(2), sleep) as run:
    print("ready", flush=True)
    list(run([0, 1]))
"""


@pytest.fixture
def parent():
    """A process with two workers that sleep; its process number, once they run."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout.readline() == b"ready\n"
    deadline = time.monotonic() + 60
    while len(_workers(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    yield process
    for worker in _workers(process.pid):
        worker.kill()
    process.kill()
    process.communicate()


def _workers(pid):
    """The worker processes of a session, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if os.getsid(process.pid) == pid and any("LokyProcess" in x for x in process.cmdline()):
                found.append(process)
        except (ProcessLookupError, psutil.Error):
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "getsid"), reason="needs sessions")
def test_workers_of_a_killed_process_end(parent):
    assert len(_workers(parent.pid)) == 2
    time.sleep(3)  # so that both have their task, and with it the watch
    parent.kill()
    deadline = time.monotonic() + 30
    while _workers(parent.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _workers(parent.pid) == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "getsid"), reason="needs sessions")
def test_an_interruption_reaches_the_parent_alone(parent):
    time.sleep(3)
    workers = _workers(parent.pid)
    for worker in workers:
        worker.send_signal(signal.SIGINT)
    time.sleep(1)
    assert parent.poll() is None
    assert {x.pid for x in _workers(parent.pid)} == {x.pid for x in workers}
    os.killpg(parent.pid, signal.SIGINT)
    _, told = parent.communicate(timeout=60)
    assert b"KeyboardInterrupt" in told  # that of the parent, which has no command line here
    assert b"LokyProcess" not in told
