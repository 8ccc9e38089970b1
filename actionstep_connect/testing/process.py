"""The sandbox as a process of its own: nothing of it is imported here."""

import re
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from actionstep_connect.testing.sandbox import Sandbox

START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.05
READY = re.compile(r"Sandbox ready at (http://127\.0\.0\.1:\d+)/")


@contextmanager
def running_sandbox(folder: Path, *options: str) -> Generator[Sandbox]:
    """Run a sandbox on a free port until the block ends, its output in ``sandbox.log``.

    `options` are those of ``python -m actionstep_connect.sandbox``. Raises RuntimeError, with that
    output, if it does not start.
    """
    command = [sys.executable, "-u", "-m", "actionstep_connect.sandbox", "--port", "0", *options]
    with (
        running_server(command, log=folder / "sandbox.log", ready=READY) as url,
        Sandbox(url) as sandbox,
    ):
        yield sandbox


@contextmanager
def running_server(
    command: Sequence[str],
    *,
    log: Path,
    ready: re.Pattern[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Generator[str]:
    """Run `command` until the block ends, its output in `log`; yield its URL, group 1 of `ready`.

    Raises RuntimeError, with its output, if it does not say so within a minute.
    """
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output, cwd=cwd, env=env) as process,  # noqa: S603 (this package's own command)
    ):
        try:
            yield _wait_until_ready(process, log, ready)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path, ready: re.Pattern[str]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := ready.search(log.read_text()):
            return found[1]
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")
