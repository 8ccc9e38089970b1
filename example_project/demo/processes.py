"""The demo's processes, each by its name in one terminal, under honcho."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from honcho import manager as honcho_manager
from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Message, Printer

from example_project.demo.addresses import LOOPBACK, Addresses
from example_project.settings import LOG_LEVEL

MANAGE = str(Path(__file__).resolve().parent.parent.parent / "manage.py")
TAIL_LINES = 25
STOP_SECONDS = 10
STOPPED_BY_SIGNAL = (130, 143)  # honcho: after Ctrl-C, after SIGTERM.


class StoryPrinter(Printer):  # type: ignore[misc]  # honcho ships no annotations.
    """Show one process only, and keep what the others say in a file each."""

    def __init__(self, *, shown: str, logs: Path) -> None:
        super().__init__(sys.stdout, prefix=False)
        self.first_stopped = ""
        self._shown = shown
        self._logs = logs

    def write(self, message: Message) -> None:
        """Take one line of one process, or of the supervisor."""
        data = message.data
        line = data.decode(errors="replace") if isinstance(data, bytes) else str(data)
        if message.name == self._shown:
            super().write(message)
        elif message.name != SYSTEM_PRINTER_NAME:
            with log_of(self._logs, message.name).open("a") as log:
                log.write(line.rstrip() + "\n")
        elif " stopped " in line and not self.first_stopped:
            self.first_stopped = line.split()[0]


def log_of(logs: Path, name: str) -> Path:
    """Return where the output of a process is kept."""
    return logs / f"{name}.log"


def tail(logs: Path, name: str) -> str:
    """Return the last lines that a process has printed, each under its name."""
    log = log_of(logs, name)
    lines = log.read_text().splitlines()[-TAIL_LINES:] if log.exists() else ["(no output)"]
    return "\n".join(f"    {name} | {line}" for line in lines)


def commands(addresses: Addresses, *, token_seconds: int) -> dict[str, list[str]]:
    """Return the command of each process by its name."""
    celery = [sys.executable, "-m", "celery", "-A", "example_project.celery"]
    schedule = addresses.folder / "beat" / "schedule"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    return {
        "sandbox": [
            *(sys.executable, "-m", "actionstep_connect.sandbox"),
            *("--port", str(addresses.sandbox_port)),
            *("--database", str(addresses.folder / "sandbox.sqlite3")),
            *("--access-token-lifetime", str(token_seconds)),
            *("--redirect-uri", addresses.callback, "--verbose"),
        ],
        "site": [
            *(sys.executable, MANAGE, "runserver", "--noreload"),
            f"{LOOPBACK}:{addresses.site_port}",
        ],
        "worker": [
            *(*celery, "worker", "--loglevel", LOG_LEVEL),
            *("--pool", "threads", "--concurrency", "4"),
            *("--without-mingle", "--without-gossip", "--without-heartbeat"),
        ],
        "beat": [
            *(*celery, "beat", "--loglevel", LOG_LEVEL, "--pidfile="),
            *("--schedule", str(schedule)),
        ],
    }


def run(
    processes: Mapping[str, list[str]], env: Mapping[str, str], printer: Printer | None = None
) -> int:
    """Run all processes until one ends or Ctrl-C, stop the others, and return the exit code."""
    # A worker finishes what is in flight (HTTP_TIMEOUT) and looks at its broker again.
    honcho_manager.KILL_WAIT = STOP_SECONDS
    manager = Manager(printer)
    for name, command in processes.items():
        guarded = [sys.executable, "-m", "example_project.demo.guard", str(os.getpid()), *command]
        manager.add_process(name, f"exec {shlex.join(guarded)}", env=dict(env))
    manager.loop()
    return int(manager.returncode or 0)
