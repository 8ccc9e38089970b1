"""Catching up: what changed while a hook was silent, as far as Actionstep lets anyone know.

Some resources publish when a row was last changed, and a few when it was created. What they show is
stored like a call, once for each state of a row. Of the others it is said that changes were missed.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce, Least

from actionstep_connect.client import ActionstepClient
from actionstep_connect.client.changes import STAMPS
from actionstep_connect.flows.events import ConnectionChange, publish
from actionstep_connect.hooks.flows.claims import notifications
from actionstep_connect.hooks.flows.intake import notifications_of
from actionstep_connect.hooks.flows.organisations import Turn
from actionstep_connect.hooks.flows.registering import log_hook, rows_of
from actionstep_connect.hooks.flows.statements import insert
from actionstep_connect.hooks.models import Registration, Subscription
from actionstep_connect.hooks.policy import CLOCK_MARGIN
from actionstep_connect.hooks.shapes import Hint
from actionstep_connect.hooks.vocabulary import EVENTS, Kind
from actionstep_connect.models import Connection, EventKind

#: So many rows are stored before a worker makes sure that the turn is still its own.
BATCH = 200
#: Where a moment without an offset comes latest.
LATEST_ZONE = timezone(timedelta(hours=-12))
#: Where Actionstep publishes when a row was created.
CREATED: dict[str, str] = {
    "actions": "createdTimestamp",
    "participants": "createdTimestamp",
}


def catch_up(turn: Turn, bearer: Connection, actionstep: ActionstepClient) -> None:
    """Look for the changes of each gap, and store them. A gap stays open until that is done.

    Raises TurnLostError.
    """
    missed = []
    for subscription in turn.subscriptions():
        is_active = subscription.registration == Registration.ACTIVE and subscription.is_wanted
        since = _begin(subscription) if is_active else None
        if since is None:
            continue
        until = datetime.now(UTC)
        if is_known(subscription.event):
            count = _store_changes(turn, actionstep, subscription, since)
            log_hook(logging.INFO, "caught_up", subscription, rows=count)
        else:
            rows_of(subscription).update(missed_from=since, missed_until=until)
            log_hook(logging.INFO, "missed", subscription)
            missed.append(f"{subscription.event} from {_shown(since)} to {_shown(until)}")
        rows_of(subscription).update(catching_up_since=None)
    if missed:
        publish(ConnectionChange(bearer, [(EventKind.CHANGES_MISSED, "; ".join(missed))]))


def _begin(subscription: Subscription) -> datetime | None:
    """Take the gap of a subscription; return since when it is. One that opens meanwhile is another."""
    rows = rows_of(subscription)
    since = Least(Coalesce("catching_up_since", "gap_since"), F("gap_since"))
    rows.exclude(gap_since=None).update(catching_up_since=since, gap_since=None)
    return rows.values_list("catching_up_since", flat=True).get()


def is_known(event: str) -> bool:
    """Return whether Actionstep shows which rows an event was about."""
    known = EVENTS.get(event)
    if known is None or known.resource not in STAMPS:
        return False
    if known.kind is Kind.CREATED:
        return known.resource in CREATED
    return known.kind is Kind.UPDATED


def _store_changes(
    turn: Turn, actionstep: ActionstepClient, subscription: Subscription, since: datetime
) -> int:
    event, count = EVENTS[subscription.event], 0
    for number, row in enumerate(_changed(actionstep, event.resource, since)):
        if number % BATCH == 0:
            turn.hold()
        if not _belongs(row, event.resource, event.kind, since):
            continue
        hint = Hint(event.resource, str(row["id"]), row)
        if event.kind is Kind.CREATED and _is_told(subscription, hint):
            continue
        seal = _seal(row.get(STAMPS[event.resource]))
        found = notifications_of(subscription, [hint], seal=seal, caught_up=True)
        insert(found, now=datetime.now(UTC))
        count += 1
    return count


def _seal(stamp: object) -> bytes:
    """Return what tells the states of a row apart, so that each is stored once.

    A stamp shows whole seconds, or a day. While it is that fresh, another change may get the same one,
    so nothing is then taken for what was stored before.
    """
    now, latest = datetime.now(UTC), _latest(stamp)
    is_fresh = latest is None or latest >= now - CLOCK_MARGIN
    return f"caught up {stamp} {now if is_fresh else ''}".encode()


def _changed(actionstep: ActionstepClient, resource: str, since: datetime) -> Iterator[Any]:
    names = ["id", STAMPS[resource], CREATED.get(resource)]
    fields = ",".join(name for name in names if name)
    yield from actionstep.changes(resource, since=since, fields=fields)


def _belongs(row: dict[str, Any], resource: str, kind: Kind, since: datetime) -> bool:
    created = row.get(CREATED.get(resource, ""))
    is_new = _may_be_since(created, since)
    if kind is Kind.CREATED:
        return is_new
    # What was created and not touched since was not updated.
    return not (is_new and created == row.get(STAMPS[resource]))


def _may_be_since(moment: object, since: datetime) -> bool:
    """Return whether `moment` can lie at `since` or later."""
    latest = _latest(moment)
    return latest is not None and latest >= since


def _latest(moment: object) -> datetime | None:
    """Return the last moment that `moment`, which may be a bare date or lack an offset, can mean."""
    try:
        parsed = datetime.fromisoformat(str(moment))
        if len(str(moment)) <= len("2018-10-10"):
            parsed = datetime.combine(parsed.date(), time.max)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=LATEST_ZONE)
    except ValueError:
        return None


def _is_told(subscription: Subscription, hint: Hint) -> bool:
    """Return whether a call has told of a creation: there is only one for each row."""
    told = notifications().filter(
        subscription=subscription, row_id=hint.row_id, resource=hint.resource
    )
    return told.exists()


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
