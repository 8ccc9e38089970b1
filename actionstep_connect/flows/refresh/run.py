"""A run: refresh what is due, many at a time, gently at first, and end in time.

The thread that runs it does all the database work; others do nothing but HTTP. The database rows are
the queue, so a run may be cut off, doubled or left out without losing anything.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.crypto import get_key_ring
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.flows.database import (
    DATABASE_UNAVAILABLE,
    Backoff,
    Place,
    at,
    is_locked,
    primary_alias,
    renew_database_connection,
    retry_unless_locked,
)
from actionstep_connect.flows.events import ConnectionChange, announce_pending
from actionstep_connect.flows.refresh.claim import (
    Claim,
    claim_due,
    claim_lapsed,
    give_back,
    give_back_due,
    new_owner,
)
from actionstep_connect.flows.refresh.fleet import (
    count_due,
    count_fleet,
    is_writable,
    repair_clock_damage,
)
from actionstep_connect.flows.refresh.pacing import MAX_REJECTIONS, Pace
from actionstep_connect.flows.refresh.renew import (
    Failed,
    NotSent,
    Outcome,
    Refused,
    Rejected,
    Renewed,
    Unreadable,
    renew,
)
from actionstep_connect.flows.refresh.store import (
    log_refresh,
    store,
    store_failed,
    tries_with_events,
)
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import StoppedBy
from actionstep_connect.models.run_summary import RunSummary

RUN_SECONDS = 55.0  # a run ends before the next begins
MIN_SENDING = 5.0  # seconds
FINISH_POLL_SECONDS = 0.1
#: When so small a share of the window is left to send, so many windows are claimed.
CLAIM_WHEN_BELOW, CLAIM_AHEAD = 1 / 4, 3
LOCKED_INTERVAL = 1.0  # seconds between two tries to store an answer whose row is locked
#: For so long one answer is tried to be stored while the database takes other writes.
STORE_TIMEOUT = 300.0  # seconds


def refresh_due(
    *,
    should_stop: Callable[[], bool] = lambda: False,
    refusals_before: int = 0,
    rejected_before: Sequence[UUID] = (),
) -> RunSummary:
    """Refresh every due connection until none is left, time is up, or something says stop.

    Then announce what this run, or one that was killed, stored and did not announce.
    `refusals_before` and `rejected_before` are the last run's counts: see `Pace`.
    """
    with at(Place.to_stay_at()):
        repeated(repair_clock_damage)
        pace = Pace(
            limit=get_config().refresh_concurrency,
            endings_before=refusals_before,
            rejected_before=rejected_before,
        )
        return _Run(pace, should_stop=should_stop).run()


@dataclass(slots=True)
class _Exchange:
    """One token request: in flight while it has no outcome."""

    claim: Claim
    #: Acquired once: by the thread that sends, or by `_finish`, which gives up. Not Future.cancel():
    #: submit() may raise after it has queued the job, and returns no future then.
    taken: threading.Lock = field(default_factory=threading.Lock)
    outcome: Outcome | None = None
    #: The monotonic clock at the first try to store it that failed.
    store_failing_since: float = 0.0
    #: The monotonic clock before which it is not tried again, because its row is locked.
    locked_until: float = 0.0


class _Run:
    def __init__(self, pace: Pace, *, should_stop: Callable[[], bool]) -> None:
        config = get_config()
        self._pace = pace
        self._should_stop = should_stop
        self._limit = config.refresh_concurrency
        self._sending_ends = time.monotonic() + max(RUN_SECONDS - config.http_timeout, MIN_SENDING)
        self._unsent: deque[Claim] = deque()
        self._claiming = ""  # The owner of a claim that is being made.
        #: What may have been sent and is not stored: in flight, or in one of the next two.
        self._exchanges: dict[UUID, _Exchange] = {}
        self._answers: SimpleQueue[tuple[_Exchange, Outcome]] = SimpleQueue()
        self._unstored: deque[tuple[_Exchange, Outcome]] = deque()
        #: Answers whose rows other transactions have locked: stored behind all others.
        self._locked: deque[tuple[_Exchange, Outcome]] = deque()
        self._retries = Backoff()
        self._is_more_due = self._is_more_lapsed = True
        self._report = RunSummary()

    def run(self) -> RunSummary:
        self._report.due = repeated(count_due)
        try:
            if self._report.due and self._has_keys():
                with ThreadPoolExecutor(self._limit, thread_name_prefix="actionstep") as threads:
                    try:
                        self._refresh(threads)
                    except BaseException:
                        renew_database_connection()  # It may have struck within a statement.
                        raise
                    finally:
                        self._finish()
            self._conclude()
        finally:
            announce_pending(suspected_site_fault=self._report.stopped_by is StoppedBy.REFUSALS)
        return self._report

    def _conclude(self) -> None:
        report, pace = self._report, self._pace
        report.refusals_in_a_row = pace.endings_in_a_row
        report.rejected_in_a_row = sorted(pace.rejected_in_a_row)[:MAX_REJECTIONS]
        if (
            report.stopped_by in (None, StoppedBy.TIME)
            and report.rejected_in_a_row
            and (rejection := pace.rejection(fleet=count_fleet()))
        ):
            report.stopped_by, report.error = rejection
        if report.stopped_by is StoppedBy.TIME and pace.outage and not report.refreshed:
            # What hangs uses up a run's time before it has failed often enough to be an outage.
            report.stopped_by, report.error = pace.outage
        if report.short_lived:
            log(
                logging.WARNING,
                LogEvent.SHORT_LIVED,
                "Access tokens expire sooner than they may be replaced on schedule: these are "
                "refreshed once a minute, and when they are used.",
                rows=report.short_lived,
            )

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
            if exchange.taken.acquire(blocking=False):
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
            self._give_back()
        if self._claiming:
            with suppress(*DATABASE_UNAVAILABLE):  # It failed, and may have been committed.
                give_back_due(owner=self._claiming)

    def _give_back(self) -> None:
        try:
            if retry_unless_locked(lambda: give_back(self._unsent)) is None:
                for claim in self._unsent:  # One of them is locked: its lease lapses.
                    retry_unless_locked(partial(give_back, [claim]))
        except Exception:  # noqa: BLE001 - told with its traceback; their leases lapse.
            log(logging.ERROR, LogEvent.STORE_FAILED, with_traceback=True)

    def _look_for_stop(self) -> None:
        if self._should_stop():
            self._stop(StoppedBy.SHUTDOWN)
        elif time.monotonic() > self._sending_ends and (
            self._unsent or self._is_more_due or self._is_more_lapsed
        ):
            self._stop(StoppedBy.TIME)

    def _stop(self, reason: StoppedBy, error: str = "") -> None:
        if self._report.stopped_by is None:
            self._report.stopped_by, self._report.error = reason, error

    def _claim_more(self) -> None:
        # Many at a time, so that claiming costs a fraction of a statement for each connection.
        if self._report.stopped_by or len(self._unsent) > self._pace.window * CLAIM_WHEN_BELOW:
            return
        try:
            if self._is_more_due:
                wanted = min(CLAIM_AHEAD * self._pace.window, self._limit) - len(self._unsent)
                self._is_more_due = self._claim(partial(claim_due, limit=wanted)) == wanted
            if self._is_more_lapsed and not (self._is_more_due or self._unsent or self._exchanges):
                self._is_more_lapsed = bool(self._claim(claim_lapsed))
        except DATABASE_UNAVAILABLE as error:
            if not self._unstored:  # Else the next store waits until it is back.
                self._stop(StoppedBy.DATABASE, f"Claiming failed: {type(error).__name__}.")
                renew_database_connection()  # It may lead to a server that is no longer the primary.

    def _claim(self, claim: Callable[..., list[Claim]]) -> int:
        owner = self._claiming = new_owner()
        claims = repeated(lambda: claim(owner=owner))
        self._unsent.extend(claims)
        self._claiming = ""
        return len(claims)

    def _send_more(self, threads: ThreadPoolExecutor) -> None:
        self._look_for_stop()
        while self._may_send():
            self._send(threads, self._unsent.popleft())

    def _may_send(self) -> bool:
        if self._report.stopped_by or not self._unsent:
            return False
        window = self._pace.window
        # Nor may more answers wait for a slow database than requests may be in flight.
        in_flight = len(self._exchanges) - len(self._unstored) - len(self._locked)
        return (
            in_flight < window and len(self._unstored) < window and len(self._locked) < self._limit
        )

    def _send(self, threads: ThreadPoolExecutor, claim: Claim) -> None:
        exchange = self._exchanges[claim.id] = _Exchange(claim)

        def job() -> None:
            if exchange.taken.acquire(blocking=False):
                outcome = exchange.outcome = renew(claim)
                self._answers.put((exchange, outcome))

        try:
            threads.submit(copy_context().run, job)
        except RuntimeError:
            # The job is queued nevertheless, and an older thread may take it up.
            self._stop(StoppedBy.THREADS, "No more threads could be started.")

    def _receive(self, threads: ThreadPoolExecutor) -> None:
        # Every answer that has come lets the next requests go before the first is stored, so that
        # the database is not in their way; waiting is for when there is nothing to store.
        if self._locked and time.monotonic() > self._locked[0][0].locked_until:
            self._unstored.append(self._locked.popleft())
        while not self._unstored or not self._answers.empty():
            try:
                exchange, outcome = self._answers.get(
                    timeout=LOCKED_INTERVAL if self._locked else None
                )
            except Empty:
                return
            self._unstored.append((exchange, outcome))
            if isinstance(outcome, Renewed):
                self._pace.widen()
                self._send_more(threads)
        exchange, outcome = self._unstored[0]
        if self._keep(exchange, outcome):
            self._unstored.popleft()
        elif exchange.locked_until > time.monotonic():
            self._locked.append(self._unstored.popleft())
        else:
            # Behind the others, because it may be this row's own trouble.
            self._unstored.rotate(-1)

    def _keep(self, exchange: _Exchange, outcome: Outcome) -> bool:
        """Store an answer; return False, after a pause, if that has to be tried again."""
        is_news = _is_news(exchange.claim, outcome)
        try:
            change = self._store(exchange.claim, outcome)
        except DATABASE_UNAVAILABLE as error:
            if not self._is_lost(exchange, error):
                return False
            change = None
        self._retries = Backoff()
        # Only now: to store twice does no harm, not to store does.
        del self._exchanges[exchange.claim.id]
        self._count(exchange.claim.id, outcome, stored=change is not None, is_news=is_news)
        return True

    def _store(self, claim: Claim, outcome: Outcome) -> ConnectionChange | None:
        # What fails each time is this row's own trouble: it backs off, and the other answers wait.
        for with_events in tries_with_events(outcome):
            try:
                change = store(claim, outcome, with_events=with_events)
                log_refresh(claim, outcome, stored=change is not None)
            except DATABASE_UNAVAILABLE:
                raise
            except Exception as error:  # noqa: BLE001 - told with its traceback.
                log(logging.ERROR, LogEvent.STORE_FAILED, connection=claim.id, with_traceback=True)
                failure = error
            else:
                return change
        with suppress(Exception):  # Else its lease lapses, and it comes last.
            store_failed(claim, outcome, failure)
        return None

    def _is_lost(self, exchange: _Exchange, error: Exception) -> bool:
        """Pause before the next try to store an answer; return True if there is to be none.

        While the database is away there always is. Where it takes other writes, one row may not hold
        up all runs forever.
        """
        exchange.store_failing_since = exchange.store_failing_since or time.monotonic()
        waited = time.monotonic() - exchange.store_failing_since
        try:
            if is_locked(error) and not connections[primary_alias()].in_atomic_block:
                exchange.locked_until = time.monotonic() + LOCKED_INTERVAL
            else:
                self._retries.wait(error)
            if waited < STORE_TIMEOUT or not is_writable():
                return False
        except DATABASE_UNAVAILABLE:  # In a transaction, which is broken by now.
            pass
        name = type(error).__name__
        log(logging.ERROR, LogEvent.STORE_FAILED, connection=exchange.claim.id, error=name)
        return True

    def _count(self, connection: UUID, outcome: Outcome, *, stored: bool, is_news: bool) -> None:
        report, pace = self._report, self._pace
        report.requests += not isinstance(outcome, NotSent | Unreadable)
        match outcome:
            case Renewed(grant):
                report.refreshed += stored
                report.superseded += not stored
                report.short_lived += grant.lifetime is not None and policy.is_short_lived(
                    grant.lifetime
                )
                pace.succeeded()
            case Refused() | Unreadable():
                report.refused += stored
                report.superseded += not stored
                if stored:
                    pace.ended(connection)
            case Failed(error, in_transit):
                report.failed[error.code] += 1
                if in_transit:
                    pace.failed(connection, str(error))
            case Rejected(error):
                report.failed[error.code] += 1
                if is_news:
                    pace.rejected(connection)
        if pace.stop:
            self._stop(*pace.stop)


def _is_news(claim: Claim, outcome: Outcome) -> bool:
    # A connection that is rejected again says nothing new of the site's credentials, which may have
    # served others since.
    return not isinstance(outcome, Rejected) or claim.connection.last_error != str(outcome.error)
