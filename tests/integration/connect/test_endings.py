"""Every ending has its own words and its way on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from pytest_django import Settings

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import AuthorizationFailed
from actionstep_connect.generate_key import generate_key
from actionstep_connect.models import AuthorizationRequest, Connection
from actionstep_connect.views.browser import ENDING_COOKIE
from actionstep_connect.wording.failures import FAILURES, failure_code
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.person import CONNECT, Person, attempt, callback_url, words

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", FAILURES)
def test_an_ending_says_what_happened_and_leads_on(person: Person, code: str) -> None:
    """Title, reason, next step and reference are there; trying again keeps what was wanted."""
    ending = FAILURES[code]
    person.was_told(code)
    page = person.browser.get(
        CONNECT, {"problem": code, "scopes": "actions", "next": "/here/", "orgkey": "acmelaw"}
    )
    assert page.status_code == ending.status
    for part in (ending.title, ending.text, ending.hint, code, "Your connections"):
        assert str(part) in words(page)
    html = page.content.decode()
    assert ending.retry is ("Try again" in words(page))
    if ending.retry:
        for name, value in (("scopes", "actions"), ("next", "/here/"), ("orgkey", "acmelaw")):
            assert f'<input type="hidden" name="{name}" value="{value}">' in html


@pytest.mark.parametrize("code", FAILURES)
def test_s53_a_stranger_cannot_say_an_ending(person: Person, code: str) -> None:
    """An address that names an ending shows it only to the browser that this site told of it."""
    other = next(each for each in FAILURES if each != code)
    for cookie in (None, "forged", signing.dumps(code, salt="elsewhere")):
        if cookie:
            person.browser.cookies[ENDING_COOKIE] = cookie
        page = person.browser.get(CONNECT, {"problem": code})
        assert page.status_code == 200
        assert str(FAILURES[code].text) not in words(page)
    person.was_told(other)
    assert person.browser.get(CONNECT, {"problem": code}).status_code == 200


def test_s53_what_was_said_is_forgotten_after_ten_minutes(person: Person) -> None:
    """An old address does not bring an old failure back."""
    person.was_told("expired")
    assert person.browser.get(CONNECT, {"problem": "expired"}).status_code == 400
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11), tick=False):
        session = person.browser.get(CONNECT, {"problem": "expired"})
    assert session.status_code == 200


def test_no_two_endings_share_their_words() -> None:
    """Anyone who reads a reason can tell it from every other."""
    assert len({str(ending.text) for ending in FAILURES.values()}) == len(FAILURES)


def test_a_made_up_problem_is_no_ending(person: Person) -> None:
    """A page shows no words that come with its address."""
    page = person.browser.get(CONNECT, {"problem": "<b>your account is locked"})
    assert page.status_code == 200
    assert "locked" not in page.content.decode()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", "access_denied"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("server_error", "temporarily_unavailable"),
        ("unauthorized_client", "client_rejected"),
        ("invalid_scope", "invalid_scope"),
        ("invalid_request", "provider_error"),
        ("unsupported_response_type", "provider_error"),
        ("login_required", "login_required"),
        ("something_new", "provider_error"),
    ],
)
def test_what_actionstep_says_at_the_callback(
    person: Person, server: HostileServer, error: str, code: str
) -> None:
    """Each error of the authorization endpoint has its ending, and the address left has no code."""
    url = callback_url(person.start(next="/here/"), code="", error=error)
    response = person.come_back(url)
    asked = "actions%20participants%20timerecords"
    expected = f"{CONNECT}?problem={code}&scopes={asked}&next=/here/"
    assert response.headers["Location"] == expected
    assert not server.requests


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"status": 400, "body": {"error": "invalid_grant"}}, "invalid_grant"),
        ({"status": 401, "body": {"error": "invalid_client"}}, "client_rejected"),
        ({"status": 400, "body": {"error": "unauthorized_client"}}, "client_rejected"),
        ({"status": 400, "body": {"error": "invalid_request"}}, "temporarily_unavailable"),
        ({"status": 429, "body": {"message": "slow down"}}, "temporarily_unavailable"),
        ({"status": 500, "body": "<h1>Oops</h1>"}, "temporarily_unavailable"),
        ({"status": 503}, "temporarily_unavailable"),
        ({"body": "<html>down</html>"}, "temporarily_unavailable"),
        ({"body": {"error": "invalid_grant"}}, "invalid_grant"),
        ({"body": []}, "temporarily_unavailable"),
        ({"drop": True}, "temporarily_unavailable"),
        ({"body": grant(refresh_token=None)}, "incomplete_answer"),
        ({"body": grant(orgkey=None)}, "incomplete_answer"),
        ({"body": grant(api_endpoint=None)}, "incomplete_answer"),
        ({"body": grant(api_endpoint="https://evil.example/api/")}, "untrusted_host"),
        ({"body": grant(api_endpoint="https://actionstep.com.evil.example/")}, "untrusted_host"),
        ({"body": grant(api_endpoint="http://eu.actionstep.com/api/")}, "untrusted_host"),
    ],
    ids=str,
)
def test_what_the_token_endpoint_says(
    person: Person, server: HostileServer, answer: dict[str, Any], code: str
) -> None:
    """Each answer has its ending; nothing is stored, the code went once, and one can start again."""
    server.script([Answer(**answer)])
    url = callback_url(person.start())
    response = person.come_back(url)
    assert f"problem={code}&" in response.headers["Location"]
    assert person.come_back(url).headers["Location"] == response.headers["Location"]
    assert len(server.requests) == 1
    assert not Connection.objects.exists()
    person.come_back(callback_url(person.start()))
    assert Connection.objects.get().status == "connected"


def test_an_untrusted_answer_leaves_the_former_connection_alone(
    person: Person, server: HostileServer
) -> None:
    """A refused answer changes no row."""
    person.come_back(callback_url(person.start()))
    before = Connection.objects.values().get()
    server.answer(body=grant(api_endpoint="https://evil.example/"))
    person.come_back(callback_url(person.start()))
    assert Connection.objects.values().get() == before


def test_a_verifier_that_does_not_open_is_the_sites_fault(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """A key ring that lost its key says so, sends nothing and shows nothing."""
    url = callback_url(person.start())
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "ENCRYPTION_KEYS": [generate_key()],
    }
    page = person.look(person.come_back(url))
    assert page.status_code == 500
    assert "This site is not set up correctly" in words(page)
    assert not server.requests


def test_a_verifier_that_does_not_open_lets_no_user_leave(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """The page that leads to Actionstep says so too, before the user has gone there in vain."""
    person.start()
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "ENCRYPTION_KEYS": [generate_key()]}
    page = person.look(person.browser.get(CONNECT, {"attempt": str(attempt().handle)}))
    assert page.status_code == 500
    assert "This site is not set up correctly" in words(page)


def test_a_second_arrival_while_the_first_is_under_way_waits_and_ends_where_it_would(
    person: Person, server: HostileServer
) -> None:
    """It says that connecting is being finished, looks again, and keeps the way."""
    url = callback_url(person.start(next="/here/"))
    person.come_back(url)
    ended = attempt()
    AuthorizationRequest.objects.update(result=None)
    waiting = person.come_back(url).headers["Location"]
    page = person.browser.get(waiting)
    assert "Finishing your connection" in words(page)
    assert page.headers["Refresh"] == "2"
    assert len(server.requests) == 1
    AuthorizationRequest.objects.update(result=ended.result)
    assert person.browser.get(waiting).headers["Location"] == "/here/"


def test_waiting_for_a_process_that_died_ends(person: Person, server: HostileServer) -> None:
    """After the longest that an exchange takes the page no longer waits, and one can start again."""
    url = callback_url(person.start(next="/here/"))
    person.come_back(url)
    before = datetime.now(UTC) - timedelta(minutes=5)
    AuthorizationRequest.objects.update(result=None, used_at=before)
    page = person.look(person.come_back(url))
    assert "Connecting did not work" in words(page)
    assert 'name="next" value="/here/"' in page.content.decode()


def test_every_code_of_an_attempt_has_its_words() -> None:
    """What `failure_code` gives is a key of FAILURES for each code, and a code of ErrorCode."""
    assert {*FAILURES} <= {*ErrorCode}
    for code in ErrorCode:
        assert failure_code(AuthorizationFailed("It failed.", code=code)) in FAILURES
