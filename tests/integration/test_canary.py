"""S39: marked secrets go through every public path, and nothing that comes out holds one."""

import base64
import io
import json
import logging
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import django
import pytest
import stamina
from asgiref.sync import async_to_sync
from celery import Celery, current_app
from celery.events.event import get_exchange
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.management import CommandError, call_command, get_commands
from django.db import connections
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter
from kombu.entity import Queue
from pytest_django import Settings

from actionstep_connect import api, tasks, urls
from actionstep_connect.generate_key import generate_key
from actionstep_connect.logs import LogEvent
from actionstep_connect.models import (
    AuthorizationRequest,
    Connection,
    Heartbeat,
    Status,
    StatusReason,
)
from actionstep_connect.templatetags.actionstep_connect import register as template_tags
from tests.support.canary import leaks, spellings
from tests.support.connections import expired, make_connection, make_user
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.person import CALLBACK, CONNECT, Person, query
from tests.support.worker_process import celery_settings, running_worker

pytestmark = pytest.mark.django_db(transaction=True)

APP = "actionstep_connect"
EVENTS = "canary-events"
TIMEOUT = 40  # seconds for a worker to start and to do its work

#: Stands for the user name of whose tokens are marked.
HOLDER = "the holder"

#: Views, tags, admin pages and admin actions are found by walking them. What needs to be told how to
#: be used stands here, and the first test fails for whatever is missing.
COMMANDS: dict[str, tuple[dict[str, Any], ...]] = {
    "actionstep_compare": ({"user": HOLDER},),
    "actionstep_doctor": ({}, {"as_json": True}),
    "actionstep_get": ({"args": ["users/current"], "user": HOLDER},),
    "actionstep_generate_key": (),  # Its output is a secret, by design; it reads none.
    "actionstep_maintain": ({},),
    "actionstep_rotate_keys": ({"dry_run": True}, {}),
    "actionstep_sandbox": (),  # Another process, without any of the site's secrets.
}
TASKS = {"maintain_connections", "drain_due_connections"}


class Canary:
    """The marked secrets, and everything that came out."""

    def __init__(self, server: HostileServer) -> None:
        self.server = server
        self.secrets: dict[str, str] = {}
        self.output: list[str] = []
        #: This package's log records with an event that docs/logging.md does not know.
        self.strangers: list[str] = []
        self.visited: set[str] = set()

    def mark(self, name: str) -> str:
        """Return a new secret that is looked for from now on."""
        return self.watch(f"{name} {len(self.secrets)}", f"canary-{name}-{uuid4().hex}")

    def watch(self, name: str, secret: str) -> str:
        self.secrets[name] = secret
        return secret

    def see(self, *output: object) -> None:
        self.output += [str(each) for each in output]

    def see_response(self, response: Any) -> None:
        body = b"".join(response) if response.streaming else response.content
        self.see(response.headers, body.decode(errors="replace"))
        if response.resolver_match:
            self.visited.add(response.resolver_match.view_name)

    def grant(self, **changes: Any) -> dict[str, Any]:
        tokens = {name: self.mark(name) for name in ("access_token", "refresh_token")}
        return grant(**{"api_endpoint": f"{self.server.url}/api/", **tokens, **changes})

    def answers(self) -> list[Answer]:
        """Return what a token endpoint may say that repeats, or holds, a secret."""
        echo = self.mark("echo")
        refusal = {"error": "invalid_grant", "error_description": echo}
        return [
            Answer(body=self.grant()),
            Answer(status=400, body=refusal),
            Answer(status=500, body=f"<html>Traceback: {echo}</html>"),
            Answer(status=401, body={"error": "invalid_client", "error_description": echo}),
            Answer(body=self.grant(expires_in=echo, token_type=echo)),
            Answer(body=self.grant(refresh_token=None, scope='"' + echo)),
            Answer(status=429, body={"error": echo}, headers={"Retry-After": "7"}),
            Answer(raw=b"HTTP/1.1 200 OK\r\nno header\r\n\r\n" + echo.encode()),
            Answer(status=307, body=echo, headers={"Location": "/elsewhere"}),
            Answer(drop=True),
        ]

    def leaks(self) -> list[str]:
        return leaks("\n".join(self.output), self.secrets)


class _Recorder(logging.Handler):
    def __init__(self, canary: Canary) -> None:
        super().__init__(logging.DEBUG)
        self._canary = canary

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("asyncio"):
            shown = {name: value for name, value in vars(record).items() if name != "request"}
            self._canary.see(self.format(record), shown)
        if record.name.startswith(APP) and vars(record).get("event") not in set(LogEvent):
            self._canary.strangers.append(record.getMessage())


@contextmanager
def everything_recorded(canary: Canary) -> Generator[None]:
    """Record each logger at DEBUG, what is printed, and the e-mails to admins with their HTML."""
    names = [None, *logging.root.manager.loggerDict]
    loggers = [logging.getLogger(name) for name in names]
    levels = [(each, each.level, each.propagate, each.disabled) for each in loggers]
    handlers = [_Recorder(canary), AdminEmailHandler(include_html=True)]
    handlers[1].setLevel(logging.ERROR)
    out = io.StringIO()
    for each in loggers:
        each.setLevel(logging.DEBUG)
        each.propagate, each.disabled = True, False
    for handler in handlers:
        logging.root.addHandler(handler)
    try:
        with redirect_stdout(out), redirect_stderr(out):
            yield
    finally:
        for handler in handlers:
            logging.root.removeHandler(handler)
        for each, level, propagate, disabled in levels:
            each.setLevel(level)
            each.propagate, each.disabled = propagate, disabled
        canary.see(out.getvalue(), *(message.message().as_string() for message in mail.outbox))
        for message in mail.outbox:  # Whose parts may be base64 themselves.
            canary.see(message.body, *(getattr(each, "content", each) for each in _parts(message)))


def _parts(message: Any) -> Iterator[Any]:
    yield from getattr(message, "alternatives", None) or ()


@pytest.fixture
def canary(settings: Settings) -> Generator[Canary]:
    """Yield the canary, and a site whose every secret is marked."""
    keys = [generate_key(), generate_key()]
    with HostileServer() as server:
        canary = Canary(server)
        for number, key in enumerate(keys):
            canary.watch(f"key {number}", key.rstrip("="))
            raw = base64.urlsafe_b64decode(key)
            canary.watch(f"key {number} in hex", raw.hex())
            canary.watch(f"key {number} as Python prints it", repr(raw)[2:-1])
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            **server.settings(),
            "API_HOSTS": [server.host, "*.actionstep.com"],
            "CLIENT_SECRET": canary.mark("client-secret"),
            "ENCRYPTION_KEYS": keys,
            "HTTP_TIMEOUT": 2,
        }
        address = "admin@law.example"
        settings.ADMINS = [address] if django.VERSION >= (6, 0) else [("Admin", address)]
        yield canary
        assert canary.strangers == []


def our_tasks() -> set[str]:
    return {
        name.rpartition(".")[2] for name in current_app.tasks if name.startswith(tasks.__name__)
    }


def our_admin_urls() -> Iterator[tuple[str, bool]]:
    """Yield the name of each page of the admin, and whether it is about one row."""
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label == APP:
            for pattern in model_admin.get_urls():
                if pattern.name:
                    yield f"admin:{pattern.name}", "object_id" in str(pattern.pattern)


def test_s39_the_walks_cover_every_public_path() -> None:
    """A command, a task or an export of the API that no walk uses fails here, until one does."""
    assert {name for name, app in get_commands().items() if app == APP} == set(COMMANDS)
    assert our_tasks() == TASKS
    assert set(api.__all__) == {*USES, *TYPES}


@pytest.mark.parametrize("number", range(6))
def test_s39_the_search_finds_every_spelling(number: int) -> None:
    """The search is no blind one: a secret in a URL, in base64 at any offset, or in hex is found."""
    secret = f"canary-token/{uuid4().hex}+="
    offset = b"x" * (number % 3)
    planted = [
        secret,
        quote(secret, safe=""),
        base64.b64encode(offset + secret.encode() + b":more").decode(),
        base64.urlsafe_b64encode(offset + secret.encode() + b"?").decode(),
        secret.encode().hex(),
        f"{{'token': {secret!r}}}",
    ]
    assert leaks(f"some {planted[number]} text", {"token": secret})
    assert not leaks(f"some {planted[number]} text", {"token": f"canary-{uuid4().hex}"})
    assert spellings(secret)


@pytest.mark.parametrize("debug", [False, True], ids=["production", "debug"])
def test_s39_views_show_no_secret(canary: Canary, settings: Settings, debug: bool) -> None:
    """Connecting, in all ways it can end, a crash included; then the pages, and disconnecting."""
    settings.DEBUG = debug
    with everything_recorded(canary):
        for crash in (False, True):
            for answer in canary.answers():
                _connect_and_look(canary, answer, crash=crash)
        _refused_callbacks(canary)
    _see_the_database(canary)
    assert canary.visited >= {f"{APP}:{pattern.name}" for pattern in urls.urlpatterns}
    assert canary.leaks() == []


def _connect_and_look(canary: Canary, answer: Answer, *, crash: bool) -> None:
    person = Person(raise_request_exception=False)
    person.browser.get("/actionstep/")
    there = person.start()
    _watch_attempt(canary, there)
    canary.server.script([answer])
    code = canary.mark("code")
    parameters = f"?code={code}&state={query(there)['state']}"
    with _failing_stores() if crash else _nothing_fails():
        canary.see_response(person.come_back(f"{CALLBACK}{parameters}"))
    canary.see_response(person.come_back(f"{CALLBACK}{parameters}"))
    canary.server._script.clear()  # A request that was never sent leaves its answer.
    for page in ("/actionstep/", CONNECT, "/actionstep/health/", "/metrics/"):
        canary.see_response(person.browser.get(page))
    for connection in Connection.objects.filter(user=person.user):
        url = reverse(f"{APP}:disconnect", args=[connection.pk])
        canary.see_response(person.browser.get(url))
        canary.see_response(person.browser.post(url))
    canary.see(dict(person.browser.session.items()), person.browser.cookies)


def _watch_attempt(canary: Canary, there: str) -> None:
    attempt = AuthorizationRequest.objects.latest("pk")
    verifier = attempt.open_code_verifier()
    assert verifier is not None
    canary.watch(f"verifier {attempt.pk}", verifier.reveal())
    canary.watch(f"state {attempt.pk}", query(there)["state"])


def _refused_callbacks(canary: Canary) -> None:
    person = Person(raise_request_exception=False)
    error = canary.mark("error-description")
    for parameters in (
        f"?code={canary.mark('code')}&state={canary.mark('state')}",
        f"?error=access_denied&error_description={error}&state={canary.mark('state')}",
        f"?code={canary.mark('code')}&error={error}&state={query(person.start())['state']}",
        f"?iss={error}&code={canary.mark('code')}&state={query(person.start())['state']}",
    ):
        for browser in (person.browser, Client()):
            canary.see_response(browser.get(f"{CALLBACK}{parameters}"))


@contextmanager
def _nothing_fails() -> Generator[None]:
    yield


@contextmanager
def _failing_stores() -> Generator[None]:
    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "sealed_refresh_token" in sql and not sql.startswith("SELECT"):
            raise RuntimeError("the disk is on fire")
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(fail):
        yield


def _see_the_database(canary: Canary) -> None:
    for model in apps.get_models():
        canary.see(list(model._default_manager.values()))
        canary.see(*(model_to_dict(row) for row in model._default_manager.all()))
    out = io.StringIO()
    call_command("dumpdata", stdout=out, verbosity=0)
    canary.see(out.getvalue())


def _held(canary: Canary, **values: Any) -> Connection:
    """Store a connection whose tokens are marked, and whose API is the hostile server."""
    return make_connection(
        make_user(),
        access_token=canary.mark("access-token"),
        refresh_token=canary.mark("refresh-token"),
        api_endpoint=f"{canary.server.url}/api/",
        **values,
    )


@pytest.mark.long
def test_s39_the_python_api_shows_no_secret(canary: Canary) -> None:
    """Each export, good and bad: no log, no error, no traceback with its variables, no repr."""
    with everything_recorded(canary), stamina.set_testing(True, attempts=2):  # Without its pauses.
        for answer in canary.answers():
            for use in USES.values():
                for failing in (_nothing_fails, _failing_stores):
                    connection = _held(canary, **expired())
                    canary.server.script([answer])
                    with failing():
                        _see_use(canary, use, connection)
                    canary.server._script.clear()
                    canary.see(repr(connection), str(connection), vars(connection))
        for use in USES.values():
            _see_use(canary, use, _altered(_held(canary)))
    _see_the_database(canary)
    assert canary.leaks() == []


def _altered(connection: Connection) -> Connection:
    Connection.objects.filter(pk=connection.pk).update(
        sealed_access_token=connection.sealed_refresh_token
    )
    connection.refresh_from_db()
    return connection


def _see_use(canary: Canary, use: Callable[[Connection], object], connection: Connection) -> None:
    try:
        canary.see(repr(use(connection)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at.
        canary.see(repr(error), *traceback.format_exception(error))
        reporter = ExceptionReporter(None, type(error), error, error.__traceback__)
        for frame in reporter.get_traceback_frames():  # What an error page shows of each.
            canary.see(frame["function"], frame["vars"])


def _call(connection: Connection) -> None:
    with api.ActionstepClient(connection) as actionstep:
        actionstep.get("users/current").json()


@async_to_sync
async def _acall(connection: Connection) -> None:
    async with api.AsyncActionstepClient(connection) as actionstep:
        (await actionstep.get("users/current")).json()


def _ask(connection: Connection) -> None:
    api.get_access_token(connection)  # Its answer is a token, by design.


@async_to_sync
async def _aask(connection: Connection) -> None:
    await api.aget_access_token(connection)


@api.actionstep_connection_required(scopes=["timerecords"])
def _view(request: api.ActionstepRequest) -> HttpResponse:
    with api.ActionstepClient(request.actionstep) as actionstep:
        return HttpResponse(actionstep.get("users/current").content)


def _visit(connection: Connection) -> object:
    response: Any = _view(_request_of(connection))
    return response.headers, response.content


def _send(connection: Connection) -> object:
    response = api.redirect_to_connect(_request_of(connection), scopes=["actions"], next="/here/")
    return response.headers, response.content


def _request_of(connection: Connection) -> Any:
    request: Any = RequestFactory().get("/")
    request.user, request.session = connection.user, SessionStore()
    return request


@api.actionstep_task(max_retries=1)  # The others would show the same.
def ask_in_a_task(actionstep: api.ActionstepClient) -> None:
    """Ask who is signed in."""
    actionstep.get("users/current")


def _work(connection: Connection) -> object:
    return ask_in_a_task.apply(kwargs={"connection_id": str(connection.pk)}).get()


def _link(connection: Connection) -> str:
    about = {"deepLinkUrl": "https://go.actionstep.example/"}
    return api.deep_link(about, "view-action", action_id=connection.pk)


USES: dict[str, Callable[[Connection], object]] = {
    "ActionstepClient": _call,
    "AsyncActionstepClient": _acall,
    "actionstep_connection_required": _visit,
    "actionstep_task": _work,
    "adisconnect": async_to_sync(api.adisconnect),
    "aget_access_token": _aask,
    "arefresh": async_to_sync(api.arefresh),
    "deep_link": _link,
    "disconnect": api.disconnect,
    "get_access_token": _ask,
    "redirect_to_connect": _send,
    "refresh": api.refresh,
}
TYPES = {"ActionstepRequest"}


@pytest.mark.parametrize("tag", sorted(template_tags.tags))
def test_s39_template_tags_show_no_secret(canary: Canary, tag: str) -> None:
    """Each tag, for a user whose connection is well, near its limit, failing or ended."""
    template = Template(f"{{% load {APP} %}}{{% {tag} %}}")
    now = datetime.now(UTC)
    states: list[dict[str, Any]] = [
        {},
        {"refresh_token_expires_at": now},
        {"consecutive_failures": 9, "last_error": "status_500"},
        {"status": Status.RECONNECT_REQUIRED, "status_reason": StatusReason.REFUSED},
    ]
    with everything_recorded(canary):
        for state in states:
            request = _request_of(_held(canary, **state))
            canary.see(template.render(RequestContext(request, {"user": request.user})))
    assert canary.leaks() == []


@pytest.mark.parametrize("command", [name for name, runs in COMMANDS.items() if runs])
def test_s39_commands_show_no_secret(
    canary: Canary, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command, whatever the token endpoint says meanwhile."""
    broker = f"amqp://canary:{canary.mark('broker-password')}@127.0.0.1:1//"
    monkeypatch.setattr(current_app.conf, "broker_url", broker)
    with everything_recorded(canary):
        for answer in canary.answers():
            for options in COMMANDS[command]:
                holder = _held(canary, **expired()).user.get_username()
                canary.server.script([answer])
                out = io.StringIO()
                named = {key: holder if it == HOLDER else it for key, it in options.items()}
                try:
                    call_command(command, *named.pop("args", ()), stdout=out, stderr=out, **named)
                except (CommandError, SystemExit) as end:
                    canary.see(end)
                canary.see(out.getvalue())
                canary.server._script.clear()
    _see_the_database(canary)
    assert canary.leaks() == []


def test_s39_no_admin_page_shows_a_secret(canary: Canary) -> None:
    """Every page and action of the admin, found by walking it; searches included."""
    browser = Client(raise_request_exception=False)
    browser.force_login(make_user(is_staff=True, is_superuser=True))
    with everything_recorded(canary):
        for answer in canary.answers()[:4]:
            for url, action in our_admin_actions():
                _held(canary, **expired())
                canary.server.script([answer])
                chosen = list(Connection.objects.values_list("pk", flat=True))
                for confirmed in ({}, {"post": "yes"}):
                    data = {"action": action, "_selected_action": chosen, **confirmed}
                    canary.see_response(browser.post(url, data, follow=True))
                canary.server._script.clear()
        _held(canary)
        for name, is_about_one in our_admin_urls():
            for key in _keys_of(name) if is_about_one else [None]:
                url = reverse(name, args=[key] if key else [])
                canary.see_response(browser.get(url, follow=True))
                canary.see_response(browser.get(url, {"q": "canary"}, follow=True))
                canary.see_response(browser.post(url, follow=True))
    assert canary.leaks() == []


def our_admin_actions() -> Iterator[tuple[str, str]]:
    """Yield the list on which each action of the admin is offered, and the action."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label == APP:
            for action in model_admin.get_actions(request):
                yield reverse(f"admin:{APP}_{model._meta.model_name}_changelist"), action


def _keys_of(name: str) -> list[object]:
    model = apps.get_model(APP, name.split("_")[2])
    return list(model._default_manager.values_list("pk", flat=True))


def test_s39_a_worker_leaves_no_secret(canary: Canary, tmp_path: Path) -> None:
    """A real worker at DEBUG, with results and events: its log, its messages, its results."""
    for _ in range(3):
        _held(canary, **expired())
    canary.server.script(canary.answers()[:3])
    celery = celery_settings(tmp_path)
    sender = Celery("sender", set_as_current=False)
    sender.conf.update(celery)
    _keep_events(sender)
    with running_worker(tmp_path, celery):
        for name in sorted(TASKS):
            sender.send_task(f"{tasks.__name__}.{name}", ignore_result=False)
        deadline = time.monotonic() + TIMEOUT
        while not Heartbeat.objects.exists() or not _succeeded(tmp_path, len(TASKS)):
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
            time.sleep(0.1)
    assert Connection.objects.filter(generation=2).count() == 1
    assert {"task-received", "task-succeeded"} <= _events(tmp_path)
    assert list((tmp_path / "results").iterdir())
    for file in tmp_path.rglob("*"):
        if file.is_file():
            canary.see(file.name, _decoded(file.read_text(errors="replace")))
    _see_the_database(canary)
    assert canary.leaks() == []


def _keep_events(sender: Celery) -> None:
    """Have the broker keep every event, as a monitor such as Flower would be sent them."""
    with sender.connection_for_write() as connection:
        exchange = get_exchange(connection, name=sender.conf.event_exchange)
        queue: Any = Queue  # Which is annotated in part.
        queue(EVENTS, exchange, routing_key="#").bind(connection.default_channel).declare()


def _events(folder: Path) -> set[str]:
    kinds: set[str] = set()
    for file in folder.rglob(f"*.{EVENTS}.msg"):
        told = json.loads(base64.b64decode(json.loads(file.read_text())["body"]))
        kinds |= {event["type"] for event in (told if isinstance(told, list) else [told])}
    return kinds


def _succeeded(folder: Path, count: int) -> bool:
    return (folder / "worker.log").read_text().count(" succeeded in ") >= count


def _decoded(text: str) -> str:
    """Return a message with its base64 body beside it, as a broker's dump shows it."""
    try:
        body = json.loads(text)["body"]
        return f"{text}\n{base64.b64decode(body).decode(errors='replace')}"
    except (ValueError, KeyError, TypeError):
        return text
