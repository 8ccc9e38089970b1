"""Asking a Celery worker to deliver, without making a caller wait for a broker.

One thread in a process sends the messages. Those who ask while it sends are served by its next one.
Without a broker nothing is sent, and maintenance delivers within a minute.
"""

import logging
import threading
import time
from typing import Any

from django.utils.module_loading import import_string

from actionstep_connect.forks import after_fork
from actionstep_connect.logs import LogEvent, log

TASK = "actionstep_connect.hooks.tasks.deliver_changes"
#: Seconds without a request after which the thread ends.
IDLE = 5.0
#: Seconds between two messages: the first one is sent at once, and one worker takes what piles up.
PAUSE = 0.1


class Waker:
    """Sends a message soon after it was asked to, and never two at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._is_running = False

    def wake(self) -> None:
        """Have a message sent; return at once and never raise."""
        self._asked.set()
        with self._lock:
            if self._is_running:
                return
            self._is_running = True
        try:
            threading.Thread(target=self._run, name="actionstep-waker", daemon=True).start()
        except RuntimeError:  # No thread can be started: maintenance delivers.
            self._is_running = False

    def _run(self) -> None:
        while self._goes_on():
            self._asked.clear()
            _send()
            time.sleep(PAUSE)

    def _goes_on(self) -> bool:
        if self._asked.wait(IDLE):
            return True
        with self._lock:
            # A request from now on starts another thread.
            self._is_running = self._asked.is_set()
            return self._is_running


def _send() -> None:
    try:
        # Celery takes long to load, and a site without it need not wait for that.
        task: Any = import_string(TASK)
        if task.app.conf.broker_url:
            task.apply_async(retry=False)
    except Exception as error:  # noqa: BLE001 - whatever a broker raises: the rows are the queue.
        log(logging.WARNING, LogEvent.NOT_WOKEN, error=type(error).__name__)


waker = Waker()
after_fork(waker.__init__)  # type: ignore[misc] # A child has none of its parent's threads.
