"""The page of one's connections, disconnecting, and the two tags."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template import RequestContext, Template, engines
from django.test import RequestFactory
from pytest_django import Settings

from actionstep_connect.models import Connection
from actionstep_connect.scopes import is_scope
from actionstep_connect.wording.scopes import SCOPES
from tests.support.connections import make_connection, make_user
from tests.support.person import CONNECT, CONNECTIONS, Person, words

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def fields(value: object) -> str | None:
    """Name a case by the fields that it sets: their times differ from process to process."""
    return ",".join(value) if isinstance(value, dict) else None


def disconnect_path(connection: Connection) -> str:
    return f"/actionstep/disconnect/{connection.pk}/"


def rendered(person: Person, tag: str, path: str = "/somewhere/?page=2", **context: Any) -> str:
    """Render one tag as it stands on a page of the site, whose view gives `context`."""
    request = RequestFactory().get(path)
    request.user = person.user
    template = engines["django"].from_string("{% load actionstep_connect %}{% " + tag + " %}")
    return str(template.render(context, request)).strip()


def test_nobody_connected_yet(person: Person) -> None:
    """An empty page says so and offers the one thing to do."""
    page = person.browser.get(CONNECTIONS)
    assert "You have not connected Actionstep yet. Connect Actionstep" in words(page)


def test_a_good_connection_says_what_and_since_when_and_that_nothing_is_to_do(
    person: Person,
) -> None:
    """Organisation, status, scopes in words, and the three dates are there."""
    make_connection(
        person.user,
        orgkey="acmelaw",
        granted_scopes=["actions", "some_new_scope"],
        connected_at=datetime(2026, 3, 4, tzinfo=UTC),
        last_used_at=datetime(2026, 5, 6, tzinfo=UTC),
        refresh_token_expires_at=datetime(2099, 7, 8, tzinfo=UTC),
    )
    text = words(person.browser.get(CONNECTIONS))
    assert "acmelaw Connected. There is nothing you need to do: it renews automatically." in text
    assert "This site may use Matters some_new_scope" in text
    assert "Connected since March 4, 2026" in text
    assert "Last used May 6, 2026" in text
    assert "Valid until July 8, 2099" in text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"status": "reconnect_required", "status_reason": "refused"}, "Actionstep has ended it."),
        (
            {"status": "reconnect_required", "status_reason": "interrupted"},
            "The connection was interrupted.",
        ),
        (
            {"status": "reconnect_required", "status_reason": "organisation_changed"},
            "choose this organisation in Actionstep",
        ),
        ({"status": "disconnected", "status_reason": "ended_by_user"}, "You disconnected it."),
        ({"status": "disconnected", "status_reason": "ended_by_admin"}, "An administrator"),
        ({"client_id": "the-former-client"}, "Created with this site's previous"),
        ({"refresh_token_expires_at": NOW + timedelta(days=3)}, "Connected, but expiring soon."),
        ({"refresh_token_expires_at": NOW - timedelta(days=1)}, "Connected, but about to expire."),
        (
            {"consecutive_failures": 3},
            "has not been responding recently. There is nothing you need to do",
        ),
    ],
    ids=fields,
)
def test_each_state_has_its_words_and_its_next_step(
    person: Person, values: dict[str, Any], expected: str
) -> None:
    """Anyone who reads a status knows what to do."""
    make_connection(person.user, **values)
    assert expected in words(person.browser.get(CONNECTIONS))


def test_a_limit_that_is_over_is_no_promise(person: Person) -> None:
    """Past its limit, and before Actionstep has said no, a connection is kept until no date."""
    make_connection(person.user, refresh_token_expires_at=NOW - timedelta(days=1))
    assert "Valid until" not in words(person.browser.get(CONNECTIONS))


def test_who_needs_their_user_comes_first(person: Person) -> None:
    """What is broken stands above what is well, and what was ended below."""
    make_connection(person.user, orgkey="first", status="disconnected")
    make_connection(person.user, orgkey="second")
    make_connection(person.user, orgkey="third", status="reconnect_required")
    text = words(person.browser.get(CONNECTIONS))
    assert text.index("third") < text.index("second") < text.index("first")


def test_connections_of_another_environment_are_not_shown(person: Person) -> None:
    """The page shows what can be used here."""
    make_connection(person.user, environment="elsewhere", orgkey="otherlaw")
    assert "otherlaw" not in words(person.browser.get(CONNECTIONS))


def test_s44_nobody_sees_or_ends_somebody_elses_connection(person: Person) -> None:
    """B's page does not name A's organisation, and A's address is not found for B."""
    theirs = make_connection(make_user(), orgkey="privatelaw")
    assert "privatelaw" not in words(person.browser.get(CONNECTIONS))
    assert person.browser.get(disconnect_path(theirs)).status_code == 404
    assert person.browser.post(disconnect_path(theirs)).status_code == 404
    assert person.browser.post(f"/actionstep/disconnect/{uuid.uuid4()}/").status_code == 404
    theirs.refresh_from_db()
    assert theirs.status == "connected"


def test_disconnecting_asks_first_and_says_what_stops_working(person: Person) -> None:
    """GET changes nothing; POST erases the tokens and says that it is done."""
    connection = make_connection(person.user, granted_scopes=["timerecords"])
    page = person.browser.get(disconnect_path(connection))
    assert "Disconnect acmelaw?" in words(page)
    assert "Time records" in words(page)
    assert "stop working" in words(page)
    connection.refresh_from_db()
    assert connection.status == "connected"
    response = person.browser.post(disconnect_path(connection))
    assert response.headers["Location"] == CONNECTIONS
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == ("disconnected", "ended_by_user")
    assert (connection.sealed_access_token, connection.sealed_refresh_token) == ("", "")
    assert "You are no longer connected to acmelaw." in words(person.look(response))


def test_disconnecting_twice_is_no_error(person: Person) -> None:
    """A reloaded or stale page of an ended connection leads to the list."""
    connection = make_connection(person.user)
    for _ in range(2):
        person.browser.post(disconnect_path(connection))
    assert person.browser.get(disconnect_path(connection)).headers["Location"] == CONNECTIONS
    assert connection.events.count() == 1


def test_messages_are_not_required(person: Person, settings: Settings) -> None:
    """A site without django.contrib.messages connects and disconnects nevertheless."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "messages" not in name]
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if "messages" not in name]
    connection = make_connection(person.user)
    assert person.browser.post(disconnect_path(connection)).status_code == 302
    assert person.browser.get(CONNECTIONS).status_code == 200


def test_the_connect_page_says_what_is_asked_in_plain_words(
    person: Person, settings: Settings
) -> None:
    """Known scopes have words, others their bare name; nothing is called new the first time."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "SCOPES": ["timerecords", "some_new_scope"],
        "ALLOWED_SCOPES": ["timerecords", "some_new_scope", "bills"],
    }
    text = words(person.browser.get(CONNECT))
    assert "whether this site may use: Time records some_new_scope" in text
    assert " new " not in text.replace("some_new_scope", "")
    make_connection(person.user, granted_scopes=["timerecords"])
    text = words(person.browser.get(CONNECT, {"scopes": "bills"}))
    assert "Give this site more access to acmelaw" in text
    assert "Time records Bills new" in text


def test_every_name_in_the_table_is_a_scope() -> None:
    """The table of words holds scope names only."""
    assert all(map(is_scope, SCOPES))


def test_the_button_is_a_form_that_leads_to_the_connect_page(person: Person) -> None:
    """It works without JavaScript and carries what it was given."""
    html = rendered(person, 'actionstep_connect_button scopes="actions bills" next="/a/?b=c&d"')
    assert f'method="get" action="{CONNECT}"' in html
    assert '<input type="hidden" name="scopes" value="actions bills">' in html
    assert '<input type="hidden" name="next" value="/a/?b=c&amp;d">' in html
    assert "Connect Actionstep" in html


def test_the_button_steps_back_once_connected(person: Person) -> None:
    """A user who has what it asks for is told so; one who lacks a scope, or must renew, is asked."""
    connection = make_connection(person.user, granted_scopes=["actions"])
    assert "You are connected to <strong>acmelaw</strong>" in rendered(
        person, "actionstep_connect_button"
    )
    assert "Connect Actionstep" in rendered(person, 'actionstep_connect_button scopes="bills"')
    Connection.objects.filter(pk=connection.pk).update(status="reconnect_required")
    assert "Reconnect Actionstep" in rendered(person, "actionstep_connect_button")


def test_the_button_names_every_connection_that_will_do(person: Person) -> None:
    """Of several it speaks of each, but not of one that is broken, ended, or lacks what is wanted."""
    make_connection(person.user, orgkey="harbourlegal", granted_scopes=["actions", "bills"])
    make_connection(person.user, orgkey="acmelaw", granted_scopes=["actions"])
    make_connection(person.user, orgkey="brokenlaw", status="reconnect_required")
    make_connection(person.user, orgkey="former", status="disconnected")
    make_connection(make_user(), orgkey="anotherslaw")
    html = rendered(person, "actionstep_connect_button")
    assert "You are connected to: <strong>acmelaw</strong>, <strong>harbourlegal</strong>." in html
    assert "<form" not in html
    html = rendered(person, 'actionstep_connect_button scopes="bills"')
    assert "You are connected to <strong>harbourlegal</strong>." in html
    html = rendered(person, 'actionstep_connect_button orgkey="ACMELAW"')
    assert "You are connected to <strong>acmelaw</strong>." in html
    assert "Reconnect" in rendered(person, 'actionstep_connect_button orgkey="brokenlaw"')


def test_the_alert_is_silent_when_all_is_well(person: Person) -> None:
    """No connection, a good one, an ended one, another user's trouble: nothing at all."""
    assert rendered(person, "actionstep_connection_alert") == ""
    make_connection(person.user, orgkey="one")
    make_connection(person.user, orgkey="two", status="disconnected")
    make_connection(make_user(), status="reconnect_required")
    assert rendered(person, "actionstep_connection_alert") == ""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"status": "reconnect_required"}, "Your Actionstep connection to acmelaw no longer"),
        ({"client_id": "the-former-client"}, "Your Actionstep connection to acmelaw no longer"),
        ({"refresh_token_expires_at": NOW + timedelta(days=6)}, "unless you reconnect."),
        (
            {"refresh_token_expires_at": NOW - timedelta(days=1)},
            "may expire at any moment unless you",
        ),
    ],
    ids=fields,
)
def test_the_alert_is_one_sentence_and_one_button(
    person: Person, values: dict[str, Any], sentence: str
) -> None:
    """Nearness is computed when it is read, and the way back is kept."""
    make_connection(person.user, **values)
    html = rendered(person, "actionstep_connection_alert")
    assert sentence in html
    assert html.count("<button") == 1
    assert 'name="orgkey" value="acmelaw"' in html
    assert 'name="next" value="/somewhere/?page=2"' in html


def test_the_alert_counts_when_several_need_their_user(person: Person) -> None:
    """Two troubles are one sentence still, and lead to the list."""
    for orgkey in ("one", "two"):
        make_connection(person.user, orgkey=orgkey, status="reconnect_required")
    html = rendered(person, "actionstep_connection_alert")
    assert "2 of your Actionstep connections need attention." in html
    assert f'action="{CONNECTIONS}"' in html


def test_s44_a_page_about_somebody_else_shows_nothing_of_theirs(person: Person) -> None:
    """Where a view calls the person it shows `user`, the tags are about who is signed in nevertheless."""
    other = make_user()
    make_connection(other, orgkey="privatelaw", status="reconnect_required")
    assert rendered(person, "actionstep_connection_alert", user=other) == ""
    assert "privatelaw" not in rendered(person, "actionstep_connect_button", user=other)


def test_the_tags_work_for_strangers(person: Person) -> None:
    """A page without a signed-in user shows the button and no alert."""
    context = RequestContext(RequestFactory().get("/"), {})
    template = Template(
        "{% load actionstep_connect %}{% actionstep_connection_alert %}|{% actionstep_connect_button %}"
    )
    alert, _, button = template.render(context).partition("|")
    assert alert.strip() == ""
    assert "Connect Actionstep" in button


@pytest.mark.parametrize(
    ("values", "tells"),
    [
        ({}, ("This site may use", "Connected since")),
        (
            {"status": "reconnect_required", "status_reason": "refused"},
            ("This site could use", "Was connected on"),
        ),
    ],
)
def test_what_is_over_is_told_in_the_past(
    person: Person, values: dict[str, str], tells: tuple[str, str]
) -> None:
    """A card says "may use" only of a connection that the site may use."""
    make_connection(person.user, **values)
    shown = words(person.browser.get(CONNECTIONS))
    for text in ("This site may use", "Connected since", "This site could use", "Was connected on"):
        assert (text in shown) is (text in tells), text
