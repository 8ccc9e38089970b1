"""Calls that are taken in together: each has its own outcome."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DataError, connections
from django.test.utils import CaptureQueriesContext

from actionstep_connect.hooks.addresses import hash_of, new_secret
from actionstep_connect.hooks.flows import intake, statements
from actionstep_connect.hooks.flows.batches import find_each, take_in_each
from actionstep_connect.hooks.flows.intake import Call, Intake
from actionstep_connect.hooks.flows.statements import NewNotification
from actionstep_connect.hooks.models import Notification
from actionstep_connect.secret import Secret
from tests.support.hooks import body_of, listen, subscribed

pytestmark = pytest.mark.django_db


def called(secret: Secret, body: bytes) -> Call:
    """Return a call whose body has come."""
    return Call(hash_of(secret), body)


def test_each_call_of_a_batch_has_its_own_outcome() -> None:
    """Stored, unreadable or a stranger's, in the order in which they came."""
    (_, first), (_, second) = subscribed("ActionUpdated"), subscribed("TaskUpdated")
    outcomes = take_in_each(
        [
            called(first, body_of(1)),
            called(new_secret(), body_of(2)),
            called(second, body_of(3)),
            called(second, body_of(4, "tasks")),
            Call(hash_of(first), b"", TimeoutError()),
            called(first, body_of(1)),
        ]
    )
    stored, unreadable, stranger = Intake.STORED, Intake.UNREADABLE, Intake.STRANGER
    assert outcomes == [stored, stranger, unreadable, stored, unreadable, stored]
    assert [each.row_id for each in Notification.objects.order_by("pk")] == ["1", "4"]


def test_the_changes_of_a_row_keep_their_order() -> None:
    """What came first is delivered first."""
    _, secret = subscribed("ActionUpdated")
    listen("ActionUpdated", read_again=False)
    take_in_each([called(secret, body_of(7, number=number)) for number in range(250)])
    payloads = Notification.objects.order_by("pk").values_list("payload", flat=True)
    assert [payload.split('"number": ')[1].split("}")[0] for payload in payloads] == [
        str(number) for number in range(250)
    ]


def test_a_batch_costs_two_queries() -> None:
    """One look at the addresses, and one insert."""
    _, secret = subscribed("ActionUpdated")
    take_in_each([called(secret, body_of(0))])
    with CaptureQueriesContext(connections["default"]) as queries:
        take_in_each([called(secret, body_of(number)) for number in range(1, 101)])
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT"]


def test_strangers_who_come_together_share_one_look_up() -> None:
    """A flood of wrong secrets costs little, and none of them is remembered."""
    _, secret = subscribed("ActionUpdated")
    hashes = [hash_of(each) for each in [*(new_secret() for _ in range(99)), secret]]
    before = len(intake._seen)
    with CaptureQueriesContext(connections["default"]) as queries:
        assert find_each(hashes) == [False] * 99 + [True]
    assert len(queries) == 1
    assert len(intake._seen) == before + 1


def test_a_value_that_the_database_refuses_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the call that has it is not stored."""
    insert = statements.insert

    def refusing(rows: Sequence[NewNotification], **options: Any) -> None:
        if any(row.row_id == "13" for row in rows):
            raise DataError("refused")
        insert(rows, **options)

    monkeypatch.setattr(intake, "insert", refusing)
    _, secret = subscribed("ActionUpdated")
    outcomes = take_in_each([called(secret, body_of(number)) for number in range(40)])
    assert [number for number, each in enumerate(outcomes) if each is not Intake.STORED] == [13]
    assert isinstance(outcomes[13], DataError)
    assert Notification.objects.count() == 39
