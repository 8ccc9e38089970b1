"""The way back: claim the attempt, finish it, and lead on. No answer holds a code or a state."""

from http import HTTPStatus
from typing import NamedTuple

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from actionstep_connect.conf import get_config
from actionstep_connect.crypto import Secret
from actionstep_connect.exceptions import ActionstepConnectError, AuthorizationFailed
from actionstep_connect.flows.connect import (
    Connected,
    check_answer,
    claim_attempt,
    find_own_attempt,
    finish,
    note_failure,
)
from actionstep_connect.links import connect_url
from actionstep_connect.models import AuthorizationRequest
from actionstep_connect.scopes import missing_scopes
from actionstep_connect.views.overview import remember_other_organisation
from actionstep_connect.views.page import guarded, log_failure, safe_next
from actionstep_connect.wording import ENDINGS, ending_code, scope_in_words

#: Where servers (uWSGI, Gunicorn, mod_wsgi, IIS) keep the address as it was asked for.
_FULL_ADDRESSES = ("REQUEST_URI", "RAW_URI", "UNENCODED_URL")
#: Headers with which browsers say that nobody has clicked yet.
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


class _Answer(NamedTuple):
    """What Actionstep gave the browser on its way back (RFC 6749 §4.1.2); nothing of it is printed."""

    state: Secret
    code: Secret
    error: Secret
    #: None where there was no `iss` at all (RFC 9207).
    issuer: Secret | None


@guarded(referrer_policy="no-referrer")
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
        return redirect_to_login(reverse("actionstep_connect:connections"))
    return _arrive(request, request.user, answer)


def _arrive(request: HttpRequest, user: AbstractBaseUser, answer: _Answer) -> HttpResponse:
    session = request.session
    try:
        attempt = claim_attempt(state=answer.state, user=user, session=session)
    except AuthorizationFailed as error:
        if error.code == "already_used":
            return _arrive_again(
                request, find_own_attempt(state=answer.state, user=user, session=session)
            )
        return _failed(request, error)
    try:
        code = check_answer(code=answer.code, error=answer.error, issuer=answer.issuer)
        connected = finish(attempt, code=code)
    except ActionstepConnectError as error:
        note_failure(attempt, code=ending_code(error))
        return _failed(request, error, attempt)
    return _connected(request, attempt, connected)


def _arrive_again(request: HttpRequest, attempt: AuthorizationRequest | None) -> HttpResponse:
    """Lead a user who reloads, or goes back, to how it ended; while it is under way, to the list."""
    if attempt is None or not (attempt.result or attempt.failure):
        return HttpResponseRedirect(reverse("actionstep_connect:connections"))
    if attempt.result is None:
        return HttpResponseRedirect(_problem_url(request, attempt, attempt.failure))
    if attempt.orgkey not in ("", attempt.result.orgkey):
        # Another one than meant: the list says so.
        return HttpResponseRedirect(reverse("actionstep_connect:connections"))
    return HttpResponseRedirect(_destination(request, attempt))


def _connected(
    request: HttpRequest, attempt: AuthorizationRequest, connected: Connected
) -> HttpResponse:
    connection = connected.connection
    if connected.instead_of:
        remember_other_organisation(
            request,
            wanted=connected.instead_of,
            got=connection.orgkey,
            next_url=safe_next(request, attempt.next),
        )
        return HttpResponseRedirect(reverse("actionstep_connect:connections"))
    text = _("You are connected to %(organisation)s.") % {"organisation": connection.orgkey}
    if lacking := missing_scopes(attempt.scopes, connection.granted_scopes):
        text += " " + _("Actionstep did not grant everything. Missing: %(scopes)s.") % {
            "scopes": ", ".join(str(scope_in_words(name).words) for name in lacking)
        }
    messages.success(request, text, fail_silently=True)
    return HttpResponseRedirect(_destination(request, attempt))


def _failed(
    request: HttpRequest,
    error: ActionstepConnectError,
    attempt: AuthorizationRequest | None = None,
) -> HttpResponse:
    log_failure(request, error)
    # Elsewhere, so that no address with a code in it is left in the browser.
    return HttpResponseRedirect(_problem_url(request, attempt, ending_code(error)))


def _problem_url(request: HttpRequest, attempt: AuthorizationRequest | None, code: str) -> str:
    problem = code if code in ENDINGS else AuthorizationFailed.code
    if attempt is None:
        return connect_url(problem=problem)
    return connect_url(
        scopes=attempt.scopes,
        next_url=safe_next(request, attempt.next),
        orgkey=attempt.orgkey,
        problem=problem,
    )


def _destination(request: HttpRequest, attempt: AuthorizationRequest) -> str:
    return safe_next(request, attempt.next) or resolve_url(get_config().post_connect_url)


def _take_answer(request: HttpRequest) -> _Answer:
    """Move what Actionstep sent out of `request`, for Django prints that in debug pages and e-mails.

    A parameter that came more than once counts as none (RFC 6749 §3.1).
    """
    given = request.GET
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
    request.META["QUERY_STRING"] = ""
    for name, value in request.META.items():
        if name in _FULL_ADDRESSES:
            request.META[name] = value.partition("?")[0]
        elif "=" in query and isinstance(value, str) and query in value:
            path, mark, _ = value.partition("?")
            request.META[name] = path if mark else ""


def _is_prefetch(request: HttpRequest) -> bool:
    purposes = " ".join(request.headers.get(name, "") for name in _PURPOSES).lower()
    return any(word in purposes for word in ("prefetch", "prerender", "preview"))
