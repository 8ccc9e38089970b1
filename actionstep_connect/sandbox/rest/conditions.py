"""Filters: `field_op=value`, `link[field_op]=value`, and expressions in `filter=`."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actionstep_connect.sandbox.facts.resource import Kind, Link, Member, Resource
from actionstep_connect.sandbox.facts.table import COMPUTED, RESOURCES
from actionstep_connect.sandbox.rest.values import comparable, from_query, whole_number
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Row

Condition = Callable[[Row], bool]

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}
OPERATORS = ("eq", "nteq", "in", "ntin", "ilike", *COMPARISONS)
NESTED = re.compile(r"(\w+)((?:\[\w+\])+)")
TERM = re.compile(r"\s*([\w.]+)\s*=\s*(?:'((?:[^']|'')*)'|\"([^\"]*)\"|([^\s'\"]+))\s*")
AND = re.compile(r"AND\b\s*", re.IGNORECASE)


def condition(resource: Resource, name: str, value: str, viewer: Viewer) -> Condition:
    """Return what one parameter of a query asks for; raise ValueError saying what is wrong."""
    nested = NESTED.fullmatch(name)
    path = [nested[1], *nested[2][1:-1].split("][")] if nested else [name]
    return _follow(resource, path[:-1], path[-1], value, viewer)


def expression(resource: Resource, text: str, viewer: Viewer) -> list[Condition]:
    """Return the conditions of `action = 7 AND dataCollection.name = 'x'`."""
    conditions: list[Condition] = []
    position = 0
    while True:
        term = TERM.match(text, position)
        if term is None:
            raise ValueError("must be conditions such as name = 'x', joined by AND")
        *links, member = term[1].split(".")
        quoted = term[2].replace("''", "'") if term[2] is not None else term[3]
        value = quoted if quoted is not None else term[4]
        conditions.append(_follow(resource, links, member, value, viewer))
        position = term.end()
        if position == len(text):
            return conditions
        joint = AND.match(text, position)
        if joint is None:
            raise ValueError("must be conditions such as name = 'x', joined by AND")
        position = joint.end()


def _follow(
    resource: Resource, links: Sequence[str], last: str, value: str, viewer: Viewer
) -> Condition:
    if not links:
        return _own(resource, last, value, viewer)
    # A link is named as such, or after the resource that it leads to.
    found = [link for link in resource.links.values() if links[0] in (link.name, link.resource)]
    if not found:
        raise ValueError(f"is no filter of {resource.name}")
    conditions = [_across(link, links[1:], last, value, viewer) for link in found]
    return lambda row: any(one(row) for one in conditions)


def _across(link: Link, links: Sequence[str], last: str, value: str, viewer: Viewer) -> Condition:
    """Ask of the linked row; one that the end-user may not see answers nothing."""
    viewer.check_scope(*RESOURCES[link.resource].scopes)
    holds = _follow(RESOURCES[link.resource], links, last, value, viewer)

    def across(row: Row) -> bool:
        linked = (viewer.find(link.resource, key) for key in linked_keys(row, link.name))
        return any(one is not None and holds(one) for one in linked)

    return across


def linked_keys(row: Row, link: str) -> Sequence[str]:
    value = row["links"][link]
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _own(resource: Resource, name: str, value: str, viewer: Viewer) -> Condition:
    member, how = _split(resource, name)
    if member in resource.links:
        return _by_link(resource.links[member], how, value)
    known = resource.members.get(member)
    if known is None or (resource.name, member) in COMPUTED:
        raise ValueError(f"is no filter of {resource.name}")
    return _by_member(known, how, value, viewer)


def _split(resource: Resource, name: str) -> tuple[str, str]:
    if name in resource.members or name in resource.links:
        return name, "eq"
    member, _, how = name.rpartition("_")
    if how not in OPERATORS:
        raise ValueError(f"is no filter of {resource.name}")
    return member, how


def _by_link(link: Link, how: str, value: str) -> Condition:
    if how not in ("eq", "nteq", "in", "ntin"):
        raise ValueError("cannot be compared this way")
    linked = RESOURCES[link.resource]
    wanted = frozenset(key_of(linked, one) for one in value.split(",")) if value else frozenset()
    is_wanted = how in ("eq", "in")

    def holds(row: Row) -> bool:
        keys = linked_keys(row, link.name)
        return wanted.isdisjoint(keys) != is_wanted if wanted else (not keys) == is_wanted

    return holds


def key_of(resource: Resource, text: str) -> str:
    """Return the id that a text means; `007` is 7 where ids are numbers."""
    text = text.strip()
    if resource.has_text_id:
        return text
    try:
        return str(whole_number(text))
    except ValueError:
        return text


def _by_member(member: Member, how: str, text: str, viewer: Viewer) -> Condition:
    name, kind, zone = member.name, member.kind, viewer.firm.zone
    if how == "ilike":
        if kind != Kind.TEXT:
            raise ValueError("cannot be compared this way")
        return _like(name, text)
    is_list = how in ("in", "ntin") or (how in ("eq", "nteq") and kind == Kind.INTEGER)
    texts = text.split(",") if is_list else [text]
    if how in COMPARISONS:
        compare, limit = COMPARISONS[how], from_query(kind, text)

        def beyond(row: Row) -> bool:
            value = comparable(kind, row[name], zone)
            return value is not None and compare(value, limit)

        return beyond
    # Nothing after the sign asks for rows without a value.
    wanted = {from_query(kind, one) if one else None for one in texts}
    if None in wanted:
        wanted.add("")
    is_wanted = how in ("eq", "in")
    return lambda row: (comparable(kind, row[name], zone) in wanted) == is_wanted


def _like(name: str, value: str) -> Condition:
    """Match with `*` anywhere, whatever the case."""
    first, *others = value.lower().split("*")
    if not others:
        return lambda row: (row[name] or "").lower() == first
    *middle, last = others

    def matches(row: Row) -> bool:
        text = (row[name] or "").lower()
        if not (text.startswith(first) and text.endswith(last)):
            return False
        # Regular expressions would take forever with many stars.
        position, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return position <= end

    return matches
