"""Taking in what Actionstep calls with: one insert, whatever handlers there are.

    SELECT … FROM address JOIN subscription WHERE secret_hash = ?   -- an address that is new here
    INSERT INTO notification … SELECT … FROM address WHERE secret_hash = ? ON CONFLICT DO NOTHING

A repeated call is stored once.

What has the right secret and cannot be read is not stored. It opens a gap in place of that: what has
changed is then found as after any other gap, and one more such call writes nothing more.
"""

import json
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from django.db import router
from django.db.models import Q

from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.hooks.addresses import hash_of
from actionstep_connect.hooks.flows.statements import find_subscription, insert
from actionstep_connect.hooks.models import Notification, Organisation, Subscription
from actionstep_connect.hooks.policy import (
    CLOCK_MARGIN,
    FORMER_ADDRESS_LIFETIME,
    HEARD_RESOLUTION,
)
from actionstep_connect.hooks.registry import keeps_payload
from actionstep_connect.hooks.shapes import MAX_BODY_SIZE, Hint, ShapelessError, read_body
from actionstep_connect.hooks.vocabulary import EVENTS
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.secret import Secret

#: Reads at most so many bytes of the body; short of that, all of it.
Read = Callable[[int], bytes]


class Intake(StrEnum):
    """What became of a call."""

    STORED = "stored"
    UNREADABLE = "unreadable"
    """It had the right secret, and no known shape."""
    STRANGER = "stranger"
    """Its secret is no subscription's: nothing of it was read."""


#: Whose addresses have come, by their hashes: a call may then do without a look-up. Each insert makes
#: sure that it still is so, in the database that this caller is to have.
_seen: dict[str, Subscription] = {}
MAX_SEEN = 10_000


def take_in(secret: Secret, read: Read) -> Intake:
    """Store what a call tells of, once and for all when this returns. Raises DatabaseError.

    What `read` raises, because the caller hung up, makes the call an unreadable one.
    """
    now, hashed = datetime.now(UTC), hash_of(secret)
    subscription = _seen.get(hashed) or _find(hashed, now)
    if subscription is None:
        return Intake.STRANGER
    try:
        hints, body = _read(read, subscription)
    except (ShapelessError, OSError) as error:
        return _note_unreadable(hashed, error, now)
    if not _insert(subscription, hints, body, hashed, now):
        # Stored before, or several rows, or the address is void: it is looked up again.
        subscription = _find(hashed, now)
        if subscription is None:
            return Intake.STRANGER
        rows = notifications_of(subscription, hints, seal=body)
        repeated(lambda: store(rows))
    _note_heard(subscription, now)
    return Intake.STORED


def notifications_of(
    subscription: Subscription, hints: Iterable[Hint], *, seal: bytes, caught_up: bool = False
) -> list[Notification]:
    """Return a notification for each hint; `seal` tells those of one row apart."""
    keeps = keeps_payload(subscription.event)
    return [
        Notification(
            subscription=subscription,
            digest=_digest(str(subscription.pk), hint.resource, hint.row_id, seal=seal),
            lane=_digest(str(subscription.organisation_id), hint.resource, hint.row_id)[:32],
            resource=hint.resource,
            row_id=hint.row_id,
            payload=json.dumps(hint.payload) if keeps else "",
            caught_up=caught_up,
        )
        for hint in hints
    ]


def store(rows: list[Notification]) -> None:
    """Store notifications, but for those that were stored before."""
    primary = router.db_for_write(Notification)
    Notification.objects.using(primary).bulk_create(rows, ignore_conflicts=True)


def open_gap(subscription: Subscription, *, now: datetime) -> None:
    """Have the changes since shortly before `now` looked for with the next check."""
    rows = Subscription.objects.using(router.db_for_write(Subscription)).filter(pk=subscription.pk)
    if rows.filter(gap_since=None).update(gap_since=now - CLOCK_MARGIN):
        organisations = Organisation.objects.using(router.db_for_write(Organisation))
        organisations.filter(pk=subscription.organisation_id).update(check_at=now)


def _find(hashed: str, now: datetime) -> Subscription | None:
    # Of a wanted one, or one that was until a moment ago: its last calls were on their way.
    since = now - FORMER_ADDRESS_LIFETIME
    subscription = repeated(lambda: find_subscription(hashed, since=since))
    if subscription is None:
        _seen.pop(hashed, None)
        return None
    if len(_seen) >= MAX_SEEN:
        _seen.clear()
    _seen[hashed] = subscription
    return subscription


def _insert(
    subscription: Subscription, hints: list[Hint], body: bytes, hashed: str, now: datetime
) -> bool:
    if len(hints) != 1:
        return False
    [row] = notifications_of(subscription, hints, seal=body)
    return repeated(lambda: insert(row, hashed, since=now - FORMER_ADDRESS_LIFETIME))


def _note_unreadable(hashed: str, error: Exception, now: datetime) -> Intake:
    subscription = _find(hashed, now)
    if subscription is None:
        return Intake.STRANGER
    name = type(error).__name__
    log(logging.WARNING, LogEvent.CALL_UNREADABLE, subscription=subscription.pk, error=name)
    repeated(lambda: open_gap(subscription, now=now))
    return Intake.UNREADABLE


def _read(read: Read, subscription: Subscription) -> tuple[list[Hint], bytes]:
    body = read(MAX_BODY_SIZE + 1)
    if len(body) > MAX_BODY_SIZE:
        raise ShapelessError(f"It is larger than {MAX_BODY_SIZE} bytes.")
    known = EVENTS.get(subscription.event)
    return read_body(body, resource=known.resource if known else None), body


def _note_heard(subscription: Subscription, now: datetime) -> None:
    heard = subscription.last_heard_at  # As far as this process knows.
    if heard is not None and timedelta(0) <= now - heard < HEARD_RESOLUTION:
        return
    subscription.last_heard_at = now
    rows = Subscription.objects.using(router.db_for_write(Subscription))
    # Only one of those that come at once writes; the others find it written.
    is_old = Q(last_heard_at=None) | Q(last_heard_at__lt=now - HEARD_RESOLUTION)
    rows.filter(is_old, pk=subscription.pk).update(last_heard_at=now)


def _digest(*parts: str, seal: bytes = b"") -> str:
    return sha256("\n".join(parts).encode() + b"\n" + seal).hexdigest()
