"""`iterate` with `include` and `convert`, and a matter's custom fields."""

import asyncio
import json
from datetime import date, datetime
from typing import Any

import pytest

from actionstep_connect.api import ActionstepClient
from actionstep_connect.client.linked import to_python
from actionstep_connect.testing import Sandbox
from tests.support.both_clients import Caller, connection_to_all
from tests.support.documents import module_of

PAGE = "docs/client/linked.md"


def test_links_are_followed_across_pages_without_another_request(
    caller: Caller, actionstep_sandbox: Sandbox
) -> None:
    """All of 480 rows know their matter and its lawyer after the three requests of the walk."""
    rows = caller.rows("iterate", "timerecords", include="action.assignedTo")
    assert len(actionstep_sandbox.activity()) == 3
    for row in rows:
        matter = row.follow("action")
        assert str(matter["id"]) == row["links"]["action"]
        assert row.follow("action.assignedTo") == matter.follow("assignedTo")
    with ActionstepClient(caller.connection) as actionstep:
        lawyer = rows[0].follow("action.assignedTo")
        found = actionstep.get(f"participants/{lawyer['id']}").json()["participants"]
    assert found == lawyer


def test_several_linked_rows_are_a_list(caller: Caller) -> None:
    """A link that is a list gives all; following it as one says so."""
    caller("put", "actiondocuments/1", json={"actiondocuments": {"links": {"tags": [1, 2]}}})
    [document] = caller.rows("iterate", "actiondocuments/1", include="tags")
    assert [each["id"] for each in document.follow_all("tags")] == [1, 2]
    with pytest.raises(ValueError, match="follow_all"):
        document.follow("tags")


def test_a_link_that_was_not_included_is_no_missing_row(caller: Caller) -> None:
    """A forgotten include is an error, and a row is still a dictionary."""
    row = caller.rows("iterate", "timerecords", include="action")[0]
    with pytest.raises(KeyError, match="include does not name 'owner'"):
        row.follow("owner")
    assert json.loads(json.dumps(row)) == row


def test_links_are_named_in_text(caller: Caller) -> None:
    """A list of links is refused with the way to write it."""
    with pytest.raises(TypeError, match="commas between"):
        caller.rows("iterate", "timerecords", include=["action"])


def test_what_was_not_granted_is_none(actionstep_sandbox: Sandbox, transactional_db: None) -> None:
    """A linked row whose scope is missing is not there, and is no error."""
    connection = connection_to_all(actionstep_sandbox, "timerecords")
    with ActionstepClient(connection) as actionstep:
        row = next(actionstep.iterate("timerecords", include="action"))
        assert row.follow("action") is None


def test_values_are_pythons_on_request(caller: Caller) -> None:
    """Moments, days and flags are as Python has them, in rows and in those linked to them."""
    row = caller.rows("iterate", "actions/7", convert=True, include="actionType")[0]
    assert isinstance(row["modifiedTimestamp"], datetime)
    assert row["modifiedTimestamp"].utcoffset() is not None
    assert type(row["createdTimestamp"]) is date
    assert row["isDeleted"] is False
    plain = caller.rows("iterate", "actions/7")[0]
    assert plain["isDeleted"] == "F"
    assert to_python("actions", plain) == row


def test_what_cannot_be_read_stays_as_it_is() -> None:
    """An empty text, nonsense and an unknown resource are not errors."""
    row = {"modifiedTimestamp": "", "isDeleted": "maybe", "createdTimestamp": None, "id": 1}
    assert to_python("actions", row) == row
    assert to_python("nonsense", row) == row


def matter_of(caller: Caller, kind: str, **params: Any) -> str:
    """Return a matter of this type."""
    return str(caller.rows("iterate", "actions", actionType=kind, sort="id", **params)[0]["id"])


def test_custom_fields_are_read_and_written(caller: Caller) -> None:
    """Values are found by their names, made where there are none, and changed where there are."""
    matter = matter_of(caller, "7")
    before = caller("custom_fields", matter)
    assert set(before["Contract"]) == {"ContractDate", "Price"}
    for price in ("1.00", "2.50"):
        caller("set_custom_fields", matter, {"Contract": {"Price": price}})
        after = caller("custom_fields", matter)
        assert after == {"Contract": {**before["Contract"], "Price": price}}


def test_a_matter_without_records_gets_one(caller: Caller) -> None:
    """Nothing was filled in before, and one record is made for all fields."""
    made = {"actionName": "New", "links": {"actionType": "7"}}
    new = caller("post", "actioncreate", json={"actioncreate": made}).json()["actioncreate"]["id"]
    assert caller("custom_fields", new) == {"Contract": {"ContractDate": None, "Price": None}}
    values = {"ContractDate": "2026-12-01", "Price": "3.00"}
    caller("set_custom_fields", new, {"Contract": values})
    assert caller("custom_fields", new) == {"Contract": values}
    assert caller("count", "datacollectionrecords", action=new) == 1


def test_several_records_are_a_list(caller: Caller) -> None:
    """They are read as a list, and which one to write would be a guess."""
    matter = matter_of(caller, "13")
    assert isinstance(caller("custom_fields", matter)["Vehicle"], list)
    with pytest.raises(ValueError, match="several records"):
        caller("set_custom_fields", matter, {"Vehicle": {"Plate": "1"}})


@pytest.mark.parametrize("values", [{"Nothing": {}}, {"Contract": {"Price": "1", "Colour": "x"}}])
def test_an_unknown_name_writes_nothing(caller: Caller, values: Any) -> None:
    """A misspelt collection or field is said, with the names that exist."""
    matter = matter_of(caller, "7")
    before = caller("custom_fields", matter)
    with pytest.raises(KeyError, match="it has"):
        caller("set_custom_fields", matter, values)
    assert caller("custom_fields", matter) == before


def test_the_page_is_run(caller: Caller) -> None:
    """The three examples do what the page says."""
    total = module_of("linked.py", PAGE).hours_by_matter(caller.connection)
    assert sum(total.values()) > 800
    parties = module_of("linked_async.py", PAGE).parties
    assert asyncio.run(parties(caller.connection, 7))
    matter, agree = matter_of(caller, "7"), module_of("custom_fields.py", PAGE).agree_price
    agree(caller.connection, matter, "5.00")
    assert agree(caller.connection, matter, "6.00") == "5.00"
