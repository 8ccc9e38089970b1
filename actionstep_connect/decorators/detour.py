"""Where a user is sent instead of the view: to sign in, to connect, or to choose; programs get JSON."""

from http import HTTPStatus
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedRedirect
from django.http import (
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme

from actionstep_connect.conf import get_config
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AmbiguousConnection,
    ScopeNotGranted,
)
from actionstep_connect.links import connect_url, next_for, page_url
from actionstep_connect.scopes import unique_scopes
from actionstep_connect.wording.failures import FAILURES

HTML, JSON = "text/html", "application/json"


def login_redirect(request: HttpRequest, path: str) -> HttpResponseRedirect:
    """Send the user to sign in, and then to `path`: its whole address if that is at another host."""
    url = redirect_to_login(path).url
    if not _is_here(request, url):
        url = redirect_to_login(request.build_absolute_uri(path)).url
    return redirect_for(request, url)


def redirect_for(request: HttpRequest, url: str) -> HttpResponseRedirect:
    """Return a redirect to `url` that the browser can follow.

    A script that asked for a part of a page could not follow to another host: htmx is told to leave.
    """
    if "HX-Request" in request.headers and not _is_here(request, url):
        return HttpResponseRedirect(url, status=HTTPStatus.OK, headers={"HX-Redirect": url})
    # At the address of a 302 browsers repeat PUT, PATCH and DELETE, which none of these pages takes.
    becomes_get = request.method in ("GET", "HEAD", "POST")
    return HttpResponseRedirect(
        url, status=HTTPStatus.FOUND if becomes_get else HTTPStatus.SEE_OTHER
    )


def sign_in_first(request: HttpRequest, *, is_rest: bool = False) -> HttpResponseBase:
    """Answer a request without a signed-in user."""
    if _prefers_json(request, is_rest=is_rest):
        return JsonResponse(not_signed_in(request), status=403)
    try:
        return login_redirect(request, way_back(request) or page_url("connections"))
    except DisallowedRedirect:  # For its length. Django would e-mail that to ADMINS.
        return login_redirect(request, page_url("connections"))


def instead(
    request: HttpRequest,
    error: ActionstepConnectError,
    scopes: tuple[str, ...],
    orgkey: str | None,
    *,
    is_rest: bool = False,
) -> HttpResponseBase:
    """Answer a request whose user has no connection that will do; `scopes` are those of the view."""
    prefers_json = _prefers_json(request, is_rest=is_rest)
    if error.code == ErrorCode.INACTIVE_USER and not prefers_json:
        context = {"failure": FAILURES[ErrorCode.INACTIVE_USER], "code": ErrorCode.INACTIVE_USER}
        status = FAILURES[ErrorCode.INACTIVE_USER].status
        page = render(request, "actionstep_connect/connect_failed.html", context, status=status)
        add_never_cache_headers(page)  # An account may become active again.
        return page
    if prefers_json:
        return JsonResponse(refusal(request, error, scopes, orgkey), status=403)
    back = next_for(request, way_back(request))
    return redirect_for(request, _cure(error, scopes, orgkey, back=back))


def refusal(
    request: HttpRequest, error: ActionstepConnectError, scopes: tuple[str, ...], orgkey: str | None
) -> dict[str, str]:
    """Return what a program is told: `error` (the code), `detail`, and `connect_url` for its user."""
    return _refusal(request, error.code, str(error), _cure(error, scopes, orgkey, back=""))


def not_signed_in(request: HttpRequest) -> dict[str, str]:
    """Return what a program is told whose request comes from no user."""
    return _refusal(request, "not_signed_in", "No user is signed in.", connect_url())


def way_back(request: HttpRequest) -> str:
    """Return the page to come back to: this address, or for a form or a fragment the page it is on."""
    is_fragment = "HX-Request" in request.headers and "HX-Boosted" not in request.headers
    is_fragment = is_fragment or "Turbo-Frame" in request.headers
    if request.method in ("GET", "HEAD") and not is_fragment:
        return request.get_full_path()
    # Who comes back comes with GET, and the address of a posted form may know no GET.
    here = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(
        here, {request.get_host()}, require_https=request.is_secure()
    ):
        return ""
    page = urlsplit(here)
    path = escape_leading_slashes(page.path)
    return f"{path}?{page.query}" if page.query else path


def _is_here(request: HttpRequest, url: str) -> bool:
    target, here = urlsplit(url), urlsplit(request.build_absolute_uri("/"))
    return target.scheme in ("", here.scheme) and target.netloc in ("", here.netloc)


def _cure(
    error: ActionstepConnectError, scopes: tuple[str, ...], orgkey: str | None, *, back: str
) -> str:
    if isinstance(error, AmbiguousConnection):
        return page_url("connections", choose="1", next=back)
    also = error.scopes if isinstance(error, ScopeNotGranted) else ()
    # SCOPES too, so that the site's next page does not send the user out again.
    asked = unique_scopes([*get_config().scopes, *scopes, *also])
    return connect_url(scopes=asked, next_url=back, orgkey=orgkey)


def _refusal(request: HttpRequest, code: str, detail: str, url: str) -> dict[str, str]:
    return {"error": code, "detail": detail, "connect_url": request.build_absolute_uri(url)}


def _prefers_json(request: HttpRequest, *, is_rest: bool) -> bool:
    # The first one is for who accepts anything.
    return request.get_preferred_type([JSON, HTML] if is_rest else [HTML, JSON]) == JSON
