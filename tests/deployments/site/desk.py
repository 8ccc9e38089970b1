"""A process of the site that does, line by line, what the suite asks: JSON in, JSON out."""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import django

django.setup()

from django.apps import apps  # noqa: E402 - all that follows needs Django.
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402
from django_tenants.utils import get_tenant_model  # noqa: E402

from actionstep_connect.models import Connection, ConnectionEvent, Heartbeat  # noqa: E402
from actionstep_connect.tasks import maintain_connections  # noqa: E402
from tests.deployments.site import celery, tasks  # noqa: E402, F401 - the app that `delay` uses.
from tests.deployments.site.places import has_tenants, places, within  # noqa: E402
from tests.support.connections import new_connection  # noqa: E402


def prepare() -> None:
    """Make the tables of every place."""
    if has_tenants():
        call_command("migrate_schemas", shared=True, verbosity=0)
        tenant_model: Any = get_tenant_model()
        for place in places():
            tenant_model(schema_name=place).save(verbosity=0)
        return
    for place in places():
        call_command("migrate", database=place or "default", run_syncdb=True, verbosity=0)
    _settle()


def issue(place: str, name: str, tokens: list[dict[str, Any]]) -> list[str]:
    """Store a user and a connection for each of `tokens`; return the users' names."""
    users, model = [], cast("Any", get_user_model())
    with within(place):
        for number, token in enumerate(tokens):
            known_as = f"{name}-{number}@law.example"
            user = model._default_manager.create(**{model.USERNAME_FIELD: known_as})
            new_connection(
                user,
                access_token=token["access_token"],
                refresh_token=token["refresh_token"],
            ).save()
            users.append(known_as)
    return users


def rows(place: str) -> list[dict[str, Any]]:
    """Return what is so of each connection, its refresh token as a hash."""
    with within(place):
        return [
            {
                "user": row.user.get_username(),
                "status": row.status,
                "reason": row.status_reason,
                "generation": row.generation,
                "leased": bool(row.lease_owner),
                "unknown": row.outcome_unknown_since is not None,
                "error": row.last_error,
                "token": _hash(row),
            }
            for row in Connection.objects.using(_alias(place)).select_related("user")
        ]


def events(place: str) -> list[list[str]]:
    """Return who was told what."""
    with within(place):
        told = ConnectionEvent.objects.using(_alias(place)).order_by("pk")
        return [[one.connection.user.get_username(), one.kind] for one in told]


def expire(place: str, users: list[str], *, due: bool) -> None:
    """Let access tokens of `users` have expired; `due`: scheduled maintenance is to renew them."""
    now = datetime.now(UTC)
    _of(place, users).update(
        access_token_expires_at=now - timedelta(minutes=5),
        refresh_at=now - timedelta(minutes=5) if due else now + timedelta(hours=1),
        connected_at=now - timedelta(minutes=65),
        last_refreshed_at=None,
    )


def age(place: str, users: list[str]) -> None:
    """Let the tokens of `users` be old enough to be replaced when they are refused."""
    now = datetime.now(UTC)
    _of(place, users).update(connected_at=now - timedelta(minutes=10))


def lapse(place: str) -> None:
    """Let the leases of what was killed run out."""
    rows = _of(place).exclude(lease_owner="")
    rows.update(lease_expires_at=Now() - timedelta(seconds=1))


def order(count: int = 1) -> None:
    """Ask the workers for maintenance, as beat does."""
    for _ in range(count):
        (tasks.maintain if len(places()) > 1 else maintain_connections).delay()


def maintain() -> None:
    """Maintain here, as cron does."""
    for place in places():
        with within(place):
            call_command("actionstep_maintain", verbosity=0)


def last_run(place: str) -> str:
    """Return when the last run of maintenance ended."""
    with within(place):
        return ",".join(str(row.finished_at) for row in Heartbeat.objects.using(_alias(place)))


def _of(place: str, users: list[str] | None = None) -> Any:
    rows = Connection.objects.using(_alias(place))
    if users is None:
        return _Within(place, rows)
    name = get_user_model().USERNAME_FIELD
    return _Within(place, rows.filter(**{f"user__{name}__in": users}))


def _alias(place: str) -> str:
    return place if place in connections else "default"


class _Within:
    def __init__(self, place: str, rows: Any) -> None:
        self._place, self._rows = place, rows

    def exclude(self, **values: Any) -> "_Within":
        return _Within(self._place, self._rows.exclude(**values))

    def update(self, **values: Any) -> None:
        with within(self._place):
            self._rows.update(**values)
            _settle()


def _hash(row: Connection) -> str:
    if not row.sealed_refresh_token:
        return ""
    return hashlib.sha256(row.open_refresh_token().reveal().encode()).hexdigest()


JOBS: dict[str, Callable[..., Any]] = {
    job.__name__: job
    for job in (prepare, issue, rows, events, expire, age, lapse, order, maintain, last_run)
}
if apps.is_installed("tests.deployments.site.hearing"):
    JOBS |= import_string("tests.deployments.site.hearing.jobs.JOBS")


def _settle() -> None:
    """Wait until a replica has what this process wrote, which no user could have waited for."""
    if "replica" not in connections:
        return
    with connections["default"].cursor() as primary, connections["replica"].cursor() as replica:
        primary.execute("SELECT pg_current_wal_lsn()")
        (written,) = primary.fetchone()
        replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [written])
        while not replica.fetchone()[0]:
            time.sleep(0.1)
            replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [written])


def main() -> None:
    """Do one job for each line, until there is no more."""
    for line in sys.stdin:
        name, arguments, options = json.loads(line)
        try:
            answer = {"answer": JOBS[name](*arguments, **options)}
        except Exception as error:  # noqa: BLE001 - the suite shows it.
            answer = {"error": f"{type(error).__name__}: {error}"}
        connections.close_all()
        print("=>" + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
