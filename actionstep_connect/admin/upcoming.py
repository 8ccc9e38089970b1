"""What the next refresh of one connection will do, and when, in words."""

from datetime import datetime

from django.utils.translation import gettext as _

from actionstep_connect.admin.times import when
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection, Status, StatusReason
from actionstep_connect.policy import OVERDUE_AFTER, is_idle


def upcoming(connection: Connection, *, now: datetime) -> str:
    """Say what the next refresh of `connection` will do."""
    return _never(connection) or _some_day(connection, now=now)


def _never(connection: Connection) -> str:
    config = get_config()
    if connection.status == Status.DISCONNECTED:
        return _("None: it was ended and its tokens are erased.")
    if connection.environment != config.environment:
        return _("None while this site uses %(environment)s.") % {"environment": config.environment}
    if connection.client_id != config.client_id:
        return _("None: it was made for another CLIENT_ID.")
    if connection.status_reason == StatusReason.ORGANISATION_CHANGED:
        return _("None: its tokens are another organisation's, and are never used.")
    if connection.status == Status.RECONNECT_REQUIRED or connection.refresh_at is None:
        return _("None by itself. “Refresh now” tries the refused token once more.")
    return ""


def _some_day(connection: Connection, *, now: datetime) -> str:
    config, due = get_config(), connection.refresh_at
    if due is None or due <= now - OVERDUE_AFTER:
        return _("It was due %(time)s: the next run does it.") % {"time": when(due, now=now)}
    if due <= now:
        return _("It is due: the next run, within a minute, does it.")
    time = {"time": when(due, now=now)}
    if connection.consecutive_failures:
        return _("It is tried again %(time)s. Until its limit, nothing is lost.") % time
    if is_idle(now=now, last_used_at=connection.last_used_at, config=config):
        return _("It is unused, so it is only kept alive: both tokens are renewed %(time)s.") % time
    days = config.refresh_token_lifetime.days
    words = _("Both tokens are renewed %(time)s; the refresh token then lives %(days)d days more.")
    return words % {**time, "days": days}
