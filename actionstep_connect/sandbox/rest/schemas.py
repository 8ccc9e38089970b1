"""JSON schemas of rows, bodies and errors, from the table of facts."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from actionstep_connect.sandbox.facts.resource import Body, Identifier, Kind, Link, Member, Resource
from actionstep_connect.sandbox.rest.query import MAX_PAGE_SIZE
from actionstep_connect.sandbox.rest.values import MAX_INTEGER

Schema = dict[str, Any]

PATTERNS = {
    Kind.TIMESTAMP: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([+-][0-9]{2}:[0-9]{2}|Z)?)?$",
    Kind.DATE: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    Kind.TIME: r"^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$",
}
DAY_SAID: Final = "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
TIME_SAID: Final = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
PATTERNS_SAID = {
    Kind.TIMESTAMP: f"^{DAY_SAID}(T{TIME_SAID}(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?)?$",
    Kind.DATE: f"^{DAY_SAID}$",
    Kind.TIME: f"^{TIME_SAID}$",
}
"""What is surely a moment, for those who make bodies from patterns."""

TEXT: Schema = {"type": "string"}


def row_schema(resource: Resource) -> Schema:
    """Describe a row as it is shown; `fields` may leave out any member."""
    properties = {
        name: _value(member, nullable=True) | ({"readOnly": True} if member.is_read_only else {})
        for name, member in resource.members.items()
    }
    if resource.links:
        links = {name: _link_shown(link) for name, link in resource.links.items()}
        properties["links"] = an_object(links)
    return an_object(properties)


def _value(member: Member, *, nullable: bool) -> Schema:
    kinds = {Kind.INTEGER: "integer", Kind.NUMBER: "number"}
    kind = kinds.get(member.kind, "string")
    schema: Schema = {"type": [kind, "null"] if nullable else kind}
    choices = ("T", "F") if member.kind == Kind.BOOLEAN else member.choices
    if choices:
        schema["enum"] = [*choices, None] if nullable else [*choices]
    if kind != "string":
        schema |= {"minimum": -MAX_INTEGER, "maximum": MAX_INTEGER}
    if member.kind in PATTERNS:
        schema["pattern"] = PATTERNS[member.kind]
    return schema


def _link_shown(link: Link) -> Schema:
    if link.is_list:
        return {"type": ["array", "null"], "items": {"type": "string"}}
    return {"type": ["string", "null"]}


def _link_said(link: Link, *, nullable: bool) -> Schema:
    one: Schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}
    if link.is_list:
        one = {"type": "array", "items": one}
    return {"anyOf": [one, {"type": "null"}]} if nullable else one


def an_object(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
    }
    if needed := sorted(required):
        schema["required"] = needed
    return schema


def body_schema(
    name: str, body: Body, identifier: Identifier | None = None, *, takes_several: bool = False
) -> Schema:
    parts = frozenset(identifier.parts if identifier else ())
    required = body.required | (parts & body.members.keys())
    required_links = body.required_links | {one for one in body.links if f"links.{one}" in parts}
    properties = {
        key: _said(member, nullable=key not in required) for key, member in body.members.items()
    }
    if body.links:
        links = {
            key: _link_said(link, nullable=key not in required_links)
            for key, link in body.links.items()
        }
        properties["links"] = an_object(links, required_links)
        required |= {"links"} if required_links else set()
    row = an_object(properties, required)
    rows: Schema = {"type": "array", "items": row, "minItems": 1}
    if not takes_several:
        # As many as there are ids in the address.
        rows["maxItems"] = 1
    several = {"anyOf": [row, rows]}
    return {"type": "object", "properties": {name: several}, "required": [name]}


def _said(member: Member, *, nullable: bool) -> Schema:
    schema = _value(member, nullable=nullable)
    if member.kind in PATTERNS_SAID:
        schema["pattern"] = PATTERNS_SAID[member.kind]
    elif schema["type"] == "string":
        schema["minLength"] = 1
    return schema


NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
ERROR: Schema = an_object(
    {
        "id": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
        "links": an_object({"about": NULLABLE_TEXT}),
        "status": {"type": "integer", "minimum": 400},
        "code": {"type": "string"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "source": an_object({"pointer": NULLABLE_TEXT, "parameter": NULLABLE_TEXT}),
        "meta": {"type": "object"},
        "rls": {},
    },
    ["id", "status", "code", "title", "detail"],
)
PAGING: Schema = an_object(
    {
        "recordCount": {"type": "integer", "minimum": 0},
        "pageCount": {"type": "integer", "minimum": 1},
        "page": {"type": "integer", "minimum": 1},
        "pageSize": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE},
        "prevPage": NULLABLE_TEXT,
        "nextPage": NULLABLE_TEXT,
    },
    ["recordCount", "pageCount", "page", "pageSize"],
)
META: Schema = an_object(
    {
        "paging": {"type": "object", "additionalProperties": PAGING},
        "debug": an_object(
            {
                "requestTime": {"type": "string"},
                "server": {"type": "string"},
                "time": {"type": "string"},
                "rl": {},
            }
        ),
    },
    ["paging", "debug"],
)
