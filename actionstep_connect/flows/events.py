"""Telling of changes: a row in the audit trail, then the signal."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, router, transaction
from django.dispatch import Signal

from actionstep_connect import signals
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, ConnectionEvent, EventKind

_SIGNALS: dict[EventKind, Signal] = {
    EventKind.CONNECTED: signals.connection_established,
    EventKind.RECONNECTED: signals.connection_established,
    EventKind.FLAGGED: signals.connection_flagged,
    EventKind.RECOVERED: signals.connection_recovered,
    EventKind.RECONNECT_REQUIRED: signals.reconnect_required,
    EventKind.DISCONNECTED: signals.connection_ended,
}

_TROUBLE = {
    EventKind.ENDPOINT_REFUSED,
    EventKind.FLAGGED,
    EventKind.RECONNECT_REQUIRED,
    EventKind.REFRESH_FAILING,
}


@dataclass(slots=True)
class Change:
    """What a stored change means to people: pairs of a kind and a detail without secrets."""

    connection: Connection
    events: list[tuple[EventKind, str]] = field(default_factory=list)
    actor: AbstractBaseUser | None = None


def tell(changes: Iterable[Change], *, fleet_wide: bool = False) -> None:
    """Write the events of stored changes and send their signals; nothing here undoes a change.

    `fleet_wide` says that Actionstep refused many connections in a row, so the fault may be ours.
    """
    for change in changes:
        if record(change):
            announce(change, fleet_wide=fleet_wide)


def record(change: Change) -> bool:
    """Write the events of a change; False if its connection is gone, so that there is nobody to tell."""
    if not change.events:
        return True
    rows = [
        ConnectionEvent(
            connection=change.connection,
            kind=kind,
            detail=detail[:300],
            actor_id=change.actor.pk if change.actor else None,
        )
        for kind, detail in change.events
    ]
    try:
        with transaction.atomic(using=router.db_for_write(ConnectionEvent)):
            for row in rows:
                row.save(force_insert=True)
    except IntegrityError:
        # The user, and with them the connection, was deleted meanwhile.
        log(logging.INFO, LogEvent.CONNECTION_GONE, connection=change.connection.pk)
        return False
    return True


def announce(change: Change, *, fleet_wide: bool = False) -> None:
    """Log the events of a recorded change and send their signals."""
    for kind, _ in change.events:
        level = logging.WARNING if kind in _TROUBLE else logging.INFO
        log(level, LogEvent.CHANGE, connection=change.connection.pk, outcome=kind.value)
        _send(change.connection, kind, fleet_wide=fleet_wide)


def _send(connection: Connection, kind: EventKind, *, fleet_wide: bool) -> None:
    signal = _SIGNALS.get(kind)
    if signal is None:
        return
    extra: dict[str, bool] = {}
    if signal is signals.connection_established:
        extra["created"] = kind == EventKind.CONNECTED
    if signal is signals.reconnect_required:
        extra["fleet_wide"] = fleet_wide
    for receiver, answer in signal.send_robust(sender=Connection, connection=connection, **extra):
        if isinstance(answer, Exception):
            log(
                logging.ERROR,
                LogEvent.RECEIVER_FAILED,
                connection=connection.pk,
                receiver=str(getattr(receiver, "__qualname__", receiver)),
                error=type(answer).__name__,
            )
