"""Checks of what is around this package: Django's own settings, the database, and Celery's queues."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.db import connections as database_connections
from django.db import router
from django.utils.module_loading import import_string

from actionstep_connect.check_ids import CheckId
from actionstep_connect.conf import SETTING, find_problems, get_config, get_django_settings
from actionstep_connect.models import Connection

SANDBOX = "actionstep_connect.sandbox"
#: What Django sends from where a site does not set it.
UNSET_FROM_EMAIL = "webmaster@localhost"


def check_site(**_: Any) -> list[CheckMessage]:
    """Name what in Django's own settings breaks this package."""
    return list(_site_problems())


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Name what in Django's own settings endangers sessions or shows too much."""
    return list(_deployment_problems())


def check_row_locks(**_: Any) -> list[CheckMessage]:
    """Name a database on which workers cannot share the work row by row."""
    alias = router.db_for_write(Connection)
    connection = database_connections[alias]
    # On MySQL the feature asks the server for its version; those that Django supports have it.
    if connection.vendor == "mysql" or connection.features.has_select_for_update_skip_locked:
        return []
    return [
        checks.Warning(
            f"The database {alias!r} ({connection.display_name}) has no row locks.",
            hint="It is good for one machine. Use PostgreSQL where several share the work.",
            id=CheckId.NO_ROW_LOCKS.full,
        )
    ]


def check_queues(**_: Any) -> list[CheckMessage]:
    """Name queues from which a worker takes only when told to."""
    return list(_queue_problems())


def _site_problems() -> Iterator[CheckMessage]:
    site = get_django_settings()
    if any(app == SANDBOX or app.startswith(f"{SANDBOX}.") for app in site.installed_apps):
        yield Error(
            f"INSTALLED_APPS has {SANDBOX}, which plays Actionstep and signs in anybody.",
            hint="Take it out: `manage.py actionstep_sandbox` runs it as a process of its own.",
            id=CheckId.SANDBOX_INSTALLED.full,
        )
    if site.session_cookie_samesite == "Strict":
        yield checks.Warning(
            "SESSION_COOKIE_SAMESITE is 'Strict': users who come back from Actionstep would be "
            "signed out, and could not finish connecting.",
            hint="Set SESSION_COOKIE_SAMESITE = 'Lax', which is Django's default.",
            id=CheckId.SESSION_COOKIE_STRICT.full,
        )


def _deployment_problems() -> Iterator[CheckMessage]:
    site = get_django_settings()
    config = None if find_problems() else get_config()
    if config and config.notify_users and site.from_email == UNSET_FROM_EMAIL:
        yield checks.Warning(
            f"{SETTING}['NOTIFY_USERS'] is on, and DEFAULT_FROM_EMAIL is still {UNSET_FROM_EMAIL!r}: "
            "most mail servers refuse that.",
            hint="Set DEFAULT_FROM_EMAIL to an address of your own.",
            id=CheckId.UNSET_FROM_EMAIL.full,
        )
    if config and config.redirect_uri is None and "*" in site.allowed_hosts:
        yield checks.Warning(
            "ALLOWED_HOSTS allows every host, and the redirect URI is built from the one that a "
            "request names: a forged one changes where Actionstep sends users.",
            hint=f"Set {SETTING}['REDIRECT_URI'], or name your hosts.",
            id=CheckId.ANY_HOST.full,
        )
    if site.debug:
        yield checks.Warning(
            "DEBUG is True: an error page shows its reader what the code was working with.",
            hint="Set DEBUG = False wherever others can reach the site.",
            id=CheckId.DEBUG.full,
        )
    if not site.session_cookie_secure:
        yield checks.Warning(
            "SESSION_COOKIE_SECURE is False: a session that may act in Actionstep can be read on "
            "the way.",
            hint="Serve the site over https and set SESSION_COOKIE_SECURE = True.",
            id=CheckId.SESSION_COOKIE_INSECURE.full,
        )


def _queue_problems() -> Iterator[CheckMessage]:
    # By its name, because Celery takes longer to load than all the rest, and `manage.py check` alone
    # needs none of it.
    find: Callable[[], set[str]] = import_string(
        "actionstep_connect.queues.queues_without_default_worker"
    )
    try:
        queues = sorted(find())
    except KeyError as error:
        yield Error(
            f"This package's tasks cannot be sent: {error.args[0]}.",
            hint="Add the queue to Celery's task_queues, or correct task_routes.",
            id=CheckId.NO_SUCH_QUEUE.full,
        )
        return
    if queues:
        yield checks.Info(
            f"This package's tasks go to {', '.join(map(repr, queues))}, from which a worker takes only "
            "if it is told so.",
            hint=f"Start one with `--queues={','.join(queues)}`. `manage.py actionstep_doctor` says "
            "whether one runs.",
            id=CheckId.OTHER_QUEUE.full,
        )
