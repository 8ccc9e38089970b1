"""POST, PUT, PATCH and DELETE (docs/sandbox.md: REST API)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.visitor import MEDIA_TYPE, Application, rows

TIME_RECORD = {
    "startTimestamp": "2026-11-02T09:30:00+10:00",
    "actualHours": 1.5,
    "notes": "Drafting",
    "links": {"action": "12"},
}


def test_a_query_that_makes_no_sense_writes_nothing(application: Application) -> None:
    """It is refused before a row is added, changed or deleted."""
    tokens, body = application.issued(), {"timerecords": TIME_RECORD}
    for method, path in (("POST", ""), ("PUT", "/1"), ("DELETE", "/1")):
        more = {} if method == "DELETE" else {"json": body}
        for query in ("nonsense=1", "include=nope"):
            refused = application.api(tokens, f"timerecords{path}?{query}", method, **more)
            assert refused.status_code == 400
    assert application.api(tokens, "timerecords/481").status_code == 404
    first = application.api(tokens, "timerecords/1").json()["timerecords"]
    assert first["notes"] != TIME_RECORD["notes"]


def test_a_time_record_is_created_changed_and_deleted(application: Application) -> None:
    """``POST``, ``PUT`` and ``DELETE`` work, and the rows are the user's own by default."""
    tokens = application.issued("tom")
    created = application.api(tokens, "timerecords", "POST", json={"timerecords": TIME_RECORD})
    row = created.json()["timerecords"]
    assert created.status_code == 200
    assert (row["id"], row["actualHours"]) == (481, 1.5)
    assert row["startTimestamp"] == TIME_RECORD["startTimestamp"]
    assert application.api(tokens, "timerecords?id=481&actualHours_lteq=1.499").status_code == 204
    links = row["links"]
    assert (links["action"], links["owner"], links["createdBy"]) == ("12", "2", "2")
    change = {"timerecords": {"actualHours": 2, "billableHours": 1}}
    changed = application.api(tokens, "timerecords/481", "PUT", json=change).json()["timerecords"]
    assert (changed["actualHours"], changed["billableHours"]) == (2, 1)
    assert changed["notes"] == "Drafting"
    assert application.api(tokens, "timerecords/481", "DELETE").status_code == 204
    assert application.api(tokens, "timerecords/481").status_code == 404


def test_a_file_note_is_created_changed_and_deleted(application: Application) -> None:
    """File notes are writable as well, and ``include`` brings linked rows of a written one."""
    tokens = application.issued()
    body = {"filenotes": {"text": "Client called.", "links": {"action": "3"}}}
    created = application.api(tokens, "filenotes?include=action", "POST", json=body)
    assert created.json()["filenotes"]["text"] == "Client called."
    assert [row["id"] for row in created.json()["linked"]["actions"]] == [3]
    path = f"filenotes/{created.json()['filenotes']['id']}"
    change = {"filenotes": {"text": "Client called twice.", "links": {"action": "4"}}}
    changed = application.api(tokens, path, "PUT", json=change).json()["filenotes"]
    assert (changed["text"], changed["links"]["action"]) == ("Client called twice.", "4")
    assert application.api(tokens, path, "DELETE").status_code == 204
    assert application.api(tokens, path).status_code == 404


def test_several_rows_are_deleted_at_once(application: Application) -> None:
    """``DELETE`` takes ids joined by commas."""
    tokens = application.issued()
    assert application.api(tokens, "timerecords/1,2", "DELETE").status_code == 204
    assert application.api(tokens, "timerecords?id_lteq=2").status_code == 204


def test_an_incomplete_row_is_refused_with_every_reason(application: Application) -> None:
    """A row that makes no sense is 400, all its mistakes named, and nothing is stored."""
    tokens = application.issued()
    body = {
        "timerecords": {"startTimestamp": "soon", "colour": "red", "links": {"action": "99999"}}
    }
    response = application.api(tokens, "timerecords", "POST", json=body)
    details = " ".join(error["detail"] for error in response.json()["errors"])
    assert response.status_code == 400
    for wanted in ("startTimestamp", "colour", "links.action", "actualHours"):
        assert wanted in details
    bare = application.api(tokens, "timerecords", "POST", json=["nonsense"])
    assert bare.status_code == 400
    assert application.api(tokens, "timerecords?id=481").status_code == 204


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"text": None}, "text is required."),
        ({"text": ""}, "text is required."),
        ({"text": {"a": [1]}}, "text must be text."),
        ({"text": 5}, "text must be text."),
        ({"noteTimestamp": "soon"}, "noteTimestamp must be a time in ISO 8601."),
        ({"links": {"action": "99999"}}, "links.action leads nowhere."),
    ],
    ids=repr,
)
def test_what_is_required_is_there_and_text_is_text(
    application: Application, method: str, change: dict[str, Any], detail: str
) -> None:
    """Null and nothing are no value, and nothing is made into text that is none; once each."""
    tokens = application.issued()
    path = "filenotes/1" if method == "PUT" else "filenotes"
    body = {"filenotes": {"text": "Called.", "links": {"action": "12"}, **change}}
    response = application.api(tokens, path, method, json=body)
    assert (response.status_code, response.json()["errors"]["detail"]) == (400, detail)


def test_null_clears_what_is_optional(application: Application) -> None:
    """What may be left out may be taken back: it is as if it had never been said."""
    tokens = application.issued("priya")
    said = {"billableHours": 1, "notes": "Called", "links": {"action": "12", "owner": "2"}}
    unsaid = {"billableHours": None, "notes": None, "links": {"action": "12", "owner": None}}

    def written(method: str, path: str, members: dict[str, Any]) -> dict[str, Any]:
        required = {name: TIME_RECORD[name] for name in ("startTimestamp", "actualHours")}
        body = {"timerecords": {**required, **members}}
        [row] = rows(application.api(tokens, path, method, json=body), "timerecords")
        return row | {"id": 0, "createdTimestamp": ""}

    plain = written("POST", "timerecords", {"links": {"action": "12"}})
    assert written("POST", "timerecords", said) != plain
    assert written("PUT", "timerecords/482", unsaid) == plain
    assert written("POST", "timerecords", unsaid) == plain


@pytest.mark.parametrize(
    "body",
    [
        b'{"timerecords": {"notes": "\\ud800"}}',
        b'{"timerecords": {"actualHours": 1e999}}',
        b"[" * 100_000,
        b" " * 1_500_000,
    ],
    ids=["half a character", "infinite", "deep", "long"],
)
def test_a_body_that_cannot_be_kept_is_400(application: Application, body: bytes) -> None:
    """What cannot be read or stored is refused in the shape of other errors, and changes nothing."""
    tokens = application.issued()
    before = application.api(tokens, "timerecords/1").json()["timerecords"]
    headers = {"Content-Type": MEDIA_TYPE}
    refused = application.api(tokens, "timerecords/1", "PUT", content=body, headers=headers)
    assert (refused.status_code, refused.json()["errors"]["status"]) == (400, 400)
    assert application.api(tokens, "timerecords/1").json()["timerecords"] == before


def test_several_rows_are_created_by_one_post(application: Application) -> None:
    """An array makes several rows, all of them or none, and the answer has them in their order."""
    tokens = application.issued()
    task = {
        "name": "One",
        "status": "Incomplete",
        "dueTimestamp": "2026-12-01T17:00:00+10:00",
        "links": {"action": 12, "assignee": "1"},
    }
    both = {"tasks": [task, {**task, "name": "Two"}]}
    created = rows(application.api(tokens, "tasks", "POST", json=both), "tasks")
    assert [row["name"] for row in created] == ["One", "Two"]
    assert [row["id"] for row in created] == [621, 622]
    broken = {"tasks": [task, {**task, "status": "Lost"}]}
    assert application.api(tokens, "tasks", "POST", json=broken).status_code == 400
    assert application.api(tokens, "tasks?id_gt=622").status_code == 204


@pytest.mark.parametrize("with_ids", [True, False])
def test_several_rows_are_changed_by_one_put(application: Application, *, with_ids: bool) -> None:
    """By their ids, else in the order of the address; as many as the address names."""
    tokens = application.issued()
    changes: list[dict[str, Any]] = [{"text": "Third"}, {"text": "First"}]
    if with_ids:
        changes = [{"id": 3, **changes[0]}, {"id": 1, **changes[1]}]
    path = "filenotes/1,3" if with_ids else "filenotes/1,3?sort=-id"
    changed = rows(application.api(tokens, path, "PUT", json={"filenotes": changes}), "filenotes")
    assert {row["id"]: row["text"] for row in changed} == {1: "First", 3: "Third"}
    one = {"filenotes": {"text": "One for two"}}
    assert application.api(tokens, "filenotes/1,3", "PUT", json=one).status_code == 400


def test_composite_ids_are_made_of_what_they_name(application: Application) -> None:
    """``1024--31--11``: the row is found, made and deleted by what it links."""
    tokens = application.issued("priya", orgkey="acmelaw")
    example = application.api(tokens, "actionparticipants/1024--31--11")
    links = {"action": "1024", "participantType": "31", "participant": "11"}
    assert example.json()["actionparticipants"]["links"] == links
    body = {"actionparticipants": {"links": {**links, "participant": 12}}}
    created = application.api(tokens, "actionparticipants", "POST", json=body)
    assert created.json()["actionparticipants"]["id"] == "1024--31--12"
    assert application.api(tokens, "actionparticipants", "POST", json=body).status_code == 400
    path = "actionparticipants/1024--31--11,1024--31--12"
    assert application.api(tokens, path, "DELETE").status_code == 204
    assert application.api(tokens, path).status_code == 404


def test_a_change_moves_the_stamp_that_people_synchronise_by(application: Application) -> None:
    """``modifiedTimestamp`` is now, whatever the body says, and finds the row again."""
    tokens = application.issued()
    since = application.state()["now"]
    change = {"participants": {"firstName": "Zoe", "modifiedTimestamp": "2001-01-01T00:00:00Z"}}
    assert application.api(tokens, "participants/7", "PUT", json=change).status_code == 200
    found = application.api(tokens, "participants", params={"modifiedTimestamp_gteq": since[:19]})
    assert [row["id"] for row in rows(found, "participants")] == [7]


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_a_matter_is_changed_by_patch_and_by_put(application: Application, verb: str) -> None:
    """The one is published, clients use the other; a new status is stamped."""
    tokens = application.issued()
    before = application.api(tokens, "actions/1").json()["actions"]
    status = "Inactive" if before["status"] == "Active" else "Active"
    change = {"actions": {"status": status, "links": {"assignedTo": [2]}}}
    row = application.api(tokens, "actions/1", verb, json=change).json()["actions"]
    assert (row["status"], row["links"]["assignedTo"]) == (status, "2")
    assert row["statusTimestamp"] > before["statusTimestamp"]
    assert row["name"] == before["name"]


def test_links_are_numbers_texts_or_arrays(application: Application) -> None:
    """They are taken in each form, and come as recorded: texts, and lists of texts."""
    tokens = application.issued()
    for action, tags in ((12, [1, "2"]), ("12", ["1", 2]), ([12], ["1", "2"])):
        body = {"filenotes": {"text": "Called.", "links": {"action": action, "tags": tags}}}
        row = application.api(tokens, "filenotes", "POST", json=body).json()["filenotes"]
        assert (row["links"]["action"], row["links"]["tags"]) == ("12", ["1", "2"])
        assert row["links"]["document"] is None


def test_what_is_deleted_is_gone_from_what_linked_it(application: Application) -> None:
    """A row that cannot be without another goes with it; others only lose the link."""
    tokens = application.issued("priya", orgkey="acmelaw")
    assert application.api(tokens, "datacollection/100", "DELETE").status_code == 204
    for path in (
        "datacollectionfield/100--Price",
        "datacollectionfields?dataCollection=100",
        "datacollectionrecordvalues?dataCollection=100",
    ):
        assert application.api(tokens, path).status_code in (204, 404), path
    orphans = "datacollectionrecords?dataCollection="
    assert rows(application.api(tokens, orphans), "datacollectionrecords")


def test_a_matter_is_created_by_actioncreate(application: Application) -> None:
    """One id comes back; the matter has its first step, its parties and its note."""
    tokens = application.issued("priya", orgkey="acmelaw")
    body = {
        "actioncreate": {
            "actionName": "Lease of Unit 9",
            "fileReference": "AC-9",
            "fileNote": "Opened by telephone.",
            "links": {"actionType": 11, "participantType31": [20, 21]},
        }
    }
    created = application.api(tokens, "actioncreate", "POST", json=body).json()
    assert created == {"actioncreate": {"id": 1025}}
    row = application.api(tokens, "actions/1025").json()["actions"]
    assert (row["name"], row["reference"], row["status"]) == ("Lease of Unit 9", "AC-9", "Active")
    assert (row["links"]["actionType"], row["links"]["step"]) == ("11", "11--0")
    assert row["links"]["primaryParticipants"] == ["20", "21"]
    parties = rows(application.api(tokens, "actionparticipants?action=1025"), "actionparticipants")
    assert [party["participantNumber"] for party in parties] == [1, 2]
    notes = rows(application.api(tokens, "filenotes?action=1025"), "filenotes")
    assert [note["text"] for note in notes] == ["Opened by telephone."]


def test_a_matter_moves_on_by_actionchangestep(application: Application) -> None:
    """The step must be one of the matter's type."""
    tokens = application.issued("priya", orgkey="acmelaw")
    kind = application.api(tokens, "actions/12").json()["actions"]["links"]["actionType"]
    body: dict[str, Any] = {"links": {"action": "12", "step": f"{kind}--1"}}
    moved = application.api(
        tokens, "actionchangestep", "POST", json={"actionchangestep": body}
    ).json()["actionchangestep"]
    assert (moved["id"], moved["links"]["step"]) == (12, f"{kind}--1")
    row = application.api(tokens, "actions/12").json()["actions"]
    assert row["links"]["step"] == f"{kind}--1"
    body["links"]["step"] = "7--1" if kind != "7" else "8--1"
    elsewhere = application.api(tokens, "actionchangestep", "POST", json={"actionchangestep": body})
    assert elsewhere.status_code == 400


@pytest.mark.parametrize("resource", ["actioncreate", "actionchangestep"])
@pytest.mark.parametrize(
    "row", [{}, {"links": {}}, {"links": []}, {"nonsense": 1}, {"links": {"participantType9": [1]}}]
)
def test_an_incomplete_matter_is_refused(
    application: Application, resource: str, row: dict[str, Any]
) -> None:
    """What is missing is named, and no matter is made."""
    tokens = application.issued("priya", orgkey="acmelaw")
    assert application.api(tokens, resource, "POST", json={resource: row}).status_code == 400
    assert application.api(tokens, "actions?id_gt=1024").status_code == 204
    assert application.api(tokens, resource).status_code == 405


def test_writers_at_once_lose_nothing(application: Application) -> None:
    """Thirty writers get thirty ids, and thirty rows are there afterwards."""
    tokens = application.issued()
    body = {"filenotes": {"text": "At once.", "links": {"action": "3"}}}

    def write(_: int) -> int:
        answer = application.api(tokens, "filenotes", "POST", json=body)
        return int(answer.json()["filenotes"]["id"])

    with ThreadPoolExecutor(10) as pool:
        ids = set(pool.map(write, range(30)))
    assert len(ids) == 30
    kept = rows(application.api(tokens, "filenotes?text=At once."), "filenotes")
    assert {row["id"] for row in kept} == ids
