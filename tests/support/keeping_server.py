"""An API that keeps its connections open, over TLS or not, and notes who asked for what on which.

with KeepingServer() as server:
    ...                                # GET api/rest/actions/7 with the bearer "token-7"
    assert server.connections == 1     # all that were ever opened
    assert server.mixed == []          # requests whose path is not their bearer's

A query says how it answers: `wait` milliseconds later, `together` with so many others, or `parts` with
a pause after each.
"""

import asyncio
import json
import ssl
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

MAX_WAIT = 20.0
PART = "x" * 4000


class KeepingServer:
    """Listens on loopback while its block lasts, in a thread with a loop of its own."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.open = 0
        self.requests = 0
        self.mixed: list[tuple[str, str]] = []
        self.cookies: list[str] = []
        self._tls = tls
        self._changed = threading.Condition()
        self._waiting: list[asyncio.Event] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def settings(self) -> dict[str, Any]:
        """Return the members of ``ACTIONSTEP_CONNECT`` that lead here."""
        return {
            "ENVIRONMENT": "sandbox",
            "AUTHORIZE_URL": f"{self.url}/authorize",
            "TOKEN_URL": f"{self.url}/token",
            "API_HOSTS": [self.host],
        }

    def wait_until(self, told: Callable[[], bool]) -> bool:
        """Wait until `told` is so, which connections that come and go may bring about."""
        with self._changed:
            return self._changed.wait_for(told, MAX_WAIT)

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=1024, limit=2**20
        )
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self.url = f"{'http' if self._tls is None else 'https'}://{self.host}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)  # In which asyncio closes the sockets.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count(connections=1, open=1)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(head.decode(), writer)
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass  # The client has hung up, or the server ends.
        finally:
            writer.transport.abort()
            self._count(open=-1)

    def _count(self, **more: int) -> None:
        with self._changed:
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)
            self._changed.notify_all()

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        url = urlsplit(lines[0].split(" ")[1])
        asked = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
        number = url.path.rpartition("/")[2]
        bearer = headers.get("authorization", "").removeprefix("bearer token-")
        if number != bearer:
            self.mixed.append((url.path, bearer))
        self.cookies += [headers["cookie"]] if "cookie" in headers else []
        self._count(requests=1)
        await asyncio.sleep(asked.get("wait", 0) / 1000)
        await self._together(asked.get("together", 0))
        parts = asked.get("parts", 1)
        body = json.dumps({"actions": {"id": int(number), "bearer": bearer, "text": PART * parts}})
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: session=theirs\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        for start in range(0, len(body), len(body) // parts + 1):
            if start:
                await asyncio.sleep(0.005)
            writer.write(body[start : start + len(body) // parts + 1].encode())
        await writer.drain()

    async def _together(self, number: int) -> None:
        if not number:
            return
        mine = asyncio.Event()
        self._waiting.append(mine)
        if len(self._waiting) >= number:
            for each in self._waiting:
                each.set()
            self._waiting.clear()
        await asyncio.wait_for(mine.wait(), MAX_WAIT)


def main(certificate: str) -> None:
    """Listen over TLS as a process of its own, until it is killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with KeepingServer(tls=context) as server:
        print(f"Listening at {server.url}.", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
