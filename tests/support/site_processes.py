"""A site's own processes, as its supervisor starts and stops them: a command, a Celery worker."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery
from django.conf import settings

from tests.support.workers import database_of_this_test

MAINTENANCE = "actionstep_connect.tasks.maintain_connections"
COMMAND = ("-m", "django", "actionstep_maintain")


def celery_worker(pool: str) -> tuple[str, ...]:
    """Return the command of a worker whose children are of that kind."""
    app = ("-m", "celery", "-A", "tests.support.celery_site", "worker")
    quiet = ("--without-mingle", "--without-gossip", "--without-heartbeat")
    return (*app, "--pool", pool, "--concurrency", "2", *quiet)


class SiteProcess:
    """One running process, and the end of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process, self.log = process, log

    def terminate(self) -> None:
        """Ask it to end, as a supervisor does."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a lack of memory does."""
        self._process.kill()

    def wait(self, seconds: float) -> int:
        """Return its exit code; fail if it takes longer."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on:\n{self.log.read_text()}") from None


@contextmanager
def running_site(
    folder: Path,
    *command: str,
    mail: Mapping[str, Any] | None = None,
    sockets: Sequence[int] = (),
) -> Generator[SiteProcess]:
    """Run `python COMMAND…` on the test's database and settings until the block ends.

    `mail` are the settings that lead to its mail server; `sockets` are what it inherits.
    """
    given = {
        "values": settings.ACTIONSTEP_CONNECT,
        "database": database_of_this_test(),
        "broker": broker_options(folder),
        "mail": mail or {},
    }
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.support.site_settings",
        "TEST_SITE": json.dumps(given),
    }
    log = folder / "process.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=sockets,
        ) as process,
    ):
        try:
            yield SiteProcess(process, log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def broker_options(folder: Path) -> dict[str, Any]:
    """Return the transport options of a broker that is a folder, and make that folder."""
    messages, processed, control = (folder / name for name in ("messages", "processed", "control"))
    for each in (messages, processed, control):
        each.mkdir(exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "processed_folder": str(processed),
        "control_folder": str(control),
        "polling_interval": 0.2,
    }


def order_maintenance(folder: Path) -> None:
    """Put the message of one beat into the broker."""
    app = Celery("beat", broker="filesystem://localhost", set_as_current=False)
    app.conf.broker_transport = "example_project.broker:Transport"
    app.conf.broker_transport_options = broker_options(folder)
    with app.connection_for_write() as connection:
        app.send_task(MAINTENANCE, connection=connection, ignore_result=True)


def pause(seconds: float) -> None:
    """Let other processes go on for so long."""
    threading.Event().wait(seconds)
