"""The way out: say what will be asked, then send the user to Actionstep."""

from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import split_domain_port
from django.shortcuts import render

from actionstep_connect.conf import get_config, get_django_settings
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AuthorizationFailed,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.attempts import authorization_url, begin, requested_scopes
from actionstep_connect.links import page_url, registered_url
from actionstep_connect.models import Connection, Status
from actionstep_connect.orgkeys import is_orgkey, same_orgkey
from actionstep_connect.scopes import REQUIREMENTS, missing_scopes, unique_scopes
from actionstep_connect.views.attempt import show_attempt
from actionstep_connect.views.browser import callback_address, mark, remember, was_told
from actionstep_connect.views.outcome import attempt_url
from actionstep_connect.views.protection import (
    log_failure,
    safe_next,
    said_organisation,
    user_of,
    user_page,
)
from actionstep_connect.wording.failures import FAILURES, failure_code
from actionstep_connect.wording.scopes import SCOPES, Scope, describe_scope


class ConnectRequest(NamedTuple):
    """What the user came for: the scopes named, the page to return to, the organisation meant.

    `organisation` is that one if a page may name it. `another` is one that is not connected yet.
    """

    scopes: str
    next: str
    orgkey: str
    organisation: str
    another: bool


@user_page
def connect(request: HttpRequest) -> HttpResponse:
    """Show what the user will be asked to allow; on POST, send them to Actionstep."""
    if request.method != "POST" and "attempt" in request.GET:
        return show_attempt(request, request.GET["attempt"])
    asked, user = _read(request), user_of(request)
    problem = request.GET.get("problem", "")
    if not user.is_active:
        return _failed(request, asked, ErrorCode.INACTIVE_USER)
    if request.method != "POST" and problem in FAILURES and was_told(request, problem):
        return _failed(request, asked, problem)
    try:
        return _go(request, asked) if request.method == "POST" else _ask(request, asked)
    except (AuthorizationFailed, TemporarilyUnavailable) as error:
        log_failure(request, error)
        return _failed(request, asked, failure_code(error), detail=_detail(error, asked))


def _read(request: HttpRequest) -> ConnectRequest:
    def given(name: str) -> str:
        return request.POST.get(name) or request.GET.get(name, "")

    orgkey = given("orgkey")
    return ConnectRequest(
        scopes=given("scopes"),
        next=safe_next(request, given("next")),
        orgkey=orgkey if is_orgkey(orgkey) else "",
        organisation=said_organisation(user_of(request), orgkey).organisation,
        another=bool(given("another")),
    )


def _ask(request: HttpRequest, asked: ConnectRequest) -> HttpResponse:
    visitor = mark(request)
    connected = _connected(visitor.user)
    existing = _renewable_connections(connected, asked)
    scopes = _scopes(asked, existing)
    new = missing_scopes(scopes, _granted(existing)) if existing else ()
    elsewhere = _elsewhere(request, asked)
    is_clear_which = len(existing) == 1 and bool(asked.orgkey or asked.scopes)
    context = {
        "address": page_url("connect", **_parameters(asked)),
        "connect_request": asked,
        "existing": existing[0] if is_clear_which else None,
        "others": [one.organisation for one in connected] if asked.another else [],
        "scopes": [_in_words(name, existing, is_new=name in new) for name in scopes],
        "has_new": bool(new),
        "elsewhere": elsewhere,
        "elsewhere_host": urlsplit(elsewhere).netloc,
    }
    response = render(request, "actionstep_connect/connect.html", context)
    remember(response, visitor, callback=callback_address(request))
    return response


def _go(request: HttpRequest, asked: ConnectRequest) -> HttpResponse:
    if _browser_host(request) and _elsewhere(request, asked):
        return _ask(request, asked)
    visitor, callback = mark(request), callback_address(request)
    attempt = begin(
        visitor,
        scopes=_scopes(asked, _renewable_connections(_connected(visitor.user), asked)),
        redirect_uri=callback,
        next_url=asked.next,
        orgkey=asked.orgkey,
    )
    if _is_browser(request):
        response = HttpResponseRedirect(attempt_url(attempt), status=HTTPStatus.SEE_OTHER)
    else:
        response = HttpResponseRedirect(authorization_url(attempt, visitor))
    remember(response, visitor, callback=callback)
    return response


def _failed(
    request: HttpRequest, asked: ConnectRequest, code: str, *, detail: str = ""
) -> HttpResponse:
    failure = FAILURES[code]
    context = {"connect_request": asked, "failure": failure, "code": code, "detail": detail}
    return render(request, "actionstep_connect/connect_failed.html", context, status=failure.status)


def _is_browser(request: HttpRequest) -> bool:
    # All of them say so since Netscape. A program, such as Django's test client, follows a redirect.
    return request.headers.get("User-Agent", "").startswith("Mozilla/")


def _elsewhere(request: HttpRequest, asked: ConnectRequest) -> str:
    """Return this page's address at REDIRECT_URI's host, if the session does not go there as well."""
    host = urlsplit(get_config().redirect_uri or "").hostname
    here = _browser_host(request) or split_domain_port(request.get_host())[0].strip("[]")
    shared = (get_django_settings().session_cookie_domain or "").lstrip(".")
    if host is None or host == here:
        return ""
    if shared and all(f".{name}".endswith(f".{shared}") for name in (host, here)):
        return ""
    return registered_url("connect", **_parameters(asked))


def _parameters(asked: ConnectRequest) -> dict[str, str]:
    return {
        "scopes": asked.scopes,
        "next": asked.next,
        "orgkey": asked.orgkey,
        "another": "1" if asked.another else "",
    }


def _browser_host(request: HttpRequest) -> str:
    """Return the host in the browser's address bar, or nothing where the browser does not say.

    A proxy may have written another one into `Host`.
    """
    address = request.headers.get("Origin", "")
    if not address and request.headers.get("Sec-Fetch-Site") == "same-origin":
        address = request.headers.get("Referer", "")
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _connected(user: AbstractBaseUser) -> list[Connection]:
    # What is asked for takes the place of what was granted: a replica may not know all of that yet.
    mine = Connection.objects.for_user(user).on_primary().exclude(status=Status.DISCONNECTED)
    return list(mine.order_by("orgkey"))


def _renewable_connections(connected: list[Connection], asked: ConnectRequest) -> list[Connection]:
    """Return what this asked may renew: one organisation's, or whichever the user then chooses."""
    if asked.another:
        return []
    return [one for one in connected if not asked.orgkey or same_orgkey(one.orgkey, asked.orgkey)]


def _granted(connections: list[Connection]) -> tuple[str, ...]:
    return unique_scopes(name for each in connections for name in each.granted_scopes)


def _scopes(asked: ConnectRequest, existing: list[Connection]) -> tuple[str, ...]:
    # A new grant takes the place of the former one: what was not asked for again would be lost.
    wanted = requested_scopes(asked.scopes.split())
    allowed = get_config().allowed_scopes
    kept = [name for name in _granted(existing) if not missing_scopes([name], allowed)]
    return unique_scopes([*kept, *wanted])


def _in_words(name: str, existing: list[Connection], *, is_new: bool) -> Scope:
    config = get_config()
    named = {*config.scopes, *config.allowed_scopes, *_granted(existing)}
    named.update(name for requirement in REQUIREMENTS for name in requirement.scopes)
    # With `all` allowed any text may be a name, and a stranger may have written it into the address.
    return describe_scope(name, is_new=is_new, is_named_by_site=name in named)


def _detail(error: ActionstepConnectError, asked: ConnectRequest) -> str:
    """Return the sentence for those who look after the site, without words that only the address has."""
    if error.code != ErrorCode.SCOPE_NOT_ALLOWED:
        return str(error)[:300]
    names = [name for name in asked.scopes.split() if name in SCOPES]
    outside = missing_scopes(names, get_config().allowed_scopes)
    return f"Not in ALLOWED_SCOPES: {', '.join(outside)}." if outside else ""
