"""A run leaves no process and no folder behind, however it ends: in order, by SIGTERM, by SIGKILL.

SIGTERM ends a run as Ctrl-C does, with every fixture's clean-up, in xdist's workers as well. What
is there after that, or after a SIGKILL, is ended by the reaper, a process of its own. A run that
left something behind is no success: its exit status says so.
"""

import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Generator
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import pytest

from tests.plugins.reaper import VARIABLE

#: The folder of this run; it goes when the run ends.
FOLDER = pytest.StashKey[Path]()
REAPER = pytest.StashKey["subprocess.Popen[str]"]()
TERMINATED = 128 + signal.SIGTERM  # The exit status that shells give it.
IN_WORKER = "PYTEST_XDIST_WORKER"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start the reaper before anything else is started."""
    options = early_config.known_args_namespace
    if not (options.help or options.version or IN_WORKER in os.environ):
        folder = Path(tempfile.mkdtemp(prefix="actionstep-connect-"))
        early_config.stash[FOLDER] = folder
        early_config.stash[REAPER] = _start_reaper(folder)
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """Let SIGTERM end the run in order, and look for processes that outlived it."""
    before = signal.signal(signal.SIGTERM, _end_in_order(config))
    try:
        status = yield
    finally:
        if signal.signal(signal.SIGTERM, before) is signal.SIG_IGN:
            status = TERMINATED
    reaper = config.stash.get(REAPER, None)
    if reaper is None:
        return status
    _end_fork_server()
    left, _ = reaper.communicate("done")
    if left:
        sys.stderr.write(f"The run left processes behind, which were ended:\n{left}\n")
        return status or pytest.ExitCode.TESTS_FAILED
    return status


def _end_fork_server() -> None:
    # Both live as long as this process, which is about to ask what is left. CPython's own tests end
    # them so; there is no public way.
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


def _start_reaper(folder: Path) -> "subprocess.Popen[str]":
    run = uuid.uuid4().hex
    script = Path(__file__).with_name("reaper.py")
    process = subprocess.Popen(
        [sys.executable, str(script), run, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # A signal to the run's process group does not reach it.
    )
    # A run inside a run belongs to both.
    os.environ[VARIABLE] = " ".join(filter(None, [os.environ.get(VARIABLE), run]))
    return process


def _end_in_order(config: pytest.Config) -> Callable[[int, FrameType | None], None]:
    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        if config.getoption("dist", "no") != "no" and IN_WORKER not in os.environ:
            for worker in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):
                    worker.terminate()
        raise KeyboardInterrupt

    return end
