"""Rotation: seal every row under the first key, beside workers that store new tokens meanwhile."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connections, transaction

from actionstep_connect.crypto import Context, KeyRing, get_key_ring, read_key_id
from actionstep_connect.exceptions import DecryptionFailed
from actionstep_connect.flows.database import retry_while_unavailable
from actionstep_connect.flows.keys import TABLES, Table, count_rows_by_key

#: Rows read, and written in one short transaction.
BATCH = 1000
#: A row that a worker changed between reading and writing is met again in the next pass.
MAX_PASSES = 5
#: How many unreadable rows a report names.
MAX_NAMED = 20


@dataclass(slots=True, kw_only=True)
class Rotation:
    """What came of a rotation. Rows are counted by the key ids they need."""

    resealed: int = 0
    #: Rows that a worker kept changing; it stored them under the key that it has.
    overtaken: int = 0
    #: Values that do not open: their key is missing, or they were altered.
    unreadable: int = 0
    #: The first of them, each with the reason.
    named: list[str] = field(default_factory=list)
    rows_by_key: Counter[str] = field(default_factory=Counter)
    key_ids: tuple[str, ...] = ()

    @property
    def droppable(self) -> tuple[str, ...]:
        """The keys that no row needs any more, the sealing one aside."""
        return tuple(name for name in self.key_ids[1:] if not self.rows_by_key[name])


def count_rows() -> int:
    """Return how many rows a rotation will look at."""
    return sum(int(table.rows.count()) for table in TABLES)


def rotate(*, dry_run: bool = False, on_batch: Callable[[int], None] = lambda _: None) -> Rotation:
    """Seal every row under the first key of the ring, and open every row on the way.

    `on_batch` is told the number of rows of each batch of the first pass. It may be killed at any
    moment and run again: rows already under the first key are not written. With `dry_run` nothing is.
    """
    rotation = Rotation(key_ids=get_key_ring().key_ids)
    for table in TABLES:
        for number in range(MAX_PASSES):
            one_pass = _Pass(table=table, dry_run=dry_run)
            one_pass.run(on_batch if number == 0 else lambda _: None)
            rotation.resealed += one_pass.resealed
            if not one_pass.overtaken:
                break
        rotation.overtaken += one_pass.overtaken
        rotation.unreadable += one_pass.unreadable
        rotation.named += one_pass.named
    rotation.rows_by_key = count_rows_by_key()
    return rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    row: Any
    old: list[str]
    new: list[str]


@dataclass(slots=True, kw_only=True)
class _Pass:
    table: Table
    dry_run: bool
    resealed: int = 0
    overtaken: int = 0
    unreadable: int = 0
    named: list[str] = field(default_factory=list)

    def run(self, on_batch: Callable[[int], None]) -> None:
        ring = get_key_ring()
        for rows in _batches(self.table):
            changes = [change for row in rows if (change := self._reseal(row, ring))]
            written = len(changes)
            if changes and not self.dry_run:
                written = retry_while_unavailable(partial(_write, self.table, changes))
            self.resealed += written
            self.overtaken += len(changes) - written
            on_batch(len(rows))

    def _reseal(self, row: Any, ring: KeyRing) -> "_Change | None":
        old = [str(getattr(row, column)) for column in self.table.columns]
        new = list(old)
        for index, name in enumerate(self.table.columns.values()):
            try:
                new[index] = _under_first_key(ring, old[index], self.table.context(row, name))
            except DecryptionFailed as error:
                self._note(row, name, error)
        return None if new == old else _Change(row=row, old=old, new=new)

    def _note(self, row: Any, name: str, error: DecryptionFailed) -> None:
        self.unreadable += 1
        if len(self.named) < MAX_NAMED:
            kind = self.table.model._meta.verbose_name
            self.named.append(f"{name.replace('_', ' ')} of {kind} {row.pk}: {error}")


def _under_first_key(ring: KeyRing, envelope: str, context: Context) -> str:
    if not envelope:
        return envelope
    opened = ring.open(envelope, context)
    return envelope if read_key_id(envelope) == ring.key_ids[0] else ring.seal(opened, context)


def _batches(table: Table) -> Iterator[list[Any]]:
    # SELECT … WHERE id > last ORDER BY id LIMIT n: as quick at the end as at the beginning.
    rows = table.rows.only("pk", *table.identity, *table.columns).order_by("pk")
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH])


def _write(table: Table, changes: list[_Change]) -> int:
    """Replace envelopes that are still the ones that were read; return how many rows were.

    Django has no statement for a batch of rows each with values and a condition of its own.
    """
    # UPDATE … SET sealed… = new WHERE id = ? AND sealed… = old [AND generation = ?]
    using = table.rows.db
    connection, meta = connections[using], table.model._meta
    quote = connection.ops.quote_name
    quoted = {each.name: quote(str(each.column)) for each in meta.concrete_fields}
    fences = [name for name in table.identity if name == "generation"]
    columns = [quoted[name] for name in table.columns]
    conditions = [quoted[meta.pk.name], *columns, *(quoted[name] for name in fences)]
    statement = (
        f"UPDATE {quote(meta.db_table)} SET {', '.join(f'{name} = %s' for name in columns)} "  # noqa: S608
        f"WHERE {' AND '.join(f'{name} = %s' for name in conditions)}"
    )
    parameters = [
        (
            *change.new,
            meta.pk.get_db_prep_value(change.row.pk, connection),
            *change.old,
            *(getattr(change.row, name) for name in fences),
        )
        for change in changes
    ]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.executemany(statement, parameters)
        return int(cursor.rowcount)
