"""Reminders by e-mail: at most one for each cause, and no refresh ever waits for a mail server."""

import logging
import re
import threading
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import OperationalError
from django.db import connection as database
from django.template import Origin
from django.template.loaders.base import Loader
from django.test import Client
from django.urls import path, reverse
from django.utils import translation
from pytest_django import Settings

from actionstep_connect.exceptions import NotReminded, ReconnectRequired
from actionstep_connect.flows.flag import flag_expiring
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh import refresh_now
from actionstep_connect.flows.remind import delivery, remind, send_reminders
from actionstep_connect.models import Connection, EventKind, Heartbeat
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    kinds,
    make_connection,
    make_user,
    near_limit,
    sandbox_connection,
    sandbox_connections,
)
from tests.support.mail_server import DROP, HANG, MailServer
from tests.support.person import Person, words
from tests.support.sandbox import fault
from tests.support.site_processes import (
    COMMAND,
    celery_worker,
    order_maintenance,
    pause,
    running_site,
)
from tests.support.threads import together
from tests.support.with_sites import WITH_SITES, table_of_sites

pytestmark = pytest.mark.django_db(transaction=True)

SITE = "https://law.example"


NOTIFYING = {"NOTIFY_USERS": True, "REDIRECT_URI": f"{SITE}/actionstep/callback/"}


@pytest.fixture(autouse=True)
def notifying(settings: Settings) -> None:
    """Let the site e-mail its users."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **NOTIFYING}


@pytest.fixture
def sandbox(sandbox: Sandbox, settings: Settings) -> Sandbox:
    """Return the sandbox of a site that e-mails its users; the plugin forgets where the site is."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **NOTIFYING}
    return sandbox


@pytest.fixture
def mail_server(settings: Settings) -> Generator[MailServer]:
    """Start a mail server for the site."""
    with MailServer() as server:
        for name, value in server.settings().items():
            setattr(settings, name, value)
        yield server


def needing(**values: Any) -> Connection:
    """Store a connection that only its user can bring back."""
    return make_connection(
        make_user(first_name="Priya"),
        **{
            "status": "reconnect_required",
            "status_reason": "refused",
            "refresh_at": None,
            **values,
        },
    )


def queued(count: int = 1, **values: Any) -> list[Connection]:
    """Store connections whose users are to be reminded."""
    connections = [needing(**values) for _ in range(count)]
    for each in connections:
        remind(each)
    return connections


def give_addresses(*connections: Connection) -> None:
    """Set an address for each one's user, because the sandbox's fleet has none."""
    for each in connections:
        User.objects.filter(pk=each.user_id).update(email=f"{each.user_id}@law.example")


def letters() -> list[EmailMultiAlternatives]:
    return [each for each in mail.outbox if isinstance(each, EmailMultiAlternatives)]


def later(**delay: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**delay), tick=True)


def test_a_refused_connections_user_is_told_once(sandbox: Sandbox) -> None:
    """One e-mail with the link for this ending, however many runs follow."""
    connection = sandbox_connection(sandbox, **expired())
    give_addresses(connection)
    sandbox.post("sandbox/revoke", user="priya")
    for _ in range(3):
        maintain()
    (letter,) = letters()
    assert letter.to == [f"{connection.user_id}@law.example"]
    assert letter.subject == "Action needed: reconnect Actionstep (acmelaw)"
    assert f"{SITE}/actionstep/connect/?orgkey=acmelaw" in letter.body
    assert kinds(connection) == [EventKind.RECONNECT_REQUIRED, EventKind.REMINDED]


def test_a_flagged_connections_user_is_told_once_for_each_refresh_token(sandbox: Sandbox) -> None:
    """Flagged, still flagged: one e-mail; renewed and near its limit again: another."""
    connection = sandbox_connection(sandbox, **near_limit())
    give_addresses(connection)
    fault(sandbox, "status_503", times=None)
    for minutes in (0, 1, 30):
        with later(minutes=minutes):
            maintain()
    assert len(letters()) == 1
    sandbox.delete("sandbox/faults")
    sandbox.post("sandbox/options", refresh_token_lifetime=10**8)
    with later(hours=2):
        maintain()
    connection.refresh_from_db()
    assert connection.flagged_at is None
    fault(sandbox, "status_503", times=None)
    for days in (15, 15.01):
        with later(days=days):
            maintain()
    assert len(letters()) == 2
    assert all("Please reconnect" in letter.subject for letter in letters())


def test_an_admins_second_try_is_no_second_cause(sandbox: Sandbox) -> None:
    """A connection that is refused again has not ended again: no event, no e-mail."""
    connection = sandbox_connection(sandbox, **expired())
    give_addresses(connection)
    sandbox.post("sandbox/revoke", user="priya")
    maintain()
    connection.refresh_from_db()
    with pytest.raises(ReconnectRequired):
        refresh_now(connection, even_if_refused=True)
    maintain()
    assert len(letters()) == 1
    assert kinds(connection).count(EventKind.RECONNECT_REQUIRED) == 1


def test_another_organisation_twice_is_no_second_cause(sandbox: Sandbox) -> None:
    """An admin's second try that connects a different organisation again says nothing new."""
    connection = sandbox_connection(sandbox, **expired())
    give_addresses(connection)
    fault(sandbox, "members", changes={"orgkey": "somebody-elses"}, times=None)
    maintain()
    connection.refresh_from_db()
    with pytest.raises(ReconnectRequired):
        refresh_now(connection, even_if_refused=True)
    maintain()
    (letter,) = letters()
    assert "choose this organisation in Actionstep" in letter.body
    assert kinds(connection).count(EventKind.RECONNECT_REQUIRED) == 1


def test_an_ending_on_demand_is_told_by_the_next_run(sandbox: Sandbox) -> None:
    """A page that learns of the refusal sends nothing itself: no visitor waits for a mail server."""
    connection = sandbox_connection(sandbox, **expired())
    give_addresses(connection)
    sandbox.post("sandbox/revoke", user="priya")
    with pytest.raises(ReconnectRequired):
        refresh_now(connection)
    assert not mail.outbox
    maintain()
    assert len(letters()) == 1


def test_nobody_is_told_where_the_site_does_not_say_so(
    sandbox: Sandbox, settings: Settings
) -> None:
    """With NOTIFY_USERS off nothing is queued or sent."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "NOTIFY_USERS": False}
    connection = sandbox_connection(sandbox, **expired())
    give_addresses(connection)
    sandbox.post("sandbox/revoke", user="priya")
    maintain()
    connection.refresh_from_db()
    assert (connection.status, connection.remind_at) == ("reconnect_required", None)
    assert not mail.outbox


def test_a_fleet_refused_at_once_is_not_told(sandbox: Sandbox) -> None:
    """Twenty refusals in a row are more likely the site's fault: no user is asked to fix it."""
    connections = sandbox_connections(sandbox, 25, **expired())
    give_addresses(*connections)
    sandbox.post("sandbox/revoke", user="priya")
    for _ in range(2):
        maintain()
    assert Connection.objects.filter(status="reconnect_required").count() >= 20
    assert not mail.outbox


@pytest.mark.parametrize(
    ("user", "code"),
    [({"is_active": False}, "inactive_user"), ({"email": ""}, "no_address")],
)
def test_whom_no_email_can_reach(sandbox: Sandbox, user: dict[str, Any], code: str) -> None:
    """An inactive user, or one without an address, gets nothing; anyone who asks is told why."""
    connection = sandbox_connection(sandbox, **expired())
    give_addresses(connection)
    User.objects.update(**user)
    sandbox.post("sandbox/revoke", user="priya")
    maintain()
    assert not mail.outbox
    with pytest.raises(NotReminded) as raised:
        remind(Connection.objects.get())
    assert raised.value.code == code


def test_a_healthy_connection_is_not_reminded() -> None:
    """No one is asked to fix what works, or what they ended themselves."""
    for values in ({}, {"status": "disconnected"}):
        with pytest.raises(NotReminded) as raised:
            remind(make_connection(make_user(), **values))
        assert raised.value.code == "not_needed"


def test_what_was_mended_meanwhile_is_not_sent() -> None:
    """A user who reconnected before the e-mail went out gets none, and the queue is empty."""
    (connection,) = queued()
    Connection.objects.update(status="connected", status_reason="")
    assert send_reminders() == 0
    connection.refresh_from_db()
    assert connection.remind_at is None
    assert not mail.outbox


def test_a_reminder_may_be_asked_for_whatever_the_site_does_by_itself(settings: Settings) -> None:
    """An admin's request is sent also where NOTIFY_USERS is off."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "NOTIFY_USERS": False}
    queued()
    maintain()
    assert len(letters()) == 1


def test_two_workers_send_one(mail_server: MailServer) -> None:
    """Rounds at the same time share the queue: each reminder goes out once."""
    connections = queued(10)
    together(send_reminders, 3)
    sent_to = sorted(str(letter["To"]) for letter in mail_server.letters)
    assert sent_to == sorted(each.user.email for each in connections)


def test_two_workers_flag_one_cause(sandbox: Sandbox) -> None:
    """Of those that see the same connection near its limit, one flags it and asks for its reminder."""
    connection = sandbox_connection(
        sandbox, **near_limit(refresh_at=datetime(2099, 1, 1, tzinfo=UTC))
    )
    give_addresses(connection)
    together(flag_expiring, 3)
    assert kinds(connection) == [EventKind.FLAGGED]
    assert send_reminders() == 1


def test_a_deadlocks_victim_is_queued_all_the_same() -> None:
    """MySQL ends one of two statements that wait for each other; it is repeated."""
    failed: list[str] = []

    def fail_once(run: Any, sql: str, *arguments: Any) -> Any:
        if not failed and sql.startswith("UPDATE") and "remind_at" in sql:
            failed.append(sql)
            raise OperationalError("Deadlock found when trying to get lock")
        return run(sql, *arguments)

    with database.execute_wrapper(fail_once):
        queued()
    assert failed
    assert send_reminders() == 1


def test_a_reminder_taken_by_a_worker_that_died_is_not_sent_again(mail_server: MailServer) -> None:
    """No one knows whether a lost answer meant yes: one e-mail too few, never one too many."""
    queued()
    mail_server.script([DROP])
    send_reminders()
    with later(hours=1):
        assert send_reminders() == 0
    assert not mail_server.letters


def test_a_mail_server_that_says_later_is_asked_later(
    mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Greylisted or throttled: the e-mail waits, the others go, and it goes some minutes after."""
    first, second = queued(2)
    mail_server.script(["451 4.7.1 greylisted <canary@law.example>"])
    assert send_reminders() == 1
    assert send_reminders() == 0
    with later(minutes=6):
        assert send_reminders() == 1
    addresses = [str(letter["To"]) for letter in mail_server.letters]
    assert addresses == [second.user.email, first.user.email]
    assert "reminder_failed" in caplog.text
    assert "law.example" not in caplog.text


def test_a_mail_server_that_says_never_is_not_asked_again(mail_server: MailServer) -> None:
    """An address that does not exist holds up no one else."""
    queued(2)
    mail_server.script(["550 5.1.1 no such user"])
    assert send_reminders() == 1
    with later(hours=1):
        assert send_reminders() == 0


def test_a_mail_server_that_closes_keeps_its_e_mail_in_the_queue(mail_server: MailServer) -> None:
    """421: nothing was taken, and all of it goes when the server is back."""
    queued(3)
    mail_server.script(["421 4.3.2 shutting down"])
    assert send_reminders() == 0
    with later(minutes=6):
        assert send_reminders() == 3
    assert len(mail_server.letters) == 3


def test_a_mail_server_that_is_away_loses_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """No one listens: what is queued goes once someone does."""
    with MailServer() as gone:
        for name, value in gone.settings().items():
            setattr(settings, name, value)
    queued(2)
    maintain()
    assert "mail_server_failed error=ConnectionRefusedError" in caplog.text
    assert Connection.objects.filter(remind_at__gt=datetime.now(UTC)).count() == 2
    with MailServer() as back, later(minutes=6):
        for name, value in back.settings().items():
            setattr(settings, name, value)
        maintain()
        assert len(back.letters) == 2


@pytest.mark.parametrize("when", ["greeting", "taking"])
def test_a_mail_server_that_hangs_holds_up_no_refresh(
    sandbox: Sandbox, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Every token is stored and the heartbeat left before the first e-mail, and the wait is short."""
    monkeypatch.setattr(delivery, "TIMEOUT", 0.5)
    connections = sandbox_connections(sandbox, 3, **expired())
    give_addresses(*connections)
    queued(3)
    if when == "greeting":
        mail_server.is_silent = True
    else:
        mail_server.script([HANG])
    begun = time.monotonic()
    for _ in range(2):
        assert maintain().stopped_by is None
    assert time.monotonic() - begun < 30
    assert Connection.objects.filter(generation=2).count() == 3
    assert Heartbeat.objects.exists()
    waiting = Connection.objects.exclude(remind_at=None)
    assert waiting.count() == (3 if when == "greeting" else 2)
    hanging = [each for each in threading.enumerate() if each.name == "actionstep-mail"]
    assert len(hanging) == 1
    mail_server.closing.set()
    hanging[0].join(20)


@pytest.mark.parametrize("started_by", ["cron", "celery"])
def test_a_sites_own_process_sends_it(
    sandbox: Sandbox, mail_server: MailServer, tmp_path: Path, started_by: str
) -> None:
    """A command or a worker, without any request, refreshes in vain and tells the user."""
    connection = sandbox_connection(sandbox, **expired())
    give_addresses(connection)
    sandbox.post("sandbox/revoke", user="priya")
    command = COMMAND if started_by == "cron" else celery_worker("threads")
    order_maintenance(tmp_path)
    with running_site(tmp_path, *command, mail=mail_server.settings()) as process:
        until = time.monotonic() + 60
        while not mail_server.letters and time.monotonic() < until:
            pause(0.2)
        process.terminate()
        process.wait(60)
    (letter,) = mail_server.letters
    assert letter["To"] == f"{connection.user_id}@law.example"
    body = letter.get_body(("plain",))
    assert body is not None
    assert f"{SITE}/actionstep/connect/?orgkey=acmelaw" in body.get_content()


def test_a_command_ends_although_the_mail_server_hangs(
    mail_server: MailServer, tmp_path: Path
) -> None:
    """Cron's next process is not kept waiting by one that hangs: it waits a while, and is gone."""
    queued()
    mail_server.is_silent = True
    with running_site(tmp_path, *COMMAND, mail=mail_server.settings()) as process:
        assert process.wait(60) == 0, process.log.read_text()
    assert Connection.objects.filter(remind_at__gt=datetime.now(UTC)).count() == 1
    assert "mail_server_failed" in process.log.read_text()


def test_an_e_mail_says_what_why_and_how(settings: Settings) -> None:
    """It names person, organisation and site, in text and HTML alike, and no machine answers it."""
    queued(orgkey="smith&sons")
    send_reminders()
    (letter,) = letters()
    link = f"{SITE}/actionstep/connect/?orgkey=smith%26sons"
    for part in ("Hello Priya,", "Actionstep has ended it.", "law.example", link):
        assert part in letter.body
    assert "smith&sons" in f"{letter.subject} {letter.body}"
    ((html, kind),) = letter.alternatives
    assert kind == "text/html"
    assert isinstance(html, str)
    assert f'href="{link}"' in html
    assert "Reconnect smith&amp;sons" in html
    assert letter.extra_headers == {"Auto-Submitted": "auto-generated"}
    assert not re.search(r"token|sealed", f"{letter.body} {html}")


def test_a_letter_before_the_limit_says_until_when() -> None:
    """A date while there is one ahead; past it, that it may expire at any moment."""
    near = datetime(2099, 3, 4, tzinfo=UTC)
    with time_machine.travel(near - timedelta(days=2), tick=True):
        remind(make_connection(make_user(), refresh_token_expires_at=near))
        send_reminders()
    with time_machine.travel(near + timedelta(days=2), tick=True):
        remind(make_connection(make_user(), refresh_token_expires_at=near))
        send_reminders()
    before, after = letters()
    assert "expires on March 4, 2099 unless you reconnect." in before.body
    assert "may expire at any moment unless you reconnect." in after.body


def test_the_link_leads_to_reconnecting_that_very_organisation() -> None:
    """Anyone who follows it signs in, and is asked to reconnect this one."""
    (connection,) = queued(orgkey="harbourlegal")
    send_reminders()
    (link,) = re.findall(rf"{SITE}(/actionstep/connect/\S+)", str(letters()[0].body))
    page = Person(connection.user).browser.get(link)
    assert "Reconnect harbourlegal" in words(page)


def test_a_site_replaces_subject_and_texts(settings: Settings) -> None:
    """Its own templates may extend this package's block by block, even into each user's own language."""
    ours = "actionstep_connect/email/reminder"
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [
                    (
                        "django.template.loaders.locmem.Loader",
                        {
                            f"{ours}_subject.txt": "Renew\n {{ connection.orgkey }}\n",
                            f"{ours}.txt": f'{{% extends "{ours}.txt" %}}{{% block content %}}'
                            "Dear {{ user.username }}: {{ block.super }}{% endblock %}",
                        },
                    ),
                    "django.template.loaders.app_directories.Loader",
                ]
            },
        }
    ]
    (connection,) = queued()
    send_reminders()
    (letter,) = letters()
    assert letter.subject == "Renew acmelaw"
    assert letter.body.startswith(f"Dear {connection.user.get_username()}: Hello Priya,")


def test_a_template_that_fails_loses_no_reminder(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Once the site has fixed its template, the reminder goes out."""
    broken = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [],
            "APP_DIRS": False,
        }
    ]
    mended, settings.TEMPLATES = settings.TEMPLATES, broken
    queued()
    assert send_reminders() == 0
    assert "reminder_failed" in caplog.text
    settings.TEMPLATES = mended
    with later(minutes=6):
        assert send_reminders() == 1


class OvertakenLoader(Loader):
    """Finds no template, and while it looks another worker, which has them, sends all e-mails."""

    def get_template_sources(self, template_name: str) -> Iterator[Origin]:
        Connection.objects.update(remind_at=None)
        yield from ()


def test_a_worker_without_templates_repeats_nothing_that_another_sent(settings: Settings) -> None:
    """What was claimed meanwhile does not return to the queue."""
    engine = "django.template.backends.django.DjangoTemplates"
    loaders = [f"{__name__}.OvertakenLoader"]
    settings.TEMPLATES = [{"BACKEND": engine, "OPTIONS": {"loaders": loaders}}]
    (connection,) = queued()
    assert send_reminders() == 0
    connection.refresh_from_db()
    assert connection.remind_at is None


def test_a_connection_that_was_renewed_meanwhile_is_not_reminded() -> None:
    """Anyone who asks on the strength of an older row is told that there is no need any more."""
    connection = needing()
    Connection.objects.update(generation=2, status="connected")
    with pytest.raises(NotReminded) as raised:
        remind(connection)
    assert raised.value.code == "not_needed"


def test_who_reconnects_while_others_are_e_mailed_is_not_reminded() -> None:
    """A round that has read the queue looks again before each e-mail."""
    first, second = queued(2)

    def reconnect(run: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("UPDATE") and "remind_at" in sql:
            others = Connection.objects.filter(pk=second.pk, generation=1)
            others.update(generation=2, status="connected", status_reason="")
        return run(sql, *arguments)

    with database.execute_wrapper(reconnect):
        assert send_reminders() == 1
    assert [letter.to for letter in letters()] == [[first.user.email]]
    send_reminders()
    assert not Connection.objects.exclude(remind_at=None).exists()


def test_a_connection_of_another_environment_is_not_reminded() -> None:
    """This site's runs would never send it; anyone who asks is told."""
    with pytest.raises(NotReminded) as raised:
        remind(needing(environment="staging"))
    assert raised.value.code == "other_environment"


@pytest.mark.parametrize(
    "address", ["ann@law.example, bob@law.example", "ann@", "ann\nb@law.example"]
)
def test_a_malformed_address_holds_nobody_else_up(mail_server: MailServer, address: str) -> None:
    """There is nowhere to write to, and no try that would find out; the others go."""
    bad, good = queued(2)
    User.objects.filter(pk=bad.user_id).update(email=address)
    assert send_reminders() == 1
    assert [str(letter["To"]) for letter in mail_server.letters] == [good.user.email]
    assert not Connection.objects.exclude(remind_at=None).exists()


def test_the_language_is_the_sites(settings: Settings) -> None:
    """Whatever another task left active in this thread; Django's own words show it in the date."""
    settings.LANGUAGE_CODE = "de"
    limit = datetime(2099, 3, 4, tzinfo=UTC)
    with translation.override("fr"), time_machine.travel(limit - timedelta(days=2), tick=True):
        remind(make_connection(make_user(), refresh_token_expires_at=limit))
        send_reminders()
    (letter,) = letters()
    assert "4. März 2099" in letter.body
    ((html, _),) = letter.alternatives
    assert '<html lang="de">' in str(html)


@pytest.mark.parametrize(
    ("redirect_uri", "expected"),
    [
        (f"{SITE}/actionstep/callback/", SITE),
        (f"{SITE}/mounted/here/actionstep/callback/", f"{SITE}/mounted/here"),
        (f"{SITE}/moved-by-a-proxy/", SITE),
        ("http://localhost:8000/actionstep/callback/", "http://localhost:8000"),
    ],
)
def test_where_links_lead_without_a_request(
    settings: Settings, redirect_uri: str, expected: str
) -> None:
    """REDIRECT_URI says where the site is, and where it is mounted."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": redirect_uri}
    queued()
    send_reminders()
    assert f"\n{expected}/actionstep/connect/?orgkey=acmelaw\n" in letters()[0].body


class OtherHost:
    """A URLconf without this package's URLs, which another host's has."""

    urlpatterns = (path("admin/", admin.site.urls),)


def test_links_come_from_redirect_uri_where_only_it_knows_the_urls(
    settings: Settings, admin_client: Client
) -> None:
    """With a URLconf for each host, the worker's e-mail and the one an admin sends lead to the right one."""
    settings.ROOT_URLCONF = OtherHost
    uri = f"{SITE}/mounted/actionstep/callback/"
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": uri}
    (connection,) = queued()
    send_reminders()
    assert f"\n{SITE}/mounted/actionstep/connect/?orgkey=acmelaw\n" in letters()[0].body
    page = reverse("admin:actionstep_connect_connection_change", args=[connection.pk])
    assert admin_client.get(page).status_code == 200


@pytest.mark.parametrize(
    ("domain", "expected"),
    [("law.example", SITE), ("localhost:8000", "http://localhost:8000"), ("example.com", "")],
)
def test_django_contrib_sites_says_it_where_redirect_uri_does_not(
    settings: Settings, domain: str, expected: str
) -> None:
    """The current site's domain serves, but not the one that Django makes up."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": None}
    settings.INSTALLED_APPS = WITH_SITES
    settings.SITE_ID = 1
    with table_of_sites() as sites:
        connection = needing()
        with pytest.raises(NotReminded, match="SITE_ID"):
            remind(connection)
        sites.objects.create(pk=1, domain=domain, name="Law")
        if expected:
            remind(connection)
            assert send_reminders() == 1
            assert f"\n{expected}/actionstep/connect/?orgkey=acmelaw\n" in letters()[0].body
        else:
            with pytest.raises(NotReminded, match="still called"):
                remind(connection)


def test_without_any_address_of_the_site_whoever_asks_is_told(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A link that leads nowhere is not sent; the error says what to set."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": None}
    with pytest.raises(NotReminded, match="set REDIRECT_URI") as raised:
        remind(needing())
    assert raised.value.code == "no_site_url"


def test_a_reminder_that_no_link_can_be_given_is_an_error_in_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The site's settings were broken while it waited: no one else would ever tell the admin."""
    queued()
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REDIRECT_URI": None}
    assert send_reminders() == 0
    (record,) = [each for each in caplog.records if "not_reminded" in each.getMessage()]
    assert record.levelno == logging.ERROR
    assert "outcome=no_site_url" in record.getMessage()


def test_no_log_names_an_address(caplog: pytest.LogCaptureFixture) -> None:
    """What is logged names the connection only."""
    caplog.set_level(logging.DEBUG)
    queued()
    queued(orgkey="other")
    User.objects.filter(username__contains="user").update(first_name="")
    send_reminders()
    assert "@law.example" not in caplog.text
