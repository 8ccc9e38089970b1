"""Every resource and verb of the published facts, walked against a running sandbox."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import actionstep_connect.sandbox.facts as facts_of_the_sandbox
from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application, rows, uploaded

FACTS = Path(facts_of_the_sandbox.__file__).parent
PUBLISHED: Mapping[str, Any] = json.loads((FACTS / "published.json").read_text())
BESIDE: Mapping[str, Any] = json.loads((FACTS / "beside.json").read_text())

VERBS = frozenset({"get", "post", "put", "patch", "delete"})
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "string": str,
    "array": list,
}
LISTS = frozenset({"primaryParticipants", "relatedActions"})
PUT_FOR_PATCH = {"/actions/{id}"}
"""Clients use PUT where PATCH is published."""

RENAMED = {("participantrelationshiptypes", "relationship"): "relationshipType"}
"""Published as required under one name, and as a member under another."""


class Walk:
    """Asks for one resource, and builds bodies from its facts."""

    def __init__(self, name: str, application: Application) -> None:
        self.name = name
        self.facts = {**BESIDE.get(name, {}), **PUBLISHED[name]}
        self.row = self.facts.get("row") or BESIDE[name]["row"]
        self.application = application
        self.tokens = application.issued("priya", orgkey="acmelaw")

    def call(self, path: str, method: str = "GET", **more: Any) -> Any:
        return self.application.api(self.tokens, path, method, **more)

    def send(self, path: str, method: str, row: Mapping[str, Any]) -> Any:
        return self.call(path, method, json={self.name: row})

    @property
    def by_id(self) -> str | None:
        """Return the published address of one row."""
        return next((path for path in self.facts["paths"] if "{" in path), None)

    def verbs(self, path: str | None) -> set[str]:
        return set(self.facts["paths"].get(path, ()))

    def an_id(self) -> str:
        """Return the id of a row that exists: the published example, if it is one."""
        example = str(self.facts["id"]["example"])
        if self.name != "datacollectionrecordvalues":
            return example
        # Its example is a number, and its ids are three names.
        return str(rows(self.call(f"{self.name}?pageSize=1"), self.name)[0]["id"])

    def body(self, kind: str) -> dict[str, Any]:
        """Return all that a POST, PUT or PATCH may say, with links that lead to rows."""
        described = self.facts[kind]["members"]
        if list(described) == [self.name]:
            described = described[self.name]["members"]
        members = {
            name: self._value(name, fact) for name, fact in described.items() if name != "links"
        }
        links = {
            name: self._key(name, fact)
            for name, fact in described.get("links", {}).get("members", {}).items()
        }
        return {**members, "links": links} if links else members

    def _value(self, name: str, fact: Mapping[str, Any]) -> Any:
        if "enum" in fact:
            return fact["enum"][-1]
        match fact["type"], fact.get("format"):
            case "integer", _:
                return 3
            case "number", _:
                return 1.25
            case _, "date":
                return "2026-11-02"
            case _, "time":
                return "09:30:00"
        if name.endswith(("Timestamp", "_time_stamp")) or fact.get("format") == "timestamp":
            return "2026-11-02T09:30:00+10:00"
        if name == "targetUrl":
            return "http://127.0.0.1:9/hooks"
        if (self.name, name) == ("contactdocuments", "file"):
            return uploaded(self.application, self.tokens)
        return "T" if name.startswith("is") else f"A new {name}"

    def _key(self, link: str, fact: Mapping[str, Any]) -> Any:
        target = self._targets()[link]
        if link == "dataCollectionRecord":
            # The others have all their values.
            record = {"links": {"action": 1, "dataCollection": 100}}
            created = self.call(target, "POST", json={target: record})
            return created.json()[target]["id"]
        key = str(rows(self.call(f"{target}?pageSize=200&fields=:default,id"), target)[-1]["id"])
        if fact["type"] == "array":
            return [key]
        return int(key) if fact["type"] == "integer" and key.isdigit() else key

    def _targets(self) -> dict[str, str]:
        table = {"datacollection": "datacollections", "datacollectionfield": "datacollectionfields"}
        name = table.get(self.name, self.name)
        templates = self.call(f"{name}?pageSize=1").json().get("links", {})
        return {key.partition(".")[2]: template["type"] for key, template in templates.items()}


@pytest.fixture(params=sorted(PUBLISHED))
def walk(request: pytest.FixtureRequest, application: Application) -> Walk:
    """Return one resource after the other."""
    return Walk(request.param, application)


def wrong_types(row: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """Name each member whose value is not of its published type; null is none."""
    for name, fact in facts.items():
        value = row[name]
        if value is None or name == "links":
            continue
        expected = TYPES[fact.get("type") or "string"]
        if not isinstance(value, expected) or ("enum" in fact and value not in fact["enum"]):
            yield f"{name}: {value!r}"


def wrong_links(links: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """Name each link that is no text, or no list of texts where it is one, as recorded."""
    for name, fact in facts.items():
        value = links[name]
        is_list = fact["type"] == "array" or name in LISTS
        keys = value if is_list and value is not None else [value]
        if not isinstance(keys, list) or not all(key is None or type(key) is str for key in keys):
            yield f"{name}: {value!r}"


def check_row(row: Mapping[str, Any], walk: Walk) -> None:
    """Expect every published member of the right type, and no other."""
    assert set(row) == set(walk.row)
    assert list(wrong_types(row, walk.row)) == []
    links = walk.row.get("links", {}).get("members", {})
    assert set(row.get("links", {})) == set(links)
    assert list(wrong_links(row.get("links", {}), links)) == []


def test_rows_have_the_published_members_and_no_others(walk: Walk) -> None:
    """A page and one row alike: nothing is missing, nothing is more, no type is wrong."""
    found: list[dict[str, Any]] = []
    if "get" in walk.verbs(f"/{walk.name}"):
        page = walk.call(f"{walk.name}?pageSize=200")
        assert page.status_code == 200
        assert set(page.json()["meta"]) == {"paging", "debug"}
        found += rows(page, walk.name)
    if "get" in walk.verbs(walk.by_id):
        one = walk.call(f"{walk.name}/{walk.an_id()}")
        assert isinstance(one.json()[walk.name], dict)
        assert one.json()["meta"]["paging"][walk.name]["recordCount"] == 1
        found += rows(one, walk.name)
    assert found
    for row in found:
        check_row(row, walk)


def test_every_published_verb_is_answered_and_no_other(walk: Walk) -> None:
    """``Allow`` lists what is published; another verb is 405, an unpublished address 404."""
    for path in (f"/{walk.name}", f"/{walk.name}/{{id}}"):
        is_row = path.endswith("}")
        verbs = walk.verbs(walk.by_id if is_row else path)
        verbs |= {"put"} if path in PUT_FOR_PATCH else set()
        address = f"{walk.name}/1" if is_row else walk.name
        for verb in VERBS - verbs:
            refused = walk.call(address, verb.upper(), json={})
            assert refused.status_code == (405 if verbs else 404), (verb, address)
        if verbs:
            allowed = walk.call(address, "OPTIONS").headers["Allow"].lower().split(", ")
            assert set(allowed) - {"head", "options"} == verbs


def test_a_post_takes_what_is_published_and_misses_what_is_required(walk: Walk) -> None:
    """All members are accepted; without a required one it is 400, and names it."""
    if "post" not in walk.facts:
        assert "post" not in walk.verbs(f"/{walk.name}")
        return
    body, facts = walk.body("post"), walk.facts["post"]
    for required in (*facts["required"], *facts.get("required_links", ())):
        name = RENAMED.get((walk.name, required), required)
        less = {key: value for key, value in body.items() if key != name}
        if "links" in body:
            less["links"] = {key: one for key, one in body["links"].items() if key != name}
        refused = walk.send(walk.name, "POST", less)
        errors = refused.json()["errors"]
        details = [one["detail"] for one in (errors if isinstance(errors, list) else [errors])]
        assert refused.status_code == 400
        assert any(name in detail and "required" in detail for detail in details), name
    created = walk.send(walk.name, "POST", body)
    assert created.status_code == 200, created.text
    check_row(created.json()[walk.name], walk)
    for name, said in body.items():
        if name in walk.row and name != "links" and not walk.row[name].get("readOnly"):
            assert created.json()[walk.name][name] == said or "modified" in name.lower()


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_a_change_takes_what_is_published(walk: Walk, verb: str) -> None:
    """All members are accepted and kept; what is read-only stays as it is."""
    if verb not in walk.verbs(walk.by_id):
        return
    path = f"{walk.name}/{walk.an_id()}"
    before = walk.call(path).json()[walk.name]
    body = walk.body(verb)
    read_only = {
        name: "another"
        for name, fact in walk.row.items()
        if fact.get("readOnly") and name not in body and name != "modifiedTimestamp"
    }
    changed = walk.send(path, verb.upper(), {**body, **read_only})
    assert changed.status_code == 200, changed.text
    row = changed.json()[walk.name]
    check_row(row, walk)
    assert {name: row[name] for name in read_only} == {name: before[name] for name in read_only}
    kept = [name for name, said in body.items() if name != "links" and row.get(name) == said]
    assert len(kept) >= len(body) - 3
    assert walk.call(path).json()[walk.name] == row


def test_a_delete_takes_the_row_away(walk: Walk) -> None:
    """204 without a body, and 404 from then on."""
    if "delete" not in walk.verbs(walk.by_id):
        return
    path = f"{walk.name}/{walk.an_id()}"
    gone = walk.call(path, "DELETE")
    assert (gone.status_code, gone.content) == (204, b"")
    again = walk.call(path, "DELETE")
    assert (again.status_code, again.json()["errors"]["status"]) == (404, 404)


def test_resources_beside_the_published_ones_have_rows(application: Application) -> None:
    """What other sources show is served in the same shape."""
    tokens = application.issued("priya", orgkey="acmelaw")
    for name, facts in BESIDE.items():
        wanted = {key for key, fact in facts["row"].items() if not fact.get("onRequest")}
        found = rows(application.api(tokens, f"{name}?pageSize=200"), name)
        assert found, name
        assert all(set(row) == wanted for row in found), name


def test_every_link_leads_to_a_row(application: Application) -> None:
    """The practice is of one piece: nothing that is linked is missing."""
    tokens = application.issued("priya", orgkey="acmelaw")
    keys: dict[str, set[str]] = {}
    links: list[tuple[str, str, str]] = []
    for name in sorted({*PUBLISHED, *BESIDE} - {"datacollection", "datacollectionfield"}):
        page = 1
        while True:
            path = f"{name}?pageSize=200&page={page}&fields=:default,id"
            answer = application.api(tokens, path)
            if answer.status_code == 204:
                break
            targets = answer.json().get("links", {})
            for row in rows(answer, name):
                keys.setdefault(name, set()).add(str(row["id"]))
                for link, value in row.get("links", {}).items():
                    found = value if isinstance(value, list) else [value]
                    target = targets[f"{name}.{link}"]["type"]
                    links += [(f"{name}.{link}", target, one) for one in found if one is not None]
            page += 1
    assert len(links) > 5000
    assert [link for link in links if link[2] not in keys[link[1]]] == []


def test_the_rows_are_the_same_at_every_start(sandbox: Sandbox, application: Application) -> None:
    """What was written is forgotten by a reset, and nothing else differs."""
    paths = ("actions?pageSize=200", "tasks?pageSize=200&page=2", "bills", "participants/1024")

    def seen() -> list[Any]:
        tokens = application.issued("priya", orgkey="acmelaw")
        answers = [application.api(tokens, path).json() for path in paths]
        return [[answer.get(name) for name in ("actions", "tasks", "bills")] for answer in answers]

    before = seen()
    tokens = application.issued("priya", orgkey="acmelaw")
    change = {"actions": {"name": "Renamed"}}
    assert application.api(tokens, "actions/1", "PATCH", json=change).status_code == 200
    assert seen() != before
    sandbox.reset()
    assert seen() == before
