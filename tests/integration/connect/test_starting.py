"""Starting a connection: S1 to S10 of the security checklist, as far as they begin here."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import django
import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.utils.encoding import iri_to_uri
from pytest_django import Settings

from actionstep_connect.flows.prune import prune
from actionstep_connect.models import AuthorizationRequest, Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer
from tests.support.person import (
    CALLBACK,
    CONNECT,
    CONNECTIONS,
    SITE,
    Exchanges,
    Person,
    attempt,
    callback_url,
    query,
    words,
)

pytestmark = pytest.mark.django_db


def test_s1_state_is_random_and_stored_only_as_a_hash(person: Person) -> None:
    """Each attempt has a state of its own, of 128 bits or more, that no row or session holds."""
    states = [query(person.start())["state"] for _ in range(2)]
    assert len(set(states)) == 2
    assert all(len(state) >= 128 / 6 for state in states)
    rows = str(list(AuthorizationRequest.objects.values()))
    assert not any(state in rows or state in str(dict(person.browser.session)) for state in states)
    assert sha256(states[0].encode()).hexdigest() in rows


@pytest.mark.parametrize("state", ["", "x" * 201, "x" * 10_000, "\0", "ü"], ids=len)
def test_s1_a_state_nobody_made_is_refused(
    person: Person, server: HostileServer, state: str
) -> None:
    """Over-long, empty and strange states are unknown: nothing is claimed, nothing is sent."""
    url = person.start()
    page = person.look(person.come_back(callback_url(url, state=state)))
    assert page.status_code == 400
    assert "This link is not valid" in words(page)
    assert attempt().used_at is None
    assert not server.requests


def test_s2_another_user_of_the_same_browser_is_refused(
    person: Person, sandbox: Sandbox, exchanges: Exchanges
) -> None:
    """Start as A, log out, log in as B: nothing is stored and the token endpoint is not called."""
    back = person.allow(person.start())
    person.sign_out()
    person.sign_in_as(make_user())
    page = person.look(person.come_back(back))
    assert (page.status_code, exchanges()) == (403, 0)
    assert "This request was started by another user" in words(page)
    assert not Connection.objects.exists()
    assert attempt().used_at is None


def test_s2_another_browser_of_the_same_user_is_refused(
    person: Person, sandbox: Sandbox, exchanges: Exchanges
) -> None:
    """A's callback address opened in another browser of A finishes nothing, and uses up nothing."""
    back = person.allow(person.start())
    elsewhere = Person(person.user)
    elsewhere.start()
    page = elsewhere.look(elsewhere.come_back(back))
    assert (page.status_code, exchanges()) == (403, 0)
    assert "This was started in another browser" in words(page)
    person.come_back(back)
    assert Connection.objects.get().user == person.user


def test_s2_nobody_can_plant_their_own_answer_in_a_victims_browser(
    person: Person, sandbox: Sandbox, exchanges: Exchanges
) -> None:
    """An attacker's callback address opened by a victim connects the victim to nothing."""
    attacker = Person()
    back = attacker.allow(attacker.start())
    person.look(person.come_back(back))
    assert exchanges() == 0
    assert not Connection.objects.exists()


@pytest.mark.parametrize("changed", [{"ENVIRONMENT": "elsewhere"}, {"CLIENT_ID": "another"}])
def test_s2_an_attempt_of_another_environment_or_client_is_refused(
    person: Person,
    sandbox: Sandbox,
    settings: Settings,
    exchanges: Exchanges,
    changed: dict[str, str],
) -> None:
    """What was begun under other settings is not finished under these."""
    back = person.allow(person.start())
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **changed}
    page = person.look(person.come_back(back))
    assert (page.status_code, exchanges()) == (400, 0)
    assert "This site's settings have changed" in words(page)


def test_s4_an_attempt_lives_ten_minutes(
    person: Person, sandbox: Sandbox, exchanges: Exchanges
) -> None:
    """After ten minutes an attempt is expired, says so, and is pruned later."""
    back = person.allow(person.start())
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10, seconds=1), tick=False):
        page = person.look(person.come_back(back))
    assert (page.status_code, exchanges()) == (400, 0)
    assert "That took too long" in words(page)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2), tick=False):
        assert prune() == 1
    assert not AuthorizationRequest.objects.exists()


def test_s4_at_most_ten_attempts_are_pending_for_one_user(person: Person, sandbox: Sandbox) -> None:
    """The oldest give way; the newest works, and other users keep theirs."""
    other = Person()
    other.start()
    urls = [person.start() for _ in range(12)]
    assert AuthorizationRequest.objects.filter(user=person.user).count() == 10
    assert AuthorizationRequest.objects.filter(user=other.user).count() == 1
    assert "This link is not valid" in words(person.look(person.come_back(callback_url(urls[0]))))
    person.come_back(person.allow(urls[-1]))
    assert Connection.objects.filter(user=person.user).exists()


def test_s4_the_attempt_that_has_just_begun_stays(person: Person, server: HostileServer) -> None:
    """Even when another web server's clock, some minutes ahead, dated ten others."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5), tick=False):
        for _ in range(10):
            person.start()
    person.come_back(callback_url(person.start()))
    assert Connection.objects.filter(user=person.user).exists()


def test_s5_pkce_binds_the_code_to_this_attempt(person: Person, server: HostileServer) -> None:
    """The S256 challenge belongs to a verifier that is sealed at rest and sent only to get tokens."""
    url = person.start()
    asked = query(url)
    verifier = attempt().open_code_verifier()
    assert verifier is not None
    digest = sha256(verifier.reveal().encode()).digest()
    assert asked["code_challenge"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert asked["code_challenge_method"] == "S256"
    stored = str(AuthorizationRequest.objects.values()[0]) + str(dict(person.browser.session))
    assert verifier.reveal() not in stored + url + str(person.browser.cookies)
    person.come_back(callback_url(url))
    assert server.requests[0].form["code_verifier"] == verifier.reveal()
    person.start()
    second = AuthorizationRequest.objects.latest("pk").open_code_verifier()
    assert second is not None
    assert second != verifier


def test_s5_pkce_can_be_switched_off(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """Without PKCE neither challenge nor verifier is sent."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "PKCE": False}
    url = person.start()
    assert not [name for name in query(url) if name.startswith("code_challenge")]
    person.come_back(callback_url(url))
    assert "code_verifier" not in server.requests[0].form


def test_s6_connecting_starts_on_post_only(person: Person) -> None:
    """GET shows a page and writes nothing."""
    assert person.browser.get(CONNECT).status_code == 200
    assert not AuthorizationRequest.objects.exists()


def test_s6_connect_and_disconnect_need_a_csrf_token(person: Person) -> None:
    """A form sent from another site does nothing."""
    connection = make_connection(person.user)
    guarded = Person(person.user, enforce_csrf_checks=True)
    assert guarded.browser.post(CONNECT).status_code == 403
    assert guarded.browser.post(f"/actionstep/disconnect/{connection.pk}/").status_code == 403
    connection.refresh_from_db()
    assert connection.status == "connected"
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_s6_everything_needs_a_login(person: Person, method: str) -> None:
    """A stranger is led to the login page from every page."""
    connection = make_connection(person.user)
    for path in (CONNECTIONS, CONNECT, f"/actionstep/disconnect/{connection.pk}/"):
        response = getattr(Client(), method)(path)
        assert response.headers["Location"] == f"/login/?next={path}"


def test_s6_a_stranger_at_the_callback_loses_the_code_on_the_way_to_the_login(
    person: Person, server: HostileServer
) -> None:
    """The login page is not told the code or the state, and the attempt can still be finished."""
    url = person.start()
    response = Client().get(callback_url(url))
    assert response.headers["Location"] == f"/login/?next={CONNECTIONS}"
    assert not server.requests
    person.come_back(callback_url(url))
    assert Connection.objects.get().user == person.user


def test_s6_a_site_that_asks_everybody_to_sign_in_learns_no_code_either(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """Django's LoginRequiredMiddleware would put the callback's whole address into the login page's."""
    middleware = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    url = person.start()
    response = Client().get(callback_url(url))
    assert response.headers["Location"] == f"/login/?next={CONNECTIONS}"
    person.come_back(callback_url(url))
    assert Connection.objects.get().user == person.user


@pytest.mark.parametrize("method", ["head", "post", "put", "options"])
def test_s6_only_get_consumes_the_callback(
    person: Person, server: HostileServer, method: str
) -> None:
    """Any other method is answered 405; the attempt stays good."""
    url = person.start()
    assert getattr(person.browser, method)(callback_url(url)).status_code == 405
    assert not server.requests
    assert attempt().used_at is None


@pytest.mark.parametrize(
    "header",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
    ],
    ids=str,
)
def test_s6_a_browser_that_looks_ahead_consumes_nothing(
    person: Person, server: HostileServer, header: dict[str, str]
) -> None:
    """Prefetch and prerender are turned away until the user really comes."""
    url = person.start()
    assert person.come_back(callback_url(url), headers=header).status_code == 503
    assert not server.requests
    assert attempt().used_at is None


@pytest.mark.parametrize("method", ["get", "post"])
def test_s7_scopes_outside_allowed_scopes_are_refused_and_named(
    person: Person, method: str
) -> None:
    """Neither the page nor its form asks for more than the site may have."""
    response = getattr(person.browser, method)(CONNECT, {"scopes": "actions bills all"})
    assert response.status_code == 400
    assert "bills, all" in words(response)
    assert not AuthorizationRequest.objects.exists()


def test_s7_hostile_scope_names_are_shown_as_text(person: Person) -> None:
    """A name that is none is refused, escaped and capped."""
    response = person.browser.get(CONNECT, {"scopes": '<script>alert("x")</script>' + "y" * 9000})
    assert response.status_code == 400
    assert b"<script" not in response.content
    assert len(response.content) < 5000


def test_s7_a_request_may_name_its_scopes(person: Person, settings: Settings) -> None:
    """Within ALLOWED_SCOPES a request asks for what it names, else for SCOPES."""
    allowed = ["actions", "bills", "timerecords"]
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "SCOPES": ["actions"],
        "ALLOWED_SCOPES": allowed,
    }
    assert query(person.start())["scope"] == "actions"
    assert query(person.start(scopes="bills timerecords"))["scope"] == "bills timerecords"


def test_s8_a_forged_host_is_refused(person: Person, settings: Settings) -> None:
    """A host outside ALLOWED_HOSTS starts nothing."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    response = person.browser.post(CONNECT, headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert not AuthorizationRequest.objects.exists()


def test_s8_a_configured_redirect_uri_is_not_moved_and_is_the_one_that_is_exchanged(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """REDIRECT_URI wins over any host, at the authorization and at the token endpoint."""
    uri = "https://law.example/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": uri}
    response = person.browser.post(CONNECT, headers={"Host": "evil.example"})
    url = response.headers["Location"]
    assert query(url)["redirect_uri"] == uri
    person.come_back(callback_url(url))
    assert server.requests[0].form["redirect_uri"] == uri


def test_s8_a_host_that_is_too_long_for_a_redirect_uri_is_refused(
    person: Person, settings: Settings
) -> None:
    """No attempt is stored, on databases that would cut it off and on those that would raise."""
    settings.ALLOWED_HOSTS = ["*"]
    host = f"{'law.' * 150}example"
    response = person.look(person.browser.post(CONNECT, secure=True, headers={"Host": host}))
    assert "insecure_redirect_uri" in words(response)
    assert not AuthorizationRequest.objects.exists()


def test_s8_without_one_it_is_built_from_the_request_and_exchanged_unchanged(
    person: Person, server: HostileServer
) -> None:
    """Coming back by another name of the site does not change what the token endpoint is told."""
    url = person.start()
    assert query(url)["redirect_uri"] == f"{SITE}{CALLBACK}"
    person.come_back(callback_url(url), headers={"Host": "localhost:8000"})
    assert server.requests[0].form["redirect_uri"] == f"{SITE}{CALLBACK}"


def test_s8_a_site_without_https_cannot_connect(person: Person) -> None:
    """Plain http outside loopback is refused, in words for the site's admin."""
    response = person.browser.post(CONNECT, headers={"Host": "law.example"})
    assert response.status_code == 500
    assert "https" in words(response)
    assert not AuthorizationRequest.objects.exists()


def test_s9_no_page_of_ours_can_be_framed(person: Person, server: HostileServer) -> None:
    """Every answer refuses frames, caches and other sites' logs."""
    connection = make_connection(person.user)
    url = person.start()
    paths = (
        CONNECTIONS,
        CONNECT,
        f"{CONNECT}?problem=expired",
        f"/actionstep/disconnect/{connection.pk}/",
        callback_url(url),
        callback_url(url, state="unknown"),
    )
    for path in paths:
        response = person.browser.get(path)
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert "no-store" in response.headers["Cache-Control"]
        wanted = "no-referrer" if path.startswith(CALLBACK) else "same-origin"
        assert response.headers["Referrer-Policy"] == wanted


def test_s9_a_sites_own_policy_stays(person: Person, settings: Settings) -> None:
    """Frames are refused within the site's Content-Security-Policy, which is not replaced."""
    expected = ["frame-ancestors 'none'"]
    if django.VERSION >= (6, 0):  # Before, Django knew of no policies.
        middleware = "django.middleware.csp.ContentSecurityPolicyMiddleware"
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
        expected.append("script-src 'self'")
    settings.SECURE_CSP = None  # As Django's own check allows.
    assert "frame-ancestors 'none'" in person.browser.get(CONNECTIONS).headers.values()
    settings.SECURE_CSP = {"script-src": ["'self'"], "frame-ancestors": ["https://partner.example"]}
    policy = person.browser.get(CONNECTIONS).headers["Content-Security-Policy"]
    assert sorted(policy.split("; ")) == expected


def test_one_scope_of_all_that_may_be_asked_for(person: Person, settings: Settings) -> None:
    """Where `all` is allowed every name is, and what was granted by name is asked for again."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": ["actions"], "ALLOWED_SCOPES": ["all"]}
    make_connection(person.user, granted_scopes=["filenotes"])
    asked = query(person.start(scopes="timerecords", orgkey="acmelaw"))["scope"]
    assert sorted(asked.split()) == ["filenotes", "timerecords"]


def test_s2_a_double_click_begins_in_one_browser(person: Person, server: HostileServer) -> None:
    """Of two attempts that begin at the same moment in one session both may come back."""
    person.browser.get(CONNECT)
    urls: list[str] = []

    def click_again(run: Any, sql: str, *arguments: Any) -> Any:
        if not urls and sql.startswith("INSERT") and "authorizationrequest" in sql:
            urls.append("")
            urls[0] = Person.again(person).start()
        return run(sql, *arguments)

    with database.execute_wrapper(click_again):
        urls.append(person.start())
    for url in urls:
        assert "problem" not in person.come_back(callback_url(url)).headers["Location"]


HOSTILE_NEXTS = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "https://evil.example/",
    "http://127.0.0.1:8000@evil.example/",
    "http://127.0.0.1:8001/",
    "javascript:alert(1)",
    "data:text/html,x",
    "/a\0b",
    "/a\r\nSet-Cookie: x=y",
    "\x08//evil.example",
    "https://\u0435vil.example/",
    "//127。0。0。1:8000/",
    "/" + "x" * 10_000,
    "somewhere",
]


@pytest.mark.parametrize("url", HOSTILE_NEXTS, ids=lambda url: repr(url)[:30])
def test_s10_a_hostile_next_is_forgotten_at_the_start(person: Person, url: str) -> None:
    """Neither the page nor the attempt keeps an address that leads away."""
    page = person.browser.get(CONNECT, {"next": url})
    assert 'name="next"' not in page.content.decode()
    person.start(next=url)
    assert attempt().next == ""


@pytest.mark.parametrize("url", HOSTILE_NEXTS[:10], ids=lambda url: repr(url)[:30])
def test_s10_a_hostile_next_is_refused_at_the_end_as_well(
    person: Person, server: HostileServer, url: str
) -> None:
    """Even an address that got into the attempt is not followed."""
    start = person.start(next="/fine/")
    AuthorizationRequest.objects.update(next=url)
    response = person.come_back(callback_url(start))
    assert response.headers["Location"] == CONNECTIONS


@pytest.mark.parametrize("url", ["/here/?a=b&c=d#e", "/ünï/", f"{SITE}/there/"])
def test_s10_a_page_of_this_site_is_where_it_ends(
    person: Person, server: HostileServer, url: str
) -> None:
    """A good `next` is followed after connecting, and never read from the callback."""
    start = person.start(next=url)
    response = person.come_back(callback_url(start) + "&next=/elsewhere/")
    assert response.headers["Location"] == iri_to_uri(url)


def test_s10_without_next_it_ends_at_post_connect_url(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """POST_CONNECT_URL is a name or a path."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "POST_CONNECT_URL": "/done/"}
    response = person.come_back(callback_url(person.start()))
    assert response.headers["Location"] == "/done/"
