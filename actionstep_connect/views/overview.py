"""The page of one's connections: how each is, and what one can do with it."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from actionstep_connect.decorators import CHOSEN_ORGKEY
from actionstep_connect.models import Connection, Status
from actionstep_connect.views.page import own_page, safe_next, user_of
from actionstep_connect.wording import Scope, State, scope_in_words, state_of

_OTHER_ORGANISATION = "actionstep_connect_other_organisation"


class Row(NamedTuple):
    """One connection as its user reads it."""

    connection: Connection
    state: State
    scopes: list[Scope]
    #: Until when Actionstep accepts its tokens; nothing once that is over, whichever way.
    kept_until: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether it was disconnected."""
        return self.connection.status == Status.DISCONNECTED


@own_page
def connections(request: HttpRequest) -> HttpResponse:
    """List the user's connections; on POST, take the one chosen and go on."""
    mine = Connection.objects.for_user(user_of(request)).select_related("user")
    next_url = safe_next(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.method == "POST":
        return _choose(request, {one.orgkey for one in mine if one.is_usable}, next_url)
    now = datetime.now(UTC)
    rows = [
        Row(
            connection=connection,
            state=state_of(connection, now=now),
            scopes=[scope_in_words(name) for name in connection.granted_scopes],
            kept_until=connection.kept_until(now=now),
        )
        for connection in mine.order_by("orgkey")
    ]
    context = {
        "rows": sorted(rows, key=lambda row: (row.has_ended, not row.state.needs_user)),
        "choosing": "choose" in request.GET,
        "next": next_url,
        "other_organisation": request.session.pop(_OTHER_ORGANISATION, None),
    }
    return render(request, "actionstep_connect/connections.html", context)


def remember_other_organisation(
    request: HttpRequest, *, wanted: str, got: str, next_url: str
) -> None:
    """Let the next look at the page say that Actionstep answered for another organisation."""
    request.session[_OTHER_ORGANISATION] = {"wanted": wanted, "got": got, "next": next_url}


def _choose(request: HttpRequest, usable: set[str], next_url: str) -> HttpResponse:
    orgkey = request.POST.get("orgkey", "")
    if orgkey in usable:
        request.session[CHOSEN_ORGKEY] = orgkey
    return HttpResponseRedirect(next_url or request.path)
