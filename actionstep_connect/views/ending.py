"""Disconnecting: say what stops working, then do it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from actionstep_connect.flows.disconnect import disconnect as disconnect_now
from actionstep_connect.models import Connection, Status
from actionstep_connect.views.page import own_page, user_of
from actionstep_connect.wording import scope_in_words


@own_page
def disconnect(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask whether the user means it; on POST, disconnect."""
    connection = get_object_or_404(Connection.objects.for_user(user_of(request)), pk=connection_id)
    ended = connection.status == Status.DISCONNECTED
    if request.method == "POST" and not ended:
        disconnect_now(connection)
        text = _("You are no longer connected to %(organisation)s.")
        messages.success(request, text % {"organisation": connection.orgkey}, fail_silently=True)
    if request.method == "POST" or ended:
        return HttpResponseRedirect(reverse("actionstep_connect:connections"))
    context = {
        "connection": connection,
        "scopes": [scope_in_words(name) for name in connection.granted_scopes],
    }
    return render(request, "actionstep_connect/disconnect.html", context)
