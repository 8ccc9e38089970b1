"""One judgement of a connection: SQL and every face say the same as `condition_of`, for every member."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory

from actionstep_connect.admin.condition import admin_words
from actionstep_connect.admin.next_refresh import next_refresh_text
from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import NotReminded
from actionstep_connect.flows.remind.letter import check_remindable
from actionstep_connect.models import Connection, Status, StatusReason
from actionstep_connect.models.condition import Condition, condition_of, where
from actionstep_connect.models.severity import Severity
from actionstep_connect.policy import FAILING_AFTER, OVERDUE_AFTER
from actionstep_connect.wording.states import state_of
from tests.support.admin_pages import beat, page, text
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)

ONE = timedelta(minutes=1)

#: One row for each condition, as it comes about.
ROWS: dict[Condition, dict[str, Any]] = {
    Condition.ENDED_BY_USER: {"status": Status.DISCONNECTED, "status_reason": "ended_by_user"},
    Condition.ENDED_BY_ADMIN: {"status": Status.DISCONNECTED, "status_reason": "ended_by_admin"},
    Condition.OTHER_ENVIRONMENT: {"environment": "staging"},
    Condition.USER_INACTIVE: {},
    **{
        Condition(reason): {
            "status": Status.RECONNECT_REQUIRED,
            "status_reason": reason,
            "refresh_at": None,
        }
        for reason in ("organisation_changed", "interrupted", "unreadable", "refused")
    },
    Condition.OTHER_CLIENT: {"client_id": "before"},
    Condition.PAST_LIMIT: {"refresh_token_expires_at": -timedelta(hours=1)},
    Condition.NEAR_LIMIT: {"refresh_token_expires_at": timedelta(days=2)},
    Condition.FAILING: {"consecutive_failures": FAILING_AFTER + 1},
    Condition.OVERDUE: {"refresh_at": -timedelta(hours=1)},
    Condition.CONNECTED: {},
}


def store(condition: Condition) -> Connection:
    now = datetime.now(UTC)
    values = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in ROWS[condition].items()
    }
    user = make_user(is_active=condition is not Condition.USER_INACTIVE)
    return make_connection(user, **values)


def test_sql_and_python_agree_over_every_combination() -> None:
    """Of whatever a judgement reads, in each combination: both name the same condition, and just one."""
    now, config = datetime.now(UTC), get_config()
    users = [make_user(), make_user(is_active=False)]
    statuses = [
        (Status.CONNECTED, ""),
        *((Status.RECONNECT_REQUIRED, reason) for reason in ("", *StatusReason.values)),
        *((Status.DISCONNECTED, reason) for reason in ("", "ended_by_user", "ended_by_admin")),
    ]
    combinations = itertools.product(
        users,
        statuses,
        (config.environment, "staging"),
        (config.client_id, "before"),
        (None, now - ONE, now, now + timedelta(days=7), now + timedelta(days=8)),
        (None, now),
        (FAILING_AFTER - 1, FAILING_AFTER),
        (None, now - OVERDUE_AFTER - ONE, now - OVERDUE_AFTER),
    )
    Connection.objects.bulk_create(
        Connection(
            user=user, status=status, status_reason=reason, environment=environment,
            client_id=client_id, refresh_token_expires_at=limit, flagged_at=flagged_at,
            consecutive_failures=failures, refresh_at=due, orgkey=f"firm-{number}",
            connected_at=now, last_used_at=now,
        )
        for number, (user, (status, reason), environment, client_id, limit, flagged_at, failures, due)
        in enumerate(combinations)
    )  # fmt: skip
    judged: dict[Condition, set[Any]] = {condition: set() for condition in Condition}
    for row in Connection.objects.select_related("user"):
        condition = condition_of(row, now=now, config=config)
        judged[condition].add(row.pk)
        if row.environment == config.environment:
            assert row.is_usable is condition.is_usable
    for condition, keys in judged.items():
        assert keys, condition
        found = Connection.objects.filter(where(condition, now=now, config=config))
        assert set(found.values_list("pk", flat=True)) == keys, condition


@pytest.mark.parametrize("condition", Condition)
def test_all_faces_agree_on_each_condition(client: Client, condition: Condition) -> None:
    """The user's page, alert and e-mail, and the admin's badge and button follow one judgement."""
    beat()
    connection, now = store(condition), datetime.now(UTC)
    assert condition_of(connection, now=now, config=get_config()) is condition

    state = state_of(connection, now=now)
    assert state.needs_user is condition.needs_user
    is_bad = condition.needs_user and not condition.is_usable
    assert (state.tone == "error") is is_bad
    assert (state.tone == "off") is (condition.has_ended or not (is_bad or condition.is_usable))

    words = admin_words(connection, now=now)
    assert words.tone == state.tone
    assert (words.tone == "error") is (condition.severity is Severity.ERROR)
    assert next_refresh_text(connection, now=now)

    try:
        check_remindable(connection, now=now)
    except NotReminded as error:
        assert not condition.needs_user or error.code == "no_site_url"  # noqa: PT017 - beside "no error".
        assert (error.code == "not_needed") is (  # noqa: PT017 - as above.
            not condition.needs_user
            and condition not in (Condition.OTHER_ENVIRONMENT, Condition.USER_INACTIVE)
        )

    if condition is not Condition.USER_INACTIVE and condition is not Condition.OTHER_ENVIRONMENT:
        request = RequestFactory().get("/")
        request.user = connection.user
        tag = Template("{% load actionstep_connect %}{% actionstep_connection_alert %}")
        shown = tag.render(Context({"request": request})).strip()
        assert bool(shown) is condition.needs_user

    boss = make_user(username="boss", is_staff=True, is_superuser=True)
    client.force_login(boss)
    shown = text(page(client))
    assert words.label in shown
    if condition.severity is not Severity.OK:
        assert "All is well" not in shown
    button = page(client, "admin:actionstep_connect_connection_change", connection.pk)
    assert ('value="remind"' in button) is condition.needs_user


def test_a_flag_outlives_a_shorter_time_of_warning(settings: Any) -> None:
    """A flagged connection is near its limit on every face until it is refreshed, whatever WARN_BEFORE is."""
    now = datetime.now(UTC)
    connection = make_connection(
        make_user(), flagged_at=now, refresh_token_expires_at=now + timedelta(days=6)
    )
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "WARN_BEFORE": timedelta(days=2),
        "REDIRECT_URI": "https://law.example/actionstep/callback/",
    }
    assert condition_of(connection, now=now, config=get_config()) is Condition.NEAR_LIMIT
    assert state_of(connection, now=now).needs_user
    check_remindable(connection, now=now)
