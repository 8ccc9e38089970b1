"""Disconnecting: local, for Actionstep documents no revocation endpoint. Both tokens are erased."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F

from actionstep_connect.flows.database import on_primary
from actionstep_connect.flows.events import Change, tell
from actionstep_connect.models import Connection, EventKind, Status, StatusReason
from actionstep_connect.models.connection import RELEASED, UNTROUBLED


def disconnect(connection: Connection, *, actor: AbstractBaseUser | None = None) -> None:
    """End `connection` and erase its tokens; whoever refreshes it meanwhile stores nothing.

    `actor` is who asked for it; its own user if None. Does nothing if it has ended already.
    """
    by_user = actor is None or actor.pk == connection.user_id
    reason = StatusReason.ENDED_BY_USER if by_user else StatusReason.ENDED_BY_ADMIN
    rows = on_primary().filter(pk=connection.pk)
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
        **UNTROUBLED,
        **RELEASED,
    )
    connection.refresh_from_db(from_queryset=rows)
    if ended:
        event = (EventKind.DISCONNECTED, str(reason.label))
        tell([Change(connection, [event], actor=actor)])
