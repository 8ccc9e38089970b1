"""Hostile input at volume, as far as the database: whatever comes, nothing odd is ever stored."""

import math
import re
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.cache import cache
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient
from actionstep_connect.client.answers import Walk, count_of, current_user_of
from actionstep_connect.client.refusals import error_of
from actionstep_connect.conf import get_config
from actionstep_connect.environments import trusted_api_endpoint
from actionstep_connect.exceptions import ActionstepConnectError, ApiError
from actionstep_connect.flows.refresh.claim import Claim
from actionstep_connect.flows.refresh.renew import Renewed
from actionstep_connect.flows.refresh.store import store
from actionstep_connect.models import AuthorizationRequest, Connection, ConnectionEvent, Status
from actionstep_connect.oauth import TokenGrant
from actionstep_connect.oauth.answers import read_answer, retry_after
from actionstep_connect.secret import Secret
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer
from tests.support.hostile_values import (
    STATE,
    ApiAnswer,
    TokenAnswer,
    api_answer,
    callback_query,
    good_but,
    hostile_next,
    token_answer,
)
from tests.support.person import CALLBACK, CONNECT, CONNECTIONS, SITE, Person, query
from tests.support.volume import at_volume

#: Seconds; a minute where no one else is at work.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

PLACES = (CONNECT, CONNECTIONS)


@pytest.fixture
def person(db: None) -> Person:
    """Return a signed-in user in a browser of their own."""
    return Person()


@pytest.fixture
def server(settings: Settings) -> Generator[HostileServer]:
    """Yield a token endpoint that answers as told, and settings that lead to it."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server


@pytest.fixture
def connection(settings: Settings) -> Connection:
    """Return one connection to Actionstep, which every case refreshes again."""
    hosts = {"API_HOSTS": ["*.actionstep.com"]}
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **hosts}
    return make_connection(make_user(), api_endpoint="https://eu.actionstep.com/api/")


@at_volume(
    token_answer,
    first=[
        good_but(b'"more": ' + b"9" * 5000 + b","),
        good_but(b'"more": "M\xfcller",'),
        good_but(b'"more": "two\nlines",'),
        good_but(b"", Retry_After="Mon, 01 Jan 2024 00:00:00 +99999999999999999999"),
    ],
)
@pytest.mark.long
def test_s20_no_answer_stores_an_oddity_or_costs_a_refresh_token(
    connection: Connection, answer: TokenAnswer
) -> None:
    """An answer is a typed error, or a sound grant whose row makes sense as well."""
    seconds = retry_after(answer.response)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
    try:
        grant = read_answer(answer.response, requested_at=datetime.now(UTC))
    except ActionstepConnectError as error:
        said = f"{error.code}: {error}"
        assert answer.refresh_token is None
        assert said.isprintable()
        return
    _assert_readable(grant)
    connection.refresh_from_db()  # As the case before has left it.
    expected = grant.refresh_token or connection.open_refresh_token()
    assert answer.refresh_token is None or expected == Secret(answer.refresh_token)
    claim = Claim(
        connection=connection,
        generation=connection.generation,
        owner="",
        outcome_was_unknown=False,
        begun=0,
    )
    assert store(claim, Renewed(grant))
    stored = Connection.objects.get(pk=connection.pk)
    _assert_sound(stored)
    assert stored.open_refresh_token() == expected
    assert stored.status == Status.CONNECTED or stored.status_reason == "organisation_changed"


def _assert_readable(grant: TokenGrant) -> None:
    """Every member is left out, or is what its name says."""
    tokens = [token for token in (grant.access_token, grant.refresh_token) if token is not None]
    assert tokens
    for token in tokens:
        assert re.fullmatch(r"[!-~]+", token.reveal())
    assert grant.lifetime is None or timedelta(0) < grant.lifetime <= timedelta(days=365)
    assert grant.orgkey is None or re.fullmatch(r"\S{1,100}", grant.orgkey)


def _assert_sound(stored: Connection) -> None:
    """A row that the database took is one that its own fields would take, too."""
    now, config = datetime.now(UTC), get_config()
    optional = [field.name for field in stored._meta.concrete_fields if field.null]
    stored.clean_fields(exclude=optional)
    assert stored.orgkey.isprintable()
    assert trusted_api_endpoint(stored.api_endpoint, config.api_hosts) == stored.api_endpoint
    for name in stored.granted_scopes:
        assert re.fullmatch(r"[!#-\[\]-~]{1,100}", name)
    for text in (stored.last_error, stored.status_reason):
        assert text.isprintable()
    if stored.sealed_access_token:
        assert re.fullmatch(r"[!-~]+", stored.open_access_token().reveal())
    assert stored.refresh_at is None or stored.refresh_at <= now + timedelta(days=1)
    limit = stored.refresh_token_expires_at
    assert limit is not None
    assert abs(limit - now - config.refresh_token_lifetime) < timedelta(hours=1)


@at_volume(token_answer, share=0.05)
@pytest.mark.long
def test_s20_no_answer_to_a_code_stores_an_oddity(
    person: Person, server: HostileServer, answer: TokenAnswer
) -> None:
    """Over real HTTP and through the callback: a sound connection, or none and words about it."""
    _forget(person)
    headers = {k.decode(): v.decode("latin-1") for k, v in answer.headers.items()}
    server.answer(status=answer.status, body=answer.body, headers=headers)
    url = f"{CALLBACK}?code=canary-code&state={query(person.start())['state']}"
    response = person.come_back(url)
    assert response.status_code == 302
    assert urlsplit(response.headers["Location"]).path in PLACES
    for stored in Connection.objects.all():
        _assert_sound(stored)
        assert stored.status == Status.CONNECTED
        assert ConnectionEvent.objects.filter(connection=stored).count() == 1


@at_volume(callback_query)
@pytest.mark.long
def test_s11_no_callback_breaks_us_or_leaks(
    person: Person, server: HostileServer, state: str, asked: str
) -> None:
    """Whatever an address holds, the answer leads to one of this package's pages without any of it."""
    before = len(server.requests)
    raw = asked.replace(STATE, state).encode("utf-8", "surrogatepass").decode("latin-1")
    response = person.come_back(CALLBACK, QUERY_STRING=raw)
    assert response.status_code == 302
    location = response.headers["Location"]
    assert urlsplit(location).path in PLACES
    assert not urlsplit(location).netloc
    for secret in (state, "canary", "evil"):
        assert secret not in location
    stored = AuthorizationRequest.objects.get()
    sent = len(server.requests) - before
    assert sent <= 1
    assert bool(stored.result_id) is bool(sent)
    if stored.used_at is not None:
        assert bool(stored.failure) is not bool(sent)
        assert stored.failure.isprintable()
        assert STATE in parse_qs(asked, keep_blank_values=True)["state"]
        _forget(person)


class OneUser(ModelBackend):
    """Reads no user again for each of ten thousand requests."""

    user: ClassVar[User]

    def get_user(self, user_id: int) -> User:
        """Return the one user."""
        assert user_id == self.user.pk
        return self.user


@pytest.fixture
def state(
    person: Person,
    server: HostileServer,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[str]:
    """Yield the state of the attempt that is under way."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"  # The faster one.
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.OneUser"]
    monkeypatch.setattr(OneUser, "user", person.user, raising=False)
    person.browser.force_login(person.user)
    caplog.set_level("CRITICAL")  # Not ten thousand warnings.
    yield query(person.start())["state"]
    cache.clear()  # A process has one local cache for all its tests.


def _forget(person: Person) -> None:
    """Undo what the last case, good or failed, has left."""
    if person.browser.cookies.pop("messages", None):  # Someone was connected.
        Connection.objects.all().delete()
    used = AuthorizationRequest.objects.exclude(used_at=None)
    used.update(used_at=None, result=None, failure="")


@at_volume(hostile_next, share=0.05, first=["/" + "\U0001f600" * 1999])
@pytest.mark.long
def test_s10_no_next_breaks_a_page_or_leads_away(
    person: Person, server: HostileServer, url: str
) -> None:
    """From the page to the attempt, through a refusal, and back to the page: kept whole, or gone."""
    AuthorizationRequest.objects.all().delete()
    sendable = url.encode("utf-8", "replace").decode()
    page = person.browser.get(CONNECT, {"next": sendable})
    assert page.status_code == 200
    start = person.start(next=sendable)
    kept = AuthorizationRequest.objects.get().next
    assert kept in ("", sendable)
    assert ('name="next"' in page.content.decode()) is bool(kept)
    refusal = f"{CALLBACK}?error=access_denied&state={query(start)['state']}"
    response = person.come_back(refusal)
    assert response.status_code == 302
    location = urlsplit(response.headers["Location"])
    assert location.path == CONNECT
    assert parse_qs(location.query).get("next", [""]) == [kept]
    assert not kept or kept.startswith(("/", SITE))


TOKEN = Secret("canary-token")


@at_volume(api_answer)
def test_no_answer_of_the_api_is_an_error_without_a_type(answer: ApiAnswer) -> None:
    """Rows are objects, a count is a whole number, and all else is an error of this package in one line."""
    response = answer.response
    walk = Walk("https://eu.actionstep.com/api/rest/timerecords", {})
    read: dict[str, Callable[[], Any]] = {
        "rows": lambda: walk.rows(response, token=TOKEN),
        "count": lambda: count_of(response, token=TOKEN),
        "user": lambda: current_user_of(response, token=TOKEN),
    }
    found: dict[str, Any] = {}
    for name, reads in read.items():
        try:
            found[name] = reads()
        except ActionstepConnectError as error:
            _assert_plain(error)
    _assert_plain(error_of(response, token=TOKEN))
    assert all(type(row) is dict for row in found.get("rows", []))
    assert type(found.get("count", 0)) is int
    assert found.get("count", 0) >= 0
    if "rows" in found and walk.url is not None:
        assert (walk.url.scheme, walk.url.host) == ("https", "eu.actionstep.com")


def _assert_plain(error: ActionstepConnectError) -> None:
    said = f"{error.code} {error} {getattr(error, 'detail', '')}"
    assert said.isprintable(), said
    said.encode()
    seconds = getattr(error, "retry_after", None)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))


@pytest.fixture
def count(server: HostileServer, settings: Settings) -> Callable[[str], int]:
    """Return what a client takes for the count of an answer that says this recordCount."""
    own = {"API_HOSTS": [server.host]}
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **own}
    connection = make_connection(make_user(), api_endpoint=f"{server.url}/api/")

    def ask(number: str) -> int:
        meta = f'{{"paging": {{"timerecords": {{"recordCount": {number}}}}}}}'
        server.answer(body=f'{{"timerecords": [], "meta": {meta}}}'.encode())
        with ActionstepClient(connection) as actionstep:
            return actionstep.count("timerecords")

    return ask


@pytest.mark.parametrize(
    "number",
    [
        *("Infinity", "-Infinity", "NaN", "1e999", "-1e999", "-1", "1.5", "true", "null", "{}", "[7]"),
        *('"Infinity"', '"1e3"', '"-7"', '"1_000"', '" 7 "', '"\\u0663"', '""', "9" * 5000),
        f'"{"9" * 5000}"',
    ],
    ids=lambda number: number[:12],
)  # fmt: skip
def test_a_record_count_that_counts_nothing_is_a_typed_error(
    count: Callable[[str], int], number: str
) -> None:
    """Over real HTTP: no text and no number but a whole one from 0 up is taken for a count."""
    with pytest.raises(ApiError, match=r"recordCount|JSON"):
        count(number)


@pytest.mark.parametrize(
    ("number", "whole"), [("0", 0), ('"480"', 480), ("480.0", 480), ("1e3", 1000)]
)
def test_a_record_count_may_be_written_in_each_way_that_json_has(
    count: Callable[[str], int], number: str, whole: int
) -> None:
    """A whole number is a count whether it comes as text, with a point, or with an exponent."""
    assert count(number) == whole
