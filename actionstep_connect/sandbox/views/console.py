"""The console: who is connected, what was asked of the API, and the switches as plain forms."""

from collections.abc import Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from actionstep_connect.sandbox import editing, switches
from actionstep_connect.sandbox.faults import KINDS
from actionstep_connect.sandbox.models import Organisation, Person
from actionstep_connect.sandbox.practice.firms import reset
from actionstep_connect.sandbox.practice.people import PASSWORD
from actionstep_connect.sandbox.switchboard import switchboard

ACTIVITY_SHOWN = 60
CALLS_SHOWN = 20
STYLE = Path(__file__).parent.parent / "templates" / "actionstep_sandbox" / "style.css"
FAULTS_OFFERED = (
    ("status_500", "answer 500"),
    ("status_429", "answer 429"),
    ("html", "answer with an HTML page"),
    ("slow", "answer slowly"),
    ("drop_before", "hang up at once"),
    ("drop_after", "hang up after doing it"),
    ("empty", "answer with nothing"),
    ("json_without_error", "answer 400 without an error member"),
)

assert {name for name, _ in FAULTS_OFFERED if not name.startswith("status_")} <= set(KINDS)  # noqa: S101 (a form must not offer what would be refused)


@require_http_methods(["GET", "HEAD", "POST"])
def console(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _turn(request)
    return _show(request)


@require_safe
def style(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(STYLE.read_bytes(), content_type="text/css; charset=utf-8")


def _turn(request: HttpRequest) -> HttpResponse:
    switch = FORMS.get(request.POST.get("switch", ""))
    if switch is None:
        return _show(request, problem="There is no such switch.")
    try:
        switch(request)
    except ValueError as error:
        return _show(request, problem=str(error))
    response = HttpResponseRedirect("/")
    response.status_code = 303
    return response


def _show(request: HttpRequest, problem: str = "") -> HttpResponse:
    state = switches.state()
    activity, notifications = state["activity"], state["notifications"]
    context = {
        "state": state,
        "activity": activity[:ACTIVITY_SHOWN] if isinstance(activity, list) else [],
        "notifications": notifications[:CALLS_SHOWN] if isinstance(notifications, list) else [],
        "organisations": Organisation.objects.order_by("pk"),
        "people": Person.objects.prefetch_related("memberships__organisation").order_by("pk"),
        "password": PASSWORD,
        "faults_offered": FAULTS_OFFERED,
        "problem": problem,
        "redirect_uris": switchboard.options.redirect_uris,
        "refresh": request.GET.get("refresh") == "on",
    }
    return render(
        request, "actionstep_sandbox/console.html", context, status=400 if problem else 200
    )


def _arm(request: HttpRequest) -> None:
    how_often = request.POST.get("times", "1")
    switches.add_faults(
        {
            "endpoint": request.POST.get("endpoint", ""),
            "fault": request.POST.get("fault", ""),
            "times": int(how_often) if how_often.isdigit() else None,
        }
    )


def _change_lifetimes(request: HttpRequest) -> None:
    names = ("access_token_lifetime", "refresh_token_lifetime", "grace")
    switches.change_options({name: float(request.POST[name]) for name in names})


def _rename_matter(request: HttpRequest) -> None:
    matter = {"resource": "actions", "id": request.POST.get("id", "").strip()}
    name = request.POST.get("name", "").strip()
    if not name:
        raise ValueError("A matter needs a name.")
    editing.change({**matter, "orgkey": request.POST.get("orgkey"), "row": {"name": name}})


FORMS: dict[str, Callable[[HttpRequest], object]] = {
    "reset": lambda _: reset(),
    "clear_faults": lambda _: switches.clear_faults(),
    "fault": _arm,
    "revoke": lambda request: switches.revoke({"user": request.POST.get("user", "")}),
    "expire": lambda request: switches.expire({"what": request.POST.get("what", "")}),
    "lifetimes": _change_lifetimes,
    "rename_matter": _rename_matter,
}
