"""What Prometheus is told of change notifications, with two queries."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db.models import Count, Min, Q, Sum

from actionstep_connect.hooks.flows.claims import notifications
from actionstep_connect.hooks.flows.registering import subscriptions_here
from actionstep_connect.hooks.models import Registration, State


def measure() -> Mapping[str, float | Mapping[str, float]]:
    """Return the values of the metrics that `apps.EXTENSION` names."""
    rows = subscriptions_here().order_by().values_list("registration")
    hooks: Counter[str] = Counter(dict.fromkeys(Registration.values, 0))
    disabled = 0
    for registration, wanted, times in rows.annotate(
        wanted=Count("pk", filter=Q(is_wanted=True)), times=Sum("times_disabled")
    ):
        hooks[registration] += wanted
        disabled += times
    changes: Counter[str] = Counter(dict.fromkeys(State.values, 0))
    waited = 0.0
    grouped = notifications().order_by().values_list("state")
    for state, count, oldest in grouped.annotate(rows=Count("*"), oldest=Min("received_at")):
        changes[state] += count
        if state == State.WAITING:
            waited = max(0.0, (datetime.now(UTC) - oldest).total_seconds())
    return {
        "hooks": hooks,
        "hooks_disabled": disabled,
        "changes": changes,
        "longest_undelivered_seconds": waited,
    }
