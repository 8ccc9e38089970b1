"""System checks of change notifications. Each id has its line in `docs/checks.md`."""

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch
from django.utils.module_loading import import_string

from actionstep_connect.conf import SETTING, find_problems, get_config
from actionstep_connect.hooks.addresses import address_around
from actionstep_connect.hooks.registry import has_handlers
from actionstep_connect.scopes import missing_scopes

TAG = "actionstep_connect"
ID = "actionstep_connect_hooks"
SCOPE = "resthooks"


def register_checks() -> None:
    """Register the checks under this package's tag."""
    checks.register(check_hooks, TAG)
    checks.register(check_reachable, TAG, deploy=True)


def check_hooks(**_: Any) -> list[CheckMessage]:
    """Name what keeps the handlers of this site from hearing of anything."""
    return list(_problems()) if has_handlers() and not find_problems() else []


def check_reachable(**_: Any) -> list[CheckMessage]:
    """Name an address that Actionstep cannot call."""
    return list(_unreachable()) if has_handlers() and not find_problems() else []


def _problems() -> Iterator[CheckMessage]:
    config = get_config()
    if config.hooks_bearer is None:
        yield Error(
            f"There are handlers of changes, and {SETTING}['HOOKS_BEARER'] is not set: no hook is "
            "registered.",
            hint="Name a callable that takes an organisation's key and returns a connection.",
            id=f"{ID}.E001",
        )
    elif isinstance(config.hooks_bearer, str):
        yield from _bearer_problems(config.hooks_bearer)
    try:
        address_around()
    except NoReverseMatch:
        yield Error(
            "This site has no address that Actionstep could call: its URLs do not include "
            "actionstep_connect.hooks.urls.",
            hint='Add path("actionstep/hooks/", include("actionstep_connect.hooks.urls")), or set '
            "HOOKS_URL if they are another host's.",
            id=f"{ID}.E003",
        )
    except ImproperlyConfigured as error:
        yield checks.Warning(
            f"It is not known where Actionstep is to call. {error}",
            hint="Set REDIRECT_URI, or HOOKS_URL.",
            id=f"{ID}.W003",
        )
    if missing_scopes((SCOPE,), config.allowed_scopes):
        yield checks.Warning(
            f"{SETTING}['ALLOWED_SCOPES'] lacks {SCOPE!r}: no user can grant what registering needs.",
            hint=f"Add {SCOPE!r} to SCOPES, or to ALLOWED_SCOPES.",
            id=f"{ID}.W001",
        )


def _bearer_problems(path: str) -> Iterator[CheckMessage]:
    try:
        found = import_string(path)
    except Exception as error:  # noqa: BLE001 - a site's own module may raise anything.
        problem = f"importing it raised {type(error).__name__}"
    else:
        problem = "" if callable(found) else "it is not callable"
    if problem:
        yield Error(
            f"{SETTING}['HOOKS_BEARER'] is {path!r}, and {problem}.",
            hint="Give the dotted path of a function that takes an organisation's key.",
            id=f"{ID}.E002",
        )


def _unreachable() -> Iterator[CheckMessage]:
    try:
        before, _ = address_around()
    except (NoReverseMatch, ImproperlyConfigured):
        return  # Said above.
    if not before.startswith("https://"):
        yield checks.Warning(
            f"Actionstep is to call {before}, which is not https: the secret in it, and what the "
            "calls hold, could be read on the way.",
            hint="Set REDIRECT_URI or HOOKS_URL to an address that Actionstep reaches by https.",
            id=f"{ID}.W002",
        )
