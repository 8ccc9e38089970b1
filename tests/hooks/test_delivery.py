"""Delivery: to each handler, at least once, in order for each row; what raises is tried again."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from typing import Any

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from actionstep_connect.hooks.api import Change, on_change, subscribe, unsubscribe
from actionstep_connect.hooks.flows.again import deliver_again
from actionstep_connect.hooks.flows.claims import LEASE, claim, notifications, settle
from actionstep_connect.hooks.flows.deliver import deliver_due
from actionstep_connect.hooks.models import Notification, State
from actionstep_connect.hooks.policy import FIRST_WAIT, MAX_FAILURES, MAX_WAIT, wait_after
from actionstep_connect.hooks.registry import handlers_of
from actionstep_connect.hooks.tasks import deliver_changes
from actionstep_connect.models import Connection
from actionstep_connect.models.querysets import UtcNow
from actionstep_connect.testing import Sandbox
from tests.support.hooks import body_of, call, listen, subscribed

pytestmark = pytest.mark.django_db(transaction=True)


def make_due() -> None:
    """Have all that waits due now."""
    Notification.objects.filter(state=State.WAITING).update(due_at=datetime.now(UTC))


def states() -> list[str]:
    """Return the states of all notifications, the oldest first."""
    return list(Notification.objects.order_by("pk").values_list("state", flat=True))


def test_a_handler_gets_the_row_as_it_is_now_and_the_bearer(
    sandbox: Sandbox, connection: Connection
) -> None:
    """What a call says is a hint: the row is read again, as the user whom the site named."""
    ears = listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    sandbox.change("actions", 7, name="The truth")
    call(secret, body_of(7, name="A lie"))
    assert deliver_due() == {State.DELIVERED: 1}
    [change] = ears.heard
    assert (change.event, change.resource, change.row_id) == ("ActionUpdated", "actions", "7")
    assert (change.orgkey, change.caught_up, change.attempt) == ("acmelaw", False, 1)
    assert change.row is not None
    assert change.row["name"] == "The truth"
    assert change.payload is None
    assert ears.connections == [connection]
    assert deliver_due() == {}


def test_a_handler_may_have_what_the_call_held(sandbox: Sandbox, connection: Connection) -> None:
    """With `read_again=False` nothing is asked of Actionstep."""
    ears = listen("ActionUpdated", read_again=False)
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7, name="As told"))
    before = len(sandbox.activity())
    deliver_due()
    [change] = ears.heard
    assert change.row is None
    assert change.payload is not None
    assert change.payload["attributes"] == {"name": "As told"}
    assert len(sandbox.activity()) == before


def test_the_setting_decides_where_a_handler_does_not(
    sandbox: Sandbox, connection: Connection, settings: Settings
) -> None:
    """HOOKS_READ_AGAIN is for handlers that say nothing."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HOOKS_READ_AGAIN": False}
    silent, insisting = listen("ActionUpdated"), listen("ActionUpdated", read_again=True)
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    deliver_due()
    assert silent.heard[0].row is None
    assert insisting.heard[0].row is not None


def test_a_row_that_is_gone_is_none(sandbox: Sandbox, connection: Connection) -> None:
    """A deleted row, and one that never was, is delivered as gone."""
    ears = listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(999_999))
    assert deliver_due() == {State.DELIVERED: 1}
    assert ears.heard[0].row is None


def test_changes_of_one_row_are_delivered_in_order(
    sandbox: Sandbox, connection: Connection
) -> None:
    """While the first of a row is tried again the later ones of that row wait, and no other row does."""
    ears = listen("ActionUpdated", read_again=False)
    ears.failing = lambda change: (
        RuntimeError() if change.row_id == "7" and len(ears.heard) == 1 else None
    )
    _, secret = subscribed("ActionUpdated")
    for row, number in ((7, 1), (8, 2), (7, 3), (7, 4)):
        call(secret, body_of(row, number=number))
    deliver_due()
    assert ears.rows == ["7", "8"]
    make_due()
    deliver_due()
    numbers = [change.payload["attributes"]["number"] for change in ears.heard if change.payload]
    assert numbers == [1, 2, 1, 3, 4]
    assert set(states()) == {State.DELIVERED}


def test_only_the_handler_that_raised_is_called_again(
    sandbox: Sandbox, connection: Connection
) -> None:
    """What another handler has done is not done twice for that."""
    good, bad = listen("ActionUpdated"), listen("ActionUpdated")
    bad.failing = lambda change: ValueError("no") if change.attempt == 1 else None
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    deliver_due()
    make_due()
    deliver_due()
    assert (len(good.heard), len(bad.heard)) == (1, 2)
    assert [change.attempt for change in bad.heard] == [1, 2]


def test_a_handler_that_keeps_raising_is_given_up_and_the_next_change_goes_on(
    sandbox: Sandbox, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """After the last try it is set aside with the reason, until it is asked for again."""
    ears = listen("ActionUpdated", read_again=False)
    ears.failing = lambda change: (
        KeyError("x") if change.payload and change.payload["attributes"].get("bad") else None
    )
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7, bad=True))
    call(secret, body_of(7))
    for _ in range(MAX_FAILURES):
        make_due()
        deliver_due()
    assert states() == [State.SET_ASIDE, State.DELIVERED]
    first = Notification.objects.order_by("pk")[0]
    assert "raised KeyError" in first.last_error
    assert first.failures == MAX_FAILURES
    assert [r for r in caplog.records if getattr(r, "event", "").endswith("change_set_aside")]
    ears.failing = lambda _: None
    assert deliver_again([first.pk]) == 1
    assert deliver_due() == {State.DELIVERED: 1}


def test_waits_grow_and_end() -> None:
    """The wait doubles from half a minute to an hour."""
    waits = [wait_after(attempts) for attempts in range(1, 12)]
    assert FIRST_WAIT <= waits[0] <= 1.2 * FIRST_WAIT
    assert all(wait <= 1.2 * MAX_WAIT for wait in waits)
    assert waits[-1] >= MAX_WAIT


def test_an_outage_of_actionstep_is_not_the_handlers_fault(
    sandbox: Sandbox, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that cannot be read is tried again for as long as it takes, and nothing is set aside."""
    monkeypatch.setattr("actionstep_connect.hooks.flows.reading.MAX_WAIT", 0.0)
    ears = listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    sandbox.fail("api", 503, times=None)
    for _ in range(MAX_FAILURES + 2):
        make_due()
        deliver_due()
    waiting = Notification.objects.get()
    assert (waiting.state, waiting.failures) == (State.WAITING, 0)
    assert "could not be read" in waiting.last_error
    assert ears.heard == []
    sandbox.clear_faults()
    make_due()
    assert deliver_due() == {State.DELIVERED: 1}


def test_without_a_bearer_a_change_waits(
    sandbox: Sandbox, connection: Connection, settings: Settings
) -> None:
    """There is no fallback to another user's connection."""
    ears = listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    values = settings.ACTIONSTEP_CONNECT
    for bearer in (None, lambda _: None, lambda _: 7, lambda _: 1 / 0, "nowhere.at_all"):
        settings.ACTIONSTEP_CONNECT = {**values, "HOOKS_BEARER": bearer}
        make_due()
        assert deliver_due() == {State.WAITING: 1}
    settings.ACTIONSTEP_CONNECT = {**values, "HOOKS_BEARER": lambda _: connection.user}
    make_due()
    assert deliver_due() == {State.DELIVERED: 1}
    assert ears.connections == [connection]


def test_a_bearer_of_another_organisation_is_refused(
    sandbox: Sandbox, connection: Connection, settings: Settings
) -> None:
    """A mistake in the site's callable reads no row of one firm as another firm's user."""
    ears = listen("ActionUpdated")
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "HOOKS_BEARER": lambda _: connection,
    }
    _, secret = subscribed("ActionUpdated", orgkey="anotherfirm")
    call(secret, body_of(7))
    assert deliver_due() == {State.WAITING: 1}
    assert ears.heard == []


def test_coroutine_functions_are_run_to_their_end(sandbox: Sandbox, connection: Connection) -> None:
    """A handler may be async."""
    heard = []

    @on_change("ActionUpdated")
    async def hear(connection: Connection, change: Change) -> None:
        await asyncio.sleep(0)
        heard.append(change.row_id)

    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    assert deliver_due() == {State.DELIVERED: 1}
    assert heard == ["7"]


def test_what_a_handler_leaves_to_be_awaited_is_run(connection: Connection) -> None:
    """An async handler behind a decorator that is not, and an object with such a method, count too."""
    heard = []

    async def hear(connection: Connection, change: Change) -> None:
        await asyncio.sleep(0)
        heard.append(change.row_id)

    @wraps(hear)
    def decorated(*arguments: Any) -> Any:
        return hear(*arguments)

    for handler in (decorated, partial(hear)):
        on_change("ActionUpdated", read_again=False)(handler)
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    assert deliver_due() == {State.DELIVERED: 1}
    assert heard == ["7", "7"]


def test_no_handler_takes_the_place_of_another(connection: Connection) -> None:
    """Neither one that is decorated twice, nor those that a loop or a function makes under one name."""
    heard = []

    def hear_with(mark: str, *events: str) -> None:
        @on_change(*events, read_again=False)
        def hear(connection: Connection, change: Change) -> None:
            heard.append((mark, change.event))

    for event in ("ActionUpdated", "TaskUpdated"):
        hear_with("each", event)
    hear_with("once more", "ActionUpdated")

    @on_change("ActionUpdated", read_again=False)
    @on_change("TaskUpdated", read_again=False)
    def twice(connection: Connection, change: Change) -> None:
        heard.append(("twice", change.event))

    for event, resource in (("ActionUpdated", "actions"), ("TaskUpdated", "tasks")):
        _, secret = subscribed(event)
        call(secret, body_of(7, resource))
        assert deliver_due() == {State.DELIVERED: 1}
    marks = ("each", "once more", "twice")
    assert sorted(heard) == sorted(
        [
            *((mark, "ActionUpdated") for mark in marks),
            *((mark, "TaskUpdated") for mark in marks[::2]),
        ]
    )


def test_a_module_that_is_loaded_again_hears_once(connection: Connection) -> None:
    """Its functions are defined a second time, and replace those from before."""
    code = "@on_change('ActionUpdated')\ndef hear(connection, change):\n    pass\n"
    module = {"__name__": "changes_loaded_again", "on_change": on_change}
    exec(code, module)
    exec(code, module)
    [handler] = handlers_of("ActionUpdated", is_subscribed=False)
    assert handler.function is module["hear"]


def test_a_worker_without_the_handler_leaves_a_change_to_another(connection: Connection) -> None:
    """While a deploy is under way, a worker with the old code takes nothing away from the new one."""
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    assert deliver_due() == {State.WAITING: 1}
    ears = listen("ActionUpdated", read_again=False)
    make_due()
    assert deliver_due() == {State.DELIVERED: 1}
    assert ears.rows == ["7"]


@pytest.mark.parametrize("body", [body_of(7), b"unreadable"])
def test_a_call_is_committed_whatever_the_site_says(
    monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """Where AUTOCOMMIT is False no one else would commit what was answered 200."""
    subscription, secret = subscribed("ActionUpdated")
    connections["default"].close()
    monkeypatch.setitem(connections["default"].settings_dict, "AUTOCOMMIT", False)
    assert call(secret, body).status_code == 200
    connections["default"].close()
    monkeypatch.undo()
    subscription.refresh_from_db()
    is_stored = subscription.last_heard_at is not None and Notification.objects.exists()
    assert is_stored or subscription.gap_since is not None


@pytest.mark.postgresql
def test_deliveries_outlast_the_transaction_of_a_task(connection: Connection) -> None:
    """A task class of the site's may open one; a handler that breaks a statement breaks no other's work."""

    def strike(_: Connection, change: Change) -> None:
        if change.row_id == "7":
            connection.user.groups.through.objects.create(group_id=-1, user_id=None)

    on_change("ActionUpdated", read_again=False)(strike)
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8):
        call(secret, body_of(row))
    with transaction.atomic():
        assert deliver_changes() == {"waiting": 1, "delivered": 1}
        transaction.set_rollback(True)
    assert states() == [State.WAITING, State.DELIVERED]


def test_handlers_for_some_organisations_hear_where_it_was_asked_for(
    sandbox: Sandbox, connection: Connection
) -> None:
    """`everywhere=False` waits for `subscribe`, and `unsubscribe` stops what code wants everywhere."""
    some, everywhere = listen("TaskUpdated", everywhere=False), listen("TaskUpdated")
    _, secret = subscribed("TaskUpdated")
    for number, ask in enumerate((None, subscribe, unsubscribe)):
        if ask:
            ask("acmelaw", "TaskUpdated")
        call(secret, body_of(1, "tasks", number=number))
        deliver_due()
    assert (len(some.heard), len(everywhere.heard)) == (1, 2)


@pytest.mark.parametrize("name", ["", "Action Updated", "Actión", "x" * 101, None, 7, "a/b"])
def test_what_cannot_be_an_event_is_refused(name: Any) -> None:
    """A mistake is told where it is made."""
    with pytest.raises(ValueError, match="no name of an event"):
        on_change(name)
    with pytest.raises(ValueError, match="no name of an event"):
        subscribe("acmelaw", name)
    with pytest.raises(ValueError, match="needs the name"):
        on_change()


def test_a_claim_keeps_others_away_until_its_lease_ends(connection: Connection) -> None:
    """No two workers have one change at once; a worker that died is replaced."""
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    [mine] = claim()
    assert claim() == []
    notifications().update(lease_expires_at=UtcNow() - timedelta(seconds=1))
    [theirs] = claim()
    assert theirs.pk == mine.pk
    assert not settle(mine, state=State.DELIVERED)
    assert settle(theirs, state=State.DELIVERED)
    assert timedelta(minutes=1) < LEASE


def test_what_is_asked_to_stop_gives_its_claims_back(
    sandbox: Sandbox, connection: Connection
) -> None:
    """A worker that ends finishes one change, and leaves the others to the next one at once."""
    listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8, 9):
        call(secret, body_of(row))
    stops: Iterator[bool] = iter([False, False, True, True, True])
    assert deliver_due(should_stop=lambda: next(stops)) == {State.DELIVERED: 1}
    assert len(claim()) == 2


def test_records_of_deliveries_hold_no_name(
    sandbox: Sandbox, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """A record has the notification's number and the event, and never what the row holds."""
    caplog.set_level(logging.DEBUG, "actionstep_connect")
    listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    sandbox.change("actions", 7, name="Marchetti v Marchetti")
    call(secret, body_of(7, name="Marchetti v Marchetti"))
    deliver_due()
    text = json.dumps([record.getMessage() for record in caplog.records])
    assert "change_delivered" in text
    assert "Marchetti" not in text
