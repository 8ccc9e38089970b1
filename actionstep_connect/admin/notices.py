"""What an administrator must know before reading the list: each problem of the site, and what to do."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from actionstep_connect.admin.condition import Tone
from actionstep_connect.admin.times import when
from actionstep_connect.flows.health import HealthProblem, clock_error
from actionstep_connect.models import Heartbeat

_SYNCHRONISE = gettext_lazy(
    "Synchronise the clocks of all machines (NTP), and check their time zones."
)

#: Those that need neither a number nor a time.
_PLAIN = {
    HealthProblem.CLIENT_REJECTED: (
        gettext_lazy("Actionstep refused this site's own credentials. No connection is at fault."),
        gettext_lazy("Correct CLIENT_ID and CLIENT_SECRET. Refreshing then resumes."),
    ),
    HealthProblem.REFUSALS: (
        gettext_lazy("Actionstep refused many connections in a row, so refreshing has stopped."),
        gettext_lazy(
            "Check the client's registration with Actionstep before you ask users to reconnect."
        ),
    ),
    HealthProblem.OVERDUE: (
        gettext_lazy("Refreshes are overdue."),
        gettext_lazy(
            "Check that the Celery worker and beat are running, and add workers if they are."
        ),
    ),
    HealthProblem.OUTAGE: (
        gettext_lazy("Actionstep did not answer in the last run."),
        gettext_lazy("Refreshes are retried. No connection is lost before its limit."),
    ),
    HealthProblem.DATABASE_AWAY: (
        gettext_lazy("The database went away during the last run."),
        gettext_lazy("The next run resumes. If it happens again, read the database's log."),
    ),
    HealthProblem.MESSAGES_EXPIRED: (
        gettext_lazy("Messages reach a worker, which discards them because they have expired."),
        _SYNCHRONISE,
    ),
    HealthProblem.THREADS: (
        gettext_lazy("The last run could start no more threads."),
        gettext_lazy("Raise the limit of threads for the worker, or lower its load."),
    ),
}


class Notice(NamedTuple):
    """One problem in words: what is wrong, and what to do."""

    tone: Tone
    text: str
    hint: str


def notices_of(
    problems: Iterable[HealthProblem], heartbeat: Heartbeat | None, *, now: datetime
) -> list[Notice]:
    """Put the problems of the site into words, in their order."""
    return [
        Notice(Tone(problem.severity.label), *_in_words(problem, heartbeat, now=now))
        for problem in problems
    ]


def _in_words(
    problem: HealthProblem, heartbeat: Heartbeat | None, *, now: datetime
) -> tuple[str, str]:
    match problem:
        case HealthProblem.NOT_RUNNING if heartbeat:
            text = _("Maintenance is overdue: it last ran %(time)s.")
            return text % {"time": when(heartbeat.finished_at, now=now)}, _(
                "Check that the Celery worker and beat are running and that their clocks agree. "
                "No connection is lost before its limit."
            )
        case HealthProblem.CLOCKS if heartbeat:
            text = _("Clocks disagree: that of the worker's machine is off by %(seconds)d s.")
            seconds = clock_error(heartbeat, now=now).total_seconds()
            return text % {"seconds": seconds}, str(_SYNCHRONISE)
        case HealthProblem.ORPHANED if heartbeat:
            text = ngettext(
                "%(count)d connection was made for another CLIENT_ID and is no longer refreshed.",
                "%(count)d connections were made for another CLIENT_ID and are no longer refreshed.",
                heartbeat.orphaned,
            )
            return text % {"count": heartbeat.orphaned}, _(
                "Set CLIENT_ID back, or ask these users to connect again."
            )
        case HealthProblem.SETTINGS:
            return _("The settings of this package are wrong."), _see("manage.py check")
        case HealthProblem.DATABASE:
            return _("The database does not answer, or lacks the tables of this package."), _see(
                "manage.py actionstep_doctor"
            )
        case HealthProblem.KEYS:
            return _("The encryption keys are unavailable, so nothing is refreshed."), _see(
                "manage.py actionstep_doctor"
            )
        case HealthProblem.NEVER_RUN:
            return _("Maintenance has never run, so nothing keeps connections alive."), _with_code(
                _("Schedule the Celery task {task} every minute, or {command} with cron."),
                task="actionstep_connect.tasks.maintain_connections",
                command="manage.py actionstep_maintain",
            )
    plain, hint = _PLAIN[problem]
    return str(plain), str(hint)


def _see(command: str) -> SafeString:
    return _with_code(_("Run {command}, which says why."), command=command)


def _with_code(text: str, **code: str) -> SafeString:
    return format_html(
        text, **{name: format_html("<code>{}</code>", each) for name, each in code.items()}
    )
