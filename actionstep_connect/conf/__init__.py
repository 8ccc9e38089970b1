"""The settings: one dict, ACTIONSTEP_CONNECT, read here and nowhere else.

`config` has what they become, `readers` one reader for each, `reading` the whole dict and its problems.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http.request import split_domain_port, validate_host

from actionstep_connect.conf.config import IDLE_RENEWAL_SHARE, SETTING, Config, Problem
from actionstep_connect.conf.readers import (
    MAX_CLIENT_ID,
    MAX_CONCURRENCY,
    MAX_HTTP_TIMEOUT,
    MAX_LABEL,
    decode_key,
    wrap_keys,
)
from actionstep_connect.conf.reading import read_settings

__all__ = [
    "AUTH_USER_MODEL",
    "IDLE_RENEWAL_SHARE",
    "MAX_CLIENT_ID",
    "MAX_CONCURRENCY",
    "MAX_HTTP_TIMEOUT",
    "MAX_LABEL",
    "SETTING",
    "Config",
    "DjangoSettings",
    "Problem",
    "decode_key",
    "find_problems",
    "get_config",
    "get_django_settings",
    "is_allowed_host",
    "is_moved_host",
    "read_settings",
    "uses_time_zones",
    "wrap_keys",
]

AUTH_USER_MODEL: str = settings.AUTH_USER_MODEL
#: What Django allows under DEBUG while ALLOWED_HOSTS is empty.
DEBUG_HOSTS = (".localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class DjangoSettings:
    """Those of Django's own settings that this package reads."""

    installed_apps: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    prepend_www: bool
    debug: bool
    session_cookie_secure: bool
    session_cookie_samesite: str
    session_cookie_domain: str | None
    #: What `form-action` allows, by the setting that says so.
    form_actions: Mapping[str, tuple[str, ...]]
    root_urlconf: str
    languages: tuple[str, ...]
    language_code: str
    from_email: str
    has_site_id: bool
    secret_keys: tuple[str, ...] = field(repr=False)


@cache
def get_config() -> Config:
    """Return the settings. Raises ImproperlyConfigured, naming every problem, if there is one."""
    config, problems = read_settings(getattr(settings, SETTING, None))
    if config is None:
        raise ImproperlyConfigured(
            " ".join(f"{problem.message} {problem.hint}" for problem in problems)
        )
    return config


def find_problems() -> list[Problem]:
    """Return everything that is wrong with the settings."""
    return read_settings(getattr(settings, SETTING, None))[1]


def get_django_settings() -> DjangoSettings:
    """Return what this package reads beside ACTIONSTEP_CONNECT."""
    return DjangoSettings(
        installed_apps=tuple(settings.INSTALLED_APPS),
        allowed_hosts=tuple(settings.ALLOWED_HOSTS),
        prepend_www=bool(settings.PREPEND_WWW),
        debug=bool(settings.DEBUG),
        session_cookie_secure=bool(settings.SESSION_COOKIE_SECURE),
        # In any case, as Django and browsers take it.
        session_cookie_samesite=str(settings.SESSION_COOKIE_SAMESITE).capitalize(),
        session_cookie_domain=settings.SESSION_COOKIE_DOMAIN or None,
        form_actions=_form_actions(),
        root_urlconf=str(getattr(settings, "ROOT_URLCONF", "")),
        languages=tuple(code for code, _ in settings.LANGUAGES),
        language_code=str(settings.LANGUAGE_CODE),
        from_email=str(settings.DEFAULT_FROM_EMAIL),
        has_site_id=bool(getattr(settings, "SITE_ID", None)),
        secret_keys=(str(settings.SECRET_KEY), *map(str, settings.SECRET_KEY_FALLBACKS)),
    )


def uses_time_zones() -> bool:
    """Return whether the site's times have time zones: USE_TZ."""
    return bool(settings.USE_TZ)


def is_allowed_host(url: str) -> bool:
    """Return whether ALLOWED_HOSTS, as Django reads it, has the host of `url`."""
    site = get_django_settings()
    allowed = site.allowed_hosts or (DEBUG_HOSTS if site.debug else ())
    return validate_host(split_domain_port(urlsplit(url).netloc)[0], allowed)


def is_moved_host(url: str) -> bool:
    """Return whether Django leads each request away from the host of `url`: PREPEND_WWW."""
    host = urlsplit(url).hostname or ""
    return get_django_settings().prepend_www and not host.startswith("www.")


def _form_actions() -> dict[str, tuple[str, ...]]:
    django_csp = getattr(settings, "CONTENT_SECURITY_POLICY", None) or {}
    said = {
        "SECURE_CSP": (getattr(settings, "SECURE_CSP", None) or {}).get("form-action"),
        # django-csp from 4.0 on, and before.
        "CONTENT_SECURITY_POLICY": (django_csp.get("DIRECTIVES") or {}).get("form-action"),
        "CSP_FORM_ACTION": getattr(settings, "CSP_FORM_ACTION", None),
    }
    return {
        setting: (sources,) if isinstance(sources, str) else tuple(map(str, sources))
        for setting, sources in said.items()
        if sources is not None
    }


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        get_config.cache_clear()
