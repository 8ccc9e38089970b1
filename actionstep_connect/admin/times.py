"""Times as an administrator reads them: "in 43 min", "20 days left"."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def when(moment: datetime | None, *, now: datetime) -> str:
    """Describe how far off `moment` is, in the past or the future; "" if there is none."""
    if moment is None:
        return ""
    if moment > now:
        return _("in %(time)s") % {"time": _amount(moment - now)}
    return _("%(time)s ago") % {"time": _amount(now - moment)}


def expires(moment: datetime | None, *, now: datetime) -> str:
    """Describe when something expires, or that it has; "" if it never does."""
    if moment is None:
        return ""
    if moment > now:
        return _("expires in %(time)s") % {"time": _amount(moment - now)}
    return _("expired %(time)s ago") % {"time": _amount(now - moment)}


def left(moment: datetime | None, *, now: datetime) -> str:
    """Describe how much time is left until `moment`; "" if there is none."""
    if moment is None:
        return ""
    if moment > now:
        return _("%(time)s left") % {"time": _amount(moment - now)}
    return _("ran out %(time)s ago") % {"time": _amount(now - moment)}


def _amount(time: timedelta) -> str:
    """Round down, so that no more is promised than there is."""
    if time < MINUTE:
        return _("under a minute")
    if time < HOUR:
        return _("%(count)d min") % {"count": time // MINUTE}
    if time < 2 * DAY:
        return _("%(count)d h") % {"count": time // HOUR}
    return ngettext("%(count)d day", "%(count)d days", time // DAY) % {"count": time // DAY}
