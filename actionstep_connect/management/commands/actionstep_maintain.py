"""`manage.py actionstep_maintain`: maintenance without Celery, for cron."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from actionstep_connect.client.organisation_names import keep_names
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.health import problem_of
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import StoppedBy

#: Windows has no SIGHUP: a terminal that closes, such as of a lost SSH session.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)


class Command(BaseCommand):
    """Refresh what is due, flag what is near its limit, prune, and send reminders; once."""

    help = (
        "Refresh due Actionstep connections, flag those near their limit, prune, and send the "
        "reminders that wait. Run it every minute."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run once; SIGTERM, SIGINT and SIGHUP finish what is in flight and give the rest back."""
        stop = threading.Event()

        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        is_main = threading.current_thread() is threading.main_thread()
        before = {
            number: signal.signal(number, ask_to_stop)
            for number in (STOP_SIGNALS if is_main else ())
            if signal.getsignal(number) is not signal.SIG_IGN  # As under nohup.
        }
        try:
            report = maintain(should_stop=stop.is_set)
            if report.stopped_by is None:
                keep_names(should_stop=stop.is_set)
        except TemporarilyUnavailable as error:
            raise CommandError(str(error)) from error
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
        problem = problem_of(report.stopped_by)
        is_own_fault = problem is not None and problem.is_own_fault
        if is_own_fault or report.stopped_by is StoppedBy.DATABASE:
            raise SystemExit(1)
