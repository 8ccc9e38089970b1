"""Handlers that raise what no handler should, or end the process: no other change is kept by them."""

import asyncio
from datetime import timedelta

import pytest

from actionstep_connect.hooks import registry
from actionstep_connect.hooks.api import Change, on_change
from actionstep_connect.hooks.flows.claims import claim, notifications
from actionstep_connect.hooks.flows.deliver import deliver_due
from actionstep_connect.hooks.flows.organisations import update_wanted
from actionstep_connect.hooks.flows.reading import Reader
from actionstep_connect.hooks.flows.subscribe import organisation_of
from actionstep_connect.hooks.models import Notification, State
from actionstep_connect.hooks.policy import MAX_FAILURES
from actionstep_connect.models import Connection
from actionstep_connect.models.querysets import UtcNow
from actionstep_connect.testing import Sandbox
from tests.support.hooks import body_of, call, listen, subscribed

pytestmark = pytest.mark.django_db(transaction=True)


def lapse() -> None:
    """Let all claims run out, as five minutes after a worker was killed."""
    claimed = notifications().exclude(lease_owner="")
    claimed.update(lease_expires_at=UtcNow() - timedelta(seconds=1))


def kept() -> dict[str, tuple[str, int]]:
    """Return the state of each row's change, and its failures."""
    rows = Notification.objects.values_list("row_id", "state", "failures")
    return {row: (state, failures) for row, state, failures in rows}


@pytest.mark.parametrize("error", [SystemExit(1), asyncio.CancelledError()])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_that_ends_itself_ends_no_worker(
    connection: Connection, error: BaseException, is_async: bool
) -> None:
    """`sys.exit` in a handler counts as any exception does, and the other changes are delivered."""

    def strike(_: Connection, change: Change) -> None:
        if change.row_id == "7":
            raise error

    async def strike_later(connection: Connection, change: Change) -> None:
        strike(connection, change)

    on_change("ActionUpdated", read_again=False)(strike_later if is_async else strike)
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8):
        call(secret, body_of(row))
    assert deliver_due() == {State.WAITING: 1, State.DELIVERED: 1}
    assert kept() == {"7": (State.WAITING, 1), "8": (State.DELIVERED, 0)}
    assert "raised" in Notification.objects.get(row_id="7").last_error


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_what_ends_the_worker_gives_its_claims_back(
    connection: Connection, error: type[BaseException]
) -> None:
    """It is raised on, the change counts as tried, and the others wait for no lease."""
    ears = listen("ActionUpdated", read_again=False)

    def strike(_: Connection, change: Change) -> None:
        if change.row_id == "7":
            raise error

    on_change("ActionUpdated", read_again=False)(strike)
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8):
        call(secret, body_of(row))
    with pytest.raises(error):
        deliver_due()
    assert kept() == {"7": (State.WAITING, 1), "8": (State.WAITING, 0)}
    assert deliver_due() == {State.DELIVERED: 1}
    assert ears.rows == ["7", "8"]


def test_a_change_that_ends_its_process_takes_no_other_along(connection: Connection) -> None:
    """After a worker has died with its claims, each is tried alone, and the one that kills is given up."""
    ears = listen("ActionUpdated", read_again=False)
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8, 9):
        call(secret, body_of(row))
    assert len(claim()) == 3  # And then that worker is gone.
    lapse()
    [first] = claim()
    assert first.row_id == "7"
    # It has killed this one too. Those that died with the first worker do not wait for it.
    assert deliver_due() == {State.DELIVERED: 2}
    assert ears.rows == ["8", "9"]
    for _ in range(MAX_FAILURES - 2):
        lapse()
        assert [each.row_id for each in claim()] == ["7"]
    lapse()
    assert deliver_due() == {State.SET_ASIDE: 1}
    assert kept()["7"] == (State.SET_ASIDE, MAX_FAILURES)
    assert ears.rows == ["8", "9"]
    assert "ended" in Notification.objects.get(row_id="7").last_error


def test_a_row_that_meets_the_unforeseen_stops_no_other(
    sandbox: Sandbox, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever reading one row raises, the next one is read, and nothing is set aside for it."""
    read = Reader.read

    def fail(reader: Reader, orgkey: str, resource: str, row_id: str) -> object:
        if row_id == "7":
            raise ZeroDivisionError
        return read(reader, orgkey, resource, row_id)

    monkeypatch.setattr(Reader, "read", fail)
    ears = listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8):
        call(secret, body_of(row))
    assert deliver_due() == {State.WAITING: 1, State.DELIVERED: 1}
    assert ears.rows == ["8"]
    assert kept()["7"] == (State.WAITING, 0)


def test_changes_for_a_handler_that_is_gone_wait_for_nothing(connection: Connection) -> None:
    """Once maintenance has noted that no code wants it, what waits is settled and raises nothing."""
    ears = listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    registry._handlers.clear()
    update_wanted(organisation_of("acmelaw"))
    assert deliver_due() == {State.DELIVERED: 1}
    assert ears.heard == []
