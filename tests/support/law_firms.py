"""Two believable sites to look at in the admin: one where all is well, and one in trouble."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from actionstep_connect.hooks.models import (
    Notification,
    Organisation,
    Registration,
    State,
    Subscription,
)
from actionstep_connect.models import (
    Connection,
    ConnectionEvent,
    EventKind,
    Heartbeat,
    RefreshHour,
    Status,
    StatusReason,
)
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.models.refresh_hour import hour_of
from tests.support.connections import make_connection

PEOPLE = (
    ("amara.okafor", "marshlaw"), ("ben.whitaker", "marshlaw"), ("chloe.duval", "harbourlegal"),
    ("daniel.price", "harbourlegal"), ("elena.rossi", "marshlaw"), ("farid.haddad", "quaylegal"),
    ("grace.tanaka", "quaylegal"), ("henry.moss", "harbourlegal"), ("imogen.clarke", "marshlaw"),
    ("jonas.weber", "quaylegal"), ("kavya.menon", "harbourlegal"), ("liam.doyle", "marshlaw"),
    ("maya.cohen", "harbourlegal"), ("nadia.petrova", "quaylegal"), ("oliver.grant", "marshlaw"),
    ("priya.nair", "harbourlegal"),
)  # fmt: skip

#: By user name, what is wrong with whom on the troubled site.
TROUBLES: dict[str, dict[str, Any]] = {
    "amara.okafor": {
        "status": Status.RECONNECT_REQUIRED,
        "status_reason": StatusReason.REFUSED,
        "refresh_at": None,
        "access_token_expires_at": -timedelta(hours=5),
        "refresh_token_expires_at": timedelta(days=9, hours=3),
        "last_error": "Actionstep refused the refresh token (invalid_grant).",
        "last_failed_at": -timedelta(hours=6),
    },
    "chloe.duval": {
        "refresh_token_expires_at": timedelta(days=2, hours=7),
        "flagged_at": -timedelta(days=4),
        "access_token_expires_at": -timedelta(days=18),
        "consecutive_failures": 212,
        "last_error": "The stored value needs key 'b41d09e2', which is not among ENCRYPTION_KEYS.",
        "last_failed_at": -timedelta(minutes=9),
        "refresh_at": timedelta(minutes=21),
    },
    "elena.rossi": {
        "consecutive_failures": 4,
        "last_error": "Actionstep answered 503.",
        "last_failed_at": -timedelta(minutes=2),
        "access_token_expires_at": timedelta(minutes=6),
        "refresh_at": timedelta(minutes=4),
    },
    "henry.moss": {
        "status": Status.DISCONNECTED,
        "status_reason": StatusReason.ENDED_BY_USER,
        "sealed_access_token": "",
        "sealed_refresh_token": "",
        "access_token_expires_at": None,
        "refresh_token_expires_at": None,
        "refresh_at": None,
    },
}


def healthy() -> None:
    """Store a site where every connection is renewed automatically."""
    _people({})
    _maintenance(failures={})


def troubled() -> None:
    """Store a site that was cut off from Actionstep for three hours, and has users to help."""
    _people(TROUBLES)
    _maintenance(failures={9: 14, 8: 31, 7: 22, 0: 3})
    for row in Connection.objects.filter(user__username__in=TROUBLES):
        _history(row)


def hearing() -> None:
    """Store what such a site has heard of changes, and what became of it."""
    now = datetime.now(UTC)
    organisation = Organisation.objects.create(
        environment="sandbox",
        orgkey="marshlaw",
        bearer=Connection.objects.filter(orgkey="marshlaw").first(),
        checked_at=now - timedelta(minutes=12),
        last_error="HOOKS_BEARER names no user.",
    )
    subscription = Subscription.objects.create(
        organisation=organisation,
        event="ParticipantContactDetailsUpdated",
        registration=Registration.DISABLED,
        is_wanted=False,
        last_heard_at=now - timedelta(hours=6),
        disabled_at=now - timedelta(hours=4),
        missed_from=now - timedelta(days=2),
        missed_until=now - timedelta(days=1),
        last_error="Actionstep answered 503.",
    )
    Notification.objects.create(
        subscription=subscription,
        digest="1",
        lane="1",
        resource="participantcontactdetails",
        row_id="7001",
        state=State.SET_ASIDE,
        caught_up=True,
        attempts=5,
        last_error="ValueError in billing.handlers.changed_matter (attempt 5 of 5)",
    )


def _people(troubles: dict[str, dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    for number, (name, orgkey) in enumerate(PEOPLE):
        first, last = name.title().split(".")
        user = User.objects.create(
            username=name,
            email=f"{first.lower()}@{orgkey}.example",
            first_name=first,
            last_name=last,
        )
        age = timedelta(minutes=(number * 17) % 49)
        values = {
            "connected_at": now - timedelta(days=30 + 3 * number),
            "last_refreshed_at": now - age,
            "last_used_at": now - timedelta(hours=number % 5, minutes=7),
            "access_token_expires_at": now - age + timedelta(minutes=60),
            "refresh_token_expires_at": now - age + timedelta(days=21),
            "refresh_at": now - age + timedelta(minutes=50),
        }
        for key, value in troubles.get(name, {}).items():
            values[key] = now + value if isinstance(value, timedelta) else value
        make_connection(user, orgkey=orgkey, **values)


def _maintenance(*, failures: dict[int, int]) -> None:
    now = datetime.now(UTC)
    Heartbeat.objects.create(
        job=MAINTENANCE,
        started_at=now - timedelta(seconds=24),
        finished_at=now - timedelta(seconds=23),
        seconds=0.8,
        summary={"due": 1, "requests": 1, "refreshed": 1},
    )
    RefreshHour.objects.bulk_create(
        RefreshHour(
            hour=hour_of(now) - timedelta(hours=hours),
            refreshed=0 if failures.get(hours, 0) > 20 else round(17 + 2 * math.sin(hours)),
            failed=failures.get(hours, 0),
        )
        for hours in range(24)
    )


def _history(connection: Connection) -> None:
    now = datetime.now(UTC)
    history: list[tuple[timedelta, EventKind, str]] = [
        (timedelta(days=61), EventKind.CONNECTED, ""),
        (timedelta(days=33), EventKind.SCOPES_CHANGED, "added timerecords"),
        (timedelta(days=18, hours=2), EventKind.REFRESH_FAILING, connection.last_error),
    ]
    if connection.flagged_at:
        history.append((timedelta(days=4), EventKind.FLAGGED, "6 days left"))
    ConnectionEvent.objects.bulk_create(
        ConnectionEvent(connection=connection, at=now - ago, kind=kind, detail=detail)
        for ago, kind, detail in history
    )
