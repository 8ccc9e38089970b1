"""Where an answer's shape is not as described. No value of an answer is ever repeated.

Names are repeated only if they look like names of members: what is sent as a name could be data.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actionstep_connect.management.comparison.facts import Described

Object = Mapping[str, Any]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}", re.ASCII)
NO_NAME = "(a name that is none of a member)"

BESIDE_ROWS = frozenset({"links", "linked", "meta"})
META = frozenset({"paging", "debug"})
DEBUG: Mapping[str, frozenset[str]] = {
    "requestTime": frozenset({"text", "digits", "number", "integer"}),
    "server": frozenset({"text"}),
    "time": frozenset({"timestamp"}),
    "rl": frozenset(),
}
PAGING: Mapping[str, frozenset[str]] = {
    "recordCount": frozenset({"integer"}),
    "pageCount": frozenset({"integer"}),
    "page": frozenset({"integer"}),
    "pageSize": frozenset({"integer"}),
    "prevPage": frozenset({"text"}),
    "nextPage": frozenset({"text"}),
}
TEXTS = (
    ("timestamp", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:?\d\d|Z)?")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("time", re.compile(r"\d\d:\d\d(:\d\d)?")),
    ("digits", re.compile(r"[+-]?\d+")),
)
ANY_TEXT = frozenset({"text", "empty text", *(name for name, _ in TEXTS)})
NOTHING = "null"


def differences(described: Described, document: Any) -> Iterator[str]:
    """Return what differs in an answer to a GET of a page of this resource."""
    if not isinstance(document, dict):
        yield f"The answer is {kind(document)}, not an object."
        return
    yield from _extra("The answer has", document, {described.name, *BESIDE_ROWS})
    if described.name not in document:
        yield f"The answer has no `{described.name}`."
    rows = _rows(document.get(described.name))
    if any(not isinstance(row, dict) for row in rows):
        yield f"`{described.name}` holds what are no objects."
    yield from _of_rows(described, [row for row in rows if isinstance(row, dict)])
    yield from _of_templates(described, document.get("links"))
    yield from _of_meta(described, document.get("meta"))


def kind(value: Any) -> str:
    """Return what a value is, in words that say nothing of it."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case "":
            return "empty text"
        case str():
            return next((name for name, form in TEXTS if form.fullmatch(value)), "text")
        case list():
            kinds = sorted({kind(one) for one in value})
            return f"array of {', '.join(kinds)}" if kinds else "empty array"
    return "object"


def shown(name: str) -> str:
    """Return a name as a report may show it."""
    return f"`{name}`" if NAME.fullmatch(name) else NO_NAME


def _rows(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _of_rows(described: Described, rows: list[Object]) -> Iterator[str]:
    if not rows:
        return
    own = {*described.members, *({"links"} if described.links else ())}
    for row_names in [{name for row in rows for name in row}]:
        for name in sorted(row_names - own - {"id"}):
            kinds = _kinds(row[name] for row in rows if name in row)
            yield f"Member {shown(name)} is not described: {kinds}."
        for name in sorted(own - row_names):
            yield f"Member `{name}` is described and does not come."
    for name, fact in described.members.items():
        yield from _of_member(name, fact, [row[name] for row in rows if name in row])
    links = [row["links"] for row in rows if isinstance(row.get("links"), dict)]
    yield from _of_links(described, links)


def _of_member(name: str, fact: Object, values: list[Any]) -> Iterator[str]:
    expected, words = _expected(name, fact)
    wrong = [value for value in values if value is not None and kind(value) not in expected]
    if wrong:
        yield f"Member `{name}` is described as {words}, and comes as {_kinds(wrong)}."
    choices = fact.get("enum")
    texts = [value for value in values if isinstance(value, str)]
    if choices and any(value not in choices for value in texts):
        yield f"Member `{name}` has values outside its enumeration."


def _expected(name: str, fact: Object) -> tuple[frozenset[str], str]:
    """Return the kinds that a described member may be of, and their word."""
    match fact.get("type"), fact.get("format"):
        case "integer", _:
            return frozenset({"integer"}), "integer"
        case "number", _:
            return frozenset({"integer", "number"}), "number"
        case _, "date":
            return frozenset({"date"}), "date"
        case _, "time":
            return frozenset({"time"}), "time"
    if fact.get("format") == "timestamp" or name.endswith(("Timestamp", "_time_stamp")):
        return frozenset({"timestamp", "date"}), "timestamp"
    return ANY_TEXT, "text"


def _of_links(described: Described, links: list[Object]) -> Iterator[str]:
    names = {name for one in links for name in one}
    for name in sorted(names - described.links.keys()):
        kinds = _kinds(one[name] for one in links if name in one)
        yield f"Link {shown(name)} is not described: {kinds}."
    for name in described.links:
        values = [one[name] for one in links if one.get(name) is not None]
        if links and name not in names:
            yield f"Link `{name}` is described and does not come."
        wrong = [value for value in values if not _is_link(value, is_list=described.is_list(name))]
        if wrong:
            words = "a list of texts" if described.is_list(name) else "text"
            yield f"Link `{name}` is described as {words}, and comes as {_kinds(wrong)}."


def _is_link(value: Any, *, is_list: bool) -> bool:
    if is_list:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


def _of_templates(described: Described, templates: Any) -> Iterator[str]:
    """Compare the names of the links that the answer explains; some answers have none at all."""
    if not isinstance(templates, dict):
        if described.links:
            yield "The answer has no `links` that explain those of the rows."
        return
    prefix = f"{described.name}."
    names = {name.removeprefix(prefix) for name in templates if name.startswith(prefix)}
    for name in sorted(names - described.links.keys()):
        yield f"Link {shown(name)} is explained and not described."


def _of_meta(described: Described, meta: Any) -> Iterator[str]:
    if not isinstance(meta, dict):
        yield "The answer has no `meta`."
        return
    yield from _extra("`meta` has", meta, META)
    paging = meta.get("paging")
    page = paging.get(described.name) if isinstance(paging, dict) else None
    yield from _of_parts(f"`meta.paging.{described.name}`", page, PAGING)
    yield from _of_parts("`meta.debug`", meta.get("debug"), DEBUG)


def _of_parts(place: str, part: Any, expected: Mapping[str, frozenset[str]]) -> Iterator[str]:
    if not isinstance(part, dict):
        yield f"{place} is missing."
        return
    yield from _extra(f"{place} has", part, expected)
    for name, kinds in expected.items():
        if name not in part:
            yield f"{place} lacks `{name}`."
        elif part[name] is not None and kinds and kind(part[name]) not in kinds:
            wanted = " or ".join(sorted(kinds))
            yield f"{place} has `{name}` as {kind(part[name])}, not as {wanted}."


def _extra(words: str, found: Object, known: Iterable[str]) -> Iterator[str]:
    for name in sorted(found.keys() - set(known)):
        yield f"{words} {shown(name)}, which is not described: {kind(found[name])}."


def _kinds(values: Iterable[Any]) -> str:
    return " or ".join(sorted({kind(value) for value in values}))
