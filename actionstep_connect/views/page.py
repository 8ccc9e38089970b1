"""What our pages have in common: who sees them, what a browser may do with them, where they lead."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

import django
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.views.decorators.http import require_http_methods

from actionstep_connect.conf import get_site
from actionstep_connect.crypto import KEYS_UNAVAILABLE
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.logs import LogEvent, log

#: Gives one answer a policy of its own, where Django knows of policies.
csp_override: Any = None
if django.VERSION >= (6, 0):
    csp_override = import_string("django.views.decorators.csp.csp_override")

#: The width of `AuthorizationRequest.next`, in characters as a browser sends them.
LONGEST_NEXT = 2000
_BEGINNINGS = ("/", "http://", "https://")

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def guarded(*, referrer_policy: str) -> Callable[[View[P]], View[P]]:
    """Keep answers out of caches, frames and other sites' logs, and the view out of transactions."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded_view(
            request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            add_never_cache_headers(response)
            response.headers["Referrer-Policy"] = referrer_policy
            return _unframed(request, response)

        # A page that fails must not roll back a stored token or a used-up attempt.
        for alias in connections:
            guarded_view = transaction.non_atomic_requests(using=alias)(guarded_view)
        return guarded_view

    return decorate


def _unframed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers["X-Frame-Options"] = "DENY"
    policy = get_site().content_security_policy
    if policy and csp_override is not None:
        # Within the site's own policy: the middleware leaves one out where there is a header already.
        within = csp_override({**policy, "frame-ancestors": ["'none'"]})
        return cast("HttpResponseBase", within(lambda _: response)(request))
    response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    return response


def own_page(view: View[P]) -> View[P]:
    """Make `view` a page of ours: for signed-in users, guarded.

    Its referrer stays on this site. It is not left out altogether, for then a browser sends its
    forms with `Origin: null`, which Django's protection against forged requests refuses.
    """
    signed_in = login_required(require_http_methods(["GET", "HEAD", "POST"])(view))
    return guarded(referrer_policy="same-origin")(signed_in)


def user_of(request: HttpRequest) -> AbstractBaseUser:
    """Return who is signed in, as on every page of ours."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


def log_failure(request: HttpRequest, error: ActionstepConnectError) -> None:
    """Log that a user could not connect: as an error where the site's own keys could not be had."""
    message, level = "", logging.WARNING
    if error.code == KEYS_UNAVAILABLE:
        message, level = str(error), logging.ERROR
    log(level, LogEvent.CONNECT_FAILED, message, outcome=error.code, user=request.user.pk)


def safe_next(request: HttpRequest, url: str) -> str:
    """Return `url` if it leads to a page of this site, else nothing."""
    if len(url) > LONGEST_NEXT or not url.isprintable() or not url.startswith(_BEGINNINGS):
        return ""
    if url.startswith("//") or "\\" in url:  # Whatever Django and browsers make of those.
        return ""
    if len(iri_to_uri(url)) > LONGEST_NEXT:  # Else our redirects could outgrow what Django allows.
        return ""
    is_safe = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_safe else ""
