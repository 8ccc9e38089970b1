"""The firms' rows: in memory, never changed in place, so that a reader needs no lock.

A row is a dictionary as it is shown. A writer works on a copy of the tables that change and
puts it in place as a whole: a request sees a firm as it was when the request came, and what writes
several rows writes all of them or none.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Protocol

from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.models import ChangedRow
from actionstep_connect.sandbox.switchboard import switchboard

Row = Mapping[str, Any]
Table = Mapping[str, Row]
"""Rows by their ids as text, in the order of their ids."""


@dataclass(frozen=True)
class Firm:
    """One organisation's rows at one moment."""

    orgkey: str
    zone: tzinfo
    tables: Mapping[str, Table]

    def table(self, resource: str) -> Table:
        """Return the rows of a resource; some keep them under another name."""
        return self.tables.get(RESOURCES[resource].table, {})


@dataclass(frozen=True)
class Change:
    """What happened to one row: it is new without `before`, and gone without `after`."""

    resource: str
    key: str
    before: Row | None
    after: Row | None


@dataclass(frozen=True)
class Draft(Firm):
    """A firm under change, with copies of the tables that were touched."""

    tables: dict[str, Table]
    changes: list[Change] = field(default_factory=list)
    _copied: dict[str, dict[str, Row]] = field(default_factory=dict)

    def put(self, resource: str, key: str, row: Row) -> None:
        table = self._own(resource)
        self._note(resource, key, table.get(key), row)
        table[key] = row

    def remove(self, resource: str, key: str) -> None:
        self._note(resource, key, self._own(resource).pop(key), None)

    def _own(self, resource: str) -> dict[str, Row]:
        name = RESOURCES[resource].table
        if name not in self._copied:
            self._copied[name] = dict(self.tables.get(name, {}))
            self.tables[name] = self._copied[name]
        return self._copied[name]

    def _note(self, resource: str, key: str, before: Row | None, after: Row | None) -> None:
        self.changes.append(Change(RESOURCES[resource].table, key, before, after))


class Listener(Protocol):
    """Is told of what was written, after it was."""

    def __call__(self, firm: Firm, changes: Sequence[Change]) -> None: ...


class Store:
    def __init__(self) -> None:
        self._seed: Mapping[str, Firm] = {}
        self._firms: Mapping[str, Firm] = {}
        self.listeners: list[Listener] = []

    def open(self, build: Callable[[], Mapping[str, Firm]]) -> None:
        """Build the firms as they are at the start, and bring back what a file has kept."""
        self._firms = self._seed = build()
        if ChangedRow.objects.exists():
            self._firms = {key: _with_kept_changes(firm) for key, firm in self._seed.items()}

    def firm(self, orgkey: str) -> Firm:
        return self._firms[orgkey]

    @contextmanager
    def changing(self, orgkey: str) -> Iterator[Draft]:
        """Yield a draft, and put it in place unless an exception ends the block."""
        with switchboard.rotation:
            firm = self._firms[orgkey]
            draft = Draft(orgkey, firm.zone, dict(firm.tables))
            yield draft
            _keep(orgkey, draft.changes)
            changed = Firm(orgkey, firm.zone, draft.tables)
            self._firms = {**self._firms, orgkey: changed}
            # Before the next writer, so that they are told in the order of the changes.
            for listener in self.listeners:
                listener(changed, draft.changes)

    def reset(self) -> None:
        """Put the firms back to the start."""
        with switchboard.rotation:
            if self._firms is not self._seed:
                ChangedRow.objects.all().delete()
                self._firms = self._seed


def _keep(orgkey: str, changes: Sequence[Change]) -> None:
    last = {(change.resource, change.key): change.after for change in changes}
    ChangedRow.objects.bulk_create(
        [
            ChangedRow(orgkey=orgkey, resource=resource, key=key, row=json.dumps(row))
            for (resource, key), row in last.items()
        ],
        update_conflicts=True,
        unique_fields=["orgkey", "resource", "key"],
        update_fields=["row"],
    )


def _with_kept_changes(firm: Firm) -> Firm:
    draft = Draft(firm.orgkey, firm.zone, dict(firm.tables))
    for kept in ChangedRow.objects.filter(orgkey=firm.orgkey).order_by("pk"):
        row = json.loads(kept.row)
        if row is not None:
            draft.put(kept.resource, kept.key, row)
        elif kept.key in draft.table(kept.resource):
            draft.remove(kept.resource, kept.key)
    return Firm(firm.orgkey, firm.zone, draft.tables)


store = Store()
