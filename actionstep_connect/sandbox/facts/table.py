"""Read the facts into one table; everything the REST API does follows from it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from actionstep_connect.sandbox.facts.identifiers import IDENTIFIERS
from actionstep_connect.sandbox.facts.links import LISTS, target
from actionstep_connect.sandbox.facts.resource import Body, Kind, Link, Member, Resource

Facts = Mapping[str, Any]

HERE = Path(__file__).parent
FLAG_NAME = re.compile(r"is[A-Z]\w*")
TRUE_AND_FALSE = ["T", "F"]

ROWS_ELSEWHERE = {
    "datacollection": "datacollections",
    "datacollectionfield": "datacollectionfields",
}
"""One row has another address than all of them."""

MORE_SCOPES = {
    "datacollection": ("datacollections",),
    "datacollectionfield": ("datacollectionfields",),
    # Which of the two it is, is unproven.
    "timeentries": ("timerecords",),
}

MORE_ROW_VERBS = {"actions": ("PUT",)}
"""Not published, and seen in a production client."""

COMPUTED: Final = frozenset({("users", "isCurrent")})
"""They depend on who asks, and are no values that could be compared or sorted."""

SYNONYMS = {"participantrelationshiptypes": {"relationship": "relationshipType"}}
"""A POST is published as requiring a name that its members do not have."""


def read(name: str, facts: Facts) -> Resource:
    row = facts.get("row", {})
    identifier = IDENTIFIERS.get(ROWS_ELSEWHERE.get(name, name))
    members = _members(row)
    if "id" not in members:
        is_text = identifier is not None or "id" not in facts
        kind = Kind.TEXT if is_text else Kind.INTEGER
        members = {"id": Member("id", kind, is_read_only=True, is_on_request=True), **members}
    links = _links(name, row)
    return Resource(
        name=name,
        members=members,
        links=links,
        verbs=_verbs(facts, f"/{name}"),
        row_verbs=_row_verbs(name, facts),
        scopes=(name, *MORE_SCOPES.get(name, ())),
        sure=facts.get("sure", "doc"),
        example_id=str(facts.get("id", {}).get("example", "")),
        has_text_id=members["id"].kind == Kind.TEXT,
        identifier=identifier,
        creation=_body(name, facts.get("post"), links),
        change=_body(name, facts.get("put") or facts.get("patch"), links),
        table=ROWS_ELSEWHERE.get(name, name),
    )


def _verbs(facts: Facts, path: str) -> frozenset[str]:
    return frozenset(verb.upper() for verb in facts["paths"].get(path, ()))


def _row_verbs(name: str, facts: Facts) -> frozenset[str]:
    paths = [path for path in facts["paths"] if path.startswith(f"/{name}/{{")]
    published = [verb for path in paths for verb in _verbs(facts, path)]
    return frozenset([*published, *MORE_ROW_VERBS.get(name, ())])


def _members(facts: Facts) -> dict[str, Member]:
    return {
        name: Member(
            name,
            _kind(name, fact),
            choices=tuple(fact.get("enum", ())),
            is_read_only=fact.get("readOnly", False),
            is_on_request=fact.get("onRequest", False),
        )
        for name, fact in facts.items()
        if name != "links"
    }


def _links(resource: str, facts: Facts) -> dict[str, Link]:
    return {
        name: Link(
            name,
            target(resource, name),
            is_list=fact["type"] == "array" or name in LISTS,
            is_array=fact["type"] == "array",
            is_read_only=fact.get("readOnly", False),
        )
        for name, fact in facts.get("links", {}).get("members", {}).items()
    }


def _kind(name: str, fact: Facts) -> Kind:
    match fact.get("type"), fact.get("format"):
        case "integer", _:
            return Kind.INTEGER
        case "number", _:
            return Kind.NUMBER
        case _, "date":
            return Kind.DATE
        case _, "time":
            return Kind.TIME
    if fact.get("format") == "timestamp" or name.endswith(("Timestamp", "_time_stamp")):
        return Kind.TIMESTAMP
    is_flag = fact.get("enum") == TRUE_AND_FALSE or FLAG_NAME.fullmatch(name)
    return Kind.BOOLEAN if is_flag else Kind.TEXT


def _body(name: str, facts: Facts | None, row_links: Mapping[str, Link]) -> Body | None:
    if facts is None:
        return None
    published = facts["members"]
    if list(published) == [name]:
        published = published[name]["members"]
    synonyms = SYNONYMS.get(name, {})
    members, links = _members(published), _links(name, published)
    required = {synonyms.get(one, one) for one in facts["required"]}
    # Some documents list links among the required members.
    required_links = {one for one in required if one in row_links and one not in members}
    required_links.update(facts.get("required_links", ()))
    required -= required_links
    return Body(
        members={
            key: member
            for key, member in members.items()
            if key in required or not member.is_read_only
        },
        links={
            key: link
            for key, link in links.items()
            if key in required_links or not link.is_read_only
        },
        required=frozenset(required),
        required_links=frozenset(required_links),
        synonyms=synonyms,
    )


def _read_all() -> dict[str, Resource]:
    facts: dict[str, Any] = {}
    for file in ("published.json", "beside.json"):
        for name, more in json.loads((HERE / file).read_text()).items():
            facts[name] = {**facts.get(name, {}), **more}
    return {name: read(name, facts[name]) for name in sorted(facts)}


RESOURCES: Final[Mapping[str, Resource]] = _read_all()
