"""`actionstep_doctor`: names what is wrong, says what to do, shows no secret."""

import io
import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.core.management import call_command
from pytest_django import Settings

from actionstep_connect.crypto import generate_key
from actionstep_connect.models import Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.testing import Sandbox
from tests.connections import expired, make_connection, make_user
from tests.free_port import free_ports
from tests.hostile_server import HostileServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(
    sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Generator[Settings]:
    """Give a site with which nothing is wrong."""
    monkeypatch.setattr(current_app.conf, "broker_url", "memory://")
    now = datetime.now(UTC)
    Heartbeat.objects.create(job=MAINTENANCE, started_at=now, finished_at=now, seconds=0.1)
    settings.SESSION_COOKIE_SECURE = True
    change(settings, REDIRECT_URI="https://law.example/actionstep/callback/")
    return settings


def change(settings: Settings, **values: Any) -> None:
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **values}


def examine() -> tuple[int, dict[str, list[dict[str, str]]]]:
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
        assert finding["verdict"] == "ok" or finding["what_to_do"]
        parts.setdefault(finding["part"], []).append(finding)
    return code, parts


def verdict(part: str) -> tuple[int, str, str]:
    code, parts = examine()
    return code, parts[part][0]["verdict"], parts[part][0]["text"]


def test_a_healthy_site_is_told_so(well: Settings) -> None:
    """Every part is examined and in order, by way of a real token endpoint; the exit code is 0."""
    make_connection(make_user())
    code, parts = examine()
    assert code == 0, parts
    assert set(parts) == {
        "settings", "keys", "authorize endpoint", "token endpoint", "clock", "client credentials",
        "redirect URI", "session cookie", "broker", "maintenance", "connections", "overdue", "limits",
    }  # fmt: skip
    wrong = [f for each in parts.values() for f in each if f["verdict"] != "ok"]
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
    assert "→ Set it to the address registered with Actionstep" in out.getvalue()


def test_wrong_credentials_are_proved_without_spending_anything(
    well: Settings, sandbox: Sandbox
) -> None:
    """A secret that the real token endpoint refuses is an error, and is not repeated."""
    change(well, CLIENT_SECRET="canary-wrong-secret")
    code, how, text = verdict("client credentials")
    assert (code, how) == (1, "error")
    assert "invalid_client" in text
    assert "canary" not in json.dumps(examine()[1])


def test_an_endpoint_that_is_away_is_named(well: Settings) -> None:
    """Nothing listens there: the endpoint is an error, and the credentials are in doubt."""
    (port,) = free_ports(1)
    change(well, TOKEN_URL=f"http://127.0.0.1:{port}/token")
    code, parts = examine()
    assert code == 1
    assert parts["token endpoint"][0]["verdict"] == "error"
    assert parts["client credentials"][0]["verdict"] == "warning"


def test_a_wrong_clock_is_named(well: Settings) -> None:
    """The Date header of the endpoints tells how far this machine's clock is off."""
    with HostileServer() as server:
        date = b"Date: Mon, 01 Jan 2024 00:00:00 GMT"
        server.answer(raw=b"HTTP/1.1 400 Bad Request\r\n%b\r\nContent-Length: 0\r\n\r\n" % date)
        change(well, TOKEN_URL=f"{server.url}/token")
        _, parts = examine()
    assert any(finding["verdict"] == "error" for finding in parts["clock"])


def test_a_missing_key_is_named(well: Settings) -> None:
    """Rows that the key ring cannot open are an error, with the name of their key."""
    make_connection(make_user())
    change(well, ENCRYPTION_KEYS=[generate_key()])
    code, how, text = verdict("keys")
    assert (code, how) == (1, "error")
    assert "1 rows need key" in text


def test_a_maintenance_that_does_not_run_is_named(well: Settings) -> None:
    """No heartbeat, or an old one, is an error, for connections will be lost."""
    Heartbeat.objects.update(finished_at=datetime.now(UTC) - timedelta(hours=2))
    assert verdict("maintenance")[:2] == (1, "error")
    Heartbeat.objects.all().delete()
    assert verdict("maintenance") == (1, "error", "It has never run.")


def test_what_waits_too_long_and_what_expires_is_counted(well: Settings) -> None:
    """The oldest overdue refresh is an error; limits within a week are a warning with their number."""
    soon = datetime.now(UTC) + timedelta(days=3)
    make_connection(make_user(), **expired(refresh_token_expires_at=soon))
    code, parts = examine()
    assert code == 1
    assert "15 minutes" in parts["overdue"][0]["text"].replace("\xa0", " ")
    assert "1 connections reach their limit" in parts["limits"][0]["text"]


def test_a_strict_session_cookie_is_named(well: Settings) -> None:
    """With same-site Strict nobody comes back signed in."""
    well.SESSION_COOKIE_SAMESITE = "Strict"
    assert verdict("session cookie")[:2] == (1, "error")


def test_wrong_settings_are_all_that_is_said(well: Settings) -> None:
    """Where the settings cannot be read, each problem is named with its cure, and nothing is sent."""
    change(well, PKCE="canary", NONSENSE=1)
    code, parts = examine()
    assert code == 1
    assert set(parts) == {"settings"}
    assert len(parts["settings"]) == 2
