"""S47: the connection that stores an answer is the one that claimed, or nothing is sent."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.management import call_command
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from pytest_django import Settings

from actionstep_connect.api import aget_access_token, arefresh, get_access_token, refresh
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection, ConnectionEvent, Heartbeat
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    make_connection,
    make_user,
    sandbox_connection,
)
from tests.support.gate import close_gate, meanwhile, wait_until
from tests.support.hostile_server import HostileServer
from tests.support.sandbox import requests
from tests.support.sessions import end_sessions

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

Way = Callable[[Connection], object]


@pytest.fixture(autouse=True)
def _no_lost_session_stays() -> Generator[None]:
    """Close what the thread of asgiref keeps, because some of these tests end its session."""
    yield
    asyncio.run(sync_to_async(connections.close_all)())


def inside(way: Way) -> Way:
    """Take that way inside a transaction that fails afterwards."""

    def in_transaction(connection: Connection) -> None:
        with transaction.atomic(using=connection._state.db):
            way(connection)
            transaction.set_rollback(True, using=connection._state.db)

    return in_transaction


async def ask(connection: Connection) -> str:
    return await aget_access_token(connection)


def asynchronously(connection: Connection) -> None:
    async_to_sync(ask)(connection)


def by_command(_: Connection) -> None:
    call_command("actionstep_maintain")


WAYS: dict[str, Way] = {
    "token": get_access_token,
    "refresh": refresh,
    "async": asynchronously,
    "command": by_command,
}


@pytest.fixture
def tenant() -> Generator[None]:
    """Yield a schema with tables of its own, as each of django-tenants' tenants has."""
    tables = [model._meta.db_table for model in (Connection, ConnectionEvent, Heartbeat)]
    with connections["default"].cursor() as cursor:
        cursor.execute("CREATE SCHEMA acme")
        for table in tables:
            cursor.execute(f'CREATE TABLE acme."{table}" (LIKE public."{table}" INCLUDING ALL)')
    yield
    with connections["default"].cursor() as cursor:
        cursor.execute("DROP SCHEMA acme CASCADE")


@contextmanager
def as_tenant() -> Generator[None]:
    """Let this session see the tenant's tables, as a site's middleware does."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SET search_path TO acme, public")
    try:
        yield
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute("SET search_path TO DEFAULT")


def in_schema(schema: str) -> list[tuple[int, str]]:
    """Return generation and lease of each connection in `schema`."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            f'SELECT generation, lease_owner FROM {schema}."{Connection._meta.db_table}"'
        )
        return list(cursor.fetchall())


def copy_to_public() -> None:
    """Store the same row, with the same id, where a session without the tenant's path finds it."""
    table = Connection._meta.db_table
    with connections["default"].cursor() as cursor:
        cursor.execute(f'INSERT INTO public."{table}" SELECT * FROM acme."{table}"')


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("is_inside", [False, True])
@pytest.mark.parametrize("is_copied", [False, True])
def test_s47_a_tenants_token_is_stored_in_the_tenants_schema(
    sandbox: Sandbox, tenant: None, name: str, is_inside: bool, is_copied: bool
) -> None:
    """By every way, inside a failing transaction too, and whatever the public schema holds."""
    with as_tenant():
        connection = sandbox_connection(sandbox, **expired())
        if is_copied:
            copy_to_public()
        way = inside(WAYS[name]) if is_inside else WAYS[name]
        if (name, is_inside) == ("command", True):
            with pytest.raises(Exception, match="nothing was sent"):
                way(connection)
        else:
            way(connection)
            assert in_schema("acme") == [(2, "")]
            refresh(Connection.objects.get())
        if is_copied:
            Connection.objects.all().delete()
    assert in_schema("public") == ([(1, "")] if is_copied else [])
    assert requests(sandbox) == (0 if (name, is_inside) == ("command", True) else 2)


def test_s47_a_session_that_is_lost_meanwhile_gets_its_tenant_back(
    endpoint: HostileServer, tenant: None
) -> None:
    """The answer is stored where the claim was made, over a new database connection."""
    with as_tenant():
        connection = make_connection(make_user(), **expired())
        copy_to_public()
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        gate = close_gate(endpoint)

        def end_the_session() -> None:
            gate.wait()
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            gate.open()

        with meanwhile(end_the_session):
            get_access_token(connection)
        assert in_schema("acme") == [(2, "")]
        Connection.objects.all().delete()
    assert in_schema("public") == [(1, "")]


chosen: ContextVar[str] = ContextVar("chosen", default="default")
chosen_here = threading.local()


class RouterByContext:
    """Choose the database by a context variable, as a site's middleware sets it."""

    def db_for_read(self, model: type[Model], **_: Any) -> str | None:
        return self._chosen() if model._meta.app_label == "actionstep_connect" else None

    db_for_write = db_for_read

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        return True

    def _chosen(self) -> str:
        return chosen.get()


class RouterByThread(RouterByContext):
    """Choose it by a variable of the thread."""

    def _chosen(self) -> str:
        return getattr(chosen_here, "alias", "default")


@pytest.fixture(params=["RouterByContext", "RouterByThread"])
def routed(
    request: pytest.FixtureRequest,
    tenant: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[str]:
    """Yield a second database, which this thread and its context are routed to."""
    # Django's TestCase allows only databases that it knew when it began.
    guard = inspect.getclosurevars(BaseDatabaseWrapper.ensure_connection).nonlocals
    monkeypatch.setattr(guard["cls"], "databases", {"default", "acme"})
    settings.DATABASE_ROUTERS = [f"{__name__}.{request.param}"]
    default = connections["default"].settings_dict
    options = {**default["OPTIONS"], "options": "-c search_path=acme,public"}
    connections.settings["acme"] = {**default, "OPTIONS": options}
    token, chosen_here.alias = chosen.set("acme"), "acme"
    yield "acme"
    chosen.reset(token)
    del chosen_here.alias
    connections["acme"].close()
    del connections["acme"]
    del connections.settings["acme"]


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("is_inside", [False, True])
def test_s47_a_routed_token_is_stored_where_the_router_led(
    sandbox: Sandbox, routed: str, name: str, is_inside: bool
) -> None:
    """Routers by the thread and by the context are asked once, where the caller is."""
    connection = sandbox_connection(sandbox, **expired())
    assert connection._state.db == routed
    way = inside(WAYS[name]) if is_inside else WAYS[name]
    way(connection)
    assert in_schema("acme") == [(2, "")]
    assert in_schema("public") == []
    refresh(Connection.objects.get())
    assert requests(sandbox) == 2


@pytest.mark.parametrize("way", [get_access_token, asynchronously])
def test_s47_a_row_of_an_open_transaction_is_not_sent(sandbox: Sandbox, way: Way) -> None:
    """It says that the row is not seen, and all is well after the commit."""
    with transaction.atomic():
        connection = sandbox_connection(sandbox, **expired())
        with pytest.raises(TemporarilyUnavailable, match="has not ended") as caught:
            way(connection)
        assert (caught.value.code, requests(sandbox)) == ("out_of_sight", 0)
    way(connection)
    assert requests(sandbox) == 1


def test_s47_a_run_inside_a_transaction_that_fails_keeps_its_tokens(sandbox: Sandbox) -> None:
    """What maintenance refreshed inside a caller's transaction is stored, with its heartbeat."""
    sandbox_connection(sandbox, **expired())
    with transaction.atomic():
        call_command("actionstep_maintain")
        transaction.set_rollback(True)
    row = Connection.objects.get()
    assert (row.generation, row.outcome_unknown_since, row.lease_owner) == (2, None, "")
    assert Heartbeat.of_maintenance() is not None
    refresh(row)
    assert requests(sandbox) == 2


@pytest.fixture
def committing_by_hand(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[], None]]:
    """Have each new database connection begin a transaction that its user has to commit."""

    def switch_off() -> None:
        monkeypatch.setitem(connections["default"].settings_dict, "AUTOCOMMIT", False)
        connections["default"].close()

    yield switch_off
    monkeypatch.undo()
    connections["default"].close()


@pytest.mark.parametrize("name", WAYS)
def test_s47_what_a_connection_to_come_would_not_commit_is_committed(
    sandbox: Sandbox, committing_by_hand: Callable[[], None], name: str
) -> None:
    """Where a site has set AUTOCOMMIT to False and nothing has opened a connection yet."""
    connection = sandbox_connection(sandbox, **expired())
    committing_by_hand()
    WAYS[name](connection)
    connections["default"].close()
    assert in_schema("public") == [(2, "")]
    assert requests(sandbox) == 1


def test_s47_a_run_commits_on_the_connection_that_it_opens_after_an_outage(
    endpoint: HostileServer, committing_by_hand: Callable[[], None], settings: Settings
) -> None:
    """Whatever the site's AUTOCOMMIT says of new connections."""
    # On a busy machine it takes long to end all sessions.
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 45}
    make_connection(make_user(), **expired())
    gate = close_gate(endpoint)
    committing_by_hand()

    def end_all_sessions() -> None:
        gate.wait()
        end_sessions()
        gate.open()

    with meanwhile(end_all_sessions):
        maintain()
    connections["default"].close()
    assert in_schema("public") == [(2, "")]


@pytest.fixture
def no_more_connections(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[], None]]:
    """Let the present database connections live, and no other be opened."""

    def refuse() -> None:
        for name, value in (("HOST", "127.0.0.1"), ("PORT", "1")):
            monkeypatch.setitem(connections["default"].settings_dict, name, value)

    yield refuse
    monkeypatch.undo()


@pytest.mark.parametrize("way", [get_access_token, refresh])
def test_s47_without_a_second_connection_nothing_is_claimed(
    sandbox: Sandbox, no_more_connections: Callable[[], None], way: Way
) -> None:
    """TemporarilyUnavailable, and the row is as it was."""
    connection = sandbox_connection(sandbox, **expired())
    before = Connection.objects.values().get()
    no_more_connections()
    works: tuple[Callable[[], object], ...] = (lambda: way(connection), maintain)
    for work in works:
        with transaction.atomic(), pytest.raises(TemporarilyUnavailable) as caught:
            work()
        assert (caught.value.code, bool(caught.value.retry_after)) == (
            "no_database_connection",
            True,
        )
    assert Connection.objects.values().get() == before
    assert requests(sandbox) == 0


def test_s47_an_answer_waits_for_a_connection_longer_than_its_caller(
    endpoint: HostileServer,
    no_more_connections: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The caller fails, ends its transaction, and the answer is stored behind it."""
    connection = make_connection(make_user(), **expired())
    gate = close_gate(endpoint)
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (own,) = cursor.fetchone()

        def take_all_connections() -> None:
            gate.wait()
            connections["default"].ensure_connection()
            no_more_connections()
            end_sessions(own)
            gate.open()

        with meanwhile(take_all_connections), pytest.raises(TemporarilyUnavailable) as caught:
            get_access_token(connection)
    assert caught.value.code == "under_way"
    assert Connection.objects.get().generation == 1
    monkeypatch.undo()
    wait_until(lambda: Connection.objects.get().generation == 2)


def test_a_session_that_was_lost_before_costs_async_code_nothing(sandbox: Sandbox) -> None:
    """After a restart of the database the first caller opens a new connection."""
    first, second = (sandbox_connection(sandbox, **expired()) for _ in range(2))
    asyncio.run(arefresh(first))
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    asyncio.run(arefresh(second))
    assert Connection.objects.filter(generation=2).count() == 2


def test_s47_many_callers_share_a_few_connections(sandbox: Sandbox) -> None:
    """Twenty async callers open no more than two database connections of this package's own."""
    rows = [sandbox_connection(sandbox, **expired()) for _ in range(20)]
    is_over = threading.Event()

    def count_sessions() -> int:
        most = 0
        with connections["default"].cursor() as cursor:
            while not is_over.wait(0.01):
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                most = max(most, cursor.fetchone()[0])
        return most

    async def refresh_all() -> None:
        await asyncio.gather(*(arefresh(row) for row in rows))

    with meanwhile(count_sessions) as most:
        asyncio.run(refresh_all())
        is_over.set()
    assert most.get() <= 6  # The test's, asgiref's thread's, two, and two that are just closing.
    assert Connection.objects.filter(generation=2).count() == 20
