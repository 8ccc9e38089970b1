"""Filters, sorting, paging and field selection from the query string."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict

from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.resources import COMPUTED, Resource
from actionstep_connect.sandbox.rest.values import parsed, whole_number

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
RESERVED = frozenset({"page", "pageSize", "sort", "include", "fields"})

COMPARISONS: Mapping[str, Callable[[str, Any], Q]] = {
    "eq": lambda column, value: Q(**{column: value}),
    "noteq": lambda column, value: ~Q(**{column: value}),
    "gt": lambda column, value: Q(**{f"{column}__gt": value}),
    "gteq": lambda column, value: Q(**{f"{column}__gte": value}),
    "lt": lambda column, value: Q(**{f"{column}__lt": value}),
    "lteq": lambda column, value: Q(**{f"{column}__lte": value}),
}


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    number: int
    size: int
    record_count: int

    @property
    def page_count(self) -> int:
        return max(1, -(-self.record_count // self.size))


def select(rows: QuerySet[Any], resource: Resource, query: QueryDict) -> QuerySet[Any]:
    """Filter and sort as the query says; name every parameter that makes no sense."""
    problems: list[str] = []
    for name in query:
        if name in RESERVED or name.startswith("fields["):
            continue
        try:
            rows = rows.filter(_condition(resource, name, query.get(name, "")))
        except ValueError as error:
            problems.append(f"{name} {error}.")
    if problems:
        raise ApiProblem(400, *problems)
    return rows.order_by(*_order(resource, query.get("sort", "")), "number")


def paginate(rows: QuerySet[Any], query: QueryDict) -> Page:
    number = _whole(query, "page", 1)
    # More than 200 is cut down without a word, as Actionstep does.
    size = min(_whole(query, "pageSize", DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)
    first, count = (number - 1) * size, rows.count()
    # SQLite has no room for the offset of just any page.
    found = list(rows[first : first + size]) if first < count else []
    return Page(found, number, size, count)


def chosen_fields(query: QueryDict, resource: str, *, is_primary: bool) -> frozenset[str] | None:
    """Return the members asked for; None means all."""
    wanted = query.get(f"fields[{resource}]")
    if wanted is None and is_primary:
        wanted = query.get("fields")
    return frozenset(wanted.split(",")) if wanted else None


def _condition(resource: Resource, name: str, value: str) -> Q:
    member, _, comparison = name.rpartition("_")
    if not member:
        member, comparison = name, "eq"
    if member in resource.links:
        if comparison not in ("eq", "noteq"):
            raise ValueError("cannot be compared this way")
        column = f"{resource.links[member].column}__number"
        return COMPARISONS[comparison](column, parsed(value, "number"))
    attribute = resource.attributes.get(member)
    if attribute is None or attribute.column in COMPUTED:
        raise ValueError(f"is no filter of {resource.name}")
    if comparison in ("like", "ilike") and attribute.kind == "text":
        return _like(attribute.column, value)
    if comparison not in COMPARISONS:
        raise ValueError("cannot be compared this way")
    return COMPARISONS[comparison](attribute.column, parsed(value, attribute.kind))


def _like(column: str, value: str) -> Q:
    """Match with ``*`` at either end, whatever the case."""
    text = value.strip("*")
    match value.startswith("*"), value.endswith("*"):
        case True, True:
            lookup = "icontains"
        case True, False:
            lookup = "iendswith"
        case False, True:
            lookup = "istartswith"
        case _:
            lookup = "iexact"
    return Q(**{f"{column}__{lookup}": text})


def _order(resource: Resource, sort: str) -> list[str]:
    order = []
    for item in filter(None, sort.split(",")):
        attribute = resource.attributes.get(item.removeprefix("-"))
        if attribute is None or attribute.column in COMPUTED:
            raise ApiProblem(400, f"{resource.name} cannot be sorted by {item}.")
        order.append(("-" if item.startswith("-") else "") + attribute.column)
    return order


def _whole(query: QueryDict, name: str, default: int) -> int:
    try:
        number = whole_number(query.get(name, str(default)))
    except ValueError:
        number = 0
    if number < 1:
        raise ApiProblem(400, f"{name} must be a whole number from 1 on.")
    return number
