"""A run: refresh what is due, many at a time, gently at first, and end in time.

The thread that runs it does all the database work; others do nothing but HTTP. The database rows are
the queue, so a run may be cut off, doubled or left out without losing anything.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.crypto import get_key_ring
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.database import (
    AWAY,
    Retries,
    on_primary,
    renew_database_connection,
    until_done,
)
from actionstep_connect.flows.events import Change, tell
from actionstep_connect.flows.refresh.claim import Claim, claim_due, give_back
from actionstep_connect.flows.refresh.renew import (
    Failed,
    Outcome,
    Refused,
    Rejected,
    Renewed,
    Unsent,
    renew,
)
from actionstep_connect.flows.refresh.store import store
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import StoppedBy

RUN_SECONDS = 55.0  # a run ends before the next begins
SHORTEST_SENDING = 5.0  # seconds
FINISH_POLL_SECONDS = 0.1
FIRST_WINDOW = 4  # requests in flight at the start
STOP_AFTER_FAILURES = 12  # in a row, without a success: the way to Actionstep is broken
STOP_AFTER_REFUSALS = 20  # in a row, from different connections: more likely our fault than theirs


@dataclass(slots=True, kw_only=True)
class Report:
    """What a run did; `stopped_by` is None when it reached the end of what was due."""

    due: int = 0
    requests: int = 0
    refreshed: int = 0
    refused: int = 0
    superseded: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    stopped_by: StoppedBy | None = None
    error: str = ""
    refusals_in_a_row: int = 0


def refresh_due(
    *, should_stop: Callable[[], bool] = lambda: False, refusals_before: int = 0
) -> Report:
    """Refresh every due connection until none is left, time is up, or something says stop.

    `refusals_before` is the count of refusals in a row with which the last run ended: as long as it
    stands, a run sends single probes and stops at the first refusal more.
    """
    _mend_clock_damage()
    return _Run(should_stop=should_stop, refusals_before=refusals_before).run()


def count_due() -> int:
    """Return how many connections are due now."""
    return on_primary().due(now=datetime.now(UTC)).count()


def _mend_clock_damage() -> None:
    # UPDATE … SET refresh_at = now WHERE … AND refresh_at > now + the longest delay there can be:
    # rows stored while the clock ran ahead would sleep past the real limit of their refresh tokens.
    now = datetime.now(UTC)
    config = get_config()
    on_primary().filter(
        environment=config.environment,
        client_id=config.client_id,
        refresh_at__gt=now + policy.longest_delay(config),
    ).update(refresh_at=now)


@dataclass(slots=True)
class _Exchange:
    """One token request: in flight while it has no outcome."""

    claim: Claim
    #: Whoever takes it first, a thread that sends or we who give up, has the claim.
    turn: threading.Lock = field(default_factory=threading.Lock)
    outcome: Outcome | None = None


class _Run:
    def __init__(self, *, should_stop: Callable[[], bool], refusals_before: int) -> None:
        config = get_config()
        self._should_stop = should_stop
        self._limit = config.refresh_concurrency
        self._sending_ends = time.monotonic() + max(
            RUN_SECONDS - config.http_timeout, SHORTEST_SENDING
        )
        self._window = min(FIRST_WINDOW, self._limit)
        self._failures_in_a_row, self._last_failure = 0, ""
        self._unsent: deque[Claim] = deque()
        #: What may have been sent and is not stored: in flight, or in one of the next two.
        self._exchanges: dict[UUID, _Exchange] = {}
        self._answers: SimpleQueue[tuple[_Exchange, Outcome]] = SimpleQueue()
        self._unstored: deque[tuple[_Exchange, Outcome]] = deque()
        self._retries = Retries()
        self._all_claimed = False
        self._changes: list[Change] = []
        self._report = Report(refusals_in_a_row=refusals_before)

    def run(self) -> Report:
        self._report.due = count_due()
        if self._report.due and self._has_keys():
            try:
                with ThreadPoolExecutor(self._limit, thread_name_prefix="actionstep") as threads:
                    try:
                        self._refresh(threads)
                    except BaseException:
                        renew_database_connection()  # It may have struck within a statement.
                        raise
                    finally:
                        self._finish()
            finally:
                tell(self._changes, fleet_wide=self._report.stopped_by is StoppedBy.REFUSALS)
        return self._report

    def _has_keys(self) -> bool:
        # Asked for here, or a vault that is away would look like trouble with every row.
        try:
            get_key_ring()
        except (ImproperlyConfigured, TemporarilyUnavailable) as error:
            self._stop(StoppedBy.KEYS, str(error))
            return False
        return True

    def _refresh(self, threads: ThreadPoolExecutor) -> None:
        while True:
            self._look_for_stop()
            self._claim_more()
            # Failures and refusals count once they are stored.
            if all(isinstance(outcome, Renewed) for _, outcome in self._unstored):
                self._send_more(threads)
            if not self._exchanges or self._report.stopped_by is StoppedBy.THREADS:
                return
            self._receive(threads)

    def _finish(self) -> None:
        # Whatever happened, an answer on its way may hold the only refresh token there is. It may
        # have happened between any two lines, so that nothing but the exchanges can be relied on.
        for exchange in list(self._exchanges.values()):
            if exchange.turn.acquire(blocking=False):
                del self._exchanges[exchange.claim.id]
                self._unsent.append(exchange.claim)
        if self._unsent:
            self._stop(StoppedBy.SHUTDOWN)
        while self._exchanges:
            with suppress(Empty):
                self._answers.get(timeout=FINISH_POLL_SECONDS)
            for exchange in list(self._exchanges.values()):
                if exchange.outcome is not None:
                    self._keep(exchange, exchange.outcome)
        if self._unsent:
            until_done(lambda: give_back(self._unsent))
        if (
            self._report.stopped_by is StoppedBy.TIME
            and self._failures_in_a_row
            and not self._report.refreshed
        ):
            # Who hangs uses up a run's time before it has failed often enough to be called away.
            self._report.stopped_by, self._report.error = StoppedBy.OUTAGE, self._last_failure

    def _look_for_stop(self) -> None:
        if self._should_stop():
            self._stop(StoppedBy.SHUTDOWN)
        elif time.monotonic() > self._sending_ends and (self._unsent or not self._all_claimed):
            self._stop(StoppedBy.TIME)

    def _stop(self, reason: StoppedBy, error: str = "") -> None:
        if self._report.stopped_by is None:
            self._report.stopped_by, self._report.error = reason, error

    def _claim_more(self) -> None:
        # In large bites, so that claiming costs a fraction of a statement for each connection.
        if (
            self._report.stopped_by
            or self._all_claimed
            or len(self._unsent) > min(self._window, self._limit) // 4
        ):
            return
        wanted = min(3 * self._window, self._limit) - len(self._unsent)
        try:
            claims = claim_due(limit=wanted)
        except AWAY as error:
            if not self._unstored:  # Else the next store waits until it is back.
                self._stop(StoppedBy.DATABASE, f"Claiming failed: {type(error).__name__}.")
            return
        self._unsent.extend(claims)
        self._all_claimed = len(claims) < wanted

    def _send_more(self, threads: ThreadPoolExecutor) -> None:
        self._look_for_stop()
        while self._may_send():
            self._send(threads, self._unsent.popleft())

    def _may_send(self) -> bool:
        if self._report.stopped_by or not self._unsent:
            return False
        window = self._window
        if self._report.refusals_in_a_row:
            # Once refusals begin, what is in flight may not carry them past their limit.
            window = min(window, max(STOP_AFTER_REFUSALS - self._report.refusals_in_a_row, 1))
        # Nor may more answers wait for a slow database than requests may be in flight.
        in_flight = len(self._exchanges) - len(self._unstored)
        return in_flight < window and len(self._unstored) < window

    def _send(self, threads: ThreadPoolExecutor, claim: Claim) -> None:
        exchange = self._exchanges[claim.id] = _Exchange(claim)

        def job() -> None:
            if exchange.turn.acquire(blocking=False):
                outcome = exchange.outcome = renew(claim)
                self._answers.put((exchange, outcome))

        try:
            threads.submit(job)
        except RuntimeError:
            # The job is queued all the same, and an older thread may take it up.
            self._stop(StoppedBy.THREADS, "No more threads could be started.")

    def _receive(self, threads: ThreadPoolExecutor) -> None:
        # Every answer that has come lets the next requests go before the first is stored, so that
        # the database is not in their way; waiting is for when there is nothing to store.
        while not self._unstored or not self._answers.empty():
            exchange, outcome = self._answers.get()
            self._unstored.append((exchange, outcome))
            if isinstance(outcome, Renewed):
                # One more for each success doubles the window with every round trip.
                self._window = min(self._window + 1, self._limit)
                self._send_more(threads)
        if self._keep(*self._unstored[0]):
            self._unstored.popleft()
        else:
            # Behind the others, for it may be this row's own trouble, such as somebody's lock on it.
            self._unstored.rotate(-1)

    def _keep(self, exchange: _Exchange, outcome: Outcome) -> bool:
        """Store an answer; return False, after a pause, if that has to be tried again."""
        try:
            change = self._store(exchange.claim, outcome)
        except AWAY as error:
            self._retries.wait(error)
            return False
        self._retries = Retries()
        # Only now: to store twice does no harm, not to store does.
        del self._exchanges[exchange.claim.id]
        self._count(outcome, stored=change is not None)
        if change is not None and change.events:
            self._changes.append(change)
        return True

    def _store(self, claim: Claim, outcome: Outcome) -> Change | None:
        for _ in range(2):  # A time limit may have struck, which is an exception like any other.
            try:
                return store(claim, outcome)
            except AWAY:
                raise
            except Exception:  # noqa: BLE001 - told with its traceback; the other answers wait.
                log(logging.ERROR, LogEvent.STORE_FAILED, connection=claim.id, with_traceback=True)
        return None

    def _count(self, outcome: Outcome, *, stored: bool) -> None:
        report = self._report
        report.requests += not isinstance(outcome, Unsent)
        match outcome:
            case Renewed():
                report.refreshed += stored
                report.superseded += not stored
                report.refusals_in_a_row = self._failures_in_a_row = 0
            case Refused():
                report.refused += stored
                report.superseded += not stored
                self._count_refusal(counts=stored)
            case Failed(error, in_transit):
                report.failed[error.code] += 1
                if in_transit:
                    self._count_failure(str(error))
            case Rejected(error):
                report.failed[error.code] += 1
                self._stop(StoppedBy.CLIENT_REJECTED, str(error))

    def _count_refusal(self, *, counts: bool) -> None:
        self._report.refusals_in_a_row += counts
        if self._report.refusals_in_a_row >= STOP_AFTER_REFUSALS:
            self._stop(
                StoppedBy.REFUSALS,
                f"Actionstep refused {self._report.refusals_in_a_row} connections in a row: "
                "look at the client's registration before asking users to reconnect.",
            )

    def _count_failure(self, error: str) -> None:
        self._failures_in_a_row += 1
        self._last_failure = error
        self._window = max(self._window // 2, 1)
        if self._failures_in_a_row >= STOP_AFTER_FAILURES:
            self._stop(StoppedBy.OUTAGE, error)


def summary(report: Report) -> dict[str, Any]:
    """Return a report as plain values, for the heartbeat."""
    return {
        "due": report.due,
        "requests": report.requests,
        "refreshed": report.refreshed,
        "refused": report.refused,
        "superseded": report.superseded,
        "failed": dict(report.failed),
        "stopped_by": report.stopped_by or "",
        "refusals_in_a_row": report.refusals_in_a_row,
    }
