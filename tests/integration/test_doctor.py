"""`actionstep_doctor`: names what is wrong, says what to do, shows no secret."""

import io
import json
import re
import ssl
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponseBase
from django.urls import get_urlconf
from pytest_django import Settings

from actionstep_connect.generate_key import generate_key
from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user
from tests.support.free_port import free_ports
from tests.support.hostile_server import HostileServer
from tests.support.with_sites import WITH_SITES, table_of_sites

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parents[2] / "docs" / "doctor.md"


@pytest.fixture
def well(
    sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Generator[Settings]:
    """Return a site with which nothing is wrong."""
    monkeypatch.setattr(current_app.conf, "broker_url", "memory://")
    now = datetime.now(UTC)
    Heartbeat.objects.create(job=MAINTENANCE, started_at=now, finished_at=now, seconds=0.1)
    settings.SESSION_COOKIE_SECURE = True
    change(settings, REDIRECT_URI="https://law.example/actionstep/callback/")
    return settings


def change(settings: Settings, **values: Any) -> None:
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **values}


def run_doctor() -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Return the exit code, and the findings of each part."""
    out, code = io.StringIO(), 0
    try:
        call_command("actionstep_doctor", as_json=True, stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    report = json.loads(out.getvalue())
    assert report["ok"] is (code == 0)
    parts: dict[str, list[dict[str, str]]] = {}
    for finding in report["findings"]:
        assert finding["severity"] == "ok" or finding["hint"]
        parts.setdefault(finding["part"], []).append(finding)
    return code, parts


def result_of(part: str) -> tuple[int, str, str]:
    code, parts = run_doctor()
    return code, parts[part][0]["severity"], parts[part][0]["text"]


def test_a_healthy_site_is_told_so(well: Settings) -> None:
    """Every part is examined and in order, by way of a real token endpoint; the exit code is 0."""
    make_connection(make_user())
    code, parts = run_doctor()
    assert code == 0, parts
    assert set(parts) == {
        "settings", "database", "keys", "authorize endpoint", "token endpoint", "clock", "client credentials",
        "redirect URI", "session cookie", "broker", "maintenance", "connections", "overdue", "limits",
        "reminders", "hooks",
    }  # fmt: skip
    wrong = [f for each in parts.values() for f in each if f["severity"] != "ok"]
    assert [finding["part"] for finding in wrong] in ([], ["broker"])
    assert "1 connected" in parts["connections"][0]["text"]


def test_it_speaks_plain_words(well: Settings) -> None:
    """Without --json each part is a line, and each trouble has what to do under it."""
    change(well, REDIRECT_URI=None)
    out = io.StringIO()
    call_command("actionstep_doctor", stdout=out, no_color=True)
    assert "ok      client credentials: Actionstep accepts CLIENT_ID and CLIENT_SECRET." in (
        out.getvalue()
    )
    assert "→ Set it to what is registered with Actionstep, such as https://your.site/" in (
        out.getvalue()
    )
    assert out.getvalue().endswith("\nErrors: 0. Warnings: 1.\n")


def test_wrong_credentials_are_proved_without_spending_anything(
    well: Settings, sandbox: Sandbox
) -> None:
    """A secret that the real token endpoint refuses is an error, and is not repeated."""
    change(well, CLIENT_SECRET="canary-wrong-secret")
    code, how, text = result_of("client credentials")
    assert (code, how) == (1, "error")
    assert "invalid_client" in text
    assert "canary" not in json.dumps(run_doctor()[1])


def test_an_endpoint_that_is_away_is_named(well: Settings) -> None:
    """Nothing listens there: the endpoint is an error, and the credentials are in doubt."""
    (port,) = free_ports(1)
    change(well, TOKEN_URL=f"http://127.0.0.1:{port}/token")
    code, parts = run_doctor()
    assert code == 1
    assert parts["token endpoint"][0]["severity"] == "error"
    assert parts["client credentials"][0]["severity"] == "warning"


def test_an_authorize_endpoint_that_this_machine_does_not_reach_is_a_warning(
    well: Settings,
) -> None:
    """Users' browsers go there and no worker does: a firewall may well keep this machine from it."""
    (port,) = free_ports(1)
    change(well, AUTHORIZE_URL=f"http://127.0.0.1:{port}/authorize")
    code, parts = run_doctor()
    assert (code, parts["authorize endpoint"][0]["severity"]) == (0, "warning")
    assert "browsers" in parts["authorize endpoint"][0]["hint"]


def test_a_name_that_does_not_exist_is_named(well: Settings) -> None:
    """Where the host is not found, DNS is said to be the matter."""
    change(well, TOKEN_URL="https://actionstep.invalid/token", API_HOSTS=["*.actionstep.invalid"])
    code, how, text = result_of("token endpoint")
    assert (code, how) == (1, "error")
    assert text == "DNS lookup of actionstep.invalid failed."


def test_a_certificate_nobody_signed_is_named(well: Settings, certificate: Path) -> None:
    """Where TLS does not verify, that is said to be the matter, and why."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HostileServer(tls=context) as server:
        change(well, TOKEN_URL=f"{server.url}/token")
        code, how, text = result_of("token endpoint")
        assert server.requests == []
    assert (code, how) == (1, "error")
    assert "certificate" in text
    assert "self-signed" in text


def test_an_endpoint_in_trouble_is_named(well: Settings) -> None:
    """A 5xx is a warning: it is Actionstep's own, and passes."""
    with HostileServer() as server:
        server.answer(status=503)
        change(well, TOKEN_URL=f"{server.url}/token")
        code, parts = run_doctor()
    assert code == 0
    assert parts["token endpoint"][0]["severity"] == "warning"
    assert "(status_503)" in parts["client credentials"][0]["text"]


def test_a_server_that_gives_tokens_to_anybody_is_named(well: Settings) -> None:
    """What answers a made-up refresh token with tokens is not Actionstep."""
    with HostileServer() as server:
        change(well, TOKEN_URL=f"{server.url}/token")
        assert result_of("client credentials")[:2] == (1, "error")


def test_a_wrong_clock_is_named(well: Settings) -> None:
    """The Date header of the endpoints tells how far this machine's clock is off."""
    with HostileServer() as server:
        date = b"Date: Mon, 01 Jan 2024 00:00:00 GMT"
        server.answer(raw=b"HTTP/1.1 400 Bad Request\r\n%b\r\nContent-Length: 0\r\n\r\n" % date)
        change(well, TOKEN_URL=f"{server.url}/token")
        _, parts = run_doctor()
    assert any(finding["severity"] == "error" for finding in parts["clock"])


def test_a_missing_key_is_named(well: Settings) -> None:
    """Rows that the key ring cannot open are an error, with the name of their key."""
    make_connection(make_user())
    change(well, ENCRYPTION_KEYS=[generate_key()])
    code, how, text = result_of("keys")
    assert (code, how) == (1, "error")
    assert re.fullmatch(r"Rows that need key \w{8}, which ENCRYPTION_KEYS lacks: 1\.", text)


def test_a_value_that_nobody_sealed_is_named(well: Settings) -> None:
    """A token that someone put into the database in the clear is an error, and is not shown."""
    row = make_connection(make_user())
    Connection.objects.filter(pk=row.pk).update(sealed_access_token="canary-token")
    code, how, text = result_of("keys")
    assert (code, how) == (1, "error")
    assert "did not seal: 1." in text


def test_a_maintenance_that_does_not_run_is_named(well: Settings) -> None:
    """No heartbeat, or an old one, is an error, for connections will be lost."""
    Heartbeat.objects.update(finished_at=datetime.now(UTC) - timedelta(hours=2))
    assert result_of("maintenance")[:2] == (1, "error")
    Heartbeat.objects.all().delete()
    assert result_of("maintenance") == (
        *(1, "error"),
        "It has never run, so nothing is renewed.",
    )


@pytest.mark.parametrize(
    ("stopped_by", "expected"),
    [
        ("client_rejected", (1, "error")),
        ("refusals", (1, "error")),
        ("keys", (1, "error")),
        ("outage", (0, "warning")),
        ("database", (0, "warning")),
        ("threads", (0, "warning")),
        ("time", (0, "ok")),
        ("shutdown", (0, "ok")),
        ("", (0, "ok")),
    ],
)
def test_why_maintenance_stopped_is_named(
    well: Settings, stopped_by: str, expected: tuple[int, str]
) -> None:
    """What needs someone is an error, what passes a warning, and what is usual neither."""
    Heartbeat.objects.update(summary={"stopped_by": stopped_by})
    assert result_of("maintenance")[:2] == expected


def test_what_waits_too_long_and_what_expires_is_counted(well: Settings) -> None:
    """The oldest overdue refresh is an error; limits near enough to be flagged are a warning."""
    soon = datetime.now(UTC) + timedelta(days=3)
    make_connection(make_user(), **expired(refresh_token_expires_at=soon))
    code, parts = run_doctor()
    assert code == 1
    assert "15 minutes" in parts["overdue"][0]["text"].replace("\xa0", " ")
    assert "of 1 connection expire within 1 week" in parts["limits"][0]["text"].replace("\xa0", " ")
    change(well, WARN_BEFORE=timedelta(days=2))
    assert result_of("limits")[1] == "ok"


def test_what_waits_for_an_outage_to_pass_is_a_warning(well: Settings) -> None:
    """While Actionstep is away, runs end before all that is due was tried: no fault of the site's."""
    Heartbeat.objects.update(summary={"stopped_by": "outage"})
    make_connection(make_user(), **expired())
    code, how, text = result_of("overdue")
    assert (code, how) == (0, "warning")
    assert "outage at Actionstep" in text


def test_what_fails_and_what_is_orphaned_is_counted(well: Settings) -> None:
    """Failing refreshes are a warning with what failed most, and so are those of another client id."""
    trouble = "Actionstep's token endpoint failed (503)."
    for number in range(3):
        last_error = trouble if number else "Something else."
        make_connection(make_user(), consecutive_failures=1, last_error=last_error)
    make_connection(make_user(), client_id="the-former-one")
    code, parts = run_doctor()
    assert code == 0
    assert parts["failures"][0]["text"] == (
        f"The last refresh of 3 connections failed, most often so: {trouble}"
    )
    assert parts["connections"][1]["text"] == (
        "Made for another CLIENT_ID, and not refreshed: 1 connection."
    )


def test_a_strict_session_cookie_is_named(well: Settings) -> None:
    """With same-site Strict no one comes back signed in."""
    well.SESSION_COOKIE_SAMESITE = "Strict"
    assert result_of("session cookie")[:2] == (1, "error")


def test_a_redirect_uri_that_leads_elsewhere_is_named(well: Settings) -> None:
    """It must end where the site's own URLs have the callback."""
    change(well, REDIRECT_URI="https://law.example/oauth/callback/")
    code, how, text = result_of("redirect URI")
    assert (code, how) == (1, "error")
    assert "the callback is at /actionstep/callback/" in text


def test_urls_that_are_not_included_are_named(well: Settings) -> None:
    """A site that forgot to include this package's URLs is told so."""
    urls: Any = ModuleType("urls")
    urls.urlpatterns = []
    well.ROOT_URLCONF = urls
    assert result_of("redirect URI")[:2] == (1, "error")


def by_host(get_response: Any) -> Any:
    """Set a URLconf of its own for `app.law.example`, as django-hosts does."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.get_host() == "app.law.example":
            request.urlconf = "tests.urls"
        return cast("HttpResponseBase", get_response(request))

    return middleware


def test_urls_of_another_host_are_looked_for_there(well: Settings) -> None:
    """Where each host has a URLconf of its own, the one of REDIRECT_URI's host is asked."""
    urls: Any = ModuleType("urls")
    urls.urlpatterns = []
    well.ROOT_URLCONF = urls
    well.ALLOWED_HOSTS = [".law.example"]
    well.MIDDLEWARE = [f"{__name__}.by_host", *well.MIDDLEWARE]
    change(well, REDIRECT_URI="https://app.law.example/actionstep/callback/")
    assert result_of("redirect URI")[:2] == (0, "ok")
    for wrong in ("https://www.law.example/actionstep/callback/", "https://app.law.example/else/"):
        change(well, REDIRECT_URI=wrong)
        code, how, text = result_of("redirect URI")
        assert (code, how) == (1, "error")
        assert "does not include the package's URLs" in text
    assert get_urlconf() is None


def test_a_database_without_our_tables_is_named(well: Settings) -> None:
    """Before `migrate`, that is what is missing."""
    MigrationRecorder(connection).migration_qs.filter(app="actionstep_connect").delete()
    code, how, text = result_of("database")
    assert (code, how) == (1, "error")
    assert "tables of this package are missing" in text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_said_once(
    well: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One error with what to do; nothing is said of what is stored, and the rest is examined."""
    connection.close()
    nowhere = {"HOST": "127.0.0.1", "PORT": "1"}
    if connection.vendor == "sqlite":
        nowhere = {"NAME": str(tmp_path / "no-folder" / "db")}
    for name, value in nowhere.items():
        monkeypatch.setitem(connection.settings_dict, name, value)
    code, parts = run_doctor()
    assert code == 1
    (finding,) = parts["database"]
    assert "does not answer (OperationalError)" in finding["text"]
    wrong = [f for each in parts.values() for f in each if f["severity"] != "ok"]
    # What Celery app this process has depends on the tests before.
    assert [f["part"] for f in wrong if f["part"] != "broker"] == ["database"]
    assert {"token endpoint", "client credentials", "redirect URI", "broker"} <= set(parts)
    assert not {"keys", "maintenance", "connections", "overdue", "limits", "reminders"} & set(parts)


def test_a_redirect_uri_on_a_host_that_is_not_allowed_is_named(well: Settings) -> None:
    """Django would refuse every user who comes back there."""
    well.ALLOWED_HOSTS = ["www.law.example"]
    code, how, text = result_of("redirect URI")
    assert (code, how) == (0, "warning")
    assert "leads to law.example, which ALLOWED_HOSTS lacks" in text
    well.ALLOWED_HOSTS = [".law.example"]
    assert result_of("redirect URI")[1] == "ok"
    well.PREPEND_WWW = True
    assert "PREPEND_WWW leads on to www.law.example" in result_of("redirect URI")[2]


@pytest.mark.django_db(transaction=True)
def test_a_redirect_uri_of_another_site_is_named(well: Settings) -> None:
    """Where django.contrib.sites knows this site by another host, that is said."""
    well.INSTALLED_APPS = WITH_SITES
    well.SITE_ID = 1
    with table_of_sites() as sites:
        sites.objects.create(pk=1, domain="other.example", name="Law")
        _, how, text = result_of("redirect URI")
        assert how == "warning"
        assert "the current site of django.contrib.sites is other.example" in text
        sites.objects.update(domain="law.example")
        sites.objects.clear_cache()
        assert result_of("redirect URI")[1] == "ok"


def test_a_broker_that_is_away_is_named_without_its_password(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a warning only, because a site may use cron."""
    monkeypatch.setattr(current_app.conf, "broker_url", "amqp://user:canary@127.0.0.1:1//")
    assert result_of("broker") == (
        *(0, "warning"),
        "Celery's broker cannot be reached (OperationalError).",
    )


def test_a_site_without_celery_is_told_so(well: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery's own guess at a broker is not taken for the site's."""
    monkeypatch.setattr(current_app.conf, "broker_url", None)
    code, how, text = result_of("broker")
    assert (code, how) == (0, "warning")
    assert "No Celery broker is configured" in text


def test_a_part_that_cannot_be_examined_is_named_and_the_rest_is_examined(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that are unavailable are an error, without what their vault said."""
    change(well, ENCRYPTION_KEYS=f"{__name__}.a_vault_that_is_away")
    code, parts = run_doctor()
    assert code == 1
    assert parts["keys"][0]["severity"] == "error"
    assert parts["client credentials"][0]["severity"] == "ok"
    assert "canary" not in json.dumps(parts)


def a_vault_that_is_away() -> list[str]:
    """Stand where a site's own callable fails."""
    raise ConnectionError("canary://user:canary@vault.example")


def test_wrong_settings_are_all_that_is_said(well: Settings) -> None:
    """Where the settings cannot be read, each problem is named with its cure, and nothing is sent."""
    change(well, PKCE="canary", NONSENSE=1)
    code, parts = run_doctor()
    assert code == 1
    assert set(parts) == {"settings"}
    assert len(parts["settings"]) == 2


def test_each_part_is_documented(well: Settings) -> None:
    """`docs/doctor.md` has each part that a site can hear of, and no other."""
    make_connection(make_user(), consecutive_failures=1, last_error="status_503")
    table = re.findall(r"^\| (`.+?) \|", DOCUMENT.read_text(), re.MULTILINE)
    # Of its queue a site hears where a worker runs.
    assert set(re.findall(r"`(.+?)`", " ".join(table))) == {*run_doctor()[1], "queue"}


def test_whether_users_can_be_reminded(well: Settings) -> None:
    """Off, on with an address, on without one, and held up by a mail server: each is said."""
    assert result_of("reminders")[1:] == (
        "ok",
        "NOTIFY_USERS is off: users learn on the site what needs them.",
    )
    change(well, NOTIFY_USERS=True)
    assert "https://law.example." in result_of("reminders")[2]
    make_connection(make_user(), remind_at=datetime.now(UTC) + timedelta(minutes=4))
    assert result_of("reminders")[1:] == (
        "warning",
        "E-mails put off because the mail server, or a template, failed: 1.",
    )
    change(well, REDIRECT_URI=None)
    assert "set REDIRECT_URI" in run_doctor()[1]["reminders"][1]["text"]
