"""Metrics for Prometheus, read from the database when they are asked for. Needs `[prometheus]`.

Workers and web servers are many processes, and gauges kept in them would be as many half-truths. The
rows are the truth, whichever process is scraped: so each gives the same figures, and none must add up
those of several (`max`, not `sum`).

    path("metrics/actionstep/", metrics)          # a page of their own, or
    REGISTRY.register(ConnectionsCollector())     # beside the metrics that a site has already
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from actionstep_connect.conf import get_config
from actionstep_connect.extensions import extensions, part_of
from actionstep_connect.flows.database import primary_connections
from actionstep_connect.flows.health import HealthProblem, judge, seconds_between
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Heartbeat, RefreshHour, Status, StoppedBy
from actionstep_connect.models.refresh_hour import RefreshOutcome
from actionstep_connect.policy import OVERDUE_AFTER

__all__ = ["ConnectionsCollector", "metrics"]

PREFIX = "actionstep_connect_"

Family = GaugeMetricFamily | CounterMetricFamily

#: Each metric, with its labels and what it says; docs/monitoring.md has the same table.
GAUGES: dict[str, tuple[tuple[str, ...], str]] = {
    "up": ((), "Whether the database could be asked for the metrics below."),
    "problem": (
        ("problem", "severity"),
        "Whether the site has this problem, as its health page says.",
    ),
    "connections": (("status",), "Connections of this environment."),
    "due": ((), "Connections whose refresh is due."),
    "overdue": ((), "Connections whose refresh has been due for more than ten minutes."),
    "longest_overdue_seconds": ((), "For how long the oldest refresh that waits has been due."),
    "near_limit": ((), "Connected ones within WARN_BEFORE of their refresh token's limit."),
    "soonest_limit_seconds": ((), "Until the first refresh token reaches its limit."),
    "orphaned": ((), "Connections made for another CLIENT_ID, which are not refreshed."),
    "seconds_since_run": ((), "Since the last run of maintenance ended."),
    "run_seconds": ((), "How long the last run of maintenance took."),
    "run_stopped": (("by",), "Whether the last run was stopped before all was done, by what."),
}
REFRESHES = "refreshes", ("outcome",), "Refreshes that had an answer or failed, by outcome."


class ConnectionsCollector(Collector):
    """Collects the metrics with six queries, each served by an index, and those of other apps."""

    def describe(self) -> Iterator[Family]:
        """Yield the metrics without their values: registering asks no database."""
        for name, (labels, text) in GAUGES.items():
            yield GaugeMetricFamily(PREFIX + name, text, labels=labels)
        name, labels, text = REFRESHES
        yield CounterMetricFamily(PREFIX + name, text, labels=labels)
        for extension in extensions():
            for name, (labels, text) in extension.gauges.items():
                yield GaugeMetricFamily(PREFIX + name, text, labels=labels)

    def collect(self) -> Iterator[Family]:
        """Yield what is known now; where the database is away, only that `up` is 0.

        It never raises an error of the database, because that would take a site's other metrics with it.
        """
        try:
            families = [*_connections(), *_site(), *_limits(), _refreshes(), *_of_extensions()]
        except (DatabaseError, InterfaceError, ImproperlyConfigured) as error:
            log(logging.WARNING, LogEvent.METRICS_UNAVAILABLE, error=type(error).__name__)
            families = []
        yield _gauge("up", float(bool(families)))
        yield from families


@transaction.non_atomic_requests
@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape with these metrics alone. Anyone who can reach it can read them: keep it internal."""
    registry = CollectorRegistry()
    registry.register(ConnectionsCollector())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _gauge(name: str, value: float | None) -> GaugeMetricFamily:
    # Without a value there is no sample: a made-up one would be averaged and alerted on.
    return GaugeMetricFamily(PREFIX + name, GAUGES[name][1], value=value)


def _labelled(name: str, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    labels, text = GAUGES[name]
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for of_sample, value in values.items():
        family.add_metric(of_sample, value)
    return family


def _connections() -> Iterator[Family]:
    # SELECT status, COUNT(*) … WHERE environment = ? GROUP BY status -- the index of limits.
    rows = (
        primary_connections()
        .in_environment()
        .order_by()
        .values_list("status")
        .annotate(rows=Count("*"))
    )
    found = dict(rows)
    yield _labelled("connections", {(each,): found.get(each, 0) for each in Status.values})


def _site() -> Iterator[Family]:
    now, heartbeat = datetime.now(UTC), Heartbeat.of_maintenance()
    late = Q(refresh_at__lt=now - OVERDUE_AFTER)
    due = primary_connections().due(now=now)
    found = due.aggregate(
        due=Count("refresh_at"), late=Count("refresh_at", filter=late), oldest=Min("refresh_at")
    )
    problems = judge(heartbeat, oldest_due_at=found["oldest"], now=now)
    yield _labelled(
        "problem",
        {(each.value, each.severity.label): float(each in problems) for each in HealthProblem},
    )
    yield _gauge("due", found["due"])
    yield _gauge("overdue", found["late"])
    yield _gauge("longest_overdue_seconds", seconds_between(found["oldest"] or now, now))
    if heartbeat is not None:
        yield from _last_run(heartbeat, now=now)


def _last_run(heartbeat: Heartbeat, *, now: datetime) -> Iterator[Family]:
    yield _gauge("orphaned", heartbeat.orphaned)
    yield _gauge("seconds_since_run", seconds_between(heartbeat.finished_at, now))
    yield _gauge("run_seconds", heartbeat.seconds)
    yield _labelled(
        "run_stopped",
        {(reason.value,): float(reason is heartbeat.stopped_by) for reason in StoppedBy},
    )


def _limits() -> Iterator[Family]:
    now, here = datetime.now(UTC), primary_connections().in_environment()
    near = here.expiring(now=now, within=get_config().warn_before)
    yield _gauge("near_limit", near.count())
    limits = here.filter(status=Status.CONNECTED).aggregate(soonest=Min("refresh_token_expires_at"))
    # Negative when it has passed and Actionstep has not refused the token yet.
    left = limits["soonest"] - now if limits["soonest"] else None
    yield _gauge("soonest_limit_seconds", left.total_seconds() if left else None)


def _of_extensions() -> Iterator[Family]:
    for extension in extensions():
        values = part_of(extension, "measure")()
        for name, (labels, text) in extension.gauges.items():
            family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
            value = values[name]
            if labels:
                for label, each in value.items():
                    family.add_metric([label], each)
            else:
                family.add_metric([], value)
            yield family


def _refreshes() -> CounterMetricFamily:
    name, labels, text = REFRESHES
    sums = RefreshHour.objects.aggregate(**{outcome: Sum(outcome) for outcome in RefreshOutcome})
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for outcome in RefreshOutcome:
        family.add_metric([outcome], sums[outcome] or 0)
    return family
