"""A real Celery worker with beat, on the broker that is a folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actionstep_connect.testing import Sandbox, running_sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN_SECONDS = 6
PATIENCE = 30

SEED = """
import sys, json
from tests.connections import make_user, new_connection
grant = json.loads(sys.argv[1])
new_connection(make_user(), access_token=grant["access_token"], refresh_token=grant["refresh_token"],
               refresh_at=None).save()
from actionstep_connect.models import Connection
from datetime import UTC, datetime, timedelta
soon = datetime.now(UTC) + timedelta(seconds=2)
Connection.objects.update(refresh_at=soon, access_token_expires_at=soon + timedelta(seconds=4))
"""
LOOK = """
import json
from actionstep_connect.models import Connection
row = Connection.objects.get()
print(json.dumps([row.status, row.generation, row.flagged_at is not None, row.consecutive_failures]))
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
        status, generation, flagged, failures = json.loads(self.do(LOOK))
        return status, generation, flagged, failures

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
                process.wait(PATIENCE)

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
    deadline = time.monotonic() + PATIENCE
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, seen
    return seen


def test_a_stopped_worker_loses_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    """Stopped for longer than an access token lives and started again, it keeps the connection."""
    site = Site(tmp_path, sandbox)
    grant = sandbox.post(
        "sandbox/issue", user="priya", orgkey="acmelaw", scopes=["timerecords"]
    ).json()
    site.do(SEED, json.dumps(grant))
    with site.running_worker():
        _, generation, _, _ = wait_for(site.look, lambda seen: seen[1] >= 3)
    stopped_at = site.look()[1]
    time.sleep(TOKEN_SECONDS + 2)  # A real worker really stays away while a real token expires.
    assert site.look()[1] == stopped_at >= generation
    with site.running_worker():
        wait_for(site.look, lambda seen: seen[1] >= stopped_at + 2)
    assert site.look()[0::2] == ("connected", False)
    counters = sandbox.get("sandbox/state")["counters"]
    assert counters["refresh_tokens_presented_twice"] == 0
