"""A real Celery worker with beat, on the broker that is a folder."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from actionstep_connect.testing import Sandbox, running_sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN_SECONDS = 6
TIMEOUT = 60

SEED = """
import sys, json
from tests.support.connections import make_user, new_connection
grant = json.loads(sys.argv[1])
new_connection(make_user(), access_token=grant["access_token"], refresh_token=grant["refresh_token"],
               refresh_at=None).save()
from actionstep_connect.models import Connection
from datetime import UTC, datetime, timedelta
soon = datetime.now(UTC) + timedelta(seconds=2)
Connection.objects.update(refresh_at=soon, access_token_expires_at=soon + timedelta(seconds=4))
"""
#: A token that lives for seconds is refreshed once a minute: this minute is over.
DUE = """
from datetime import UTC, datetime
from actionstep_connect.models import Connection
Connection.objects.update(refresh_at=datetime.now(UTC))
"""
#: Asked of the database itself: a process of the site's would take longer to start than to answer.
LOOK = """
SELECT status, generation, flagged_at IS NOT NULL, consecutive_failures
FROM actionstep_connect_connection
"""


class Site:
    """The example site on a database and a broker of its own, beside a sandbox."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._env: Mapping[str, str] = {
            **{k: v for k, v in os.environ.items() if k != "DATABASE_URL"},
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "DEMO_DIR": str(folder),
            "DEMO_MAINTENANCE_SECONDS": "1",
            "ACTIONSTEP_AUTHORIZE_URL": f"{sandbox.url}/api/oauth/authorize",
            "ACTIONSTEP_TOKEN_URL": f"{sandbox.url}/api/oauth/token",
            "ACTIONSTEP_API_HOSTS": sandbox.host,
        }
        self._folder = folder
        self._run("-m", "django", "migrate", "--verbosity", "0")

    def do(self, script: str, *arguments: str) -> str:
        """Run a few lines inside the site."""
        return self._run("-c", f"import django; django.setup()\n{script}", *arguments)

    def look(self) -> tuple[str, int, bool, int]:
        """Return the one connection's status, generation, whether it is flagged, and its failures."""
        with closing(sqlite3.connect(self._folder / "site.sqlite3", timeout=20)) as database:
            ((status, generation, flagged, failures),) = database.execute(LOOK)
        return status, generation, bool(flagged), failures

    @contextmanager
    def running_worker(self) -> Generator[None]:
        """Run a worker with beat until the block ends."""
        command = [
            *(sys.executable, "-m", "celery", "-A", "example_project.celery", "worker", "--beat"),
            *("--schedule", str(self._folder / "schedule"), "--pool", "threads"),
            *("--without-mingle", "--without-gossip", "--without-heartbeat"),
        ]
        with (
            (self._folder / "worker.log").open("a") as log,
            subprocess.Popen(command, env=self._env, cwd=ROOT, stdout=log, stderr=log) as process,
        ):
            try:
                yield
            finally:
                process.terminate()
                process.wait(TIMEOUT)

    def _run(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, env=self._env, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout


@pytest.fixture
def sandbox(tmp_path: Path) -> Generator[Sandbox]:
    """A sandbox of its own, whose access tokens live seconds."""
    with running_sandbox(tmp_path, "--access-token-lifetime", str(TOKEN_SECONDS)) as sandbox:
        yield sandbox


def wait_for(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """Look until what is seen is what is wanted."""
    deadline = time.monotonic() + TIMEOUT
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


def test_a_stopped_worker_loses_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    """Stopped for longer than an access token lives and started again, it keeps the connection."""
    site = Site(tmp_path, sandbox)
    grant = sandbox.post(
        "sandbox/issue", user="priya", orgkey="acmelaw", scopes=["timerecords"]
    ).json()
    site.do(SEED, json.dumps(grant))
    with site.running_worker():
        _, generation, _, _ = wait_for(site.look, lambda seen: seen[1] >= 2)
    stopped_at = site.look()[1]
    time.sleep(TOKEN_SECONDS + 2)  # A real worker really stays away while a real token expires.
    assert site.look()[1] == stopped_at >= generation
    site.do(DUE)
    with site.running_worker():
        wait_for(site.look, lambda seen: seen[1] > stopped_at)
    assert site.look()[0::2] == ("connected", False)
    counters = sandbox.get("sandbox/state")["counters"]
    assert counters["refresh_tokens_presented_twice"] == 0
