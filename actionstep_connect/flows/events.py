"""Events: rows of the audit trail, stored with the change that they tell of, and announced after it.

    BEGIN; UPDATE …; INSERT INTO event (…, announce_at = now); COMMIT     -- the change and its events
    UPDATE event SET announce_at = now + CLAIM WHERE id = ? AND announce_at <= now
                                                                         -- claim, then log and signal
    UPDATE event SET announce_at = NULL WHERE id = ?                      -- announced

So no process that dies can leave a change without its event, and an event that was not announced is
announced by the next run: at least once. All times are the database's.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, IntegrityError, InterfaceError, connections, transaction
from django.dispatch import Signal

from actionstep_connect import signals
from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.flows.database import primary_alias
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, ConnectionEvent, EventKind
from actionstep_connect.models.querysets import UtcNow

BATCH = 200
CLAIM = timedelta(seconds=5)  # how long a process may take to announce one event
POLL_SECONDS = 0.25
ROUND_SECONDS = 20.0  # of announcing in one run; what is left is the next run's

_SIGNALS: dict[EventKind, Signal] = {
    EventKind.CONNECTED: signals.connection_established,
    EventKind.RECONNECTED: signals.connection_established,
    EventKind.FLAGGED: signals.connection_flagged,
    EventKind.RECOVERED: signals.connection_recovered,
    EventKind.RECONNECT_REQUIRED: signals.reconnect_required,
    EventKind.DISCONNECTED: signals.connection_ended,
}

_TROUBLE = {
    EventKind.CHANGES_MISSED,
    EventKind.HOOK_DISABLED,
    EventKind.HOOKS_LEFT_BEHIND,
    EventKind.ENDPOINT_REFUSED,
    EventKind.FLAGGED,
    EventKind.RECONNECT_REQUIRED,
    EventKind.REFRESH_FAILING,
}


@dataclass(slots=True)
class ConnectionChange:
    """What a change means to people: pairs of a kind and a detail without secrets."""

    connection: Connection
    events: list[tuple[EventKind, str]] = field(default_factory=list)
    actor: AbstractBaseUser | None = None
    #: The rows that were stored, to be announced.
    rows: list[ConnectionEvent] = field(default_factory=list)


def write_with_events(change: ConnectionChange, write: Callable[[], bool]) -> bool:
    """Do `write` and, if it says that the row has changed, store the events of `change` with it.

    A change without events costs the statement of `write` alone.
    """
    if not change.events:
        return write()
    with transaction.atomic(using=primary_alias()):
        done = write()
        if done:
            write_events(change)
    return done


def write_events(change: ConnectionChange) -> None:
    """Store the events of a change. The caller's transaction holds the change itself."""
    change.rows = []
    for kind, detail in change.events:
        row = ConnectionEvent(
            connection_id=change.connection.pk,
            kind=kind,
            detail=detail[:300],
            actor_id=change.actor.pk if change.actor else None,
            announce_at=UtcNow(),
        )
        # Not by assignment: Django's routers may relate nothing that was read from a replica.
        ConnectionEvent.connection.field.set_cached_value(row, change.connection)
        row.save(force_insert=True, using=primary_alias())
        change.rows.append(row)


def publish(change: ConnectionChange) -> None:
    """Store and announce events that tell of nothing else that is stored."""
    try:
        with transaction.atomic(using=primary_alias()):
            write_events(change)
    except IntegrityError:
        # The user, and with them the connection, was deleted meanwhile.
        log(logging.INFO, LogEvent.CONNECTION_GONE, connection=change.connection.pk)
        return
    announce(change)


def announce(change: ConnectionChange) -> None:
    """Log the stored events of a change and send their signals; never raises.

    In a caller's transaction, once that commits. What cannot be announced then is announced by the next
    run.
    """
    if _in_callers_transaction():
        transaction.on_commit(lambda: _announce_rows(change), using=primary_alias(), robust=True)
    else:
        _announce_rows(change)


def _in_callers_transaction() -> bool:
    connection = connections[primary_alias()]
    # A block of Django's TestCase is no caller's: it never commits.
    in_test = any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
    return connection.in_atomic_block and not in_test


def _announce_rows(change: ConnectionChange) -> None:
    try:
        for row in change.rows:
            _announce(row, change.connection, suspected_site_fault=False)
    except (DatabaseError, InterfaceError) as error:
        log(logging.WARNING, LogEvent.NOT_ANNOUNCED, error=type(error).__name__)


def announce_pending(*, suspected_site_fault: bool = False) -> None:
    """Announce every stored event that was not announced yet, the oldest first; never raises.

    `suspected_site_fault` says that Actionstep refused many connections in a row, so the fault may be the
    site's. An event that another process is announcing is waited for, no longer than CLAIM.
    """
    try:
        repeated(lambda: _announce_pending(suspected_site_fault=suspected_site_fault))
    except (DatabaseError, InterfaceError) as error:
        log(logging.WARNING, LogEvent.NOT_ANNOUNCED, error=type(error).__name__)


def _announce_pending(*, suspected_site_fault: bool) -> None:
    begun = last_progress = time.monotonic()
    while rows := _pending():
        announced = 0
        for row in rows:
            if time.monotonic() - begun > ROUND_SECONDS:
                return
            announced += _announce(row, row.connection, suspected_site_fault=suspected_site_fault)
        if announced:
            last_progress = time.monotonic()
        elif time.monotonic() - last_progress > CLAIM.total_seconds() + 2 * POLL_SECONDS:
            return
        else:
            time.sleep(POLL_SECONDS)


def _pending() -> list[ConnectionEvent]:
    rows = ConnectionEvent.objects.using(primary_alias()).exclude(announce_at=None)
    return list(rows.select_related("connection__user").order_by("pk")[:BATCH])


def _announce(
    event: ConnectionEvent, connection: Connection, *, suspected_site_fault: bool
) -> bool:
    mine = ConnectionEvent.objects.using(primary_alias()).filter(pk=event.pk)
    if not mine.filter(announce_at__lte=UtcNow()).update(announce_at=UtcNow() + CLAIM):
        return False  # Another process announces it, or has.
    kind = EventKind(event.kind)
    level = logging.WARNING if kind in _TROUBLE else logging.INFO
    log(level, LogEvent.CHANGE, connection=connection.pk, outcome=kind.value)
    _send(connection, event, suspected_site_fault=suspected_site_fault)
    mine.update(announce_at=None)
    return True


def _send(connection: Connection, event: ConnectionEvent, *, suspected_site_fault: bool) -> None:
    signal = _SIGNALS.get(EventKind(event.kind))
    if signal is None:
        return
    extra: dict[str, bool] = {}
    if signal is signals.connection_established:
        extra["created"] = event.kind == EventKind.CONNECTED
    if signal is signals.reconnect_required:
        extra["suspected_site_fault"] = suspected_site_fault
    for receiver, answer in signal.send_robust(
        sender=Connection, connection=connection, event=event, **extra
    ):
        if isinstance(answer, Exception):
            log(
                logging.ERROR,
                LogEvent.RECEIVER_FAILED,
                connection=connection.pk,
                receiver=str(getattr(receiver, "__qualname__", receiver)),
                error=type(answer).__name__,
            )
