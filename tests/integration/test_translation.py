"""All that people read can be translated: a made-up language reaches every word of every page."""

import ast
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as site
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.template import RequestContext, Template
from django.test import RequestFactory
from django.urls import reverse
from django.utils import translation
from django.utils.translation import trans_real
from pytest_django import Settings

import actionstep_connect
from actionstep_connect.flows.remind.letter import compose
from actionstep_connect.models import (
    Connection,
    ConnectionEvent,
    EventKind,
    Heartbeat,
    Status,
    StatusReason,
)
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.wording.failures import FAILURES
from actionstep_connect.wording.scopes import SCOPES
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer, grant
from tests.support.person import CONNECT, CONNECTIONS, Page, Person, callback_url

pytestmark = pytest.mark.django_db

APP = Path(actionstep_connect.__file__).parent
MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
#: What is the same in every language: names of things, and what is marked as English.
UNSPOKEN = re.compile(
    r'(?s)<(code|script|style)\b.*?</\1>|<((?!html)\w+)[^>]* lang="en"[^>]*>.*?</\2>|<!--.*?-->'
)
SPOKEN_ATTRIBUTES = re.compile(
    r'\b(?:aria-label|alt|placeholder|title)="([^"]*)"|type="submit"[^>]* value="([^"]*)"'
)
#: What the admin shows of the rows themselves; and two words of Django's that it never translates.
DATA = {*SCOPES, *["sandbox", "client", "http", "api", "maintain", "connections"], "Search", "Id"}
GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}


class MadeUp(trans_real.DjangoTranslation):
    """A language in which every text is itself, in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message.rpartition(trans_real.CONTEXT_SEPARATOR)[2]}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


@pytest.fixture(autouse=True)
def _made_up_language(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    catalogues = {site.LANGUAGE_CODE: MadeUp(site.LANGUAGE_CODE)}
    monkeypatch.setattr(trans_real, "_translations", catalogues)
    monkeypatch.setattr(trans_real, "_default", None)
    with translation.override(site.LANGUAGE_CODE, deactivate=True):
        yield


@pytest.fixture
def person() -> Person:
    """Return a signed-in user whose name has no letters."""
    return Person(make_user(username="007"))


@pytest.fixture
def server(settings: Settings) -> Iterator[HostileServer]:
    """Yield a token endpoint that answers as told, and a site that knows where it is."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server


def plain(text: str) -> list[str]:
    """Return the words of a page, or of a plain text, that no translation has touched."""
    text = UNSPOKEN.sub(" ", html.unescape(text))
    tags = " ".join(re.findall(r"<[^>]+>", text))
    text = " ".join(
        [re.sub(r"<[^>]+>", " ", text), *map(" ".join, SPOKEN_ATTRIBUTES.findall(tags))]
    )
    while MARKED.search(text):
        text = MARKED.sub(" ", text)
    return re.findall(r"[^\W\d_]{2,}", text)


def read(response: Page) -> list[str]:
    """Return the untranslated words of a page that came as it should."""
    page = response.content.decode()
    assert "⟦" in page, response
    return plain(page)


def make_one_of_each_state(user: User) -> Connection:
    """Store connections, one in each state, whose data has no letters."""
    now = datetime.now(UTC)
    good = make_connection(user, pk=UUID(int=1), orgkey="1", granted_scopes=list(SCOPES))
    make_connection(user, orgkey="2", refresh_token_expires_at=now + timedelta(days=3))
    make_connection(user, orgkey="3", consecutive_failures=5)
    make_connection(user, orgkey="4", client_id="another")
    for number, reason in enumerate(StatusReason, start=5):
        status = Status.DISCONNECTED if reason.startswith("ended") else Status.RECONNECT_REQUIRED
        make_connection(
            user, pk=UUID(int=number), orgkey=str(number), status=status, status_reason=reason
        )
    return good


def test_the_search_finds_what_was_not_marked() -> None:
    """The search is no blind one: a literal word, or a literal label, is found."""
    assert plain("<p>⟦Good ⟦day⟧⟧, <b>friend</b></p>") == ["friend"]
    assert plain('<a aria-label="⟦Go⟧ there" href="/x/">⟦on⟧</a>') == ["there"]
    assert plain('<input type="submit" name="go" value="Go"><button value="go">') == ["Go"]
    assert plain('<p lang="en">words</p><code>name</code> 2026, <i title="⟦yes⟧">!</i>') == []


def test_the_pages_of_ones_connections_are_all_translated(person: Person) -> None:
    """Each state, the choice, another organisation's answer, and the question before the end."""
    assert read(person.browser.get(CONNECTIONS)) == []
    good = make_one_of_each_state(person.user)
    assert read(person.browser.get(CONNECTIONS)) == []
    assert read(person.browser.get(CONNECTIONS, {"choose": "1"})) == []
    session = person.browser.session
    session["actionstep_connect_other_organisation"] = {"wanted": "1", "got": "2", "next": "/"}
    session.save()
    assert read(person.browser.get(CONNECTIONS)) == []
    path = reverse("actionstep_connect:disconnect", args=[good.pk])
    assert read(person.browser.get(path)) == []
    assert read(person.look(person.browser.post(path))) == []


def test_the_page_that_asks_is_all_translated(person: Person) -> None:
    """The first time, again, for one organisation, and for more; with each known scope."""
    assert read(person.browser.get(CONNECT)) == []
    assert read(person.browser.get(CONNECT, {"orgkey": "1"})) == []
    make_connection(person.user, orgkey="1", granted_scopes=["actions"])
    assert read(person.browser.get(CONNECT, {"orgkey": "1"})) == []
    assert read(person.browser.get(CONNECT, {"scopes": "timerecords", "orgkey": "1"})) == []


@pytest.mark.parametrize("code", FAILURES)
def test_every_ending_is_translated(person: Person, code: str) -> None:
    """What went wrong, why, and the way on."""
    person.was_told(code)
    assert read(person.browser.get(CONNECT, {"problem": code})) == []


def test_the_tags_are_all_translated(person: Person) -> None:
    """The alert in each of its sentences, and the button in each of its moods."""
    template = Template(
        "{% load actionstep_connect %}{% actionstep_connection_alert %}{% actionstep_connect_button %}"
    )
    request = RequestFactory().get("/")
    request.user = person.user
    seen = set()
    for values in (
        {},
        {"orgkey": "1"},
        {"orgkey": "1", "refresh_token_expires_at": datetime.now(UTC) + timedelta(days=3)},
        {"orgkey": "1", "status": "reconnect_required"},
    ):
        Connection.objects.all().delete()
        if values:
            make_connection(person.user, **values)
        seen.add(template.render(RequestContext(request, {})))
    make_connection(person.user, orgkey="2", status="reconnect_required")
    seen.add(template.render(RequestContext(request, {})))
    assert len(seen) == 5
    assert [plain(each) for each in seen] == [[]] * 5


def test_what_a_callback_says_is_translated(person: Person, server: HostileServer) -> None:
    """Connected, and connected with less than was asked for."""
    server.answer(body=grant(orgkey="1", scope="actions"))
    response = person.come_back(callback_url(person.start()))
    (message,) = get_messages(response.wsgi_request)
    assert "Missing: ⟦Contacts and other parties⟧" in str(message)
    assert plain(str(message)) == []


@pytest.mark.parametrize(
    "values",
    [
        {"status": "reconnect_required", "status_reason": "refused"},
        {"refresh_token_expires_at": timedelta(days=3)},
        {"refresh_token_expires_at": -timedelta(days=3)},
    ],
    ids=str,
)
def test_the_reminder_is_all_translated(
    person: Person, settings: Settings, values: dict[str, Any]
) -> None:
    """Subject, text and HTML of the e-mail."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "NOTIFY_USERS": True,
        "REDIRECT_URI": "https://127.0.0.1/actionstep/callback/",
    }
    now = datetime.now(UTC)
    times = {name: now + each for name, each in values.items() if isinstance(each, timedelta)}
    connection = make_connection(person.user, orgkey="1", **{**values, **times})
    letter = compose(connection, now=now)
    ((body, _),) = letter.alternatives
    for part in (letter.subject, letter.body, body):
        assert plain(re.sub(r"https://[^\s⟧\"]+", "", str(part))) == []


def test_the_admin_is_all_translated(person: Person) -> None:
    """Lists, rows, histories and their actions, with connections in each state."""
    person.sign_in_as(User.objects.create_superuser("1"))
    good = make_one_of_each_state(person.user)
    for kind in EventKind:
        ConnectionEvent.objects.create(connection=good, actor=person.user, kind=kind)
    now = datetime.now(UTC)
    Heartbeat.objects.create(job=MAINTENANCE, started_at=now, finished_at=now, seconds=0.2)
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != "actionstep_connect":
            continue
        for pattern in model_admin.get_urls():
            row = model._default_manager.first()
            assert row is not None
            about_one = "object_id" in str(pattern.pattern)
            if pattern.name:
                path = reverse(f"admin:{pattern.name}", args=[row.pk] if about_one else [])
                response = person.browser.get(path)
                if response.status_code != 403:  # No one adds, and little is deleted.
                    assert set(read(response)) <= DATA, path


def sources() -> Iterator[Path]:
    """Yield the modules of the app; the sandbox speaks English, as a developer's tool."""
    yield from (each for each in APP.rglob("*.py") if "sandbox" not in each.parts)


def test_what_is_marked_can_be_extracted() -> None:
    """Each call of gettext takes a literal, for `makemessages` reads the source and runs nothing."""
    calls = [
        (path.name, call.func.id, call)
        for path in sources()
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in GETTEXT
    ]
    assert len(calls) > 100
    for name, function, call in calls:
        texts = call.args[:2] if "ngettext" in function else call.args[:1]
        for text in texts:
            assert isinstance(text, ast.Constant), f"{name}:{call.lineno}"
