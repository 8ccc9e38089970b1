"""`manage.py actionstep_maintain`: maintenance without Celery, for cron."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models.heartbeat import OWN_FAULTS


class Command(BaseCommand):
    """Refresh what is due, flag what is near its limit, prune, and send reminders; once."""

    help = (
        "Refresh due Actionstep connections, flag those near their limit, prune, and send the "
        "reminders that wait. Run it every minute."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run once; SIGTERM and SIGINT finish what is in flight and give the rest back."""
        stop = threading.Event()

        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        is_main = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGTERM, signal.SIGINT) if is_main else ()
        before = {number: signal.signal(number, ask_to_stop) for number in numbers}
        try:
            report = maintain(should_stop=stop.is_set)
        finally:
            for number, handler in before.items():
                if handler is not None:  # It is, where a server that is no Python has set its own.
                    signal.signal(number, handler)
        self.stdout.write(
            f"{report.due} due: {report.refreshed} refreshed, {report.refused} refused, "
            f"{report.failed.total()} failed."
        )
        if report.error:
            self.stderr.write(self.style.ERROR(report.error))
        if report.stopped_by in OWN_FAULTS:
            raise SystemExit(1)
