"""Disconnecting: local, for Actionstep documents no revocation endpoint. Both tokens are erased."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F

from actionstep_connect.extensions import call_each
from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.flows.database import primary_connections
from actionstep_connect.flows.events import ConnectionChange, announce, write_with_events
from actionstep_connect.flows.organisation_names import UNNAMED
from actionstep_connect.models import Connection, EventKind, Status, StatusReason
from actionstep_connect.models.connection import NO_FAILURES, NO_LEASE
from actionstep_connect.models.querysets import ConnectionQuerySet


def disconnect(connection: Connection, *, actor: AbstractBaseUser | None = None) -> None:
    """End `connection` and erase its tokens; a refresh under way stores nothing.

    `actor` is who asked for it; its own user if None. Does nothing if it has ended already.
    """
    if connection.status != Status.DISCONNECTED:
        call_each("before_ending", connection)
    by_user = actor is None or actor.pk == connection.user_id
    reason = StatusReason.ENDED_BY_USER if by_user else StatusReason.ENDED_BY_ADMIN
    rows = primary_connections().filter(pk=connection.pk)
    change = ConnectionChange(
        connection, [(EventKind.DISCONNECTED, str(reason.label))], actor=actor
    )
    repeated(lambda: write_with_events(change, lambda: _end(rows, reason)))
    connection.refresh_from_db(from_queryset=rows)
    announce(change)


def _end(rows: ConnectionQuerySet, reason: StatusReason) -> bool:
    ended = rows.exclude(status=Status.DISCONNECTED).update(
        status=Status.DISCONNECTED,
        status_reason=reason,
        sealed_access_token="",
        sealed_refresh_token="",
        access_token_expires_at=None,
        refresh_token_expires_at=None,
        refresh_at=None,
        flagged_at=None,
        generation=F("generation") + 1,
        **UNNAMED,
        **NO_FAILURES,
        **NO_LEASE,
    )
    return ended == 1
