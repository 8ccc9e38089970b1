"""What an administrator can do to a connection, each outcome told in words and logged."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from actionstep_connect.admin.base import ConnectionPages
from actionstep_connect.admin.export import lines
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ClientRejected,
    NotReminded,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.disconnect import disconnect as disconnect_now
from actionstep_connect.flows.events import ConnectionChange, publish
from actionstep_connect.flows.refresh import refresh_now as refresh
from actionstep_connect.flows.remind import remind as ask_for_reminder
from actionstep_connect.impersonation import acting_as, actor_of
from actionstep_connect.models import Connection, EventKind, Status

TIMEOUT = 20.0  # seconds after which no further connection is begun with: web servers give up soon
MAX_TRIED = 10_000  # more than any time suffices for, and few enough to hold in memory
MAX_NAMES = 10
MAX_ASKED = 100  # names on the page that asks before it disconnects


@dataclass(slots=True)
class _Outcomes:
    """Outcomes in words, each with the names of the connections concerned."""

    names: dict[tuple[int, str, str], list[str]] = field(default_factory=dict)

    def add(self, connection: Connection, level: int, outcome: str, detail: str = "") -> None:
        name = f"{connection.user.get_username()} ({connection.organisation})"
        self.names.setdefault((level, outcome, detail), []).append(name)

    def tell(self, request: HttpRequest) -> None:
        for (level, outcome, detail), names in self.names.items():
            shown = ", ".join(names[:MAX_NAMES])
            if len(names) > MAX_NAMES:
                shown += _(" and %(count)d more") % {"count": len(names) - MAX_NAMES}
            messages.add_message(request, level, f"{outcome}: {shown}. {detail}".strip())


@dataclass(frozen=True, slots=True)
class _Flow:
    """A flow that may fail for each connection, and the words in which it is recorded and told."""

    call: Callable[[Connection], object]
    kind: EventKind
    entry: str
    done: Promise
    not_done: Promise


_REFRESH = _Flow(
    partial(refresh, even_if_refused=True),
    EventKind.REFRESH_ASKED,
    "Refreshed.",
    done=gettext_lazy("Refreshed"),
    not_done=gettext_lazy("Not refreshed"),
)
_REMINDER = _Flow(
    ask_for_reminder,
    EventKind.REMINDER_ASKED,
    "To be sent.",
    done=gettext_lazy("Reminder queued"),
    not_done=gettext_lazy("Not reminded"),
)


@admin.action(permissions=["refresh"], description=gettext_lazy("Refresh now"))
def refresh_now(
    model_admin: ConnectionPages, request: HttpRequest, queryset: QuerySet[Connection]
) -> None:
    """Refresh each connection, due or not; one that Actionstep refused is retried."""
    outcomes, count = _Outcomes(), queryset.count()
    for number, connection in enumerate(_in_time(request, queryset), 1):
        error = _run(_REFRESH, connection, outcomes, model_admin, request)
        if isinstance(error, ClientRejected):
            _tell_left(request, count - number, _("the site's credentials come first."))
            break
    outcomes.tell(request)


@admin.action(permissions=["disconnect"], description=gettext_lazy("Disconnect"))
def disconnect(
    model_admin: ConnectionPages, request: HttpRequest, queryset: QuerySet[Connection]
) -> TemplateResponse | None:
    """Ask first, as Django's own deletion does; then end each connection and erase its tokens."""
    rows = queryset.select_related("user")
    if not request.POST.get("post") and rows.exclude(status=Status.DISCONNECTED).exists():
        return _ask_to_disconnect(model_admin, request, rows.exclude(status=Status.DISCONNECTED))
    actor, outcomes = _actor(request), _Outcomes()
    for connection in _in_time(request, rows):
        if connection.status == Status.DISCONNECTED:
            outcomes.add(connection, messages.INFO, _("Already disconnected"))
            continue
        disconnect_now(connection, actor=actor)
        model_admin.log_change(request, connection, "Disconnected; both tokens erased.")
        outcomes.add(connection, messages.SUCCESS, _("Disconnected, both tokens erased"))
    outcomes.tell(request)
    return None


def _ask_to_disconnect(
    model_admin: ConnectionPages, request: HttpRequest, rows: QuerySet[Connection]
) -> TemplateResponse:
    count = rows.count()
    words = ngettext("Disconnect %(count)d connection?", "Disconnect %(count)d connections?", count)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": words % {"count": count},
        "subtitle": None,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "count": count,
        "shown": rows[:MAX_ASKED],
        "more": max(count - MAX_ASKED, 0),
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "select_across": request.POST.get("select_across", "0"),
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
    }
    template = "admin/actionstep_connect/connection/disconnect_confirmation.html"
    return TemplateResponse(request, template, context)


@admin.action(permissions=["remind"], description=gettext_lazy("Remind the user by e-mail"))
def remind(
    model_admin: ConnectionPages, request: HttpRequest, queryset: QuerySet[Connection]
) -> None:
    """Have each user e-mailed who has to connect again; it is sent within a minute."""
    outcomes = _Outcomes()
    for connection in queryset:
        _run(_REMINDER, connection, outcomes, model_admin, request)
    outcomes.tell(request)


@admin.action(permissions=["view"], description=gettext_lazy("Export as CSV"))
def export_csv(
    _model_admin: ConnectionPages, request: HttpRequest, queryset: QuerySet[Connection]
) -> StreamingHttpResponse:
    """Send the selected connections as a file, line by line, without secrets."""
    count = queryset.count()
    words = ngettext("%(count)d connection", "%(count)d connections", count)
    # One entry for all of them: nothing about any of them has changed.
    LogEntry.objects.create(
        user_id=_actor(request).pk,
        content_type=get_content_type_for_model(Connection),
        object_repr=words % {"count": count},
        action_flag=CHANGE,
        change_message=f"Exported as CSV.{_as_whom(request)}",
    )
    name = f"actionstep-connections-{datetime.now(UTC):%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines(queryset),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _run(
    flow: _Flow,
    connection: Connection,
    outcomes: _Outcomes,
    model_admin: ConnectionPages,
    request: HttpRequest,
) -> ActionstepConnectError | None:
    try:
        flow.call(connection)
    except ActionstepConnectError as error:
        can_wait = isinstance(error, NotReminded | TemporarilyUnavailable)
        level = messages.WARNING if can_wait else messages.ERROR
        outcomes.add(connection, level, str(flow.not_done), str(error))
        _log(model_admin, request, connection, flow.kind, str(error))
        return error
    outcomes.add(connection, messages.SUCCESS, str(flow.done))
    _log(model_admin, request, connection, flow.kind, flow.entry)
    return None


def _actor(request: HttpRequest) -> AbstractBaseUser:
    actor = actor_of(request)
    if actor is None:
        raise PermissionDenied
    return actor


def _as_whom(request: HttpRequest) -> str:
    name = acting_as(request)
    return f" (Acting as {name}.)" if name else ""


def _log(
    model_admin: ConnectionPages,
    request: HttpRequest,
    connection: Connection,
    kind: EventKind,
    outcome: str,
) -> None:
    model_admin.log_change(request, connection, f"{kind.label.capitalize()}: {outcome}")
    event = (kind, f"{outcome}{_as_whom(request)}")
    publish(ConnectionChange(connection, [event], actor=_actor(request)))


def _in_time(request: HttpRequest, rows: QuerySet[Connection]) -> Iterator[Connection]:
    """Yield connections while there is time, and tell how many were not reached."""
    until, left = time.monotonic() + TIMEOUT, rows.count()
    for connection in rows[:MAX_TRIED]:
        if time.monotonic() > until:
            break
        yield connection
        left -= 1
    _tell_left(request, left, _("the time limit was reached; select them and try again."))


def _tell_left(request: HttpRequest, count: int, reason: str) -> None:
    if count:
        words = ngettext(
            "%(count)d connection was skipped: %(reason)s",
            "%(count)d connections were skipped: %(reason)s",
            count,
        )
        messages.warning(request, words % {"count": count, "reason": reason})
