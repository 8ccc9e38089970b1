"""One caller's way to a token: look at the row, refresh it if no other caller does, or wait and look again.

    reload → goal met? done
           → backing off, or a known outage? raise
           → claimed? refresh: done, raise, or look again
           → held by another? wait, and look again

Every turn begins with a new look, so that no stale reading decides.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from django.db.models import Case, When

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    NotConnected,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.conflicts import is_conflict
from actionstep_connect.flows.database import (
    DATABASE_UNAVAILABLE,
    primary_connections,
    retry_while_unavailable,
)
from actionstep_connect.flows.events import ConnectionChange, announce
from actionstep_connect.flows.refresh import outage
from actionstep_connect.flows.refresh.claim import (
    Claim,
    claim_one,
    give_back,
    give_back_unsent,
    lease_length,
    new_owner,
)
from actionstep_connect.flows.refresh.goal import (
    Goal,
    check_backoff,
    check_usable,
    is_backing_off,
    seconds_until_retry,
)
from actionstep_connect.flows.refresh.renew import (
    Failed,
    NotSent,
    Outcome,
    Rejected,
    outcome_and_code,
    renew,
)
from actionstep_connect.flows.refresh.store import (
    log_refresh,
    store,
    store_failed,
    tries_with_events,
    unstorable,
)
from actionstep_connect.flows.statistics import count_refreshes
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, Status
from actionstep_connect.models.querysets import UtcNow

FIRST_PAUSE = (
    0.02  # seconds between two looks at a row that another caller refreshes, doubled up to
)
MAX_PAUSE = 0.25
LEASE_TIMEOUT = 5.0  # seconds beyond HTTP_TIMEOUT that one lease may be waited for
LOCK_TIMEOUT = 2.0  # seconds to wait for a row that is locked although no process refreshes it

#: Seconds to wait where a lease is older than that: its process was killed, or waits for the database.
OLD_LEASE_TIMEOUT = 2.0

LEASED = Case(When(lease_expires_at__gte=UtcNow(), then=True), default=False)

A = TypeVar("A")
T = TypeVar("T")


class StoringConnection(Protocol):
    """The database connection that makes a claim and stores its answer."""

    def run(self, work: Callable[[], T]) -> T:
        """Do database work before a request."""

    def exchange(self, request: Callable[[], A], store: Callable[[A], T], *, unsent: A) -> T:
        """Store what `request` answers, or `unsent` if it was not made."""

    def tell(self, work: Callable[[], None]) -> None:
        """Do database work after the store."""

    def check_room(self) -> None:
        """Raise TemporarilyUnavailable while no more requests may be sent."""


class Attempt:
    """What one caller wants of a row, and what it has seen of it."""

    def __init__(self, connection: Connection, goal: Goal) -> None:
        self.connection_id = connection.pk
        self.goal = goal
        self.row: Connection | None = None
        #: Whether a request may be sent; and whether it is sent to see if an outage is over.
        self.may_send, self.is_probe = True, False
        self.is_gone = self.is_turning = False
        self._is_met = False
        self._holder: str | None = None
        self._held_since = 0.0
        self._is_lease_old = False
        self._next_pause = FIRST_PAUSE

    def take_turn(self, on: StoringConnection) -> bool:
        """Look at the row, and refresh it if no other caller does; return whether the goal is met.

        Raises NotConnected, ReconnectRequired, TemporarilyUnavailable, ClientRejected.
        """
        self.is_turning, owner, is_claiming = True, new_owner(), True
        try:
            claim = on.run(partial(self._look, on, owner))
            if claim is None:
                return self._is_met
            is_claiming = False
            return self._refresh(claim, on)
        except BaseException as error:
            if is_claiming and isinstance(error, DATABASE_UNAVAILABLE) and is_conflict(error):
                return False  # Another caller's claim or answer came first.
            if is_claiming:
                with suppress(TemporarilyUnavailable, *DATABASE_UNAVAILABLE):
                    on.run(partial(give_back_unsent, self.connection_id, owner=owner))
            raise
        finally:
            self.is_turning = False

    def pause(self) -> float:
        """Return how many seconds to wait before the next look."""
        pause = self._next_pause
        self._next_pause = min(pause * 2, MAX_PAUSE)
        return pause

    def reload(self) -> Connection:
        """Read the row again. Raises NotConnected if there is none."""
        return self._read()[0]

    def _read(self) -> tuple[Connection, bool]:
        # The row, and whether a process refreshes it, by the database's clock.
        oldest = UtcNow() + (lease_length() - timedelta(seconds=_max_lease_wait()))
        is_lease_old = Case(When(lease_expires_at__lt=oldest, then=True), default=False)
        rows = primary_connections().select_related("user")
        rows = rows.annotate(is_leased=LEASED, is_lease_old=is_lease_old)
        row: Any = rows.filter(pk=self.connection_id).first()  # With those two.
        if row is None:
            self.is_gone = True
            raise NotConnected("This connection no longer exists.")
        self.row, self._is_lease_old = row, row.is_lease_old
        return row, row.is_leased

    def _look(self, on: StoringConnection, owner: str) -> Claim | None:
        row, is_leased = self._read()
        check_usable(row, self.goal)
        row.check_user()
        if self.goal.is_met(row):
            self._is_met = True
            return None
        check_backoff(row, self.goal)
        if not self.may_send or (not self.is_probe and self._is_outage_known()):
            raise outage.error()
        on.check_room()
        claim = None
        if not is_leased:
            claim = claim_one(row, statuses=self.goal.statuses, owner=owner)
        if claim is None:
            self._wait_for_holder(row, holder=row.lease_owner if is_leased else "")
        elif self.goal.is_met(claim.connection) or is_backing_off(claim.connection, self.goal):
            # Another caller's answer, good or bad, came between the look at the row and the claim.
            retry_while_unavailable(partial(give_back, [claim]))
            claim = None
        return claim

    def _is_outage_known(self) -> bool:
        return self.goal.honours_backoff and outage.is_known_here()

    def _wait_for_holder(self, row: Connection, *, holder: str) -> None:
        if self.goal.is_acceptable(row):
            self._is_met = True
            return
        if self.is_probe:
            raise outage.error()
        if holder != self._holder:
            self._holder, self._held_since = holder, time.monotonic()
        waited = time.monotonic() - self._held_since
        max_wait = OLD_LEASE_TIMEOUT if self._is_lease_old else _max_lease_wait()
        if holder and waited > max_wait:
            raise TemporarilyUnavailable(
                "Another process is refreshing this connection and has no answer yet.",
                code=ErrorCode.BEING_REFRESHED,
                retry_after=LEASE_TIMEOUT,
            )
        if not holder and waited > LOCK_TIMEOUT:
            raise TemporarilyUnavailable(
                "This connection's row is locked by a database transaction, perhaps the caller's own "
                "(select_for_update, or a change of the row), so its token cannot be refreshed. "
                "End that transaction, or ask for the token before the row is locked.",
                code=ErrorCode.LOCKED,
                retry_after=LEASE_TIMEOUT,
            )

    def _refresh(self, claim: Claim, on: StoringConnection) -> bool:
        unsent: Outcome = NotSent()
        outcome, change = on.exchange(partial(_renew, claim), partial(_store, claim), unsent=unsent)
        log_refresh(claim, outcome, stored=change is not None)
        on.tell(partial(_tell, outcome, change))
        match outcome:
            case Rejected(error):
                raise error
            case NotSent():
                return False
        if change is None:
            return False  # The row moved on meanwhile.
        row = self.row = change.connection
        if isinstance(outcome, Failed):
            raise TemporarilyUnavailable(
                str(outcome.error),
                code=outcome.error.code,
                retry_after=seconds_until_retry(row),
                outcome_known=outcome.error.outcome_known,
            )
        check_usable(row, self.goal._replace(statuses=(Status.CONNECTED,)))
        if row.access_token_expires_at is None:
            raise TemporarilyUnavailable(
                "Actionstep's answer held no usable access token.",
                code=ErrorCode.NO_TOKEN,
                retry_after=policy.SOON.total_seconds(),
            )
        return True


def _max_lease_wait() -> float:
    return get_config().http_timeout + LEASE_TIMEOUT


def _renew(claim: Claim) -> Outcome:
    begun = time.monotonic()
    outcome = renew(claim)
    outage.note(outcome, seconds=time.monotonic() - begun)
    return outcome


def _store(claim: Claim, outcome: Outcome) -> tuple[Outcome, ConnectionChange | None]:
    # A time limit, which is an exception like any other, is raised once the answer is stored.
    failures: list[Exception] = []
    for with_events in tries_with_events(outcome):
        try:
            change = retry_while_unavailable(
                partial(store, claim, outcome, with_events=with_events)
            )
        except DATABASE_UNAVAILABLE:
            raise
        except Exception as error:  # noqa: BLE001 - told with its traceback.
            log(logging.ERROR, LogEvent.STORE_FAILED, connection=claim.id, with_traceback=True)
            failures.append(error)
            continue
        if failures and with_events:
            raise failures[0]
        return outcome, change
    with suppress(Exception):  # Else its lease lapses, and it comes last.
        store_failed(claim, outcome, failures[-1])
    raise unstorable(outcome, failures[-1])


def _tell(outcome: Outcome, change: ConnectionChange | None) -> None:
    if change is not None:
        announce(change)
    came_out, _ = outcome_and_code(outcome, stored=change is not None)
    if came_out is not None:
        count_refreshes({came_out: 1})
