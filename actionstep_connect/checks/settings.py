"""Checks of ACTIONSTEP_CONNECT: its values, and what they mean for this site."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, router

from actionstep_connect.check_ids import CheckId
from actionstep_connect.conf import (
    SETTING,
    find_problems,
    get_config,
    get_django_settings,
    is_allowed_host,
    is_moved_host,
)
from actionstep_connect.environments import LOOPBACK
from actionstep_connect.links import SITES_APP, current_site_url


def check_settings(**_: Any) -> list[CheckMessage]:
    """Name everything that is wrong with ACTIONSTEP_CONNECT."""
    return [
        Error(problem.message, hint=problem.hint, id=problem.id.full) for problem in find_problems()
    ]


def check_redirect_uri(**_: Any) -> list[CheckMessage]:
    """Report a REDIRECT_URI that leads to a host at which this site refuses requests."""
    return [] if find_problems() else list(_redirect_uri_problems())


def check_current_site(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Name a REDIRECT_URI of another site than django.contrib.sites says that this one is."""
    if find_problems() or not apps.is_installed(SITES_APP):
        return []
    alias = router.db_for_read(apps.get_app_config("sites").get_model("Site"))
    return list(_current_site_problems()) if alias in (databases or ()) else []


def check_reminders(**_: Any) -> list[CheckMessage]:
    """Name what keeps reminders by e-mail from being written."""
    return [] if find_problems() else list(_reminder_problems())


def check_endpoints(**_: Any) -> list[CheckMessage]:
    """Name what leads to this very machine: a sandbox, not Actionstep."""
    return [] if find_problems() else list(_endpoint_problems())


def _redirect_uri_problems() -> Iterator[CheckMessage]:
    uri = get_config().redirect_uri
    if uri is not None and not is_allowed_host(uri):
        host = urlsplit(uri).hostname
        yield checks.Warning(
            f"{SETTING}['REDIRECT_URI'] leads to {host}, which ALLOWED_HOSTS lacks: users who come back "
            "from Actionstep are refused.",
            hint=f"Add {host!r} to ALLOWED_HOSTS, or correct REDIRECT_URI. If a proxy changes the Host "
            "header, silence this check.",
            id=CheckId.REDIRECT_URI_HOST.full,
        )
    elif uri is not None and is_moved_host(uri):
        host = urlsplit(uri).hostname
        yield checks.Warning(
            f"{SETTING}['REDIRECT_URI'] leads to {host}, and PREPEND_WWW leads on to www.{host}: users "
            "are told to connect at the one and sent to the other.",
            hint=f"Write www.{host} into REDIRECT_URI, and have that registered with Actionstep.",
            id=CheckId.REDIRECT_URI_HOST.full,
        )


def _current_site_problems() -> Iterator[CheckMessage]:
    leads_to = urlsplit(get_config().redirect_uri or "").hostname
    try:
        here = urlsplit(current_site_url()).hostname
    except (ImproperlyConfigured, DatabaseError):
        return  # Nothing is known: the site has no name yet, or no tables.
    if leads_to and leads_to != here:
        yield checks.Warning(
            f"{SETTING}['REDIRECT_URI'] leads to {leads_to}, and the current site of "
            f"django.contrib.sites is {here}.",
            hint="Correct REDIRECT_URI, or the site's domain in the admin: users must come back to the "
            "host on which they are signed in.",
            id=CheckId.REDIRECT_URI_SITE.full,
        )


def _reminder_problems() -> Iterator[CheckMessage]:
    config, site = get_config(), get_django_settings()
    knows_itself = site.has_site_id and SITES_APP in site.installed_apps
    if config.notify_users and config.redirect_uri is None and not knows_itself:
        yield Error(
            f"{SETTING}['NOTIFY_USERS'] is on, but nothing says at which address users find the site: "
            "a worker has no request to take it from.",
            hint="Set REDIRECT_URI, or install django.contrib.sites and set SITE_ID.",
            id=CheckId.NO_SITE_URL.full,
        )


def _endpoint_problems() -> Iterator[CheckMessage]:
    config = get_config()
    addresses = {
        "AUTHORIZE_URL": [config.authorize_url],
        "TOKEN_URL": [config.token_url],
        "REDIRECT_URI": [config.redirect_uri or ""],
        "API_HOSTS": [f"//{host}" for host in config.api_hosts],
    }
    for key, named in addresses.items():
        for url in named:
            if urlsplit(url).hostname in LOOPBACK:
                yield Error(
                    f"{SETTING}[{key!r}] leads to this very machine: {url.removeprefix('//')}.",
                    hint="A deployed site talks to Actionstep: set ENVIRONMENT to 'production' or "
                    "'staging', and leave the addresses of a sandbox out.",
                    id=CheckId.LOOPBACK.full,
                )
