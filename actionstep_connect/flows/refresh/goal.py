"""Goals of refreshing on demand: what a caller wants of a row, what it takes instead, what forbids it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import NotConnected, ReconnectRequired, TemporarilyUnavailable
from actionstep_connect.models import Connection, Status
from actionstep_connect.models.condition import Condition, condition_of

Test = Callable[[Connection], bool]


class Goal(NamedTuple):
    """What ends a caller's wait."""

    #: What makes a refresh unnecessary.
    is_met: Test
    #: What is taken rather than wait for another caller's answer, or rather than fail.
    is_acceptable: Test
    statuses: tuple[Status, ...] = (Status.CONNECTED,)
    honours_backoff: bool = True


@lru_cache(maxsize=16)  # Few values are ever asked for, with every request.
def fresh(min_validity: float) -> Goal:
    """Want a token that lives `min_validity` seconds longer; take one that lives."""
    return Goal(
        is_met=partial(_lives_on, min_validity=timedelta(seconds=min_validity)),
        is_acceptable=partial(_lives_on, min_validity=timedelta(0)),
    )


def newer(connection: Connection, *, even_if_refused: bool) -> Goal:
    """Want a newer token than `connection` was loaded with."""
    loaded = connection.generation
    statuses = (Status.CONNECTED, Status.RECONNECT_REQUIRED)
    return Goal(
        is_met=lambda row: row.generation > loaded and row.status == Status.CONNECTED,
        is_acceptable=lambda _: False,
        statuses=statuses if even_if_refused else statuses[:1],
        honours_backoff=not even_if_refused,
    )


def other_than(refused: int) -> Goal:
    """Want another token than the refused one, unless that is brand-new."""
    return Goal(
        is_met=lambda row: (
            # One issued far in the future was stored under a wrong clock, and may be of any age.
            row.generation > refused
            or abs(datetime.now(UTC) - row.issued_at) < policy.MIN_AGE_TO_REPLACE
        ),
        is_acceptable=lambda _: False,
    )


def check_usable(connection: Connection, goal: Goal) -> None:
    """Raise NotConnected or ReconnectRequired if no token of `connection` may be used or refreshed.

    Does not ask whether its user is active, which may cost a query: `check_user` does.
    """
    config = get_config()
    now = datetime.now(UTC)
    condition = condition_of(connection, now=now, config=config, user_is_active=True)
    if condition is Condition.OTHER_ENVIRONMENT:
        raise NotConnected(
            f"This connection belongs to the environment {connection.environment!r}, "
            f"and this site now uses {config.environment!r}."
        )
    if condition.has_ended:
        raise NotConnected("This connection was ended: the user may connect again.")
    if connection.client_id != config.client_id:  # Also of one that was refused, before that.
        raise ReconnectRequired(
            "This connection was made for another CLIENT_ID: the user has to connect again."
        )
    if not condition.is_usable and connection.status not in goal.statuses:
        raise ReconnectRequired(
            f"Actionstep no longer accepts this connection ({connection.get_status_reason_display()}): "
            "the user has to connect again."
        )


def check_backoff(connection: Connection, goal: Goal) -> None:
    """Raise TemporarilyUnavailable while the next try has to wait, as far as `goal` honours that."""
    if is_backing_off(connection, goal):
        seconds = seconds_until_retry(connection)
        raise TemporarilyUnavailable(
            f"The last refresh failed ({connection.last_error}); it is tried again in {seconds:.0f} s.",
            code=ErrorCode.BACKING_OFF,
            retry_after=seconds,
        )


def is_backing_off(connection: Connection, goal: Goal) -> bool:
    """Return whether the next try has to wait, as far as `goal` honours that."""
    return goal.honours_backoff and seconds_until_retry(connection) > 0


def seconds_until_retry(connection: Connection) -> float:
    """Return how long the next try on demand has to wait after a failure; 0 without one."""
    if connection.last_failed_at is None or connection.refresh_at is None:
        return 0.0
    if connection.last_failed_at > datetime.now(UTC) + policy.MAX_BACKOFF_ON_DEMAND:
        return 0.0  # A wrong clock wrote that.
    retry_at = policy.on_demand_retry_at(
        refresh_at=connection.refresh_at, last_failed_at=connection.last_failed_at
    )
    return max((retry_at - datetime.now(UTC)).total_seconds(), 0.0)


def _lives_on(connection: Connection, *, min_validity: timedelta) -> bool:
    expires_at = connection.access_token_expires_at
    return expires_at is not None and policy.is_fresh(
        now=datetime.now(UTC),
        issued_at=connection.issued_at,
        expires_at=expires_at,
        min_validity=min_validity,
    )
