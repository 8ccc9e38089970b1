"""Addresses of our pages: relative for a page of the site, absolute for an e-mail."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.http import QueryDict
from django.urls import reverse

from actionstep_connect.conf import get_config
from actionstep_connect.environments import is_secure_url
from actionstep_connect.scopes import format_scope

SITES_APP = "django.contrib.sites"
#: What django.contrib.sites calls a site that nobody has named.
PLACEHOLDER = "example.com"


def connect_url(
    *,
    scopes: Iterable[str] | None = None,
    next_url: str = "",
    orgkey: str | None = None,
    problem: str = "",
) -> str:
    """Return the address of the page that says what will be asked, or how the last attempt ended."""
    return page_url(
        "connect",
        problem=problem,
        scopes=format_scope(scopes or ()),
        next=next_url,
        orgkey=orgkey or "",
    )


def page_url(name: str, **parameters: str) -> str:
    """Return the address of the page called `name`, with those of `parameters` that say something."""
    query = QueryDict(mutable=True)
    query.update({key: value for key, value in parameters.items() if value})
    url = reverse(f"actionstep_connect:{name}")
    return f"{url}?{query.urlencode(safe='/')}" if query else url


def site_url() -> str:
    """Return what stands before each path of the site, for where there is no request.

    It is REDIRECT_URI without the callback's path, for that is the address registered with
    Actionstep; else the current site's of django.contrib.sites, over https outside loopback.

    Raises ImproperlyConfigured, saying what is missing.
    """
    redirect_uri = get_config().redirect_uri
    if redirect_uri is None:
        return _current_site_url()
    callback = reverse("actionstep_connect:callback")
    # A worker does not know where the site is mounted; the URI does.
    if redirect_uri.endswith(callback):
        return redirect_uri.removesuffix(callback)
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


def _current_site_url() -> str:
    if not apps.is_installed(SITES_APP):
        raise ImproperlyConfigured(
            "The site's own address is not known: set REDIRECT_URI, or install django.contrib.sites."
        )
    try:
        domain = get_current_site(None).domain
    except ObjectDoesNotExist as error:
        raise ImproperlyConfigured(
            "No site of django.contrib.sites has the id SITE_ID: set REDIRECT_URI, or correct it."
        ) from error
    if domain == PLACEHOLDER:
        raise ImproperlyConfigured(
            f"The current site is still called {PLACEHOLDER}: set REDIRECT_URI, or name the site in "
            "the admin."
        )
    plain = f"http://{domain}"
    return plain if is_secure_url(plain) else f"https://{domain}"
