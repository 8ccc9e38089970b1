"""The sandbox as a process of its own: nothing of it is imported here."""

import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from actionstep_connect.testing.sandbox import Sandbox

START_SECONDS = 30
STOP_SECONDS = 10
POLL_SECONDS = 0.05
READY = re.compile(r"Sandbox ready at (http://127\.0\.0\.1:\d+)/")


@contextmanager
def running_sandbox(folder: Path, *options: str) -> Generator[Sandbox]:
    """Run a sandbox on a free port until the block ends, its output in ``sandbox.log``.

    `options` are those of ``python -m actionstep_connect.sandbox``.
    """
    log = folder / "sandbox.log"
    command = [sys.executable, "-u", "-m", "actionstep_connect.sandbox", "--port", "0", *options]
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as process,  # noqa: S603 (our own)
    ):
        try:
            with Sandbox(_wait_until_ready(process, log)) as sandbox:
                yield sandbox
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := READY.search(log.read_text()):
            return found[1]
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"The sandbox did not start:\n{log.read_text()}")
