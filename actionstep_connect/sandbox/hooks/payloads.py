"""The bodies of calls, in the shapes that were recorded."""

import json
import re
import time
from typing import Any

from django.http import QueryDict

from actionstep_connect.sandbox.facts.resource import Link, Resource
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.hooks.events import Event
from actionstep_connect.sandbox.rest import documents
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Row

UNDERSCORE = re.compile("_([a-z])")
CAPITAL = re.compile("(?<=[a-z0-9])([A-Z])")


def payload(event: Event, hook: Row, viewer: Viewer, shape: str) -> bytes:
    """Return the JSON for a hook; `shape` is one of the option `hook_body`."""
    if shape == "rest":
        document = _as_answered(event, viewer)
    else:
        document = _as_json_api(event, hook, viewer, in_snake_case=shape == "jsonapi_snake")
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _as_json_api(event: Event, hook: Row, viewer: Viewer, *, in_snake_case: bool) -> dict[str, Any]:
    """Build a document of JSON:API 1.0; names of relationships were seen in both spellings."""
    started = time.perf_counter()
    resource, row = RESOURCES[event.resource], event.row
    relationships = {
        _snake(name) if in_snake_case else _camel(name): {"data": _related(link, row)}
        for name, link in resource.links.items()
    }
    return {
        "jsonapi": {"version": "1.0"},
        "data": {
            "type": resource.name,
            "id": str(row["id"]),
            "attributes": _attributes(resource, row),
            "relationships": relationships,
        },
        "meta": {
            "debug": {
                **documents.debug(viewer, started),
                "resthook": {
                    "id": hook["id"],
                    "target": hook["targetUrl"],
                    "trigger_count": hook["triggeredCount"],
                    "event_name": event.name,
                    "resource_type": resource.name,
                    "resource_id": row["id"],
                },
            }
        },
    }


def _attributes(resource: Resource, row: Row) -> dict[str, Any]:
    return {_camel(name): row[name] for name in resource.default_members if name != "id"}


def _related(link: Link, row: Row) -> Any:
    value = row["links"][link.name]
    if isinstance(value, list):
        return [{"type": link.resource, "id": key} for key in value]
    return None if value is None else {"type": link.resource, "id": value}


def _as_answered(event: Event, viewer: Viewer) -> dict[str, Any]:
    """Build what a GET answers, but for the row, which is in an array."""
    resource = RESOURCES[event.resource]
    document = documents.build(resource, [event.row], viewer, QueryDict())
    return {**document, resource.name: [document[resource.name]]}


def _camel(name: str) -> str:
    return UNDERSCORE.sub(lambda found: found[1].upper(), name)


def _snake(name: str) -> str:
    return CAPITAL.sub(r"_\1", name).lower()
