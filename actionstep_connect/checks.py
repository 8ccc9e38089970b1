"""System checks: what `manage.py check` says, and what only `check --deploy` says.

Nothing here opens a token or needs a network, and only `check --database` asks a database. Each id
has its line in `docs/checks.md`.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.utils.module_loading import import_string

from actionstep_connect.conf import SETTING, decode_key, find_problems, get_config, get_site
from actionstep_connect.crypto import fetch_keys, get_key_ring
from actionstep_connect.environments import LOOPBACK_HOSTS
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.links import SITES_APP

TAG = "actionstep_connect"
SANDBOX = "actionstep_connect.sandbox"
LOOPBACK = frozenset(host.strip("[]") for host in LOOPBACK_HOSTS)

#: What Django sends from where a site says nothing.
UNSET_FROM_EMAIL = "webmaster@localhost"
#: Keys that anybody can read in this package's documentation and tests.
PUBLISHED_KEYS = frozenset({"-B98RAPwxp5ynRQYDxmRFEGBsLQes2BsK-pSwti5eBk="})
#: Fewer different bytes than this among 32 random ones is a matter of once in 10^16 keys.
FEWEST_DIFFERENT_BYTES = 16


def register_checks() -> None:
    """Register the checks under this package's tag."""
    for check in (check_settings, check_site, check_reminders):
        checks.register(check, TAG)
    checks.register(check_stored_keys, TAG, checks.Tags.database)
    for check in (check_keys, check_endpoints, check_deployment, check_row_locks):
        checks.register(check, TAG, deploy=True)


def check_settings(**_: Any) -> list[CheckMessage]:
    """Name everything that is wrong with ACTIONSTEP_CONNECT."""
    return [
        Error(problem.message, hint=problem.hint, id=f"{TAG}.{problem.id}")
        for problem in find_problems()
    ]


def check_site(**_: Any) -> list[CheckMessage]:
    """Name what in Django's own settings breaks this package."""
    return list(_site_problems())


def check_reminders(**_: Any) -> list[CheckMessage]:
    """Name what keeps reminders by e-mail from being written."""
    return [] if find_problems() else list(_reminder_problems())


def check_keys(**_: Any) -> list[CheckMessage]:
    """Name keys that somebody could guess. A callable is asked for its keys."""
    return [] if find_problems() else list(_key_problems())


def check_stored_keys(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Name keys that rows use and the key ring lacks, when asked for the database that has the rows."""
    model = apps.get_model("actionstep_connect", "Connection")
    alias = router.db_for_write(model)
    if alias not in (databases or ()) or find_problems():
        return []
    if model._meta.db_table not in connections[alias].introspection.table_names():
        return []  # `migrate` checks before it makes the tables.
    return list(_stored_key_problems())


def check_endpoints(**_: Any) -> list[CheckMessage]:
    """Name what leads to this very machine: a sandbox, not Actionstep."""
    return [] if find_problems() else list(_endpoint_problems())


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Name what in Django's own settings endangers sessions or shows too much."""
    return list(_deployment_problems())


def check_row_locks(**_: Any) -> list[CheckMessage]:
    """Name a database on which workers cannot share the work row by row."""
    alias = router.db_for_write(apps.get_model("actionstep_connect", "Connection"))
    connection = connections[alias]
    # On MySQL the feature asks the server for its version; those that Django supports have it.
    if connection.vendor == "mysql" or connection.features.has_select_for_update_skip_locked:
        return []
    return [
        checks.Warning(
            f"The database {alias!r} ({connection.display_name}) has no row locks.",
            hint="It is good for one machine. Use PostgreSQL where several share the work.",
            id=f"{TAG}.W022",
        )
    ]


def _site_problems() -> Iterator[CheckMessage]:
    site = get_site()
    if any(app == SANDBOX or app.startswith(f"{SANDBOX}.") for app in site.installed_apps):
        yield Error(
            f"INSTALLED_APPS has {SANDBOX}, which plays Actionstep and signs in anybody.",
            hint="Take it out: `manage.py actionstep_sandbox` runs it as a process of its own.",
            id=f"{TAG}.E011",
        )
    if not site.use_tz:
        yield Error(
            "USE_TZ is False, and the times at which tokens expire are kept in UTC.",
            hint="Set USE_TZ = True.",
            id=f"{TAG}.E012",
        )
    if site.session_cookie_samesite == "Strict":
        yield checks.Warning(
            "SESSION_COOKIE_SAMESITE is 'Strict': users who come back from Actionstep would be "
            "signed out, and could not finish connecting.",
            hint="Set SESSION_COOKIE_SAMESITE = 'Lax', which is Django's default.",
            id=f"{TAG}.W001",
        )


def _reminder_problems() -> Iterator[CheckMessage]:
    config, site = get_config(), get_site()
    knows_itself = site.has_site_id and SITES_APP in site.installed_apps
    if config.notify_users and config.redirect_uri is None and not knows_itself:
        yield Error(
            f"{SETTING}['NOTIFY_USERS'] is on, but nothing says at which address users find the site: "
            "a worker has no request to take it from.",
            hint="Set REDIRECT_URI, or install django.contrib.sites and set SITE_ID.",
            id=f"{TAG}.E015",
        )


def _key_problems() -> Iterator[CheckMessage]:
    try:
        get_key_ring()
        keys = [decode_key(key) for key in fetch_keys()]
    except (ImproperlyConfigured, TemporarilyUnavailable) as error:
        yield _unusable_keys(str(error))
        return
    for number, key in enumerate(keys, start=1):
        if weakness := _weakness(key):
            yield Error(
                f"Key {number} of {SETTING}['ENCRYPTION_KEYS'] {weakness}.",
                hint="Put a key of `manage.py actionstep_generate_key` in front of it, and take it "
                "out once no row is sealed with it any more.",
                id=f"{TAG}.E021",
            )


def _stored_key_problems() -> Iterator[CheckMessage]:
    try:
        # Models exist only once every app is loaded, and this module is loaded before.
        missing: dict[str, int] = import_string("actionstep_connect.flows.keys.missing_keys")()
    except (ImproperlyConfigured, TemporarilyUnavailable) as error:
        yield Error(
            f"Whether the keys open what is stored is not known. {error}",
            hint="Make the callable return a list of keys, then run this check again.",
            id=f"{TAG}.E014",
        )
        return
    for name, rows in missing.items():
        yield Error(
            f"{rows} stored row(s) need key {name!r}, which {SETTING}['ENCRYPTION_KEYS'] lacks: "
            "their tokens cannot be opened.",
            hint="Put that key back, behind the first one, and run `manage.py actionstep_rotate_keys`. "
            "If it is lost, disconnect these connections; their users then connect again.",
            id=f"{TAG}.E013",
        )


def _unusable_keys(message: str) -> CheckMessage:
    hint = "Make the callable return a list of keys made with `manage.py actionstep_generate_key`."
    return Error(message, hint=hint, id=f"{TAG}.E020")


def _weakness(key: bytes) -> str:
    if key in {decode_key(published) for published in PUBLISHED_KEYS}:
        return "stands in the documentation of this package, where everybody can read it"
    if key in {sha256(secret.encode()).digest() for secret in get_site().secret_keys}:
        return "is derived from SECRET_KEY, so that one leak gives both away"
    if len(set(key)) < FEWEST_DIFFERENT_BYTES:
        return "repeats itself, so it is not random"
    if len({(after - before) % 256 for before, after in pairwise(key)}) == 1:
        return "counts, so it is not random"
    if key.isascii() and key.decode().isprintable():
        return "is readable text, so it is not random"
    return ""


def _endpoint_problems() -> Iterator[CheckMessage]:
    config = get_config()
    addresses = {
        "AUTHORIZE_URL": [config.authorize_url],
        "TOKEN_URL": [config.token_url],
        "REDIRECT_URI": [config.redirect_uri or ""],
        "API_HOSTS": [f"//{host}" for host in config.api_hosts],
    }
    for key, urls in addresses.items():
        for url in urls:
            if urlsplit(url).hostname in LOOPBACK:
                yield Error(
                    f"{SETTING}[{key!r}] leads to this very machine: {url.removeprefix('//')}.",
                    hint="A deployed site talks to Actionstep: set ENVIRONMENT to 'production' or "
                    "'staging', and leave the addresses of a sandbox out.",
                    id=f"{TAG}.E022",
                )


def _deployment_problems() -> Iterator[CheckMessage]:
    site = get_site()
    config = None if find_problems() else get_config()
    if config and config.notify_users and site.from_email == UNSET_FROM_EMAIL:
        yield checks.Warning(
            f"{SETTING}['NOTIFY_USERS'] is on, and DEFAULT_FROM_EMAIL is still {UNSET_FROM_EMAIL!r}: "
            "most mail servers refuse that.",
            hint="Set DEFAULT_FROM_EMAIL to an address of your own.",
            id=f"{TAG}.W023",
        )
    if config and config.redirect_uri is None and "*" in site.allowed_hosts:
        yield checks.Warning(
            "ALLOWED_HOSTS allows every host, and the redirect URI is built from the one that a "
            "request names: whoever forges it moves where Actionstep sends users.",
            hint=f"Set {SETTING}['REDIRECT_URI'], or name your hosts.",
            id=f"{TAG}.W024",
        )
    if site.debug:
        yield checks.Warning(
            "DEBUG is True: an error page shows its reader what the code was working with.",
            hint="Set DEBUG = False wherever others can reach the site.",
            id=f"{TAG}.W020",
        )
    if not site.session_cookie_secure:
        yield checks.Warning(
            "SESSION_COOKIE_SECURE is False: a session that may act in Actionstep can be read on "
            "the way.",
            hint="Serve the site over https and set SESSION_COOKIE_SECURE = True.",
            id=f"{TAG}.W021",
        )
