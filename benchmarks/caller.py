"""Calls a receiver as Actionstep does: `python -m benchmarks.caller PORT PATH FIRST CALLS RATE`.

The calls are numbered from FIRST on, and each has a body of its own. With RATE 0 each connection makes
its next call at once. Prints the seconds from first to last, and of each call from when it was due
until its answer.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator

CONNECTIONS = 32
ROWS = 500


def _request(path: str, number: int) -> bytes:
    row = {
        "type": "actions",
        "id": str(number % ROWS),
        "attributes": {f"member{each}": f"value {number} {each}" for each in range(25)},
        "relationships": {},
    }
    body = json.dumps({"jsonapi": {"version": "1.0"}, "data": row, "meta": {}}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/vnd.api+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """One connection that is kept open; it makes the next call once it has its answer."""

    def __init__(self, calls: Iterator[tuple[float, bytes]], delays: list[float]) -> None:
        self._calls, self._delays, self._answer = calls, delays, b""
        self._loop = asyncio.get_running_loop()
        self.is_done = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._answer.endswith(b"\r\n\r\n"):  # No answer has a body.
            assert self._answer.startswith(b"HTTP/1.1 200"), self._answer
            self._answer = b""
            self._delays.append(time.perf_counter() - self._due)
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_exception(exc or ConnectionError("The receiver hung up."))

    def _next(self) -> None:
        due, request = next(self._calls, (0.0, b""))
        if not request:
            self.is_done.set_result(None)
            self._transport.close()
            return
        now = time.perf_counter()
        self._due = due or now
        if self._due <= now:
            self._transport.write(request)
        else:
            self._loop.call_later(self._due - now, self._transport.write, request)


async def call(
    port: int, path: str, first: int, calls: int, rate: float
) -> tuple[float, list[float]]:
    """Make so many calls, `rate` a second."""
    requests = [_request(path, first + number) for number in range(calls)]
    delays: list[float] = []
    begun = time.perf_counter()
    waiting = (
        (begun + number / rate if rate else 0.0, request) for number, request in enumerate(requests)
    )
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Connection(waiting, delays), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(connection.is_done for _, connection in made))
    return time.perf_counter() - begun, delays


if __name__ == "__main__":
    port, path, first, calls, rate = sys.argv[1:]
    print(json.dumps(asyncio.run(call(int(port), path, int(first), int(calls), float(rate)))))
