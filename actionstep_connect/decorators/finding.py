"""Which connection a view gets: its user's own, to the organisation meant or chosen, with its scopes."""

import sys
from typing import Any, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections

from actionstep_connect.exceptions import (
    AmbiguousConnection,
    NotConnected,
    ReconnectRequired,
    ScopeNotGranted,
)
from actionstep_connect.models import Connection
from actionstep_connect.models.querysets import ConnectionQuerySet
from actionstep_connect.orgkeys import same_orgkey
from actionstep_connect.scopes import (
    REQUIREMENTS,
    Requirement,
    Scopes,
    missing_scopes,
    unique_scopes,
)
from actionstep_connect.sessions import CHOSEN_ORGKEY, choice_of

CURABLE_BY_CONNECTING = (NotConnected, ReconnectRequired, ScopeNotGranted)
CURABLE = (AmbiguousConnection, *CURABLE_BY_CONNECTING)


class Needs(NamedTuple):
    """What a view needs."""

    scopes: tuple[str, ...]
    orgkey: str | None


def required(scopes: Scopes, orgkey: str | None) -> Needs:
    """Return the needs that the caller's caller states, and note them among REQUIREMENTS.

    Raises ValueError if `scopes` are no scope names.
    """
    needs = Needs(unique_scopes(scopes), orgkey)
    caller = sys._getframe(2)
    place = f"{caller.f_globals.get('__name__')}, line {caller.f_lineno}"
    REQUIREMENTS.add(Requirement(place, needs.scopes, orgkey or ""))
    return needs


def chosen_by(user: AbstractBaseUser, request: Any, orgkey: str | None) -> str | None:
    """Return the organisation that `user` chose in the session of `request`, if it matters."""
    session = _session_of(request, orgkey)
    return None if session is None else choice_of(user, session.get(CHOSEN_ORGKEY))


async def achosen_by(user: AbstractBaseUser, request: Any, orgkey: str | None) -> str | None:
    """Do what `chosen_by` does, in async code."""
    session = _session_of(request, orgkey)
    return None if session is None else choice_of(user, await session.aget(CHOSEN_ORGKEY))


def _session_of(request: Any, orgkey: str | None) -> Any:
    # No choice matters to a view that names its organisation, and a request signed in by a token may
    # have no session.
    return getattr(request, "session", None) if orgkey is None else None


def find(user: AbstractBaseUser, needs: Needs, *, chosen: str | None) -> Connection:
    """Return `user`'s connection, to `chosen` where they have several.

    The primary is asked before a scope counts as missing. Raises one of CURABLE, but not ScopeNotGranted.
    """
    rows = Connection.objects.all()
    connection = _get(rows, user, needs.orgkey, chosen)
    if missing_scopes(needs.scopes, connection.granted_scopes) and rows.on_primary().db != rows.db:
        return _get(rows.on_primary(), user, needs.orgkey, chosen)
    return connection


async def afind(user: AbstractBaseUser, needs: Needs, *, chosen: str | None) -> Connection:
    """Do what `find` does, in async code."""
    rows = Connection.objects.all()
    connection = await _aget(rows, user, needs.orgkey, chosen)
    if missing_scopes(needs.scopes, connection.granted_scopes) and rows.on_primary().db != rows.db:
        return await _aget(rows.on_primary(), user, needs.orgkey, chosen)
    return connection


def check(connection: Connection, scopes: tuple[str, ...]) -> None:
    """Raise ScopeNotGranted unless `connection` grants all of `scopes`."""
    if lacking := missing_scopes(scopes, connection.granted_scopes):
        raise ScopeNotGranted(
            f"The user has not granted {', '.join(lacking)} in {connection.orgkey}.", scopes=lacking
        )


def roll_back() -> None:
    """Undo what the view wrote under ATOMIC_REQUESTS, as if its error had left it."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def _get(
    rows: ConnectionQuerySet, user: AbstractBaseUser, orgkey: str | None, chosen: str | None
) -> Connection:
    try:
        connection = rows.get_for_user(user, orgkey)
    except AmbiguousConnection as error:
        if not _is_among(chosen, error.orgkeys):
            raise
        return rows.get_for_user(user, chosen)
    return _as_chosen(connection, chosen)


async def _aget(
    rows: ConnectionQuerySet, user: AbstractBaseUser, orgkey: str | None, chosen: str | None
) -> Connection:
    try:
        connection = await rows.aget_for_user(user, orgkey)
    except AmbiguousConnection as error:
        if not _is_among(chosen, error.orgkeys):
            raise
        return await rows.aget_for_user(user, chosen)
    return _as_chosen(connection, chosen)


def _is_among(chosen: str | None, orgkeys: tuple[str, ...]) -> bool:
    return chosen is not None and any(same_orgkey(chosen, orgkey) for orgkey in orgkeys)


def _as_chosen(connection: Connection, chosen: str | None) -> Connection:
    # What a user does in one firm must not end up in another because the first one's token ended.
    if chosen is None or same_orgkey(chosen, connection.orgkey):
        return connection
    raise AmbiguousConnection(
        f"This user chose {chosen}, and only {connection.orgkey} is left: ask them again.",
        orgkeys=(connection.orgkey,),
    )
