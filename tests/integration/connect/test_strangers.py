"""What strangers and users ask for: it sends no e-mail, and no record of it is an error."""

import logging
from collections.abc import Callable
from uuid import uuid4

import django
import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from actionstep_connect.models import AuthorizationRequest, ConnectionEvent
from actionstep_connect.wording.failures import FAILURES
from tests.support.hostile_server import HostileServer
from tests.support.person import CALLBACK, CONNECT, CONNECTIONS, Person, callback_url

pytestmark = pytest.mark.django_db

#: More than Django takes in one request (DATA_UPLOAD_MAX_NUMBER_FIELDS).
MANY = "&".join(["code=x"] * 1500)
PREFETCHES = [
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"X-Moz": "prefetch"},
    {"X-Purpose": "preview"},
]


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> None:
    address = "admin@law.example"
    settings.ADMINS = [address if django.VERSION >= (6, 0) else ("Admin", address)]


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Callable[[], None]:
    """Check that no e-mail was sent and nothing logged as an error."""

    def check() -> None:
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert [record.getMessage() for record in errors] == []
        assert mail.outbox == []

    return check


def unavailable() -> list[str]:
    """Stand where a site's own callable fails."""
    raise ConnectionError


def test_mail_would_be_sent(client: Client, settings: Settings) -> None:
    """The tests of this file would see it: an error page of the site's own is mailed."""
    settings.ACTIONSTEP_CONNECT = None
    client.raise_request_exception = False
    person = Person()
    person.browser.raise_request_exception = False
    assert person.browser.get(CONNECT).status_code == 500
    assert len(mail.outbox) == 1


def test_s50_a_stranger_causes_no_mail_and_no_error(
    client: Client, quiet: Callable[[], None]
) -> None:
    """Every page, every method, every prefetch, any ending in the address, and far too many parameters."""
    pages = [CONNECTIONS, CONNECT, CALLBACK, "/actionstep/health/", f"{CONNECTIONS}{uuid4()}/"]
    pages += [f"{CONNECT}?problem={code}" for code in FAILURES]
    pages += [f"{CALLBACK}?{query}" for query in ("code=a&state=b", "error=server_error", MANY)]
    for page in pages:
        for ask in (client.get, client.head, client.post, client.put, client.delete):
            ask(page)
        for headers in PREFETCHES:
            client.get(page, headers=headers)
    quiet()
    assert not AuthorizationRequest.objects.exists()
    assert not ConnectionEvent.objects.exists()


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["stranger", "user"])
@pytest.mark.parametrize("query", [MANY, "next=/" + "x" * 17_000], ids=["many", "long"])
@pytest.mark.parametrize("page", [CONNECTIONS, CONNECT])
def test_s50_too_much_in_an_address_causes_no_mail(
    client: Client, quiet: Callable[[], None], page: str, query: str, is_signed_in: bool
) -> None:
    """Django would report more fields, or a longer address for the login, than it takes as an error."""
    browser = Person().browser if is_signed_in else client
    for ask in (browser.get, browser.post):
        assert ask(f"{page}?{query}").status_code in (200, 302, 400)
    quiet()


@pytest.mark.parametrize("page", [CALLBACK, "/actionstep/health/"])
@pytest.mark.parametrize("body", [MANY, "a=" + "x" * 3_000_000], ids=["many", "long"])
def test_s50_a_form_sent_where_none_is_taken_is_not_read(
    quiet: Callable[[], None], page: str, body: str
) -> None:
    """Django looks into what is sent with the cookie of a form, and would report it as an error."""
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies["csrftoken"] = "a" * 32
    kind = "application/x-www-form-urlencoded"
    assert stranger.post(page, body, content_type=kind).status_code == 405
    quiet()


@pytest.mark.parametrize("code", FAILURES)
def test_s50_a_user_who_asks_for_an_ending_causes_no_mail(
    person: Person, quiet: Callable[[], None], code: str
) -> None:
    """An address with the ending of an outage in it is a page like any other."""
    person.browser.get(CONNECT, {"problem": code})
    quiet()


def test_s50_users_in_an_outage_cause_no_mail(
    person: Person, server: HostileServer, quiet: Callable[[], None]
) -> None:
    """While Actionstep fails, each user who tries sees a page of this package, and no admin hears of each."""
    server.answer(status=503)
    for _ in range(3):
        response = person.come_back(callback_url(person.start()))
        assert person.look(response).status_code == 503
    quiet()


def test_s50_users_cause_no_mail_while_the_keys_are_away(
    person: Person, settings: Settings, quiet: Callable[[], None]
) -> None:
    """The site's own trouble is said by its worker and its checks, not once for each user who tries."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "ENCRYPTION_KEYS": f"{__name__}.unavailable",
    }
    assert person.browser.post(CONNECT).status_code == 503
    quiet()
