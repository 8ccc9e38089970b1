"""What API views share, whichever framework says who is signed in: the user, and the organisation meant."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser

from actionstep_connect.decorators.finding import Needs, session_of
from actionstep_connect.orgkeys import is_orgkey
from actionstep_connect.sessions import CHOSEN_ORGKEY

#: An organisation's key, or what reads it from a request: from a header, say.
Orgkey = str | Callable[[Any], str | None] | None


def fixed(orgkey: Orgkey) -> str | None:
    """Return `orgkey` if it is the same for every request."""
    return orgkey if isinstance(orgkey, str) else None


def for_request(needs: Needs, orgkey: Orgkey, request: Any) -> Needs:
    """Return `needs` with the organisation that `request` names, if that is how it is said."""
    if not callable(orgkey):
        return needs
    named = orgkey(request) or None
    # What can be no key leads to no connection, and into no address.
    return needs._replace(orgkey=named if named is None or is_orgkey(named) else "")


def chosen_by(user: AbstractBaseUser, request: Any, orgkey: str | None) -> str | None:
    """Return the organisation that `user` chose in the session of `request`, if it is theirs."""
    session = session_of(request, orgkey)
    if session is None or session.get(SESSION_KEY) != _key(user):
        return None
    chosen: str | None = session.get(CHOSEN_ORGKEY)
    return chosen


async def achosen_by(user: AbstractBaseUser, request: Any, orgkey: str | None) -> str | None:
    """Do what `chosen_by` does, in async code."""
    session = session_of(request, orgkey)
    if session is None or await session.aget(SESSION_KEY) != _key(user):
        return None
    chosen: str | None = await session.aget(CHOSEN_ORGKEY)
    return chosen


def _key(user: AbstractBaseUser) -> str:
    # As `django.contrib.auth.login` writes it. A token may come beside another user's cookie.
    return str(user._meta.pk.value_to_string(user))
