"""The flow against another authorization server: django-oauth-toolkit, at its strictest."""

import threading
from collections.abc import Generator
from datetime import UTC, datetime

import pytest
from django.db import connection as database
from pytest_django import Settings

from actionstep_connect.api import get_access_token, refresh
from actionstep_connect.exceptions import ReconnectRequired
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection
from tests.support.oauth_toolkit.process import AuthorizationServer, running_toolkit
from tests.support.oauth_toolkit.vocabulary import ORGKEY
from tests.support.person import CALLBACK, CONNECTIONS, SITE, Person, query, words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[AuthorizationServer]:
    """Run one server for the module."""
    folder = tmp_path_factory.mktemp("oauth-toolkit")
    with running_toolkit(folder, redirect_uri=f"{SITE}{CALLBACK}") as server:
        yield server


@pytest.fixture
def toolkit(running: AuthorizationServer, settings: Settings) -> AuthorizationServer:
    """Return the server, and settings that lead to it."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **running.settings()}
    return running


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a signed-in user whose rows other threads can see."""
    return Person()


def connect(person: Person, toolkit: AuthorizationServer) -> Connection:
    """Connect all the way through this package's pages and the server's."""
    back = toolkit.answer(person.start()).removeprefix(SITE)
    assert person.come_back(back).headers["Location"] == CONNECTIONS
    return Connection.objects.get(user=person.user)


def make_due() -> None:
    """Let every connection's access token be expired, and its refresh due."""
    now = datetime.now(UTC)
    Connection.objects.update(access_token_expires_at=now, refresh_at=now)


def test_connecting_stores_what_the_server_gave(
    person: Person, toolkit: AuthorizationServer
) -> None:
    """Pages, PKCE, issuer and exchange agree with a strict server; the answer is stored as given."""
    row = connect(person, toolkit)
    assert (row.status, row.orgkey, row.generation) == ("connected", ORGKEY, 1)
    assert set(row.granted_scopes) == {"actions", "participants", "timerecords"}
    assert row.api_endpoint == f"{toolkit.url}/api/"
    assert row.access_token_expires_at is not None
    assert 3500 < (row.access_token_expires_at - row.connected_at).total_seconds() <= 3600
    assert "toolkitlaw Connected." in words(person.browser.get(CONNECTIONS))


def test_the_server_names_itself_and_is_believed(
    person: Person, toolkit: AuthorizationServer
) -> None:
    """`iss` comes back (RFC 9207) and is the server's own; another's is refused."""
    back = toolkit.answer(person.start()).removeprefix(SITE)
    assert query(back)["iss"] == toolkit.url
    forged = back.replace(
        query(back)["iss"].replace(":", "%3A").replace("/", "%2F"), "https://evil"
    )
    assert "https://evil" in forged
    page = person.look(person.come_back(forged))
    assert "did not come from Actionstep" in words(page)
    assert not Connection.objects.exists()


def test_it_is_kept_fresh_with_each_token_spent_once(
    person: Person, toolkit: AuthorizationServer
) -> None:
    """Ten runs, ten rotations under reuse protection, and the connection is alive."""
    row = connect(person, toolkit)
    seen = {row.open_refresh_token().reveal()}
    for _ in range(10):
        make_due()
        assert maintain().refreshed == 1
        row.refresh_from_db()
        seen.add(row.open_refresh_token().reveal())
    assert (row.status, row.generation, len(seen)) == ("connected", 11, 11)
    assert row.orgkey == ORGKEY


def test_s22_callers_at_once_spend_one_token(person: Person, toolkit: AuthorizationServer) -> None:
    """A server that revokes the family on reuse sees one request; all callers get its answer."""
    connect(person, toolkit)
    make_due()
    gate, tokens = threading.Barrier(4), []

    def use() -> None:
        try:
            mine = Connection.objects.get()
            gate.wait()
            tokens.append(get_access_token(mine))
        finally:
            database.close()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(tokens) == 4
    assert len(set(tokens)) == 1
    refresh(Connection.objects.get())
    assert Connection.objects.get().generation == 3


def test_reuse_of_an_old_token_ends_the_connection_and_says_so(
    person: Person, toolkit: AuthorizationServer
) -> None:
    """Someone presents a spent token, the server revokes the family: the user is asked to reconnect."""
    row = connect(person, toolkit)
    spent = row.open_refresh_token().reveal()
    make_due()
    maintain()
    stolen = toolkit.present(spent)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    make_due()
    assert maintain().refused == 1
    row.refresh_from_db()
    assert (row.status, row.status_reason) == ("reconnect_required", "refused")
    with pytest.raises(ReconnectRequired):
        get_access_token(row)
    assert "Actionstep has ended it." in words(person.browser.get(CONNECTIONS))
    renewed = connect(person, toolkit)
    assert (renewed.pk, renewed.status) == (row.pk, "connected")
    make_due()
    assert maintain().refreshed == 1


def test_denying_changes_nothing(person: Person, toolkit: AuthorizationServer) -> None:
    """Cancel at the server: its own words stay there, and the page says what happened."""
    back = toolkit.answer(person.start(), allow=False).removeprefix(SITE)
    assert query(back)["error"] == "access_denied"
    page = person.look(person.come_back(back))
    assert (page.status_code, Connection.objects.exists()) == (403, False)
    assert "You did not allow access" in words(page)


def test_client_secret_basic(
    person: Person, toolkit: AuthorizationServer, settings: Settings
) -> None:
    """Client credentials in the header serve for the exchange and for the refresh."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "TOKEN_AUTH_METHOD": "client_secret_basic",
    }
    connect(person, toolkit)
    make_due()
    assert maintain().refreshed == 1


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_a_wrong_secret_is_the_sites_fault(
    person: Person, toolkit: AuthorizationServer, settings: Settings, method: str
) -> None:
    """The server's own refusal of the site's credentials ends no connection and is told as what it is."""
    row = connect(person, toolkit)
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "CLIENT_SECRET": "no-longer",
        "TOKEN_AUTH_METHOD": method,
    }
    make_due()
    assert maintain().stopped_by == "client_rejected"
    row.refresh_from_db()
    assert (row.status, row.generation) == ("connected", 1)
    back = toolkit.answer(person.start()).removeprefix(SITE)
    assert "This site is not set up correctly" in words(person.look(person.come_back(back)))


def test_it_really_is_strict_about_pkce(
    person: Person, toolkit: AuthorizationServer, settings: Settings
) -> None:
    """Without a challenge the server refuses, so the tests above prove that this package's is right."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "PKCE": False}
    back = toolkit.answer(person.start()).removeprefix(SITE)
    assert query(back)["error"] == "invalid_request"
    assert "Actionstep refused" in words(person.look(person.come_back(back)))
