"""What every request to the app must pass: host, origin, token; and the limit of what it sends."""

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from lattice_gnn.errors import LatticeGnnError

if TYPE_CHECKING:
    from starlette.requests import Request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


class Guard:
    """Lets requests of its own pages through.

    A page of another site can neither name this host (DNS rebinding), nor send its own origin, nor
    know the token, which is in the address that the user was given and nowhere else.
    """

    def __init__(self, application: Application, hosts: Iterable[str], token: str):
        self._application = application
        self._hosts = {host.encode() for host in hosts}
        self._origins = {b"http://" + host for host in self._hosts}
        self._token = b"Bearer " + token.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._application(scope, receive, guarded)
            return
        status, sentence = refusal
        kind = (b"content-type", b"text/plain; charset=utf-8")
        await guarded({"type": "http.response.start", "status": status, "headers": [kind]})
        await guarded({"type": "http.response.body", "body": sentence.encode()})

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        """Return status and reason of a refusal; None to let the request through."""
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in (b"host", b"origin", b"authorization") and name in headers:
                return 400, "a header is given twice"
            headers[name] = value
        if headers.get(b"host") not in self._hosts:
            return 421, "this server answers on the loopback address only"
        origin = headers.get(b"origin")
        if origin is not None and origin not in self._origins:
            return 403, "requests of other sites are refused"
        if not scope["path"].startswith("/api/"):
            return None
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._token):
            return 401, "the token is missing or wrong: use the address that the command printed"
        return None


async def bounded_body(request: "Request", limit: int) -> bytes:
    """Return the body of a request of at most ``limit`` bytes, which must arrive within 30 s.

    Raises:
        LatticeGnnError: If it is larger or slower.
    """
    import asyncio

    too_large = LatticeGnnError(
        f"what was sent is larger than {limit / 2**20:g} MiB, the limit of the app; use the "
        "command line for larger files."
    )
    said = request.headers.get("content-length", "0")
    if not said.isdigit() or int(said) > limit:
        raise too_large
    pieces, total = [], 0
    try:
        async with asyncio.timeout(30):
            async for piece in request.stream():
                total += len(piece)
                if total > limit:
                    raise too_large
                pieces.append(piece)
    except TimeoutError:
        raise LatticeGnnError("the upload took longer than 30 s; try again.") from None
    return b"".join(pieces)
