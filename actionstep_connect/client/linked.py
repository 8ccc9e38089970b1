"""Rows that know the rows they are linked to, and values as Python has them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from actionstep_connect.client.answers import Row
from actionstep_connect.client.members import KINDS, LINKS

#: A day without a time, as some timestamps come: `2018-10-10`.
LENGTH_OF_DATE = 10


class Shaping:
    """How the rows of one walk are given: with their linked rows, with Python's values, or as they came."""

    def __init__(self, include: str | None, *, convert: bool) -> None:
        self._linked = LinkedRows(include) if include else None
        self._convert = convert

    def rows(self, resource: str, rows: list[Row], payload: Row) -> list[Row]:
        """Return the rows of a page in their shape."""
        if self._linked is None:
            return [to_python(resource, row) for row in rows] if self._convert else rows
        linked = self._linked
        linked.add(payload)
        return [LinkedRow(row, resource, linked, convert=self._convert) for row in rows]


class LinkedRows:
    """The linked rows that came with all pages of one walk."""

    def __init__(self, include: str) -> None:
        if not isinstance(include, str):
            raise TypeError("include is text, with commas between the names of links.")
        self._paths = {path.strip() for path in include.split(",")}
        self._rows: dict[str, dict[str, Row]] = {}
        self._resources: dict[tuple[str, str], str] = {}

    def add(self, payload: Row) -> None:
        """Keep what came with one page."""
        for name, about in _mapping(payload.get("links")).items():
            resource, _, link = name.rpartition(".")
            if target := _mapping(about).get("type"):
                self._resources[resource, link] = target
        for resource, found in _mapping(payload.get("linked")).items():
            by_id = self._rows.setdefault(resource, {})
            rows = found if isinstance(found, list) else [found]
            by_id.update((str(row.get("id")), row) for row in rows if isinstance(row, dict))

    def includes(self, path: str) -> bool:
        """Return whether the links at `path` were asked for."""
        return any(each == path or each.startswith(f"{path}.") for each in self._paths)

    def find(self, resource: str, link: str, key: str) -> tuple[str, Row] | None:
        """Return the resource and the row that a link of `resource` leads to, if it came."""
        target = self._resources.get((resource, link)) or LINKS.get(resource, {}).get(link)
        if target is None:
            # Nothing says where it leads. One row alone of this id is the one.
            found = [(name, rows[key]) for name, rows in self._rows.items() if key in rows]
            return found[0] if len(found) == 1 else None
        row = self._rows.get(target, {}).get(key)
        return None if row is None else (target, row)


class LinkedRow(dict[str, Any]):
    """A row whose links can be followed without another request."""

    def __init__(
        self, row: Row, resource: str, linked: LinkedRows, *, convert: bool, path: str = ""
    ) -> None:
        super().__init__(to_python(resource, row) if convert else row)
        self._resource, self._linked, self._convert, self._path = resource, linked, convert, path

    def follow(self, link: str) -> "LinkedRow | None":
        """Return the row that `link` leads to; `action.assignedTo` follows two links.

        None: it leads nowhere, or to a row that Actionstep does not show this user or scope. Raises
        KeyError where `include` did not name it, ValueError where it leads to several.
        """
        rows = self.follow_all(link)
        if len(rows) > 1:
            raise ValueError(f"{link!r} leads to {len(rows)} rows: use follow_all().")
        return rows[0] if rows else None

    def follow_all(self, link: str) -> "list[LinkedRow]":
        """Return all rows that `link` leads to. Raises KeyError where `include` did not name it."""
        first, _, rest = link.partition(".")
        path = f"{self._path}.{first}" if self._path else first
        if not self._linked.includes(path):
            raise KeyError(f"include does not name {path!r}, so no row of it came.")
        keys = _mapping(self.get("links")).get(first)
        keys = keys if isinstance(keys, list) else [] if keys is None else [keys]
        found = [self._linked.find(self._resource, first, str(key)) for key in keys]
        rows = [
            LinkedRow(one[1], one[0], self._linked, convert=self._convert, path=path)
            for one in found
            if one is not None
        ]
        return [each for row in rows for each in row.follow_all(rest)] if rest else rows


def to_python(resource: str, row: Row) -> Row:
    """Return a copy of a row with `T` and `F` as bool, dates and times as those of datetime.

    A timestamp that comes as a bare date is a date. What cannot be read stays as it is.
    """
    kinds = KINDS.get(resource, {})
    return {name: _converted(kinds.get(name, ""), value) for name, value in row.items()}


def _converted(kind: str, value: Any) -> Any:
    read = _READERS.get(kind)
    if read is None or not isinstance(value, str):
        return value
    try:
        return read(value)
    except (KeyError, ValueError):
        return value


def _moment(text: str) -> datetime | date:
    return date.fromisoformat(text) if len(text) == LENGTH_OF_DATE else datetime.fromisoformat(text)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": {"T": True, "F": False}.__getitem__,
    "timestamp": _moment,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
