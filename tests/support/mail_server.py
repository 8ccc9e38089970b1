"""A mail server (RFC 5321) that takes e-mails, or answers what a test tells it.

with MailServer() as server:
    server.script(["451 later", HANG])   # one e-mail after the other, then "250 taken" for each
    ...
    assert len(server.letters) == 1
"""

import socketserver
import threading
from collections import deque
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

import django

MAX_WAIT = 20  # seconds after which a silence gives up
HANG, DROP = "hang", "drop"


class _Conversation(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        owner = self.server.owner
        if owner.is_silent:
            owner.closing.wait(MAX_WAIT)
            return
        self._say("220 ready")
        while line := self.rfile.readline():
            match line[:4].upper().strip():
                case b"DATA":
                    self._say("354 go on")
                    if not self._answer(self._read_letter()):
                        return
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 well")

    def _read_letter(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _answer(self, letter: bytes) -> bool:
        owner = self.server.owner
        answer = owner.next_answer()
        if answer == HANG:
            owner.closing.wait(MAX_WAIT)
        if answer in (HANG, DROP):
            return False
        if answer.startswith("2"):
            owner.letters.append(message_from_bytes(letter, policy=policy.default))
        self._say(answer)
        return not answer.startswith("421")

    def _say(self, reply: str) -> None:
        self.wfile.write(reply.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128  # As in hostile_server.
    owner: "MailServer"


class MailServer:
    """One mail server on a port of its own."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        #: Accept connections, and never say a word.
        self.is_silent = False
        self.closing = threading.Event()
        self._script: deque[str] = deque()
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.owner = self

    def script(self, answers: Iterable[str]) -> None:
        """Answer the next e-mails so, one after the other."""
        self._script.extend(answers)

    def next_answer(self) -> str:
        """Take the next answer of the script."""
        return self._script.popleft() if self._script else "250 taken"

    def settings(self) -> dict[str, Any]:
        """Return the settings of a site that sends its e-mails here, and no time-out of its own."""
        backend = "django.core.mail.backends.smtp.EmailBackend"
        host, port = self._server.server_address[:2]
        if django.VERSION >= (6, 1):
            options = {"host": host, "port": port}
            return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
        return {"EMAIL_BACKEND": backend, "EMAIL_HOST": host, "EMAIL_PORT": port}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
