"""The receiver in a process of its own: a real uvicorn, on this run's database."""

import itertools
import random
import socket
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client

from actionstep_connect.hooks.addresses import new_secret
from actionstep_connect.hooks.endpoint import BODY_TIMEOUT, MAX_CALLS
from actionstep_connect.hooks.models import Address, Notification, Subscription
from actionstep_connect.hooks.shapes import MAX_BODY_SIZE
from actionstep_connect.secret import Secret
from tests.support.hooks import RECEIVER, body_of, hostile_body, subscribed
from tests.support.receiver_process import (
    Conversation,
    ReceiverProcess,
    at_once,
    inheriting_receiver,
    running_receiver,
    wait_for,
)
from tests.support.sessions import end_sessions
from tests.support.volume import cases

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(transactional_db: None, tmp_path: Path) -> Generator[ReceiverProcess]:
    """Run the receiver."""
    with running_receiver(tmp_path) as receiver:
        yield receiver


def stored() -> list[str]:
    """Return the rows that are stored, in their order."""
    return list(Notification.objects.order_by("pk").values_list("row_id", flat=True))


@contextmanager
def nothing_is_stored() -> Generator[None]:
    """Keep what is stored waiting until the block ends, though all can be looked up."""
    with transaction.atomic():
        if database.vendor == "postgresql":
            database.cursor().execute(f"LOCK TABLE {Notification._meta.db_table} IN SHARE MODE")
        else:  # A transaction that has written holds the one lock there is.
            Subscription.objects.update(times_disabled=0)
        yield


BODIES = {
    "one row": body_of(7),
    "no JSON": b"nonsense",
    "none": b"",
    "another resource": body_of(7, "tasks"),
    "two rows": b'{"actions": [{"id": 7}, {"id": 8}]}',
    "as much as there may be": body_of(7, name="x" * (MAX_BODY_SIZE - len(body_of(7, name="")))),
    "a byte too much": body_of(7, name="x" * (MAX_BODY_SIZE + 1 - len(body_of(7, name="")))),
}


def test_s59_both_faces_give_one_answer(receiver: ReceiverProcess) -> None:
    """Whatever is called, the process answers and stores what the site's own view does."""

    def of_the_view(path: str, body: bytes, method: str) -> tuple[int, dict[str, str]]:
        answer = Client().generic(method, path, body, content_type="application/vnd.api+json")
        return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}

    def of_the_process(path: str, body: bytes, method: str) -> tuple[int, dict[str, str]]:
        conversation = Conversation(receiver.port)
        conversation.begin(path, f"Content-Length: {len(body)}", method=method)
        conversation.send(body)
        return conversation.answer()

    def outcome(ask: Callable[..., tuple[int, dict[str, str]]], *what: object) -> object:
        subscription, secret = subscribed("ActionUpdated")
        Subscription.objects.update(gap_since=None, last_heard_at=None)
        Notification.objects.all().delete()
        path, body, method = what
        status, headers = ask(str(path).format(secret.reveal()), body, method)
        subscription.refresh_from_db()
        named = {name: headers.get(name) for name in ("allow", "cache-control", "content-type")}
        heard = [each is not None for each in (subscription.gap_since, subscription.last_heard_at)]
        return status, named, heard, stored()

    own, other = RECEIVER + "{}/", f"{RECEIVER}{new_secret().reveal()}/"
    asked = [
        *((own, body, "POST") for body in BODIES.values()),
        *((own, body_of(7), method) for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH")),
        (other, body_of(7), "POST"),
        (other, b"", "GET"),
        (f"{RECEIVER}ash_short/", body_of(7), "POST"),
        (RECEIVER + "{}x/", body_of(7), "POST"),
        (RECEIVER + "{}/x/", body_of(7), "POST"),
        (RECEIVER + "x{}/", body_of(7), "POST"),
    ]
    for what in asked:
        seen = [outcome(ask, *what) for ask in (of_the_view, of_the_process)]
        if isinstance(seen[0], tuple) and seen[0][0] == 404:
            # Django's own page of a site that has no such address is not this package's.
            assert [each[0] for each in seen if isinstance(each, tuple)] == [404, 404], what
            assert stored() == []
        else:
            assert seen[0] == seen[1], what


def test_it_serves_under_whatever_path_hooks_url_names(receiver: ReceiverProcess) -> None:
    """A proxy may lead any path here: the last part of it is the secret."""
    _, secret = subscribed("ActionUpdated")
    for prefix in ("/", "/in/", "/a/b/c/"):
        conversation = Conversation(receiver.port)
        conversation.begin(f"{prefix}{secret.reveal()}/", f"Content-Length: {len(body_of(7))}")
        conversation.send(body_of(7))
        assert conversation.answer()[0] == 200
    assert stored() == ["7"]


def test_calls_that_arrive_together_are_stored_together(receiver: ReceiverProcess) -> None:
    """What comes while one batch is stored is the next batch: one statement, and one moment."""
    _, secret = subscribed("ActionUpdated")
    with nothing_is_stored():
        waiting = [receiver.ask(secret, body_of(number)) for number in range(40)]
    assert [each.answer()[0] for each in waiting] == [200] * 40
    assert sorted(stored(), key=int) == [str(number) for number in range(40)]
    assert Notification.objects.values("received_at").distinct().count() <= 3


def test_s59_no_more_bodies_are_read_than_there_are_places(receiver: ReceiverProcess) -> None:
    """While the database is slow, further calls are held back and then stored: none is refused."""
    _, secret = subscribed("ActionUpdated")
    assert receiver.call(secret, body_of(0)) == 200
    more = 5
    with nothing_is_stored():
        waiting = [receiver.ask(secret, body_of(number)) for number in range(1, MAX_CALLS + 1)]
        length = f"Content-Length: {len(body_of(1000))}"
        late = [receiver.begin(secret, length, "Expect: 100-continue") for _ in range(more)]
        for _ in range(3):  # Once these are answered, what came before them was looked at.
            assert receiver.call(secret, b"", method="GET") == 405
        for each in late:
            each.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                each.socket.recv(1)
            each.socket.settimeout(30)
    for number, each in enumerate(late):
        each.is_asked_on()
        each.send(body_of(1000 + number))
    assert {each.answer()[0] for each in [*waiting, *late]} == {200}
    assert Notification.objects.count() == 1 + MAX_CALLS + more


def test_a_body_in_chunks_is_read(receiver: ReceiverProcess) -> None:
    """A proxy may pass a call on without its length, and in pieces."""
    _, secret = subscribed("ActionUpdated")
    conversation = receiver.begin(secret, "Transfer-Encoding: chunked")
    for part in (b'{"data": {"type": "ac', b'tions", "id": "7"}}', b""):
        conversation.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
    assert conversation.answer()[0] == 200
    assert stored() == ["7"]


def test_s59_chunks_without_an_end_are_read_up_to_the_limit(receiver: ReceiverProcess) -> None:
    """A body that says no length takes no more memory than another one."""
    subscription, secret = subscribed("ActionUpdated")
    conversation = receiver.begin(secret, "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(MAX_BODY_SIZE // 0x10000 + 1):
        conversation.send(chunk)
    assert conversation.answer()[0] == 200
    assert "error=ShapelessError" in receiver.process.log.read_text()
    subscription.refresh_from_db()
    assert subscription.gap_since is not None


def test_s59_a_strangers_body_is_not_read(receiver: ReceiverProcess) -> None:
    """A wrong secret is answered without asking for what is announced to come with it."""
    conversation = receiver.begin(new_secret(), "Content-Length: 1000", "Expect: 100-continue")
    with conversation.socket as client:
        assert client.recv(12) == b"HTTP/1.1 404"


def test_s59_a_caller_that_hangs_up_opens_a_gap(receiver: ReceiverProcess) -> None:
    """A body that is cut off is no change, even if what came can be read; it is looked for."""
    _, secret = subscribed("ActionUpdated")
    length = f"Content-Length: {len(body_of(7)) + 1}"
    conversation = receiver.begin(secret, length, "Expect: 100-continue")
    conversation.is_asked_on()
    conversation.send(body_of(7))
    conversation.socket.close()
    wait_for(lambda: Subscription.objects.exclude(gap_since=None).exists())
    assert stored() == []


def test_s59_a_body_that_never_comes_holds_no_place(receiver: ReceiverProcess) -> None:
    """All places are taken by callers who send nothing: after a time limit the next call has one."""
    subscription, secret = subscribed("ActionUpdated")
    slow = [receiver.begin(secret, "Content-Length: 100") for _ in range(MAX_CALLS)]
    begun = datetime.now(UTC)
    assert receiver.call(secret, body_of(7)) == 200
    assert (datetime.now(UTC) - begun).total_seconds() < BODY_TIMEOUT * 3
    assert {each.answer()[0] for each in slow} == {200}
    assert stored() == ["7"]
    subscription.refresh_from_db()
    assert subscription.gap_since is not None


@pytest.mark.timeout(900)
def test_s59_hostile_bodies_disable_nothing_and_store_nothing(receiver: ReceiverProcess) -> None:
    """Twenty at a time, with the right secret and with wrong ones: no error, and no row."""
    subscription, secret = subscribed("ActionUpdated")
    random_ = random.Random(59)

    def one(number: int) -> int:
        if number % 2:
            return receiver.call(new_secret(), body_of(number))
        return receiver.call(secret, hostile_body(random_))

    statuses = at_once(partial(one, number) for number in range(cases(0.1)))
    assert statuses == [(200, 404)[number % 2] for number in range(cases(0.1))]
    assert Notification.objects.count() == 0
    subscription.refresh_from_db()
    assert subscription.gap_since is not None
    log = receiver.process.log.read_text()
    assert "call_unreadable" in log
    assert "Traceback" not in log


def test_s59_a_request_that_is_none_stops_nothing(receiver: ReceiverProcess) -> None:
    """What is not HTTP, and a WebSocket, are refused; the next call is stored."""
    _, secret = subscribed("ActionUpdated")
    for nonsense in (b"\x16\x03\x01\x00", b"POST / HTTP/9.9\r\n\r\n", b"\r\n" * 1000):
        with socket.create_connection(("127.0.0.1", receiver.port)) as client:
            client.sendall(nonsense)
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    conversation = receiver.begin(secret, *upgrade, "Sec-WebSocket-Key: x", method="GET")
    assert conversation.answer()[0] in {400, 403, 405}
    assert receiver.call(secret, body_of(7)) == 200


@pytest.mark.parametrize("options", [(), ("--log-level", "debug")])
def test_s59_no_log_holds_an_address(
    transactional_db: None, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """uvicorn's own access log is on by default, and shows no secret."""
    _, secret = subscribed("ActionUpdated")
    with running_receiver(tmp_path, *options) as receiver:
        receiver.call(secret, body_of(7))
        receiver.call(secret, b"nonsense")
        receiver.call(secret, b"", method="GET")
        receiver.call(f"x/{secret.reveal()}/x", b"")
        receiver.process.terminate()
        receiver.process.wait(30)
        log = receiver.process.log.read_text()
    assert '"POST /actionstep/hooks/ash_' in log
    assert secret.reveal() not in log


def test_calls_of_a_subscription_that_is_being_deleted_stop_no_other(
    receiver: ReceiverProcess,
) -> None:
    """They are in one batch, whose insert is refused; the others are stored nevertheless."""
    (_, kept), (deleted, void) = subscribed("ActionUpdated"), subscribed("TaskUpdated")
    for secret, body in ((kept, body_of(1)), (void, body_of(1, "tasks"))):
        assert receiver.call(secret, body) == 200
    with nothing_is_stored():
        # The first is a batch of its own; the others gather, and are looked up before this commits.
        waiting = [receiver.ask(kept, body_of(2))]
        for number in range(3, 20):
            waiting.append(receiver.ask(kept, body_of(number)))
            waiting.append(receiver.ask(void, body_of(number, "tasks")))
        deleted.delete()
    statuses = [each.answer()[0] for each in waiting]
    assert [statuses[0], *statuses[1::2]] == [200] * 18
    assert set(statuses[2::2]) <= {200, 404}
    assert stored() == [str(number) for number in range(1, 20)]


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_one_row_that_the_database_refuses_stops_no_other(receiver: ReceiverProcess) -> None:
    """It is answered 503, which makes its loss known; those beside it are stored."""
    _, secret = subscribed("ActionUpdated")
    table = Notification._meta.db_table
    if database.vendor == "sqlite":
        statement = (
            f"CREATE TRIGGER unlucky BEFORE INSERT ON {table} WHEN NEW.row_id = '13' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        undo = "DROP TRIGGER unlucky"
    else:
        statement = f"ALTER TABLE {table} ADD CONSTRAINT unlucky CHECK (row_id <> '13')"
        undo = f"ALTER TABLE {table} DROP CONSTRAINT unlucky"
    with database.cursor() as cursor:
        cursor.execute(statement)
        try:
            with nothing_is_stored():
                waiting = [receiver.ask(secret, body_of(number)) for number in range(30)]
            statuses = [each.answer()[0] for each in waiting]
        finally:
            cursor.execute(undo)
    assert [number for number, status in enumerate(statuses) if status != 200] == [13]
    assert statuses[13] == 503
    assert sorted(stored(), key=int) == [str(each) for each in range(30) if each != 13]


@pytest.mark.postgresql
def test_a_restart_of_the_database_costs_no_call(receiver: ReceiverProcess) -> None:
    """A connection that was lost while it was kept is opened again within the call."""
    _, secret = subscribed("ActionUpdated")
    for number in range(5):
        assert receiver.call(secret, body_of(number)) == 200
        end_sessions()
    assert receiver.call(new_secret(), b"") == 404
    assert stored() == ["0", "1", "2", "3", "4"]


@pytest.mark.postgresql
def test_a_connection_to_what_became_a_standby_is_not_kept(receiver: ReceiverProcess) -> None:
    """A session that may not write is answered 503 once, and the next call has another session."""
    _, secret = subscribed("ActionUpdated")
    name = database.ops.quote_name(database.settings_dict["NAME"])
    assert receiver.call(secret, body_of(0)) == 200
    with database.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            end_sessions()
            assert receiver.call(secret, body_of(1)) == 503
        finally:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert receiver.call(secret, body_of(2)) == 200
    assert stored() == ["0", "2"]


@pytest.mark.postgresql
def test_while_the_database_is_away_each_call_gets_503_and_afterwards_200(
    receiver: ReceiverProcess,
) -> None:
    """None waits forever, none is answered 200, and the next one after the outage is stored."""
    _, secret = subscribed("ActionUpdated")
    assert receiver.call(secret, body_of(0)) == 200
    name = database.ops.quote_name(database.settings_dict["NAME"])
    with database._nodb_cursor() as cursor:  # None may disallow connections to its own.
        cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            end_sessions()
            calls = (partial(receiver.call, secret, body_of(number)) for number in range(1, 51))
            assert set(at_once(calls)) == {503}
            assert receiver.call(new_secret(), b"") == 503
        finally:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert receiver.call(secret, body_of(51)) == 200
    assert stored() == ["0", "51"]
    log = receiver.process.log.read_text()
    assert log.count("call_not_stored error=OperationalError") == 51
    assert "Traceback" not in log


def keep_calling(receiver: ReceiverProcess, secret: Secret, numbers: Iterator[int]) -> list[int]:
    """Call until the receiver is gone; return the numbers of the calls that were answered 200."""
    answered = []
    for number in numbers:
        try:
            if receiver.call(secret, body_of(number)) == 200:
                answered.append(number)
        except (OSError, ValueError):
            break
    return answered


@pytest.mark.parametrize("calls", [50, 200, 400])
def test_a_kill_amid_calls_loses_nothing_that_was_answered(
    transactional_db: None, tmp_path: Path, calls: int
) -> None:
    """Each call that got 200 is in the database, whenever the process dies."""
    _, secret = subscribed("ActionUpdated")
    numbers = itertools.count()
    with running_receiver(tmp_path) as receiver, ThreadPoolExecutor(8) as callers:
        results = [callers.submit(keep_calling, receiver, secret, numbers) for _ in range(8)]
        wait_for(lambda: Notification.objects.count() >= calls)
        receiver.process.kill()
    answered = {str(number) for result in results for number in result.result()}
    assert len(answered) >= calls - 8  # One answer for each caller may be lost.
    assert answered <= set(stored())


@pytest.mark.parametrize("options", [(), ("--lifespan", "off")])
def test_what_waits_is_answered_before_the_process_ends(
    transactional_db: None, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """On SIGTERM the calls that were read are stored and answered 200, and the process ends in order."""
    _, secret = subscribed("ActionUpdated")
    with running_receiver(tmp_path, *options) as receiver:
        with nothing_is_stored():
            waiting = [receiver.ask(secret, body_of(number)) for number in range(30)]
            receiver.process.terminate()
            wait_for(lambda: "Shutting down" in receiver.process.log.read_text())
        begun = datetime.now(UTC)
        assert [each.answer()[0] for each in waiting] == [200] * 30
        receiver.process.wait(30)
        assert (datetime.now(UTC) - begun).total_seconds() < 4
    assert len(stored()) == 30


def test_calls_wait_while_it_is_restarted_on_a_socket_of_systemds(
    transactional_db: None, tmp_path: Path
) -> None:
    """The socket stays open: who calls in between is answered by the next process."""
    _, secret = subscribed("ActionUpdated")
    folders = [tmp_path / name for name in ("first", "second")]
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(5) as callers:
        for folder in folders:
            folder.mkdir()
        with inheriting_receiver(folders[0], listening) as receiver:
            assert receiver.call(secret, body_of(0)) == 200
            receiver.process.terminate()
            receiver.process.wait(30)
        calls = [callers.submit(receiver.call, secret, body_of(number)) for number in range(1, 6)]
        with inheriting_receiver(folders[1], listening):
            assert [call.result() for call in calls] == [200] * 5
    assert len(stored()) == 6


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_a_database_that_does_not_answer_keeps_no_process_from_ending(
    transactional_db: None, tmp_path: Path
) -> None:
    """Within uvicorn's own time limit for those who wait, and a little more."""
    _, secret = subscribed("ActionUpdated")
    with running_receiver(tmp_path, "--timeout-graceful-shutdown", "1") as receiver:
        with nothing_is_stored():
            waiting = receiver.ask(secret, body_of(7))
            begun = datetime.now(UTC)
            receiver.process.terminate()
            receiver.process.wait(30)
            assert (datetime.now(UTC) - begun).total_seconds() < 4
        waiting.socket.close()
        assert secret.reveal() not in receiver.process.log.read_text()


def test_a_worker_is_woken(transactional_db: None, tmp_path: Path) -> None:
    """Where the site has a broker, the call is delivered without maintenance."""
    _, secret = subscribed("ActionUpdated")
    application = "tests.support.celery_receiver:application"
    with running_receiver(tmp_path, application=application) as receiver:
        assert receiver.call(secret, body_of(7)) == 200
        wait_for(lambda: list((tmp_path / "messages").iterdir()), receiver.process.log.read_text)


def test_when_it_was_last_heard_is_noted(receiver: ReceiverProcess) -> None:
    """The admin shows that calls arrive, by whichever way."""
    subscription, secret = subscribed("ActionUpdated")
    begun = datetime.now(UTC)
    assert receiver.call(secret, body_of(7)) == 200
    subscription.refresh_from_db()
    assert subscription.last_heard_at is not None
    assert begun <= subscription.last_heard_at <= datetime.now(UTC)
    Address.objects.all().delete()
    assert receiver.call(secret, body_of(8)) == 404
