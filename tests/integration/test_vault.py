"""Keys from a callable: the documentation's own example against a vault, up and away."""

import re
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from actionstep_connect.api import get_access_token
from actionstep_connect.crypto import get_key_ring
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.keys import warn_of_missing_keys
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.generate_key import generate_key
from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connections
from tests.support.hostile_server import HostileServer
from tests.support.person import Person, words

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parents[2] / "docs" / "keys.md"
EXAMPLE = "mysite.keys"
NEW, OLD = generate_key(), generate_key()
THREADS = 16


def the_example() -> ModuleType:
    """Return the module that the documentation shows."""
    name = EXAMPLE.replace(".", "/")
    block = rf"<!-- file: {name}\.py -->\n```python\n(.*?)```"
    found = re.search(block, DOCUMENT.read_text(), re.DOTALL)
    assert found
    module = ModuleType(EXAMPLE)
    exec(compile(found[1], str(DOCUMENT), "exec"), vars(module))
    return module


@pytest.fixture
def vault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Generator[HostileServer]:
    """Yield a vault with two keys, and a site that has its keys from there."""
    with HostileServer() as server:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("VAULT_ADDR", server.url)
        monkeypatch.setenv("VAULT_TOKEN", "canary-vault-token")
        monkeypatch.setitem(sys.modules, "mysite", ModuleType("mysite"))
        monkeypatch.setitem(sys.modules, EXAMPLE, the_example())
        server.answer(body={"data": {"data": {"keys": f"{NEW} {OLD}"}}})
        change(settings, ENCRYPTION_KEYS=f"{EXAMPLE}.encryption_keys")
        yield server


def change(settings: Settings, **values: Any) -> None:
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **values}


def test_the_documented_example_keeps_connections_alive(
    vault: HostileServer, sandbox: Sandbox
) -> None:
    """With keys from the vault a user connects, a worker refreshes, and the vault is asked once."""
    person = Person()
    person.connect()
    Connection.objects.update(refresh_at=expired()["refresh_at"])
    assert maintain().refreshed == 1
    assert get_access_token(Connection.objects.get())
    call_command("check", databases=["default"])
    (request,) = vault.requests
    assert request.path == "/v1/secret/data/actionstep"
    assert request.headers["X-Vault-Token"] == "canary-vault-token"


def test_threads_that_begin_together_fetch_once(vault: HostileServer) -> None:
    """Sixteen threads that need the keys at one moment ask for them once."""
    with ThreadPoolExecutor(THREADS) as threads:
        rings = list(threads.map(lambda _: get_key_ring().key_ids, range(THREADS)))
    assert len(set(rings)) == 1
    assert len(vault.requests) == 1


def test_while_the_vault_is_away_nothing_is_sent_and_nothing_lost(
    vault: HostileServer,
    sandbox: Sandbox,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A run stops before it claims a row, says why without a secret, and the next one goes on."""
    sandbox_connections(sandbox, 3, **expired())
    before = list(Connection.objects.values())
    vault.answer(status=503, body="canary")
    change(settings)
    report = maintain()
    assert (report.stopped_by, report.requests) == ("keys", 0)
    assert "raised HTTPStatusError" in Heartbeat.objects.get().last_error
    assert list(Connection.objects.values()) == before
    assert "outcome=keys" in caplog.text
    assert "canary" not in caplog.text
    vault.answer(body={"data": {"data": {"keys": f"{NEW} {OLD}"}}})
    assert maintain().refreshed == 3


def test_a_caller_is_told_to_try_again(vault: HostileServer, settings: Settings) -> None:
    """Anyone who asks for a token meanwhile gets TemporarilyUnavailable, with no trace of the vault."""
    connection = make_connection(make_user())
    vault.answer(status=503)
    change(settings)
    with pytest.raises(TemporarilyUnavailable, match="HTTPStatusError") as caught:
        get_access_token(connection)
    assert caught.value.code == "keys_unavailable"
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_user_who_connects_meanwhile_is_told_so(
    vault: HostileServer, sandbox: Sandbox, settings: Settings
) -> None:
    """No one is sent to Actionstep, and no one sees an error page."""
    vault.answer(status=503)
    change(settings)
    response = Person().browser.post("/actionstep/connect/")
    assert response.status_code == 503
    assert "vault" not in words(response).lower()


def test_no_code_is_spent_before_the_keys_are_there(
    vault: HostileServer, sandbox: Sandbox, settings: Settings
) -> None:
    """Where nothing needs opening first, the keys are fetched nevertheless before the exchange."""
    change(settings, PKCE=False)
    person = Person()
    back = person.allow(person.start())
    vault.answer(status=503)
    change(settings)
    person.come_back(back)
    requests = sandbox.get("sandbox/state")["counters"]["token_requests"]
    assert not requests.get("authorization_code")


def test_s35_a_worker_says_at_its_start_that_the_vault_is_away(
    vault: HostileServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """It is an error in the log, with the type of what was raised and nothing more."""
    vault.answer(status=503, body="canary")
    change(settings)
    warn_of_missing_keys()
    (record,) = [each for each in caplog.records if "keys_unavailable" in each.message]
    assert record.levelname == "ERROR"
    assert "HTTPStatusError" in record.message
    assert "canary" not in caplog.text
