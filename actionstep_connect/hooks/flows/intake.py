"""Taking in what Actionstep calls with: one insert, whatever handlers there are.

A repeated call is stored once. `statements` has what is sent to the database.

What has the right secret and cannot be read is not stored. It opens a gap in place of that: what has
changed is then found as after any other gap, and one more such call writes nothing more.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from django.db import router
from django.db.models import Q

from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.hooks.addresses import hash_of
from actionstep_connect.hooks.flows.statements import (
    NewNotification,
    commit,
    find_subscriptions,
    insert,
    insert_for_address,
)
from actionstep_connect.hooks.models import Organisation, Subscription
from actionstep_connect.hooks.policy import (
    CLOCK_MARGIN,
    FORMER_ADDRESS_LIFETIME,
    HEARD_RESOLUTION,
)
from actionstep_connect.hooks.registry import keeps_payload
from actionstep_connect.hooks.shapes import MAX_BODY_SIZE, Hint, ShapelessError, read_body
from actionstep_connect.hooks.vocabulary import EVENTS
from actionstep_connect.hooks.waking import waker
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


class Call(NamedTuple):
    """What came to an address: its body, or why that cannot be read."""

    secret_hash: str
    body: bytes
    error: OSError | None = None


class _Judged(NamedTuple):
    intake: Intake
    subscription: Subscription | None = None
    rows: Sequence[NewNotification] = ()
    error: str = ""


#: Whose addresses have come, by their hashes: a call may then do without a look-up. Each call is held
#: against the database nevertheless, the one that this caller is to have.
_seen: dict[str, Subscription] = {}
MAX_SEEN = 10_000


def take_in(secret: Secret, read: Read) -> Intake:
    """Store what a call tells of, once and for all when this returns. Raises DatabaseError.

    What `read` raises, because the caller hung up, makes the call an unreadable one.
    """
    now, secret_hash = datetime.now(UTC), hash_of(secret)
    subscription = _seen.get(secret_hash) or look_up([secret_hash], now=now).get(secret_hash)
    if subscription is None:
        return Intake.STRANGER
    call = _call(secret_hash, read)
    rows = _judge(call, subscription).rows
    if len(rows) == 1 and _insert_one(rows[0], secret_hash, now):
        _note_stored(subscription, now)
        return Intake.STORED
    # It was stored before, or names several rows or none, or its address is void.
    [intake] = take_in_all([call])
    return intake


def take_in_all(calls: Sequence[Call]) -> list[Intake]:
    """Store what calls tell of, in this order; return what became of each. Raises DatabaseError.

    After an error all may be taken in again: what was stored stays stored once.
    """
    now = datetime.now(UTC)
    found = look_up({call.secret_hash for call in calls}, now=now)
    judged = [_judge(call, found.get(call.secret_hash)) for call in calls]
    rows = [row for each in judged for row in each.rows]
    if rows:
        repeated(lambda: insert(rows, now=now))
    for each in judged:
        if each.subscription and each.intake is Intake.STORED:
            _note_stored(each.subscription, now)
        elif each.subscription:
            _note_unreadable(each.subscription, each.error, now)
    return [each.intake for each in judged]


def is_seen(secret_hash: str) -> bool:
    """Return whether this process remembers the address: its calls' bodies are then read."""
    return secret_hash in _seen


def look_up(secret_hashes: Collection[str], *, now: datetime) -> dict[str, Subscription]:
    """Return whose addresses these are, by their hashes. Raises DatabaseError."""
    # Of a wanted one, or one that was until a moment ago: its last calls were on their way.
    since = now - FORMER_ADDRESS_LIFETIME
    found = repeated(lambda: find_subscriptions(secret_hashes, since=since))
    for secret_hash in secret_hashes:
        if secret_hash not in found:
            _seen.pop(secret_hash, None)
    return {secret_hash: _remember(secret_hash, *found[secret_hash]) for secret_hash in found}


def notifications_of(
    subscription: Subscription, hints: Iterable[Hint], *, seal: bytes, caught_up: bool = False
) -> list[NewNotification]:
    """Return what is to be stored of each hint; `seal` tells those of one row apart."""
    keeps = keeps_payload(subscription.event)
    return [
        NewNotification(
            digest=_digest(str(subscription.pk), hint.resource, hint.row_id, seal=seal),
            lane=_digest(str(subscription.organisation_id), hint.resource, hint.row_id)[:32],
            resource=hint.resource,
            row_id=hint.row_id,
            payload=json.dumps(hint.payload) if keeps else "",
            caught_up=caught_up,
            subscription_id=subscription.pk,
        )
        for hint in hints
    ]


def open_gap(subscription: Subscription, *, now: datetime) -> None:
    """Have the changes since shortly before `now` looked for with the next check."""
    rows = Subscription.objects.using(router.db_for_write(Subscription)).filter(pk=subscription.pk)
    if rows.filter(gap_since=None).update(gap_since=now - CLOCK_MARGIN):
        organisations = Organisation.objects.using(router.db_for_write(Organisation))
        organisations.filter(pk=subscription.organisation_id).update(check_at=now)


def _remember(secret_hash: str, key: int, event: str, organisation: int) -> Subscription:
    seen = _seen.get(secret_hash)
    if seen and (seen.pk, seen.event, seen.organisation_id) == (key, event, organisation):
        return seen
    if len(_seen) >= MAX_SEEN:
        _seen.clear()
    subscription = Subscription(pk=key, event=event, organisation_id=organisation)
    _seen[secret_hash] = subscription
    return subscription


def _call(secret_hash: str, read: Read) -> Call:
    try:
        return Call(secret_hash, read(MAX_BODY_SIZE + 1))
    except OSError as error:
        return Call(secret_hash, b"", error)


def _judge(call: Call, subscription: Subscription | None) -> _Judged:
    if subscription is None:
        return _Judged(Intake.STRANGER)
    try:
        hints = _read(call, subscription)
    except (ShapelessError, OSError) as error:
        return _Judged(Intake.UNREADABLE, subscription, error=type(error).__name__)
    return _Judged(
        Intake.STORED, subscription, notifications_of(subscription, hints, seal=call.body)
    )


def _read(call: Call, subscription: Subscription) -> list[Hint]:
    if call.error:
        raise call.error
    if len(call.body) > MAX_BODY_SIZE:
        raise ShapelessError(f"It is larger than {MAX_BODY_SIZE} bytes.")
    known = EVENTS.get(subscription.event)
    return read_body(call.body, resource=known.resource if known else None)


def _insert_one(row: NewNotification, secret_hash: str, now: datetime) -> bool:
    since = now - FORMER_ADDRESS_LIFETIME
    return repeated(lambda: insert_for_address(row, secret_hash, now=now, since=since))


def _note_unreadable(subscription: Subscription, error: str, now: datetime) -> None:
    log(logging.WARNING, LogEvent.CALL_UNREADABLE, subscription=subscription.pk, error=error)
    repeated(lambda: open_gap(subscription, now=now))
    commit(router.db_for_write(Subscription))


def _note_stored(subscription: Subscription, now: datetime) -> None:
    waker.wake()
    heard = subscription.last_heard_at  # As far as this process knows.
    if heard is not None and timedelta(0) <= now - heard < HEARD_RESOLUTION:
        return
    subscription.last_heard_at = now
    rows = Subscription.objects.using(router.db_for_write(Subscription))
    # Only one of those that come at once writes; the others find it written.
    is_old = Q(last_heard_at=None) | Q(last_heard_at__lt=now - HEARD_RESOLUTION)
    rows.filter(is_old, pk=subscription.pk).update(last_heard_at=now)
    commit(rows.db)


def _digest(*parts: str, seal: bytes = b"") -> str:
    return sha256("\n".join(parts).encode() + b"\n" + seal).hexdigest()
