"""The condition of a connection in words, how urgent it is, and what to do next."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from actionstep_connect.admin.times import left, when
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection, Status, StatusReason
from actionstep_connect.policy import FAILING_AFTER, OVERDUE_AFTER


class Tone(StrEnum):
    """How urgent it is; also the name of a style in admin.css."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    OFF = "off"


class Condition(NamedTuple):
    """How a connection does: its state in words, its urgency, and the next step for a person."""

    label: str
    tone: Tone
    next_step: str = ""


def condition_of(connection: Connection, *, now: datetime) -> Condition:
    """Return the condition of `connection`. Reads `user`."""
    if connection.status == Status.DISCONNECTED:
        return Condition(_("Disconnected"), Tone.OFF, _("Nothing: the user may connect again."))
    return (
        _foreign(connection)
        or _to_be_reconnected(connection)
        or _troubled(connection, now=now)
        or Condition(_("Connected"), Tone.GOOD)
    )


def is_near_limit(connection: Connection, *, now: datetime) -> bool:
    """Say whether it is flagged, or would be if maintenance ran now."""
    return connection.flagged_at is not None or connection.is_near_limit(
        now=now, within=get_config().warn_before
    )


def _foreign(connection: Connection) -> Condition | None:
    config = get_config()
    if connection.environment != config.environment:
        return Condition(
            _("Other environment"),
            Tone.OFF,
            _("Nothing: this site now uses %(environment)s.") % {"environment": config.environment},
        )
    if connection.client_id != config.client_id:
        return Condition(
            _("Other client id"),
            Tone.BAD,
            _("Ask the user to connect again: CLIENT_ID has changed since."),
        )
    if not connection.user.is_active:
        return Condition(_("User inactive"), Tone.OFF, _("Activate the user, or disconnect."))
    return None


def _to_be_reconnected(connection: Connection) -> Condition | None:
    if connection.status != Status.RECONNECT_REQUIRED:
        return None
    if connection.status_reason == StatusReason.ORGANISATION_CHANGED:
        step = _("Ask the user to connect again and to choose %(orgkey)s.")
        return Condition(_("Reconnect required"), Tone.BAD, step % {"orgkey": connection.orgkey})
    return Condition(_("Reconnect required"), Tone.BAD, _("Ask the user to connect again."))


def _troubled(connection: Connection, *, now: datetime) -> Condition | None:
    if is_near_limit(connection, now=now):
        step = _("Ask the user to connect again: %(time)s.")
        time = left(connection.refresh_token_expires_at, now=now)
        return Condition(_("Near its limit"), Tone.BAD, step % {"time": time})
    if connection.consecutive_failures >= FAILING_AFTER:
        step = _("See the last error. It is tried again %(time)s.")
        retry = when(connection.refresh_at, now=now) or _("on demand")
        return Condition(_("Refresh failing"), Tone.WARNING, step % {"time": retry})
    if connection.refresh_at is not None and connection.refresh_at < now - OVERDUE_AFTER:
        return Condition(
            _("Refresh overdue"), Tone.WARNING, _("See that the worker and its beat are running.")
        )
    return None
