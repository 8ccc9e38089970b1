"""The pages of the example site."""

from itertools import islice

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from actionstep_connect.api import (
    ActionstepClient,
    ActionstepRequest,
    actionstep_connection_required,
)
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ActionstepPermissionDenied,
    RateLimited,
    ReconnectRequired,
    TemporarilyUnavailable,
)
from actionstep_connect.models import Connection, Status

ROWS = 50


def home(request: HttpRequest) -> HttpResponse:
    """Show where one stands, and the way to connect."""
    is_connected = (
        request.user.is_authenticated
        and Connection.objects.for_user(request.user).exclude(status=Status.DISCONNECTED).exists()
    )
    return render(request, "example_project/home.html", {"is_connected": is_connected})


@login_required
@actionstep_connection_required(scopes=["timerecords"])
def time_records(request: ActionstepRequest) -> HttpResponse:
    """List what the user recorded last, fetched from Actionstep as this user."""
    context: dict[str, object] = {"connection": request.actionstep}
    status = 200
    try:
        with ActionstepClient(request.actionstep) as actionstep:
            context["rows"] = list(islice(actionstep.iterate("timerecords", sort="-id"), ROWS))
    except ActionstepConnectError as error:
        context["problem"], status = _in_plain_words(error)
    return render(request, "example_project/time_records.html", context, status=status)


def _in_plain_words(error: ActionstepConnectError) -> tuple[str, int]:
    match error:
        case ReconnectRequired():
            return "Actionstep has ended this connection. Please connect again.", 409
        case ActionstepPermissionDenied():
            return "Your Actionstep account may not read time records.", 403
        case RateLimited():
            return "Actionstep asks us to slow down. Please try again in a minute.", 503
        case TemporarilyUnavailable():
            return "Actionstep does not answer at the moment. Please try again shortly.", 503
        case _:
            return "Actionstep could not give us your time records just now.", 502
