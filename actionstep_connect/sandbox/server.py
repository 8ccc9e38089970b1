"""A threaded HTTP/1.1 server that can also hang up on demand."""

import socket
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

from django.core.servers.basehttp import ServerHandler, ThreadedWSGIServer, WSGIRequestHandler

HOST = "127.0.0.1"
DRAINED_AT_ONCE = 65536

DROP = "sandbox.drop"
"""Set in a request's environ: the server closes the connection instead of answering."""


class SandboxServerHandler(ServerHandler):
    environ: dict[str, Any]
    request_handler: "SandboxRequestHandler"

    def close(self) -> None:
        # Django would read the rest of a refused body at once, however large it is.
        while self.get_stdin().read(DRAINED_AT_ONCE):
            pass
        super().close()

    def finish_response(self) -> None:
        if not self.environ.get(DROP):
            super().finish_response()
            return
        self.request_handler.close_connection = True
        self.close()
        with suppress(OSError):
            # The stubs take the connection of a handler for a WSGIRequest.
            cast("socket.socket", self.request_handler.connection).shutdown(socket.SHUT_RDWR)


class SandboxRequestHandler(WSGIRequestHandler):
    server: "SandboxServer"
    disable_nagle_algorithm = True
    # Head and body leave in one packet.
    wbufsize = 65536
    # Else what is no HTTP at all is answered without a status line.
    default_request_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.parse_request():
            self._respond()
        # Answers without a body, and errors of the server itself, are still in the buffer.
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def _respond(self) -> None:
        if "Transfer-Encoding" in self.headers:
            # WSGI knows a body by its length; the chunks would be taken for the next request.
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        handler = SandboxServerHandler(
            self.rfile, self.wfile, self.get_stderr(), self.get_environ()
        )
        handler.request_handler = self
        if application := self.server.get_app():
            handler.run(application)

    def finish(self) -> None:
        try:
            # Flushes what is left, in vain if the client has hung up.
            super().finish()
        finally:
            # Else it would hold the socket open.
            self.rfile.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (inherited name)
        """Log nothing: the activity log has it."""


class SandboxServer(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        super().__init__((HOST, port), SandboxRequestHandler)

    def server_bind(self) -> None:
        super().server_bind()
        self.base_environ["SERVER_NAME"] = HOST

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients under test hang up as they please.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def hang_up(self, *, within: float) -> None:
        """End every open connection and wait for its thread, at most so many seconds in all."""
        with self._open_lock:
            still_open = dict(self._open)
        for connection in still_open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        share = within / max(len(still_open), 1)
        for thread in still_open.values():
            thread.join(share)
