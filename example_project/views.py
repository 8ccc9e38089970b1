"""The pages of the example site."""

from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urljoin

import httpx2
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import localdate
from django.views.decorators.http import require_http_methods, require_safe

from actionstep_connect.api import (
    ActionstepClient,
    ActionstepRequest,
    actionstep_connection_required,
)
from actionstep_connect.exceptions import (
    ActionstepPermissionDenied,
    ApiError,
    ClientRejected,
    DecryptionFailed,
    RateLimited,
    TemporarilyUnavailable,
    UntrustedHost,
)
from actionstep_connect.hooks.models import Registration, Subscription
from actionstep_connect.models import Connection, Status
from example_project.forms import FilterForm, Row, TimeRecordForm
from example_project.models import MatterChange

ROWS = 50
#: The newest of the firm's active matters, to choose from.
MATTERS = 200
#: Seconds after which a reader should rather be told than wait for another attempt.
MAX_WAIT = 5
#: What can go wrong with a request to Actionstep and is for this site to put into words. What connecting
#: again would cure is not here: the views' decorator sends the user there, and back.
TROUBLE = (
    ActionstepPermissionDenied,
    ApiError,
    ClientRejected,
    DecryptionFailed,
    RateLimited,
    TemporarilyUnavailable,
    UntrustedHost,
    httpx2.HTTPError,
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show where one stands, and the way to connect."""
    is_connected = (
        request.user.is_authenticated
        and Connection.objects.for_user(request.user).exclude(status=Status.DISCONNECTED).exists()
    )
    return render(request, "example_project/home.html", {"is_connected": is_connected})


@require_safe
@actionstep_connection_required(scopes=["timerecords", "actions"])
def time_records(request: ActionstepRequest) -> HttpResponse:
    """List what the user may see of the time recorded, the latest first, narrowed by a filter."""
    form = FilterForm(request.GET, label_suffix="")
    rows: list[Row] = []
    names: dict[str, str] = {}
    if form.is_valid():
        try:
            with ActionstepClient(request.actionstep, max_wait=MAX_WAIT) as actionstep:
                found = actionstep.iterate("timerecords", sort="-id", **form.query())
                rows = [Row(row) for row in islice(found, ROWS)]
                names = _names_of_matters(actionstep, rows)
        except TROUBLE as error:
            return _problem(request, error, "time records")
    for row in rows:
        row["matter"] = names.get(row["links"]["action"], "")
        row["day"] = localdate(datetime.fromisoformat(row["startTimestamp"])).isoformat()
    context = {"connection": request.actionstep, "form": form, "rows": rows, "most": ROWS}
    return render(request, "example_project/time_records.html", context | _sandbox())


@require_http_methods(["GET", "HEAD", "POST"])
@actionstep_connection_required(scopes=["timerecords", "actions"])
def record_time(request: ActionstepRequest) -> HttpResponse:
    """Add a time record, as the user and within what their Actionstep account allows."""
    status = 200
    with ActionstepClient(request.actionstep, max_wait=MAX_WAIT) as actionstep:
        try:
            newest = actionstep.iterate("actions", sort="-id", status="Active")
            matters = list(islice(newest, MATTERS))
        except TROUBLE as error:
            return _problem(request, error, "matters")
        form = TimeRecordForm(
            request.POST or None,
            matters=matters,
            initial={"matter": request.GET.get("matter", "")},
            label_suffix="",
        )
        if form.is_valid():
            try:
                actionstep.post("timerecords", json={"timerecords": form.row()})
            except TROUBLE as error:
                # What was typed stays in the form.
                words, status = _why_not_recorded(error)
                form.add_error(None, words)
            else:
                messages.success(request, f"{form.cleaned_data['hours']:f} hours are recorded.")
                return redirect("time_records")
    context = {"connection": request.actionstep, "form": form}
    return render(request, "example_project/record_time.html", context, status=status)


@require_safe
@actionstep_connection_required(scopes=["filenotes", "actions"])
def file_notes(request: ActionstepRequest, matter: int) -> HttpResponse:
    """Show what was noted on a matter. Its scope is asked for when a user first comes here."""
    try:
        with ActionstepClient(request.actionstep, max_wait=MAX_WAIT) as actionstep:
            action = actionstep.get(f"actions/{matter}").json()["actions"]
            notes = list(islice(actionstep.iterate("filenotes", sort="-id", action=matter), ROWS))
    except TROUBLE as error:
        return _problem(request, error, "file notes")
    context = {"connection": request.actionstep, "action": action, "notes": notes}
    return render(request, "example_project/file_notes.html", context | _sandbox())


@require_safe
@actionstep_connection_required(scopes=["resthooks", "actions"])
def changes(request: ActionstepRequest) -> HttpResponse:
    """Show the matters that this site heard have changed, to the user as whom it read them."""
    connection = request.actionstep
    heard = Subscription.objects.filter(
        organisation__bearer=connection, registration=Registration.ACTIVE
    )
    rows = MatterChange.objects.filter(user=connection.user, orgkey=connection.orgkey)
    context = {
        "connection": connection,
        "changes": rows.order_by("-heard_at")[:ROWS],
        "follows": request.GET.get("follow") == "on",
        "is_heard": heard.exists(),
    }
    return render(request, "example_project/changes.html", context | _sandbox())


def _names_of_matters(actionstep: ActionstepClient, rows: list[Row]) -> dict[str, str]:
    """Return the names of these rows' matters by their ids, with one request for all of them."""
    ids = sorted({row["links"]["action"] for row in rows if row["links"]["action"]})
    if not ids:
        return {}
    matters = actionstep.iterate(f"actions/{','.join(ids)}", fields="id,name")
    return {str(row["id"]): row["name"] for row in matters}


def _sandbox() -> dict[str, str]:
    """Return where the console of the sandbox is, if this site is connected to one."""
    config: dict[str, Any] = settings.ACTIONSTEP_CONNECT
    is_sandbox = config.get("ENVIRONMENT") == "sandbox"
    return {"sandbox_console": urljoin(config["TOKEN_URL"], "/#activity")} if is_sandbox else {}


def _problem(request: HttpRequest, error: Exception, what: str) -> HttpResponse:
    words, status = _in_plain_words(error, what)
    return render(request, "example_project/problem.html", {"problem": words}, status=status)


def _in_plain_words(error: Exception, what: str) -> tuple[str, int]:
    match error:
        case ActionstepPermissionDenied():
            return f"Your Actionstep account may not read {what}.", 403
        case RateLimited():
            return "Actionstep is busy. Please try again in a minute.", 503
        case TemporarilyUnavailable() | httpx2.HTTPError():
            return "Actionstep is not responding. Please try again shortly.", 503
        case ApiError(status=404):
            return f"Actionstep does not know these {what}, or not for you.", 404
        case _:
            return f"Actionstep could not return your {what} just now.", 502


def _why_not_recorded(error: Exception) -> tuple[str, int]:
    match error:
        case ActionstepPermissionDenied():
            return "Your Actionstep account may not record this time.", 403
        case ApiError(status=400):
            return f"Actionstep did not accept this: {error.detail}", 400
        case httpx2.HTTPError():
            return "No answer came. Look whether it was recorded before you try again.", 503
        case _:
            return _in_plain_words(error, "time records")
