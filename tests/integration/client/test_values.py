"""Python's values on their way to Actionstep: in rows, in addresses, in custom fields and links."""

import enum
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from actionstep_connect.client.meta import deep_link
from actionstep_connect.exceptions import ApiError
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.both_clients import Caller
from tests.support.hostile_server import Answer, HostileServer

KEY = UUID("6a3f4f0e-3c54-4a58-9d5c-0b1df8b6f0aa")


class Plain(enum.Enum):
    """An enumeration of numbers and of text."""

    SEVEN = 7
    WORD = "word"


class Mixed(str, enum.Enum):  # noqa: UP042 - as sites have them, whose str() is the member's name.
    """An enumeration of text whose members are text."""

    WORD = "word"


class Choice(TextChoices):
    """One of a Django model's choices."""

    WORD = "word"


SYDNEY = datetime(2026, 1, 2, 3, 4, 5, tzinfo=ZoneInfo("Australia/Sydney"))
TEXTS: list[tuple[object, str]] = [
    (date(2026, 1, 2), "2026-01-02"),
    (time(9, 30), "09:30:00"),
    (SYDNEY, "2026-01-02T03:04:05+11:00"),
    (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    (KEY, str(KEY)),
    (gettext_lazy("hours"), "hours"),
    (Mixed.WORD, "word"),
    (Choice.WORD, "word"),
    (Plain.WORD, "word"),
    (True, "T"),
    (False, "F"),
]
MISTAKES: list[tuple[object, type[Exception]]] = [
    (b"bytes", TypeError),
    ({"a", "b"}, TypeError),
    (object(), TypeError),
    (iter([1]), TypeError),
    (float("nan"), ValueError),
    (float("inf"), ValueError),
    (Decimal("Infinity"), ValueError),
    (Decimal("sNaN"), ValueError),
    (Decimal("1E+5000"), ValueError),
    (10**400, ValueError),
    (10**5000, ValueError),
    (datetime(2026, 1, 2), ValueError),  # noqa: DTZ001 - the mistake.
    ("half \ud800", ValueError),
]


def _kind(value: object) -> str:
    """Return a test's id: what an object prints may differ between the workers that collect it."""
    return value.__name__ if isinstance(value, type) else type(value).__name__


def hours(**members: Any) -> dict[str, Any]:
    """Return a row of time."""
    start = "2026-11-24T09:00:00+10:00"
    return {"startTimestamp": start, "actualHours": 1, "links": {"action": "7"}, **members}


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=lambda value: repr(value)[:30])
def test_values_are_written_as_actionstep_has_them(caller: Caller, value: Any, text: str) -> None:
    """A row takes what a model or a converted row has."""
    [row] = caller("create_many", "timerecords", [hours(notes=value)])
    assert row["notes"] == text
    [row] = caller("update_many", "timerecords", [{"id": row["id"], "notes": value}])
    assert row["notes"] == text


@pytest.mark.parametrize(
    ("value", "number"),
    [(Decimal("1.50"), 1.5), (Decimal(2), 2), (Decimal("1E+1"), 10), (Plain.SEVEN, 7)],
)
def test_numbers_stay_numbers(caller: Caller, value: Any, number: float) -> None:
    """A Decimal is written as the number that it is, or not at all."""
    [row] = caller("create_many", "timerecords", [hours(actualHours=value)])
    assert row["actualHours"] == number
    with pytest.raises(ValueError, match=r"Row 0\.actualHours has more digits"):
        caller("create_many", "timerecords", [hours(actualHours=Decimal("0." + "1" * 30))])


@pytest.mark.parametrize(("value", "error"), MISTAKES, ids=_kind)
def test_what_cannot_be_sent_stops_no_walk_amid_its_rows(
    caller: Caller, actionstep_sandbox: Sandbox, value: Any, error: type[Exception]
) -> None:
    """It is named before anything is sent: else some rows would be written, and it is not said which."""
    rows = [hours(), hours(links={"action": "7", "more": [value]})]
    with pytest.raises(error, match=r"Row 1\.links\.more "):
        caller("create_many", "timerecords", rows, batch_size=1)
    with pytest.raises(error, match=r"actiondocuments\.notes "):
        caller("attach", "key;a.txt", action=7, notes=value)
    with pytest.raises(error, match=r"rate "):
        caller("count", "timerecords", rate=value)
    assert actionstep_sandbox.activity() == []
    with pytest.raises(error, match=r"action_id "):
        deep_link({"deepLinkUrl": "https://go.actionstep.com/?x=y"}, "view-action", action_id=value)


@pytest.mark.parametrize("value", [SYDNEY, date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC)])
def test_moments_select_rows(caller: Caller, value: Any) -> None:
    """The sandbox, which reads ISO 8601 as Actionstep does, finds the rows of that time."""
    rows = caller.rows("iterate", "timerecords", createdTimestamp_gteq=value)
    assert rows == caller.rows("iterate", "timerecords", createdTimestamp_gteq=value.isoformat())


def test_links_into_actionstep_take_the_same_values() -> None:
    """What is None is left out."""
    about = {"deepLinkUrl": "https://go.actionstep.com/?x=y"}
    found = deep_link(about, "view-action", action_id=Plain.SEVEN, open=True, folder=None)
    assert found == "https://go.actionstep.com/?x=y&target=view-action&action_id=7&open=T"


@pytest.mark.parametrize("resource", ["/timerecords", "timerecords/"])
def test_a_slash_around_a_resource_changes_nothing(caller: Caller, resource: str) -> None:
    """Rows are written under the same name as they are read."""
    [row] = caller("create_many", resource, [hours()])
    [row] = caller("update_many", resource, [{"id": row["id"], "actualHours": 2}])
    assert row["actualHours"] == 2


def matter_of(caller: Caller) -> str:
    """Return a matter that has custom fields."""
    return str(caller.rows("iterate", "actions", actionType=7, sort="id")[0]["id"])


def test_custom_fields_take_the_same_values(caller: Caller) -> None:
    """Dates and numbers are written as their text, without an exponent."""
    matter = matter_of(caller)
    values = {"ContractDate": date(2026, 12, 1), "Price": Decimal("1E+3")}
    caller("set_custom_fields", matter, {"Contract": values})
    assert caller("custom_fields", matter)["Contract"] == {
        "ContractDate": "2026-12-01",
        "Price": "1000",
    }


@pytest.mark.parametrize(("value", "error"), MISTAKES, ids=_kind)
def test_a_custom_field_that_cannot_be_sent_writes_nothing(
    caller: Caller, actionstep_sandbox: Sandbox, value: Any, error: type[Exception]
) -> None:
    """It is named, and the field before it is not written either."""
    with pytest.raises(error, match=r"Contract\.Price "):
        caller("set_custom_fields", 7, {"Contract": {"ContractDate": "2026", "Price": value}})
    assert actionstep_sandbox.activity() == []


MATTER = {"id": 7, "links": {"actionType": "7"}}
NAMED = {"id": 1, "name": "Contract"}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([("actions", None)], "has 0 rows"),
        ([("actions", [MATTER, MATTER])], "has 2 rows"),
        ([("actions", {"id": 7})], "without actionType"),
        ([("actions", {"id": 7, "links": "none"})], "without actionType"),
        ([("actions", MATTER), ("datacollections", {"id": 1})], "without name"),
        ([("actions", MATTER), ("datacollections", {"name": "Contract"})], "without id"),
        (
            [("actions", MATTER), ("datacollections", NAMED), ("datacollectionfields", NAMED)],
            "without dataCollection",
        ),
        (
            [
                ("actions", MATTER),
                ("datacollections", NAMED),
                ("datacollectionfields", []),
                ("datacollectionrecords", []),
                *[("datacollectionrecordvalues", [])] * 2,
            ],
            "read already",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_custom_fields_that_come_in_odd_shapes_are_an_error(
    server: HostileServer, connection: Connection, answers: Any, said: str, is_async: bool
) -> None:
    """A row that lacks what leads on, none at all, and pages without an end, are named."""
    connection.granted_scopes = ["all"]
    pages = {"datacollectionrecordvalues": {"recordCount": 9, "nextPage": "again"}}
    server.script([Answer(body={name: rows, "meta": {"paging": pages}}) for name, rows in answers])
    with pytest.raises(ApiError, match=said):
        Caller(connection, is_async=is_async)("custom_fields", 7)
