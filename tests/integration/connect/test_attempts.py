"""An attempt and its browser: what binds them, what may vanish on the way, and who has the last word."""

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from pytest_django import Settings

from actionstep_connect.api import disconnect
from actionstep_connect.models import AuthorizationRequest, Connection
from actionstep_connect.views.browser import MARKER_COOKIE
from tests.support.connections import make_connection
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.person import CONNECT, CONNECTIONS, Person, callback_url, words

pytestmark = pytest.mark.django_db

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}


def overwrite_session(person: Person, **kept: Any) -> None:
    """Save an older copy of the session over the present one, as a slow request does at its end."""
    store = import_module("django.contrib.sessions.backends.db").SessionStore(
        person.browser.cookies["sessionid"].value
    )
    former = {name: value for name, value in store.items() if name.startswith("_auth")}
    store.clear()
    store.update({**former, **kept})
    store.save()


def test_s2_a_slow_request_that_saves_the_old_session_breaks_nothing(
    person: Person, server: HostileServer
) -> None:
    """The attempt is bound by a cookie of its own, which no other request writes."""
    url = callback_url(person.start())
    overwrite_session(person)
    person.come_back(url)
    assert Connection.objects.get().user == person.user


def test_s2_the_cookie_is_http_only_lax_and_sent_to_these_pages_alone(person: Person) -> None:
    """It goes to no other page of the site, no script reads it, and https alone carries it."""
    person.start()
    cookie = person.browser.cookies[MARKER_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", CONNECTIONS)
    assert (cookie["max-age"], cookie["secure"], cookie["domain"]) == (600, "", "")
    person.browser.post(CONNECT, headers={"Host": "law.example"}, secure=True)
    assert person.browser.cookies[MARKER_COOKIE]["secure"] is True


def test_s2_the_cookie_lies_where_the_browser_sees_the_site(
    person: Person, settings: Settings
) -> None:
    """Behind a proxy that takes a prefix off, REDIRECT_URI says which path the browser knows."""
    own = settings.ACTIONSTEP_CONNECT
    uri = "https://law.example/app/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**own, "REDIRECT_URI": uri}
    person.browser.post(CONNECT)
    cookie = person.browser.cookies[MARKER_COOKIE]
    assert (cookie["path"], cookie["secure"]) == ("/app/actionstep/", True)


def test_s2_without_the_cookie_the_session_alone_is_not_enough(
    person: Person, server: HostileServer
) -> None:
    """Another browser that has the session, and not the cookie, is another browser."""
    url = callback_url(person.start())
    del person.browser.cookies[MARKER_COOKIE]
    assert "This was started in another browser" in words(person.look(person.come_back(url)))
    assert not server.requests


def test_s2_signing_out_in_between_ends_the_attempt(person: Person, server: HostileServer) -> None:
    """The same user in the same browser, signed in again: what was begun before is over."""
    url = callback_url(person.start())
    kept = person.browser.cookies[MARKER_COOKIE].value
    person.sign_out()
    person.sign_in_as(person.user)
    person.browser.cookies[MARKER_COOKIE] = kept
    assert "This was started in another browser" in words(person.look(person.come_back(url)))
    assert not server.requests


def test_s2_signing_in_once_more_without_signing_out_keeps_the_attempt(
    person: Person, server: HostileServer
) -> None:
    """Django gives the session another key then; the attempt goes on."""
    url = callback_url(person.start())
    person.browser.force_login(person.user)
    person.come_back(url)
    assert Connection.objects.get().user == person.user


def test_s1_the_page_that_leaves_belongs_to_one_browser_and_ends_with_its_attempt(
    person: Person, server: HostileServer
) -> None:
    """A stranger, another user and another browser get no address; nor does anybody once it is used."""
    response = person.browser.post(CONNECT, {"next": "/here/"}, headers=BROWSER)
    assert response.status_code == 303
    page = person.browser.get(response.headers["Location"])
    assert "no-store" in page.headers["Cache-Control"]
    url = leaving_url(page)
    assert urlsplit(url).path == "/authorize"
    again = person.browser.get(response.headers["Location"])
    assert leaving_url(again) == url
    assert Client().get(response.headers["Location"]).headers["Location"].startswith("/login/")
    for stranger in (Person(), Person(person.user)):
        answer = stranger.browser.get(response.headers["Location"])
        assert answer.status_code == 403
        assert "/authorize" not in answer.content.decode()
    person.come_back(callback_url(url))
    assert person.browser.get(response.headers["Location"]).headers["Location"] == "/here/"
    assert len(server.requests) == 1


def test_s4_the_page_that_leaves_ends_after_ten_minutes(person: Person) -> None:
    """It then says that it took too long, and leads nowhere."""
    response = person.browser.post(CONNECT, headers=BROWSER)
    AuthorizationRequest.objects.update(expires_at="2020-01-01T00:00:00Z")
    page = person.look(person.browser.get(response.headers["Location"]))
    assert "That took too long" in words(page)


def leaving_url(page: Any) -> str:
    """Return the address that a page leaves for, which its link names as well."""
    html = str(page.content.decode())
    start = html.partition('http-equiv="refresh" content="0; url=')[2].partition('"')[0]
    assert f'href="{start}"' in html
    return start.replace("&amp;", "&")


@pytest.mark.parametrize("error", ["", "access_denied"], ids=["connected", "denied"])
def test_s50_one_user_cannot_make_rows_without_bound(
    person: Person, server: HostileServer, error: str
) -> None:
    """Attempts that were used are bounded as well as those that wait."""
    for _ in range(30):
        code = "" if error else "canary-code"
        person.come_back(callback_url(person.start(), code=code, error=error))
        person.start()
    assert AuthorizationRequest.objects.filter(used_at=None).count() <= 10
    assert AuthorizationRequest.objects.exclude(used_at=None).count() <= 11


# What the answer finds when it comes.

Change = Callable[[Person], object]


def come_back_while(person: Person, server: HostileServer, change: Change) -> Any:
    """Arrive at the callback, and let `change` happen while Actionstep is answering."""
    url = callback_url(person.start(next="/here/"))
    asked, gate = threading.Event(), threading.Event()
    server.script([Answer(body=grant(), gate=gate, reached=asked)])
    answers: list[Any] = []

    def arrive() -> None:
        try:
            answers.append(Person.again(person).come_back(url))
        finally:
            database.close()

    thread = threading.Thread(target=arrive)
    thread.start()
    assert asked.wait(10)
    change(person)
    gate.set()
    thread.join()
    return answers[0]


def disconnect_own(person: Person) -> None:
    disconnect(Connection.objects.get(user=person.user))


@pytest.mark.django_db(transaction=True)
def test_s56_disconnecting_during_a_callback_wins(server: HostileServer) -> None:
    """The later decision of a person stands: no token is stored, and the page says so."""
    person = Person()
    make_connection(person.user, orgkey="acmelaw")
    answer = come_back_while(person, server, disconnect_own)
    row = Connection.objects.get()
    assert (row.status, row.sealed_access_token, row.sealed_refresh_token) == (
        "disconnected",
        "",
        "",
    )
    assert "You disconnected while connecting" in words(person.look(answer))


@pytest.mark.django_db(transaction=True)
def test_s56_disconnecting_before_coming_back_does_not_stand_in_the_way(
    server: HostileServer,
) -> None:
    """Who disconnects, and then allows access at Actionstep, is connected."""
    person = Person()
    connection = make_connection(person.user, orgkey="acmelaw")
    url = callback_url(person.start())
    disconnect(connection)
    person.come_back(url)
    assert Connection.objects.get().status == "connected"


def delete_user(person: Person) -> None:
    User.objects.get(pk=person.user.pk).delete()


def delete_connections(person: Person) -> None:
    Connection.objects.all().delete()


def delete_attempts(person: Person) -> None:
    AuthorizationRequest.objects.all().delete()


def delete_sessions(person: Person) -> None:
    person.browser.session.flush()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [True, False], ids=["connected before", "first time"])
def test_a_user_deleted_during_the_callback_is_told_so(
    server: HostileServer, is_known: bool
) -> None:
    """Words instead of a server error, and nothing is stored."""
    person = Person()
    if is_known:
        make_connection(person.user, orgkey="acmelaw")
    answer = come_back_while(person, server, delete_user)
    assert answer.status_code == 410
    assert "Your account was deleted" in words(answer)
    assert not Connection.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [delete_connections, delete_attempts, delete_sessions],
    ids=lambda change: change.__name__,
)
def test_whatever_else_vanishes_during_the_callback_the_connection_is_kept(
    server: HostileServer, change: Change
) -> None:
    """A row of this package, or the session, may go in those seconds: no server error follows."""
    person = Person()
    make_connection(person.user, orgkey="acmelaw")
    answer = come_back_while(person, server, change)
    assert answer.headers["Location"] == "/here/"
    assert Connection.objects.get().status == "connected"


# Organisations.


def test_s57_an_orgkey_in_another_case_is_the_same_organisation(
    person: Person, server: HostileServer
) -> None:
    """Meant in one case, answered in another: it is connected, without a word about another one."""
    server.answer(body=grant(orgkey="acmelaw"))
    response = person.come_back(callback_url(person.start(orgkey="AcmeLaw", next="/here/")))
    assert response.headers["Location"] == "/here/"
    assert Connection.objects.get_for_user(person.user, "ACMELAW").orgkey == "acmelaw"
    page = person.browser.get(CONNECT, {"orgkey": "AcmeLaw", "scopes": "actions"})
    assert "Reconnect acmelaw" in words(page)


@pytest.mark.parametrize(
    "other",
    ["f\u0131rm", "f\u0130rm", "fi\u200brm", "f\u00edrm"],
    ids=["dotless", "dotted", "zero width", "accent"],
)
def test_s57_no_two_organisations_become_one(
    person: Person, server: HostileServer, other: str
) -> None:
    """Keys that a database's own folding takes for the same are two rows, and neither is overwritten."""
    make_connection(person.user, orgkey="firm")
    before = Connection.objects.values().get()
    server.answer(body=grant(orgkey=other))
    person.come_back(callback_url(person.start()))
    if other.isprintable():
        assert {*Connection.objects.values_list("orgkey", flat=True)} == {"firm", other}
    assert Connection.objects.values().get(orgkey="firm") == before


def test_another_organisation_is_asked_for_by_itself(
    person: Person, settings: Settings, server: HostileServer
) -> None:
    """It asks for SCOPES alone, marks nothing as new, and says which ones not to choose."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "ALLOWED_SCOPES": [*own["SCOPES"], "bills"]}
    make_connection(person.user, orgkey="acmelaw", granted_scopes=["actions", "bills"])
    assert 'name="another" value="1"' in person.browser.get(CONNECTIONS).content.decode()
    page = person.browser.get(CONNECT, {"another": "1"})
    text = words(page)
    assert "Connect another organisation" in text
    assert "There, choose an organisation other than acmelaw." in text
    assert "Bills" not in text
    assert " new " not in text
    assert 'name="another" value="1"' in page.content.decode()
    person.start(another="1")
    assert AuthorizationRequest.objects.get().scopes == own["SCOPES"]
