"""Counting the connections of this environment: each of them, or on a large site what indexes tell."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from actionstep_connect.admin.filters import failing, near_limit, other_client
from actionstep_connect.admin.size import MAX_LISTED, LimitedCount, Size, size_of_table
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection, Status

#: The life of a refresh token is shown in so many parts: days, because it lives 21 of them.
BUCKETS = 21
EXPIRED = -1


@dataclass(slots=True)
class Counts:
    """How many connections are in which condition; `by_bucket` by the time that they have left."""

    connected: int = 0
    failing: int = 0
    #: Those whose last refresh failed, the first failure included.
    retrying: int = 0
    near_limit: int = 0
    reconnect_required: int = 0
    other_client: int = 0
    disconnected: int = 0
    by_bucket: Counter[int] = field(default_factory=Counter)
    #: Whether `connected` and `by_bucket` are estimates from a sample, and the others end at MAX_LISTED.
    is_estimate: bool = False

    def estimate(self, number: int) -> str:
        """Write a number that a sample tells, with "about" where it is one."""
        if not self.is_estimate or not number:
            return grouped(number)
        digits = max(len(str(number)) - 2, 0)
        return _("about %(count)s") % {"count": grouped(round(number, -digits))}

    def counted(self, number: int) -> str:
        """Write a number that was counted, with "over" where counting ended."""
        if self.is_estimate and number > MAX_LISTED:
            return _("over %(count)s") % {"count": grouped(MAX_LISTED)}
        return grouped(number)


def grouped(number: Any) -> str:
    """Write a number with the separators of the reader's language."""
    return number_format(number, force_grouping=True)


def count_connections(*, now: datetime) -> Counts:
    """Count: in one pass over the table, or on a large site by indexes and a sample. Two statements."""
    here = Connection.objects.in_environment()
    connected = here.filter(status=Status.CONNECTED)
    numbers = {
        "near_limit": here.filter(near_limit(now=now)),
        "failing": here.filter(failing(now=now)),
        "retrying": connected.filter(consecutive_failures__gt=0),
        "other_client": here.filter(other_client(now=now)),
        "reconnect_required": here.filter(status=Status.RECONNECT_REQUIRED),
        "disconnected": here.filter(status=Status.DISCONNECTED),
    }
    size = size_of_table(**{name: LimitedCount(rows) for name, rows in numbers.items()})
    return _count_large(size, now=now) if size.is_large else _count_all(now=now)


def is_warned(bucket: int) -> bool:
    """Return whether tokens in `bucket` are near their limit."""
    config = get_config()
    return (bucket + 1) * (config.refresh_token_lifetime / BUCKETS) <= config.warn_before


def _count_all(*, now: datetime) -> Counts:
    rows = _by_bucket(Connection.objects.in_environment(), now=now)
    rows = rows.annotate(
        near=_as_number(near_limit(now=now)),
        fails=_as_number(failing(now=now)),
        others=_as_number(other_client(now=now)),
        retries=_as_number(Q(status=Status.CONNECTED, consecutive_failures__gt=0)),
    )
    columns = rows.values_list("status", "bucket", "near", "fails", "others", "retries")
    counts = Counts()
    for status, bucket, near, fails, others, retries, count in columns.annotate(count=Count("pk")):
        counts.near_limit += count * near
        counts.failing += count * fails
        counts.other_client += count * others
        counts.retrying += count * retries
        counts.reconnect_required += count * (status == Status.RECONNECT_REQUIRED)
        counts.disconnected += count * (status == Status.DISCONNECTED)
        if status == Status.CONNECTED:
            counts.connected += count
            counts.by_bucket[bucket] += count
    return counts


def _count_large(size: Size, *, now: datetime) -> Counts:
    counts = Counts(is_estimate=True)
    for name, number in size.numbers.items():
        setattr(counts, name, number)
    sampled = Q(pk__lte=size.last_sampled)
    # Tokens near their limit are so few that each is counted, because a sample could miss them.
    warned = Q(refresh_token_expires_at__lte=now + get_config().warn_before)
    are_few = counts.near_limit <= MAX_LISTED
    rows = Connection.objects.in_environment().filter(status=Status.CONNECTED)
    buckets = _by_bucket(rows.filter(sampled | warned if are_few else sampled), now=now)
    columns = buckets.values_list("bucket").annotate(
        all=Count("pk"), sample=Count("pk", filter=sampled)
    )
    for bucket, every, sample in columns:
        is_counted = are_few and is_warned(bucket)
        counts.by_bucket[bucket] = every if is_counted else round(sample * size.factor)
    counts.connected = counts.by_bucket.total()
    return counts


def _by_bucket(rows: QuerySet[Connection], *, now: datetime) -> QuerySet[Any]:
    # From the far end, where nearly all of a healthy site are: the first that fits is taken.
    width = get_config().refresh_token_lifetime / BUCKETS
    cases = (
        When(refresh_token_expires_at__gt=now + number * width, then=Value(number))
        for number in reversed(range(BUCKETS))
    )
    case = Case(*cases, default=Value(EXPIRED), output_field=IntegerField())
    return rows.order_by().annotate(bucket=case)


def _as_number(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())
