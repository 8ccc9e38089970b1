"""The admin: everything is seen but the tokens, and nothing is edited."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from actionstep_connect.admin import connection as connection_admin
from actionstep_connect.admin import search
from actionstep_connect.admin.connection import HIDDEN, ConnectionAdmin
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import (
    AuthorizationRequest,
    Connection,
    ConnectionEvent,
    EventKind,
    Heartbeat,
    Status,
    StatusReason,
)
from actionstep_connect.models.connection import REFRESH_TOKEN
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.secret import Secret
from actionstep_connect.testing import Sandbox
from tests.support.admin_pages import LIST, act, beat, detail, page, staff, text
from tests.support.connections import expired, make_connection, make_user, sandbox_connections

pytestmark = pytest.mark.django_db(transaction=True)

ACCESS, REFRESH = "canary-access-token", "canary-refresh-token"
DELETE = "admin:actionstep_connect_connection_delete"


def test_the_list_tells_who_is_connected_and_until_when(admin: Client) -> None:
    """User, organisation, environment, status, both expiries: in words, on one line."""
    now = datetime.now(UTC)
    make_connection(
        make_user(username="priya"),
        access_token_expires_at=now + timedelta(minutes=43, seconds=30),
        refresh_token_expires_at=now + timedelta(days=20, hours=5),
    )
    shown = text(page(admin))
    for words in (
        *("priya", "priya@law.example", "acmelaw", "sandbox"),
        *("Connected", "expires in 43 min", "20 days left"),
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Connected"),
        ({"consecutive_failures": 3, "last_error": "Status 500."}, "Refresh failing"),
        ({"consecutive_failures": 3, "last_error": "Status 500."}, "Status 500."),
        ({"refresh_token_expires_at": timedelta(days=2)}, "Near its limit"),
        ({"refresh_token_expires_at": timedelta(days=2, hours=1)}, "2 days left"),
        ({"refresh_token_expires_at": -timedelta(hours=3)}, "It ran out 3 h ago."),
        ({"access_token_expires_at": -timedelta(hours=3)}, "expired 3 h ago"),
        ({"flagged_at": timedelta(0)}, "flagged under a minute ago"),
        ({"refresh_at": -timedelta(minutes=11)}, "Refresh overdue"),
        ({"refresh_at": -timedelta(minutes=10)}, "worker and beat"),
        ({"status": Status.RECONNECT_REQUIRED, "status_reason": StatusReason.REFUSED}, "Ask the user"),
        (
            {"status": Status.RECONNECT_REQUIRED, "status_reason": StatusReason.REFUSED},
            "Actionstep refused the refresh token",
        ),
        (
            {
                "status": Status.RECONNECT_REQUIRED,
                "status_reason": StatusReason.ORGANISATION_CHANGED,
            },
            "to choose acmelaw",
        ),
        ({"status": Status.DISCONNECTED, "status_reason": StatusReason.ENDED_BY_USER}, "ended by the user"),
        ({"client_id": "before"}, "CLIENT_ID has changed"),
        ({"environment": "production"}, "this site now uses sandbox"),
    ],
)  # fmt: skip
def test_each_condition_is_named_with_its_next_step(
    admin: Client, values: dict[str, Any], words: str
) -> None:
    """Whatever the condition, the list says what it is and what a person can do."""
    now = datetime.now(UTC)
    times = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in values.items()
    }
    connection = make_connection(make_user(), **times)
    assert words in text(page(admin))
    assert words in text(detail(admin, connection))


def test_a_refused_token_is_not_said_to_have_days_left(admin: Client) -> None:
    """What Actionstep has ended shows no time that it would still live, and no bar."""
    make_connection(make_user(), status=Status.RECONNECT_REQUIRED, refresh_at=None)
    shown = page(admin)
    assert "days left" not in text(
        shown[shown.index('id="result_list"') : shown.index("paginator")]
    )
    assert "<meter" not in shown


def test_an_inactive_users_connection_is_said_to_be_unused(admin: Client) -> None:
    """A connection whose user may not sign in is not shown as healthy."""
    make_connection(make_user(is_active=False))
    assert "User inactive" in text(page(admin))


def test_one_connection_shows_everything_that_may_be_read(admin: Client) -> None:
    """The page of one connection has each column that is not hidden, and its events with their actor."""
    user = make_user(username="priya")
    connection = make_connection(user, last_error="Actionstep answered 500.")
    ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED, actor=user)
    other = make_connection(make_user())
    ConnectionEvent.objects.create(
        connection=other, kind=EventKind.DISCONNECTED, detail="of another connection"
    )
    html = detail(admin, connection)
    shown = text(html)
    for words in (
        "Actionstep answered 500.",
        "actions, participants, timerecords",
        connection.api_endpoint,
        str(connection.pk),
        "Connection history",
    ):
        assert words in shown
    assert "connected by priya" in shown
    assert "of another connection" not in shown
    named = set(ConnectionAdmin.readonly_fields)
    methods = {
        "user_page": "user",
        "scopes": "granted_scopes",
        "access_token": "access_token_expires_at",
        "refresh_token": "refresh_token_expires_at",
        "next_refresh": "refresh_at",
        "flag": "flagged_at",
    }
    columns = {field.name for field in Connection._meta.concrete_fields} - HIDDEN
    assert columns <= {methods.get(name, name) for name in named}


def test_s45_nothing_can_be_added_or_edited(admin: Client) -> None:
    """No add button, no input for any column, and a forged form changes nothing."""
    connection = make_connection(make_user())
    event = ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED)
    for model, pk in (
        ("connection", connection.pk),
        ("connectionevent", event.pk),
        ("heartbeat", MAINTENANCE),
    ):
        name = f"admin:actionstep_connect_{model}"
        assert admin.get(reverse(f"{name}_add")).status_code == 403
        assert reverse(f"{name}_add") not in page(admin, f"{name}_changelist")
        form = page(admin, f"{name}_change", pk)
        main = form[form.index('id="content-main"') :]
        assert set(re.findall(r'<(?:input|select|textarea)[^>]*name="([^"]+)"', main)) == {
            "csrfmiddlewaretoken"
        }
        forged = {"orgkey": "forged", "status": "connected", "_save": "Save"}
        assert admin.post(reverse(f"{name}_change", args=[pk]), forged).status_code == 403
    connection.refresh_from_db()
    assert connection.orgkey == "acmelaw"


def walk(client: Client, connection: Connection, event: ConnectionEvent) -> Iterator[str]:
    """Visit every admin page of this package's."""
    for model, pk in (
        ("connection", connection.pk),
        ("connectionevent", event.pk),
        ("heartbeat", MAINTENANCE),
    ):
        for name in ("changelist", "change", "history", "delete"):
            args = [] if name == "changelist" else [pk]
            response = client.get(reverse(f"admin:actionstep_connect_{model}_{name}", args=args))
            if response.status_code == 200:
                yield response.content.decode()
    yield client.get(reverse("admin:index")).content.decode()
    yield client.get(reverse("admin:auth_user_delete", args=[connection.user_id])).content.decode()
    yield act(client, "delete_selected", connection)


def test_s45_no_page_shows_a_token_or_what_guards_it(admin: Client) -> None:
    """No page of the admin holds a token, its envelope, or the name of a hidden column."""
    connection = make_connection(
        make_user(), access_token=ACCESS, refresh_token=REFRESH, lease_owner="canary-lease"
    )
    event = ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED)
    pages = list(walk(admin, connection, event))
    assert len(pages) > 10
    for html in pages:
        assert "canary" not in html
        assert connection.sealed_access_token not in html
        assert connection.sealed_refresh_token not in html
        assert not [name for name in HIDDEN if name.replace("_", " ") in text(html).lower()]
        assert not [name for name in HIDDEN if name in html]


def test_s45_reading_pages_fetches_no_sealed_column(admin: Client) -> None:
    """What is not fetched cannot be shown: envelopes stay in the database."""
    connection = make_connection(make_user())
    event = ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED)
    with CaptureQueriesContext(database) as queries:
        page(admin)
        detail(admin, connection)
        page(admin, "admin:actionstep_connect_connectionevent_changelist")
        page(admin, "admin:actionstep_connect_connectionevent_change", event.pk)
    assert not [query for query in queries if "sealed_access_token" in query["sql"]]


@pytest.mark.parametrize("column", sorted(HIDDEN))
def test_s45_a_hidden_column_is_no_filter(admin: Client, column: str) -> None:
    """No URL makes the list tell, row by row, what a hidden column holds."""
    connection = make_connection(make_user())
    value = str(getattr(connection, column))[:5]
    for lookup in ("", "__startswith", "__gt", "__isnull"):
        response = admin.get(reverse(LIST), {f"{column}{lookup}": value})
        assert response.status_code == 400


def test_s45_search_finds_people_and_organisations_only(admin: Client) -> None:
    """User name, e-mail address and organisation are searched; an envelope is not."""
    priya = make_connection(make_user(username="priya"), orgkey="acmelaw")
    make_connection(make_user(username="tom"), orgkey="otherlaw")
    for words, found in (
        ("priya", 1),
        ("tom@law.example", 1),
        ("otherlaw", 1),
        ("law", 2),
        (priya.sealed_access_token, 0),
        ("v1.", 0),
        (str(priya.client_id), 0),
    ):
        assert page(admin, q=words).count('class="action-select"') == found, words


def test_a_search_is_read_once_and_says_where_it_ends(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What many have is cut off, with words that say so; the table is searched by one statement."""
    monkeypatch.setattr(search, "MAX_FOUND", 3)
    monkeypatch.setattr(connection_admin, "MAX_FOUND", 3)
    for _ in range(4):
        make_connection(make_user())
    with CaptureQueriesContext(database) as queries:
        html = page(admin, q="law.example")
    assert "These are the first 3 found." in html
    assert html.count('class="action-select"') == 3
    assert len([query for query in queries if "LIKE" in query["sql"]]) == 1
    one = Connection.objects.first()
    assert one is not None
    assert "These are the first" not in page(admin, q=one.user.get_username())


def test_attempts_are_not_in_the_admin(admin: Client) -> None:
    """Connect flows under way hold hashes that are no one's to read."""
    assert not site.is_registered(AuthorizationRequest)
    assert "authorizationrequest" not in page(admin, "admin:index")


def test_the_filters_find_those_who_need_somebody(admin: Client) -> None:
    """Flag, days left, status, environment, organisation and scope each leave just their own."""
    now = datetime.now(UTC)
    make_connection(make_user(username="fine"))
    make_connection(make_user(username="near"), refresh_token_expires_at=now + timedelta(days=3))
    make_connection(make_user(username="late"), refresh_token_expires_at=now - timedelta(days=1))
    make_connection(make_user(username="flagged"), flagged_at=now)
    make_connection(make_user(username="failing"), consecutive_failures=3)
    make_connection(make_user(username="overdue"), refresh_at=now - timedelta(hours=1))
    make_connection(make_user(username="other"), orgkey="otherlaw", granted_scopes=["filenotes"])
    make_connection(make_user(username="ended"), status=Status.DISCONNECTED, environment="staging")
    connected = {"fine", "near", "late", "flagged", "failing", "overdue", "other"}
    for query, names in (
        ({"flag": "near-limit"}, {"near", "late", "flagged"}),
        ({"flag": "failing"}, {"failing"}),
        ({"flag": "overdue"}, {"overdue"}),
        ({"days_left": "0"}, {"late"}),
        ({"days_left": "1"}, {"late"}),
        ({"days_left": "7"}, {"late", "near"}),
        ({"days_left": "more"}, connected - {"late", "near"}),
        ({"days_left": "nonsense"}, connected | {"ended"}),
        ({"status__exact": "disconnected"}, {"ended"}),
        ({"environment": "staging"}, {"ended"}),
        ({"environment": "another"}, {"ended"}),
        ({"environment": "sandbox"}, connected),
        ({"organisation": " otherlaw "}, {"other"}),
        ({"organisation": "otherla"}, set()),
        ({"scope": "timerecords"}, connected - {"other"} | {"ended"}),
        ({"flag": "near-limit", "days_left": "0"}, {"late"}),
    ):
        shown = page(admin, **query)
        assert set(re.findall(r"([a-z]+)@law\.example", text(shown))) - {"root"} == names, query


def test_the_organisation_is_typed_in_and_keeps_the_other_filters(admin: Client) -> None:
    """The field carries what is filtered and searched already, as text, and offers the way back."""
    make_connection(make_user(username="priya"), orgkey="acme & sons")
    html = page(admin, flag="failing", q='"><b>', organisation="acme")
    form = re.search(r'<form class="actionstep-filter".*?</form>', html, re.DOTALL)
    assert form is not None
    fields = re.findall(r'name="([a-z_]+)" value="([^"]*)"', form[0])
    assert fields == [("flag", "failing"), ("q", "&quot;&gt;&lt;b&gt;"), ("organisation", "acme")]
    assert 'href="?flag=failing&amp;q=' in form[0]
    assert 'href="?organisation=acme+%26+sons"' in page(admin)
    assert page(admin, organisation="acme & sons").count('class="action-select"') == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Both tokens are renewed in 49 min; the refresh token then lives 21 days more."),
        ({"refresh_at": -timedelta(seconds=5)}, "It is due: the next run, within a minute"),
        ({"refresh_at": -timedelta(hours=5)}, "It was due 5 h ago: the next run will refresh it."),
        (
            {"consecutive_failures": 2, "refresh_at": timedelta(minutes=4, seconds=5)},
            "It is retried in 4 min.",
        ),
        ({"last_used_at": -timedelta(days=40)}, "It is unused, so it is only kept alive"),
        ({"status": Status.DISCONNECTED}, "None: it was ended and its tokens are erased."),
        ({"environment": "staging"}, "None while this site uses sandbox."),
        ({"client_id": "before"}, "None: it was made for another CLIENT_ID."),
        ({"status": Status.RECONNECT_REQUIRED, "refresh_at": None}, "retries the refused token."),
        (
            {
                "status": Status.RECONNECT_REQUIRED,
                "status_reason": StatusReason.ORGANISATION_CHANGED,
            },
            "its tokens are another organisation&#x27;s",
        ),
    ],
)
def test_the_page_says_what_the_next_refresh_will_do(
    admin: Client, settings: Any, values: dict[str, Any], words: str
) -> None:
    """Whatever the condition: when, and what of it."""
    if "last_used_at" in values:
        idle = {"IDLE_AFTER": timedelta(days=5)}
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **idle}
    now = datetime.now(UTC)
    times = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in values.items()
    }
    assert words in text(detail(admin, make_connection(make_user(), **times)))


def test_the_page_leads_to_the_user(admin: Client, client: Client) -> None:
    """To the user's own page in the admin, and to all of their connections."""
    user = make_user(username="priya")
    connection = make_connection(user)
    make_connection(user, orgkey="otherlaw")
    make_connection(make_user())
    html = detail(admin, connection)
    assert f'href="{reverse("admin:auth_user_change", args=[user.pk])}"' in html
    mine = f"?user__id__exact={user.pk}"
    assert mine in html
    assert admin.get(f"{reverse(LIST)}{mine}").content.decode().count("action-select") >= 2
    assert page(admin, user__id__exact=str(user.pk)).count('class="action-select"') == 2


def test_an_action_on_one_connection_comes_back_to_it(admin: Client, sandbox: Sandbox) -> None:
    """Its buttons act through the list, and end at the page they were pressed on, nowhere else."""
    connection = sandbox_connections(sandbox, 1)[0]
    here = reverse("admin:actionstep_connect_connection_change", args=[connection.pk])
    for action, words in (("refresh_now", "Refreshed: "), ("disconnect", "both tokens erased: ")):
        data = {
            "action": action,
            "_selected_action": str(connection.pk),
            "_back": connection.pk,
            "post": "yes",
        }
        response = admin.post(reverse(LIST), data, follow=True)
        assert response.redirect_chain == [(here, 302)]
        assert words in text(response.content.decode())
    assert 'value="disconnect"' not in detail(admin, connection)
    data = {"action": "disconnect", "_selected_action": str(connection.pk), "post": "yes"}
    away = admin.post(reverse(LIST), data | {"_back": "//evil.example/"})
    assert away["Location"].startswith(reverse(LIST))


def test_the_number_of_queries_does_not_grow_with_the_rows(admin: Client) -> None:
    """Listing forty connections or events takes as many queries as listing two, and at most ten."""

    def count(name: str) -> int:
        with CaptureQueriesContext(database) as queries:
            page(admin, name)
        return len(queries)

    def add(rows: int) -> None:
        for _ in range(rows):
            connection = make_connection(make_user())
            ConnectionEvent.objects.create(
                connection=connection, kind=EventKind.CONNECTED, actor=connection.user
            )

    events = "admin:actionstep_connect_connectionevent_changelist"
    add(2)
    few = count(LIST), count(events)
    add(38)
    assert (count(LIST), count(events)) == few
    assert max(few) <= 10


@pytest.mark.parametrize(
    "query", [{}, {"q": "law"}, {"flag": "near-limit", "scope": "actions"}, {"organisation": "x"}]
)
def test_staff_need_no_more_than_ten_queries(client: Client, query: dict[str, str]) -> None:
    """Their permissions are looked up as well, and the whole list, a filtered and a searched one fit."""
    make_connection(make_user())
    staff(client, "view_connection", "can_refresh", "can_remind", "can_disconnect")
    with CaptureQueriesContext(database) as queries:
        page(client, **query)
    assert len(queries) <= 10


def test_events_of_one_connection_take_one_query(admin: Client) -> None:
    """The page of one connection does not slow down as its history grows."""
    connection = make_connection(make_user())

    def count() -> int:
        with CaptureQueriesContext(database) as queries:
            detail(admin, connection)
        return len(queries)

    count()  # Django remembers content types from then on.
    few = count()
    for _ in range(30):
        ConnectionEvent.objects.create(
            connection=connection, kind=EventKind.RECOVERED, actor=make_user()
        )
    assert count() == few


def test_a_healthy_site_shows_no_warning(admin: Client) -> None:
    """While maintenance runs, nothing stands above the list."""
    assert 'role="alert"' not in page(admin)
    assert "Running" in text(page(admin, "admin:actionstep_connect_heartbeat_changelist"))


def test_a_maintenance_that_stopped_is_said_above_the_list(admin: Client) -> None:
    """A beat that is missing is plain to see, in the list and on its own page."""
    beat(finished_at=datetime.now(UTC) - timedelta(hours=2))
    assert "Maintenance is overdue: it last ran 2 h ago" in text(page(admin))
    heartbeats = text(page(admin, "admin:actionstep_connect_heartbeat_changelist"))
    assert "Overdue" in heartbeats
    Heartbeat.objects.all().delete()
    assert "Maintenance has never run" in text(page(admin))


@pytest.mark.parametrize(
    ("stopped_by", "words"),
    [
        ("client_rejected", "refused this site's own credentials"),
        ("refusals", "refreshing has stopped"),
    ],
)
def test_refused_credentials_are_said_above_the_list(
    admin: Client, stopped_by: str, words: str
) -> None:
    """Where the site is at fault, the administrator is told before blaming a connection."""
    beat(summary={"stopped_by": stopped_by})
    assert words in text(page(admin)).replace("&#x27;", "'")


def test_a_run_with_refused_credentials_shows(
    admin: Client, sandbox: Sandbox, settings: Any
) -> None:
    """What maintenance found out is what the admin says."""
    sandbox_connections(sandbox, 1, **expired())
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "CLIENT_SECRET": "changed"}
    maintain()
    assert "own credentials" in text(page(admin))


def test_s45_refresh_now_refreshes_and_is_logged(admin: Client, sandbox: Sandbox) -> None:
    """The action spends the token through the engine, says so, and names its actor in the log."""
    connection = sandbox_connections(sandbox, 1)[0]
    shown = text(act(admin, "refresh_now", connection))
    assert f"Refreshed: {connection.user.get_username()} (acmelaw)." in shown
    assert Connection.objects.get(pk=connection.pk).generation == 2
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.object_id) == ("root", str(connection.pk))
    assert entry.change_message == "Refresh asked for: Refreshed."
    event = ConnectionEvent.objects.get()
    assert event.actor == entry.user
    assert (event.kind, event.detail) == (EventKind.REFRESH_ASKED, "Refreshed.")


def test_s45_refresh_now_tells_each_outcome(admin: Client, sandbox: Sandbox) -> None:
    """Of several connections each outcome is told in words, and none hides another."""
    good, refused, ended, lost = sandbox_connections(sandbox, 4)
    never_issued = refused.seal(REFRESH_TOKEN, Secret("never-issued"))
    Connection.objects.filter(pk=refused.pk).update(sealed_refresh_token=never_issued)
    Connection.objects.filter(pk=ended.pk).update(status=Status.DISCONNECTED)
    Connection.objects.filter(pk=lost.pk).update(sealed_refresh_token="v1.deadbeef.AAAA")
    shown = text(act(admin, "refresh_now", good, refused, ended, lost))
    for connection, words in (
        (good, "Refreshed: {} (acmelaw)."),
        (refused, "Not refreshed: {} (acmelaw). Actionstep no longer accepts this connection"),
        (ended, "Not refreshed: {} (acmelaw). This connection was ended"),
        (lost, "Not refreshed: {} (acmelaw). The stored value needs key &#x27;deadbeef&#x27;"),
    ):
        assert words.format(connection.user.get_username()) in shown
    assert LogEntry.objects.count() == 4
    asked = ConnectionEvent.objects.filter(
        kind=EventKind.REFRESH_ASKED, actor__username="root"
    ).values_list("connection", flat=True)
    assert set(asked) == {good.pk, refused.pk, ended.pk, lost.pk}


def test_refresh_now_stops_at_refused_credentials(
    admin: Client, sandbox: Sandbox, settings: Any
) -> None:
    """Where the site's own credentials are refused, one request tells it and the rest is left."""
    connections = sandbox_connections(sandbox, 3)
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "CLIENT_SECRET": "changed"}
    shown = text(act(admin, "refresh_now", *connections))
    assert "2 connections were skipped" in shown
    assert not Connection.objects.exclude(status=Status.CONNECTED).exists()
    assert LogEntry.objects.count() == 1


def test_s29_refresh_now_tries_a_refused_token_once_more(admin: Client, sandbox: Sandbox) -> None:
    """An administrator who knows better can bring back a connection that was marked as refused."""
    connection = sandbox_connections(
        sandbox,
        1,
        status=Status.RECONNECT_REQUIRED,
        status_reason=StatusReason.REFUSED,
        refresh_at=None,
    )[0]
    assert "Refreshed: " in text(act(admin, "refresh_now", connection))
    connection.refresh_from_db()
    assert connection.status == Status.CONNECTED


def test_s45_disconnect_erases_tokens_and_is_logged(admin: Client) -> None:
    """Disconnecting erases both tokens, and both logs name the administrator, not the user."""
    connection = make_connection(make_user())
    shown = text(act(admin, "disconnect", connection))
    assert "Disconnected, both tokens erased" in shown
    connection.refresh_from_db()
    assert connection.sealed_access_token == connection.sealed_refresh_token == ""
    assert connection.status_reason == StatusReason.ENDED_BY_ADMIN
    assert LogEntry.objects.get().user.get_username() == "root"
    event = ConnectionEvent.objects.get()
    assert event.actor is not None
    assert (event.kind, event.actor.get_username()) == (EventKind.DISCONNECTED, "root")


def test_s45_disconnecting_from_the_list_asks_first(admin: Client) -> None:
    """One click ends nothing: the page that asks has the number, the names and the way back."""
    priya = make_connection(make_user(username="priya"))
    tom = make_connection(make_user(username="tom"), orgkey="otherlaw")
    gone = make_connection(make_user(username="una"), status=Status.DISCONNECTED)
    data: dict[str, Any] = {
        "action": "disconnect",
        "_selected_action": [str(each.pk) for each in (priya, tom, gone)],
    }
    response = admin.post(reverse(LIST), data)
    asked = response.content.decode()
    assert response.status_code == 200
    assert "Disconnect 2 connections?" in text(asked)
    assert "priya, acmelaw (sandbox)" in text(asked)
    assert "tom, otherlaw (sandbox)" in text(asked)
    assert "una" not in text(asked)
    assert Connection.objects.filter(status=Status.CONNECTED).count() == 2
    assert not LogEntry.objects.exists()
    main = asked[asked.index('id="content"') :]
    form = re.findall(r'name="([a-z_]+)" value="([^"]*)"', main)
    assert ("post", "yes") in form
    sent: dict[str, list[str]] = {}
    for name, value in form:
        sent.setdefault(name, []).append(value)
    shown = text(admin.post(reverse(LIST), sent, follow=True).content.decode())
    assert "Disconnected, both tokens erased: priya (acmelaw), tom (otherlaw)." in shown
    assert not Connection.objects.exclude(status=Status.DISCONNECTED).exists()


def test_disconnecting_all_of_a_filtered_list_asks_about_all_of_them(admin: Client) -> None:
    """Those on other pages are in the number as well, the first hundred by name; others stay as they are."""
    for _ in range(102):
        make_connection(make_user(), orgkey="otherlaw")
    kept = make_connection(make_user())
    here = f"{reverse(LIST)}?organisation=otherlaw"
    data = {"action": "disconnect", "_selected_action": "x", "select_across": "1"}
    asked = text(admin.post(here, data).content.decode())
    assert "Disconnect 102 connections?" in asked
    assert "and 2 more" in asked
    admin.post(here, {**data, "post": "yes"})
    assert [each.pk for each in Connection.objects.filter(status=Status.CONNECTED)] == [kept.pk]


def test_disconnecting_twice_changes_nothing(admin: Client) -> None:
    """What had ended already is said so, and logged once."""
    connection = make_connection(make_user())
    act(admin, "disconnect", connection)
    assert "Already disconnected" in text(act(admin, "disconnect", connection))
    assert LogEntry.objects.count() == ConnectionEvent.objects.count() == 1


def test_s45_remind_asks_for_an_email_and_is_logged(admin: Client, settings: Settings) -> None:
    """Who has to connect again is e-mailed by the next run; who need not is not, and both are told."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "REDIRECT_URI": "https://law.example/actionstep/callback/",
    }
    ended = make_connection(
        make_user(username="priya"), status=Status.RECONNECT_REQUIRED, refresh_at=None
    )
    fine = make_connection(make_user(username="tom"))
    shown = text(act(admin, "remind", ended, fine))
    assert "Reminder queued: priya (acmelaw)." in shown
    assert "Not reminded: tom (acmelaw). This connection does not need its user." in shown
    assert mail.outbox == []
    maintain()
    assert [message.to for message in mail.outbox] == [["priya@law.example"]]
    told = {entry.object_id: entry.change_message for entry in LogEntry.objects.all()}
    assert told == {
        str(ended.pk): "Reminder asked for: To be sent.",
        str(fine.pk): "Reminder asked for: This connection does not need its user.",
    }
    asked = ConnectionEvent.objects.filter(kind=EventKind.REMINDER_ASKED, actor__username="root")
    assert set(asked.values_list("connection", flat=True)) == {ended.pk, fine.pk}
    assert 'value="remind"' in detail(admin, ended)
    assert 'value="remind"' not in detail(admin, fine)


@pytest.mark.parametrize(
    ("permissions", "offered"),
    [
        (("view_connection",), {"export_csv"}),
        (("view_connection", "can_refresh"), {"export_csv", "refresh_now"}),
        (("view_connection", "can_disconnect"), {"export_csv", "disconnect"}),
        (("view_connection", "can_remind"), {"export_csv", "remind"}),
        (("change_connection",), {"export_csv", "refresh_now", "remind", "disconnect"}),
        (("view_connection", "delete_connection"), {"export_csv", "delete_selected"}),
    ],
)
def test_s45_actions_need_their_permission(
    client: Client, permissions: tuple[str, ...], offered: set[str]
) -> None:
    """Only who may change connections, or holds an action's own permission, is offered it, or heard."""
    connection = make_connection(make_user(), refresh_token_expires_at=datetime.now(UTC))
    staff(client, *permissions)
    options = set(re.findall(r'<option value="([a-z_]+)"', page(client)))
    assert options == offered
    buttons = set(re.findall(r'name="action" value="([a-z_]+)"', detail(client, connection)))
    assert buttons == offered & {"refresh_now", "remind", "disconnect"}
    if "disconnect" not in offered:
        act(client, "disconnect", connection)
        assert Connection.objects.get().status == Status.CONNECTED
        assert not LogEntry.objects.exists()


def test_s45_staff_without_permission_sees_nothing(client: Client) -> None:
    """Neither the list, nor a connection, nor an event is shown to other staff."""
    connection = make_connection(make_user())
    staff(client)
    assert client.get(reverse(LIST)).status_code == 403
    url = reverse("admin:actionstep_connect_connection_change", args=[connection.pk])
    assert client.get(url).status_code == 403
    events = reverse("admin:actionstep_connect_connectionevent_changelist")
    assert client.get(events).status_code == 403


def test_deleting_a_connection_is_confirmed_and_erases_its_tokens(client: Client) -> None:
    """The permission to delete connections is enough to erase one with its events, after a question."""
    connection = make_connection(make_user())
    ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED)
    staff(client, "view_connection", "delete_connection")
    url = reverse("admin:actionstep_connect_connection_delete", args=[connection.pk])
    assert "Are you sure" in client.get(url).content.decode()
    assert Connection.objects.exists()
    client.post(url, {"post": "yes"})
    assert not Connection.objects.exists()
    assert not ConnectionEvent.objects.exists()


def test_a_deletion_names_the_users_before_it_is_confirmed(admin: Client) -> None:
    """Django's question says whose connections they are, for one and for several, and escapes it."""
    rows = [make_connection(make_user(username=name)) for name in ("priya", "<b>sam</b>")]
    ConnectionEvent.objects.create(connection=rows[0], kind=EventKind.CONNECTED)
    form = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    several = admin.post(reverse(LIST), form).content.decode()
    for html in (several, page(admin, DELETE, rows[0].pk)):
        assert "priya, acmelaw (sandbox)</a>" in html
    assert "&lt;b&gt;sam&lt;/b&gt;, acmelaw (sandbox)</a>" in several
    assert "Event: " in several


def test_deleting_a_user_in_the_admin_erases_their_connections(admin: Client) -> None:
    """Events that no one may delete on their own do not stand in the way."""
    connection = make_connection(make_user())
    event = ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED)
    own = reverse("admin:actionstep_connect_connectionevent_delete", args=[event.pk])
    assert admin.post(own, {"post": "yes"}).status_code == 403
    url = reverse("admin:auth_user_delete", args=[connection.user_id])
    assert admin.post(url, {"post": "yes"}).status_code == 302
    assert not Connection.objects.exists()


@pytest.mark.parametrize("pk", ["nonsense", "00000000-0000-0000-0000-000000000000", "1"])
def test_an_unknown_connection_is_no_error(admin: Client, pk: str) -> None:
    """A mistyped address leads back to the admin, not to a server error."""
    url = reverse("admin:actionstep_connect_connection_change", args=[pk])
    response = admin.get(url)
    assert response.status_code == 302


def test_names_are_escaped(admin: Client) -> None:
    """What users and Actionstep call things is text, not markup."""
    hostile = "<script>alert(1)</script>"
    connection = make_connection(make_user(first_name=hostile), last_error=hostile)
    User.objects.filter(pk=connection.user_id).update(username=hostile, email=hostile + "@x")
    ConnectionEvent.objects.create(connection=connection, kind=EventKind.FLAGGED, detail=hostile)
    for html in (page(admin), detail(admin, connection), act(admin, "disconnect", connection)):
        assert hostile not in html
