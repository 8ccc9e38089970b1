"""Answers in odd shapes, to what the client does in several steps."""

from typing import Any

import pytest

from actionstep_connect.exceptions import ApiError, PartialFailure
from actionstep_connect.models import Connection
from tests.support.both_clients import Caller
from tests.support.hostile_server import Answer, HostileServer

MATTER = {"actions": {"id": 7, "links": {"actionType": "3"}}}
COLLECTIONS = {"datacollections": {"id": 1, "name": "Contract"}}
FIELDS = {"datacollectionfields": {"id": "1--2", "name": "Price", "links": {"dataCollection": "1"}}}
RECORDS = {"datacollectionrecords": {"id": 5, "links": {"dataCollection": "1"}}}
VALUES = {
    "datacollectionrecordvalues": {
        "id": "1--2--5",
        "links": {"dataCollectionField": "1--2", "dataCollectionRecord": "5"},
    }
}
WALK = [MATTER, COLLECTIONS, FIELDS, RECORDS, VALUES]


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def caller(request: pytest.FixtureRequest, connection: Connection) -> Caller:
    """Return a way to call a server that answers as told."""
    Connection.objects.update(granted_scopes=["all"])
    connection.refresh_from_db()
    return Caller(connection, is_async=request.param)


def without(answer: Any, name: str) -> Any:
    """Return `answer` whose row lacks a member or a link."""
    [(resource, row)] = answer.items()
    links = {key: value for key, value in row.get("links", {}).items() if key != name}
    return {resource: {key: row[key] for key in row if key != name} | {"links": links}}


ODD = [
    (0, {}),
    (0, {"actions": []}),
    (0, {"actions": {"id": 7}}),
    (0, {"actions": {"id": 7, "links": None}}),
    (0, {"actions": {"id": 7, "links": []}}),
    (0, without(MATTER, "actionType")),
    (1, without(COLLECTIONS, "name")),
    (1, without(COLLECTIONS, "id")),
    (2, without(FIELDS, "name")),
    (2, without(FIELDS, "dataCollection")),
    (3, without(RECORDS, "dataCollection")),
    (3, without(RECORDS, "id")),
    (4, without(VALUES, "dataCollectionField")),
    (4, without(VALUES, "dataCollectionRecord")),
]


@pytest.mark.parametrize(("step", "answer"), ODD, ids=str)
@pytest.mark.parametrize("method", ["custom_fields", "set_custom_fields"])
def test_custom_fields_out_of_rows_that_lack_something(
    caller: Caller, server: HostileServer, method: str, step: int, answer: Any
) -> None:
    """They end in a typed error, before anything is written."""
    server.script([Answer(body=body) for body in [*WALK[:step], answer, *WALK[step + 1 :]]])
    args = () if method == "custom_fields" else ({"Contract": {"Price": 1}},)
    with pytest.raises(ApiError):
        caller(method, 7, *args)
    assert {request.method for request in server.requests} == {"GET"}


def test_custom_fields_whose_pages_never_end(caller: Caller, server: HostileServer) -> None:
    """A page that comes again ends them, as it ends a walk."""
    paging = {"meta": {"paging": {"datacollections": {"nextPage": "again"}}}}
    server.script([Answer(body=MATTER)])
    server.answer(body={**COLLECTIONS, **paging})
    with pytest.raises(ApiError, match="read already"):
        caller("custom_fields", 7)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
        Answer(body=b"no gzip", headers={"Content-Encoding": "br"}),
        Answer(drop=True),
        Answer(status=500, body="<html>"),
        Answer(status=302, headers={"Location": "https://example.com/"}),
        Answer(body="<html>"),
        Answer(status=200, body={"something": []}),
    ],
    ids=str,
)
def test_a_batch_whose_answer_cannot_be_read_is_not_known(
    caller: Caller, server: HostileServer, answer: Answer
) -> None:
    """Of the rows before it is said that they were written, and of those after it that they were not."""
    written = Answer(body={"timerecords": {"id": 1}})
    server.script([written, answer])
    with pytest.raises(PartialFailure) as caught:
        caller(
            "create_many",
            "timerecords",
            [{"actualHours": hours} for hours in range(3)],
            batch_size=1,
        )
    failure = caught.value
    assert (list(failure.done), failure.unknown, failure.left) == ([0], (1,), (2,))
