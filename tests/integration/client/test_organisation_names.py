"""Firms' names: asked for in maintenance, kept, shown beside the key, harmless whatever they are."""

import csv
import io
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, transaction
from django.db import connection as database
from django.template import engines
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.html import escape
from pytest_django import Settings

from actionstep_connect.admin.export import lines
from actionstep_connect.api import disconnect
from actionstep_connect.client import organisation_names
from actionstep_connect.client.organisation_names import BATCH, keep_names
from actionstep_connect.flows.organisation_names import INTERVAL, claim, due_names, keep
from actionstep_connect.flows.refresh import refresh_now
from actionstep_connect.flows.remind.letter import compose
from actionstep_connect.models import Connection, Status
from actionstep_connect.organisation_names import MAX_NAME, readable_name, shown_organisation
from actionstep_connect.tasks import maintain_connections
from actionstep_connect.testing import Sandbox
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import Answer, HostileServer
from tests.support.hostile_values import strange_text
from tests.support.person import CONNECTIONS, Person, words
from tests.support.volume import at_volume

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "Acme Law"
SHOWN = "Acme Law (acmelaw)"


@pytest.fixture
def person(settings: Settings, sandbox: Sandbox) -> Person:
    """Return a user of a site that asks for `AsCommon` too."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": ["timerecords", "AsCommon"]}
    return Person()


def about(name: object, orgkey: str = "acmelaw") -> Answer:
    """Return what Actionstep says, with this name."""
    return Answer(body={"organization": {"name": name, "orgkey": orgkey}, "currentUser": {}})


def due(user: User | None = None, **values: Any) -> Connection:
    """Store a connection whose organisation is to be asked."""
    values = {"granted_scopes": ["AsCommon"], **values}
    now = datetime.now(UTC)
    return make_connection(user or make_user(), organisation_name_due_at=now, **values)


def name_of(connection: Connection) -> str:
    connection.refresh_from_db()
    return connection.organisation_name


@pytest.mark.parametrize("run", [maintain_connections, lambda: call_command("actionstep_maintain")])
def test_maintenance_learns_the_name_after_connecting(
    person: Person, sandbox: Sandbox, run: Any
) -> None:
    """The callback asks for nothing; the next run does, and the pages show name and key."""
    person.connect()
    assert [each for each in sandbox.activity() if "as-common" in each.resource] == []
    assert "Acme" not in words(person.browser.get(CONNECTIONS))
    run()
    assert SHOWN in words(person.browser.get(CONNECTIONS))
    asked = len(sandbox.activity())
    run()
    assert len(sandbox.activity()) == asked


@pytest.mark.parametrize(
    ("scopes", "name"), [(["AsCommon"], NAME), (["all"], NAME), (["timerecords"], "")]
)
def test_only_where_the_scope_was_granted(
    sandbox: Sandbox, settings: Settings, scopes: list[str], name: str
) -> None:
    """`AsCommon` or everything; without it no request is made."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": scopes, "ALLOWED_SCOPES": scopes}
    connection = sandbox.connect(make_user(), scopes=scopes)
    before = len(sandbox.activity())
    assert keep_names() == bool(name)
    assert name_of(connection) == name
    assert len(sandbox.activity()) - before == bool(name)


def test_the_name_is_asked_for_again_after_a_month(server: HostileServer) -> None:
    """A firm that has another name gets it; a month is not exact, so that all do not come at once."""
    connection = due()
    server.script([about("Acme Law"), about("Acme & Daughters")])
    with time_machine.travel(datetime.now(UTC)) as clock:
        assert keep_names() == 1
        clock.shift(INTERVAL * 0.85)
        assert keep_names() == 0
        clock.shift(INTERVAL * 0.15)
        now = datetime.now(UTC)
        live = {"access_token_expires_at": now + timedelta(hours=1), "last_used_at": now}
        Connection.objects.update(**live)
        assert keep_names() == 1
    assert name_of(connection) == "Acme & Daughters"


def test_asking_is_no_use_and_refreshes_no_token(server: HostileServer) -> None:
    """An idle connection stays idle; one without a live token waits for its next refresh."""
    long_ago = datetime.now(UTC) - timedelta(days=9)
    idle = due(last_used_at=long_ago)
    cold = due(access_token_expires_at=datetime.now(UTC) + timedelta(seconds=30))
    server.answer(**vars(about(NAME)))
    assert keep_names() == 1
    assert (name_of(idle), idle.last_used_at) == (NAME, long_ago)
    assert (name_of(cold), cold.organisation_name_due_at) == ("", None)
    assert {request.method for request in server.requests} == {"GET"}
    server.script([Answer(body={**_grant(), "scope": "AsCommon"})])
    refresh_now(cold)
    assert keep_names() == 1
    assert name_of(cold) == NAME


def _grant(**changes: Any) -> dict[str, Any]:
    return {
        "access_token": "a",
        "refresh_token": "r",
        "token_type": "bearer",
        "expires_in": 3600,
        "orgkey": "acmelaw",
        **changes,
    }


def test_a_refresh_keeps_the_time_and_a_lost_scope_erases_the_name(server: HostileServer) -> None:
    """What is known is not asked for after each refresh; without the grant it is forgotten."""
    later = datetime.now(UTC) + timedelta(days=3)
    connection = make_connection(
        make_user(),
        granted_scopes=["AsCommon"],
        organisation_name=NAME,
        organisation_name_due_at=later,
    )
    server.script([Answer(body=_grant()), Answer(body=_grant(scope="timerecords"))])
    refresh_now(connection)
    assert (name_of(connection), connection.organisation_name_due_at) == (NAME, later)
    refresh_now(connection)
    assert (name_of(connection), connection.organisation_name_due_at) == ("", None)


@pytest.mark.parametrize(
    ("answer", "is_outage"),
    [
        (Answer(status=403), False),
        (Answer(status=404), False),
        (Answer(status=500), True),
        (Answer(status=429), True),
        (Answer(drop=True), True),
        (Answer(silent=True), True),
        (Answer(body="[]"), False),
        (Answer(body="nonsense"), False),
        (Answer(body={}), False),
        (about(None), False),
        (about("Other Law", orgkey="otherlaw"), False),
        (about("\u202e\0"), False),
    ],
)
def test_what_fails_is_quiet_and_logged(
    server: HostileServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    *,
    is_outage: bool,
) -> None:
    """The name that is known stays; an outage spares the others, and comes round sooner."""
    monkeypatch.setattr(organisation_names, "TIMEOUT", 0.5)
    connection = due(organisation_name="As before")
    others = [due() for _ in range(3)]
    server.answer(**vars(answer))
    with caplog.at_level(logging.INFO, logger="actionstep_connect"):
        assert keep_names() == 0
    records = [each for each in caplog.records if "name_not_kept" in each.getMessage()]
    assert len(server.requests) == len(records) == (1 if is_outage else 1 + len(others))
    assert all(each.levelno == logging.INFO for each in records)
    assert name_of(connection) == "As before"
    assert connection.status == Status.CONNECTED
    assert connection.organisation_name_due_at is not None
    wait = connection.organisation_name_due_at - datetime.now(UTC)
    assert timedelta(minutes=50) < wait <= (timedelta(hours=1) if is_outage else timedelta(days=1))


def test_a_database_that_goes_away_ends_the_round(
    server: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of maintenance goes on, and the next round asks."""
    connection = due()

    def fail(*_: Any) -> None:
        raise OperationalError("canary")

    with database.execute_wrapper(fail):
        assert keep_names() == 0
    (told,) = (vars(record) for record in caplog.records)
    assert (told["levelname"], told["error"]) == ("WARNING", "OperationalError")
    server.answer(**vars(about(NAME)))
    assert keep_names() == 1
    assert name_of(connection) == NAME


def test_one_round_is_short(server: HostileServer) -> None:
    """A large site's names come over many rounds, and a worker that ends stops at once."""
    for _ in range(BATCH + 1):
        due()
    server.answer(**vars(about(NAME)))
    assert keep_names(should_stop=lambda: True) == 0
    assert keep_names() <= BATCH
    assert Connection.objects.filter(organisation_name="").exists()


def test_two_workers_ask_once(server: HostileServer) -> None:
    """The process that claims first asks; an answer that comes after a disconnect or reconnect is dropped."""
    connection, now = due(), datetime.now(UTC)
    [mine], [theirs] = due_names(now=now, limit=1), due_names(now=now, limit=1)
    assert claim(mine, now=now)
    assert not claim(theirs, now=now)
    disconnect(connection)
    keep(mine, NAME, now=now)
    assert name_of(connection) == ""


def test_disconnecting_erases_the_name(server: HostileServer) -> None:
    """With the tokens goes what was learned with them; deleting the user deletes the row."""
    connection = due(organisation_name=NAME)
    disconnect(connection)
    assert (name_of(connection), connection.organisation_name_due_at) == ("", None)
    assert keep_names() == 0


def test_connections_that_cannot_be_used_are_not_asked(server: HostileServer) -> None:
    """Of inactive users, of another client or environment, or ended."""
    due(make_user(is_active=False))
    due(client_id="another")
    due(environment="staging")
    due(status=Status.RECONNECT_REQUIRED)
    assert keep_names() == 0
    assert server.requests == []


def test_nothing_is_asked_inside_a_transaction(server: HostileServer) -> None:
    """No row stays locked while Actionstep takes its time."""
    due()
    with transaction.atomic():
        assert keep_names() == 0
    assert server.requests == []


def test_saving_an_instance_cannot_overwrite_the_name() -> None:
    """The column is the flows', as all that a worker may write meanwhile."""
    connection = make_connection(make_user())
    with pytest.raises(ValueError, match="organisation_name"):
        connection.save()


def test_names_and_keys_stand_together() -> None:
    """Two firms may have one name, so the key stays; a name that is the key is not said twice."""
    assert shown_organisation("acmelaw", "") == "acmelaw"
    assert shown_organisation("acmelaw", NAME) == SHOWN
    assert shown_organisation("acmelaw", "AcmeLaw") == "AcmeLaw"
    one, other = (shown_organisation(key, NAME) for key in ("acmelaw", "acmelaw2"))
    assert one != other


HOSTILE = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "Acme\u202e Law\u2066": "Acme Law",
    "Acme\r\nBcc: all@law.example": "Acme Bcc: all@law.example",
    "\0\x1b[31mAcme\x7f": "[31mAcme",
    "=HYPERLINK(1)": "=HYPERLINK(1)",
    "{{ settings }}%(x)s{0}": "{{ settings }}%(x)s{0}",
    "A" * 10_000: "A" * MAX_NAME,
    "Z" + "\u0301" * 500 + "algo": "\u0179\u0301\u0301\u0301algo",
    "\u05d4\u05e8\u05e6\u05dc": "\u05d4\u05e8\u05e6\u05dc",
}


@pytest.mark.parametrize(("name", "kept"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_s62_a_hostile_name_is_harmless_wherever_it_is_shown(
    server: HostileServer, settings: Settings, name: str, kept: str
) -> None:
    """Pages, tags, e-mail, admin and export hold it as text, on one line, with the key beside it."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "REDIRECT_URI": "https://law.example/actionstep/callback/",
    }
    person = Person(make_user(is_staff=True, is_superuser=True))
    connection = due(person.user)
    server.answer(**vars(about(name)))
    assert keep_names() == 1
    assert name_of(connection) == kept
    near = datetime.now(UTC) + timedelta(days=2)
    Connection.objects.update(refresh_token_expires_at=near)
    shown = _faces(person, Connection.objects.get())
    for face, text in shown.items():
        if face not in ("export", "subject", "body"):
            assert escape(kept) in text, face
            assert "<script>alert" not in text, face
        assert "acmelaw" in text, face
    assert "\n" not in shown["subject"]
    assert kept in shown["subject"] + shown["body"]
    [_, row] = csv.reader(io.StringIO(shown["export"]))
    assert not any(cell.startswith("=") for cell in row)


def _faces(person: Person, connection: Connection) -> dict[str, str]:
    """Return every text that shows the organisation of a connection."""
    request = RequestFactory().get("/")
    request.user = person.user
    tags = "{% load actionstep_connect %}{% actionstep_connect_button %}"
    alert = "{% load actionstep_connect %}{% actionstep_connection_alert %}"
    letter = compose(connection, now=datetime.now(UTC))
    admin_list = reverse("admin:actionstep_connect_connection_changelist")
    change = reverse("admin:actionstep_connect_connection_change", args=[connection.pk])
    pages = {
        "connections": CONNECTIONS,
        "choose": f"{CONNECTIONS}?choose=1",
        "reconnect": f"{CONNECTIONS}connect/?orgkey=acmelaw",
        "another": f"{CONNECTIONS}connect/?another=1",
        "disconnect": f"{CONNECTIONS}disconnect/{connection.pk}/",
        "admin": admin_list,
        "admin-one": change,
    }
    return {
        **{name: person.browser.get(url).content.decode() for name, url in pages.items()},
        "button": engines["django"].from_string(tags).render({}, request),
        "alert": engines["django"].from_string(alert).render({}, request),
        "subject": str(letter.subject),
        "body": f"{letter.body}{letter.alternatives[0][0]!s}",
        "export": "".join(lines(Connection.objects.all())),
    }


@at_volume(strange_text)
def test_s62_no_name_breaks_a_line_or_turns_it_round(name: str) -> None:
    """Whatever Actionstep says, what is kept is short and printable."""
    kept = readable_name(name)
    assert len(kept) <= MAX_NAME
    assert kept.isprintable()
    assert kept == kept.strip() == readable_name(kept)


def test_s62_right_to_left_names_keep_to_themselves() -> None:
    """They are isolated, so that the key beside them is read where it stands."""
    shown = shown_organisation("acmelaw", "\u05d4\u05e8\u05e6\u05dc")
    assert shown == "\u2068\u05d4\u05e8\u05e6\u05dc\u2069 (acmelaw)"


def test_the_admin_finds_an_organisation_by_its_name() -> None:
    """Searching the list and the audit trail takes the name as well as the key."""
    make_connection(make_user(username="kim"), organisation_name=NAME)
    make_connection(make_user(username="tom"), orgkey="otherlaw")
    browser = Client()
    browser.force_login(make_user(is_staff=True, is_superuser=True))
    url = reverse("admin:actionstep_connect_connection_changelist")
    shown = words(browser.get(url, {"q": "acme law"}))
    assert SHOWN in shown
    assert "tom" not in shown
