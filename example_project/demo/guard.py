"""Run a command that does not outlive the demo, even if the demo is killed hard.

``python -m example_project.demo.guard PID COMMAND …``: when the process PID is gone, everything
in this process group ends. The demo's supervisor gives each process a group of its own.
"""

import os
import signal
import subprocess
import sys
import time

LOOK_SECONDS = 0.5
GRACE_SECONDS = 5


def main(pid: int, command: list[str]) -> int:
    """Run ``command`` until it ends on its own or the process ``pid`` is gone."""
    # A signal to the group reaches the command as well: wait for it to end in its own way.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            if not _is_alive(pid):
                _end_group(process)
            try:
                process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    return abs(int(process.returncode))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
