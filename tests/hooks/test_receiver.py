"""The receiver: what it stores, what it answers, and what a stranger can do."""

import json
import logging
import random
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from actionstep_connect.hooks.addresses import PREFIX, hash_of, new_secret, secret_in, target_url
from actionstep_connect.hooks.flows import intake
from actionstep_connect.hooks.models import Address, Notification, State, Subscription
from actionstep_connect.hooks.shapes import MAX_BODY_SIZE
from actionstep_connect.hooks.views import receive
from actionstep_connect.secret import Secret
from tests.support.hooks import RECEIVER, body_of, call, hostile_body, listen, subscribed
from tests.support.volume import cases

pytestmark = pytest.mark.django_db

SHAPES = {
    "json_api": {"data": {"type": "actions", "id": "7", "attributes": {"name": "Renamed"}}},
    "several": {"data": [{"type": "actions", "id": "7"}, {"type": "actions", "id": "8"}]},
    "rest": {"actions": [{"id": 7, "name": "Renamed"}], "links": {}, "linked": {}, "meta": {}},
    "rest_object": {"actions": {"id": 7, "name": "Renamed"}},
}


def only() -> Notification:
    """Return the one notification there is."""
    return Notification.objects.get()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_recorded_shape_is_stored(shape: str) -> None:
    """A call is answered 200 once its rows are stored, waiting, whatever its shape."""
    subscription, secret = subscribed("ActionUpdated")
    answer = call(secret, json.dumps(SHAPES[shape]).encode())
    assert (answer.status_code, answer.content) == (200, b"")
    rows = list(Notification.objects.order_by("pk").values_list("row_id", flat=True))
    assert rows == (["7", "8"] if shape == "several" else ["7"])
    first = Notification.objects.order_by("pk")[0]
    assert (first.subscription, first.resource, first.state) == (
        *(subscription, "actions", State.WAITING),
    )
    assert not first.caught_up
    subscription.refresh_from_db()
    assert subscription.last_heard_at is not None


@pytest.mark.parametrize("shape", ["json_api", "several"])
def test_what_a_call_leaves_unsaid_is_stored_as_django_would(shape: str) -> None:
    """The defaults of the database are those of the model, and both moments are the call's."""
    subscription, secret = subscribed("ActionUpdated")
    begun = datetime.now(UTC)
    call(secret, json.dumps(SHAPES[shape]).encode())
    stored = Notification.objects.order_by("pk")[0]
    assert begun <= stored.received_at == stored.due_at <= datetime.now(UTC)
    new = Notification(subscription=subscription, resource="actions", row_id="7")
    its_own = {"id", "digest", "lane", "received_at", "due_at"}
    names = {field.attname for field in Notification._meta.concrete_fields} - its_own
    assert {name: getattr(stored, name) for name in names} == {
        name: getattr(new, name) for name in names
    }


def test_a_repeated_call_is_stored_once_and_another_one_is_not_lost() -> None:
    """The same body again leaves one row; a body that differs leaves another."""
    _, secret = subscribed("ActionUpdated")
    for body in (body_of(7, name="A"), body_of(7, name="A"), body_of(7, name="B")):
        assert call(secret, body).status_code == 200
    assert Notification.objects.count() == 2


def test_payloads_are_kept_only_where_a_handler_works_with_them() -> None:
    """Clients' data stays out of the database unless a handler said that it wants what the call held."""
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7, name="Secret matter"))
    assert only().payload == ""
    listen("ActionUpdated", read_again=False)
    call(secret, body_of(8, name="Wanted \0 \ud800"))
    kept = json.loads(Notification.objects.get(row_id="8").payload)
    assert kept["attributes"]["name"] == "Wanted \0 \ud800"


def test_a_call_costs_one_query() -> None:
    """An insert that looks the address up; when it was heard is written only now and then."""
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(1))
    with CaptureQueriesContext(connections["default"]) as queries:
        call(secret, body_of(2))
    [query] = queries
    assert query["sql"].startswith("INSERT ")


def test_s59_an_address_that_a_process_knows_is_void_where_the_database_says_so() -> None:
    """What a process remembers saves a look-up and decides nothing: another database is another site's."""
    subscription, secret = subscribed("ActionUpdated")
    assert call(secret, body_of(7)).status_code == 200
    Address.objects.all().delete()
    assert call(secret, body_of(8)).status_code == 404
    assert call(secret, b"nonsense").status_code == 404
    other, _ = subscribed("TaskUpdated")
    Address.objects.create(secret_hash=hash_of(secret), subscription=other)
    intake._seen[hash_of(secret)] = subscription
    assert call(secret, body_of(9, "tasks")).status_code == 200
    assert Notification.objects.filter(subscription=other, row_id="9").count() == 1


def test_s59_only_a_hash_of_the_secret_is_stored() -> None:
    """A dump of the database has no address that could be called."""
    _, secret = subscribed("ActionUpdated")
    assert len(secret.reveal().removeprefix(PREFIX)) == 22  # 128 bits in base64url.
    stored = str(list(Address.objects.values_list()))
    assert hash_of(secret) in stored
    assert secret.reveal() not in stored
    assert len({new_secret().reveal() for _ in range(1000)}) == 1000


def test_s59_a_former_address_counts_until_its_calls_have_arrived() -> None:
    """After a rotation what was on its way is stored; an hour later the old secret is a stranger's."""
    _, secret = subscribed("ActionUpdated")
    now = datetime.now(UTC)
    Address.objects.update(retired_at=now - timedelta(minutes=5))
    assert call(secret, body_of(7)).status_code == 200
    Address.objects.update(retired_at=now - timedelta(hours=2))
    assert call(secret, body_of(8)).status_code == 404
    assert only().row_id == "7"


@pytest.mark.timeout(900)
@pytest.mark.long
def test_s59_ten_thousand_hostile_bodies_disable_nothing_and_store_nothing() -> None:
    """Strangers get 404 and write nothing; with the right secret the hook stays, and one gap is noted."""
    subscription, secret = subscribed("ActionUpdated")
    random_ = random.Random(59)
    wrong = (
        lambda: new_secret().reveal(),
        lambda: PREFIX + "0" * 22,
        lambda: secret.reveal().swapcase(),
        lambda: secret.reveal()[:-1] + ("A" if secret.reveal()[-1] != "A" else "B"),
        lambda: secret.reveal()[:-1],
        lambda: secret.reveal() + "A",
        lambda: hash_of(secret),
    )
    for number in range(cases()):
        if number % 2:
            body = hostile_body(random_) if number % 4 == 1 else body_of(number)
            assert call(random_.choice(wrong)(), body).status_code == 404
        else:
            assert call(secret, hostile_body(random_)).status_code == 200
    assert Notification.objects.count() == 0
    assert Address.objects.count() == Subscription.objects.count() == 1
    subscription.refresh_from_db()
    assert subscription.gap_since is not None


def test_s59_a_stranger_writes_nothing_and_the_body_is_not_read() -> None:
    """A wrong secret costs one look-up, whatever comes with it."""

    class Body:
        def read(self, *_: Any) -> bytes:
            raise AssertionError("it was read")

    with CaptureQueriesContext(connections["default"]) as queries:
        assert intake.take_in(new_secret(), Body().read) is intake.Intake.STRANGER
    assert len(queries) == 1
    assert queries[0]["sql"].startswith("SELECT")


def test_s59_a_body_that_is_too_large_is_not_stored_and_opens_one_gap() -> None:
    """More than a megabyte is not read to its end, and the hook stays active; the change is looked for."""
    subscription, secret = subscribed("ActionUpdated")
    large = body_of(7, name="x" * MAX_BODY_SIZE)
    assert call(secret, large).status_code == 200
    assert Notification.objects.count() == 0
    subscription.refresh_from_db()
    gap = subscription.gap_since
    assert gap is not None
    assert gap < datetime.now(UTC)
    assert call(secret, large).status_code == 200
    subscription.refresh_from_db()
    assert subscription.gap_since == gap


def test_a_sites_own_limit_for_forms_does_not_disable_a_hook(settings: Settings) -> None:
    """DATA_UPLOAD_MAX_MEMORY_SIZE is about forms."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    _, secret = subscribed("ActionUpdated")
    assert call(secret, body_of(7)).status_code == 200
    assert only().row_id == "7"


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options", "patch"])
def test_s59_only_a_post_is_taken_in(method: str) -> None:
    """A browser, a crawler or a preview of the address stores nothing."""
    _, secret = subscribed("ActionUpdated")
    answer = getattr(Client(), method)(f"{RECEIVER}{secret.reveal()}/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert Notification.objects.count() == 0


def test_s59_no_record_and_no_error_report_holds_the_address(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[Any]
) -> None:
    """Whatever becomes of a call, the secret stands in no log record, and no admin is e-mailed."""
    caplog.set_level(logging.DEBUG)
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    call(secret, b"nonsense")
    call(PREFIX + "0" * 22, b"")

    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("the database is away")

    monkeypatch.setattr(intake, "insert_for_address", away)
    assert call(secret, body_of(8)).status_code == 503
    records = [
        (record.name, record.levelno, record.getMessage())
        for record in caplog.records
        if record.name != "django.db.backends"
    ]
    assert not [text for *_, text in records if secret.reveal() in text or "ash_0" in text]
    assert max(level for _, level, _ in records) == logging.WARNING
    assert not mailoutbox


def test_an_address_leads_back_to_its_secret_and_no_other_one_does(settings: Settings) -> None:
    """Hooks of this site's are known by their address, wherever HOOKS_URL says that it is."""
    values = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": "https://a.test/actionstep/callback/"}
    settings.ACTIONSTEP_CONNECT = values
    secret = new_secret()
    url = target_url(secret)
    assert url == f"https://a.test/actionstep/hooks/{secret.reveal()}/"
    assert secret_in(url) == secret
    assert secret_in("https://b.test/actionstep/hooks/x/") is None
    assert secret_in(None) is None
    settings.ACTIONSTEP_CONNECT = {**values, "HOOKS_URL": "https://hooks.a.test/in"}
    assert target_url(secret) == f"https://hooks.a.test/in/{secret.reveal()}/"
    assert secret_in(target_url(secret)) == secret
    assert secret_in(url) is None


def test_the_receiver_is_in_no_transaction_and_needs_no_cookie() -> None:
    """ATOMIC_REQUESTS would commit after the answer, and a CSRF token cannot come."""
    assert "default" in receive._non_atomic_requests  # type: ignore[attr-defined]
    assert receive.csrf_exempt  # type: ignore[attr-defined]
    assert receive.login_required is False  # type: ignore[attr-defined]


def call_in_chunks(secret: Secret, body: bytes, *, is_ended_by_server: bool = True) -> int:
    """Call without a length, at a server that finds the end of the body itself or does not."""
    environ: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input": BytesIO(body)}
    if is_ended_by_server:
        environ["wsgi.input_terminated"] = True
    return Client().post(f"{RECEIVER}{secret.reveal()}/", content_type="a/b", **environ).status_code


@pytest.mark.parametrize("is_ended_by_server", [True, False])
def test_a_body_without_a_length_is_read_where_the_server_ends_it(
    is_ended_by_server: bool,
) -> None:
    """A proxy may pass the call on in chunks; what cannot be read is looked for, and disables nothing."""
    subscription, secret = subscribed("ActionUpdated")
    assert call_in_chunks(secret, body_of(7), is_ended_by_server=is_ended_by_server) == 200
    assert Notification.objects.count() == is_ended_by_server
    subscription.refresh_from_db()
    assert (subscription.gap_since is None) == is_ended_by_server


@pytest.mark.parametrize("size", [MAX_BODY_SIZE, MAX_BODY_SIZE + 1])
def test_s59_one_byte_more_than_a_megabyte_is_too_much(size: int) -> None:
    """The limit is what it says it is, whether the length was said before or not."""
    _, secret = subscribed("ActionUpdated")
    body = body_of(7, name="")
    body = body_of(7, name="x" * (size - len(body)))
    assert len(body) == size
    assert call(secret, body).status_code == 200
    assert call_in_chunks(secret, body) == 200
    assert Notification.objects.count() == (size == MAX_BODY_SIZE)


@pytest.mark.parametrize("content_type", ["", "text/html", "multipart/form-data", "a" * 9999])
def test_any_content_type_is_taken_in(content_type: str) -> None:
    """Actionstep's own is not promised anywhere, and the body says what it is."""
    _, secret = subscribed("ActionUpdated")
    answer = Client().post(
        f"{RECEIVER}{secret.reveal()}/", data=body_of(7), content_type=content_type
    )
    assert answer.status_code == 200
    assert only().row_id == "7"


def test_s59_an_unforeseen_error_is_answered_and_told_without_the_address(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[Any]
) -> None:
    """A bug must not e-mail the address, nor put it into an error report; the gap is known by the 503."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(intake, "insert_for_address", fail)
    _, secret = subscribed("ActionUpdated")
    assert call(secret, body_of(7)).status_code == 503
    [record] = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "call_not_stored error=ZeroDivisionError" in record.getMessage()
    assert not record.exc_info
    assert secret.reveal() not in caplog.text
    assert not mailoutbox
