"""Rows as documents: one is an object, several are an array; linked rows come beside them."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from actionstep_connect.sandbox import scopes, tokens
from actionstep_connect.sandbox.models import Grant, Membership
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.query import Page, chosen_fields
from actionstep_connect.sandbox.rest.resources import RESOURCES, Resource
from actionstep_connect.sandbox.rest.values import shown
from actionstep_connect.sandbox.switchboard import switchboard

Document = dict[str, Any]


def build(
    resource: Resource, rows: list[Any], grant: Grant, query: QueryDict, page: Page | None = None
) -> Document:
    fields = chosen_fields(query, resource.name, is_primary=True)
    members = [_row(resource, row, grant.membership, fields) for row in rows]
    document: Document = {
        "links": {
            f"{resource.name}.{name}": {
                "href": f"{_rest()}/{link.resource}/{{{resource.name}.{name}}}",
                "type": link.resource,
            }
            for name, link in resource.links.items()
        },
        resource.name: members[0] if len(members) == 1 else members,
    }
    if not document["links"]:
        del document["links"]
    if linked := _linked(resource, rows, grant, query):
        document["linked"] = linked
    if page:
        document["meta"] = {"paging": {resource.name: _paging(resource, page, query)}}
    return document


def check_include(resource: Resource, query: QueryDict) -> None:
    """Name the first link that does not exist, whether or not there will be rows to follow it."""
    for path in _paths(query):
        here = resource
        for name in path:
            if name not in here.links:
                raise ApiProblem(400, f"{here.name} has no link {name[:100]}.")
            here = RESOURCES[here.links[name].resource]


def _paths(query: QueryDict) -> list[list[str]]:
    return [path.split(".") for path in query.get("include", "").split(",") if path]


def _row(
    resource: Resource, row: Any, membership: Membership, fields: frozenset[str] | None
) -> Document:
    document: Document = {
        name: shown(_value(row, attribute.column, membership), attribute.kind)
        for name, attribute in resource.attributes.items()
        if fields is None or name in fields or name == "id"
    }
    links = {
        name: str(getattr(row, link.column).number)
        for name, link in resource.links.items()
        if fields is None or name in fields
    }
    return document | ({"links": links} if links else {})


def _value(row: Any, column: str, membership: Membership) -> object:
    if column == "is_current":
        return row.pk == membership.pk
    if column == "is_active":
        return True
    for name in column.split("__"):
        row = getattr(row, name)
    return row


def _linked(
    resource: Resource, rows: Iterable[Any], grant: Grant, query: QueryDict
) -> dict[str, list[Document]]:
    found: dict[str, dict[int, Any]] = {}
    for path in _paths(query):
        _follow(resource, list(rows), path, grant, found)
    return {
        name: [
            _row(
                RESOURCES[name],
                row,
                grant.membership,
                chosen_fields(query, name, is_primary=False),
            )
            for _, row in sorted(by_number.items())
        ]
        for name, by_number in found.items()
    }


def _follow(
    resource: Resource,
    rows: list[Any],
    path: list[str],
    grant: Grant,
    found: dict[str, dict[int, Any]],
) -> None:
    link = resource.links[path[0]]
    # The scope decides on linked rows too: what was not granted is left out silently.
    if not scopes.grants(grant.scopes, link.resource):
        return
    related = {row.number: row for row in (getattr(row, link.column) for row in rows)}
    found.setdefault(link.resource, {}).update(related)
    if len(path) > 1:
        _follow(RESOURCES[link.resource], list(related.values()), path[1:], grant, found)


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
    parameters = query.dict() | {"page": str(number)}
    return f"{_rest()}/{resource.name}?{urlencode(parameters)}"


def _rest() -> str:
    host = tokens.api_host()
    if switchboard.options.broken_links:
        host = f"{host}.{host}"
    return f"http://{host}/api/rest"
