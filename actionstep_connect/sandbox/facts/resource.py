"""A resource as the facts describe it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """What a value is, in JSON and in a query."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    """`"T"` or `"F"`."""
    TIMESTAMP = "timestamp"
    """A moment with the organisation's offset; a few are a bare date."""
    DATE = "date"
    TIME = "time"


@dataclass(frozen=True)
class Member:
    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    is_read_only: bool = False
    is_on_request: bool = False
    """It comes only if `fields` names it."""


@dataclass(frozen=True)
class Link:
    name: str
    resource: str
    is_list: bool = False
    is_array: bool = False
    """It is an array even when it is empty; other lists are null then."""
    is_read_only: bool = False

    @property
    def nothing(self) -> list[str] | None:
        """Return the value of a link that leads nowhere."""
        return [] if self.is_array else None


@dataclass(frozen=True)
class Identifier:
    """Where a text id comes from: values of the row, joined."""

    parts: tuple[str, ...]
    """Names of members; `links.` before those of links."""
    separator: str = "--"


@dataclass(frozen=True)
class Body:
    """What a POST, PUT or PATCH may say, and what it must."""

    members: Mapping[str, Member] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    required_links: frozenset[str] = frozenset()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """Names that the facts use for a member of another name."""


@dataclass(frozen=True)
class Resource:
    name: str
    members: Mapping[str, Member]
    links: Mapping[str, Link]
    verbs: frozenset[str]
    """Of the resource as a whole."""
    row_verbs: frozenset[str]
    """Of rows by their ids; empty if rows have no address."""
    scopes: tuple[str, ...]
    """Any one of them is enough."""
    sure: str
    example_id: str = ""
    has_text_id: bool = False
    identifier: Identifier | None = None
    creation: Body | None = None
    change: Body | None = None
    table: str = ""
    """The resource that keeps its rows, if it is another one."""

    @cached_property
    def default_members(self) -> tuple[str, ...]:
        return tuple(name for name, member in self.members.items() if not member.is_on_request)

    @cached_property
    def shows_all(self) -> bool:
        """Return whether rows are shown as they are kept, without a member left out."""
        return "id" in self.default_members and len(self.default_members) == len(self.members)

    @cached_property
    def identifying(self) -> frozenset[str]:
        """Return the members and links that make up the id, and so stay as they are."""
        return frozenset(self.identifier.parts) if self.identifier else frozenset()
