"""When a refresh is due and when to back off: pure functions of times, all in UTC."""

import random
from datetime import datetime, timedelta

from actionstep_connect.conf import IDLE_RENEWAL_SHARE, Config

#: Actionstep: an access token lives 60 minutes; used where an answer leaves `expires_in` out.
DOCUMENTED_LIFETIME = timedelta(hours=1)
#: However long an access token claims to live, it is renewed at least this often.
LONGEST_FRESH = timedelta(hours=12)
#: No `refresh_at` lies further ahead than this, unless idle renewal puts it there: a backoff, and
#: whatever `Retry-After` is honoured, are shorter.
LONGEST_DELAY = LONGEST_FRESH
#: How soon a connection without a usable access token is tried again.
SOON = timedelta(minutes=1)
FIRST_BACKOFF = timedelta(seconds=30)
#: The wait doubles up to this; up to a quarter more or less comes on top by chance, so that an
#: outage's connections do not all come back at once.
LONGEST_BACKOFF = timedelta(minutes=30)
LONGEST_RETRY_AFTER = timedelta(hours=1)
#: On demand, a stored backoff holds a user's request up for no longer than this.
LONGEST_BACKOFF_ON_DEMAND = timedelta(seconds=60)
#: A token younger than this is not refreshed because of a 401.
SHORTEST_AGE_TO_REPLACE = timedelta(seconds=60)
#: How many failures in a row make a connection "failing" to people.
FAILING_AFTER = 3
#: A connection that is due for so long is overdue: nobody refreshes it, or not fast enough.
OVERDUE_AFTER = timedelta(minutes=10)
#: In an outage of Actionstep's what is due has to wait. One so long is more likely a wall of our own.
LONGEST_OUTAGE = timedelta(hours=4)
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
        return max(renewal, now + _jittered(LONGEST_FRESH))
    if access_token_expires_at is None:
        return now + SOON
    life = access_token_expires_at - now
    half = life / 2
    if half > LONGEST_FRESH:
        return now + _jittered(LONGEST_FRESH)
    delay = min(life - min(config.refresh_before, half), LONGEST_FRESH)
    return now + _jittered(delay, at_least=half)


def is_idle(*, now: datetime, last_used_at: datetime, config: Config) -> bool:
    """Say whether a connection is unused for long enough to be only kept alive."""
    return config.idle_after is not None and now - last_used_at >= config.idle_after


def idle_renewal_at(*, refresh_token_expires_at: datetime, config: Config) -> datetime:
    """Return when an idle connection is renewed: well before it would be flagged."""
    issued_at = refresh_token_expires_at - config.refresh_token_lifetime
    return issued_at + _jittered(_idle_window(config))


def is_waiting_too_long(*, waited: timedelta, in_outage: bool) -> bool:
    """Say whether somebody should look why what has been due for so long is not refreshed."""
    return waited > (LONGEST_OUTAGE if in_outage else OVERDUE_AFTER)


def longest_delay(config: Config) -> timedelta:
    """Return how far ahead a `refresh_at` can honestly lie; anything beyond came from a wrong clock."""
    return LONGEST_DELAY if config.idle_after is None else max(LONGEST_DELAY, _idle_window(config))


def retry_at(*, now: datetime, failures: int, retry_after: float | None) -> datetime:
    """Return when to try again after `failures` in a row; `retry_after` in seconds is honoured."""
    exponent = min(failures - 1, 16)
    delay = min(FIRST_BACKOFF * 2.0**exponent, LONGEST_BACKOFF)
    delay *= random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, keeps no secret.
    if retry_after is not None:
        delay = max(delay, min(timedelta(seconds=retry_after), LONGEST_RETRY_AFTER))
    return now + delay


def on_demand_retry_at(*, refresh_at: datetime, last_failed_at: datetime) -> datetime:
    """Return when a user's own request may try again, for which backoff is capped."""
    return min(refresh_at, last_failed_at + LONGEST_BACKOFF_ON_DEMAND)


def is_fresh(
    *, now: datetime, issued_at: datetime, expires_at: datetime, min_validity: timedelta
) -> bool:
    """Say whether an access token lives `min_validity` longer, or half its whole life if shorter."""
    return expires_at - now > min(min_validity, (expires_at - issued_at) / 2)


def _idle_window(config: Config) -> timedelta:
    return (config.refresh_token_lifetime - config.warn_before) * IDLE_RENEWAL_SHARE


def _jittered(delay: timedelta, *, at_least: timedelta = timedelta(0)) -> timedelta:
    return max(delay * random.uniform(1 - JITTER, 1), at_least)  # noqa: S311 - spreads load only.
