"""Read the rows in the body of a POST, PUT or PATCH."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from actionstep_connect.sandbox.facts.resource import Body, Kind, Link, Resource
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.rest.conditions import key_of
from actionstep_connect.sandbox.rest.errors import Mistake
from actionstep_connect.sandbox.rest.problems import InvalidBody
from actionstep_connect.sandbox.rest.values import from_body
from actionstep_connect.sandbox.rest.viewer import Viewer

LINKS = "links"


@dataclass
class Said:
    """What a body says of one row, as it is kept, and what is wrong with it."""

    members: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Any] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def value(self, part: str) -> Any:
        """Return a member, or a link by `links.` and its name."""
        name = part.removeprefix("links.")
        return self.links.get(name) if name != part else self.members.get(name)


@dataclass(frozen=True)
class Reader:
    resource: Resource
    body: Body
    viewer: Viewer

    def read(self, row: Mapping[str, Any]) -> Said:
        said = Said()
        links = row.get(LINKS) or {}
        if not isinstance(links, dict):
            raise InvalidBody(self._mistake(LINKS, "must be an object"))
        for name, value in row.items():
            if name != LINKS:
                self._member(self.body.synonyms.get(name, name), value, said)
        for name, value in links.items():
            self._link(name, value, said)
        return said

    def check_required(self, said: Said) -> None:
        """Note each member and link that must be there and is not."""
        known = {mistake.pointer for mistake in said.mistakes}
        required = [*sorted(self.body.required), *map(_in_links, sorted(self.body.required_links))]
        for name in required:
            mistake = self._mistake(name, "is required")
            if said.value(name) in (None, "", []) and mistake.pointer not in known:
                said.mistakes.append(mistake)

    def _member(self, name: str, value: Any, said: Said) -> None:
        member = self.body.members.get(name)
        if member is None:
            # What Actionstep shows and does not let change is left as it is.
            if name not in self.resource.members:
                said.mistakes.append(self._mistake(name, "is no member"))
            return
        is_required = name in self.body.required
        if value in (None, "") and is_required:
            said.mistakes.append(self._mistake(name, "is required"))
            return
        # An empty text clears what is no text, or is one of some.
        is_cleared = value is None or (value == "" and (member.choices or member.kind != Kind.TEXT))
        try:
            kept = None if is_cleared else from_body(member, value, self.viewer.firm.zone)
        except ValueError as error:
            said.mistakes.append(self._mistake(name, str(error)))
        else:
            said.members[name] = kept

    def _link(self, name: str, value: Any, said: Said) -> None:
        link = self.body.links.get(name)
        if link is None:
            if name not in self.resource.links:
                said.mistakes.append(self._mistake(_in_links(name), "leads nowhere"))
            return
        try:
            said.links[name] = self._keys(link, value)
        except ValueError as error:
            said.mistakes.append(self._mistake(_in_links(name), str(error)))

    def _keys(self, link: Link, value: Any) -> Any:
        """Return the id that a number, a text or an array means; a list if the link is one."""
        values = value if isinstance(value, list) else [value] if value not in (None, "") else []
        keys = [self._key(link, one) for one in values]
        if link.is_list:
            return keys or link.nothing
        if len(keys) > 1:
            raise ValueError("leads to one row only")
        if not keys and link.name in self.body.required_links:
            raise ValueError("is required")
        return keys[0] if keys else None

    def _key(self, link: Link, value: Any) -> str:
        if isinstance(value, int | str) and not isinstance(value, bool):
            key = key_of(RESOURCES[link.resource], _digits(value))
            if self.viewer.find(link.resource, key) is not None:
                return key
        raise ValueError("leads nowhere")

    def _mistake(self, name: str, what: str) -> Mistake:
        shown = name[:100]
        pointer = f"/{self.resource.name}/{shown.replace('.', '/')}"
        return Mistake(f"{shown} {what}.", pointer=pointer)


def rows_of(resource: Resource, request: HttpRequest) -> list[dict[str, Any]]:
    """Return the one row, or the several rows, that the body has under the resource's name."""
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise InvalidBody("The body is not JSON, or too deep.") from None
    found = document.get(resource.name) if isinstance(document, dict) else None
    said = found if isinstance(found, list) else [found]
    rows = [row for row in said if isinstance(row, dict)]
    if not rows or len(rows) < len(said):
        raise InvalidBody(f'The body must be {{"{resource.name}": {{…}}}} or [{{…}}, …].')
    return rows


def _in_links(name: str) -> str:
    return f"links.{name}"


def _digits(value: int | str) -> str:
    # str() refuses thousands of digits, and no row has such a number.
    return value if isinstance(value, str) else str(value) if abs(value) < 10**30 else ""
