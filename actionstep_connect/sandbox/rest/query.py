"""Filters, sorting, paging and field selection from the query string."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.http import QueryDict

from actionstep_connect.sandbox.facts.resource import Resource
from actionstep_connect.sandbox.facts.table import COMPUTED
from actionstep_connect.sandbox.rest.conditions import (
    Condition,
    condition,
    expression,
    key_of,
    linked_keys,
)
from actionstep_connect.sandbox.rest.errors import Mistake
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.values import comparable, whole_number
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Row

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
RESERVED = frozenset({"page", "pageSize", "sort", "include", "fields"})
DEFAULT_FIELDS = ":default"


@dataclass(frozen=True)
class Page:
    rows: Sequence[Row]
    number: int
    size: int
    record_count: int

    @property
    def page_count(self) -> int:
        return max(1, -(-self.record_count // self.size))


@dataclass(frozen=True)
class Selection:
    """Which rows are wanted, and in which order."""

    resource: Resource
    conditions: Sequence[Condition]
    order: Sequence[str]

    def of(self, viewer: Viewer) -> list[Row]:
        rows = viewer.rows(self.resource.name)
        return self._sorted([row for row in rows if self._holds(row)], viewer)

    def by_ids(self, ids: str, viewer: Viewer) -> list[Row]:
        """Return the rows of some ids, joined by commas; those that do not exist are left out."""
        keys = dict.fromkeys(key_of(self.resource, one) for one in ids.split(","))
        found = (viewer.find(self.resource.name, key) for key in keys)
        rows = [row for row in found if row is not None and self._holds(row)]
        return self._sorted(rows, viewer)

    def _holds(self, row: Row) -> bool:
        return all(holds(row) for holds in self.conditions)

    def _sorted(self, rows: list[Row], viewer: Viewer) -> list[Row]:
        # From the last one on: sorting keeps the order of what is equal.
        for item in reversed(self.order):
            name, is_down = item.removeprefix("-"), item.startswith("-")
            rows.sort(key=partial(self._rank, name=name, viewer=viewer), reverse=is_down)
        return rows

    def _rank(self, row: Row, name: str, viewer: Viewer) -> tuple[bool, object]:
        """Return what a row is sorted by; rows without a value come first."""
        if name in self.resource.links:
            keys = linked_keys(row, name)
            return bool(keys), [(len(key), key) for key in keys]
        value = comparable(self.resource.members[name].kind, row[name], viewer.firm.zone)
        return value is not None, value


def select(resource: Resource, query: QueryDict, viewer: Viewer) -> Selection:
    """Read filters and order; name every parameter that makes no sense."""
    mistakes: list[Mistake] = []
    conditions: list[Condition] = []
    for name in query:
        if name in RESERVED or name.startswith("fields["):
            continue
        for value in query.getlist(name):
            try:
                if name == "filter":
                    conditions += expression(resource, value, viewer)
                else:
                    conditions.append(condition(resource, name, value, viewer))
            except ValueError as error:
                mistakes.append(Mistake(f"{name[:100]} {error}.", parameter=name[:100]))
    if mistakes:
        raise ApiProblem(400, *mistakes)
    return Selection(resource, conditions, _order(resource, query.get("sort", "")))


def paginate(rows: Sequence[Row], query: QueryDict) -> Page:
    number, size = page_number(query), page_size(query)
    first = (number - 1) * size
    return Page(rows[first : first + size], number, size, len(rows))


def page_number(query: QueryDict) -> int:
    return _whole(query, "page", 1)


def page_size(query: QueryDict) -> int:
    # More than 200 is cut down without a word, as Actionstep does.
    return min(_whole(query, "pageSize", DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)


def chosen_fields(
    query: QueryDict, resource: Resource, *, is_primary: bool
) -> frozenset[str] | None:
    """Return the members and links asked for; None means those that come by default."""
    wanted = query.get(f"fields[{resource.name}]")
    if wanted is None and is_primary:
        wanted = query.get("fields")
    if not wanted:
        return None
    names = {name.strip() for name in wanted.split(",")}
    if DEFAULT_FIELDS in names:
        names.update(resource.default_members, resource.links)
    if "id" in resource.default_members:
        names.add("id")
    return frozenset(names)


def _order(resource: Resource, sort: str) -> list[str]:
    order = [item for item in sort.split(",") if item]
    for item in order:
        name = item.removeprefix("-")
        is_known = name in resource.members or name in resource.links
        if not is_known or (resource.name, name) in COMPUTED:
            detail = f"{resource.name} cannot be sorted by {item[:100]}."
            raise ApiProblem(400, Mistake(detail, parameter="sort"))
    return order


def _whole(query: QueryDict, name: str, default: int) -> int:
    try:
        number = whole_number(query.get(name, str(default)))
    except ValueError:
        number = 0
    if number < 1:
        raise ApiProblem(400, Mistake(f"{name} must be a whole number from 1 on.", parameter=name))
    return number
