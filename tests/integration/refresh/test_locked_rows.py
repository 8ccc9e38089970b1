"""S48: a row that another transaction locks holds up no other row."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Empty
from threading import Event, Lock

import pytest
from django.db import connection as database
from django.db import connections
from pytest_django import Settings

from actionstep_connect.api import get_access_token
from actionstep_connect.flows.flag import flag_expiring
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection
from tests.support.connections import expired, make_connection, make_user, near_limit
from tests.support.gate import close_gate, meanwhile, wait_until
from tests.support.hostile_server import Answer, HostileServer, Request, grant

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,  # SQLite locks whole files: see test_database_outage.
    pytest.mark.mysql,
]

HEALTHY = 30
LOCKED = "locked-token"


class Locks:
    """Another transaction, which locks rows one after the other and then ends."""

    def __init__(self) -> None:
        self._other = connections.create_connection("default")
        self._other.inc_thread_sharing()
        self._mutex = Lock()
        self._other.ensure_connection()
        self._other.set_autocommit(False)

    def take(self, row: Connection) -> None:
        """Lock `row`, as `select_for_update` does."""
        table = database.ops.quote_name(Connection._meta.db_table)
        value = Connection._meta.pk.get_db_prep_value(row.pk, self._other)
        with self._mutex, self._other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE", [value])

    def release(self) -> None:
        """End the transaction."""
        with self._mutex:
            self._other.rollback()

    def close(self) -> None:
        """End the connection."""
        self._other.close()


@pytest.fixture
def locks() -> Generator[Locks]:
    """Yield another transaction."""
    locks = Locks()
    yield locks
    locks.close()


class LockingServer(HostileServer):
    """A token endpoint that has rows locked while their refresh tokens are presented."""

    def __init__(self, locks: Locks) -> None:
        super().__init__()
        self.locks = locks
        self.rows: dict[str, tuple[Connection, Answer]] = {}
        self.locked = Event()

    def receive(self, request: Request) -> Answer:
        answer = super().receive(request)
        if request.form["refresh_token"] not in self.rows:
            assert self.locked.wait(20)
            return answer
        row, answer = self.rows[request.form["refresh_token"]]
        self.locks.take(row)
        self.locked.set()
        return answer

    def sent(self, token: str) -> int:
        """Return how often `token` was presented."""
        return [request.form["refresh_token"] for request in self.requests].count(token)


@pytest.fixture
def server(settings: Settings, locks: Locks) -> Generator[LockingServer]:
    """Yield an endpoint that locks, and settings that lead to it."""
    with LockingServer(locks) as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server


def first_in_line(number: int = 0) -> Connection:
    long_ago = datetime.now(UTC) - timedelta(hours=5) + timedelta(seconds=number)
    token = f"{LOCKED}-{number}"
    return make_connection(make_user(), refresh_token=token, **expired(refresh_at=long_ago))


def stored() -> int:
    return Connection.objects.filter(generation=2).count()


@contextmanager
def released_after(locks: Locks, count: int) -> Generator[None]:
    """Release the locks once `count` answers are stored, or when that takes too long."""

    def release() -> None:
        try:
            wait_until(lambda: stored() >= count)
        finally:
            locks.release()

    with meanwhile(release) as result:
        yield
    assert result.get() is None


ANSWERS = {
    "refused": Answer(status=400, body={"error": "invalid_grant"}),
    "500": Answer(status=500),
    "rejected": Answer(status=400, body={"error": "unauthorized_client"}),
}


@pytest.mark.parametrize("count", [1, 3])
def test_s48_a_row_locked_after_its_claim_is_stored_behind_the_others(
    server: LockingServer, locks: Locks, count: int
) -> None:
    """All other answers are stored while the lock is held, its own when it ends; none is sent twice."""
    for number in range(count):
        server.rows[f"{LOCKED}-{number}"] = (first_in_line(number), Answer(body=grant()))
    for number in range(HEALTHY):
        make_connection(make_user(), refresh_token=f"healthy-{number}", **expired())
    with released_after(locks, HEALTHY):
        report = maintain()
    assert (report.refreshed, report.stopped_by) == (HEALTHY + count, None)
    assert stored() == HEALTHY + count
    assert not Connection.objects.exclude(lease_owner="", outcome_unknown_since=None).exists()
    assert len(server.requests) == HEALTHY + count


@pytest.mark.parametrize("answer", ANSWERS)
def test_s48_whatever_a_locked_row_was_answered_the_others_go_on(
    server: LockingServer, locks: Locks, answer: str
) -> None:
    """A refusal or a failure waits for its row just so, and is noted when the lock ends."""
    row = first_in_line()
    server.rows[f"{LOCKED}-0"] = (row, ANSWERS[answer])
    for number in range(HEALTHY):
        make_connection(make_user(), refresh_token=f"healthy-{number}", **expired())
    with released_after(locks, HEALTHY):
        assert maintain().refreshed == HEALTHY
    row.refresh_from_db()
    assert (row.generation, row.lease_owner) == (1, "")
    assert row.last_error


def test_s48_claims_are_given_back_though_another_row_is_locked(
    server: LockingServer, locks: Locks
) -> None:
    """A run that is stopped gives back all that it can, and does not wait for a lock."""
    rows = [first_in_line(number) for number in range(12)]
    server.rows[f"{LOCKED}-0"] = (rows[11], Answer(body=grant()))  # One that waits unsent.
    server.rows |= {f"{LOCKED}-{number}": (rows[11], Answer(body=grant())) for number in (1, 2, 3)}
    report = maintain(should_stop=server.locked.is_set)
    assert report.stopped_by == "shutdown"
    assert not Connection.objects.exclude(lease_owner="").exclude(pk=rows[11].pk).exists()
    locks.release()


def test_s48_a_row_locked_before_its_claim_is_left_to_the_next_run(
    endpoint: HostileServer, locks: Locks
) -> None:
    """Claiming does not wait for it: the others are refreshed while it is locked."""
    rows = [first_in_line(number) for number in range(4)]
    locks.take(rows[0])
    with meanwhile(maintain) as result:
        try:
            assert result.get(timeout=20).refreshed == 3
        finally:
            locks.release()
    assert maintain().refreshed == 1


def test_s48_a_locked_row_keeps_no_other_from_being_flagged(locks: Locks) -> None:
    """The others are flagged at once, it itself by the next run."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    rows = [make_connection(make_user(), **near_limit(refresh_at=tomorrow)) for _ in range(3)]
    locks.take(rows[0])
    assert flag_expiring() == 2
    locks.release()
    assert flag_expiring() == 1


def test_a_callers_answer_waits_for_a_lock_as_long_as_it_takes(
    endpoint: HostileServer, locks: Locks
) -> None:
    """The token was sent, so its answer is stored when the lock ends, and the caller has it."""
    gate = close_gate(endpoint)
    connection = make_connection(make_user(), **expired())
    with meanwhile(lambda: get_access_token(connection)) as result:
        gate.wait()
        locks.take(connection)
        gate.open()
        with pytest.raises(Empty):
            result.get(timeout=2.5)  # Longer than one try, on every database.
        locks.release()
    assert result.get() == "canary-access-token"
    assert len(endpoint.requests) == 1


def test_a_page_does_not_wait_for_a_lock_to_note_that_it_uses_a_connection(locks: Locks) -> None:
    """A token that lives is given at once; the next use is noted instead."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    connection = make_connection(make_user(), last_used_at=yesterday)
    locks.take(connection)
    with meanwhile(lambda: get_access_token(connection)) as result:
        try:
            assert result.get(timeout=20) == "an-access-token"
        finally:
            locks.release()
    connection.refresh_from_db()
    assert connection.last_used_at == yesterday
