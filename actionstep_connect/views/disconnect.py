"""Disconnecting: say what stops working, then do it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from actionstep_connect.flows.disconnect import disconnect as disconnect_now
from actionstep_connect.impersonation import actor_of
from actionstep_connect.links import page_url
from actionstep_connect.models import Connection, Status
from actionstep_connect.views.protection import user_of, user_page
from actionstep_connect.wording.scopes import describe_scope


@user_page
def disconnect(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask whether the user means it; on POST, disconnect."""
    mine = Connection.objects.for_user(user_of(request)).on_primary()
    connection = get_object_or_404(mine, pk=connection_id)
    organisation = connection.organisation  # Its name is erased with the rest.
    ended = connection.status == Status.DISCONNECTED
    if request.method == "POST" and not ended:
        disconnect_now(connection, actor=actor_of(request))
        text = _("You are no longer connected to %(organisation)s.")
        messages.success(request, text % {"organisation": organisation}, fail_silently=True)
    if request.method == "POST" or ended:
        return HttpResponseRedirect(page_url("connections"))
    context = {
        "connection": connection,
        "scopes": [describe_scope(name) for name in connection.granted_scopes],
    }
    return render(request, "actionstep_connect/disconnect.html", context)
