"""Refreshing on demand: one caller refreshes, the others take its answer, good or bad.

    is the goal met by what was loaded?             return, without a query
    repeat:
        read the row                                `Attempt.take_turn`
        is the goal met, or acceptable by now?      return
        may it not be used, or is it backing off?   raise
        claim it; did that succeed?                 refresh, store, return or raise
        else another caller refreshes it            wait (`Attempt.pause`)

Where the work is done: on the caller's own connection; in a transaction of the caller's, in async code
and for a probe in an outage, on a connection of this package's own; in a TestCase's block always on the
caller's, because no other sees its rows.
"""

import asyncio
import time

from asgiref.sync import sync_to_async

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import ClientRejected, NotConnected, TemporarilyUnavailable
from actionstep_connect.flows.database import (
    DATABASE_UNAVAILABLE,
    CallersConnection,
    Place,
    aautonomously,
    at,
    autonomously,
    drop_lost_connection,
    in_callers_transaction,
    in_test_case,
    is_read_only,
    out_of_sight,
    primary_connections,
    refuse_on_sqlite,
    renew_database_connection,
)
from actionstep_connect.flows.refresh import outage
from actionstep_connect.flows.refresh.attempt import Attempt
from actionstep_connect.flows.refresh.goal import Goal, check_usable, fresh, newer, other_than
from actionstep_connect.flows.refresh.opening import aopen_for_use, open_for_use
from actionstep_connect.flows.refresh.use import arecord_use, is_use_recent, record_use
from actionstep_connect.models import Connection
from actionstep_connect.secret import Secret


def fresh_token(connection: Connection, *, min_validity: float) -> Secret:
    """Return an access token that lives `min_validity` seconds longer, refreshing it if it must.

    Raises as `keep_fresh` does, and DecryptionFailed.
    """
    keep_fresh(connection, min_validity=min_validity)
    return open_for_use(connection)


async def afresh_token(connection: Connection, *, min_validity: float) -> Secret:
    """Do what `fresh_token` does, in async code."""
    await akeep_fresh(connection, min_validity=min_validity)
    return await aopen_for_use(connection)


def keep_fresh(connection: Connection, *, min_validity: float) -> None:
    """See that the access token lives `min_validity` seconds longer, refreshing it if it must.

    `min_validity` never asks for more than half a token's life. While the present token is good and
    its use is on record, no query is made; while it lives at all, no caller waits and nothing fails.
    `connection` is brought up to date.

    Raises NotConnected, ReconnectRequired, TemporarilyUnavailable, ClientRejected, DecryptionFailed.
    """
    goal = fresh(min_validity)
    check_usable(connection, goal)
    connection.check_user()
    if not is_use_recent(connection):
        record_use(connection)
    if not goal.is_met(connection):
        _reach(connection, goal)


async def akeep_fresh(connection: Connection, *, min_validity: float) -> None:
    """Do what `keep_fresh` does, in async code."""
    goal = fresh(min_validity)
    check_usable(connection, goal)
    if not connection.is_user_known():
        await sync_to_async(connection.check_user)()
    if not is_use_recent(connection):
        await arecord_use(connection)
    if not goal.is_met(connection):
        await _areach(connection, goal)


def refresh_now(connection: Connection, *, even_if_refused: bool = False) -> None:
    """Refresh `connection`, due or not, unless it was refreshed since it was loaded.

    Stored backoff and a known outage are honoured. `even_if_refused` ignores both, and presents a
    refresh token again that Actionstep refused: for an admin who knows better. `connection` is
    brought up to date.

    Raises as `keep_fresh` does.
    """
    goal = newer(connection, even_if_refused=even_if_refused)
    check_usable(connection, goal)
    _reach(connection, goal)


async def arefresh_now(connection: Connection) -> None:
    """Do what `refresh_now` does, in async code."""
    goal = newer(connection, even_if_refused=False)
    check_usable(connection, goal)
    await _areach(connection, goal)


def replace_refused_token(connection: Connection, *, refused: int) -> bool:
    """After a 401: adopt a newer token if there is one, else refresh unless it is brand-new.

    `refused` is the generation whose token was sent: another caller may have replaced it meanwhile,
    on this very instance. Returns whether there is another token to try. Raises as `keep_fresh` does.
    """
    if connection.generation == refused:
        _reach(connection, other_than(refused))
    return connection.generation != refused


async def areplace_refused_token(connection: Connection, *, refused: int) -> bool:
    """Do what `replace_refused_token` does, in async code."""
    if connection.generation == refused:
        await _areach(connection, other_than(refused))
    return connection.generation != refused


def _reach(connection: Connection, goal: Goal) -> None:
    """Bring `connection` to `goal`, or raise unless it is acceptable as it is."""
    attempt = Attempt(connection, goal)
    try:
        _take_turns(attempt)
    except (TemporarilyUnavailable, ClientRejected, *DATABASE_UNAVAILABLE) as error:
        if not _settles_for(attempt, connection, error):
            raise
    finally:
        _bring_up_to_date(connection, attempt)


async def _areach(connection: Connection, goal: Goal) -> None:
    attempt = Attempt(connection, goal)
    try:
        await _atake_turns(attempt)
    except (TemporarilyUnavailable, ClientRejected, *DATABASE_UNAVAILABLE) as error:
        if not await sync_to_async(_settles_for)(attempt, connection, error):
            raise
    finally:
        _bring_up_to_date(connection, attempt)


def _take_turns(attempt: Attempt) -> None:
    place = _plan(attempt)
    if place is not None:
        try:
            while not autonomously(place, attempt.take_turn, max_wait=_max_wait(attempt)):
                time.sleep(attempt.pause())
        except NotConnected:
            _check_sight(attempt)
            raise
        except TemporarilyUnavailable as error:
            if not _may_use_callers(error):
                raise
        else:
            return
    _take_turns_here(attempt)


async def _atake_turns(attempt: Attempt) -> None:
    place = await sync_to_async(_plan)(attempt, is_async=True)
    if place is None:
        await sync_to_async(_take_turns_here)(attempt)
        return
    try:
        while True:
            if await aautonomously(place, attempt.take_turn, max_wait=_max_wait(attempt)):
                return
            await asyncio.sleep(attempt.pause())
    except NotConnected:
        await sync_to_async(_check_sight)(attempt)
        raise


def _take_turns_here(attempt: Attempt) -> None:
    with at(Place.to_stay_at()):
        try:
            _take_turns_on_callers(attempt)
        except DATABASE_UNAVAILABLE as error:
            if not is_read_only(error):
                raise
            renew_database_connection()  # Which may lead to the new primary.
            _take_turns_on_callers(attempt)


def _take_turns_on_callers(attempt: Attempt) -> None:
    while not attempt.take_turn(CallersConnection()):
        time.sleep(attempt.pause())


def _plan(attempt: Attempt, *, is_async: bool = False) -> Place | None:
    """Return the place to work at on a connection of this package's own; None: on the caller's.

    Raises TemporarilyUnavailable in a transaction on SQLite.
    """
    try:
        return _plan_once(attempt, is_async=is_async)
    except DATABASE_UNAVAILABLE:
        if not drop_lost_connection():
            raise
    return _plan_once(attempt, is_async=is_async)


def _plan_once(attempt: Attempt, *, is_async: bool) -> Place | None:
    is_inside = in_callers_transaction()
    if is_inside:
        refuse_on_sqlite("A token cannot be refreshed")
    if attempt.goal.honours_backoff and outage.is_known():
        attempt.may_send = attempt.is_probe = outage.may_probe()
    if in_test_case() or not (is_inside or is_async or attempt.is_probe):
        return None
    return Place.of_caller()


def _max_wait(attempt: Attempt) -> float | None:
    return outage.PROBE_TIMEOUT if attempt.is_probe else None


def _may_use_callers(error: TemporarilyUnavailable) -> bool:
    # A probe need not have a connection of its own; its caller then waits for it.
    return (
        error.code in (ErrorCode.NO_DATABASE_CONNECTION, ErrorCode.OUT_OF_SIGHT)
        and not in_callers_transaction()
    )


def _check_sight(attempt: Attempt) -> None:
    # What the caller sees and another connection does not was stored in the caller's transaction.
    if attempt.is_gone and primary_connections().filter(pk=attempt.connection_id).exists():
        raise out_of_sight() from None


def _settles_for(attempt: Attempt, connection: Connection, error: Exception) -> bool:
    row = attempt.row or connection
    if isinstance(error, TemporarilyUnavailable) and error.code == ErrorCode.IN_TRANSACTION:
        # Nothing was sent; but another process may have refreshed it meanwhile.
        row = attempt.reload()
        check_usable(row, attempt.goal)
    return attempt.goal.is_met(row) or attempt.goal.is_acceptable(row)


def _bring_up_to_date(connection: Connection, attempt: Attempt) -> None:
    row = attempt.row
    if row is None or attempt.is_turning:  # It goes on in another thread, which writes to the row.
        return
    for field in Connection._meta.concrete_fields:
        setattr(connection, field.attname, getattr(row, field.attname))
    if Connection.user.is_cached(row):
        connection.remember_user(row.user, read_at=row.user_read_at)
