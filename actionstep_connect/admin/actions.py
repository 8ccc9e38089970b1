"""What an administrator can do to a connection, each outcome told in words and logged."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from actionstep_connect.admin.export import lines
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ClientRejected,
    NotReminded,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.disconnect import disconnect as disconnect_now
from actionstep_connect.flows.events import Change, tell
from actionstep_connect.flows.refresh import refresh_now as refresh
from actionstep_connect.flows.remind import remind as ask_for_reminder
from actionstep_connect.models import Connection, EventKind, Status

if TYPE_CHECKING:
    from actionstep_connect.admin.connection import ConnectionAdmin

PATIENCE = 20.0  # seconds after which no further refresh is begun: web servers give up soon
MOST_NAMES = 10


@dataclass(slots=True)
class _Outcomes:
    """Outcomes in words, each with the names of the connections it befell."""

    names: dict[tuple[int, str, str], list[str]] = field(default_factory=dict)

    def add(self, connection: Connection, level: int, outcome: str, detail: str = "") -> None:
        name = f"{connection.user.get_username()} ({connection.orgkey})"
        self.names.setdefault((level, outcome, detail), []).append(name)

    def tell(self, request: HttpRequest) -> None:
        for (level, outcome, detail), names in self.names.items():
            shown = ", ".join(names[:MOST_NAMES])
            if len(names) > MOST_NAMES:
                shown += _(" and %(count)d more") % {"count": len(names) - MOST_NAMES}
            messages.add_message(request, level, f"{outcome}: {shown}. {detail}".strip())


@admin.action(permissions=["refresh"], description=gettext_lazy("Refresh now"))
def refresh_now(
    model_admin: "ConnectionAdmin", request: HttpRequest, queryset: QuerySet[Connection]
) -> None:
    """Refresh each connection, due or not; one that Actionstep refused is tried once more."""
    outcomes, begun = _Outcomes(), time.monotonic()
    connections = list(queryset)
    for number, connection in enumerate(connections):
        if time.monotonic() - begun > PATIENCE:
            _tell_left(
                request, connections[number:], _("there was no time left; select them again.")
            )
            break
        try:
            refresh(connection, even_if_refused=True)
        except ActionstepConnectError as error:
            level = (
                messages.WARNING if isinstance(error, TemporarilyUnavailable) else messages.ERROR
            )
            outcomes.add(connection, level, _("Not refreshed"), str(error))
            _log(model_admin, request, connection, EventKind.REFRESH_ASKED, str(error))
            if isinstance(error, ClientRejected):
                _tell_left(
                    request, connections[number + 1 :], _("the site's credentials come first.")
                )
                break
        else:
            outcomes.add(connection, messages.SUCCESS, _("Refreshed"))
            _log(model_admin, request, connection, EventKind.REFRESH_ASKED, "Refreshed.")
    outcomes.tell(request)


@admin.action(permissions=["disconnect"], description=gettext_lazy("Disconnect"))
def disconnect(
    model_admin: "ConnectionAdmin", request: HttpRequest, queryset: QuerySet[Connection]
) -> None:
    """End each connection and erase its tokens; its user may connect again."""
    actor, outcomes = _actor(request), _Outcomes()
    for connection in queryset:
        if connection.status == Status.DISCONNECTED:
            outcomes.add(connection, messages.INFO, _("Had been disconnected already"))
            continue
        disconnect_now(connection, actor=actor)
        model_admin.log_change(request, connection, "Disconnected; both tokens erased.")
        outcomes.add(connection, messages.SUCCESS, _("Disconnected, both tokens erased"))
    outcomes.tell(request)


@admin.action(permissions=["remind"], description=gettext_lazy("Remind the user by e-mail"))
def remind(
    model_admin: "ConnectionAdmin", request: HttpRequest, queryset: QuerySet[Connection]
) -> None:
    """Have each user e-mailed who has to connect again; it is sent within a minute."""
    outcomes = _Outcomes()
    for connection in queryset:
        try:
            ask_for_reminder(connection)
        except NotReminded as error:
            outcomes.add(connection, messages.WARNING, _("Not reminded"), str(error))
            _log(model_admin, request, connection, EventKind.REMINDER_ASKED, str(error))
        else:
            outcomes.add(connection, messages.SUCCESS, _("Reminded within a minute"))
            _log(model_admin, request, connection, EventKind.REMINDER_ASKED, "To be sent.")
    outcomes.tell(request)


@admin.action(permissions=["view"], description=gettext_lazy("Export as CSV"))
def export_csv(
    _model_admin: "ConnectionAdmin", request: HttpRequest, queryset: QuerySet[Connection]
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
        change_message="Exported as CSV.",
    )
    name = f"actionstep-connections-{datetime.now(UTC):%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines(queryset),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _actor(request: HttpRequest) -> AbstractBaseUser:
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


def _log(
    model_admin: "ConnectionAdmin",
    request: HttpRequest,
    connection: Connection,
    kind: EventKind,
    outcome: str,
) -> None:
    model_admin.log_change(request, connection, f"{kind.label.capitalize()}: {outcome}")
    tell([Change(connection, [(kind, outcome)], actor=_actor(request))])


def _tell_left(request: HttpRequest, rest: Iterable[Connection], reason: str) -> None:
    count = len(list(rest))
    if count:
        words = ngettext(
            "%(count)d connection was not tried: %(reason)s",
            "%(count)d connections were not tried: %(reason)s",
            count,
        )
        messages.warning(request, words % {"count": count, "reason": reason})
