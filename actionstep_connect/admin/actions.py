"""What an administrator can do to a connection, each outcome told in words and logged."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ClientRejected,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.disconnect import disconnect as end
from actionstep_connect.flows.refresh import refresh_now as renew
from actionstep_connect.models import Connection, Status

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
            renew(connection, even_if_refused=True)
        except ActionstepConnectError as error:
            level = (
                messages.WARNING if isinstance(error, TemporarilyUnavailable) else messages.ERROR
            )
            outcomes.add(connection, level, _("Not refreshed"), str(error))
            model_admin.log_change(request, connection, f"Refresh now: {error}")
            if isinstance(error, ClientRejected):
                _tell_left(
                    request, connections[number + 1 :], _("the site's credentials come first.")
                )
                break
        else:
            outcomes.add(connection, messages.SUCCESS, _("Refreshed"))
            model_admin.log_change(request, connection, "Refresh now: refreshed.")
    outcomes.tell(request)


@admin.action(permissions=["disconnect"], description=gettext_lazy("Disconnect"))
def disconnect(
    model_admin: "ConnectionAdmin", request: HttpRequest, queryset: QuerySet[Connection]
) -> None:
    """End each connection and erase its tokens; its user may connect again."""
    actor, outcomes = request.user, _Outcomes()
    if not actor.is_authenticated:
        raise PermissionDenied
    for connection in queryset:
        if connection.status == Status.DISCONNECTED:
            outcomes.add(connection, messages.INFO, _("Had been disconnected already"))
            continue
        end(connection, actor=actor)
        model_admin.log_change(request, connection, "Disconnected; both tokens erased.")
        outcomes.add(connection, messages.SUCCESS, _("Disconnected, both tokens erased"))
    outcomes.tell(request)


def _tell_left(request: HttpRequest, rest: Iterable[Connection], reason: str) -> None:
    count = len(list(rest))
    if count:
        words = ngettext(
            "%(count)d connection was not tried: %(reason)s",
            "%(count)d connections were not tried: %(reason)s",
            count,
        )
        messages.warning(request, words % {"count": count, "reason": reason})
