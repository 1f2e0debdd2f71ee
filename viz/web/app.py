"""The app: a local web server that computes what its page asks for."""

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.lattice.lattice import Lattice
from viz.web import live
from viz.web.app_page import app_page
from viz.web.guard import Guard, bounded_body
from viz.web.jobs import Jobs
from viz.web.tasks import check_design

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MOST_UPLOAD = 16 * 2**20
"""Bytes of an uploaded file."""
MOST_JSON = 4 * 2**20
"""Bytes of a request with a lattice."""
THREADS = 4
"""Requests that are computed at once."""
MOST_HERE = 300
"""Struts of a lattice that is computed beside the server; larger ones go to another process."""
_SWITCH = 5e-4
"""Seconds after which a thread gives way to others; Python's default would slow a slider."""


class App:
    """The endpoints, and what they share.

    Attributes:
        model: Name or path of the network.
        lattices: Lattices to begin with.
        jobs: Processes for long work.
    """

    def __init__(self, model: str = "default", lattices: Sequence[Lattice] = ()):
        self.model = model
        self.lattices = lattices
        self.jobs = Jobs()
        self._threads = ThreadPoolExecutor(THREADS)

    def application(self, hosts: Sequence[str], token: str) -> Guard:
        """Return the ASGI application behind its guard."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        routes = [
            Route("/", self.page),
            Route("/api/start", self.start),
            Route("/api/cell", self.cell, methods=["POST"]),
            Route("/api/live", self.live, methods=["POST"]),
            Route("/api/full", self.full, methods=["POST"]),
            Route("/api/save", self.save, methods=["POST"]),
            Route("/api/read", self.read, methods=["POST"]),
            Route("/api/jobs", self.begin, methods=["POST"]),
            Route("/api/jobs/{name}", self.watch, methods=["GET"]),
            Route("/api/jobs/{name}", self.stop, methods=["DELETE"]),
        ]
        application = Starlette(
            routes=routes, exception_handlers={LatticeGnnError: _refuse, Exception: _apologise}
        )
        return Guard(application, hosts, token)

    async def page(self, request: "Request") -> "Response":
        """Return the page."""
        from starlette.responses import HTMLResponse

        return HTMLResponse(app_page())

    async def start(self, request: "Request") -> "Response":
        """Return the named cells and the lattices to begin with."""
        lattices = [lattice_to_dict(lattice) for lattice in self.lattices]
        return _json({"cells": live.cell_list(), "lattices": lattices})

    async def cell(self, request: "Request") -> "Response":
        """Build a named cell."""
        values = await _values(request)
        return _json({"lattice": await self._in_thread(live.named_cell, values)})

    async def live(self, request: "Request") -> "Response":
        """Return what follows a slider: computed here if that is quick, else in a process."""
        values = await _values(request)
        lattice = live.lattice_of(values)
        if lattice.num_struts <= MOST_HERE:
            return _json(await self._in_thread(live.live_answer, lattice, self.model))
        return _json(await self._elsewhere("live", lattice))

    async def full(self, request: "Request") -> "Response":
        """Return every number."""
        return _json(await self._elsewhere("full", live.lattice_of(await _values(request))))

    async def save(self, request: "Request") -> "Response":
        """Return a file."""
        from starlette.responses import Response

        values = await _values(request)
        lattice = live.lattice_of(values)
        found = await self._elsewhere("save", lattice, kind=str(values.get("kind")))
        disposition = f"attachment; filename*=UTF-8''{quote(found['name'])}"
        return Response(
            found["content"],
            headers={"content-disposition": disposition},
            media_type="application/octet-stream",
        )

    async def read(self, request: "Request") -> "Response":
        """Read an uploaded file."""
        content = await bounded_body(request, MOST_UPLOAD)
        values = {"name": request.query_params.get("name", "upload"), "content": content}
        return _json(await self._in_thread(self.jobs.run, "read", values))

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Compute beside the server, so that it answers others meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)

    async def _elsewhere(self, task: str, lattice: Lattice, **more: Any) -> dict[str, Any]:
        """Run a task on a lattice in another process, and wait for it."""
        values = {"lattice": lattice_to_dict(lattice), "model": self.model, **more}
        found: dict[str, Any] = await self._in_thread(self.jobs.run, task, values)
        return found

    async def begin(self, request: "Request") -> "Response":
        """Start a long job on a lattice."""
        values = await _values(request)
        kind = values.pop("kind", None)
        if kind not in ("solid", "design"):
            raise LatticeGnnError(f"job: expected solid or design, got {kind!r:.40}.")
        live.lattice_of(values)
        if kind == "design":
            check_design(values)
        return _json({"job": await self._in_thread(self.jobs.start, kind, values)})

    async def watch(self, request: "Request") -> "Response":
        """Return the state of a job, what it told last, and its result."""
        job = await self._in_thread(self.jobs.find, request.path_params["name"])
        return _json(
            {
                "state": job.state,
                "progress": job.progress,
                "result": job.result,
                "error": job.error,
            }
        )

    async def stop(self, request: "Request") -> "Response":
        """End a job; a design is asked to end with the best so far, and ended the second time."""
        job = await self._in_thread(self.jobs.find, request.path_params["name"])
        await self._in_thread(job.interrupt if job.kind == "design" else job.stop)
        return _json({"state": job.state})


async def _values(request: "Request") -> dict[str, Any]:
    """Return the JSON object of a request."""
    content = await bounded_body(request, MOST_JSON)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        raise LatticeGnnError("expected JSON.") from None
    if not isinstance(values, dict):
        raise LatticeGnnError("expected a JSON object.")
    return values


def _json(values: Any) -> "Response":
    from starlette.responses import JSONResponse

    return JSONResponse(values)


async def _refuse(request: "Request", error: Exception) -> "Response":
    from starlette.responses import JSONResponse

    return JSONResponse({"error": str(error)}, status_code=422)


async def _apologise(request: "Request", error: Exception) -> "Response":
    from starlette.responses import JSONResponse

    said = f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return JSONResponse({"error": said}, status_code=500)


def loopback(port: int) -> socket.socket:
    """Return a socket that listens on the loopback address; port 0 takes a free one.

    Raises:
        LatticeGnnError: If the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()  # who comes before the server is ready waits
    except (OSError, OverflowError) as error:
        listener.close()
        raise LatticeGnnError(
            f"port {port}: cannot be used ({error}); choose another, or 0 for a free one."
        ) from None
    return listener


def require_server() -> None:
    """Check that the packages of the extra ``app`` are installed.

    Raises:
        LatticeGnnError: Says how to install them.
    """
    try:
        import starlette
        import uvicorn  # noqa: F401

        del starlette
    except ImportError as error:
        raise LatticeGnnError(
            f"the app requires {error.name}: pip install 'lattice-gnn[app]'"
        ) from None


def serve(app: App, listener: socket.socket, token: str, on_ready: Callable[[str], None]) -> None:
    """Serve the app until the user interrupts.

    Args:
        app: The app.
        listener: From `loopback`.
        token: Secret of this run.
        on_ready: Called with the address to open.
    """
    import uvicorn

    port = listener.getsockname()[1]
    hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
    config = uvicorn.Config(
        app.application(hosts, token),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
        limit_concurrency=64,
        lifespan="off",
        ws="none",
    )
    app.jobs.warm()
    sys.setswitchinterval(_SWITCH)
    try:
        on_ready(f"http://127.0.0.1:{port}/#{token}")
        with suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        app.jobs.close()
        listener.close()
