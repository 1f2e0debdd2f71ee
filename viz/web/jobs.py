"""Jobs in processes of their own, which can be watched, limited in time, and ended."""

import multiprocessing
import os
import secrets
import signal
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.wording import counted

MOST_RUNNING = 2
"""Long jobs at the same time; each may use a processor and its memory."""

_KEPT = 20  #: jobs whose result can be asked for
_IDLE = 2  #: processes that wait for the next task


class Worker:
    """A process that waits for tasks, one at a time; started before it is needed."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _work(connection: Connection) -> None:
    """Run tasks until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its workers by itself
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    from viz.web.tasks import TASKS

    while True:
        try:
            kind, values = connection.recv()
        except (EOFError, OSError):
            return
        try:
            result = TASKS[kind](values, lambda told: connection.send(("progress", told)))
            connection.send(("done", result))
        except LatticeGnnError as error:
            connection.send(("failed", str(error)))
        except KeyboardInterrupt:
            connection.send(("stopped", None))
        except Exception as error:  # a defect of ours: the page says so, and the server lives on
            connection.send(("failed", f"unexpected {type(error).__name__}: {error}"))


def _end_with_the_server() -> None:
    """End this process when the server has ended, however that was, whatever it is computing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Job:
    """One task in a worker.

    Attributes:
        state: ``running``, ``done``, ``failed`` or ``stopped``.
        progress: What the task told last.
        result: Its result, once done.
        error: Why it failed, one sentence.
        kind: The task.
        interrupted: Whether it was asked to end with what it has.
    """

    def __init__(self, worker: Worker, kind: str, values: Mapping[str, Any]):
        from viz.web.tasks import SECONDS

        seconds = SECONDS[kind]
        self.state = "running"
        self.progress: dict[str, Any] = {}
        self.result: dict[str, Any] | None = None
        self.error = ""
        self.kind = kind
        self.interrupted = False
        self.worker: Worker | None = worker
        self._ends = time.monotonic() + seconds
        self._seconds = seconds
        self._lock = threading.Lock()
        worker.connection.send((kind, values))

    def look(self) -> str:
        """Take in what the worker sent, and return the state."""
        with self._lock:
            while self.worker is not None and self._receive():
                pass
            if self.worker is not None and time.monotonic() > self._ends:
                self._finish("failed", kill=True)
                self.error = f"stopped after {self._seconds:g} s, the limit for this task."
            return self.state

    def _receive(self) -> bool:
        """Take in one message; return whether there was one."""
        worker = self.worker
        try:
            if worker is None or not worker.connection.poll():
                return False
            kind, content = worker.connection.recv()
        except (EOFError, OSError):
            self._finish("failed", kill=True)
            self.error = "the process ended unexpectedly, probably for lack of memory."
            return False
        if kind == "progress":
            self.progress = content
            return True
        if kind == "done":
            self.result = content
        elif kind == "failed":
            self.error = content
        self._finish(kind, kill=False)
        return False

    def _finish(self, state: str, *, kill: bool) -> None:
        self.state = state
        if kill and self.worker is not None:
            self.worker.end()
            self.worker = None

    def stop(self) -> None:
        """End the task, unless it has ended already."""
        with self._lock:
            if self.state == "running":
                self._finish("stopped", kill=True)

    def interrupt(self) -> None:
        """Ask the task to end with what it has; the second time, end it."""
        with self._lock:
            if self.state != "running" or self.worker is None:
                return
            if self.interrupted:
                self._finish("stopped", kill=True)
                return
            self.interrupted = True
            os.kill(self.worker.process.pid or 0, signal.SIGINT)

    def release(self) -> Worker | None:
        """Return the worker of a task that ended by itself, for the next task."""
        with self._lock:
            if self.state == "running":
                return None
            worker, self.worker = self.worker, None
            return worker

    def wait(self) -> str:
        """Wait until the job has ended; its time is limited."""
        while self.look() == "running":
            worker = self.worker
            if worker is not None:
                worker.connection.poll(0.1)
        return self.state


class Jobs:
    """All jobs of one server."""

    def __init__(self) -> None:
        self._long: dict[str, Job] = {}
        self._idle: list[Worker] = []
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Start a process for the next task, so that it need not wait."""
        self._give(Worker())

    def run(self, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Run a short task and wait for its result.

        Raises:
            LatticeGnnError: If it fails or takes too long.
        """
        job = Job(self._take(), kind, values)
        job.wait()
        self._give(job.release())
        if job.result is None:
            raise LatticeGnnError(job.error)
        return job.result

    def start(self, kind: str, values: Mapping[str, Any]) -> str:
        """Start a long task and return the name of its job.

        Raises:
            LatticeGnnError: If too many are running.
        """
        with self._lock:
            running = [job for job in self._long.values() if job.look() == "running"]
            if len(running) >= MOST_RUNNING:
                raise LatticeGnnError(
                    f"{counted(len(running), 'job')} are running: wait for one of them or stop it."
                )
            for name in list(self._long)[: max(0, len(self._long) + 1 - _KEPT)]:
                self._forget(name)
            name = secrets.token_urlsafe(12)
            self._long[name] = Job(self._take_idle() or Worker(), kind, values)
        return name

    def find(self, name: str) -> Job:
        """Return a long job and take in its news.

        Raises:
            LatticeGnnError: If there is no such job.
        """
        job = self._long.get(name)
        if job is None:
            raise LatticeGnnError("this job is not known; it may have ended long ago.")
        if job.look() != "running":
            self._give(job.release())
        return job

    def _forget(self, name: str) -> None:
        """Drop the oldest job; a running one is kept."""
        if self._long[name].state != "running":
            worker = self._long.pop(name).release()
            if worker is not None:
                worker.end()

    def _take(self) -> Worker:
        """Return a process that waits, or a new one."""
        with self._lock:
            worker = self._take_idle()
        return worker or Worker()

    def _take_idle(self) -> Worker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.end()
        return None

    def _give(self, worker: Worker | None) -> None:
        """Keep a process for the next task, unless enough are waiting."""
        if worker is None:
            return
        with self._lock:
            if len(self._idle) < _IDLE:
                self._idle.append(worker)
                return
        worker.end()

    def close(self) -> None:
        """End every process."""
        with self._lock:
            for job in self._long.values():
                job.stop()
                self._idle += filter(None, [job.release()])
            while self._idle:
                self._idle.pop().end()
