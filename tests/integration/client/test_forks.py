"""A fork among handshakes: the child makes its own, and neither process waits for long."""

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import ModuleType

import httpx2
import pytest
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient
from actionstep_connect.flows.remind import delivery
from actionstep_connect.forks import TIMEOUT, no_fork
from actionstep_connect.models import Connection
from actionstep_connect.testing.process import running_server
from tests.support.connections import make_connection, make_user
from tests.support.keeping_server import KeepingServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Python 3.12 and newer. A fork among threads is what this is about.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

THREADS = 6
FORKS = 100
MAX_SECONDS = 20  # of a child, on a busy machine


@pytest.fixture
def server(tls_api: KeepingServer) -> KeepingServer:
    """Return the API that keeps its connections in place of the one that answers as told."""
    return tls_api


def connect(url: str) -> Connection:
    made = make_connection(make_user(), access_token="token-1", api_endpoint=f"{url}/api/")
    # With its user, so that no thread of a test opens a database connection.
    return Connection.objects.select_related("user").get(pk=made.pk)


def ask(connection: Connection) -> bool:
    """Make a request with a handshake of its own."""
    with ActionstepClient(connection, max_wait=0, headers={"Connection": "close"}) as actionstep:
        return bool(actionstep.get("actions/1").json()["actions"]["id"] == 1)


def in_child(work: Callable[[], object]) -> int:
    """Fork, do `work` in the child, and return how it ended: by SIGALRM, if it hung."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(MAX_SECONDS)
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_child_forked_among_handshakes_makes_its_own(
    server: KeepingServer, certificate: Path, settings: Settings, tmp_path: Path
) -> None:
    """Threads make handshakes all the time; each of many children makes a request, and ends in time.

    Their server is another process: a fork would wait for a server that waits for the fork.
    """
    command = [sys.executable, "-u", "-m", "tests.support.keeping_server", str(certificate)]
    ready = re.compile(r"Listening at (\S+)\.\n")
    with running_server(command, log=tmp_path / "server.log", ready=ready) as url:
        own = settings.ACTIONSTEP_CONNECT
        settings.ACTIONSTEP_CONNECT = {**own, "API_HOSTS": [url.removeprefix("https://")]}
        fork_among_handshakes(connect(url))


def fork_among_handshakes(connection: Connection) -> None:
    done = threading.Event()
    made: list[bool] = []

    def shake_hands() -> None:
        while not done.is_set():
            made.append(ask(connection))

    threads = [threading.Thread(target=shake_hands) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        ends = [in_child(lambda: ask(connection)) for _ in range(FORKS)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert ends == [0] * FORKS
    assert len(made) > FORKS


def test_a_fork_waits_for_what_must_not_be_copied() -> None:
    """It happens once the other thread is done, and neither process is held back afterwards."""
    entered, leave = threading.Event(), threading.Event()
    order: list[str] = []

    def hold() -> None:
        with no_fork():
            entered.set()
            leave.wait(TIMEOUT / 2)
            order.append("left")

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    threading.Timer(TIMEOUT / 10, leave.set).start()

    def work() -> bool:
        with no_fork():
            return order == ["left"]

    assert in_child(work) == 0
    thread.join()
    begun = time.monotonic()
    with no_fork():
        pass
    assert time.monotonic() - begun < TIMEOUT / 2


def test_a_fork_from_within_waits_for_nothing() -> None:
    """A signal's handler may fork in the midst of a handshake of its own thread."""
    begun = time.monotonic()
    with no_fork():
        assert in_child(lambda: True) == 0
    assert time.monotonic() - begun < TIMEOUT


def test_a_silent_server_holds_no_fork_back_for_long(
    settings: Settings, server: KeepingServer
) -> None:
    """A handshake that waits for its peer delays a fork by the time-out, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            "API_HOSTS": [host, server.host],
        }
        waiting, other = connect(f"https://{host}"), connect(server.url)

        def wait_for_ever() -> None:
            with suppress(httpx2.TransportError):
                ask(waiting)

        thread = threading.Thread(target=wait_for_ever)
        thread.start()
        peer, _ = silent.accept()
        with peer:
            peer.recv(1)  # The handshake has begun.
            begun = time.monotonic()
            child = in_child(lambda: ask(other))
            took = time.monotonic() - begun
            assert child == 0
            assert TIMEOUT / 2 < took < TIMEOUT + MAX_SECONDS
        thread.join()


def locks_of_the_package() -> list[tuple[ModuleType, str]]:
    """Return where each lock of a module is."""
    return [
        (module, name)
        for module_name, module in sorted(sys.modules.items())
        if module_name.partition(".")[0] == "actionstep_connect"
        for name, value in vars(module).items()
        if isinstance(value, type(threading.Lock()))
    ]


def test_a_child_has_no_lock_that_a_thread_of_its_parent_held() -> None:
    """A fork copies locks and not the threads that hold them: e-mails, too, are sent in the child."""
    places = locks_of_the_package()
    with ExitStack() as held:
        for module, name in places:
            held.enter_context(getattr(module, name))
        child = os.fork()
        if child == 0:
            os._exit(sum(not getattr(*place).acquire(blocking=False) for place in places))
        _, status = os.waitpid(child, 0)
    assert (delivery, "_line") in places
    assert os.waitstatus_to_exitcode(status) == 0
