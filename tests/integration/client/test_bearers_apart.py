"""S58: over shared connections each request carries its own user's bearer, and gets its own answer."""

import asyncio
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx2
import pytest

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.models import Connection
from tests.support.connections import make_connection, make_user
from tests.support.keeping_server import KeepingServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Python 3.12 and newer. A fork among threads is what this is about.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

USERS = 100
ROUNDS = 6
THREADS = 16
FORKS = 3
SHORT = httpx2.Timeout(5, read=0.01)


@pytest.fixture
def server(tls_api: KeepingServer) -> KeepingServer:
    """Return the API that keeps its connections in place of the one that answers as told."""
    return tls_api


@pytest.fixture
def connections(server: KeepingServer) -> list[Connection]:
    """Return a hundred users' connections, each with a token that is good for one path only.

    They are loaded with their users, so that no thread of a test opens a database connection.
    """
    made = [
        make_connection(
            make_user(), access_token=f"token-{number}", api_endpoint=f"{server.url}/api/"
        )
        for number in range(USERS)
    ]
    loaded = Connection.objects.select_related("user").in_bulk([each.pk for each in made])
    return [loaded[each.pk] for each in made]


def is_own(answer: httpx2.Response, number: int) -> bool:
    """Return whether `answer` was made for the user of that number."""
    row = answer.json()["actions"]
    return bool(row["id"] == number and row["bearer"] == str(number))


def test_s58_no_bearer_reaches_another_users_request(
    server: KeepingServer, connections: list[Connection]
) -> None:
    """A hundred users in threads, with time-outs, answers left unread, and forks in between."""
    chance = random.Random(58)
    answered: list[int] = []
    strange: list[int] = []

    def call(number: int, dice: float) -> None:
        with ActionstepClient(connections[number], max_wait=0) as actionstep:
            path = f"actions/{number}?parts={1 + number % 3}"
            with suppress(httpx2.TimeoutException):
                if dice < 0.2:
                    actionstep.get(f"{path}&wait=25", timeout=SHORT)
                elif dice < 0.4:
                    request = actionstep.build_request("GET", path)
                    actionstep.send(request, stream=True)  # Left unread.
            answer = actionstep.get(path)
        (answered if is_own(answer, number) else strange).append(number)

    def fork() -> int:
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        status = 1
        try:
            answered.clear()
            for number in range(0, USERS, 5):
                call(number, number / USERS)
            status = 0 if len(answered) == USERS / 5 and not strange else 2
        finally:
            os._exit(status)

    with ThreadPoolExecutor(THREADS) as threads:
        calls = [
            threads.submit(call, number, chance.random())
            for _ in range(ROUNDS)
            for number in chance.sample(range(USERS), USERS)
        ]
        ends = [fork() for _ in range(FORKS)]
        for each in calls:
            each.result()
    assert ends == [0] * FORKS
    assert (server.mixed, strange) == ([], [])
    assert len(answered) == USERS * ROUNDS


def test_s58_no_bearer_reaches_another_tasks_request(  # noqa: C901 - one call, with all that befalls it.
    server: KeepingServer, connections: list[Connection]
) -> None:
    """The same in tasks, with cancellations at any moment, and loops that end in the midst of it."""
    chance = random.Random(58)
    answered: list[int] = []
    strange: list[int] = []

    async def call(number: int) -> None:
        async with AsyncActionstepClient(connections[number], max_wait=0) as actionstep:
            path = f"actions/{number}?parts={1 + number % 3}&wait={number % 7}"
            dice = chance.random()
            with suppress(TimeoutError, httpx2.TimeoutException):
                if dice < 0.3:
                    async with asyncio.timeout(chance.random() / 20):  # Cancels it.
                        await actionstep.get(path)
                elif dice < 0.4:
                    await actionstep.get(f"{path}&wait=25", timeout=SHORT)
                elif dice < 0.6:
                    request = actionstep.build_request("GET", path)
                    await actionstep.send(request, stream=True)  # Left unread.
            answer = await actionstep.get(path)
        (answered if is_own(answer, number) else strange).append(number)

    async def all_at_once() -> None:
        tasks = [asyncio.create_task(call(number)) for number in range(USERS)]
        cancelled = chance.sample(tasks, USERS // 4)
        for task in cancelled:
            asyncio.get_running_loop().call_later(chance.random() / 5, task.cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [each for each in results if isinstance(each, BaseException)]
        assert all(isinstance(each, asyncio.CancelledError) for each in failures), failures
        for number in chance.sample(range(USERS), 20):  # These end with their loop.
            under_way.add(asyncio.create_task(call(number)))
        await asyncio.sleep(chance.random() / 50)

    under_way: set[asyncio.Task[None]] = set()
    loops = [
        threading.Thread(target=asyncio.run, args=(all_at_once(),)) for _ in range(ROUNDS // 3)
    ]
    for loop in loops:
        loop.start()
    for _ in range(ROUNDS // 2):
        asyncio.run(all_at_once())
    for loop in loops:
        loop.join()
    assert (server.mixed, strange) == ([], [])
    assert len(answered) > USERS * 3
    assert server.wait_until(lambda: server.open == 0)
