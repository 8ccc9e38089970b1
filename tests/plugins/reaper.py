"""End what a test run leaves behind: ``python reaper.py RUN FOLDER``, started by `leftovers`.

It waits until its standard input ends, which happens however the run ends. Then it ends each
process that has RUN in its environment, prints their names, and removes FOLDER. The run says
``done`` first if it ended in order: then its processes are given a moment to go on their own.
"""

import os
import shutil
import signal
import sys
import time

import psutil

#: Not `ACTIONSTEP_…`: some tests take those out of a process's environment.
VARIABLE = "MARK_OF_TEST_RUN"
GRACE_SECONDS = 5
POLL_SECONDS = 0.05


def processes_of(run: str) -> list[psutil.Process]:
    """Return the processes that this run has started, and those that they have started."""
    found = []
    for process in psutil.process_iter():
        try:
            if run in process.environ().get(VARIABLE, "") and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:  # It has ended, or belongs to another user.
            continue
    return found


def name(process: psutil.Process) -> str:
    """Return a process's command line, as far as it can be read."""
    try:
        return f"{process.pid}: {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return str(process.pid)


def wait_for_end(run: str) -> list[psutil.Process]:
    """Return what is left when all have ended, or when they have had their time."""
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := processes_of(run)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return left


def end(run: str, number: signal.Signals) -> list[psutil.Process]:
    """Send a signal to all of them; return those that it does not end."""
    for process in processes_of(run):
        try:
            process.send_signal(number)
        except psutil.Error:  # It has ended.
            continue
    return wait_for_end(run)


def main(run: str, folder: str) -> None:
    """Wait for the end of the run, then clean up after it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    in_order = sys.stdin.read() == "done"
    left = wait_for_end(run) if in_order else processes_of(run)
    if in_order:  # Otherwise there is no reader.
        print(*map(name, left), sep="\n", end="")
    if left and end(run, signal.SIGTERM):
        end(run, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
