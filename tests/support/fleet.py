"""Processes of a site that begin again, each of which makes one request as a connection's user.

The first makes its request alone; then the others, which know nothing but what is in the cache.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from actionstep_connect.models import Connection
from tests.support.workers import database_of_this_test

#: Whether each of the processes behind the first is an async one.
FAMILIES = (False, True, False)
VARIABLE = "FLEET_OF_A_TEST"


def ask_in_new_processes(
    connection: Connection,
    caches: dict[str, Any],
    *,
    first: bool,
    skew_of_others: int = 0,
    is_patient: bool = True,
) -> list[list[Any]]:
    """Return the error of each process and its `retry_after`; `first` says whether that one is async.

    The clocks of the others are ahead by `skew_of_others` seconds. One that `is_patient` takes a cache
    on a busy machine for no slow one.
    """
    given = {
        "values": settings.ACTIONSTEP_CONNECT,
        "database": database_of_this_test(),
        "caches": caches,
        "connection": str(connection.pk),
        "is_patient": is_patient,
    }
    started = [_start(given, is_async=first)]
    said = [_said(process) for process in started]
    skewed = {**given, "skew": skew_of_others}
    others = [_start(skewed, is_async=is_async) for is_async in FAMILIES]
    return said + [_said(process) for process in others]


def _start(given: dict[str, Any], *, is_async: bool) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.support.fleet_settings",
        VARIABLE: json.dumps({**given, "is_async": is_async}),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.fleet_member"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def _said(process: "subprocess.Popen[str]") -> list[Any]:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    said: list[Any] = json.loads(output)
    return said
