"""POST, PUT, PATCH and DELETE, within the end-user's own permissions."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from actionstep_connect.sandbox.facts.resource import Body, Link, Resource
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.rest import consequences, defaults
from actionstep_connect.sandbox.rest.bodies import Reader, Said
from actionstep_connect.sandbox.rest.conditions import linked_keys
from actionstep_connect.sandbox.rest.consequences import Writing
from actionstep_connect.sandbox.rest.errors import Mistake
from actionstep_connect.sandbox.rest.problems import ApiProblem, InvalidBody
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Draft, Row

UNFIT_FOR_AN_ID = re.compile(r"[/,\x00-\x1f]|^\.+$|^\s|\s$")
MAX_ID_LENGTH = 200


def create(
    resource: Resource, rows: Sequence[dict[str, Any]], draft: Draft, viewer: Viewer
) -> list[Row]:
    """Add rows; none of them if one makes no sense."""
    viewer.check_may_write()
    reader = Reader(resource, resource.creation or Body(), viewer)
    said = [reader.read(row) for row in rows]
    for one in said:
        reader.check_required(one)
    _refuse(said)
    return [add(resource, one, draft, viewer) for one in said]


def update(
    resource: Resource,
    found: Sequence[Row],
    rows: Sequence[dict[str, Any]],
    draft: Draft,
    viewer: Viewer,
) -> list[Row]:
    """Change rows; what a body does not mention stays as it is."""
    viewer.check_may_write()
    reader = Reader(resource, resource.change or Body(), viewer)
    said = [reader.read(row) for row in rows]
    for one in said:
        reader.check_required(one)
    _refuse(said)
    return [change(resource, row, one, draft, viewer) for row, one in zip(found, said, strict=True)]


def delete(resource: Resource, found: Sequence[Row], draft: Draft, viewer: Viewer) -> None:
    viewer.check_may_write()
    for row in found:
        key = str(row["id"])
        if key in draft.table(resource.name):
            draft.remove(resource.name, key)
            _let_go(resource, key, draft)


def pair(found: Sequence[Row], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the bodies in the order of the rows they are for: by their ids, else as they come."""
    if len(found) != len(rows):
        raise InvalidBody(f"The address names {len(found)} rows, the body has {len(rows)}.")
    by_id = {str(row.get("id")): row for row in rows}
    keys = [str(row["id"]) for row in found]
    return [by_id[key] for key in keys] if set(by_id) == set(keys) else rows


def add(resource: Resource, said: Said, draft: Draft, viewer: Viewer) -> Row:
    key = _text_id(resource, said, draft) if resource.has_text_id else _next_id(resource, draft)
    members = {name: said.members.get(name) for name in resource.members}
    members["id"] = key if resource.has_text_id else int(key)
    links = {name: said.links.get(name) for name in resource.links}
    defaults.fill(resource, members, links, viewer)
    return _put(resource, key, members, links, draft, viewer)


def change(resource: Resource, row: Row, said: Said, draft: Draft, viewer: Viewer) -> Row:
    """Change one row; what was not said stays as it is."""
    members = {name: row[name] for name in resource.members}
    for name in said.members.keys() & members.keys() - resource.identifying:
        value = said.members[name]
        is_cleared = value is None
        members[name] = defaults.start(resource, name, members, viewer) if is_cleared else value
    links = dict(row.get("links", {}))
    for name, value in said.links.items():
        if f"links.{name}" not in resource.identifying:
            links[name] = value or defaults.start_of_link(resource, name, viewer)
    return _put(resource, str(row["id"]), members, links, draft, viewer)


def _put(
    resource: Resource,
    key: str,
    members: dict[str, Any],
    links: dict[str, Any],
    draft: Draft,
    viewer: Viewer,
) -> Row:
    defaults.stamp(resource, members, viewer)
    said: Row = {**members, "links": links} if resource.links else members
    viewer.check_may_own(resource.name, said)
    before = draft.table(resource.name).get(key)
    row = consequences.follow(resource.table, Writing(before, said, viewer))
    draft.put(resource.name, key, row)
    return row


def _next_id(resource: Resource, draft: Draft) -> str:
    return str(max(map(int, draft.table(resource.name)), default=0) + 1)


def _text_id(resource: Resource, said: Said, draft: Draft) -> str:
    identifier = resource.identifier
    if identifier is None:
        raise ApiProblem(405)
    mistakes = [
        Mistake(f"{part} is required.", pointer=f"/{resource.name}/{part.replace('.', '/')}")
        for part in identifier.parts
        if said.value(part) in (None, "")
    ]
    if mistakes:
        raise InvalidBody(*mistakes)
    key = identifier.separator.join(str(said.value(part)) for part in identifier.parts)
    if UNFIT_FOR_AN_ID.search(key) or len(key) > MAX_ID_LENGTH:
        raise InvalidBody(f"{key[:100]!r} cannot be an id.")
    if key in draft.table(resource.name):
        raise InvalidBody(f"There is {resource.name} {key[:100]} already.")
    return key


def _let_go(resource: Resource, key: str, draft: Draft) -> None:
    """Delete what cannot be without a deleted row, and clear the other links to it."""
    for other, link in _links_to(resource):
        for other_key, row in list(draft.table(other.name).items()):
            if key not in linked_keys(row, link.name):
                continue
            if _cannot_be_without(other, link):
                if other_key in draft.table(other.name):
                    draft.remove(other.name, other_key)
                    _let_go(other, other_key, draft)
            else:
                draft.put(other.name, other_key, _without(row, link, key))


def _links_to(resource: Resource) -> Iterator[tuple[Resource, Link]]:
    for other in RESOURCES.values():
        if other.table == other.name:
            for link in other.links.values():
                if link.resource == resource.table:
                    yield other, link


def _cannot_be_without(resource: Resource, link: Link) -> bool:
    required = resource.creation.required_links if resource.creation else frozenset()
    return link.name in required or f"links.{link.name}" in resource.identifying


def _without(row: Row, link: Link, key: str) -> Row:
    left: Any = None
    if link.is_list:
        left = [one for one in linked_keys(row, link.name) if one != key] or link.nothing
    return {**row, "links": {**row["links"], link.name: left}}


def _refuse(said: Sequence[Said]) -> None:
    if mistakes := [mistake for one in said for mistake in one.mistakes]:
        raise InvalidBody(*mistakes)
