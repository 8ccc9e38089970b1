"""Connections to Actionstep: what the clients of a process share, and what they never do."""

import asyncio
import gc
import os
import select
import socket
import ssl
import stat
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpcore2._async.http11
import httpcore2._sync.http11
import httpx2
import pytest
from asgiref.sync import sync_to_async

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.models import Connection
from tests.support.connections import make_connection, make_user
from tests.support.keeping_server import KeepingServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Python 3.12 and newer: what the server's thread is to a fork is what this is about.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

CLIENTS = 50
HIGH = 150  # more than a client of httpx2's opens connections


@pytest.fixture
def server(tls_api: KeepingServer) -> KeepingServer:
    """Return the API that keeps its connections in place of the one that answers as told."""
    return tls_api


@pytest.fixture
def connection(server: KeepingServer) -> Connection:
    """Return a connection whose token is that of `actions/1`."""
    return connect(server, 1)


def connect(server: KeepingServer, number: int) -> Connection:
    made = make_connection(
        make_user(), access_token=f"token-{number}", api_endpoint=f"{server.url}/api/"
    )
    # With its user, so that no thread of a test opens a database connection.
    return Connection.objects.select_related("user").get(pk=made.pk)


def ask(connection: Connection, path: str = "actions/1", **options: Any) -> Any:
    with ActionstepClient(connection, max_wait=0, **options) as actionstep:
        return actionstep.get(path).json()["actions"]


async def aask(connection: Connection, path: str = "actions/1", **options: Any) -> Any:
    async with AsyncActionstepClient(connection, max_wait=0, **options) as actionstep:
        return (await actionstep.get(path)).json()["actions"]


def in_child(work: Callable[[], object]) -> int:
    """Fork, do `work` in the child, and return how it ended."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def sockets_to(server: KeepingServer) -> int:
    """Return how many sockets of this process lead to `server`."""
    found = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - paths are not what is looked for.
        with suppress(OSError):
            number = int(name)
            if stat.S_ISSOCK(os.fstat(number).st_mode):  # A copy of anything else would stay open.
                with socket.socket(fileno=os.dup(number)) as copy:
                    found += copy.getpeername() == (
                        "127.0.0.1",
                        int(server.host.rpartition(":")[2]),
                    )
    return found


def test_clients_share_their_connections(connection: Connection, server: KeepingServer) -> None:
    """Fifty clients, one after the other, make one handshake."""
    for _ in range(CLIENTS):
        ask(connection)
    assert (server.requests, server.connections) == (CLIENTS, 1)


def test_async_clients_share_their_connections(
    connection: Connection, server: KeepingServer
) -> None:
    """The same in a loop; another loop's connections are its own."""

    async def calls() -> None:
        for _ in range(CLIENTS):
            await aask(connection)

    asyncio.run(calls())
    assert (server.requests, server.connections) == (CLIENTS, 1)
    asyncio.run(calls())
    assert server.connections == 2


def test_async_clients_work_where_there_is_no_poll(
    connection: Connection, server: KeepingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has no `select.poll`, and eventlet takes it away."""
    monkeypatch.delattr(select, "poll")

    async def calls() -> None:
        for _ in range(2):
            await aask(connection)

    asyncio.run(calls())
    assert (server.requests, server.connections) == (2, 1)


def test_no_thread_waits_for_anothers_connection(
    connection: Connection, server: KeepingServer
) -> None:
    """Any number of requests may be under way, because no server answers one before it has all."""
    with ThreadPoolExecutor(HIGH) as threads:
        together = [
            threads.submit(ask, connection, f"actions/1?together={HIGH}") for _ in range(HIGH)
        ]
        assert all(each.result()["id"] == 1 for each in together)
        opened = server.connections
        assert list(threads.map(ask, [connection] * HIGH))
    assert server.connections == opened == HIGH


def test_no_task_waits_for_anothers_connection(
    connection: Connection, server: KeepingServer
) -> None:
    """The same in a loop."""

    async def calls() -> None:
        for _ in range(2):
            await asyncio.gather(
                *(aask(connection, f"actions/1?together={HIGH}") for _ in range(HIGH))
            )

    asyncio.run(calls())
    assert server.connections == HIGH


def test_a_closed_client_closes_nothing_of_others(
    connection: Connection, server: KeepingServer
) -> None:
    """It sends no more, and what it did not read is closed; others read on."""
    with ActionstepClient(connection) as other, ActionstepClient(connection) as closed:
        with other.stream("GET", "actions/1?parts=20") as answer:
            pieces = answer.iter_bytes()
            begun = next(pieces)
            request = closed.build_request("GET", "actions/1?parts=20")
            unread = closed.send(request, stream=True)
            closed.close()
            with pytest.raises(httpx2.ReadError):
                unread.read()
            with pytest.raises(RuntimeError, match="has been closed"):
                closed.get("actions/1")
            assert len(begun + b"".join(pieces)) > 80_000
        assert server.wait_until(lambda: server.open == 1)
        other.get("actions/1")
    assert server.connections == 2


def test_a_closed_async_client_closes_nothing_of_others(
    connection: Connection, server: KeepingServer
) -> None:
    """The same in a loop."""

    async def calls() -> None:
        other, closed = AsyncActionstepClient(connection), AsyncActionstepClient(connection)
        async with other, other.stream("GET", "actions/1?parts=20") as answer:
            request = closed.build_request("GET", "actions/1?parts=20")
            await closed.send(request, stream=True)
            await closed.aclose()
            with pytest.raises(RuntimeError, match="has been closed"):
                await closed.get("actions/1")
            assert len(await answer.aread()) > 80_000
            assert await asyncio.to_thread(server.wait_until, lambda: server.open == 1)

    asyncio.run(calls())


def test_a_forgotten_answer_is_closed(connection: Connection, server: KeepingServer) -> None:
    """A client that is neither closed nor kept leaves no connection behind, nor does its answer."""

    def forget() -> None:
        client = ActionstepClient(connection)
        client.send(client.build_request("GET", "actions/1?parts=50"), stream=True)

    async def aforget() -> None:
        client = AsyncActionstepClient(connection)
        await client.send(client.build_request("GET", "actions/1?parts=50"), stream=True)

    async def calls() -> bool:
        await aforget()
        gc.collect()
        return await asyncio.to_thread(server.wait_until, lambda: server.open == 0)

    forget()
    gc.collect()
    assert server.wait_until(lambda: server.open == 0)
    assert asyncio.run(calls())


def test_idle_connections_are_closed(
    connection: Connection, server: KeepingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After thirty seconds, without another request; one that is used lives on."""
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(httpcore2._sync.http11, "time", clock)
    monkeypatch.setattr(httpcore2._async.http11, "time", clock)

    async def calls() -> None:
        now[0] = 0.0
        await aask(connection)
        now[0] = 29.0
        await aask(connection)
        now[0] = 31.0
        await aask(connection)
        assert server.open == 1
        now[0] = 62.0
        assert await asyncio.to_thread(server.wait_until, lambda: server.open == 0)

    ask(connection)
    now[0] = 29.0
    ask(connection)
    assert server.open == 1
    now[0] = 60.0
    assert server.wait_until(lambda: server.open == 0)
    asyncio.run(calls())
    assert server.connections == 2


def test_a_clients_own_connections_are_its_own(
    connection: Connection, server: KeepingServer, certificate: Path
) -> None:
    """Whatever a caller says of connections makes a client whose closing closes them."""
    context = ssl.create_default_context(cafile=certificate)
    ask(connection)
    for options in (
        {"verify": context},
        {"limits": httpx2.Limits(max_connections=1)},
        {"transport": httpx2.HTTPTransport(verify=context)},
        {"mounts": {"all://": httpx2.HTTPTransport(verify=context)}},
        {"http1": True, "verify": context},
        {"trust_env": False, "verify": context},
    ):
        opened = server.connections
        ask(connection, **options)
        assert server.connections == opened + 1
        assert server.wait_until(lambda: server.open == 1)
    opened = server.connections
    ask(connection, headers={"X-Own": "1"}, timeout=5, event_hooks={})
    assert server.connections == opened


def test_no_cookie_is_kept(connection: Connection, server: KeepingServer) -> None:
    """What an answer sets is in the answer alone; what a client was given is sent."""

    async def calls() -> None:
        async with AsyncActionstepClient(connection) as actionstep:
            answer = await actionstep.get("actions/1")
            assert answer.cookies["session"] == "theirs"
            await actionstep.get("actions/1")

    with ActionstepClient(connection) as actionstep:
        assert actionstep.get("actions/1").cookies["session"] == "theirs"
        actionstep.get("actions/1")
        assert not actionstep.cookies
    asyncio.run(calls())
    assert server.cookies == []
    ask(connection, cookies={"mine": "1"})
    assert server.cookies == ["mine=1"]


def test_a_child_has_connections_of_its_own(connection: Connection, server: KeepingServer) -> None:
    """What is idle is closed before a fork; the child's copy of what is in use is closed in the child."""
    kept = ActionstepClient(connection, max_wait=0)
    ask(connection)
    with kept, kept.stream("GET", "actions/1?parts=20") as answer:
        pieces = answer.iter_bytes()
        begun = next(pieces)
        ask(connection)
        assert sockets_to(server) == 2

        def work() -> bool:
            alone = sockets_to(server) == 0
            answered = kept.get("actions/1").json()["actions"]["id"] == 1
            return alone and answered and ask(connection)["id"] == 1 and sockets_to(server) == 1

        assert in_child(work) == 0
        assert server.wait_until(lambda: server.open == 1)
        assert len(begun + b"".join(pieces)) > 80_000
        kept.get("actions/1")
    assert server.connections == 3


def test_a_loops_child_has_connections_of_its_own(
    connection: Connection, server: KeepingServer
) -> None:
    """The same for what a loop is using; the parent's loop notices nothing."""

    async def calls() -> None:
        async with AsyncActionstepClient(connection) as actionstep:
            async with actionstep.stream("GET", "actions/1?parts=20") as answer:
                await aask(connection)
                assert sockets_to(server) == 2

                def work() -> bool:
                    alone = sockets_to(server) == 0
                    return alone and ask(connection)["id"] == 1

                assert in_child(work) == 0
                assert len(await answer.aread()) > 80_000
            await actionstep.get("actions/1")
            assert await asyncio.to_thread(server.wait_until, lambda: server.open == 1)

    asyncio.run(calls())


@pytest.mark.parametrize("ends", ["run", "close", "forgotten task"])
def test_a_loops_connections_end_with_it(
    connection: Connection, server: KeepingServer, ends: str
) -> None:
    """However it is closed, with requests under way too, and nothing keeps it alive."""

    async def calls() -> None:
        await aask(connection)
        if ends == "forgotten task":
            under_way = asyncio.ensure_future(aask(connection, "actions/1?wait=5000"))
            assert await asyncio.to_thread(server.wait_until, lambda: server.requests == 2)
            assert not under_way.done()

    if ends == "close":
        loop = asyncio.new_event_loop()
        loop.run_until_complete(calls())
        loop.close()
    else:
        with asyncio.Runner() as runner:
            runner.run(calls())
            loop = runner.get_loop()
    assert server.wait_until(lambda: server.open == 0)
    forgotten = weakref.ref(loop)
    del loop
    with suppress(NameError):
        del runner
    asyncio.run(sync_to_async(int)())  # asgiref keeps the loop that it served last.
    gc.collect()
    assert forgotten() is None


def test_no_thread_is_left(connection: Connection, server: KeepingServer) -> None:
    """What watches idle connections ends with them."""
    ask(connection)
    (thread,) = [each for each in threading.enumerate() if each.name.startswith("actionstep-idle")]
    assert in_child(lambda: len(threading.enumerate()) == 1) == 0
    assert not thread.is_alive()


def test_clients_cost_no_memory(connection: Connection, server: KeepingServer) -> None:
    """What a client leaves behind is collected, whether it was closed or not."""
    ask(connection)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(5000):
        client = ActionstepClient(connection)
        if number % 2:
            client.close()
    del client
    gc.collect()
    assert len(gc.get_objects()) - before < 500
    assert server.connections == 1


def calls_of(work: Callable[[], object]) -> int:
    """Return how many Python functions `work` calls in this thread: unlike a time, always the same."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_a_request_looks_at_no_other_idle_connection(
    connection: Connection, server: KeepingServer
) -> None:
    """It costs the same beside a hundred and fifty of them, and uses the one that was used last."""
    ask(connection)
    alone = calls_of(lambda: ask(connection))
    with ThreadPoolExecutor(HIGH) as threads:
        list(threads.map(ask, [connection] * HIGH, [f"actions/1?together={HIGH}"] * HIGH))
    assert server.open == HIGH
    assert calls_of(lambda: ask(connection)) <= alone * 1.05
    assert server.connections == HIGH


def test_an_async_request_looks_at_no_other_idle_connection(
    connection: Connection, server: KeepingServer
) -> None:
    """The same in a loop."""

    def calls_of_one(runner: asyncio.Runner) -> int:
        return calls_of(lambda: runner.run(aask(connection)))

    async def together() -> None:
        await asyncio.gather(*(aask(connection, f"actions/1?together={HIGH}") for _ in range(HIGH)))

    with asyncio.Runner() as runner:
        runner.run(aask(connection))
        alone = min(calls_of_one(runner) for _ in range(3))
        runner.run(together())
        assert server.open == HIGH
        assert min(calls_of_one(runner) for _ in range(3)) <= alone * 1.05
    assert server.connections == HIGH
