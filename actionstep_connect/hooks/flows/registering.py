"""Registering and removing hooks at Actionstep, and storing what became of that."""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx2
from django.db import router
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from actionstep_connect.client import ActionstepClient
from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import ApiError
from actionstep_connect.flows.events import ConnectionChange, publish
from actionstep_connect.hooks.addresses import hash_of, new_secret, secret_in, target_url
from actionstep_connect.hooks.flows.organisations import Turn
from actionstep_connect.hooks.models import Address, Registration, Subscription
from actionstep_connect.hooks.plan import Hook, Known
from actionstep_connect.hooks.policy import CLOCK_MARGIN, DEPLOY, wait_after
from actionstep_connect.logs import LogEvent, log, without_hook_secrets
from actionstep_connect.models import Connection, EventKind
from actionstep_connect.models.fields import MomentField

RESOURCE = "resthooks"
#: So many ids stand in one address.
BATCH = 50


class Registrar:
    """Works on the hooks of one organisation, as its bearer."""

    def __init__(self, turn: Turn, bearer: Connection, actionstep: ActionstepClient) -> None:
        self.turn, self.bearer, self.actionstep = turn, bearer, actionstep

    def hooks(self) -> list[Hook]:
        """Ask Actionstep for the hooks whose addresses are this site's."""
        return list(_own(self.actionstep.iterate(RESOURCE)))

    def addresses(self) -> dict[str, Known]:
        """Return the addresses in use, by their hashes."""
        rows = addresses().filter(subscription__organisation=self.turn.organisation)
        return {
            row.secret_hash: Known(
                row.secret_hash, row.subscription_id, row.subscription.event, row.connection_id
            )
            for row in rows.filter(retired_at=None).select_related("subscription")
        }

    def note_silent(self, silent: dict[Subscription, Hook | None]) -> None:
        """Store since when hooks that were registered may have missed calls, and tell of it."""
        lost = {each: hook for each, hook in silent.items() if _may_have_missed(each)}
        for subscription, hook in lost.items():
            is_disabled = subscription.registration == Registration.ACTIVE
            values: dict[str, Any] = {"gap_since": _gap_begins()}
            if is_disabled:
                values |= {
                    "registration": Registration.DISABLED,
                    "disabled_at": datetime.now(UTC),
                    "times_disabled": F("times_disabled") + 1,
                    "last_error": _what_happened(hook),
                }
                log_hook(logging.WARNING, "disabled", subscription)
            rows_of(subscription).update(**values)
        # Not of those that are silent because there was no user as whom to look at them.
        if told := [each.event for each in lost if each.registration == Registration.ACTIVE]:
            publish(
                ConnectionChange(self.bearer, [(EventKind.HOOK_DISABLED, ", ".join(sorted(told)))])
            )

    def confirm(self, subscription: Subscription, hook: Hook, *, at: datetime) -> None:
        """Store that a hook is active, as of `at`."""
        addresses().filter(secret_hash=hook.secret_hash).update(hook_id=hook.id)
        _retire_others(subscription, hook.secret_hash)
        rows_of(subscription).update(
            registration=Registration.ACTIVE,
            active_at=at,
            # As this column's, because Django's own refuses an offset where USE_TZ is off.
            registered_at=Coalesce("registered_at", Value(at, output_field=MomentField())),
            **_UNTROUBLED,
        )

    def register(self, subscription: Subscription) -> None:
        """Register a hook with a new secret, and store that; or when to try again.

        Raises what any other request would meet as well, and TurnLostError.
        """
        now = datetime.now(UTC)
        if subscription.retry_at is not None and subscription.retry_at > now:
            return
        self.turn.hold()
        secret = new_secret()
        hashed = hash_of(secret)
        addresses().create(
            secret_hash=hashed, subscription=subscription, connection_id=self.bearer.pk
        )
        hook = {"eventName": subscription.event}
        try:
            # The address is in no variable, because error reports show these.
            answer = self.actionstep.post(
                RESOURCE, json={RESOURCE: {**hook, "targetUrl": target_url(secret)}}
            )
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            Address.retire(addresses().filter(secret_hash=hashed))
            self._refused(subscription, error)
            return
        addresses().filter(secret_hash=hashed).update(hook_id=_id_in(answer))
        _retire_others(subscription, hashed)
        rows_of(subscription).update(
            registration=Registration.ACTIVE, active_at=now, registered_at=now, **_UNTROUBLED
        )
        log_hook(logging.INFO, "registered", subscription)

    def remove(self, hooks: Iterable[Hook]) -> None:
        """Remove hooks that are wanted no more. What cannot be removed is tried again next time."""
        self.turn.hold()
        keys = [str(hook.id) for hook in hooks]
        for first in range(0, len(keys), BATCH):
            self.actionstep.delete(f"{RESOURCE}/{','.join(keys[first : first + BATCH])}")
        unwanted = self.turn.subscriptions().filter(is_wanted=False)
        Address.retire(addresses().filter(subscription__in=unwanted))
        for subscription in unwanted.exclude(registration=Registration.MISSING):
            log_hook(logging.INFO, "removed", subscription)
        unwanted.update(registration=Registration.MISSING, gap_since=None, **_UNTROUBLED)
        unwanted.filter(asked_for=False).update(active_at=None)

    def _refused(self, subscription: Subscription, error: ApiError) -> None:
        failures = subscription.consecutive_failures + 1
        rows_of(subscription).update(
            consecutive_failures=failures,
            retry_at=datetime.now(UTC) + wait_after(failures),
            last_error=without_hook_secrets(str(error))[:200],
        )


_UNTROUBLED: dict[str, Any] = {"consecutive_failures": 0, "retry_at": None, "last_error": ""}


def addresses() -> "QuerySet[Address]":
    """Return all addresses, on the primary."""
    return Address.objects.using(router.db_for_write(Address))


def subscriptions_here() -> "QuerySet[Subscription]":
    """Return the subscriptions of the configured environment, on the primary."""
    rows = Subscription.objects.using(router.db_for_write(Subscription))
    return rows.filter(organisation__environment=get_config().environment)


def rows_of(subscription: Subscription) -> "QuerySet[Subscription]":
    """Return the row of a subscription, on the primary."""
    return Subscription.objects.using(router.db_for_write(Subscription)).filter(pk=subscription.pk)


def log_hook(level: int, outcome: str, subscription: Subscription, *, rows: int = 0) -> None:
    """Log what happened to a hook; `rows` is how many changes were found for it."""
    log(
        level,
        LogEvent.HOOK,
        outcome=outcome,
        change=subscription.event,
        subscription=subscription.pk,
        rows=rows,
    )


def _own(rows: Iterable[dict[str, Any]]) -> Iterator[Hook]:
    for row in rows:
        secret, key = secret_in(row.get("targetUrl")), str(row.get("id"))
        if secret is not None and key.isascii() and key.isdecimal():
            yield Hook(
                id=int(key),
                event=str(row.get("eventName")),
                status=str(row.get("status")),
                secret_hash=hash_of(secret),
                last_triggered=str(row.get("triggeredLastTimestamp") or ""),
            )


def _may_have_missed(subscription: Subscription) -> bool:
    """Return whether there were calls to miss since its hook was last seen to be active.

    Not where it was unwanted for long. For a moment, two workers whose code differs may disagree on that.
    """
    active_at = subscription.active_at
    if active_at is None or subscription.registration != Registration.MISSING:
        return active_at is not None
    return datetime.now(UTC) - active_at < DEPLOY


def _gap_begins() -> Any:
    # An earlier gap that has not been looked into yet goes on. Until `active_at` no call was missed.
    return Coalesce("gap_since", F("active_at") - CLOCK_MARGIN)


def _what_happened(hook: Hook | None) -> str:
    if hook is None:
        return "Its hook is gone at Actionstep."
    when = f" at {hook.last_triggered}" if hook.last_triggered else ""
    return f"Actionstep called{when} and did not get 200 in time."[:200]


def _retire_others(subscription: Subscription, secret_hash: str) -> None:
    others = ~Q(secret_hash=secret_hash)
    Address.retire(addresses().filter(others, subscription=subscription))


def _id_in(answer: httpx2.Response) -> int | None:
    """Return the id of a hook that was registered; None if the answer does not name it."""
    try:
        document = answer.json()
    except ValueError:
        return None  # The next check knows the hook by its address.
    rows = document.get(RESOURCE) if isinstance(document, dict) else None
    row = rows[0] if isinstance(rows, list) and rows else rows
    key = str(row.get("id")) if isinstance(row, dict) else ""
    return int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else None
