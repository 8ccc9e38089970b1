"""The receiver in a process of its own, under uvicorn, and calls to it down to single bytes."""

import shlex
import socket
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

from actionstep_connect.secret import Secret
from tests.support.documents import ROOT, lines_for
from tests.support.free_port import free_ports
from tests.support.hooks import RECEIVER
from tests.support.site_processes import SiteProcess, running_site

APPLICATION = "actionstep_connect.hooks.asgi:application"
TIMEOUT = 30  # Seconds, on a busy machine.


class Conversation:
    """One connection to the receiver."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)

    def begin(self, path: str, *headers: str, method: str = "POST") -> None:
        """Send a request's head."""
        lines = [f"{method} {path} HTTP/1.1", "Host: receiver", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())

    def send(self, body: bytes) -> None:
        """Send a part of the body."""
        self.socket.sendall(body)

    def is_asked_on(self) -> None:
        """Wait until the receiver asks for the body of a head with `Expect: 100-continue`."""
        assert self.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"

    def answer(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of the answer, and hang up."""
        with self.socket, HTTPResponse(self.socket) as response:
            response.begin()
            assert response.read() == b""
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers


class ReceiverProcess:
    """A running receiver."""

    def __init__(self, port: int, process: SiteProcess) -> None:
        self.port, self.process = port, process

    def begin(self, secret: Secret | str, *headers: str, method: str = "POST") -> Conversation:
        """Open a connection and send a request's head."""
        part = secret.reveal() if isinstance(secret, Secret) else secret
        conversation = Conversation(self.port)
        conversation.begin(f"{RECEIVER}{part}/", *headers, method=method)
        return conversation

    def call(self, secret: Secret | str, body: bytes, method: str = "POST") -> int:
        """Call as Actionstep does; return the status."""
        conversation = self.begin(secret, f"Content-Length: {len(body)}", method=method)
        conversation.send(body)
        return conversation.answer()[0]

    def ask(self, secret: Secret, body: bytes) -> Conversation:
        """Call, and return once the receiver has asked for the body and been sent it."""
        length = f"Content-Length: {len(body)}"
        conversation = self.begin(secret, length, "Expect: 100-continue")
        conversation.is_asked_on()
        conversation.send(body)
        return conversation


@contextmanager
def running_receiver(
    folder: Path, *options: str, application: str = APPLICATION, port: int = 0
) -> Generator[ReceiverProcess]:
    """Run the receiver on the test's database, as the documentation says and with these options."""
    port = port or free_ports(1)[0]
    lines = lines_for("receiver.sh", "docs/hooks.md").replace("8001", str(port))
    settings, uvicorn, *command = shlex.split(lines.replace("\\\n", ""))
    assert settings == "DJANGO_SETTINGS_MODULE=mysite.settings"
    command = [application if each == APPLICATION else each for each in command]
    with running_site(folder, "-m", uvicorn, *command, *options) as process:
        receiver = ReceiverProcess(port, process)
        wait_for(lambda: _listens(port), process.log.read_text)
        yield receiver


@contextmanager
def inheriting_receiver(folder: Path, listening: socket.socket) -> Generator[ReceiverProcess]:
    """Run the receiver on a socket that another process has opened, as the documented unit does."""
    unit = (ROOT / "docs/systemd/actionstep-receiver.service").read_text()
    [line] = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    uvicorn, *command = shlex.split(line.removeprefix("ExecStart="))
    number = listening.fileno()
    command[command.index("--fd") + 1] = str(number)
    with running_site(folder, "-m", Path(uvicorn).name, *command, sockets=[number]) as process:
        yield ReceiverProcess(listening.getsockname()[1], process)


def at_once(calls: Iterator[Callable[[], int]], *, connections: int = 20) -> list[int]:
    """Make calls, so many at a time; return their statuses, in their order."""
    with ThreadPoolExecutor(connections) as pool:
        return list(pool.map(lambda call: call(), calls))


def wait_for(condition: Callable[[], object], told: Callable[[], str] = str) -> None:
    """Wait until `condition()` is true, or fail and say what `told()` says."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
