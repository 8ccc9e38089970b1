"""The way back: claim the attempt, finish it, and lead on. No answer holds a code or a state."""

from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote_plus

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import TooManyFieldsSent
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters

from actionstep_connect.decorators.detour import login_redirect
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import ActionstepConnectError, AuthorizationFailed
from actionstep_connect.flows.attempts import claim_attempt, find_attempt
from actionstep_connect.flows.connect import Connected, check_answer, finish, note_failure
from actionstep_connect.impersonation import actor_of
from actionstep_connect.links import page_url
from actionstep_connect.models import AuthorizationRequest
from actionstep_connect.scopes import missing_scopes
from actionstep_connect.secret import Secret
from actionstep_connect.views.browser import recognise
from actionstep_connect.views.connections import remember_other_organisation
from actionstep_connect.views.outcome import destination, failed, outcome
from actionstep_connect.views.protection import log_failure, protected, safe_next, said_organisation
from actionstep_connect.wording.failures import FAILURES, failure_code
from actionstep_connect.wording.scopes import describe_scope

#: Where servers (uWSGI, Gunicorn, mod_wsgi, IIS) keep the address as it was asked for.
_FULL_ADDRESSES = ("REQUEST_URI", "RAW_URI", "UNENCODED_URL")
#: Headers with which browsers say that the user has not clicked yet.
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


class _Answer(NamedTuple):
    """What Actionstep gave the browser on its way back (RFC 6749 §4.1.2); nothing of it is printed."""

    state: Secret
    code: Secret
    error: Secret
    #: None where there was no `iss` at all (RFC 9207).
    issuer: Secret | None


@protected(referrer_policy="no-referrer")
@csrf_exempt  # It takes no form. Django would read one, and e-mail ADMINS if it is too long.
@login_not_required  # It sends strangers to the login itself, without the code in their address.
@sensitive_post_parameters()
def callback(request: HttpRequest) -> HttpResponseBase:
    """Take a user who comes back from Actionstep to the result, or to words about what went wrong."""
    answer = _take_answer(request)
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    if _is_prefetch(request):
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    if not request.user.is_authenticated:
        return login_redirect(request, page_url("connections"))
    return _arrive(request, answer)


def _arrive(request: HttpRequest, answer: _Answer) -> HttpResponse:
    visitor = recognise(request)
    try:
        attempt = claim_attempt(answer.state, visitor)
    except AuthorizationFailed as error:
        if error.code == ErrorCode.ALREADY_USED and (used := find_attempt(answer.state, visitor)):
            return outcome(request, used)
        log_failure(request, error)
        return failed(request, failure_code(error), None)
    try:
        code = check_answer(code=answer.code, error=answer.error, issuer=answer.issuer)
        connected = finish(attempt, code=code, actor=actor_of(request))
    except ActionstepConnectError as error:
        note_failure(attempt, code=failure_code(error))
        log_failure(request, error)
        if error.code == ErrorCode.USER_DELETED:
            return _for_a_stranger(request)
        return failed(request, failure_code(error), attempt)
    return _connected(request, attempt, connected)


def _for_a_stranger(request: HttpRequest) -> HttpResponse:
    # Every other page would send them to sign in, without a word.
    context = {"failure": FAILURES[ErrorCode.USER_DELETED], "code": ErrorCode.USER_DELETED}
    status = FAILURES[ErrorCode.USER_DELETED].status
    return render(request, "actionstep_connect/connect_failed.html", context, status=status)


def _connected(
    request: HttpRequest, attempt: AuthorizationRequest, connected: Connected
) -> HttpResponse:
    connection = connected.connection
    if connected.instead_of:
        remember_other_organisation(
            request,
            wanted=said_organisation(connection.user, connected.instead_of),
            got=connection.organisation,
            next_url=safe_next(request, attempt.next),
        )
        return HttpResponseRedirect(page_url("connections"))
    text = _("You are connected to %(organisation)s.") % {"organisation": connection.organisation}
    if lacking := missing_scopes(attempt.scopes, connection.granted_scopes):
        text += " " + _("Actionstep did not grant everything. Missing: %(scopes)s.") % {
            "scopes": ", ".join(str(describe_scope(name).label) for name in lacking)
        }
    messages.success(request, text, fail_silently=True)
    return HttpResponseRedirect(destination(request, attempt))


def _take_answer(request: HttpRequest) -> _Answer:
    """Move what Actionstep sent out of `request`, because Django prints that in debug pages and e-mails.

    A parameter that came more than once counts as none (RFC 6749 §3.1).
    """
    try:
        given = request.GET
    except TooManyFieldsSent:  # Django would report it as an error, as often as anybody sends it.
        given = QueryDict()
    repeated = any(len(given.getlist(name)) > 1 for name in ("code", "error", "iss"))

    def take(name: str) -> Secret:
        return Secret("" if repeated else given.get(name, ""))

    states = given.getlist("state")
    answer = _Answer(
        state=Secret(states[0] if len(states) == 1 else ""),
        code=take("code"),
        error=take("error"),
        issuer=take("iss") if "iss" in given else None,
    )
    request.GET = QueryDict()
    _forget_query(request)
    return answer


def _forget_query(request: HttpRequest) -> None:
    # Servers and proxies repeat the address they were asked for under many names.
    query = request.META.get("QUERY_STRING", "")
    secrets = _secrets_of(query)
    request.META["QUERY_STRING"] = ""
    for name, value in request.META.items():
        if name in _FULL_ADDRESSES:
            request.META[name] = value.partition("?")[0]
        elif isinstance(value, str) and _repeats(value, secrets):
            path, mark, _ = value.partition("?")
            request.META[name] = path if mark else ""
    # What an ASGI server, and a monitoring product around Django, look at again when all is done.
    scope = getattr(request, "scope", None)
    if scope is not None and query:
        scope["headers"] = [
            (name, value)
            for name, value in scope["headers"]
            if not _repeats(value.decode("latin-1"), secrets)
        ]
        scope["query_string"] = b""


def _secrets_of(query: str) -> set[str]:
    """Return what gives `query` away: the whole, and its code and state as proxies repeat them.

    Each stands with its name, because a code may be as short as a letter.
    """
    pairs = [pair for pair in query.split("&") if pair.startswith(("code=", "state="))]
    said = {pair for pair in pairs if not pair.endswith("=")} | ({query} if "=" in query else set())
    return said | set(map(unquote_plus, said))


def _repeats(value: str, secrets: set[str]) -> bool:
    texts = {value, unquote_plus(value)}  # An address within another one is encoded.
    return any(secret in text for secret in secrets for text in texts)


def _is_prefetch(request: HttpRequest) -> bool:
    purposes = " ".join(request.headers.get(name, "") for name in _PURPOSES).lower()
    return any(word in purposes for word in ("prefetch", "prerender", "preview"))
