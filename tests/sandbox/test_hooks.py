"""REST hooks: who is called, with what, and what an answer does (docs/sandbox.md: REST hooks)."""

import json
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from actionstep_connect.sandbox.hooks.calls import is_loopback
from actionstep_connect.testing import Sandbox
from tests.support.hostile_server import Answer, HostileServer
from tests.support.visitor import Application

LISTED = {
    *("ActionCreated", "ActionUpdated", "ActionParticipantAdded", "ActionParticipantDeleted"),
    *("ActionDocumentCreated", "ActionDocumentUpdated", "ActionDocumentDeleted"),
    *("DataCollectionRecordUpdated", "DataCollectionRecordDeleted"),
    *("DataCollectionRecordValueUpdated", "DisbursementCreated", "DisbursementUpdated"),
    *("FileNoteCreated", "FileNoteUpdated", "ParticipantCreated", "ParticipantUpdated"),
    *("StepChanged", "TaskCreated", "TaskUpdated", "TimeEntryCreated", "TimeEntryUpdated"),
}
NOTE: Mapping[str, Any] = {"text": "Client called.", "links": {"action": 7}}


@pytest.fixture
def target() -> Generator[HostileServer]:
    """Yield a site that is called, and answers 200."""
    with HostileServer() as server:
        server.answer(status=200)
        yield server


@pytest.fixture
def tokens(application: Application) -> dict[str, Any]:
    """Return Priya's tokens at Acme Law, for everything."""
    return application.issued("priya", orgkey="acmelaw")


def register(
    application: Application, tokens: dict[str, Any], event: str, url: str
) -> dict[str, Any]:
    """Register a hook; return its row."""
    body = {"resthooks": {"eventName": event, "targetUrl": url}}
    created = application.api(tokens, "resthooks", "POST", json=body)
    assert created.status_code == 200, created.text
    row: dict[str, Any] = created.json()["resthooks"]
    return row


def hook(application: Application, tokens: dict[str, Any], key: int) -> dict[str, Any]:
    """Return the row of a hook as it is now."""
    row: dict[str, Any] = application.api(tokens, f"resthooks/{key}").json()["resthooks"]
    return row


def heard(target: HostileServer) -> list[Any]:
    """Return the JSON of all calls."""
    return [json.loads(request.body) for request in target.requests]


def test_a_change_calls_the_hook_with_a_document_of_json_api(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """The row as it is now, its links as relationships, and which hook it was; the query is kept."""
    url = f"{target.url}/hook?callback_id=12345"
    row = register(application, tokens, "ActionUpdated", url)
    assert (row["status"], row["triggeredCount"], row["triggeredLastTimestamp"]) == (
        *("Active", 0, None),
    )
    changed = sandbox.change("actions", 7, name="Renamed")
    [request] = target.requests
    assert (request.method, request.target) == ("POST", "/hook?callback_id=12345")
    assert "Authorization" not in request.headers
    document = json.loads(request.body)
    assert set(document) == {"jsonapi", "data", "meta"}
    assert document["jsonapi"] == {"version": "1.0"}
    data = document["data"]
    assert (data["type"], data["id"], data["attributes"]["name"]) == ("actions", "7", "Renamed")
    assert "id" not in data["attributes"]
    links, related = changed["links"], data["relationships"]
    assert related["actionType"]["data"] == {"type": "actiontypes", "id": links["actionType"]}
    parties = [{"type": "participants", "id": key} for key in links["primaryParticipants"]]
    assert related["primaryParticipants"]["data"] == parties
    assert {"data": None} in related.values()
    assert document["meta"]["debug"]["resthook"] == {
        "id": row["id"],
        "target": url,
        "trigger_count": 1,
        "event_name": "ActionUpdated",
        "resource_type": "actions",
        "resource_id": 7,
    }
    called = hook(application, tokens, row["id"])
    assert (called["status"], called["triggeredCount"]) == ("Active", 1)
    assert called["triggeredLastTimestamp"].endswith("+10:00")
    [noted] = sandbox.notifications()
    assert (noted.event, noted.resource, noted.id, noted.status) == (
        *("ActionUpdated", "actions", "7", 200),
    )


def test_the_other_recorded_shapes_are_an_option(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """Relationships in snake case, and the old wiki's body, which is a GET's with an array."""
    register(application, tokens, "ActionUpdated", target.url)
    sandbox.change_options(hook_body="jsonapi_snake")
    sandbox.change("actions", 7, name="Once")
    sandbox.change_options(hook_body="rest")
    sandbox.change("actions", 7, name="Twice")
    snake, rest = heard(target)
    assert {"primary_participants", "action_type"} <= set(snake["data"]["relationships"])
    assert "statusTimestamp" in snake["data"]["attributes"]
    answered = application.api(tokens, "actions/7").json()
    assert rest["actions"] == [answered["actions"]]
    assert set(rest) == set(answered)


def test_every_listed_event_is_heard_of(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """Rows are created, changed and deleted, and each event comes; no other does."""
    for name in (*LISTED, "TaskDeleted", "NoSuchEvent"):
        register(application, tokens, name, target.url)
    create = {"actioncreate": {"actionName": "New", "links": {"actionType": 7}}}
    created = application.api(tokens, "actioncreate", "POST", json=create)
    matter = {"action": created.json()["actioncreate"]["id"]}
    step = {"actionchangestep": {"links": {**matter, "step": "7--1"}}}
    assert application.api(tokens, "actionchangestep", "POST", json=step).status_code == 200
    row: Mapping[str, Any]
    change: Mapping[str, Any]
    for name, row, change in (
        ("actiondocuments", {"name": "New"}, {"name": "Changed"}),
        ("actionparticipants", {}, {}),
        ("datacollectionrecords", {}, {"links": {"action": 8}}),
        ("disbursements", {"description": "New"}, {"quantity": 2}),
        ("filenotes", {"text": "New"}, {"text": "Changed"}),
        ("participants", {"displayName": "New"}, {"displayName": "Changed"}),
        ("tasks", {"name": "New"}, {"name": "Changed"}),
        ("timeentries", {"actualHours": 1}, {"actualHours": 2}),
    ):
        links = {} if name == "participants" else dict(matter)
        links |= {"participantType": 31, "participant": 12} if name == "actionparticipants" else {}
        links |= {"dataCollection": 100} if name == "datacollectionrecords" else {}
        key = sandbox.add(name, links=links, **row)["id"]
        if change:
            sandbox.change(name, key, **change)
        sandbox.remove(name, key)
    page = application.api(tokens, "datacollectionrecordvalues?pageSize=2").json()
    value = page["datacollectionrecordvalues"][0]["id"]
    sandbox.change("datacollectionrecordvalues", value, stringValue="Changed")
    calls = [one["meta"]["debug"]["resthook"] for one in heard(target)]
    assert {one["event_name"] for one in calls} == LISTED
    assert {one["resource_type"] for one in calls if one["event_name"] == "StepChanged"} == {
        "actions"
    }


def test_any_answer_but_200_disables_the_hook(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """201, 302, 404, 500 and a hang-up alike: nothing more is sent until the hook comes again."""
    for answer in (
        Answer(status=201),
        Answer(status=204),
        Answer(status=302, headers={"Location": f"{target.url}/elsewhere"}),
        Answer(status=404),
        Answer(status=502),
        Answer(drop=True),
        Answer(raw=b"no HTTP at all"),
    ):
        row = register(application, tokens, "FileNoteCreated", target.url)
        before = len(target.requests)
        target.script([answer])
        sandbox.add("filenotes", **NOTE)
        sandbox.add("filenotes", **NOTE)
        assert len(target.requests) == before + 1
        now = hook(application, tokens, row["id"])
        assert (now["status"], now["triggeredCount"]) == ("Disabled", 1)
    body = {"resthooks": {"eventName": "FileNoteCreated", "targetUrl": target.url}}
    again = application.api(tokens, f"resthooks/{row['id']}", "PUT", json=body)
    assert again.json()["resthooks"]["status"] == "Active"
    sandbox.add("filenotes", **NOTE)
    assert hook(application, tokens, row["id"])["triggeredCount"] == 2
    assert [one.path for one in target.requests if one.path == "/elsewhere"] == []


def test_a_401_deletes_the_hook(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """Its status says so, as the old wiki has it."""
    row = register(application, tokens, "FileNoteCreated", target.url)
    target.answer(status=401)
    sandbox.add("filenotes", **NOTE)
    assert hook(application, tokens, row["id"])["status"] == "Deleted"


def test_no_answer_in_time_disables_the_hook(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """And another hook does not wait for it; the change itself was answered long before."""
    sandbox.change_options(hook_timeout=0.3)
    gate = threading.Event()
    with HostileServer() as slow:
        slow.answer(gate=gate)
        row = register(application, tokens, "FileNoteCreated", slow.url)
        register(application, tokens, "FileNoteCreated", target.url)
        target.answer(status=200)
        sandbox.add("filenotes", **NOTE)
        gate.set()
    assert len(target.requests) == 1
    assert hook(application, tokens, row["id"])["status"] == "Disabled"
    problems = {one.problem for one in sandbox.notifications()}
    assert problems == {"", "no answer within 0.3 seconds"}


def test_a_change_is_answered_whatever_its_hooks_do(
    application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """The call is made in the background: the answer does not wait for it."""
    gate = threading.Event()
    target.answer(status=200, gate=gate)
    register(application, tokens, "FileNoteCreated", target.url)
    created = application.api(tokens, "filenotes", "POST", json={"filenotes": NOTE})
    assert created.status_code == 200
    gate.set()


def test_only_this_machine_is_called(
    sandbox: Sandbox, application: Application, tokens: dict[str, Any]
) -> None:
    """A hook elsewhere is registered as at Actionstep, and disabled without a call."""
    for url in (
        "https://example.com/hook",
        "http://169.254.169.254/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "file:///etc/passwd",
        "no address",
        "http://[::1",
    ):
        row = register(application, tokens, "FileNoteCreated", url)
        sandbox.add("filenotes", **NOTE)
        assert hook(application, tokens, row["id"])["status"] == "Disabled"
        [problem] = {one.problem for one in sandbox.notifications() if one.hook == row["id"]}
        assert problem.startswith("not called")
        assert not is_loopback(url)
    for url in ("http://127.0.0.1:8000/h", "http://localhost/h?a=b", "http://[::1]:1/"):
        assert is_loopback(url)


def test_a_hook_tells_its_owner_what_they_may_see(
    sandbox: Sandbox, application: Application, target: HostileServer
) -> None:
    """No restricted matter, no time of others, nothing outside the scope that was granted."""
    tom = application.issued("tom", orgkey="acmelaw")
    for event in ("ActionUpdated", "FileNoteCreated", "TimeEntryCreated"):
        register(application, tom, event, target.url)
    narrow = application.issued("priya", "resthooks filenotes", orgkey="acmelaw")
    register(application, narrow, "ActionUpdated", f"{target.url}/narrow")
    sandbox.change("actions", 30, name="Restricted")
    sandbox.add("filenotes", text="Restricted", links={"action": 30})
    sandbox.add("timeentries", actualHours=1, links={"action": 7, "owner": 1})
    assert target.requests == []
    sandbox.change("actions", 7, name="Open")
    sandbox.add("filenotes", text="Open", links={"action": 7})
    sandbox.add("timeentries", actualHours=1, links={"action": 7, "owner": 2})
    assert [one["data"]["type"] for one in heard(target)] == ["actions", "filenotes", "timeentries"]
    assert "/narrow" not in {request.path for request in target.requests}


def test_organisations_hear_of_themselves(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """A hook of one firm hears nothing of the other, and nothing once it was deleted or reset."""
    row = register(application, tokens, "FileNoteCreated", target.url)
    sandbox.add("filenotes", orgkey="harbourlegal", **NOTE)
    assert target.requests == []
    assert application.api(tokens, f"resthooks/{row['id']}", "DELETE").status_code == 204
    sandbox.add("filenotes", **NOTE)
    register(application, tokens, "FileNoteCreated", target.url)
    sandbox.reset()
    sandbox.add("filenotes", **NOTE)
    assert target.requests == []
    assert sandbox.notifications() == []


def test_many_changes_are_told_in_their_order(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """Several rows of one POST, and several POSTs: each once, one after the other."""
    row = register(application, tokens, "FileNoteCreated", target.url)
    for first in range(0, 50, 5):
        notes = [{**NOTE, "text": str(number)} for number in range(first, first + 5)]
        body = {"filenotes": notes}
        assert application.api(tokens, "filenotes", "POST", json=body).status_code == 200
    sandbox.add("filenotes", **{**NOTE, "text": "50"})
    told = [one["data"]["attributes"]["text"] for one in heard(target)]
    assert told == [str(number) for number in range(51)]
    assert hook(application, tokens, row["id"])["triggeredCount"] == 51


def test_writers_at_once_are_told_in_the_order_of_their_changes(
    sandbox: Sandbox, application: Application, target: HostileServer, tokens: dict[str, Any]
) -> None:
    """The last that is heard of a row is how it is."""
    register(application, tokens, "ActionUpdated", target.url)

    def rename(number: int) -> int:
        body = {"actions": {"name": f"Name {number}"}}
        status: int = application.api(tokens, "actions/7", "PATCH", json=body).status_code
        return status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(rename, range(40))) == {200}
    sandbox.change("actions", 8, name="The end")
    names = [one["data"]["attributes"]["name"] for one in heard(target)]
    assert len(names) == 41
    assert names[-1] == "The end"
    assert names[-2] == application.api(tokens, "actions/7").json()["actions"]["name"]


def test_rows_are_changed_as_a_colleague_would(sandbox: Sandbox, application: Application) -> None:
    """Read-only members too; what does not exist or makes no sense is named."""
    tokens = application.issued("priya", orgkey="acmelaw")
    assert sandbox.change("actions", 7, name="Renamed")["name"] == "Renamed"
    row = application.api(tokens, "actions/7").json()["actions"]
    assert row["name"] == "Renamed"
    for resource, key, members in (
        ("nothing", 1, {}),
        ("actions", 99999, {}),
        ("actions", 7, {"colour": "red"}),
        ("actions", 7, {"priority": "high"}),
        ("actions", 7, {"links": {"step": "99--1"}}),
    ):
        with pytest.raises(ValueError, match=r"."):
            sandbox.change(resource, key, **members)
    with pytest.raises(ValueError, match="through the API"):
        sandbox.add("resthooks", eventName="ActionUpdated", targetUrl="http://127.0.0.1:9/")
    with pytest.raises(ValueError, match="organisation"):
        sandbox.remove("actions", 7, orgkey="nobody")


def test_a_matter_is_renamed_at_the_console(
    application: Application, target: HostileServer, tokens: dict[str, Any], sandbox: Sandbox
) -> None:
    """Its hooks are called, and the console shows the call."""
    register(application, tokens, "ActionUpdated", target.url)
    page = application.http.get("/").text
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = {"csrfmiddlewaretoken": token, "switch": "rename_matter", "orgkey": "acmelaw"}
    renamed = application.http.post("/", data={**form, "id": "7", "name": "Told"})
    assert renamed.status_code == 303
    sandbox.change("actions", 8, name="Told too")
    assert [one["data"]["attributes"]["name"] for one in heard(target)] == ["Told", "Told too"]
    shown = application.http.get("/").text
    assert "ActionUpdated" in shown
    assert target.url in shown
    for wrong in ({"id": "999999"}, {"name": " "}, {"orgkey": "nobody"}):
        refused = application.http.post("/", data={**form, "id": "7", "name": "x", **wrong})
        assert refused.status_code == 400
