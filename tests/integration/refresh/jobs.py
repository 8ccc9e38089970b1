"""What worker processes of the tests can be told to do."""

import os
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connections

from actionstep_connect.api import get_access_token
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh import refresh_due, summary
from actionstep_connect.models import Connection


def ready() -> str:
    """Say that Django is up."""
    connections["default"].ensure_connection()
    return "ready"


def run() -> dict[str, Any]:
    """Refresh what is due."""
    return summary(refresh_due())


def round_of_maintenance() -> dict[str, Any]:
    """Do what beat asks for every minute."""
    return summary(maintain())


def token(key: UUID) -> str:
    """Ask for an access token, as a view does."""
    return get_access_token(Connection.objects.get(pk=key))


def hatch() -> int:
    """Fork a process that does maintenance until it, or this one, is killed; return its id."""
    parent = os.getpid()
    connections.close_all()  # A fork shares sockets.
    child = os.fork()
    if child:
        return child
    try:
        while os.getppid() == parent:  # A test that is cut off leaves nobody behind.
            maintain()
    finally:
        os._exit(1)


JOBS: dict[str, Callable[..., Any]] = {
    "ready": ready,
    "run": run,
    "maintain": round_of_maintenance,
    "token": token,
    "hatch": hatch,
}
