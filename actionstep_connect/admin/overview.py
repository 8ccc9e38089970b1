"""What stands above the list of connections: how all of them do, read in one pass."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from actionstep_connect.admin.charts import Chart, Column, Tick
from actionstep_connect.admin.condition import Tone
from actionstep_connect.admin.filters import FAILING, NEAR_LIMIT, failing, near_limit
from actionstep_connect.admin.notices import current_notices
from actionstep_connect.admin.times import when
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection, Heartbeat, RefreshHour, Status
from actionstep_connect.models.refresh_hour import hour_of

#: The life of a refresh token is shown in so many parts: days, for it is 21 of them.
PARTS = 21
OUT = -1
HOURS = 24
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(slots=True)
class Counts:
    """How many connections of this environment are how; `by_part` by the time they have left."""

    connected: int = 0
    failing: int = 0
    #: Those whose last refresh failed, be it for the first time.
    retrying: int = 0
    near_limit: int = 0
    reconnect_required: int = 0
    by_part: Counter[int] = field(default_factory=Counter)


class Tile(NamedTuple):
    """One number, what it counts, and the list of just these."""

    number: str
    words: str
    tone: Tone
    query: str


class Overview(NamedTuple):
    """How all connections of this environment do."""

    headline: str
    tiles: list[Tile]
    last_run: str
    charts: list[Chart]


def overview(heartbeat: Heartbeat | None, *, now: datetime) -> Overview:
    """Look at all connections. Two queries, however many there are."""
    counts = _count(now=now)
    return Overview(
        headline=_headline(counts, is_stopped=bool(current_notices(heartbeat, now=now))),
        tiles=_tiles(counts),
        last_run=_last_run(heartbeat, now=now),
        charts=[_days_left(counts), _last_day(now=now)],
    )


def _count(*, now: datetime) -> Counts:
    # One pass over the table. Each filter by itself would be one more, for none has an index that
    # stays cheap while every row is rewritten once an hour.
    rows = (
        Connection.objects.here()
        .order_by()
        .annotate(part=_part(now=now), near=_holds(near_limit(now=now)), fails=_holds(failing()))
        .annotate(retries=_holds(Q(status=Status.CONNECTED, consecutive_failures__gt=0)))
        .values_list("status", "part", "near", "fails", "retries")
        .annotate(count=Count("pk"))
    )
    counts = Counts()
    for status, part, near, fails, retries, count in rows:
        counts.near_limit += count * near
        counts.failing += count * fails
        counts.retrying += count * retries
        counts.reconnect_required += count * (status == Status.RECONNECT_REQUIRED)
        if status == Status.CONNECTED:
            counts.connected += count
            counts.by_part[part] += count
    return counts


def _holds(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _part(*, now: datetime) -> Case:
    # From the far end, where nearly all of a healthy site are: the first that fits is taken.
    part = get_config().refresh_token_lifetime / PARTS
    return Case(
        *(
            When(refresh_token_expires_at__gt=now + number * part, then=Value(number))
            for number in reversed(range(PARTS))
        ),
        default=Value(OUT),
        output_field=IntegerField(),
    )


def _headline(counts: Counts, *, is_stopped: bool) -> str:
    if is_stopped:
        return _("Something is wrong with this site, not with its users.")
    if waiting := counts.near_limit + counts.reconnect_required:
        words = ngettext(
            "%(count)s connection waits for its user to connect again.",
            "%(count)s connections wait for their users to connect again.",
            waiting,
        )
        return words % {"count": _grouped(waiting)}
    if counts.failing:
        return _("Some refreshes fail. They are tried again, and nothing is lost.")
    if counts.retrying:
        return _("Some refreshes failed just now. They are tried again, and nothing is lost.")
    if not counts.connected:
        return _("Nobody is connected yet.")
    return _("All is well: every connection renews itself.")


def _tiles(counts: Counts) -> list[Tile]:
    def tile(number: int, words: str, tone: Tone, **filters: str) -> Tile:
        query = urlencode({**filters, "environment": get_config().environment})
        shown = tone if number else Tone.OFF
        return Tile(number=_grouped(number), words=words, tone=shown, query=f"?{query}")

    connected, to_reconnect = Status.CONNECTED.value, Status.RECONNECT_REQUIRED.value
    return [
        tile(counts.connected, _("connected"), Tone.GOOD, status__exact=connected),
        tile(counts.failing, _("refresh failing"), Tone.WARNING, flag=FAILING),
        tile(counts.near_limit, _("near their limit"), Tone.BAD, flag=NEAR_LIMIT),
        tile(
            counts.reconnect_required, _("to be reconnected"), Tone.BAD, status__exact=to_reconnect
        ),
    ]


def _last_run(heartbeat: Heartbeat | None, *, now: datetime) -> str:
    if heartbeat is None:
        return ""
    words = _("Maintenance last ran %(time)s and took %(seconds)s s.")
    seconds = number_format(heartbeat.seconds, decimal_pos=1)
    return words % {"time": when(heartbeat.finished_at, now=now), "seconds": seconds}


def _days_left(counts: Counts) -> Chart:
    config = get_config()
    part = config.refresh_token_lifetime / PARTS

    def column(number: int) -> Column:
        count = counts.by_part[number]
        label = _("limit reached")
        if number != OUT:
            bounds = {"from": _days(number * part), "to": _days((number + 1) * part)}
            label = _("%(from)s to %(to)s days left") % bounds
        tone = Tone.BAD if (number + 1) * part <= config.warn_before else Tone.GOOD
        return Column(label=label, words=f"{label}: {_grouped(count)}", above=count, tone=tone)

    columns = [column(number) for number in range(OUT, PARTS)]
    summary = _("%(near)s of %(all)s refresh tokens are flagged or have under %(days)s days left.")
    lifetime, warned = _days(config.refresh_token_lifetime), _days(config.warn_before)
    return Chart(
        name="days-left",
        title=_("Refresh tokens by days left"),
        summary=summary
        % {
            "near": _grouped(counts.near_limit),
            "all": _grouped(counts.connected),
            "days": warned,
        },
        peak=_("up to %(count)s") % {"count": _grouped(max(each.above for each in columns))},
        ticks=(
            Tick(0, _("0 days")),
            Tick((config.warn_before / part + 1) / len(columns), warned),
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
            "good": _grouped(row.refreshed),
            "bad": _grouped(row.failed + row.refused),
        }
        words = _("From %(hour)s: %(good)s refreshed, %(bad)s failed") % numbers
        columns.append(
            Column(label=label, words=words, above=row.refreshed, below=row.failed + row.refused)
        )
    summary = _("%(good)s refreshed (above the line), %(bad)s failed (below).")
    good, bad = (sum(getattr(column, side) for column in columns) for side in ("above", "below"))
    return Chart(
        name="last-day",
        title=_("The last 24 hours"),
        summary=summary % {"good": _grouped(good), "bad": _grouped(bad)},
        peak=_("up to %(count)s an hour")
        % {"count": _grouped(max(each.above for each in columns))},
        ticks=(Tick(0, _("24 h ago")), Tick(0.5, _("12 h ago")), Tick(1, _("now"))),
        heads=(_("From"), _("Refreshed"), _("Failed or refused")),
        columns=columns,
    )


def _days(time: timedelta) -> str:
    return f"{time / DAY:.3g}"


def _grouped(number: Any) -> str:
    return number_format(number, force_grouping=True)
