"""What the desk of a site that hears of changes can be asked as well."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from actionstep_connect.flows.maintain import maintain
from actionstep_connect.hooks.models import (
    Address,
    Notification,
    Organisation,
    Registration,
    State,
    Subscription,
)
from actionstep_connect.models import ConnectionEvent, EventKind
from tests.deployments.site.hearing.models import Heard


def keep() -> None:
    """Do one round of maintenance, as though a minute had gone by."""
    now = datetime.now(UTC)
    Organisation.objects.filter(check_at__gt=now).update(check_at=now)
    Notification.objects.filter(state=State.WAITING, due_at__gt=now).update(due_at=now)
    maintain()


def lapse_claims() -> None:
    """Let the claims of what was killed run out."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    for model in (Organisation, Notification):
        model.objects.exclude(lease_owner="").update(lease_expires_at=past)


def is_settled() -> bool:
    """Return whether all hooks are active, no gap is open, and nothing waits."""
    wanted = Subscription.objects.filter(is_wanted=True)
    well = wanted.filter(
        registration=Registration.ACTIVE, gap_since=None, catching_up_since=None
    ).count()
    waiting = Notification.objects.exclude(state=State.DELIVERED)
    return 0 < well == wanted.count() and not waiting.exists()


def heard() -> list[list[Any]]:
    """Return what handlers heard, in this order."""
    columns = ("event", "row_id", "name", "is_read_again", "caught_up")
    return [list(row) for row in Heard.objects.order_by("pk").values_list(*columns)]


def missed() -> list[str]:
    """Return what the connections' events say of changes that cannot be known."""
    events = ConnectionEvent.objects.filter(kind=EventKind.CHANGES_MISSED)
    return list(events.order_by("pk").values_list("detail", flat=True))


def addresses() -> dict[str, int]:
    """Return how many addresses of each event are in use, and how often it was disabled."""
    rows = Subscription.objects.order_by("event")
    return {
        row.event: Address.objects.filter(subscription=row, retired_at=None).count() for row in rows
    }


def times_disabled() -> int:
    """Return how often hooks were found disabled, or gone."""
    return sum(Subscription.objects.values_list("times_disabled", flat=True))


JOBS: dict[str, Callable[..., Any]] = {
    job.__name__: job
    for job in (keep, lapse_claims, is_settled, heard, missed, addresses, times_disabled)
}
