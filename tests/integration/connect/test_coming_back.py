"""Coming back: S3 and S11 to S16 of the security checklist."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import django
import pytest
from django.core import mail
from django.db import DatabaseError, connection
from django.utils.log import AdminEmailHandler
from pytest_django import Settings

from actionstep_connect.conf import get_config
from actionstep_connect.models import AuthorizationRequest, Connection, ConnectionEvent
from actionstep_connect.testing import Sandbox
from tests.support.connections import kinds, make_connection, make_user, new_connection
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.person import (
    CONNECT,
    CONNECTIONS,
    Exchanges,
    Page,
    Person,
    attempt,
    callback_url,
    query,
    words,
)

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_s3_two_callbacks_at_once_make_one_token_request(server: HostileServer) -> None:
    """Of simultaneous callbacks exactly one goes on; the other lands quietly as well."""
    person = Person()
    url = callback_url(person.start())
    gate = threading.Event()
    server.script([Answer(body=grant(), gate=gate)])
    answers: list[Page] = []

    def arrive() -> None:
        try:
            answers.append(Person.again(person).come_back(url))
            gate.set()  # The one that lost is done first; the one that won waits for it.
        finally:
            connection.close()

    threads = [threading.Thread(target=arrive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waited = f"{CONNECT}?attempt={attempt().handle}"  # The page on which the other one waits.
    assert {answer.headers["Location"] for answer in answers} == {CONNECTIONS, waited}
    assert len(server.requests) == 1
    assert Connection.objects.count() == 1


def test_s3_the_attempt_is_used_up_before_the_exchange(
    person: Person, server: HostileServer
) -> None:
    """A failed exchange leaves the attempt used up: a replay sends nothing."""
    server.answer(status=500)
    url = callback_url(person.start())
    first = person.look(person.come_back(url))
    again = person.look(person.come_back(url))
    assert attempt().used_at is not None
    assert len(server.requests) == 1
    assert words(first) == words(again)


def test_s3_it_is_used_up_on_the_error_path_too(person: Person, server: HostileServer) -> None:
    """After a denial the same state brings nothing, even with a code."""
    start = person.start()
    person.come_back(callback_url(start, code="", error="access_denied"))
    page = person.look(person.come_back(callback_url(start)))
    assert not server.requests
    assert "You did not allow access" in words(page)


def test_s3_a_replay_lands_quietly_on_the_result(
    person: Person, sandbox: Sandbox, exchanges: Exchanges
) -> None:
    """The second arrival of one's own used callback goes where the first one went."""
    back = person.allow(person.start(next="/actionstep/?here"))
    first = person.come_back(back)
    again = person.come_back(back)
    assert first.headers["Location"] == again.headers["Location"] == "/actionstep/?here"
    state = sandbox.get("sandbox/state")
    assert state["counters"]["codes_presented_twice"] == 0
    assert (exchanges(), Connection.objects.get().generation) == (1, 1)


def test_s11_no_answer_holds_code_state_or_the_providers_text(
    person: Person, server: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes back, its answers and all logs are free of it, and no line can be forged."""
    caplog.set_level(logging.DEBUG)
    forged = "canary-text\r\nCRITICAL forged line <script>"
    for parameters in (
        {},
        {"code": "", "error": "server_error", "error_description": forged * 500},
        {"code": "", "error": forged, "error_uri": "https://evil.example/canary-text"},
        {"error": "access_denied", "error_description": forged},
        {"iss": "https://evil.example/canary-text"},
        {"state": "canary-state"},
    ):
        url = callback_url(person.start(), **parameters)
        response = person.come_back(url)
        seen = str(response.headers) + response.content.decode()
        page = person.look(response)
        seen += page.content.decode() + "\n".join(map(str, mail.outbox))
        state = query(url)["state"]
        for secret in ("canary-code", "canary-text", state, "forged", "evil.example"):
            assert secret not in seen
            assert secret not in caplog.text


def test_s12_an_error_is_believed_only_after_state(person: Person, server: HostileServer) -> None:
    """No one can end another's attempt, or tell them stories, with an error of their own making."""
    start = person.start()
    page = person.look(
        person.come_back(callback_url(start, state="made-up", code="", error="access_denied"))
    )
    assert "This link is not valid" in words(page)
    assert attempt().used_at is None


def test_s12_a_denial_leaves_an_existing_connection_as_it_was(
    person: Person, sandbox: Sandbox
) -> None:
    """Denying is an answer to this request, not the end of what was granted before."""
    person.connect()
    before = Connection.objects.values().get()
    back = person.allow(person.start(), decision="deny")
    page = person.look(person.come_back(back))
    assert page.status_code == 403
    assert "You did not allow access" in words(page)
    assert Connection.objects.values().get() == before


@pytest.mark.parametrize(
    "parameters",
    [
        {"code": "canary-code", "error": "access_denied"},
        {"code": "", "error": ""},
        {"code": "x" * 2001},
    ],
    ids=str,
)
def test_s12_neither_code_nor_error_or_both_is_refused(
    person: Person, server: HostileServer, parameters: dict[str, str]
) -> None:
    """An answer that contradicts itself makes no request."""
    page = person.look(person.come_back(callback_url(person.start(), **parameters)))
    assert page.status_code == 400
    assert "The answer was incomplete" in words(page)
    assert not server.requests


def test_s12_a_code_may_be_long(person: Person, server: HostileServer) -> None:
    """RFC 6749 sets it no limit: this package's is two thousand characters, which are taken."""
    person.come_back(callback_url(person.start(), code="x" * 2000))
    assert [request.form["code"] for request in server.requests] == ["x" * 2000]
    assert Connection.objects.exists()


def test_s12_repeated_parameters_are_refused(person: Person, server: HostileServer) -> None:
    """A parameter that comes twice counts as none (RFC 6749 §3.1)."""
    url = callback_url(person.start())
    assert person.look(person.come_back(f"{url}&code=another")).status_code == 400
    url = callback_url(person.start())
    assert person.look(person.come_back(f"{url}&state=another")).status_code == 400
    assert not server.requests


def test_s13_a_wrong_issuer_is_refused(person: Person, server: HostileServer) -> None:
    """An answer of another issuer makes no request."""
    url = callback_url(person.start(), iss="https://evil.example")
    page = person.look(person.come_back(url))
    assert page.status_code == 400
    assert "did not come from Actionstep" in words(page)
    assert not server.requests


@pytest.mark.parametrize("issuer", ["", "https://evil.example"])
def test_s13_an_issuer_that_is_there_must_match(
    person: Person, server: HostileServer, issuer: str
) -> None:
    """An empty one is there, and matches nothing."""
    url = callback_url(person.start()) + "&" + urlencode({"iss": issuer})
    assert "problem=issuer_mismatch" in person.come_back(url).headers["Location"]
    assert not server.requests


def test_s13_the_right_issuer_is_accepted(person: Person, sandbox: Sandbox) -> None:
    """A server that sends its own `iss` (RFC 9207) is believed."""
    sandbox.post("sandbox/options", issuer=sandbox.url)
    person.connect()
    assert Connection.objects.exists()


def test_s13_the_token_endpoint_is_never_read_from_the_callback(
    person: Person, server: HostileServer
) -> None:
    """Whatever the callback's query says, the code goes to TOKEN_URL."""
    with HostileServer() as evil:
        url = callback_url(
            person.start(), token_endpoint=f"{evil.url}/token", api_endpoint=f"{evil.url}/api/"
        )
        person.come_back(url)
        assert not evil.requests
    assert [request.path for request in server.requests] == ["/token"]


@pytest.mark.django_db(transaction=True)
def test_s3_a_rival_callback_between_any_two_statements_makes_no_second_request(
    person: Person, server: HostileServer
) -> None:
    """Anyone who is served while another arrives with the same state wins alone."""
    url = callback_url(person.start())
    rivals: list[Page] = []

    def come_first(run: Any, sql: str, *arguments: Any) -> Any:
        if not rivals and sql.startswith("UPDATE") and "used_at" in sql:
            rivals.append(None)
            rivals[0] = Person.again(person).come_back(url)
        return run(sql, *arguments)

    with connection.execute_wrapper(come_first):
        late = person.come_back(url)
    assert [rivals[0].headers["Location"], late.headers["Location"]] == [CONNECTIONS] * 2
    assert len(server.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_s26_a_callback_that_fails_keeps_its_tokens_and_its_used_up_state(
    person: Person, server: HostileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATOMIC_REQUESTS rolls back neither, so the code is not sent twice."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "POST_CONNECT_URL": "no:where"}
    person.browser.raise_request_exception = False
    url = callback_url(person.start())
    assert person.come_back(url).status_code == 500
    assert Connection.objects.get().status == "connected"
    assert attempt().used_at is not None
    person.come_back(url)
    assert len(server.requests) == 1


@contextmanager
def failing(statement: str) -> Generator[None]:
    """Let every statement on the database that begins so fail."""

    def execute(run: Any, sql: str, *arguments: Any) -> Any:
        if sql.replace("`", '"').startswith(statement):  # MySQL quotes names in its own way.
            raise DatabaseError("the database is on fire")
        return run(sql, *arguments)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "live"])
@pytest.mark.parametrize(
    "statement",
    [
        'UPDATE "actionstep_connect_authorizationrequest" SET "used_at"',
        'UPDATE "actionstep_connect_connection"',
        'INSERT INTO "actionstep_connect_connection"',
        'UPDATE "actionstep_connect_authorizationrequest" SET "result_id"',
        'UPDATE "actionstep_connect_authorizationrequest" SET "failure"',
    ],
    ids=["claiming", "renewing", "inserting", "noting", "failing"],
)
def test_s14_a_crash_in_the_callback_shows_no_secret(
    person: Person,
    server: HostileServer,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    statement: str,
    debug: bool,
) -> None:
    """Neither debug page, nor admin e-mail, nor log has code, state, verifier or token in it."""
    settings.DEBUG = debug
    # Django 6.0 deprecates the pairs that Django 5.2 insists on.
    address = "admin@law.example"
    settings.ADMINS = [address] if django.VERSION >= (6, 0) else [("Admin", address)]
    caplog.set_level(logging.DEBUG)
    if "failure" in statement:
        server.answer(body=grant(api_endpoint="https://evil.example/api/"))
    url = callback_url(person.start())
    sorted_parts = ["from=proxy", *sorted(urlsplit(url).query.split("&"), reverse=True)]
    verifier = attempt().open_code_verifier()
    assert verifier is not None
    person.browser.raise_request_exception = False
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        with failing(statement):
            response = person.come_back(
                url,
                REQUEST_URI=url,
                RAW_URI=url,
                REDIRECT_QUERY_STRING=urlsplit(url).query,
                headers={
                    "Referer": "https://go.actionstep.com/",
                    "X-Original-URL": url,
                    # As proxies repeat it that add a parameter, or encode what is within another.
                    "X-Original-Path": "/actionstep/callback/?" + "&".join(sorted_parts),
                    "X-Forwarded-Query": f"/sign-in?rd={quote(url, safe='')}",
                    "X-Forwarded-Uri": url,
                    "X-Envoy-Original-Path": url,
                },
            )
    finally:
        logger.removeHandler(handler)
    assert response.status_code == 500
    assert debug is (b"the database is on fire" in response.content)
    letters = "".join(
        str(letter.message()) + letter.body + "".join(str(part) for part, _ in letter.alternatives)
        for letter in mail.outbox
        if hasattr(letter, "alternatives")
    )
    assert "the database is on fire" in letters
    secrets = {
        "code": "canary-code",
        "state": query(url)["state"],
        "verifier": verifier.reveal(),
        "access token": "canary-access-token",
        "refresh token": "canary-refresh-token",
        "client secret": "sandbox-secret",
    }
    for name, secret in secrets.items():
        assert secret not in response.content.decode(), name
        assert secret not in letters, name
        assert secret not in caplog.text, name


def test_s14_a_page_that_fails_after_the_exchange_shows_no_secret(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """A wrong POST_CONNECT_URL is a crash like any other; the tokens are stored by then."""
    settings.DEBUG = True
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "POST_CONNECT_URL": "no:where"}
    person.browser.raise_request_exception = False
    url = callback_url(person.start())
    response = person.come_back(url)
    assert response.status_code == 500
    assert not [
        word for word in ("canary", query(url)["state"]) if word in response.content.decode()
    ]
    assert Connection.objects.exists()


def test_s16_another_organisation_than_meant_gets_its_own_connection_and_is_named(
    person: Person, sandbox: Sandbox
) -> None:
    """Reconnecting one organisation and choosing another replaces nothing, and is said plainly."""
    person.connect(orgkey="acmelaw")
    before = Connection.objects.values().get()
    back = person.allow(
        person.start(orgkey="acmelaw", next="/wanted-acmelaw/"), orgkey="harbourlegal"
    )
    page = person.look(person.come_back(back))
    assert "You asked to connect acmelaw, but Actionstep connected harbourlegal" in words(page)
    assert 'href="/wanted-acmelaw/"' in page.content.decode()
    assert Connection.objects.values().get(orgkey="acmelaw") == before
    assert Connection.objects.filter(user=person.user).count() == 2
    assert "You meant" not in words(person.browser.get(CONNECTIONS))


def test_s16_the_organisation_that_was_meant_leads_on(person: Person, sandbox: Sandbox) -> None:
    """Reconnecting goes where the user was going, with no page about another organisation between."""
    person.connect()
    back = person.allow(person.start(orgkey="acmelaw", next="/wanted/"), orgkey="acmelaw")
    assert person.come_back(back).headers["Location"] == "/wanted/"


def test_s16_an_answer_without_an_organisation_is_not_taken_for_the_one_meant(
    person: Person, server: HostileServer
) -> None:
    """No one knows whose tokens these are, so no row gets them."""
    former = make_connection(person.user, orgkey="acmelaw")
    server.answer(body=grant(orgkey=None))
    page = person.look(person.come_back(callback_url(person.start(orgkey="acmelaw"))))
    assert "incomplete" in words(page)
    assert Connection.objects.values().get() == Connection.objects.filter(pk=former.pk).values()[0]
    assert Connection.objects.get().generation == former.generation


def test_reconnecting_renews_the_row_and_clears_what_was_wrong(
    person: Person, sandbox: Sandbox
) -> None:
    """The same organisation keeps its row; status, reason, flag and limit are as new."""
    former = make_connection(
        person.user, orgkey="acmelaw", status="reconnect_required", status_reason="refused"
    )
    person.connect(orgkey="acmelaw")
    row = Connection.objects.get()
    assert (row.pk, row.status, row.status_reason) == (former.pk, "connected", "")
    assert row.generation == former.generation + 1
    assert row.refresh_token_expires_at == row.connected_at + get_config().refresh_token_lifetime
    assert ConnectionEvent.objects.get().actor == person.user


def test_another_spelling_of_the_organisation_renews_the_row(
    person: Person, server: HostileServer
) -> None:
    """Upper case makes no second connection, nor one whose tokens do not open (as on MySQL)."""
    for orgkey in ("acmelaw", "AcmeLaw"):
        server.answer(body=grant(orgkey=orgkey))
        person.come_back(callback_url(person.start()))
    connection = Connection.objects.get()
    assert (connection.orgkey, connection.generation) == ("acmelaw", 2)
    assert connection.open_access_token().reveal() == "canary-access-token"


def test_two_tabs_at_once_both_end_well(person: Person, sandbox: Sandbox) -> None:
    """Attempts do not get into each other's way, whichever comes back first."""
    one, two = person.start(next="/one/"), person.start(next="/two/")
    assert person.come_back(person.allow(two)).headers["Location"] == "/two/"
    answer = person.come_back(person.allow(one, orgkey="harbourlegal"))
    assert answer.headers["Location"] == "/one/"
    assert Connection.objects.filter(user=person.user).count() == 2


def test_two_users_never_get_each_others_connection(sandbox: Sandbox, db: None) -> None:
    """Flows that interleave end with their own users."""
    one, two = Person(), Person()
    first, second = one.start(), two.start()
    back_one, back_two = one.allow(first, username="priya"), two.allow(second, username="tom")
    two.come_back(back_two)
    one.come_back(back_one)
    by_user = dict(Connection.objects.values_list("user", "sealed_access_token"))
    assert set(by_user) == {one.user.pk, two.user.pk}
    grants = sandbox.get("sandbox/state")["connections"]
    assert [each["user"] for each in grants] == ["tom", "priya"]


def test_a_narrower_grant_is_stored_as_granted_and_shown(
    person: Person, server: HostileServer
) -> None:
    """`scope` in the answer is authoritative, and what is missing is named."""
    server.answer(body=grant(scope="actions"))
    page = person.look(person.come_back(callback_url(person.start())))
    assert Connection.objects.get().granted_scopes == ["actions"]
    assert "Missing: Contacts and other parties, Time records." in words(page)


def test_what_was_granted_is_asked_for_again_beside_what_is_new(
    person: Person, sandbox: Sandbox, settings: Settings
) -> None:
    """A new grant takes the place of the old one, so asking for more never loses anything."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "SCOPES": ["actions"],
        "ALLOWED_SCOPES": ["actions", "timerecords"],
    }
    person.connect()
    page = person.browser.get(CONNECT, {"scopes": "timerecords", "orgkey": "acmelaw"})
    assert "Matters Time records new" in words(page)
    person.connect(scopes="timerecords", orgkey="acmelaw")
    assert Connection.objects.get().granted_scopes == ["actions", "timerecords"]


@pytest.mark.parametrize("wish", [{}, {"scopes": "actions"}], ids=["plain", "one scope named"])
def test_nothing_granted_is_lost_whichever_organisation_the_user_chooses(
    person: Person, sandbox: Sandbox, settings: Settings, wish: dict[str, str]
) -> None:
    """Where no one knows which connection is renewed, what any of them grants is asked for again."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "SCOPES": ["actions"],
        "ALLOWED_SCOPES": ["actions", "bills", "files", "tasks"],
    }
    person.connect(scopes="actions bills", orgkey="acmelaw")
    person.connect(scopes="actions files", orgkey="harbourlegal")
    make_connection(person.user, orgkey="ended", status="disconnected", granted_scopes=["tasks"])
    person.come_back(person.allow(person.start(**wish), orgkey="harbourlegal"))
    row = Connection.objects.get(orgkey="harbourlegal")
    assert {"actions", "files"} <= set(row.granted_scopes)
    assert "tasks" not in row.granted_scopes
    page = person.browser.get(CONNECT, {"scopes": "tasks"})
    assert "Tasks new" in words(page)
    assert words(page).count(" new") == 1


def test_a_reloaded_callback_that_ended_in_another_organisation_says_so_too(
    person: Person, sandbox: Sandbox
) -> None:
    """Anyone who clicked twice sees the notice, and is not led to the page that needs the one meant."""
    person.connect(orgkey="acmelaw")
    back = person.allow(person.start(orgkey="acmelaw", next="/wanted/"), orgkey="harbourlegal")
    person.come_back(back)
    page = person.look(person.come_back(back))
    assert "You asked to connect acmelaw, but Actionstep connected harbourlegal" in words(page)


def test_two_tabs_that_store_the_same_organisation_at_once_make_one_row(
    person: Person, server: HostileServer
) -> None:
    """Anyone who comes second between the other's look and its insert renews that row."""
    rival: list[Connection] = []

    def execute(run: Any, sql: str, *arguments: Any) -> Any:
        result = run(sql, *arguments)
        looked = sql.replace("`", '"').startswith('UPDATE "actionstep_connect_connection"')
        if looked and not rival:
            rival.append(new_connection(person.user, access_token="x", refresh_token="y"))
            rival[0].save()
        return result

    url = callback_url(person.start())
    with connection.execute_wrapper(execute):
        person.come_back(url)
    row = Connection.objects.get()
    assert (row.pk, row.generation) == (rival[0].pk, 2)
    assert kinds(row) == ["reconnected"]
    assert row.open_access_token().reveal() == "canary-access-token"


def test_orgkey_is_passed_on_only_if_the_site_says_so(
    person: Person, server: HostileServer, settings: Settings
) -> None:
    """ORGKEY_HINT decides whether Actionstep is told which organisation is meant."""
    assert "orgkey" not in query(person.start(orgkey="acmelaw"))
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "ORGKEY_HINT": True}
    assert query(person.start(orgkey="acmelaw"))["orgkey"] == "acmelaw"
    assert "orgkey" not in query(person.start(orgkey="two words"))


def test_deleting_a_user_on_the_way_ends_the_attempt(person: Person, server: HostileServer) -> None:
    """A user who is gone when the callback comes is a stranger."""
    url = callback_url(person.start())
    make_user()
    person.user.delete()
    assert "login" in person.come_back(url).headers["Location"]
    assert not AuthorizationRequest.objects.exists()
    assert not server.requests
