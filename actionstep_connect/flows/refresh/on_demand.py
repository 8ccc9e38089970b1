"""Refreshing on demand: one caller refreshes, the others take its answer, good or bad."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

from asgiref.sync import sync_to_async

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from actionstep_connect.crypto import Secret
from actionstep_connect.exceptions import (
    ClientRejected,
    NotConnected,
    ReconnectRequired,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.database import AWAY, on_primary, until_done
from actionstep_connect.flows.events import Change, tell
from actionstep_connect.flows.refresh.claim import Claim, claim_one, give_back
from actionstep_connect.flows.refresh.outside import (
    IN_TRANSACTION,
    aoutside_transaction,
    outside_transaction,
    undisturbed,
)
from actionstep_connect.flows.refresh.renew import Failed, Outcome, Rejected, Unsent, renew
from actionstep_connect.flows.refresh.store import store
from actionstep_connect.flows.refresh.tally import tally_one
from actionstep_connect.flows.refresh.use import atouch, is_use_known, touch
from actionstep_connect.models import Connection, Status

FIRST_PAUSE = 0.02  # seconds between two looks at a row that somebody else refreshes, doubled up to
LONGEST_PAUSE = 0.25
LEASE_PATIENCE = 5.0  # seconds beyond HTTP_TIMEOUT that somebody else's answer may take
LOCK_PATIENCE = 2.0  # seconds to wait for a row that is locked although nobody refreshes it

Test = Callable[[Connection], bool]


class _Demand(NamedTuple):
    #: What makes a refresh unnecessary.
    is_good: Test
    #: What is taken rather than wait for somebody else, or rather than fail.
    is_enough: Test
    statuses: tuple[Status, ...] = (Status.CONNECTED,)
    honours_backoff: bool = True


def fresh_token(connection: Connection, *, min_validity: float) -> Secret:
    """Return an access token that lives `min_validity` seconds longer, refreshing it if it must.

    Raises as `keep_fresh` does, and DecryptionFailed.
    """
    keep_fresh(connection, min_validity=min_validity)
    return connection.open_access_token()


async def afresh_token(connection: Connection, *, min_validity: float) -> Secret:
    """Do what `fresh_token` does, in async code."""
    await akeep_fresh(connection, min_validity=min_validity)
    return connection.open_access_token()


def keep_fresh(connection: Connection, *, min_validity: float) -> None:
    """See that the access token lives `min_validity` seconds longer, refreshing it if it must.

    `min_validity` never asks for more than half a token's life. While the present token is good and
    its use is on record, no query is made; while it lives at all, nobody waits and nothing fails.
    `connection` is brought up to date.

    Raises NotConnected, ReconnectRequired, TemporarilyUnavailable, ClientRejected, DecryptionFailed.
    """
    demand = _fresh(min_validity)
    _check_usable(connection, demand)
    if not is_use_known(connection):
        touch(connection)
    if not demand.is_good(connection):
        _satisfy(connection, demand)


async def akeep_fresh(connection: Connection, *, min_validity: float) -> None:
    """Do what `keep_fresh` does, in async code."""
    demand = _fresh(min_validity)
    _check_usable(connection, demand)
    if not is_use_known(connection):
        await atouch(connection)
    if not demand.is_good(connection):
        await _asatisfy(connection, demand)


def refresh_now(connection: Connection, *, even_if_refused: bool = False) -> None:
    """Refresh `connection`, due or not, unless it was refreshed since it was loaded.

    Stored backoff is honoured. `even_if_refused` ignores it, and presents a refresh token once more
    that Actionstep refused: for an admin who knows better. `connection` is brought up to date.

    Raises as `keep_fresh` does.
    """
    demand = _newer(connection, even_if_refused=even_if_refused)
    _check_usable(connection, demand)
    outside_transaction(lambda: _settle(connection, demand))


async def arefresh_now(connection: Connection) -> None:
    """Do what `refresh_now` does, in async code."""
    demand = _newer(connection)
    _check_usable(connection, demand)
    await aoutside_transaction(lambda: _settle(connection, demand))


def replace_refused_token(connection: Connection, *, refused: int) -> bool:
    """After a 401: adopt a newer token if there is one, else refresh unless it is brand-new.

    `refused` is the generation whose token was sent: another caller may have replaced it meanwhile,
    on this very instance. Returns whether there is another token to try. Raises as `keep_fresh` does.
    """
    if connection.generation == refused:
        _satisfy(connection, _other_than(refused))
    return connection.generation != refused


async def areplace_refused_token(connection: Connection, *, refused: int) -> bool:
    """Do what `replace_refused_token` does, in async code."""
    if connection.generation == refused:
        await _asatisfy(connection, _other_than(refused))
    return connection.generation != refused


@lru_cache(maxsize=16)  # Few values are ever asked for, with every request.
def _fresh(min_validity: float) -> _Demand:
    return _Demand(
        is_good=partial(_lives_on, min_validity=timedelta(seconds=min_validity)),
        is_enough=partial(_lives_on, min_validity=timedelta(0)),
    )


def _newer(connection: Connection, *, even_if_refused: bool = False) -> _Demand:
    loaded = connection.generation
    statuses = (Status.CONNECTED, Status.RECONNECT_REQUIRED)
    return _Demand(
        is_good=lambda row: row.generation > loaded and row.status == Status.CONNECTED,
        is_enough=lambda _: False,
        statuses=statuses if even_if_refused else statuses[:1],
        honours_backoff=not even_if_refused,
    )


def _other_than(refused: int) -> _Demand:
    return _Demand(
        is_good=lambda row: (
            # One issued far in the future was stored under a wrong clock, and may be of any age.
            row.generation > refused
            or abs(datetime.now(UTC) - row.issued_at) < policy.SHORTEST_AGE_TO_REPLACE
        ),
        is_enough=lambda _: False,
    )


def _lives_on(connection: Connection, *, min_validity: timedelta) -> bool:
    expires_at = connection.access_token_expires_at
    return expires_at is not None and policy.is_fresh(
        now=datetime.now(UTC),
        issued_at=connection.issued_at,
        expires_at=expires_at,
        min_validity=min_validity,
    )


def _satisfy(connection: Connection, demand: _Demand) -> None:
    try:
        outside_transaction(lambda: _settle(connection, demand))
    except TemporarilyUnavailable as error:
        if not _is_satisfied(connection, demand, error):
            raise
    except AWAY:
        if not demand.is_enough(connection):
            raise


async def _asatisfy(connection: Connection, demand: _Demand) -> None:
    try:
        await aoutside_transaction(lambda: _settle(connection, demand))
    except TemporarilyUnavailable as error:
        if not await sync_to_async(_is_satisfied)(connection, demand, error):
            raise
    except AWAY:
        if not demand.is_enough(connection):
            raise


def _is_satisfied(connection: Connection, demand: _Demand, error: TemporarilyUnavailable) -> bool:
    if error.code == IN_TRANSACTION:
        # Nothing was sent; but somebody may have refreshed it meanwhile.
        _reload(connection)
        _check_usable(connection, demand)
    return demand.is_good(connection) or demand.is_enough(connection)


def _settle(connection: Connection, demand: _Demand) -> None:
    begun, pause = time.monotonic(), FIRST_PAUSE
    while True:
        _reload(connection)
        _check_usable(connection, demand)
        if demand.is_good(connection):
            return
        try:
            _check_backoff(connection, demand)
            claim = claim_one(connection, statuses=demand.statuses)
            if claim is not None and _spend(claim, connection, demand):
                return
        except (TemporarilyUnavailable, ClientRejected):
            if demand.is_enough(connection):
                return
            raise
        if claim is None:
            if demand.is_enough(connection):
                return
            _check_patience(connection, waited=time.monotonic() - begun)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def _spend(claim: Claim, connection: Connection, demand: _Demand) -> bool:
    """Refresh under `claim`; False if the row moved on meanwhile and must be looked at again."""
    if demand.is_good(claim.connection) or _is_backing_off(claim.connection, demand):
        # Somebody else's answer, good or bad, came between the look at the row and the claim.
        until_done(lambda: give_back([claim]))
        return False
    outcome, change = undisturbed(lambda: renew(claim), lambda outcome: _store(claim, outcome))
    if change is not None:
        tell([change])
    tally_one(outcome, stored=change is not None)
    match outcome:
        case Rejected(error):
            raise error
        case Unsent():
            return False
    if change is None:
        return False
    _adopt(connection, claim.connection)
    if isinstance(outcome, Failed):
        raise TemporarilyUnavailable(
            str(outcome.error),
            code=outcome.error.code,
            retry_after=_seconds_until_retry(connection),
            outcome_known=outcome.error.outcome_known,
        )
    _check_usable(connection, demand._replace(statuses=(Status.CONNECTED,)))
    if connection.access_token_expires_at is None:
        raise TemporarilyUnavailable(
            "Actionstep's answer held no usable access token.",
            code="no_token",
            retry_after=policy.SOON.total_seconds(),
        )
    return True


def _store(claim: Claim, outcome: Outcome) -> tuple[Outcome, Change | None]:
    return outcome, until_done(lambda: store(claim, outcome))


def _check_usable(connection: Connection, demand: _Demand) -> None:
    config = get_config()
    if connection.environment != config.environment:
        raise NotConnected(
            f"This connection belongs to the environment {connection.environment!r}, "
            f"and this site now uses {config.environment!r}."
        )
    if connection.status == Status.DISCONNECTED:
        raise NotConnected("This connection was ended: the user may connect again.")
    if connection.client_id != config.client_id:
        raise ReconnectRequired(
            "This connection was made for another CLIENT_ID: the user has to connect again."
        )
    if connection.status not in demand.statuses:
        raise ReconnectRequired(
            f"Actionstep no longer accepts this connection ({connection.get_status_reason_display()}): "
            "the user has to connect again."
        )
    if Connection.user.is_cached(connection) and not connection.user.is_active:
        raise NotConnected("This connection's user is not active.")


def _check_backoff(connection: Connection, demand: _Demand) -> None:
    if _is_backing_off(connection, demand):
        seconds = _seconds_until_retry(connection)
        raise TemporarilyUnavailable(
            f"The last refresh failed ({connection.last_error}); it is tried again in {seconds:.0f} s.",
            code="backing_off",
            retry_after=seconds,
        )


def _is_backing_off(connection: Connection, demand: _Demand) -> bool:
    return demand.honours_backoff and _seconds_until_retry(connection) > 0


def _seconds_until_retry(connection: Connection) -> float:
    if connection.last_failed_at is None or connection.refresh_at is None:
        return 0.0
    if connection.last_failed_at > datetime.now(UTC) + policy.LONGEST_BACKOFF_ON_DEMAND:
        return 0.0  # A wrong clock wrote that.
    retry_at = policy.on_demand_retry_at(
        refresh_at=connection.refresh_at, last_failed_at=connection.last_failed_at
    )
    return max((retry_at - datetime.now(UTC)).total_seconds(), 0.0)


def _check_patience(connection: Connection, *, waited: float) -> None:
    leased = bool(connection.lease_owner)
    if waited > (get_config().http_timeout + LEASE_PATIENCE if leased else LOCK_PATIENCE):
        raise TemporarilyUnavailable(
            "Another process is refreshing this connection and has no answer yet.",
            code="being_refreshed",
            retry_after=LEASE_PATIENCE,
        )


def _reload(connection: Connection) -> None:
    row = on_primary().select_related("user").filter(pk=connection.pk).first()
    if row is None:
        raise NotConnected("This connection no longer exists.")
    _adopt(connection, row)
    connection.user = row.user


def _adopt(connection: Connection, row: Connection) -> None:
    for field in Connection._meta.concrete_fields:
        setattr(connection, field.attname, getattr(row, field.attname))
