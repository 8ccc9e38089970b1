"""Examining the site's own set-up: the redirect URI and the session cookie."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse

from actionstep_connect.conf import get_config, get_site
from actionstep_connect.flows.examine.finding import Finding, error, ok, warning


def redirect_uri() -> Iterator[Finding]:
    """See that users come back to where the callback is."""
    part = "redirect URI"
    try:
        callback = reverse("actionstep_connect:callback")
    except NoReverseMatch:
        yield error(
            part,
            "This site does not include the package's URLs.",
            'Add path("actionstep/", include("actionstep_connect.urls")) to your URLs.',
        )
        return
    uri = get_config().redirect_uri
    if uri is None:
        yield warning(
            part,
            "REDIRECT_URI is not set: it is built from the host of each request.",
            f"Set it to what is registered with Actionstep, such as https://your.site{callback}",
        )
    elif not urlsplit(uri).path.endswith(callback):
        yield error(
            part,
            f"REDIRECT_URI is {uri}, but the callback is at {callback}.",
            "Correct the setting, and what is registered with Actionstep.",
        )
    else:
        yield ok(part, f"{uri}, which must be registered with Actionstep exactly so.")


def session_cookie() -> Iterator[Finding]:
    """See that users are still signed in when they come back from Actionstep."""
    part, site = "session cookie", get_site()
    if site.session_cookie_samesite == "Strict":
        yield error(
            part,
            "SESSION_COOKIE_SAMESITE is 'Strict': users come back from Actionstep signed out.",
            "Set it to 'Lax', which is Django's default.",
        )
    elif not site.session_cookie_secure:
        yield warning(
            part,
            "SESSION_COOKIE_SECURE is False: the session also travels without https.",
            "Serve the site over https and set it to True.",
        )
    else:
        yield ok(part, "It travels over https only, and comes along from Actionstep.")
