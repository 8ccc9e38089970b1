"""A real Celery worker, as a site runs it, on the database of the test that starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from example_project.broker import Transport
from tests.support.documents import ROOT
from tests.support.workers import database_of_this_test


def celery_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a broker and a result backend in `folder`, with all events on."""
    for name in ("messages", "processed", "control", "results"):
        (folder / name).mkdir()
    return {
        "broker_url": "filesystem://localhost",
        # Imported above, because the example project's Celery app becomes the current one when it is.
        "broker_transport": f"{Transport.__module__}:{Transport.__qualname__}",
        "broker_transport_options": {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "store_processed": True,
            "processed_folder": str(folder / "processed"),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.1,
        },
        "result_backend": f"file://{folder / 'results'}",
        "result_extended": True,
        "worker_send_task_events": True,
        "task_send_sent_event": True,
        "broker_connection_retry_on_startup": True,
    }


@contextmanager
def running_worker(folder: Path, celery: dict[str, Any], *, lines: str = "") -> Generator[None]:
    """Run a worker at DEBUG on this test's database and settings, its log in `worker.log`.

    `lines` are more lines of its settings module.
    """
    from_test = {
        "database": {**database_of_this_test()},
        "actionstep_connect": dict(settings.ACTIONSTEP_CONNECT),
        "celery": celery,
        "lines": lines,
    }
    command = [sys.executable, "-m", "celery", "-A", "tests.support.worker_app", "worker"]
    options = ["--loglevel=DEBUG", "--concurrency=1", "-E", "--without-mingle", "--without-gossip"]
    environment = {
        **os.environ,
        "WORKER_OF_A_TEST": json.dumps(from_test),
        "PYTHONWARNINGS": "default",
    }
    with (
        (folder / "worker.log").open("w") as log,
        subprocess.Popen(
            [*command, *options], env=environment, cwd=ROOT, stdout=log, stderr=log
        ) as worker,
    ):
        try:
            yield
        finally:
            worker.terminate()
            try:
                worker.wait(15)
            except subprocess.TimeoutExpired:
                worker.kill()
