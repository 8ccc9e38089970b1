"""The REST API as an OpenAPI document, from the table of facts."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from actionstep_connect.sandbox.facts.resource import Body, Kind, Resource
from actionstep_connect.sandbox.facts.table import COMPUTED, RESOURCES
from actionstep_connect.sandbox.rest.errors import MEDIA_TYPE
from actionstep_connect.sandbox.rest.matters import CHANGE_STEP, CREATE
from actionstep_connect.sandbox.rest.query import MAX_PAGE_SIZE
from actionstep_connect.sandbox.rest.schemas import (
    ERROR,
    META,
    TEXT,
    Schema,
    an_object,
    body_schema,
    row_schema,
)

VERSION: Final = "0"
FILTERS_SHOWN: Final = 2
"""Of each kind of filter, so that the document stays readable."""

SURE = {
    "doc": "Published by Actionstep.",
    "official": "As Actionstep's own client uses it.",
    "seen": "As several independent clients use it.",
    "one": "As one client uses it.",
}
ID_IN_PATH = r"^[^/,\x00-\x1f]+(,[^/,\x00-\x1f]+)*$"
PROBLEMS = {
    "400": "The request makes no sense.",
    "403": "The scope was not granted, or the end-user may not.",
    "404": "There is no such row.",
    "405": "The address does not take this verb.",
    "406": "The answer cannot be of an accepted type.",
    "411": "The body comes in chunks.",
    "414": "The address is too long.",
    "415": "The body is of another type.",
    "429": "Too many requests.",
}


@cache
def document() -> Schema:
    """Return the whole document but for the server, whose port is not known here."""
    paths: dict[str, Schema] = {}
    for resource in RESOURCES.values():
        paths |= _paths(resource)
    paths |= _files()
    paths["/actioncreate"] = {"post": _special(CREATE, {"id": {"type": "integer"}})}
    paths["/actionchangestep"] = {
        "post": _special(CHANGE_STEP, {"id": {"type": "integer"}, "links": {"type": "object"}})
    }
    paths["/as-common/application-meta-data"] = {"get": _metadata()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Actionstep as the sandbox plays it",
            "version": VERSION,
            "description": (
                "Each resource says how sure its facts are. Of the filters only a few are shown: "
                "every member and link takes _eq, _nteq, _in, _ntin, _gt, _gteq, _lt, _lteq and "
                "_ilike as far as they make sense."
            ),
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {name: row_schema(resource) for name, resource in RESOURCES.items()}
            | {"Error": ERROR, "Meta": META},
            "responses": {status: _problem(words) for status, words in PROBLEMS.items()}
            | {"401": _token_refused()},
        },
    }


def _paths(resource: Resource) -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    if resource.verbs:
        paths[f"/{resource.name}"] = {
            verb.lower(): _operation(resource, verb) for verb in sorted(resource.verbs)
        }
    if resource.row_verbs:
        paths[f"/{resource.name}/{{id}}"] = {
            "parameters": [_id_parameter(resource)],
            **{
                verb.lower(): _operation(resource, verb, of_row=True)
                for verb in sorted(resource.row_verbs)
            },
        }
    return paths


def _operation(resource: Resource, verb: str, *, of_row: bool = False) -> Schema:
    parameters = _parameters(resource, with_pages=verb == "GET" and not of_row)
    operation: Schema = {
        "operationId": f"{verb.lower()}_{'one' if of_row else 'many'}_{resource.name}",
        "description": SURE[resource.sure],
        "tags": [resource.name],
        "responses": _responses(_answer(resource), may_be_empty=verb in ("GET", "DELETE")),
    }
    if verb == "GET":
        operation["parameters"] = parameters
    if verb == "DELETE":
        del operation["responses"]["200"]
    body = resource.creation if verb == "POST" else resource.change
    if verb in ("POST", "PUT", "PATCH"):
        is_new = verb == "POST"
        schema = body_schema(
            resource.name,
            body or Body(),
            resource.identifier if is_new else None,
            takes_several=is_new,
        )
        operation["requestBody"] = _content(schema)
    return operation


def _parameters(resource: Resource, *, with_pages: bool) -> list[Schema]:
    parameters = [
        _query("include", _one_of(resource.links)),
        _query("fields", {"type": "string"}),
    ]
    if not with_pages:
        return parameters
    sortable = [name for name in resource.members if (resource.name, name) not in COMPUTED]
    return [
        *parameters,
        _query("page", {"type": "integer", "minimum": 1}),
        _query("pageSize", {"type": "integer", "minimum": 1, "default": 50}),
        _query("sort", _one_of([*sortable, *(f"-{name}" for name in sortable)])),
        *_filters(resource),
    ]


def _filters(resource: Resource) -> Iterable[Schema]:
    """Describe a few of the filters: each member and link has them, and each operator."""
    members = [
        one for one in resource.members.values() if (resource.name, one.name) not in COMPUTED
    ]
    moments = [one for one in members if one.kind == Kind.TIMESTAMP]
    choices = [one for one in members if one.kind == Kind.BOOLEAN or one.choices]
    for member in moments[-FILTERS_SHOWN:]:
        yield _query(f"{member.name}_gteq", {"type": "string", "format": "date"})
    for member in choices[:FILTERS_SHOWN]:
        is_flag = member.kind == Kind.BOOLEAN
        yield _query(f"{member.name}_eq", {"enum": ["T", "F"]} if is_flag else TEXT)
    for link in [*resource.links][:FILTERS_SHOWN]:
        yield _query(link, TEXT)


def _query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "schema": schema}


def _one_of(names: Iterable[str]) -> Schema:
    """Describe one of some names, or none of them."""
    return {"type": "string", "enum": ["", *names]}


def _id_parameter(resource: Resource) -> Schema:
    schema: Schema = {"type": "string", "pattern": ID_IN_PATH}
    if not resource.has_text_id:
        schema = {"type": "integer", "minimum": 1}
    parameter: Schema = {"name": "id", "in": "path", "required": True, "schema": schema}
    if resource.example_id:
        has_number = not resource.has_text_id
        parameter["example"] = int(resource.example_id) if has_number else resource.example_id
    return parameter


def _answer(resource: Resource) -> Schema:
    row = {"$ref": f"#/components/schemas/{resource.name}"}
    linked = {
        link.resource: {
            "type": "array",
            "items": {"$ref": f"#/components/schemas/{link.resource}"},
        }
        for link in resource.links.values()
    }
    rows = {"type": "array", "items": row, "minItems": 2, "maxItems": MAX_PAGE_SIZE}
    return an_object(
        {
            resource.name: {"anyOf": [row, rows]},
            "links": {"type": "object"},
            "linked": an_object(linked),
            "meta": {"$ref": "#/components/schemas/Meta"},
        },
        [resource.name, "meta"],
    )


def _responses(schema: Schema, *, may_be_empty: bool) -> Schema:
    responses: Schema = {
        "200": {"description": "Rows.", "content": {MEDIA_TYPE: {"schema": schema}}},
        **{
            status: {"$ref": f"#/components/responses/{status}"}
            for status in sorted([*PROBLEMS, "401"])
        },
    }
    if may_be_empty:
        responses["204"] = {"description": "No rows."}
    return responses


def _content(schema: Schema) -> Schema:
    return {"required": True, "content": {MEDIA_TYPE: {"schema": schema}}}


def _special(resource: Resource, answer: Mapping[str, Schema]) -> Schema:
    body = Body(resource.members, resource.links)
    schema = an_object({resource.name: an_object(answer, ["id"])}, [resource.name])
    return {
        "operationId": f"post_{resource.name}",
        "description": SURE[resource.sure],
        "tags": [resource.name],
        "requestBody": _content(body_schema(resource.name, body)),
        "responses": _responses(schema, may_be_empty=False),
    }


def _metadata() -> Schema:
    header = {
        "name": "X-API-EXTENSION",
        "in": "header",
        "description": "Without it there is no such address.",
        "schema": {"enum": ["AsCommon"]},
    }
    parts: dict[str, Schema] = {
        "currentUser": {"type": "object"},
        "organization": {"type": "object"},
        "deepLinkUrl": {"type": "string"},
    }
    return {
        "operationId": "get_application_meta_data",
        "description": SURE["doc"],
        "tags": ["as-common"],
        "parameters": [header],
        "responses": _responses(an_object(parts, parts), may_be_empty=False),
    }


def _files() -> dict[str, Schema]:
    """Describe uploads and downloads; what Actionstep calls the statuses is not known."""
    form = an_object({"file": {"type": "string", "format": "binary"}}, ["file"])
    number: Schema = {"type": "integer", "minimum": 1}
    part = _query("part_number", number)
    body = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    upload = an_object({"id": {"type": "string"}, "status": {"type": "string"}}, ["id", "status"])

    def sending(name: str) -> Schema:
        return {
            "operationId": name,
            "description": SURE["doc"],
            "tags": ["files"],
            "parameters": [
                one | {"required": True} for one in (part, _query("part_count", number))
            ],
            "requestBody": body,
            "responses": _responses(an_object({"files": upload}, ["files"]), may_be_empty=False),
        }

    bytes_sent = {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}
    receiving = sending("get_files")
    receiving["parameters"] = [part]
    del receiving["requestBody"]
    receiving["responses"] |= {
        "200": {"description": "The file, or a part of it.", **bytes_sent},
        "206": {"description": "The range that was asked for.", **bytes_sent},
        "416": {"description": "There is nothing in this range."},
    }
    key: Schema = {"name": "id", "in": "path", "required": True}
    key["schema"] = {"type": "string", "pattern": ID_IN_PATH}
    return {
        "/files": {"post": sending("post_files")},
        "/files/{id}": {
            "parameters": [key],
            "get": receiving,
            "post": sending("post_part_files"),
        },
    }


def _problem(words: str) -> Schema:
    error = {"$ref": "#/components/schemas/Error"}
    errors = {"anyOf": [error, {"type": "array", "items": error, "minItems": 1}]}
    schema = an_object({"errors": errors}, ["errors"])
    return {"description": words, "content": {MEDIA_TYPE: {"schema": schema}}}


def _token_refused() -> Schema:
    schema = an_object({"error": {"enum": ["expired_token", "invalid_token"]}}, ["error"])
    return {
        "description": "The token has expired or is unknown.",
        "content": {"application/json": {"schema": schema}},
    }
