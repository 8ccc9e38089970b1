"""Checks of the site's own settings: the redirect URI and the session cookie."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError

from actionstep_connect.conf import get_config, get_django_settings, is_allowed_host, is_moved_host
from actionstep_connect.flows.doctor.finding import Finding, error, ok, warning
from actionstep_connect.flows.doctor.view import find_view
from actionstep_connect.links import current_site_url, included_paths


def redirect_uri() -> Iterator[Finding]:
    """Check that users come back to where the callback is."""
    part = "redirect URI"
    uri, callbacks = get_config().redirect_uri, list(included_paths("callback"))
    if not callbacks and not (uri and find_view(uri) == "actionstep_connect:callback"):
        where = "your URLs" if uri is None else f"the URLs of {urlsplit(uri).hostname}"
        yield error(
            part,
            "This site does not include the package's URLs.",
            f'Add path("actionstep/", include("actionstep_connect.urls")) to {where}.',
        )
    elif uri is None:
        yield warning(
            part,
            "REDIRECT_URI is not set: it is built from the host of each request.",
            f"Set it to what is registered with Actionstep, such as https://your.site{callbacks[0]}",
        )
    elif callbacks and not any(urlsplit(uri).path.endswith(callback) for callback in callbacks):
        yield error(
            part,
            f"REDIRECT_URI is {uri}, but the callback is at {callbacks[0]}.",
            "Correct the setting, and what is registered with Actionstep.",
        )
    elif not is_allowed_host(uri):
        host = urlsplit(uri).hostname
        yield warning(
            part,
            f"REDIRECT_URI leads to {host}, which ALLOWED_HOSTS lacks: users who come back are refused.",
            f"Add {host!r} to ALLOWED_HOSTS. If a proxy changes the Host header, ignore this.",
        )
    elif is_moved_host(uri):
        host = urlsplit(uri).hostname
        yield warning(
            part,
            f"REDIRECT_URI leads to {host}, and PREPEND_WWW leads on to www.{host}.",
            f"Write www.{host} into REDIRECT_URI, and have that registered with Actionstep.",
        )
    elif (site := _current_site()) and site != urlsplit(uri).hostname:
        yield warning(
            part,
            f"REDIRECT_URI leads to {urlsplit(uri).hostname}, and the current site of "
            f"django.contrib.sites is {site}.",
            "Correct REDIRECT_URI, or the site's domain in the admin: users must come back to the host "
            "on which they are signed in.",
        )
    else:
        yield ok(part, f"{uri}, which must be registered with Actionstep exactly so.")


def _current_site() -> str | None:
    """Return the host of the current site, where django.contrib.sites knows it."""
    try:
        return urlsplit(current_site_url()).hostname
    except (ImproperlyConfigured, DatabaseError, InterfaceError):
        return None


def session_cookie() -> Iterator[Finding]:
    """See that users are still signed in when they come back from Actionstep."""
    part, site = "session cookie", get_django_settings()
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
        yield ok(part, "Secure, and sent when users return from Actionstep.")
