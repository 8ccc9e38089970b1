"""What stands above the list of connections: how all of them do, in a sentence, numbers and charts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from actionstep_connect.admin.charts import Chart, Column, Tick
from actionstep_connect.admin.condition import Tone
from actionstep_connect.admin.counts import (
    BUCKETS,
    EXPIRED,
    Counts,
    count_connections,
    grouped,
    is_warned,
)
from actionstep_connect.admin.filters import FAILING, NEAR_LIMIT
from actionstep_connect.admin.times import when
from actionstep_connect.conf import get_config
from actionstep_connect.flows.health import HealthProblem
from actionstep_connect.models import Heartbeat, RefreshHour, Status
from actionstep_connect.models.refresh_hour import hour_of
from actionstep_connect.models.severity import Severity

HOURS = 24
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Tile(NamedTuple):
    """One number, what it counts, and the list of just these."""

    number: str
    label: str
    tone: Tone
    query: str


class Overview(NamedTuple):
    """How all connections of this environment do."""

    headline: str
    tiles: list[Tile]
    last_run: str
    charts: list[Chart]


def overview(
    heartbeat: Heartbeat | None, problems: Sequence[HealthProblem], *, now: datetime
) -> Overview:
    """Look at all connections: three statements, however many there are."""
    counts = count_connections(now=now)
    return Overview(
        headline=_headline(counts, problems),
        tiles=_tiles(counts),
        last_run=_last_run(heartbeat, now=now),
        charts=[_days_left(counts), _last_day(now=now)],
    )


def _headline(counts: Counts, problems: Sequence[HealthProblem]) -> str:
    """Report the worst first, so that nothing below is worse than the headline."""
    worst = max((problem.severity for problem in problems), default=Severity.OK)
    if worst is Severity.ERROR:
        return _("Something is wrong with this site, not with its users.")
    if waiting := counts.near_limit + counts.reconnect_required + counts.other_client:
        text = ngettext(
            "%(count)s connection needs to be reconnected by its user.",
            "%(count)s connections need to be reconnected by their users.",
            waiting,
        )
        return text % {"count": counts.counted(waiting)}
    if worst is Severity.WARNING:
        return _("This site needs attention. No connection has been lost.")
    if counts.failing or counts.retrying:
        return _("Some refreshes are failing. They will be retried; no connection has been lost.")
    if not counts.connected:
        had_some = counts.disconnected
        return _("No user is connected now.") if had_some else _("No user has connected yet.")
    return _("All is well: every connection is renewed automatically.")


def _tiles(counts: Counts) -> list[Tile]:
    def tile(number: int, label: str, tone: Tone, *, text: str = "", **filters: str) -> Tile:
        query = urlencode({**filters, "environment": get_config().environment})
        shown = tone if number else Tone.OFF
        return Tile(
            number=text or counts.counted(number), label=label, tone=shown, query=f"?{query}"
        )

    connected, to_reconnect = Status.CONNECTED.value, Status.RECONNECT_REQUIRED.value
    return [
        tile(
            counts.connected,
            _("connected"),
            Tone.OK,
            text=counts.estimate(counts.connected),
            status__exact=connected,
        ),
        tile(counts.failing, _("refresh failing"), Tone.WARNING, flag=FAILING),
        tile(counts.near_limit, _("near their limit"), Tone.WARNING, flag=NEAR_LIMIT),
        tile(
            counts.reconnect_required,
            _("to be reconnected"),
            Tone.ERROR,
            status__exact=to_reconnect,
        ),
    ]


def _last_run(heartbeat: Heartbeat | None, *, now: datetime) -> str:
    if heartbeat is None:
        return ""
    text = _("Maintenance last ran %(time)s and took %(seconds)s s.")
    seconds = number_format(heartbeat.seconds, decimal_pos=1)
    return text % {"time": when(heartbeat.finished_at, now=now), "seconds": seconds}


def _days_left(counts: Counts) -> Chart:
    config = get_config()
    width = config.refresh_token_lifetime / BUCKETS

    def column(number: int) -> Column:
        count = counts.by_bucket[number]
        label = _("limit reached")
        if number != EXPIRED:
            bounds = {"from": _days(number * width), "to": _days((number + 1) * width)}
            label = _("%(from)s to %(to)s days left") % bounds
        tone = Tone.ERROR if is_warned(number) else Tone.OK
        text = f"{label}: {counts.estimate(count)}"
        return Column(label=label, text=text, above=count, tone=tone)

    columns = [column(number) for number in range(EXPIRED, BUCKETS)]
    summary = _("%(near)s of %(all)s refresh tokens are flagged or have under %(days)s days left.")
    lifetime, warned = _days(config.refresh_token_lifetime), _days(config.warn_before)
    return Chart(
        name="days-left",
        title=_("Refresh tokens by days left"),
        summary=summary
        % {
            "near": counts.counted(counts.near_limit),
            "all": counts.estimate(counts.connected),
            "days": warned,
        },
        peak=_("up to %(count)s") % {"count": counts.estimate(max(each.above for each in columns))},
        ticks=(
            Tick(0, _("0 days")),
            Tick((config.warn_before / width + 1) / len(columns), warned),
            Tick(1, _("%(days)s days") % {"days": lifetime}),
        ),
        heads=(_("Days left"), _("Refresh tokens")),
        columns=columns,
    )


def _last_day(*, now: datetime) -> Chart:
    first = hour_of(now) - (HOURS - 1) * HOUR
    found = {row.hour: row for row in RefreshHour.objects.filter(hour__gte=first)}
    columns = []
    for number in range(HOURS):
        hour = first + number * HOUR
        row = found.get(hour) or RefreshHour(hour=hour)
        label = date_format(timezone.localtime(hour), "TIME_FORMAT")
        numbers = {
            "hour": label,
            "good": grouped(row.refreshed),
            "bad": grouped(row.failed + row.refused),
        }
        text = _("From %(hour)s: %(good)s refreshed, %(bad)s failed") % numbers
        columns.append(
            Column(label=label, text=text, above=row.refreshed, below=row.failed + row.refused)
        )
    summary = _("%(good)s refreshed (above the line), %(bad)s failed (below).")
    good, bad = (sum(getattr(column, side) for column in columns) for side in ("above", "below"))
    return Chart(
        name="last-day",
        title=_("The last 24 hours"),
        summary=summary % {"good": grouped(good), "bad": grouped(bad)},
        peak=_("up to %(count)s an hour")
        % {"count": grouped(max(max(each.above, each.below) for each in columns))},
        ticks=(Tick(0, _("24 h ago")), Tick(0.5, _("12 h ago")), Tick(1, _("now"))),
        heads=(_("From"), _("Refreshed"), _("Failed or refused")),
        columns=columns,
    )


def _days(time: timedelta) -> str:
    return f"{time / DAY:.3g}"
