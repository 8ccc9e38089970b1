"""A token endpoint that costs next to nothing and answers after a settable latency, and an API.

It rotates, and revokes a family whose refresh token comes twice, as Actionstep may. Refresh tokens
are `FAMILY.NUMBER`, so that a benchmark can write a million of them without asking. The API has as
many rows of any resource as `rows` asks for, and answers at once.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

#: Seconds by which asyncio's timers are late: they wait in whole milliseconds, rounded up.
TIMER_LAG = 0.0005


class _Server:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.latency, self.status = 0.2, 200
        self.numbers: dict[str, int] = {}
        self.requests = self.refused = self.in_flight = self.most_in_flight = 0
        self.api_requests = 0

    def grant(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        family, _, number = form["refresh_token"][0].partition(".")
        if self.numbers.get(family, 0) != int(number):
            self.numbers[family] = -1
            self.refused += 1
            return 400, {"error": "invalid_grant"}
        self.numbers[family] = int(number) + 1
        return 200, {
            "access_token": f"access-{family}-{number}".ljust(660, "x"),
            "token_type": "bearer",
            "expires_in": 3600,
            "refresh_token": f"{family}.{int(number) + 1}",
            "api_endpoint": "http://127.0.0.1:8801/api/",
            "orgkey": "acmelaw",
        }

    def stats(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "refused": self.refused,
            "most_in_flight": self.most_in_flight,
            "api_requests": self.api_requests,
        }


def _page(target: str) -> dict[str, Any]:
    url = urlsplit(target)
    asked = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
    rows, size, page = asked["rows"], asked.get("pageSize", 50), asked.get("page", 1)
    ids = range((page - 1) * size + 1, min(page * size, rows) + 1)
    more = f"http://elsewhere.example{url.path}?rows={rows}&pageSize={size}&page={page + 1}"
    name = url.path.removeprefix("/api/rest/")
    return {
        name: [{"id": number, "description": "Advice on a lease".ljust(200)} for number in ids],
        "meta": {"paging": {name: {"nextPage": more if page * size < rows else None}}},
    }


class _Protocol(asyncio.Protocol):
    def __init__(self, server: _Server) -> None:
        self._server, self._data = server, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers.get("content-length", 0))
        if len(body) < length:
            return
        self._data = body[length:]
        self._serve(lines[0].split(" ")[1], body[:length].decode())

    def _serve(self, path: str, body: str) -> None:
        server = self._server
        if path == "/control":
            values = json.loads(body)
            if values.pop("reset", False):
                server.reset()
            for name, value in values.items():
                setattr(server, name, value)
            self._answer(200, server.stats())
            return
        if path.startswith("/api/rest/"):
            server.api_requests += 1
            self._answer(200, _page(path))
            return
        server.requests += 1
        server.in_flight += 1
        server.most_in_flight = max(server.most_in_flight, server.in_flight)
        delay = max(server.latency - TIMER_LAG, 0)
        asyncio.get_running_loop().call_later(delay, self._finish, body)

    def _finish(self, body: str) -> None:
        server = self._server
        server.in_flight -= 1
        if server.status != 200:
            self._answer(server.status, {"message": "out of order"})
        else:
            self._answer(*server.grant(parse_qs(body)))

    def _answer(self, status: int, members: dict[str, Any]) -> None:
        body = json.dumps(members).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)  # type: ignore[attr-defined] # asyncio's split of transports


@dataclass(frozen=True)
class TokenEndpoint:
    """A running endpoint: its URL, and its switches."""

    url: str

    def set(self, **values: Any) -> dict[str, int]:
        """Set `latency` (seconds) and `status`, or `reset`; return the counters."""
        answer = httpx2.post(f"{self.url}/control", json=values, trust_env=False)
        return dict(answer.raise_for_status().json())


@contextmanager
def running_token_endpoint() -> Generator[TokenEndpoint]:
    """Run an endpoint in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.token_endpoint"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield TokenEndpoint(process.stdout.readline().strip())
        finally:
            process.terminate()


async def _main() -> None:
    state = _Server()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Protocol(state), "127.0.0.1", 0, backlog=1024
    )
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
