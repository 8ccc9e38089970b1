"""Asking organisations for their names, in maintenance: where `AsCommon` was granted, each as its user."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
from django.db import DatabaseError, InterfaceError

from actionstep_connect.client import ActionstepClient
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ApiError,
    RateLimited,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.database import in_callers_transaction
from actionstep_connect.flows.organisation_names import ask_again_soon, claim, due_names, keep
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection
from actionstep_connect.organisation_names import readable_name
from actionstep_connect.orgkeys import same_orgkey

BATCH = 50
ROUND_SECONDS = 5.0  # in which requests are begun: names never hold refreshing up for long
TIMEOUT = 3.0  # seconds, for each step of a request


class _OutageError(Exception):
    """The API does not answer just now, so no other connection is asked."""


def keep_names(*, should_stop: Callable[[], bool] = lambda: False) -> int:
    """Ask for the names that are due, until time is up; return how many were kept. Never raises.

    A token that expires is not refreshed for a name, and asking is no use of a connection. What fails is
    logged, and the name that is known stays. Nothing is asked inside a caller's transaction.
    """
    kept, until = 0, time.monotonic() + ROUND_SECONDS
    if in_callers_transaction():
        return kept
    try:
        for connection in due_names(now=datetime.now(UTC), limit=BATCH):
            if should_stop() or time.monotonic() > until:
                break
            kept += _keep_name(connection)
    except _OutageError:
        pass
    except (DatabaseError, InterfaceError) as error:
        log(logging.WARNING, LogEvent.NAME_NOT_KEPT, error=type(error).__name__)
    return kept


def _keep_name(connection: Connection) -> bool:
    now = datetime.now(UTC)
    if not claim(connection, now=now):
        return False
    try:
        name = _ask(connection)
    except (ActionstepConnectError, httpx2.HTTPError) as error:
        code = getattr(error, "code", "")
        log(
            logging.INFO,
            LogEvent.NAME_NOT_KEPT,
            connection=connection.pk,
            error=type(error).__name__,
            code=code,
        )
        if _is_outage(error):
            ask_again_soon(connection, now=now)
            raise _OutageError from None
        return False
    if not name:
        log(logging.INFO, LogEvent.NAME_NOT_KEPT, connection=connection.pk, code="no_name")
    keep(connection, name, now=now)
    return bool(name)


def _ask(connection: Connection) -> str:
    # No user is served by it: an idle connection stays idle.
    connection.last_used_at = datetime.now(UTC)
    with ActionstepClient(connection, max_wait=0, timeout=TIMEOUT) as actionstep:
        about = actionstep.application_meta_data().get("organization")
    if not isinstance(about, dict):
        return ""
    orgkey = about.get("orgkey", connection.orgkey)
    is_ours = isinstance(orgkey, str) and same_orgkey(orgkey, connection.orgkey)
    return readable_name(about.get("name")) if is_ours else ""


def _is_outage(error: Exception) -> bool:
    if isinstance(error, ApiError):
        return error.status >= httpx2.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, httpx2.HTTPError | RateLimited | TemporarilyUnavailable)
