"""`create_many` and `update_many`: what became of each row is known."""

import asyncio
import itertools
from typing import Any

import httpx2
import pytest

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.exceptions import PartialFailure, RateLimited
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.api_calls import Clock
from tests.support.both_clients import Caller
from tests.support.documents import module_of
from tests.support.hostile_server import Answer, HostileServer

PAGE = "docs/client/batches.md"


def hours(count: int, *, wrong: frozenset[int] = frozenset()) -> list[dict[str, Any]]:
    """Return rows of time; those that are `wrong` have hours that are no number."""
    return [
        {
            "startTimestamp": "2026-11-24T09:00:00+10:00",
            "actualHours": "much" if number in wrong else number,
            "links": {"action": "7"},
        }
        for number in range(count)
    ]


def made_at(caller: Caller) -> list[float]:
    """Return the hours of the rows that the sandbox has of this test, in the order of their ids."""
    with ActionstepClient(caller.connection) as actionstep:
        rows = actionstep.iterate("timerecords", id_gt=480, sort="id")
        return [row["actualHours"] for row in rows]


def test_rows_are_made_in_batches_and_come_back_in_order(
    caller: Caller, actionstep_sandbox: Sandbox
) -> None:
    """A hundred and twenty rows take three requests."""
    rows = caller("create_many", "timerecords", hours(120))
    assert [row["actualHours"] for row in rows] == list(range(120))
    assert len(actionstep_sandbox.activity()) == 3
    assert made_at(caller) == list(range(120))


def test_rows_are_changed_in_batches_by_their_ids(
    caller: Caller, actionstep_sandbox: Sandbox
) -> None:
    """Each row gets its own values, in whatever order they are given."""
    rows = [{"id": number, "actualHours": number / 10} for number in range(100, 0, -1)]
    changed = caller("update_many", "timerecords", rows, batch_size=30)
    assert [(row["id"], row["actualHours"]) for row in changed] == [
        (row["id"], row["actualHours"]) for row in rows
    ]
    assert len(actionstep_sandbox.activity()) == 4


def test_matters_and_composite_ids_are_changed_too(caller: Caller) -> None:
    """The verb and the id are those of the resource."""
    [matter] = caller("update_many", "actions", [{"id": 7, "name": "Renamed"}])
    assert matter["name"] == "Renamed"
    values = caller.rows("iterate", "datacollectionrecordvalues")[:3]
    rows = [{"id": row["id"], "stringValue": str(n)} for n, row in enumerate(values)]
    changed = caller("update_many", "datacollectionrecordvalues", rows)
    assert [row["stringValue"] for row in changed] == ["0", "1", "2"]


def test_the_rows_that_are_refused_are_named(caller: Caller) -> None:
    """Two bad rows of sixty stop no other, and the error says which they are and why."""
    with pytest.raises(PartialFailure, match="58 of 60 rows of timerecords were written") as caught:
        caller("create_many", "timerecords", hours(60, wrong=frozenset({3, 57})))
    error = caught.value
    assert set(error.failed) == {3, 57}
    assert "actualHours must be a number" in error.failed[3]
    assert set(error.done) == set(range(60)) - {3, 57}
    assert (error.unknown, error.left) == ((), ())
    assert made_at(caller) == [number for number in range(60) if number not in (3, 57)]


def test_rows_that_do_not_exist_are_named(caller: Caller) -> None:
    """An update of three rows, one of which is gone, changes the others."""
    rows = [{"id": key, "actualHours": 9} for key in (1, 999_999, 2)]
    with pytest.raises(PartialFailure) as caught:
        caller("update_many", "timerecords", rows)
    assert (caught.value.done, set(caught.value.failed)) == ({0: 1, 2: 2}, {1})


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
def test_a_lost_answer_is_never_taken_for_either(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock, fault: Any
) -> None:
    """Rows whose answer was lost are named as such, sent once only, and the rest is not sent."""
    actionstep_sandbox.fail("api", fault, skip=1)
    with pytest.raises(PartialFailure) as caught:
        caller("create_many", "timerecords", hours(60), batch_size=20)
    error = caught.value
    assert set(error.done) == set(range(20))
    assert (error.unknown, error.left) == (tuple(range(20, 40)), tuple(range(40, 60)))
    assert isinstance(error.__cause__, httpx2.TransportError)
    assert len(made_at(caller)) == (40 if fault == "drop_after" else 20)


def test_an_answer_that_cannot_be_unpacked_is_no_answer(
    server: HostileServer, connection: Connection, clock: Clock
) -> None:
    """The rows before it are known, its own may have been written, and the rest is not sent."""
    caller = Caller(connection, is_async=False)
    good = Answer(body={"timerecords": [{"id": 1}, {"id": 2}]})
    server.script([good, Answer(body=b"not gzip", headers={"Content-Encoding": "gzip"})])
    with pytest.raises(PartialFailure) as caught:
        caller("create_many", "timerecords", hours(6), batch_size=2)
    error = caught.value
    assert (set(error.done), error.unknown, error.left) == ({0, 1}, (2, 3), (4, 5))
    assert isinstance(error.__cause__, httpx2.DecodingError)


class TimeLimitError(Exception):
    """What a worker raises in a task that takes too long."""


def stopped(caller: Caller, *, at: int) -> None:
    """Create 60 rows in three requests, and raise TimeLimitError as request `at` begins."""
    numbers = itertools.count(1)

    def stop(_: httpx2.Request) -> None:
        if next(numbers) == at:
            raise TimeLimitError

    async def astop(request: httpx2.Request) -> None:
        stop(request)

    async def create() -> None:
        hooks = {"request": [astop]}
        async with AsyncActionstepClient(caller.connection, event_hooks=hooks) as actionstep:
            await actionstep.create_many("timerecords", hours(60), batch_size=20)

    if caller.is_async:
        asyncio.run(create())
        return
    with ActionstepClient(caller.connection, event_hooks={"request": [stop]}) as actionstep:
        actionstep.create_many("timerecords", hours(60), batch_size=20)


def test_whatever_ends_the_walk_what_was_written_is_told(caller: Caller) -> None:
    """An error that is not Actionstep's leaves as it is, unless rows were written before it."""
    with pytest.raises(TimeLimitError):
        stopped(caller, at=1)
    with pytest.raises(PartialFailure) as caught:
        stopped(caller, at=2)
    error = caught.value
    assert isinstance(error.__cause__, TimeLimitError)
    assert (set(error.done), error.unknown, error.left) == (
        set(range(20)),
        tuple(range(20, 40)),
        tuple(range(40, 60)),
    )
    assert made_at(caller) == list(range(20))


def test_a_storm_of_429_leaves_what_was_not_sent(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock
) -> None:
    """Before anything was done it is RateLimited; afterwards what is left is named."""
    actionstep_sandbox.fail("api", 429, times=None)
    with pytest.raises(RateLimited):
        caller("create_many", "timerecords", hours(60))
    actionstep_sandbox.clear_faults()
    actionstep_sandbox.fail("api", 429, times=None, skip=1)
    with pytest.raises(PartialFailure) as caught:
        caller("create_many", "timerecords", hours(60))
    assert isinstance(caught.value.__cause__, RateLimited)
    assert caught.value.left == tuple(range(50, 60))
    actionstep_sandbox.clear_faults()
    assert made_at(caller) == list(range(50))


@pytest.mark.parametrize("rows", [[{"actualHours": 1}], [{"id": 1}, {"id": "1"}]])
def test_rows_that_cannot_be_told_apart_are_refused(caller: Caller, rows: Any) -> None:
    """A row without an id, and an id that comes twice, are mistakes."""
    with pytest.raises(ValueError, match="id"):
        caller("update_many", "timerecords", rows)


@pytest.mark.parametrize("rows", [["x"], {"actualHours": 1}], ids=["text", "one row"])
def test_what_is_no_row_is_refused(caller: Caller, rows: Any) -> None:
    """One row in place of many, and what is no mapping, are mistakes that are named."""
    with pytest.raises(TypeError, match="Row 0 is str: rows are mappings"):
        caller("create_many", "timerecords", rows)


def test_no_rows_are_no_request(caller: Caller, actionstep_sandbox: Sandbox) -> None:
    """Nothing to do is nothing done."""
    assert caller("create_many", "timerecords", []) == []
    assert actionstep_sandbox.activity() == []


def test_the_page_is_run(caller: Caller) -> None:
    """Both examples do what the page says."""
    record = module_of("imports.py", PAGE).record
    done, failed = record(caller.connection, hours(3, wrong=frozenset({1})))
    assert (set(done), set(failed)) == ({0, 2}, {1})
    correct = module_of("imports_async.py", PAGE).correct
    rows = asyncio.run(correct(caller.connection, {done[0]: 4.5}))
    assert rows[0]["actualHours"] == 4.5
