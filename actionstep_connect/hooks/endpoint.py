"""The receiver as an ASGI application of its own: it takes calls in, and does nothing else.

It has no URLs but the addresses of hooks, and no middleware. How a call is judged and answered is the
same as in `views`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.db import connections

from actionstep_connect.hooks.addresses import hash_of
from actionstep_connect.hooks.answers import headers_for, status_for
from actionstep_connect.hooks.flows.batches import find_each, take_in_each
from actionstep_connect.hooks.flows.intake import Call, Intake, is_seen
from actionstep_connect.hooks.gathering import Together, Worker
from actionstep_connect.hooks.shapes import MAX_BODY_SIZE
from actionstep_connect.logs import HOOK_SECRET, without_hook_secrets
from actionstep_connect.secret import Secret

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Whatever path it is served under.
_ADDRESS = re.compile(rf".*/({HOOK_SECRET})/", re.DOTALL)
#: Calls whose bodies are read or wait to be stored. Of the others nothing is read, so that memory is
#: bounded: the server holds them back.
MAX_CALLS = 128
#: Seconds within which a body must come.
BODY_TIMEOUT = 5.0
#: Seconds after which a process ends though its database does not answer.
CLOSE_TIMEOUT = 1.0


class Endpoint:
    """The application that `asgi` has."""

    def __init__(self) -> None:
        self._calls: _Calls | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve a call, or the server's own start and end."""
        if scope["type"] == "http":
            await _answer(send, await self._status(scope, receive))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _status(self, scope: Message, receive: Receive) -> HTTPStatus:
        path = scope["path"]
        found = _ADDRESS.fullmatch(path)
        # Servers write it into their access logs, and monitoring products into their reports.
        scope["path"] = without_hook_secrets(path)
        scope["raw_path"] = scope["path"].encode()
        if found is None:
            return HTTPStatus.NOT_FOUND
        if scope["method"] != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED
        try:
            return status_for(await self._begun().take_in(hash_of(Secret(found[1])), receive))
        except Exception as error:  # noqa: BLE001 - a server's report would show the address.
            return status_for(error)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        if self._calls:
            await self._calls.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _begun(self) -> "_Calls":
        # With the first call: a server may fork after it has loaded this application.
        if self._calls is None:
            self._calls = _Calls()
        return self._calls


class _Calls:
    """The calls that this process is taking in."""

    def __init__(self) -> None:
        self._worker = Worker()
        self._find: Together[str, bool] = Together(self._worker, find_each)
        self._store: Together[Call, Intake | Exception] = Together(
            self._worker, take_in_each, size=lambda call: len(call.body)
        )
        self._slots = asyncio.Semaphore(MAX_CALLS)

    async def take_in(self, secret_hash: str, receive: Receive) -> Intake | Exception:
        """Store a call. A stranger costs one look-up, which those who come at once share."""
        known = is_seen(secret_hash) or await self._find.do(secret_hash)
        if isinstance(known, Exception):
            return known
        if not known:
            return Intake.STRANGER
        async with self._slots:
            return await self._store.do(await _read(secret_hash, receive))

    async def close(self) -> None:
        """Close the database connection once all that was begun is done."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._worker.do(connections.close_all), CLOSE_TIMEOUT)


async def _read(secret_hash: str, receive: Receive) -> Call:
    body, is_whole = bytearray(), False
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while not is_whole and len(body) <= MAX_BODY_SIZE:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return Call(secret_hash, b"", ConnectionResetError())
                body += message.get("body", b"")
                is_whole = not message.get("more_body", False)
    except TimeoutError as error:
        return Call(secret_hash, b"", error)
    return Call(secret_hash, bytes(body))


async def _answer(send: Send, status: HTTPStatus) -> None:
    headers = [
        (name.lower().encode(), value.encode()) for name, value in headers_for(status).items()
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
