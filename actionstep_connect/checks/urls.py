"""Checks of what a site's URLs, views and policies let users do: known before anybody is sent away."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.urls import get_resolver
from django.utils import translation

from actionstep_connect.check_ids import CheckId
from actionstep_connect.conf import SETTING, find_problems, get_config, get_django_settings
from actionstep_connect.environments import LOOPBACK
from actionstep_connect.links import NAMESPACE, are_translated, included_paths, namespaces
from actionstep_connect.scopes import REQUIREMENTS, missing_scopes

#: How many of the callback's paths a message names.
SHOWN = 3
#: Sources with which `form-action` lets a form be sent to the site itself.
OWN_SOURCES = frozenset({"'self'", "*", "https:"})


def check_urls(**_: Any) -> list[CheckMessage]:
    """Name what keeps users from coming back to the callback."""
    if find_problems() or not get_django_settings().root_urlconf:
        return []
    return [*_namespace_problems(), *_redirect_uri_problems()]


def check_views(**_: Any) -> list[CheckMessage]:
    """Name the scopes that decorated views need and that may not be asked for."""
    if find_problems():
        return []
    if get_django_settings().root_urlconf:
        _imported = get_resolver().url_patterns  # That imports the views.
    allowed = get_config().allowed_scopes
    return [
        Error(
            f"{SETTING}['ALLOWED_SCOPES'] lacks {', '.join(lacking)}, which the view decorated in "
            f"{requirement.place} needs: no user could ever open it.",
            hint=f"Add {'it' if len(lacking) == 1 else 'them'} to ALLOWED_SCOPES, or correct the view.",
            id=CheckId.VIEW_SCOPE_NOT_ALLOWED.full,
        )
        for requirement in sorted(REQUIREMENTS)
        if (lacking := missing_scopes(requirement.scopes, allowed))
    ]


def check_form_action(**_: Any) -> list[CheckMessage]:
    """Name a policy under which the site's own forms are blocked."""
    host = urlsplit("" if find_problems() else get_config().redirect_uri or "").netloc
    return [
        checks.Warning(
            f"form-action in {setting} does not allow the site itself: browsers block the forms that "
            "connect and disconnect, without a word.",
            hint=f"Add \"'self'\" to form-action in {setting}. Nothing more is needed: users leave for "
            "Actionstep by a link.",
            id=CheckId.FORM_ACTION.full,
        )
        for setting, sources in get_django_settings().form_actions.items()
        if OWN_SOURCES.isdisjoint(sources) and not any(host and host in each for each in sources)
    ]


def _namespace_problems() -> Iterator[CheckMessage]:
    found = list(namespaces())
    paths = list(included_paths("callback"))
    if found and not paths:
        yield Error(
            "This package's URLs are included below a path with parameters, so the callback has no "
            "address of its own.",
            hint="Include them below a fixed path.",
            id=CheckId.CALLBACK_HAS_PARAMETERS.full,
        )
    if found and all(":" in namespace for namespace in found):
        yield checks.Warning(
            f"This package's URLs are included inside another namespace ({found[0]}): its own pages "
            f"find each other, but {NAMESPACE}:connections and the like name nothing on this site.",
            hint='Include them outside, with path("actionstep/", include("actionstep_connect.urls")), '
            f"or write {found[0]}:connections in your own templates.",
            id=CheckId.URLS_IN_NAMESPACE.full,
        )


def _redirect_uri_problems() -> Iterator[CheckMessage]:
    uri, inclusions = get_config().redirect_uri, len(list(namespaces()))
    callbacks: list[str] = []
    for path in _callbacks():
        if path not in callbacks:
            callbacks.append(path)
        if uri.endswith(path) if uri else len(callbacks) > max(inclusions, SHOWN):
            break
    if uri is None and len(callbacks) > inclusions:
        yield checks.Warning(
            "This package's URLs are inside i18n_patterns: each language has a redirect URI of its own "
            f"({', '.join(callbacks[:SHOWN])} …), and Actionstep accepts only those registered with it.",
            hint="Include the URLs outside i18n_patterns, or set REDIRECT_URI to one of them.",
            id=CheckId.URLS_BY_LANGUAGE.full,
        )
    is_deployed = uri is not None and urlsplit(uri).hostname not in LOOPBACK
    if is_deployed and callbacks and not any(str(uri).endswith(each) for each in callbacks):
        yield checks.Warning(
            f"{SETTING}['REDIRECT_URI'] is {uri}, but the callback is at {callbacks[0]}: users who come "
            "back from Actionstep would find no page.",
            hint="Correct the setting, and what is registered with Actionstep.",
            id=CheckId.REDIRECT_URI_PATH.full,
        )


def _callbacks() -> Iterator[str]:
    """Yield the callback's paths, in each language if that makes a difference.

    Django builds a table of URLs for each language: for a hundred that takes half a second.
    """
    if not are_translated():
        yield from included_paths("callback")
        return
    for language in get_django_settings().languages:
        with translation.override(language):
            yield from list(included_paths("callback"))
