"""What the next refresh of one connection will do, and when, in words."""

from datetime import datetime

from django.utils.translation import gettext as _

from actionstep_connect.admin.times import when
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection
from actionstep_connect.models.condition import Condition, condition_of
from actionstep_connect.policy import OVERDUE_AFTER, is_idle


def next_refresh_text(connection: Connection, *, now: datetime) -> str:
    """Describe the next refresh of `connection`."""
    return _not_scheduled(connection, now=now) or _scheduled(connection, now=now)


def _not_scheduled(connection: Connection, *, now: datetime) -> str:
    config = get_config()
    match condition_of(connection, now=now, config=config):
        case Condition.ENDED_BY_USER | Condition.ENDED_BY_ADMIN:
            return _("None: it was ended and its tokens are erased.")
        case Condition.OTHER_ENVIRONMENT:
            text = _("None while this site uses %(environment)s.")
            return text % {"environment": config.environment}
        case Condition.OTHER_CLIENT:
            return _("None: it was made for another CLIENT_ID.")
        case Condition.ORGANISATION_CHANGED:
            return _("None: its tokens are another organisation's, and are never used.")
        case Condition.UNREADABLE:
            return _("None: its tokens cannot be decrypted, whatever the keys.")
    if connection.refresh_at is None:
        return _("Not scheduled. “Refresh now” retries the refused token.")
    return ""


def _scheduled(connection: Connection, *, now: datetime) -> str:
    config, due = get_config(), connection.refresh_at
    if due is None or due <= now - OVERDUE_AFTER:
        return _("It was due %(time)s: the next run will refresh it.") % {
            "time": when(due, now=now)
        }
    if due <= now:
        return _("It is due: the next run, within a minute, will refresh it.")
    time = {"time": when(due, now=now)}
    if connection.consecutive_failures:
        return _("It is retried %(time)s. Nothing is lost before its limit.") % time
    if is_idle(now=now, last_used_at=connection.last_used_at, config=config):
        return _("It is unused, so it is only kept alive: both tokens are renewed %(time)s.") % time
    days = config.refresh_token_lifetime.days
    words = _("Both tokens are renewed %(time)s; the refresh token then lives %(days)d days more.")
    return words % {**time, "days": days}
