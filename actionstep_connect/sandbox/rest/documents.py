"""Rows as documents: one is an object, several are an array; linked rows come beside them."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse, QueryDict

from actionstep_connect.sandbox import tokens
from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.facts.resource import Resource
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.rest.conditions import linked_keys
from actionstep_connect.sandbox.rest.errors import MEDIA_TYPE, Mistake
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.query import DEFAULT_PAGE_SIZE, Page, chosen_fields
from actionstep_connect.sandbox.rest.values import timestamp
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Row
from actionstep_connect.sandbox.switchboard import switchboard

Document = dict[str, Any]

SERVER = "sandbox"


def answer(document: Document, *, status: int = 200) -> HttpResponse:
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(content.encode(), status=status, content_type=MEDIA_TYPE)


def build(
    resource: Resource,
    rows: Sequence[Row],
    viewer: Viewer,
    query: QueryDict,
    page: Page | None = None,
) -> Document:
    started = time.perf_counter()
    fields = chosen_fields(query, resource, is_primary=True)
    shown = [_shown(resource, row, fields) for row in rows]
    page = page or Page(rows, 1, DEFAULT_PAGE_SIZE, len(rows))
    document: Document = {
        "links": {
            f"{resource.name}.{name}": {
                "href": f"{_rest()}/{link.resource}/{{{resource.name}.{name}}}",
                "type": link.resource,
            }
            for name, link in resource.links.items()
        },
        resource.name: shown[0] if len(shown) == 1 else shown,
    }
    if not document["links"]:
        del document["links"]
    if linked := _linked(resource, rows, viewer, query):
        document["linked"] = linked
    document["meta"] = {
        "paging": {resource.name: _paging(resource, page, query)},
        "debug": debug(viewer, started),
    }
    return document


def debug(viewer: Viewer, started: float) -> Document:
    """Return what recorded answers have beside `paging`; what `rl` holds is not known."""
    return {
        "requestTime": f"{time.perf_counter() - started:.2f}",
        "server": SERVER,
        "time": timestamp(clock.now(), viewer.firm.zone),
        "rl": None,
    }


def check_include(resource: Resource, query: QueryDict) -> None:
    """Name the first link that does not exist, whether or not there will be rows to follow it."""
    for path in _paths(query):
        here = resource
        for name in path:
            if name not in here.links:
                detail = f"{here.name} has no link {name[:100]}."
                raise ApiProblem(400, Mistake(detail, parameter="include"))
            here = RESOURCES[here.links[name].resource]


def _paths(query: QueryDict) -> list[list[str]]:
    return [path.split(".") for path in query.get("include", "").split(",") if path]


def _shown(resource: Resource, row: Row, fields: frozenset[str] | None) -> Row:
    if fields is None:
        if resource.shows_all:
            return row
        shown = {name: row[name] for name in resource.default_members}
        return {**shown, "links": row["links"]} if resource.links else shown
    shown = {name: row[name] for name in resource.members if name in fields}
    links = {name: row["links"][name] for name in resource.links if name in fields}
    return {**shown, "links": links} if links else shown


def _linked(
    resource: Resource, rows: Sequence[Row], viewer: Viewer, query: QueryDict
) -> dict[str, list[Row]]:
    found: dict[str, dict[str, Row]] = {}
    for path in _paths(query):
        _follow(resource, rows, path, viewer, found)
    return {name: _linked_rows(RESOURCES[name], by_key, query) for name, by_key in found.items()}


def _linked_rows(resource: Resource, by_key: dict[str, Row], query: QueryDict) -> list[Row]:
    fields = chosen_fields(query, resource, is_primary=False)
    return [_shown(resource, by_key[key], fields) for key in sorted(by_key, key=_by_id)]


def _by_id(key: str) -> tuple[int, str]:
    return (len(key), key) if key.isdigit() else (0, key)


def _follow(
    resource: Resource,
    rows: Iterable[Row],
    path: Sequence[str],
    viewer: Viewer,
    found: dict[str, dict[str, Row]],
) -> None:
    link = resource.links[path[0]]
    linked = RESOURCES[link.resource]
    # The scope decides on linked rows too: what was not granted is left out silently.
    if not viewer.has_scope(*linked.scopes):
        return
    related: dict[str, Row] = {}
    for row in rows:
        for key in linked_keys(row, link.name):
            if key not in related and (one := viewer.find(linked.name, key)) is not None:
                related[key] = one
    found.setdefault(linked.name, {}).update(related)
    if len(path) > 1:
        _follow(linked, related.values(), path[1:], viewer, found)


def _paging(resource: Resource, page: Page, query: QueryDict) -> Document:
    return {
        "recordCount": page.record_count,
        "pageCount": page.page_count,
        "page": page.number,
        "pageSize": page.size,
        "prevPage": _page_url(resource, query, page.number - 1) if page.number > 1 else None,
        "nextPage": (
            _page_url(resource, query, page.number + 1) if page.number < page.page_count else None
        ),
    }


def _page_url(resource: Resource, query: QueryDict, number: int) -> str:
    parameters = query.copy()
    parameters["page"] = str(number)
    return f"{_rest()}/{resource.name}?{parameters.urlencode()}"


def _rest() -> str:
    host = tokens.api_host()
    if switchboard.options.broken_links:
        host = f"{host}.{host}"
    return f"http://{host}/api/rest"
