"""The two pages: sign in and choose an organisation; then allow or deny."""

from collections.abc import Mapping
from urllib.parse import urlencode

from authlib.oauth2.rfc6749 import OAuth2Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from actionstep_connect.sandbox.authorization import RegisteredClient
from actionstep_connect.sandbox.identity import digest
from actionstep_connect.sandbox.middleware import CALLBACK_ERROR, note_actor
from actionstep_connect.sandbox.models import Membership, Person
from actionstep_connect.sandbox.practice.people import PASSWORD
from actionstep_connect.sandbox.scopes import in_words, split
from actionstep_connect.sandbox.switchboard import switchboard
from actionstep_connect.sandbox.views.token import server

SINGLE_PARAMETERS = ("response_type", "client_id", "redirect_uri", "scope", "state")


@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Lead the user through the pages; the query stays the same all the way (RFC 6749, 4.1.1)."""
    if problem := _cannot_answer_client(request):
        return _page(request, "error", {"problem": problem}, status=400)
    if error := _wrong_for_client(request):
        return _back_to_client(request, error=error[0], error_description=error[1])
    person = _signed_in(request)
    if request.method == "POST" and "username" in request.POST:
        return _sign_in(request)
    if person is None:
        return _page(request, "sign_in", {"people": Person.objects.order_by("pk")})
    if request.method == "POST" and "orgkey" in request.POST:
        return _choose(request, person)
    membership = _chosen(request, person)
    if membership is None:
        return _organisations(request, person)
    if request.method == "POST" and "decision" in request.POST:
        return _decide(request, membership)
    return _consent(request, membership)


def _cannot_answer_client(request: HttpRequest) -> str:
    """Return why no redirect is safe: then only the user may be told (RFC 6749, 4.1.2.1)."""
    if any(len(request.GET.getlist(name)) > 1 for name in SINGLE_PARAMETERS):
        return "A parameter of the request came twice."
    client = server.query_client(request.GET.get("client_id", ""))
    if client is None:
        return "No client is registered under this client_id."
    redirect_uri = request.GET.get("redirect_uri") or client.get_default_redirect_uri()
    if not redirect_uri:
        return "The request names no redirect_uri."
    if not client.check_redirect_uri(redirect_uri):
        return "The redirect_uri of the request is not registered for this client."
    return ""


def _wrong_for_client(request: HttpRequest) -> tuple[str, str] | None:
    forced: tuple[str, str] | None = request.META.get(CALLBACK_ERROR)
    if forced:
        return forced
    if request.GET.get("response_type") != "code":
        return "unsupported_response_type", "Only response_type=code is supported."
    try:
        server.get_consent_grant(request)
    except OAuth2Error as error:
        return error.error, error.get_error_description()
    return None


def _flow(request: HttpRequest) -> dict[str, str]:
    """Return what this browser has done so far for exactly this authorization request."""
    flow: dict[str, str] = request.session.get("flow", {})
    fresh = flow.get("request") == _fingerprint(request)
    return flow if fresh else {}


def _fingerprint(request: HttpRequest) -> str:
    return digest(f"{switchboard.epoch} {request.META.get('QUERY_STRING', '')}")


def _signed_in(request: HttpRequest) -> Person | None:
    username = _flow(request).get("username")
    if username is None and request.GET.get("prompt") == "none":
        signed_in = request.session.get("signed_in", {})
        username = signed_in.get("username") if signed_in.get("at") == _sitting() else None
    return Person.objects.filter(username=username).first() if username else None


def _sitting() -> str:
    return f"{switchboard.base_url} {switchboard.epoch}"


def _sign_in(request: HttpRequest) -> HttpResponse:
    name = request.POST["username"].strip()
    people = Person.objects.all()
    person = (people.filter(username=name) | people.filter(email=name)).first()
    if person is None or request.POST.get("password") != PASSWORD:
        context = {
            "people": people.order_by("pk"),
            "username": name,
            "problem": "This name and password do not go together.",
        }
        return _page(request, "sign_in", context, status=400)
    request.session["signed_in"] = {"username": person.username, "at": _sitting()}
    return _go_on(request, username=person.username)


def _choose(request: HttpRequest, person: Person) -> HttpResponse:
    orgkey = request.POST["orgkey"]
    if not any(one.organisation.key == orgkey for one in _memberships(person)):
        return _organisations(request, person, problem="You do not belong to this organisation.")
    return _go_on(request, username=person.username, orgkey=orgkey)


def _go_on(request: HttpRequest, **flow: str) -> HttpResponse:
    request.session["flow"] = {"request": _fingerprint(request), **flow}
    response = HttpResponseRedirect(request.get_full_path())
    response.status_code = 303
    return response


def _chosen(request: HttpRequest, person: Person) -> Membership | None:
    memberships = _memberships(person)
    if len(memberships) == 1:
        return memberships[0]
    wanted = _flow(request).get("orgkey") or request.GET.get("orgkey")
    return next((one for one in memberships if one.organisation.key == wanted), None)


def _memberships(person: Person) -> list[Membership]:
    memberships = Membership.objects.filter(person=person)
    return list(memberships.select_related("person", "organisation").order_by("pk"))


def _organisations(request: HttpRequest, person: Person, problem: str = "") -> HttpResponse:
    context = {"person": person, "memberships": _memberships(person), "problem": problem}
    return _page(request, "organisations", context, status=400 if problem else 200)


def _consent(request: HttpRequest, membership: Membership) -> HttpResponse:
    client = RegisteredClient(switchboard.options)
    scopes = split(client.get_allowed_scope(request.GET.get("scope")) or "")
    context = {
        "membership": membership,
        "client_id": client.client_id,
        "redirect_uri": request.GET.get("redirect_uri") or client.get_default_redirect_uri(),
        "scopes": [{"name": name, "words": in_words(name)} for name in scopes],
    }
    return _page(request, "consent", context)


def _decide(request: HttpRequest, membership: Membership) -> HttpResponse:
    request.session.pop("flow", None)
    note_actor(request, membership, switchboard.options.client_id)
    if request.POST["decision"] != "allow":
        return _back_to_client(
            request, error="access_denied", error_description="The user denied the request."
        )
    grant = server.get_consent_grant(request)
    response: HttpResponse = server.create_authorization_response(
        request, grant_user=membership, grant=grant
    )
    return _with_issuer(response)


def _back_to_client(request: HttpRequest, **parameters: str) -> HttpResponse:
    redirect_uri = (
        request.GET.get("redirect_uri")
        or RegisteredClient(switchboard.options).get_default_redirect_uri()
        or ""
    )
    if state := request.GET.get("state"):
        parameters["state"] = state
    joint = "&" if "?" in redirect_uri else "?"
    response = HttpResponse(status=302)
    response["Location"] = f"{redirect_uri}{joint}{urlencode(parameters)}"
    return _with_issuer(response)


def _with_issuer(response: HttpResponse) -> HttpResponse:
    if issuer := switchboard.options.issuer:
        response["Location"] += "&" + urlencode({"iss": issuer})
    return response


def _page(
    request: HttpRequest, name: str, context: Mapping[str, object], status: int = 200
) -> HttpResponse:
    return render(
        request,
        f"actionstep_sandbox/{name}.html",
        {**context, "password": PASSWORD},
        status=status,
    )
