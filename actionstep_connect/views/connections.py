"""The page of one's connections: how each is, and what one can do with it."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from actionstep_connect.links import page_url
from actionstep_connect.models import Connection, Status
from actionstep_connect.sessions import CHOSEN_ORGKEY, OTHER_ORGANISATION, with_choice
from actionstep_connect.views.protection import Said, safe_next, user_of, user_page
from actionstep_connect.wording.scopes import Scope, describe_scope
from actionstep_connect.wording.states import State, state_of


class Row(NamedTuple):
    """One connection as its user reads it."""

    connection: Connection
    state: State
    scopes: list[Scope]
    #: Until when Actionstep accepts its tokens; nothing once that is over, whichever way.
    valid_until: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether it was disconnected."""
        return self.connection.status == Status.DISCONNECTED


@user_page
def connections(request: HttpRequest) -> HttpResponse:
    """List the user's connections; on POST, take the one chosen and go on."""
    mine = Connection.objects.for_user(user_of(request)).on_primary().select_related("user")
    next_url = safe_next(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.method == "POST":
        return _choose(request, {one.orgkey for one in mine if one.is_usable}, next_url)
    now = datetime.now(UTC)
    rows = [
        Row(
            connection=connection,
            state=state_of(connection, now=now),
            scopes=[describe_scope(name) for name in connection.granted_scopes],
            valid_until=connection.valid_until(now=now),
        )
        for connection in mine.order_by("orgkey")
    ]
    choosing = "choose" in request.GET
    context = {
        "address": page_url("connections", choose="1" if choosing else "", next=next_url),
        "rows": sorted(rows, key=lambda row: (row.has_ended, not row.state.needs_user)),
        "choosing": choosing,
        "next": next_url,
        "other_organisation": request.session.pop(OTHER_ORGANISATION, None),
        "has_connections": any(not row.has_ended for row in rows),
    }
    return render(request, "actionstep_connect/connections.html", context)


def remember_other_organisation(
    request: HttpRequest, *, wanted: Said, got: str, next_url: str
) -> None:
    """Let the next look at the page say that Actionstep connected a different organisation."""
    request.session[OTHER_ORGANISATION] = {
        "wanted": wanted.orgkey,
        "wanted_name": wanted.organisation,
        "got": got,
        "next": next_url,
    }


def _choose(request: HttpRequest, usable: set[str], next_url: str) -> HttpResponse:
    orgkey = request.POST.get("orgkey", "")
    if orgkey in usable:  # As the page spells it.
        choices = request.session.get(CHOSEN_ORGKEY)
        request.session[CHOSEN_ORGKEY] = with_choice(user_of(request), choices, orgkey)
    return HttpResponseRedirect(next_url or request.path)
