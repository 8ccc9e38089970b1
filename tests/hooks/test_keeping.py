"""Keeping hooks alive: registered, registered again, handed over, removed; and what a gap has missed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.db.models import F
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.api import ActionstepClient, disconnect
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.hooks import registry
from actionstep_connect.hooks.api import subscribe, unsubscribe
from actionstep_connect.hooks.flows import intake, statements
from actionstep_connect.hooks.flows.deliver import deliver_due
from actionstep_connect.hooks.flows.organisations import SEARCH_INTERVAL, note_organisation
from actionstep_connect.hooks.flows.prune import prune
from actionstep_connect.hooks.flows.registering import Registrar
from actionstep_connect.hooks.models import (
    Address,
    Notification,
    Organisation,
    Registration,
    Search,
    Subscription,
)
from actionstep_connect.models import Connection, EventKind
from actionstep_connect.models.querysets import UtcNow
from actionstep_connect.testing import Sandbox
from tests.support.both_clients import connection_to_all
from tests.support.connections import kinds, make_connection, make_user
from tests.support.hooks import Ears, body_of, call, listen, subscribed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(live_server: LiveServer, connection: Connection, settings: Settings) -> Connection:
    """Return the bearer at a site that Actionstep can call."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "HOOKS_URL": f"{live_server.url}/actionstep/hooks/",
    }
    return connection


def check() -> None:
    """Have the turn of each organisation come, and do a round of maintenance."""
    Organisation.objects.update(check_at=datetime.now(UTC) - timedelta(seconds=1))
    maintain()


def hooks(connection: Connection, *, part: str = "/actionstep/hooks/") -> list[Any]:
    """Return the hooks that Actionstep has with `part` in their address, but for deleted ones."""
    with ActionstepClient(connection) as actionstep:
        rows = list(actionstep.iterate("resthooks", sort="id"))
    return [row for row in rows if row["status"] != "Deleted" and part in str(row["targetUrl"])]


def registered(connection: Connection) -> list[tuple[str, str]]:
    """Return the events of those hooks, with their status."""
    return sorted((row["eventName"], row["status"]) for row in hooks(connection))


def break_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the database away the next time that Actionstep calls."""
    broken: Iterator[bool] = iter([True])
    insert = statements.insert_for_address

    def failing(*args: Any, **kwargs: Any) -> bool:
        if next(broken, False):
            raise OperationalError("the database is away")
        return insert(*args, **kwargs)

    monkeypatch.setattr(intake, "insert_for_address", failing)


def subscription(event: str = "ActionUpdated") -> Subscription:
    """Return the subscription to an event as it is now."""
    return Subscription.objects.get(event=event)


def test_a_change_at_actionstep_reaches_a_handler(sandbox: Sandbox, site: Connection) -> None:
    """A round of maintenance registers the hook; from then on each change is heard of."""
    ears = listen("ActionUpdated")
    maintain()
    assert registered(site) == [("ActionUpdated", "Active")]
    sandbox.change("actions", 7, name="Renamed")
    assert [call.status for call in sandbox.notifications()] == [200]
    deliver_due()
    assert [(change.row_id, change.caught_up) for change in ears.heard] == [("7", False)]
    assert ears.heard[0].row is not None
    assert ears.heard[0].row["name"] == "Renamed"
    assert subscription().registration == Registration.ACTIVE


@pytest.mark.parametrize("shape", ["jsonapi", "jsonapi_snake", "rest"])
def test_each_shape_that_was_recorded_is_read(
    sandbox: Sandbox, site: Connection, shape: Any
) -> None:
    """What Actionstep sends has been seen in three shapes."""
    sandbox.change_options(hook_body=shape)
    ears = listen("TaskUpdated", "FileNoteCreated")
    maintain()
    sandbox.add("filenotes", text="Client called.", links={"action": 7})
    deliver_due()
    assert [change.resource for change in ears.heard] == ["filenotes"]
    assert ears.heard[0].row is not None
    assert ears.heard[0].row["text"] == "Client called."


def test_maintenance_without_celery_delivers(sandbox: Sandbox, site: Connection) -> None:
    """`actionstep_maintain` in a crontab is enough."""
    ears = listen("ActionUpdated")
    call_command("actionstep_maintain", verbosity=0)
    sandbox.change("actions", 7, name="Renamed")
    call_command("actionstep_maintain", verbosity=0)
    assert ears.rows == ["7"]


def test_a_second_round_registers_nothing_more(sandbox: Sandbox, site: Connection) -> None:
    """There is one hook for each event and organisation, and its address stays while it is well."""
    listen("ActionUpdated", "TaskUpdated")
    maintain()
    before = hooks(site)
    check()
    check()
    assert [row["targetUrl"] for row in hooks(site)] == [row["targetUrl"] for row in before]
    assert len(before) == 2


def test_a_disabled_hook_is_registered_again_and_the_gap_is_caught_up(
    sandbox: Sandbox, site: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes of the gap arrive as caught up, under a new secret; the connection's events tell of it."""
    ears = listen("ActionUpdated")
    maintain()
    first = hooks(site)[0]["targetUrl"]
    break_once(monkeypatch)
    sandbox.change("actions", 7, name="Not heard of")
    sandbox.change("actions", 8, name="Nor this")
    assert registered(site) == [("ActionUpdated", "Disabled")]
    check()
    assert registered(site) == [("ActionUpdated", "Active")]
    assert hooks(site)[0]["targetUrl"] != first
    assert {change.row_id for change in ears.heard} >= {"7", "8"}
    assert all(change.caught_up for change in ears.heard)
    assert kinds(site) == [EventKind.HOOK_DISABLED]
    row = subscription()
    assert (row.times_disabled, row.gap_since, row.catching_up_since) == (1, None, None)
    sandbox.change("actions", 9, name="Heard of")
    deliver_due()
    assert (ears.heard[-1].row_id, ears.heard[-1].caught_up) == ("9", False)


def test_hooks_are_kept_without_djangos_time_zones(
    sandbox: Sandbox, site: Connection, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """With `USE_TZ = False` hooks are confirmed, a gap is caught up, and nothing is refused."""
    settings.USE_TZ, settings.TIME_ZONE = False, "Australia/Sydney"
    ears = listen("ActionUpdated")
    maintain()
    check()
    assert Organisation.objects.get().last_error == ""
    break_once(monkeypatch)
    sandbox.change("actions", 7, name="Not heard of")
    check()
    check()
    assert registered(site) == [("ActionUpdated", "Active")]
    assert "7" in ears.rows
    row = subscription()
    assert (row.times_disabled, row.gap_since, row.catching_up_since) == (1, None, None)
    assert Organisation.objects.get().last_error == ""


def test_what_cannot_be_known_after_a_gap_is_said(
    sandbox: Sandbox, site: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File notes have no time of change: an event says which changes were missed, and from when."""
    listen("FileNoteCreated")
    maintain()
    break_once(monkeypatch)
    sandbox.add("filenotes", text="Client called.", links={"action": 7})
    check()
    assert kinds(site) == [EventKind.HOOK_DISABLED, EventKind.CHANGES_MISSED]
    detail = site.events.get(kind=EventKind.CHANGES_MISSED).detail
    assert detail.startswith("FileNoteCreated from ")
    row = subscription("FileNoteCreated")
    assert row.missed_from is not None
    assert row.gap_since is None


def test_a_hook_that_is_gone_is_registered_again(sandbox: Sandbox, site: Connection) -> None:
    """A colleague who deletes it at Actionstep does not silence the site."""
    ears = listen("ActionUpdated")
    maintain()
    with ActionstepClient(site) as actionstep:
        actionstep.delete(f"resthooks/{hooks(site)[0]['id']}")
    sandbox.change("actions", 7, name="Not heard of")
    check()
    assert registered(site) == [("ActionUpdated", "Active")]
    assert "7" in ears.rows


def test_an_unreadable_call_is_looked_for(sandbox: Sandbox, site: Connection) -> None:
    """What a call with the right secret does not say is asked of Actionstep."""
    ears = listen("ActionUpdated")
    maintain()
    secret = hooks(site)[0]["targetUrl"].rstrip("/").rpartition("/")[2]
    sandbox.change("actions", 7, name="Renamed")
    Notification.objects.all().delete()
    assert call(secret, b"nonsense").status_code == 200
    maintain()
    assert "7" in ears.rows
    assert ears.heard[0].caught_up
    assert registered(site) == [("ActionUpdated", "Active")]


def test_creations_are_caught_up_once(
    sandbox: Sandbox, site: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contact that was made in the gap is told as created, and not as updated; an old one is neither."""
    created, updated = listen("ParticipantCreated"), listen("ParticipantUpdated")
    maintain()
    break_once(monkeypatch)
    row = sandbox.add("participants", firstName="Nia", lastName="Okafor", isCompany="F")
    sandbox.add("participants", firstName="Bo", lastName="Okafor", isCompany="F")
    check()
    assert len(set(created.rows)) == len(created.rows) == 2
    assert str(row["id"]) in created.rows
    assert updated.heard == []


def test_what_is_not_wanted_any_more_is_removed(sandbox: Sandbox, site: Connection) -> None:
    """`unsubscribe` takes the hook away, `subscribe` brings it back, and nothing counts as missed."""
    subscribe("acmelaw", "ActionUpdated", "TaskUpdated")
    maintain()
    assert len(hooks(site)) == 2
    unsubscribe("acmelaw", "ActionUpdated")
    maintain()
    assert registered(site) == [("TaskUpdated", "Active")]
    assert subscription().registration == Registration.MISSING
    subscribe("acmelaw", "ActionUpdated")
    maintain()
    assert len(hooks(site)) == 2
    assert kinds(site) == []


def test_a_handler_that_is_taken_out_of_the_code_leaves_no_hook(
    sandbox: Sandbox, site: Connection
) -> None:
    """With the next deployment its hook is removed, and so is one that a crash has left behind."""
    listen("ActionUpdated")
    maintain()
    registry._handlers.clear()
    check()
    assert hooks(site) == []


@pytest.mark.parametrize("hours", [0, 2])
def test_a_worker_with_other_code_makes_a_gap(
    sandbox: Sandbox, site: Connection, hours: int
) -> None:
    """What is wanted again within the hour, as during a deploy, was wanted all the time."""
    ears = listen("ActionUpdated")
    check()
    handlers = dict(registry._handlers)
    registry._handlers.clear()  # A worker whose code is older.
    check()
    assert hooks(site) == []
    sandbox.change("actions", 7, name="Renamed")
    registry._handlers.update(handlers)
    Subscription.objects.update(active_at=F("active_at") - timedelta(hours=hours))
    check()
    deliver_due()
    assert ears.rows == ([] if hours else ["7"])


def test_other_systems_hooks_are_left_alone(sandbox: Sandbox, site: Connection) -> None:
    """An organisation may have hooks of other products, and of another site like this one."""
    with ActionstepClient(site) as actionstep:
        for url in ("http://127.0.0.1:9/other/", "http://127.0.0.1:9/actionstep/hooks/ash_x/"):
            body = {"resthooks": {"eventName": "ActionUpdated", "targetUrl": url}}
            actionstep.post("resthooks", json=body)
    listen("ActionUpdated")
    maintain()
    assert len(hooks(site, part="127.0.0.1:9/")) == 3  # Its firm had one of its own.
    assert len(hooks(site)) == 2


def test_a_hook_whose_answer_was_lost_is_found_by_its_address(
    sandbox: Sandbox, site: Connection
) -> None:
    """A process that died between registering and storing leaves no second hook."""
    listen("ActionUpdated")
    maintain()
    first = hooks(site)
    Address.objects.update(hook_id=None)
    Subscription.objects.update(registration=Registration.MISSING, active_at=None)
    check()
    assert hooks(site) == first
    assert Address.objects.get().hook_id == first[0]["id"]
    assert subscription().registration == Registration.ACTIVE


def test_a_hook_that_is_there_twice_is_removed_once(sandbox: Sandbox, site: Connection) -> None:
    """Whatever two workers have done, one hook is left."""
    listen("ActionUpdated")
    maintain()
    with ActionstepClient(site) as actionstep:
        row = hooks(site)[0]
        body = {"eventName": row["eventName"], "targetUrl": row["targetUrl"]}
        actionstep.post("resthooks", json={"resthooks": body})
    assert len(hooks(site)) == 2
    check()
    assert [row["id"] for row in hooks(site)] == [row["id"]]


def test_disconnecting_removes_the_hooks_and_another_bearer_takes_over(
    sandbox: Sandbox, site: Connection, settings: Settings
) -> None:
    """They go before the tokens do; the next bearer registers its own and catches up with the gap."""
    other = connection_to_all(sandbox)
    ears = listen("ActionUpdated")
    maintain()
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "HOOKS_BEARER": lambda orgkey: Connection.objects.usable().filter(orgkey=orgkey).first(),
    }
    disconnect(site)
    assert hooks(other) == []
    assert kinds(site) == [EventKind.DISCONNECTED]
    sandbox.change("actions", 7, name="Between two bearers")
    maintain()
    assert registered(other) == [("ActionUpdated", "Active")]
    assert "7" in ears.rows
    assert ears.connections[0] == other
    assert Organisation.objects.get().bearer == other


def test_what_cannot_be_removed_is_said(sandbox: Sandbox, site: Connection) -> None:
    """Disconnecting goes on without Actionstep, and an event names the hooks that it left behind."""
    listen("ActionUpdated")
    maintain()
    sandbox.fail("api", 503, times=None)
    disconnect(site)
    sandbox.clear_faults()
    assert kinds(site) == [EventKind.HOOKS_LEFT_BEHIND, EventKind.DISCONNECTED]
    assert "ActionUpdated" in site.events.get(kind=EventKind.HOOKS_LEFT_BEHIND).detail
    assert not site.sealed_access_token


def test_a_bearer_that_the_site_names_anew_takes_the_hooks_over(
    sandbox: Sandbox, site: Connection, settings: Settings
) -> None:
    """Nothing is missed meanwhile: the new hooks are there before the old ones go."""
    other = connection_to_all(sandbox)
    listen("ActionUpdated")
    maintain()
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "HOOKS_BEARER": lambda _: other,
    }
    check()
    assert registered(other) == [("ActionUpdated", "Active")]
    assert Address.objects.get(retired_at=None).connection == other
    assert subscription().gap_since is None
    assert kinds(site) == kinds(other) == []


def test_without_a_bearer_nothing_is_registered_and_it_is_tried_again(
    sandbox: Sandbox, site: Connection, settings: Settings
) -> None:
    """There is no fallback to any other connection of the organisation."""
    listen("ActionUpdated")
    values = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**values, "HOOKS_BEARER": lambda _: None}
    maintain()
    check()
    organisation = Organisation.objects.get()
    assert (organisation.consecutive_failures, organisation.last_error) == (
        *(2, "HOOKS_BEARER names no user."),
    )
    assert organisation.check_at > datetime.now(UTC)
    assert hooks(site) == []
    settings.ACTIONSTEP_CONNECT = values
    check()
    assert registered(site) == [("ActionUpdated", "Active")]
    assert Organisation.objects.get().consecutive_failures == 0


def test_an_outage_of_actionstep_is_waited_for(
    sandbox: Sandbox, site: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost, nothing counts as disabled, and the waits grow."""
    monkeypatch.setattr("actionstep_connect.hooks.flows.keep.MAX_WAIT", 0.0)
    listen("ActionUpdated")
    maintain()
    sandbox.fail("api", 503, times=None)
    check()
    check()
    organisation = Organisation.objects.get()
    assert organisation.consecutive_failures == 2
    assert organisation.check_at - datetime.now(UTC) > timedelta(seconds=50)
    assert subscription().registration == Registration.ACTIVE
    sandbox.clear_faults()
    check()
    assert len(hooks(site)) == 1
    assert kinds(site) == []


def test_an_event_that_actionstep_refuses_keeps_no_other_one_away(
    sandbox: Sandbox, site: Connection
) -> None:
    """It is tried again later, alone, with the reason in its row."""
    listen("ActionUpdated", "AnEventOfTomorrow")
    sandbox.fail("api", 400, resource="resthooks", skip=1)
    maintain()
    rows = {row.event: row for row in Subscription.objects.all()}
    refused = [row for row in rows.values() if row.last_error]
    assert len(refused) == 1
    assert refused[0].retry_at is not None
    assert len(hooks(site)) == 1
    Subscription.objects.update(retry_at=None)
    check()
    assert len(hooks(site)) == 2


def test_maintenance_of_a_site_without_handlers_asks_actionstep_for_nothing(
    sandbox: Sandbox, site: Connection
) -> None:
    """The app alone costs no request."""
    before = len(sandbox.activity())
    maintain()
    assert len(sandbox.activity()) == before
    assert not Organisation.objects.exists()


def test_a_worker_that_took_too_long_registers_nothing(
    sandbox: Sandbox, site: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one has the organisation's turn by then, so there is one hook and not two."""
    listen("ActionUpdated", "TaskUpdated")
    hooks_of = Registrar.hooks

    def take_too_long(registrar: Registrar) -> Any:
        found = hooks_of(registrar)
        monkeypatch.undo()
        Organisation.objects.update(lease_expires_at=UtcNow() - timedelta(seconds=1))
        check()  # The other worker's.
        return found

    monkeypatch.setattr(Registrar, "hooks", take_too_long)
    maintain()
    assert registered(site) == [("ActionUpdated", "Active"), ("TaskUpdated", "Active")]
    assert Address.objects.filter(retired_at=None).count() == 2
    organisation = Organisation.objects.get()
    assert (organisation.lease_owner, organisation.last_error) == ("", "")


def test_two_changes_within_a_second_are_both_caught_up(sandbox: Sandbox, site: Connection) -> None:
    """Actionstep shows whole seconds, so the same stamp may be another state of the row."""
    ears = listen("ActionUpdated")
    maintain()
    names = []
    for name in ("First", "Second"):
        [hook] = hooks(site)
        sandbox.change("resthooks", hook["id"], status="Disabled")
        sandbox.change("actions", 7, name=name)
        check()
        names += [
            change.row["name"] for change in ears.heard if change.row_id == "7" and change.row
        ]
        ears.heard.clear()
    assert {"First", "Second"} <= set(names)


def test_an_old_change_is_caught_up_once(sandbox: Sandbox, site: Connection) -> None:
    """A change that is no longer fresh is told of by one gap, however many reach back to it."""
    ears = listen("ActionUpdated")
    maintain()
    sandbox.change("actions", 7, name="Renamed")
    ears.heard.clear()
    sandbox.advance(timedelta(hours=1))
    for _ in range(3):
        Subscription.objects.update(gap_since=datetime.now(UTC) - timedelta(hours=2))
        check()
    assert ears.rows.count("7") == 2  # The call's, and that of the first gap.


def test_s59_what_actionstep_says_of_an_address_is_kept_without_it(
    sandbox: Sandbox, site: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal that repeats the address puts no secret into the database, a page or a log."""
    listen("ActionUpdated")
    detail = "targetUrl http://localhost/actionstep/hooks/ash_AAAAAAAAAAAAAAAAAAAAAA/ is wrong"
    body = json.dumps({"errors": [{"status": 400, "code": "x", "detail": detail}]})
    sandbox.fail("api", 400, resource="resthooks", skip=1, body=body)
    maintain()
    assert "is wrong" in subscription().last_error
    assert "ash_A" not in subscription().last_error
    assert "ash_A" not in caplog.text


def test_an_answer_that_is_no_json_registers_once(sandbox: Sandbox, site: Connection) -> None:
    """The hook is there although its number was not read: the next check knows it by its address."""
    listen("ActionUpdated")
    sandbox.fail("api", 200, resource="resthooks", skip=1, body="<p>Done</p>", after=True)
    maintain()
    check()
    assert registered(site) == [("ActionUpdated", "Active")]
    assert Address.objects.get(retired_at=None).hook_id == hooks(site)[0]["id"]


def test_what_one_organisation_meets_stops_no_other(
    sandbox: Sandbox, site: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that was not foreseen is told with its traceback, which holds no address."""
    listen("ActionUpdated")
    subscribe("zzz-another", "ActionUpdated")
    monkeypatch.setattr(Registrar, "addresses", lambda _: 1 / 0)
    check()
    assert Organisation.objects.get(orgkey="acmelaw").last_error == "ZeroDivisionError"
    assert Organisation.objects.get(orgkey="zzz-another").consecutive_failures == 1
    monkeypatch.undo()
    check()
    assert registered(site) == [("ActionUpdated", "Active")]


def test_a_new_connection_is_heard_of_and_a_search_comes_now_and_then(
    sandbox: Sandbox, site: Connection
) -> None:
    """Its organisation is noted at once, so that a search of all connections need not be made each minute."""
    listen("ActionUpdated")
    maintain()
    searched = Search.objects.get().searched_at
    other = make_connection(make_user(), orgkey="brightlegal")
    Organisation.objects.exclude(orgkey="acmelaw").delete()
    maintain()
    assert Search.objects.get().searched_at == searched
    assert Organisation.objects.count() == 1
    note_organisation(other)
    assert Organisation.objects.filter(orgkey=other.orgkey).exists()
    Organisation.objects.exclude(orgkey="acmelaw").delete()
    Search.objects.update(searched_at=searched - SEARCH_INTERVAL)
    maintain()
    assert Organisation.objects.filter(orgkey=other.orgkey).exists()
    assert Search.objects.get().searched_at > searched


def test_an_organisation_in_trouble_is_looked_at_when_a_user_connects(
    sandbox: Sandbox, site: Connection
) -> None:
    """It need not wait for its next try: the new connection may be the bearer that it lacks."""
    listen("ActionUpdated")
    maintain()
    later = datetime.now(UTC) + timedelta(hours=1)
    for error, is_due in (("", False), ("HOOKS_BEARER names no user.", True)):
        Organisation.objects.update(check_at=later, last_error=error)
        sandbox.connect(site.user)
        assert (Organisation.objects.get().check_at < later) == is_due


def test_an_organisation_is_one_however_its_key_is_spelled(
    sandbox: Sandbox, site: Connection, settings: Settings
) -> None:
    """Its hooks are registered once, and stay, where code or another connection writes it otherwise."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "HOOKS_BEARER": lambda _: site.user,
    }
    subscribe("AcmeLaw", "TaskUpdated")
    listen("ActionUpdated")
    for spelling in ("ACMELAW", "AcmeLaw"):
        make_connection(make_user(), orgkey=spelling)
    for _ in range(2):
        Search.objects.all().delete()
        check()
    assert Organisation.objects.get().orgkey == "acmelaw"
    found = hooks(site)
    assert sorted(hook["eventName"] for hook in found) == ["ActionUpdated", "TaskUpdated"]
    check()
    assert hooks(site) == found


def test_old_notifications_and_addresses_are_pruned(
    sandbox: Sandbox, site: Connection, ears: Ears
) -> None:
    """HOOKS_RETENTION ends the life of each, and a former address is forgotten after an hour."""
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8):
        call(secret, body_of(row))
    deliver_due()
    old = datetime.now(UTC) - timedelta(days=8)
    Notification.objects.filter(row_id="7").update(received_at=old)
    Address.objects.update(retired_at=datetime.now(UTC) - timedelta(hours=2))
    maintain()
    assert list(Notification.objects.values_list("row_id", flat=True)) == ["8"]
    assert not Address.objects.filter(retired_at__lt=datetime.now(UTC) - timedelta(hours=1))


def test_what_is_pruned_before_a_handler_took_it_is_told(
    site: Connection, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    """Changes that waited longer than HOOKS_RETENTION are gone, which is an error in the log."""
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8):
        call(secret, body_of(row))
    Notification.objects.update(received_at=datetime.now(UTC) - timedelta(days=8))
    caplog.clear()
    assert prune() == 2
    assert not Notification.objects.exists()
    (told,) = (vars(record) for record in caplog.records)
    assert (told["levelname"], told["rows"]) == ("ERROR", 2)


@pytest.fixture
def ears() -> Ears:
    """Return a handler of `ActionUpdated`."""
    return listen("ActionUpdated")
