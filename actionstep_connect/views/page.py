"""What our pages have in common: who sees them, what a browser may do with them, where they lead."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

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
            response.headers["X-Frame-Options"] = "DENY"
            response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
            return response

        # A page that fails must not roll back a stored token or a used-up attempt.
        for alias in connections:
            guarded_view = transaction.non_atomic_requests(using=alias)(guarded_view)
        return guarded_view

    return decorate


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
