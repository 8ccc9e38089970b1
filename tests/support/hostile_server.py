"""A token endpoint that answers exactly what a test tells it, however wrong that is.

with HostileServer() as server:
    server.script([Answer(status=500), Answer(body=grant())])   # one after the other, then
    server.answer(status=429, headers={"Retry-After": "7"})     # this, as often as asked
    ...
    assert server.requests[0].form["grant_type"] == "refresh_token"
"""

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

MAX_WAIT = 20  # seconds after which a gate or a silence gives up


def grant(**changes: Any) -> dict[str, Any]:
    """Return the members of a good token response, some of them changed; None leaves one out."""
    members = {
        "access_token": "canary-access-token",
        "token_type": "bearer",
        "expires_in": 3600,
        "refresh_token": "canary-refresh-token",
        "api_endpoint": "https://ap-southeast-2.actionstep.com/api/",
        "orgkey": "acmelaw",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer: a body as text, bytes or JSON members, or `raw` bytes in place of all HTTP."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    #: Hang up without a word.
    drop: bool = False
    #: Say nothing until the server closes.
    silent: bool = False
    #: Keep the connection open after the body until the server closes.
    stay: bool = False
    #: Seconds between two bytes of the body.
    drip: float = 0
    #: Answer only once this is set.
    gate: threading.Event | None = None
    #: Set once the request has come.
    reached: threading.Event | None = None

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path, without the query."""
        return urlsplit(self.target).path

    @property
    def form(self) -> dict[str, str]:
        """The members of a form body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class HostileServer:
    """Listens on loopback while its block lasts; every connection has a thread of its own."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._always = Answer(body=grant())
        self._script: deque[Answer] = deque()
        self._lock = threading.Lock()
        self._server = _Server(self)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{'http' if tls is None else 'https'}://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def answer(self, **answer: Any) -> None:
        """Answer so from now on, whenever the script is over."""
        self._always = Answer(**answer)

    def script(self, answers: Iterable[Answer]) -> None:
        """Answer so first, once for each request."""
        with self._lock:
            self._script.extend(answers)

    def settings(self) -> dict[str, Any]:
        """Return the members of ``ACTIONSTEP_CONNECT`` that lead here."""
        return {
            "ENVIRONMENT": "sandbox",
            "AUTHORIZE_URL": f"{self.url}/authorize",
            "TOKEN_URL": f"{self.url}/token",
            "API_HOSTS": ["*.actionstep.com"],
        }

    def receive(self, request: Request) -> Answer:
        """Note `request` and return the answer that is its turn."""
        with self._lock:
            self.requests.append(request)
            return self._script.popleft() if self._script else self._always

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # Where more connections wait than socketserver's five, the kernel makes a client lose one.
    request_queue_size = 128

    def __init__(self, owner: HostileServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Leave it to the client to notice; a client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            method=self.command, target=self.path, headers=dict(self.headers), body=body
        )
        answer = self.server.owner.receive(request)
        with contextlib.suppress(OSError):  # The client has hung up, as it may.
            self._give(answer)
        self.close_connection = True

    do_CONNECT = do_GET = do_HEAD = do_OPTIONS = do_PUT = do_DELETE = do_POST  # noqa: N815 - http.server's names.

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server.
        """Print nothing."""

    def _give(self, answer: Answer) -> None:
        if answer.reached is not None:
            answer.reached.set()
        if answer.gate is not None:
            answer.gate.wait(MAX_WAIT)
        if answer.silent:
            self.server.owner.closing.wait(MAX_WAIT)
        if answer.drop or answer.silent:
            self.connection.shutdown(socket.SHUT_RDWR)
        elif answer.raw is not None:
            self.wfile.write(answer.raw)
        else:
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.content)),
            **answer.headers,
        }
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not answer.drip:
            self.wfile.write(answer.content)
            if answer.stay:
                self.server.owner.closing.wait(MAX_WAIT)
            return
        for byte in answer.content:
            self.wfile.write(bytes([byte]))
            if self.server.owner.closing.wait(answer.drip):
                return
