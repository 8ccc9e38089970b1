"""The bearer: as whom an organisation's hooks are registered and its rows read. The site names it."""

from typing import Any

from django.utils.module_loading import import_string

from actionstep_connect.conf import SETTING, get_config
from actionstep_connect.exceptions import ActionstepConnectError, NotConnected
from actionstep_connect.models import Connection
from actionstep_connect.orgkeys import same_orgkey
from actionstep_connect.users import is_user


def bearer_of(orgkey: str) -> Connection | None:
    """Return the connection that HOOKS_BEARER names for an organisation; None if it names none.

    Raises NotConnected or ReconnectRequired if that one cannot be used, and what HOOKS_BEARER raises.
    """
    named = _named_by_site(orgkey)
    if named is None:
        return None
    if isinstance(named, Connection):
        connection = Connection.objects.get_usable(named.pk)
    elif is_user(named):
        connection = Connection.objects.get_for_user(named, orgkey)
    else:
        raise TypeError(f"HOOKS_BEARER returned a {type(named).__name__}: return a connection.")
    if not same_orgkey(connection.orgkey, orgkey):
        raise NotConnected(f"HOOKS_BEARER named a connection to {connection.orgkey} for {orgkey}.")
    return connection


def find_bearer(orgkey: str) -> tuple[Connection | None, str]:
    """Return the bearer, or None and why there is none. Never raises for what the site's code does."""
    if get_config().hooks_bearer is None:
        return None, f"{SETTING}['HOOKS_BEARER'] is not set."
    try:
        connection = bearer_of(orgkey)
    except ActionstepConnectError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - a site's own function may raise anything.
        return None, f"HOOKS_BEARER raised {type(error).__name__}."
    return connection, "" if connection else "HOOKS_BEARER names no user."


def _named_by_site(orgkey: str) -> Any:
    find = get_config().hooks_bearer
    if isinstance(find, str):
        find = import_string(find)
    return find(orgkey) if callable(find) else None
