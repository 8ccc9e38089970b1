"""Rate limits: a 429 that one client gets holds back the others, in this process and in the next."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import connection as database
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient
from actionstep_connect.client import errands, rate_limits
from actionstep_connect.exceptions import ApiError, RateLimited
from actionstep_connect.models import Connection
from tests.support.api_calls import Call, Clock
from tests.support.connections import make_connection, make_user
from tests.support.fleet import FAMILIES, ask_in_new_processes
from tests.support.hostile_server import Answer, HostileServer

# Python 3.12 and newer: a fork beside threads is what one of these tests is about.
pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)

LIMITED = Answer(status=429, headers={"Retry-After": "300"})
GOOD = Answer(body={"timerecords": []})


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Begin and end as a process does that knows of nothing; a busy machine is no slow cache."""
    monkeypatch.setattr(errands, "TIMEOUT", 20)
    monkeypatch.setattr(errands, "FIRST_TIMEOUT", 20)
    rate_limits.forget()
    yield
    rate_limits.forget()


@pytest.fixture
def shared(settings: Settings, tmp_path: Path) -> Any:
    """Return a cache in files, and a thread that has not met it yet."""
    settings.CACHES = files_in(tmp_path)
    errands._begin_anew()
    return caches["default"]


def files_in(folder: Path) -> dict[str, Any]:
    """Return the settings of a cache in files."""
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    return {"default": {"BACKEND": backend, "LOCATION": str(folder / "cache")}}


class TrapCache(LocMemCache):
    """A shared cache, by its name; what it does is the test's."""

    behaviour: Callable[[], Any] = staticmethod(lambda: None)
    calls = 0

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        """Do what the test wants."""
        type(self).calls += 1
        return type(self).behaviour()

    def set(self, *_: Any, **__: Any) -> None:
        """Do what the test wants."""
        self.get("")


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> type[TrapCache]:
    """Return a cache that behaves as the test says."""
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.TrapCache"}}
    monkeypatch.setattr(errands, "is_cache_shared", lambda: True)
    monkeypatch.setattr(rate_limits, "is_cache_shared", lambda: True)
    monkeypatch.setattr(TrapCache, "calls", 0)
    monkeypatch.setattr(TrapCache, "behaviour", staticmethod(lambda: None))
    errands._begin_anew()
    return TrapCache


def limited(call: Call, **of: Any) -> RateLimited:
    """Make a request without max_wait that must end in RateLimited."""
    with pytest.raises(RateLimited) as caught:
        call(options={"max_wait": 0}, **of)
    return caught.value


def test_a_429_holds_back_the_connections_other_clients(call: Call, server: HostileServer) -> None:
    """Nothing more is sent, whatever the method; the error says how long it still is."""
    server.answer(**vars(LIMITED))
    assert limited(call).retry_after == 300
    for method in ("GET", "POST"):
        error = limited(call, method=method)
        assert 298 < (error.retry_after or 0) <= 300
        assert "nothing was sent" in str(error)
    assert len(server.requests) == 1


def test_other_connections_are_not_held_back(
    call: Call, connection: Connection, server: HostileServer
) -> None:
    """The limit is for one user at one organisation."""
    server.script([LIMITED, GOOD])
    limited(call)
    with ActionstepClient(make_connection(make_user(), granted_scopes=["all"])) as other:
        assert other.get("timerecords").status_code == 200


def test_it_is_over_when_it_is_over(call: Call, server: HostileServer) -> None:
    """After the time that Actionstep named, requests are sent again."""
    server.script([LIMITED, GOOD])
    limited(call)
    with time_machine.travel(time.time() + 299):
        limited(call)
    with time_machine.travel(time.time() + 301):
        assert call().status_code == 200


def test_what_is_held_back_waits_and_is_sent(
    call: Call, server: HostileServer, clock: Clock
) -> None:
    """Within max_wait a request waits for the end of the limit, a POST as well."""
    server.script([Answer(status=429, headers={"Retry-After": "7"}), GOOD])
    limited(call)
    assert call("POST", json={}).status_code == 200
    assert len(server.requests) == 2
    [wait] = clock.waits
    assert 7 <= wait <= 8


def test_without_a_time_the_hold_is_short(call: Call, server: HostileServer, clock: Clock) -> None:
    """Two seconds, and the error says no time, because Actionstep said none."""
    server.answer(status=429)
    assert limited(call).retry_after is None
    assert limited(call).retry_after is None
    assert len(server.requests) == 1
    clock.now += rate_limits.UNNAMED_HOLD
    limited(call)
    assert len(server.requests) == 2


def test_a_request_heeds_its_own_429_as_before(
    call: Call, server: HostileServer, clock: Clock
) -> None:
    """The waits of a lone request are its backoff's, not the hold's."""
    server.script([Answer(status=429), Answer(status=429), GOOD])
    assert call().status_code == 200
    assert len(server.requests) == 3
    assert len(clock.waits) == 2


@pytest.mark.parametrize("asked", ["0", "999999999"])
def test_no_hold_is_longer_than_an_hour(
    call: Call, server: HostileServer, clock: Clock, asked: str
) -> None:
    """Nor is one that is over at once remembered."""
    server.script([Answer(status=429, headers={"Retry-After": asked}), GOOD])
    limited(call)
    clock.now += 0 if asked == "0" else 3601
    assert call().status_code == 200


def test_the_setting_switches_it_off(
    call: Call, server: HostileServer, settings: Settings, trap: type[TrapCache]
) -> None:
    """Each request finds out for itself, and the cache is not asked."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "SHARE_RATE_LIMITS": False}
    server.answer(**vars(LIMITED))
    for _ in range(2):
        limited(call)
    assert len(server.requests) == 2
    assert trap.calls == 0


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_local_cache_is_not_asked(
    call: Call, server: HostileServer, settings: Settings, backend: str
) -> None:
    """It would tell no one: there is no thread, and nothing is kept in it."""
    own = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "this test's own"}
    settings.CACHES = {"default": own}
    errands._begin_anew()
    server.answer(**vars(LIMITED))
    limited(call)
    assert errands.errands()._thread is None
    assert not getattr(caches["default"], "_cache", None)


def test_the_cache_tells_others(
    call: Call, connection: Connection, server: HostileServer, shared: Any
) -> None:
    """What one process has heard another knows before it sends; the entry is a key and a time."""
    server.answer(**vars(LIMITED))
    limited(call)
    value = shared.get(f"actionstep_connect:rate_limit:{connection.pk}")
    until, seconds, is_named = map(int, value.split())
    assert (seconds, is_named) == (300, 1)
    assert 298 < until - time.time() <= 301
    rate_limits.forget()  # As a process that has just begun.
    assert 298 < (limited(call).retry_after or 0) <= 300
    assert len(server.requests) == 1


def test_a_forked_child_asks_with_a_thread_of_its_own(connection: Connection, shared: Any) -> None:
    """The parent's thread is not there, nor is what it was about to answer."""
    limits = rate_limits.RateLimits(connection.pk)
    limits.check()  # Which starts the parent's thread, and finds nothing.
    shared.set(rate_limits.key_of(connection.pk), f"{time.time() + 60:.0f} 60 1", 60)
    child = os.fork()
    if not child:  # pragma: no cover - in another process.
        status = 1
        try:
            limits.check()
        except rate_limits.Held:
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_longer_limit_stays(connection: Connection, server: HostileServer, shared: Any) -> None:
    """A 429 of a request that was under way does not shorten what others were told."""
    limits = rate_limits.RateLimits(connection.pk)
    for seconds in (300, 5):
        limits.note(RateLimited("Fewer.", retry_after=seconds))
    assert shared.get(rate_limits.key_of(connection.pk)).split()[1] == "300"


@pytest.mark.parametrize("seconds", [90, -90])
def test_clocks_may_differ(
    call: Call, connection: Connection, server: HostileServer, shared: Any, seconds: int
) -> None:
    """The cache says that the limit is on; a clock that is wrong waits neither long nor too short."""
    shared.set(rate_limits.key_of(connection.pk), f"{time.time() + 60 + seconds:.0f} 60 1", 60)
    left = limited(call).retry_after or 0
    assert 0 < left <= 60
    shared.set(rate_limits.key_of(connection.pk), f"{time.time() + 10 + seconds:.0f} 60 1", 60)
    rate_limits.forget()
    assert 0 < (limited(call).retry_after or 0) <= 60
    assert server.requests == []


@pytest.mark.parametrize(
    "value",
    [
        "nonsense",
        b"\x80",
        7,
        ["9999999999 60 1"],
        "9999999999 99999 1",
        "9999999999 3601 1",
        "9999999999 0 1",
        "9999999999 -5 1",
        "1e99 60 1",
        "9999999999 60 1\n",
        "\N{ARABIC-INDIC DIGIT NINE} 60 1",
        "9" * 1_000_000,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_limit_holds_nothing_back(
    call: Call, connection: Connection, server: HostileServer, shared: Any, value: object
) -> None:
    """A value that this package cannot have written is left alone."""
    shared.set(rate_limits.key_of(connection.pk), value, None)
    assert call().status_code == 200


@pytest.mark.parametrize("until", [0, 9_999_999_999])
def test_a_poisoned_value_holds_nothing_for_longer_than_an_hour(
    call: Call,
    connection: Connection,
    server: HostileServer,
    clock: Clock,
    shared: Any,
    until: int,
) -> None:
    """One that never ends, and says that it is forever or over, blocks a process for an hour at most."""
    shared.set(rate_limits.key_of(connection.pk), f"{until} 3600 1", None)
    began = clock.now
    while True:
        try:
            call(options={"max_wait": 0})
        except RateLimited as error:
            clock.now += error.retry_after or 0
        else:
            break
    assert clock.now - began <= 3601
    assert call(options={"max_wait": 0}).status_code == 200


def test_a_cache_that_is_away_breaks_nothing_and_is_said_once(
    call: Call, server: HostileServer, trap: type[TrapCache], caplog: pytest.LogCaptureFixture
) -> None:
    """Calls go on, a 429 is RateLimited, and the log has one line."""

    def fail() -> None:
        raise ConnectionError("nobody listens")

    trap.behaviour = staticmethod(fail)
    assert call().status_code == 200
    server.answer(**vars(LIMITED))
    limited(call)
    rate_limits.forget()
    errands.errands()._rests_until = 0
    limited(call)
    records = [each for each in caplog.records if "rate_limits_not_shared" in each.getMessage()]
    assert [each.getMessage().partition(" ")[2] for each in records] == ["error=ConnectionError"]
    assert trap.calls == 2


def test_a_cache_that_hangs_slows_no_call(
    call: Call,
    server: HostileServer,
    trap: type[TrapCache],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first request waits a tenth of a second, and the next ones not at all; the log has one line."""
    assert call().status_code == 200
    rate_limits.forget()
    monkeypatch.setattr(errands, "TIMEOUT", 0.1)
    monkeypatch.setattr(trap, "calls", 0)
    entered, released = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        released.wait(20)

    trap.behaviour = staticmethod(hang)
    try:
        began = time.monotonic()
        assert call().status_code == 200
        assert time.monotonic() - began < 10
        assert entered.wait(20)
        for _ in range(5):
            rate_limits.forget()
            assert call().status_code == 200
        monkeypatch.setattr(errands, "TIMEOUT", 0)
        errands.errands()._rests_until = 0  # The thread still hangs.
        assert errands.errands().send(lambda _: None) is None
        assert trap.calls == 1
        records = [each for each in caplog.records if "rate_limits_not_shared" in each.getMessage()]
        assert [each.levelno for each in records] == [logging.WARNING]
        assert records[0].getMessage().endswith("error=too_slow")
    finally:
        released.set()


def test_a_burst_asks_the_cache_once_a_second(
    connection: Connection, server: HostileServer, trap: type[TrapCache]
) -> None:
    """A hundred requests of one connection make one look, and the next second another."""
    with ActionstepClient(connection) as actionstep:
        for _ in range(5):
            actionstep.get("timerecords")
        assert trap.calls <= 2
        rate_limits._asked.clear()
        actionstep.get("timerecords")
    assert 2 <= trap.calls <= 3


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("cache", ["files", "database"])
def test_processes_back_off_together(
    connection: Connection,
    server: HostileServer,
    settings: Settings,
    tmp_path: Path,
    cache: str,
    is_async: bool,
) -> None:
    """One process is told 300 seconds; three others, sync and async, send nothing and say how long."""
    settings.CACHES = files_in(tmp_path)
    if cache == "database":
        backend = "django.core.cache.backends.db.DatabaseCache"
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "shared_cache"}}
        call_command("createcachetable", verbosity=0)
    server.answer(**vars(LIMITED))
    said = ask_in_new_processes(connection, settings.CACHES, first=is_async)
    if cache == "database":
        with database.cursor() as cursor:
            cursor.execute("DROP TABLE shared_cache")
    assert said[0] == ["RateLimited", 300]
    assert [kind for kind, _ in said[1:]] == ["Held"] * len(FAMILIES)
    assert all(200 < left <= 300 for _, left in said[1:])
    assert len(server.requests) == 1


def test_an_error_that_is_no_429_holds_nothing_back(call: Call, server: HostileServer) -> None:
    """A 503 with Retry-After is not remembered."""
    server.script([Answer(status=503, headers={"Retry-After": "300"}), GOOD])
    with pytest.raises(ApiError):
        call()
    assert call().status_code == 200


def test_a_cache_that_hangs_from_the_beginning_slows_no_call(
    call: Call,
    server: HostileServer,
    trap: type[TrapCache],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first look may take a while, and is said to be late only when it never ends."""
    monkeypatch.setattr(errands, "FIRST_TIMEOUT", 0.1)
    released = threading.Event()
    trap.behaviour = staticmethod(lambda: released.wait(20))
    try:
        for _ in range(3):
            assert call().status_code == 200
            rate_limits.forget()
        assert (trap.calls, caplog.records) == (1, [])
        monkeypatch.setattr(errands, "GRACE", 0)
        assert call().status_code == 200
        assert [each.levelno for each in caplog.records] == [logging.WARNING]
    finally:
        released.set()


def test_async_code_waits_without_its_loop(
    connection: Connection,
    server: HostileServer,
    trap: type[TrapCache],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the cache hangs, other tasks of the loop go on."""
    monkeypatch.setattr(errands, "FIRST_TIMEOUT", 0.1)
    released = threading.Event()
    trap.behaviour = staticmethod(lambda: released.wait(20))
    turns = 0

    async def count() -> int:
        nonlocal turns
        task = asyncio.create_task(rate_limits.RateLimits(connection.pk).acheck())
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    try:
        assert asyncio.run(count()) > 10
    finally:
        released.set()
