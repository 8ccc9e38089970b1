"""The sandbox as the tests meet it: a real process behind a real port."""

import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

START_SECONDS = 30
READY = re.compile(r"Sandbox ready at (http://127\.0\.0\.1:\d+)/")


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, spoken to over HTTP alone."""

    url: str

    @property
    def host(self) -> str:
        """Its ``host:port``, as ``API_HOSTS`` wants it."""
        return self.url.removeprefix("http://")

    def reset(self) -> None:
        """Put it back to how it started: no grants, no faults, an empty log."""
        self.post("sandbox/reset")

    def get(self, path: str) -> Any:
        """Read JSON from one of its control endpoints."""
        return httpx2.get(f"{self.url}/{path}", timeout=10).raise_for_status().json()

    def post(self, path: str, **data: Any) -> httpx2.Response:
        """Post JSON to one of its control endpoints."""
        return httpx2.post(f"{self.url}/{path}", json=data, timeout=10).raise_for_status()

    def delete(self, path: str) -> None:
        """Clear what one of its control endpoints has set."""
        httpx2.delete(f"{self.url}/{path}", timeout=10).raise_for_status()

    def settings(self) -> dict[str, Any]:
        """Return the members of ``ACTIONSTEP_CONNECT`` that lead here."""
        return {
            "ENVIRONMENT": "sandbox",
            "AUTHORIZE_URL": f"{self.url}/api/oauth/authorize",
            "TOKEN_URL": f"{self.url}/api/oauth/token",
            "API_HOSTS": [self.host],
        }


@contextmanager
def running_sandbox(folder: Path, *options: str) -> Generator[Sandbox]:
    """Run a sandbox of one's own until the block ends, its output in ``sandbox.log``."""
    log = folder / "sandbox.log"
    command = [sys.executable, "-u", "-m", "actionstep_connect.sandbox", "--port", "0", *options]
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output, cwd=folder) as process,
    ):
        try:
            yield Sandbox(_wait_until_ready(process, log))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := READY.search(log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the sandbox is not ready:\n{log.read_text()}")
