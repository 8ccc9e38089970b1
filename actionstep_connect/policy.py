"""When a refresh is due and when to back off: pure functions of times, all in UTC."""

import random
from datetime import datetime, timedelta

from actionstep_connect.conf import IDLE_RENEWAL_SHARE, Config

#: Actionstep: an access token lives 60 minutes; used where an answer leaves `expires_in` out.
DOCUMENTED_LIFETIME = timedelta(hours=1)
#: However long an access token claims to live, it is renewed at least this often.
MAX_FRESH = timedelta(hours=12)
#: No `refresh_at` lies further ahead than this, unless idle renewal puts it there: a backoff, and
#: whatever `Retry-After` is honoured, are shorter.
MAX_DELAY = MAX_FRESH
#: However short an access token's life, a connection is not refreshed by schedule sooner than this
#: after its last refresh.
MIN_INTERVAL = timedelta(minutes=1)
#: How soon a connection without a usable access token is tried again.
SOON = MIN_INTERVAL
FIRST_BACKOFF = timedelta(seconds=30)
#: The wait doubles up to this; up to a quarter more or less comes on top by chance, so that an
#: outage's connections do not all come back at once.
MAX_BACKOFF = timedelta(minutes=30)
MAX_RETRY_AFTER = timedelta(hours=1)
#: Where Actionstep refuses the site's credentials for one connection. Short, because corrected
#: credentials serve at once, and one such connection costs a request in so long.
FIRST_REJECTED_BACKOFF = timedelta(minutes=1)
MAX_REJECTED_BACKOFF = timedelta(minutes=10)
#: On demand, a stored backoff holds a user's request up for no longer than this.
MAX_BACKOFF_ON_DEMAND = timedelta(seconds=60)
#: A token younger than this is not refreshed because of a 401.
MIN_AGE_TO_REPLACE = timedelta(seconds=60)
#: How many failures in a row make a connection "failing" to people.
FAILING_AFTER = 3
#: A connection that is due for so long is overdue: it is not refreshed, or not fast enough.
OVERDUE_AFTER = timedelta(minutes=10)
#: In an outage of Actionstep's what is due has to wait. One so long is more likely the site's own firewall.
MAX_OUTAGE = timedelta(hours=4)
#: How far the clocks of two machines may differ before people are told.
CLOCK_TOLERANCE = timedelta(minutes=1)
#: For so many seconds it is taken for granted that a user who was read as active still is.
USER_KNOWN_FOR = 60.0
#: `last_used_at` is written at most this often.
USE_RESOLUTION = timedelta(hours=1)
#: Jitter takes up to this share off a delay, so that connections do not fall due together.
JITTER = 0.1


def refresh_due_at(
    *,
    now: datetime,
    access_token_expires_at: datetime | None,
    refresh_token_expires_at: datetime,
    last_used_at: datetime,
    config: Config,
) -> datetime:
    """Return when a connection just renewed at `now` is to be refreshed next."""
    if is_idle(now=now, last_used_at=last_used_at, config=config):
        renewal = idle_renewal_at(refresh_token_expires_at=refresh_token_expires_at, config=config)
        # Not at once again, where an answer left the refresh token and its limit as they were.
        return max(renewal, now + _jittered(MAX_FRESH))
    if access_token_expires_at is None:
        return now + SOON
    life = access_token_expires_at - now
    half = life / 2
    if half > MAX_FRESH:
        return now + _jittered(MAX_FRESH)
    delay = min(life - min(config.refresh_before, half), MAX_FRESH)
    return now + max(_jittered(delay, at_least=half), MIN_INTERVAL)


def is_short_lived(life: timedelta) -> bool:
    """Return whether an access token expires before the schedule may replace it in time."""
    return life < 2 * MIN_INTERVAL


def is_idle(*, now: datetime, last_used_at: datetime, config: Config) -> bool:
    """Return whether a connection is unused for long enough to be only kept alive."""
    return config.idle_after is not None and now - last_used_at >= config.idle_after


def idle_renewal_at(*, refresh_token_expires_at: datetime, config: Config) -> datetime:
    """Return when an idle connection is renewed: well before it would be flagged."""
    issued_at = refresh_token_expires_at - config.refresh_token_lifetime
    return issued_at + _jittered(_idle_window(config))


def is_waiting_too_long(*, waited: timedelta, in_outage: bool) -> bool:
    """Return whether a person should find out why what has been due for so long is not refreshed."""
    return waited > (MAX_OUTAGE if in_outage else OVERDUE_AFTER)


def longest_delay(config: Config) -> timedelta:
    """Return how far ahead a `refresh_at` can honestly lie; anything beyond came from a wrong clock."""
    return MAX_DELAY if config.idle_after is None else max(MAX_DELAY, _idle_window(config))


def retry_at(*, now: datetime, failures: int, retry_after: float | None) -> datetime:
    """Return when to try again after `failures` in a row; `retry_after` in seconds is honoured."""
    delay = _backoff(failures, first=FIRST_BACKOFF, longest=MAX_BACKOFF)
    if retry_after is not None:
        delay = max(delay, min(timedelta(seconds=retry_after), MAX_RETRY_AFTER))
    return now + delay


def rejected_retry_at(*, now: datetime, failures: int) -> datetime:
    """Return when to try again after Actionstep refused the site's credentials for a connection."""
    return now + _backoff(failures, first=FIRST_REJECTED_BACKOFF, longest=MAX_REJECTED_BACKOFF)


def on_demand_retry_at(*, refresh_at: datetime, last_failed_at: datetime) -> datetime:
    """Return when a user's own request may try again, for which backoff is capped."""
    return min(refresh_at, last_failed_at + MAX_BACKOFF_ON_DEMAND)


def is_fresh(
    *, now: datetime, issued_at: datetime, expires_at: datetime, min_validity: timedelta
) -> bool:
    """Return whether an access token lives `min_validity` longer, or half its whole life if shorter."""
    return expires_at - now > min(min_validity, (expires_at - issued_at) / 2)


def _idle_window(config: Config) -> timedelta:
    return (config.refresh_token_lifetime - config.warn_before) * IDLE_RENEWAL_SHARE


def _backoff(failures: int, *, first: timedelta, longest: timedelta) -> timedelta:
    delay = min(first * 2.0 ** min(failures - 1, 16), longest)
    return delay * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, keeps no secret.


def _jittered(delay: timedelta, *, at_least: timedelta = timedelta(0)) -> timedelta:
    return max(delay * random.uniform(1 - JITTER, 1), at_least)  # noqa: S311 - spreads load only.
