"""Pacing: how many requests may be in flight, and when a run has to stop.

Pure: no clock, no database, no threads. A run begins with FIRST_WINDOW requests in flight. Each success
allows one more, so the window doubles with every round trip; each failure on the way halves it.

What one connection meets stops no other. Only several different connections that meet the same, with
no success between, speak for the site, for Actionstep, or for the way there.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from actionstep_connect.models import StoppedBy

FIRST_WINDOW = 4  # requests in flight at the start
MAX_FAILURES = 12  # in a row: the way to Actionstep is broken
MAX_ENDINGS = 20  # in a row: a cause at this site is more likely than that many users' own
MAX_REJECTIONS = 3  # in a row: Actionstep does not accept this site's credentials


class Stop(NamedTuple):
    """Why a run sends nothing more."""

    reason: StoppedBy
    message: str


class Pace:
    """The pace of one run.

    `endings_before` is the number of endings in a row that the last run ended with: as long as it is
    at its maximum, a run sends single probes and stops at the first ending more. `rejected_before` are
    the connections that were rejected in earlier runs, without a success since.
    """

    def __init__(
        self, *, limit: int, endings_before: int = 0, rejected_before: Iterable[UUID] = ()
    ) -> None:
        self._limit = limit
        self._window = min(FIRST_WINDOW, limit)
        self._endings_before = endings_before
        self._rejected_before = set(rejected_before)
        self._ended: set[UUID] = set()
        self._failed: set[UUID] = set()
        self._rejected: set[UUID] = set()
        self._last_failure = ""
        self.stop: Stop | None = None

    @property
    def window(self) -> int:
        """How many requests may be in flight now.

        Once endings or rejections begin, what is in flight may not carry them past their maximum.
        """
        window = self._window
        if self.endings_in_a_row:
            window = min(window, max(MAX_ENDINGS - self.endings_in_a_row, 1))
        if self._rejected:
            window = min(window, max(MAX_REJECTIONS - len(self._rejected), 1))
        return window

    @property
    def endings_in_a_row(self) -> int:
        """How many different connections ended since the last success, earlier runs included."""
        return self._endings_before + len(self._ended)

    @property
    def rejected_in_a_row(self) -> set[UUID]:
        """The connections that were rejected since the last success, in earlier runs included."""
        return self._rejected_before | self._rejected

    def rejection(self, *, fleet: int = MAX_REJECTIONS) -> Stop | None:
        """What to say of a site whose credentials several connections in a row were refused for.

        Of a `fleet` of fewer connections, all of them have to say so.
        """
        if not 0 < min(MAX_REJECTIONS, fleet) <= len(self.rejected_in_a_row):
            return None
        return Stop(
            StoppedBy.CLIENT_REJECTED,
            "Actionstep refused this site's client credentials, whichever connection they came with: "
            "check CLIENT_ID and CLIENT_SECRET.",
        )

    @property
    def outage(self) -> Stop | None:
        """What to say of a run in which nothing succeeded and something failed on its way."""
        return Stop(StoppedBy.OUTAGE, self._last_failure) if self._failed else None

    def widen(self) -> None:
        """Allow one request more in flight: a good answer has arrived."""
        self._window = min(self._window + 1, self._limit)

    def succeeded(self) -> None:
        """Count a success: whatever went wrong before it was one connection's own affair."""
        self._endings_before = 0
        for counted in (self._ended, self._failed, self._rejected, self._rejected_before):
            counted.clear()

    def ended(self, connection: UUID) -> None:
        """Count a connection that only its user can bring back. Its client was accepted."""
        self._rejected.clear()
        self._rejected_before.clear()
        self._ended.add(connection)
        if self.endings_in_a_row >= MAX_ENDINGS:
            self._stop(
                StoppedBy.REFUSALS,
                f"Actionstep refused {self.endings_in_a_row} connections in a row, or their tokens "
                "could not be decrypted: look at the client's registration and at what was changed "
                "in the database before asking users to reconnect.",
            )

    def rejected(self, connection: UUID) -> None:
        """Count a connection for which Actionstep refused this site's own credentials.

        Only those of this run stop it: what was rejected before has a backoff, and others go first.
        """
        self._rejected.add(connection)
        if len(self._rejected) >= MAX_REJECTIONS and (rejection := self.rejection()):
            self._stop(*rejection)

    def failed(self, connection: UUID, message: str) -> None:
        """Count a request that failed on its way, and send fewer at once."""
        self._failed.add(connection)
        self._last_failure = message
        self._window = max(self._window // 2, 1)
        if len(self._failed) >= MAX_FAILURES:
            self._stop(StoppedBy.OUTAGE, message)

    def _stop(self, reason: StoppedBy, message: str) -> None:
        if self.stop is None:
            self.stop = Stop(reason, message)
