"""`changes`: what was changed since a moment, whole although rows move while one reads."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from actionstep_connect.api import ActionstepClient
from actionstep_connect.client.changes import EVENTS, STAMPS
from actionstep_connect.exceptions import ApiError, RateLimited
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.api_calls import Clock
from tests.support.both_clients import Caller, connection_to_all
from tests.support.documents import ROOT, module_of
from tests.support.hostile_server import Answer, HostileServer

PAGE = "docs/client/changes.md"
LATELY = timedelta(minutes=1)


def task(name: str) -> dict[str, Any]:
    """Return what Actionstep wants to know of a task."""
    return {
        "name": name,
        "status": "Incomplete",
        "dueTimestamp": "2026-12-01T09:00:00+10:00",
        "links": {"action": "7", "assignee": "1"},
    }


def make_tasks(caller: Caller, count: int) -> list[int]:
    """Make tasks in one request, so that all have the same stamp."""
    rows = [task(f"Task {number}") for number in range(count)]
    with ActionstepClient(caller.connection) as actionstep:
        made = actionstep.post("tasks", json={"tasks": rows}).json()["tasks"]
    return [row["id"] for row in made]


def touched(number: int) -> tuple[str, str, Any]:
    """Return the request that changes a task."""
    return "PUT", f"tasks/{number}", {"tasks": task("Touched")}


def now(sandbox: Sandbox) -> datetime:
    """Return the time on this process's clock, which `advance` moves with the sandbox's."""
    return datetime.now(UTC)


def test_rows_that_move_between_pages_are_neither_missed_nor_doubled(
    caller: Caller, actionstep_sandbox: Sandbox
) -> None:
    """Each changed row comes once and in order, although rows are changed all the while."""
    actionstep_sandbox.advance(timedelta(hours=1))
    since = now(actionstep_sandbox) - LATELY
    made: list[int] = []
    for _ in range(5):
        made += make_tasks(caller, 90)
        actionstep_sandbox.advance(timedelta(minutes=1))

    def meanwhile(count: int) -> Any:
        # Rows that were read, so that all behind them move up, and rows that were not yet.
        return (
            touched(made[count // 10] if count % 20 else made[-count // 20 - 1])
            if (count % 10 == 0 and count < 400)
            else None
        )

    rows, walk = caller.walk("changes", "tasks", since=since, meanwhile=meanwhile)
    ids = [row["id"] for row in rows]
    assert sorted(ids) == sorted(made)
    stamps = [datetime.fromisoformat(row["lastModifiedTimestamp"]) for row in rows]
    assert stamps == sorted(stamps)
    later = caller.rows("changes", "tasks", since=walk.next_since)
    assert {row["id"] for row in later} >= {made[count // 10] for count in range(10, 400, 20)}
    assert {row["name"] for row in later} == {"Touched"}


def test_a_moment_that_fills_more_than_a_page_is_read_whole(
    caller: Caller, actionstep_sandbox: Sandbox
) -> None:
    """Where hundreds of rows share one stamp, those that move to a page read already are found."""
    actionstep_sandbox.advance(timedelta(hours=1))
    since = now(actionstep_sandbox) - LATELY
    made = make_tasks(caller, 450)
    actionstep_sandbox.advance(timedelta(minutes=5))

    def meanwhile(count: int) -> Any:
        return touched(made[count - 1]) if count in range(150, 200, 10) else None

    rows, _ = caller.walk("changes", "tasks", since=since, meanwhile=meanwhile)
    assert sorted(row["id"] for row in rows) == made


def test_the_next_walk_has_what_was_changed_since(
    caller: Caller, actionstep_sandbox: Sandbox
) -> None:
    """The time to pass next time leaves out nothing and little comes again."""
    rows, walk = caller.walk("changes", "actions", since=None)
    with ActionstepClient(caller.connection) as actionstep:
        assert len(rows) == len({row["id"] for row in rows}) == actionstep.count("actions")
        actionstep_sandbox.advance(timedelta(minutes=5))
        actionstep.put("actions/7", json={"actions": {"name": "Renamed"}})
        actionstep_sandbox.advance(timedelta(minutes=5))
    rows, walk = caller.walk("changes", "actions", since=walk.next_since)
    assert [row["name"] for row in rows] == ["Renamed"]
    assert caller.rows("changes", "actions", since=now(actionstep_sandbox)) == []


@pytest.mark.parametrize("resource", STAMPS)
def test_each_resource_is_walked_by_its_own_stamp(
    actionstep_sandbox: Sandbox, resource: str, transactional_db: None
) -> None:
    """All rows come without a time, and none with one that lies ahead."""
    caller = Caller(connection_to_all(actionstep_sandbox), is_async=False)
    with ActionstepClient(caller.connection) as actionstep:
        rows = list(actionstep.changes(resource, since=None))
        assert len(rows) == actionstep.count(resource) > 0
        later = actionstep.changes(resource, since=datetime.now(UTC) + timedelta(days=1))
        assert list(later) == []
        assert later.next_since is not None


@pytest.mark.parametrize("resource", ["timeentries", "filenotes", "phonerecords", "nonsense"])
def test_a_resource_without_a_stamp_is_refused_with_the_reason(
    caller: Caller, actionstep_sandbox: Sandbox, resource: str
) -> None:
    """Nothing is sent, and the message names the hooks that tell of it."""
    with pytest.raises(ValueError, match="does not publish when") as caught:
        caller.walk("changes", resource, since=None)
    assert all(event in str(caught.value) for event in EVENTS.get(resource, ()))
    assert actionstep_sandbox.activity() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": datetime(2026, 11, 1)},  # noqa: DTZ001 - the mistake.
        {"since": datetime.min.replace(tzinfo=ZoneInfo("Australia/Sydney"))},
        {"since": None, "sort": "id"},
        {"since": None, "page": 2},
    ],
)
def test_what_would_break_the_walk_is_refused(caller: Caller, wrong: Any) -> None:
    """A time without its zone and an order of one's own are mistakes, said before anything is sent."""
    with pytest.raises(ValueError, match=r"time zone|no date in UTC|itself"):
        caller.walk("changes", "actions", **wrong)


def test_a_stored_time_is_read_before_it_is_passed(caller: Caller) -> None:
    """Text is refused with the way to read it, before anything is sent."""
    with pytest.raises(TypeError, match="fromisoformat"):
        caller.walk("changes", "actions", since="2026-11-01T00:00:00Z")


def test_fields_and_filters_of_ones_own(caller: Caller) -> None:
    """Fewer members come without losing what the walk goes by."""
    rows = caller.rows("changes", "actions?status=Active", since=None, fields="name")
    assert {frozenset(row) for row in rows} == {frozenset({"id", "name", "modifiedTimestamp"})}


def test_a_storm_of_429_is_waited_out(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock
) -> None:
    """The walk goes on where it was; when max_wait ends, so does the walk, and it says so."""
    actionstep_sandbox.fail("api", 429, times=3)
    assert caller.rows("changes", "actions", since=None)
    assert len(clock.waits) == 3
    actionstep_sandbox.fail("api", 429, times=None)
    with pytest.raises(RateLimited):
        caller.rows("changes", "actions", since=None)


def test_next_since_is_known_at_the_end_only(caller: Caller) -> None:
    """Who stops early does not take the time of a walk that was not finished."""
    with ActionstepClient(caller.connection) as actionstep:
        changes = actionstep.changes("actions", since=None)
        next(changes)
        with pytest.raises(RuntimeError, match="to the end"):
            _ = changes.next_since


def test_a_server_that_does_not_order_is_not_believed(
    connection: Connection, server: HostileServer
) -> None:
    """Without the order changes could be missed, so the walk is an error."""
    stamps = ["2026-11-02T10:00:00+10:00", "2026-11-01T10:00:00+10:00"]
    rows = [{"id": n, "modifiedTimestamp": stamp} for n, stamp in enumerate(stamps)]
    server.answer(body={"actions": rows})
    Connection.objects.update(granted_scopes=["all"])
    connection.refresh_from_db()
    with ActionstepClient(connection) as actionstep, pytest.raises(ApiError, match="not ordered"):
        list(actionstep.changes("actions", since=None))


def test_rows_without_a_stamp_come_in_a_walk_through_all(
    connection: Connection, server: HostileServer
) -> None:
    """A first walk has every row, those too that no filter of time finds."""
    stamped = {"id": 1, "modifiedTimestamp": "2026-11-02T10:00:00+10:00"}
    more = {"meta": {"paging": {"actions": {"nextPage": "/x?page=2", "recordCount": 2}}}}
    last = {"meta": {"paging": {"actions": {"nextPage": None, "recordCount": 2}}}}
    server.script(
        [
            Answer(body={"actions": stamped, **more}),
            Answer(body={"actions": stamped, **last}),
            Answer(body={"actions": [stamped, {"id": 2, "modifiedTimestamp": None}], **last}),
        ]
    )
    Connection.objects.update(granted_scopes=["all"])
    connection.refresh_from_db()
    with ActionstepClient(connection) as actionstep:
        assert [row["id"] for row in actionstep.changes("actions", since=None)] == [1, 2]


def test_the_page_is_run(caller: Caller, actionstep_sandbox: Sandbox) -> None:
    """Both examples keep a store up to date."""
    store: dict[int, Any] = {}
    since = module_of("synchronise.py", PAGE).synchronise(caller.connection, store)
    total = len(store)
    actionstep_sandbox.advance(timedelta(minutes=5))
    caller("put", "actions/7", json={"actions": {"name": "Renamed"}})
    synchronise = module_of("synchronise_async.py", PAGE).synchronise
    newer = asyncio.run(synchronise(caller.connection, store, since))
    assert (store[7]["name"], len(store)) == ("Renamed", total)
    assert newer > since


def test_the_page_has_each_stamp() -> None:
    """The table is the code's own."""
    text = (ROOT / PAGE).read_text()
    assert all(f"| `{resource}` | `{stamp}` |" in text for resource, stamp in STAMPS.items())
    assert text.count("` |\n") == len(STAMPS)
