"""What worker processes of the tests can be told to do."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from celery.concurrency.prefork import process_destructor
from django.db import connections

import actionstep_connect.tasks  # noqa: F401 - as in every worker of Celery's.
from actionstep_connect.api import get_access_token
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.models import Connection
from actionstep_connect.signals import reconnect_required


def ready() -> str:
    """Show that Django is up."""
    connections["default"].ensure_connection()
    return "ready"


def run() -> dict[str, Any]:
    """Refresh what is due."""
    return refresh_due().as_json()


def leave_and_end(key: UUID, left: Path) -> None:
    """Ask for a token, leave before it has come, and end as a child of Celery's pool does."""
    with suppress(TemporarilyUnavailable):
        get_access_token(Connection.objects.get(pk=key))
        return
    left.touch()
    try:
        process_destructor(os.getpid(), 0)
    finally:
        os._exit(0)


def round_of_maintenance() -> dict[str, Any]:
    """Do what beat asks for every minute."""
    return maintain().as_json()


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
        while os.getppid() == parent:  # A test that is cut off leaves no one behind.
            maintain()
    finally:
        os._exit(1)


def maintain_and_die_while_telling() -> None:
    """Do one round of maintenance, and be killed in the midst of the first signal."""

    def die(**_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    reconnect_required.connect(die, weak=False)
    maintain()


JOBS: dict[str, Callable[..., Any]] = {
    "ready": ready,
    "run": run,
    "maintain": round_of_maintenance,
    "maintain_and_die_while_telling": maintain_and_die_while_telling,
    "token": token,
    "leave_and_end": leave_and_end,
    "hatch": hatch,
}
