"""Maintenance, the one job a site schedules: refresh, flag, prune, and remind by e-mail."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import on_primary
from actionstep_connect.flows.flag import flag_nearing_limit
from actionstep_connect.flows.prune import prune
from actionstep_connect.flows.refresh import Report, refresh_due, summary
from actionstep_connect.flows.refresh.tally import tally
from actionstep_connect.flows.remind import send_reminders
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Heartbeat, StoppedBy
from actionstep_connect.models.heartbeat import MAINTENANCE, OWN_FAULTS


def maintain(*, should_stop: Callable[[], bool] = lambda: False) -> Report:
    """Do one round of maintenance, leave a heartbeat, and send what reminders are due."""
    started_at, clock = datetime.now(UTC), time.monotonic()
    last = Heartbeat.of_maintenance()
    report = _refresh(last, should_stop=should_stop)
    flagged, pruned, stranded = flag_nearing_limit(), prune(), _count_stranded()
    values: dict[str, Any] = {
        "started_at": started_at,
        "finished_at": datetime.now(UTC),
        "seconds": round(time.monotonic() - clock, 3),
        "summary": summary(report) | {"flagged": flagged, "pruned": pruned, "stranded": stranded},
    }
    if error := report.error or _stranded_message(stranded):
        values |= {"last_error": error[:300], "last_error_at": values["finished_at"]}
    _beat(values)
    _log(report, is_news=last is None or last.stopped_by is not report.stopped_by)
    if stranded and not (last and last.stranded):
        log(logging.ERROR, LogEvent.STRANDED, _stranded_message(stranded), rows=stranded)
    send_reminders()  # Last: whatever a mail server does, refreshing is done and the heartbeat written.
    return report


def drain(*, should_stop: Callable[[], bool] = lambda: False) -> Report:
    """Refresh what is due beside a run under way, as carefully as that; leave no heartbeat."""
    return _refresh(Heartbeat.of_maintenance(), should_stop=should_stop)


def is_way_clear() -> bool:
    """Say whether the last round met nothing that several runs would only meet several times."""
    last = Heartbeat.of_maintenance()
    return last is None or last.stopped_by not in (*OWN_FAULTS, StoppedBy.OUTAGE)


def _refresh(last: Heartbeat | None, *, should_stop: Callable[[], bool]) -> Report:
    refusals = last.refusals_in_a_row if last else 0
    report = refresh_due(should_stop=should_stop, refusals_before=refusals)
    tally(report)
    return report


def _count_stranded() -> int:
    # Those of the client ids below and above ours: two ranges of the index of what is due.
    waiting = on_primary().here().exclude(refresh_at=None)
    client_id = get_config().client_id
    below, above = waiting.filter(client_id__lt=client_id), waiting.filter(client_id__gt=client_id)
    return below.count() + above.count()


def _stranded_message(stranded: int) -> str:
    if not stranded:
        return ""
    return (
        f"{stranded} connections were made for another CLIENT_ID and are not refreshed: "
        "set it back, or let their users reconnect."
    )


def _beat(values: dict[str, Any]) -> None:
    # Not update_or_create(): SQLite refuses at once a transaction that reads before it writes, when
    # another one wrote meanwhile.
    if not Heartbeat.objects.filter(pk=MAINTENANCE).update(**values):
        Heartbeat.objects.bulk_create([Heartbeat(job=MAINTENANCE, **values)], ignore_conflicts=True)


def _log(report: Report, *, is_news: bool) -> None:
    # Whoever reads the log is told once of a fault of the site's own, not every minute.
    is_error = is_news and report.stopped_by in OWN_FAULTS
    log(
        logging.ERROR if is_error else logging.INFO,
        LogEvent.RUN,
        report.error,
        outcome=report.stopped_by or "done",
        due=report.due,
        refreshed=report.refreshed,
        refused=report.refused,
        failed=report.failed.total(),
    )
