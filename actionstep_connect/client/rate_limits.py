"""What Actionstep said when it asked for fewer requests (429), for all workers of a site.

A process remembers it for all its clients of a connection, which is one user at one organisation. Where
the default cache is shared, the others learn it from there, at most a second later.

The entry's existence says that the limit is on, and the cache's own clock ends it. Until when is in its
value by the clock of its writer, so that only tells how long to wait: never longer than it was for, and
a little longer where the reader's clock is ahead. A value that is never ended blocks no process for longer.
"""

import re
import time
from concurrent.futures import Future
from functools import partial
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID

from django.core.cache import BaseCache

from actionstep_connect.client.errands import errands, is_cache_shared
from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import RateLimited
from actionstep_connect.forks import after_fork
from actionstep_connect.policy import MAX_RETRY_AFTER

#: However long Actionstep, or the cache, says that it is.
MAX_HOLD = MAX_RETRY_AFTER.total_seconds()
UNNAMED_HOLD = 2.0  # seconds where Actionstep does not say how long
MIN_HOLD = 1.0  # seconds after which to look again where the time is over by this machine's clock
ASK_INTERVAL = 1.0  # seconds between two looks into the cache for one connection
MAX_REMEMBERED = 10_000

_VALUE = re.compile(r"(\d{1,12}) (\d{1,5}) ([01])", re.ASCII)


class Held(RateLimited):
    """Raised in place of a request, because Actionstep has asked for fewer: nothing was sent."""


class Limit(NamedTuple):
    """Until when (UTC, in seconds since 1970), for how many seconds in all, and whether that was named."""

    until: float
    seconds: float
    is_named: bool

    def __str__(self) -> str:
        return f"{ceil(self.until)} {ceil(self.seconds)} {int(self.is_named)}"


def key_of(connection: UUID) -> str:
    """Return the key under which the cache has the limit of `connection`."""
    return f"actionstep_connect:rate_limit:{connection}"


def forget() -> None:
    """Forget what this process knows, as a test does that lets everything go well again."""
    for known in (_limits, _seen, _asked):
        known.clear()


class RateLimits:
    """The rate limit of one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: UUID) -> None:
        self._connection = connection

    def check(self, *, after: Exception | None = None) -> None:
        """Raise Held while Actionstep wants no request. `after` is what the last attempt ended in."""
        if _is_off(after):
            return
        self._check_here()
        if (asked := self._ask()) is not None:
            self._learn(errands().wait(asked))

    async def acheck(self, *, after: Exception | None = None) -> None:
        """Do what `check` does, in async code."""
        if _is_off(after):
            return
        self._check_here()
        if (asked := self._ask()) is not None:
            self._learn(await errands().await_(asked))

    def note(self, error: Exception) -> None:
        """Remember a 429, and tell the others. Any other error is of no concern."""
        errands().wait(self._note(error))

    async def anote(self, error: Exception) -> None:
        """Do what `note` does, in async code."""
        await errands().await_(self._note(error))

    def _check_here(self) -> None:
        limit = _limits.get(self._connection)
        if limit is None:
            return
        left = limit.until - time.time()
        if not 0 < left <= limit.seconds:  # It is over, or the clock was put back.
            _limits.pop(self._connection, None)
            return
        when = f"in {left:.0f} s" if limit.is_named else "later"
        raise Held(
            f"Actionstep has asked for fewer requests (429), so nothing was sent: try again {when}.",
            retry_after=left if limit.is_named else None,
        )

    def _ask(self) -> "Future[Any] | None":
        """Ask the cache, or return what it was asked just now; None where it is this process's own."""
        if not is_cache_shared():
            return None
        now = time.monotonic()
        asked_at, asked = _asked.get(self._connection, (None, None))
        if asked_at is None or now - asked_at >= ASK_INTERVAL:
            asked = errands().send(partial(_read, key_of(self._connection)))
            _keep(_asked, self._connection, (now, asked))
        return asked

    def _learn(self, value: object) -> None:
        if (limit := _limit_of(value)) is None:
            return
        _asked.pop(self._connection, None)  # When this is over, the cache is asked again.
        now = time.monotonic()
        seen, seen_at = _seen.get(self._connection, (None, now))
        if seen != value:
            seen_at = now
            _keep(_seen, self._connection, (value, now))
        left = min(max(limit.until - time.time(), MIN_HOLD), seen_at + limit.seconds - now)
        if left > 0:
            _keep(_limits, self._connection, limit._replace(until=time.time() + left))
            self._check_here()

    def _note(self, error: Exception) -> "Future[Any] | None":
        if not isinstance(error, RateLimited) or not get_config().share_rate_limits:
            return None
        asked = error.retry_after
        seconds = min(UNNAMED_HOLD if asked is None else asked, MAX_HOLD)
        if seconds <= 0:
            return None
        limit = Limit(time.time() + seconds, seconds, is_named=asked is not None)
        known = _limits.get(self._connection)
        if known is None or known.until < limit.until:
            _keep(_limits, self._connection, limit)
        if not is_cache_shared():
            return None
        return errands().send(partial(_write, key_of(self._connection), limit))


def _is_off(after: Exception | None) -> bool:
    # What Actionstep has just said to this very request, its own backoff heeds.
    is_told = isinstance(after, RateLimited) and not isinstance(after, Held)
    return is_told or not get_config().share_rate_limits


def _read(key: str, cache: BaseCache) -> Any:
    return cache.get(key)


def _write(key: str, limit: Limit, cache: BaseCache) -> None:
    known = _limit_of(cache.get(key))
    # Rounded up to seconds, as it was written.
    if known is not None and limit.until < known.until <= ceil(time.time() + known.seconds):
        return  # Of two, the longer one.
    cache.set(key, str(limit), ceil(limit.seconds))


def _limit_of(value: object) -> Limit | None:
    """Return what the cache holds, if this package can have written it."""
    said = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if said is None or not 0 < int(said[2]) <= MAX_HOLD:
        return None
    return Limit(float(said[1]), float(said[2]), said[3] == "1")


def _keep(known: dict[UUID, Any], connection: UUID, value: Any) -> None:
    """Remember `value`, and for it forget the oldest of too many."""
    known.pop(connection, None)
    known[connection] = value
    while len(known) > MAX_REMEMBERED:
        try:
            known.pop(next(iter(known)), None)
        except (RuntimeError, StopIteration):
            return  # Another thread is at it.


_limits: dict[UUID, Limit] = {}
#: What the cache said of whom, and since when (monotonic) this process has seen it say so.
_seen: dict[UUID, tuple[object, float]] = {}
#: When (monotonic) the cache was last asked of whom.
_asked: dict[UUID, "tuple[float, Future[Any] | None]"] = {}
#: The answers of a parent's thread do not reach its child.
after_fork(_asked.clear)
