"""What an error page or a monitoring product may read in frames and processes: no secret of the settings."""

import copy
import pickle
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from actionstep_connect.checks.keys import check_keys_module
from actionstep_connect.conf import get_config, read_settings
from actionstep_connect.crypto import KeyRing, MasterKey, get_key_ring
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.generate_key import generate_key
from actionstep_connect.secret import Secret
from tests.support.canary import leaks

CLIENT_SECRET = "canary-client-secret-0123456789"
KEY = generate_key()
SECRETS = {"client secret": CLIENT_SECRET, "key": KEY, "environment": "canary-of-the-environment"}


@pytest.fixture
def keys_module(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Return a way to put the keys behind a module of the site's, which has this source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ACTIONSTEP_CLIENT_SECRET", SECRETS["environment"])

    def write(source: str) -> str:
        (tmp_path / "keys_of_the_site.py").write_text(source)
        monkeypatch.delitem(sys.modules, "keys_of_the_site", raising=False)
        path = "keys_of_the_site.encryption_keys"
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            "CLIENT_SECRET": CLIENT_SECRET,
            "ENCRYPTION_KEYS": path,
        }
        return path

    return write


RAISING = {
    "missing variable": "import os\nKEY = os.environ['NOT_THERE']",
    "vault away": "raise ConnectionError('canary-of-the-environment')",
    "no syntax": "def encryption_keys(:",
    "callable": "import os\ndef encryption_keys():\n    return [os.environ['NOT_THERE']]",
    "no keys": "def encryption_keys():\n    return ['canary-of-the-environment']",
}


def shown(error: BaseException | None) -> str:
    """Return what a debug page and a monitoring product show of `error`, its chain and its frames."""
    found = ""
    while error is not None:
        found += f"{error!r}\n"
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                found += f"{frame.f_code.co_name}: {pformat(frame.f_locals)}\n"
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("source", RAISING.values(), ids=RAISING)
def test_s51_a_keys_module_that_fails_shows_no_secret(
    keys_module: Callable[[str], str], source: str
) -> None:
    """Whatever it raises, wherever: a typed error whose chain and frames hold no secret."""
    keys_module(source)
    with pytest.raises((TemporarilyUnavailable, ImproperlyConfigured)) as caught:
        get_key_ring()
    assert leaks(shown(caught.value), SECRETS) == []


@pytest.mark.parametrize(
    "values",
    [
        {"ENCRYPTION_KEYS": [KEY, KEY[:-8]]},
        {"ENCRYPTION_KEYS": KEY},
        {"ENCRYPTION_KEYS": [KEY.encode()]},
        {"CLIENT_ID": ""},
        {"CLIENT_SECRETT": CLIENT_SECRET},
        {"HTTP_TIMEOUT": "soon"},
    ],
    ids=["short key", "no list", "bytes", "no client id", "misspelt", "another one"],
)
def test_s51_wrong_settings_show_no_secret(settings: Settings, values: dict[str, Any]) -> None:
    """What get_config() raises for a wrong setting has no secret in its message or its frames."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "CLIENT_SECRET": CLIENT_SECRET,
        "ENCRYPTION_KEYS": [KEY],
        **values,
    }
    with pytest.raises(ImproperlyConfigured) as caught:
        get_config()
    assert leaks(shown(caught.value), SECRETS) == []


def test_s51_secrets_are_wrapped_before_anything_can_raise(settings: Settings) -> None:
    """Where reading a setting is interrupted, as by a server's time-out, no frame below holds a secret."""

    class Interrupted(BaseException):
        pass

    class Interrupting(str):
        __slots__ = ()

        def strip(self, *_: object) -> str:
            raise Interrupted

    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "CLIENT_SECRET": CLIENT_SECRET,
        "ENCRYPTION_KEYS": [KEY],
        "CLIENT_ID": Interrupting("a-client"),
    }
    with pytest.raises(Interrupted) as caught:
        get_config()
    assert leaks(shown(caught.value), SECRETS) == []


@pytest.mark.parametrize("source", RAISING.values(), ids=RAISING)
@pytest.mark.django_db
def test_s51_health_answers_while_the_keys_module_fails(
    keys_module: Callable[[str], str], source: str, client: Client
) -> None:
    """The anonymous health page is no error page: 503 and a reason, or what it says without keys."""
    keys_module(source)
    response = client.get("/actionstep/health/")
    assert response.status_code == 503
    assert response.json()["problems"] == ["never_run"]


def test_a_check_says_that_the_module_fails(keys_module: Callable[[str], str]) -> None:
    """`manage.py check` names the path and the type of what it raised, and nothing that was raised."""
    path = keys_module(RAISING["missing variable"])
    (message,) = check_keys_module()
    assert message.id == "actionstep_connect.W002"
    assert f"{path!r}, and importing it raised KeyError" in message.msg
    call_command("check")
    keys_module("def encryption_keys():\n    return []")
    assert check_keys_module() == []


def test_what_the_module_needs_is_named(
    settings: Settings, keys_module: Callable[[str], str]
) -> None:
    """A library of the vault's that is not installed is told from a path that leads nowhere."""
    keys_module("import no_such_vault")
    _, problems = read_settings(settings.ACTIONSTEP_CONNECT)
    assert "importing it needs 'no_such_vault', which cannot be imported" in problems[0].message


def test_a_module_that_recovers_serves(keys_module: Callable[[str], str]) -> None:
    """Once it can be imported, the same process has its keys: nothing has to be restarted."""
    keys_module(RAISING["vault away"])
    with pytest.raises(TemporarilyUnavailable):
        get_key_ring()
    keys_module(f"def encryption_keys():\n    return [{KEY!r}]")
    assert get_key_ring().key_ids


@pytest.mark.parametrize("carry", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("holder", [MasterKey(b"k" * 32), KeyRing.from_encoded([KEY]), Secret(KEY)])
def test_s51_no_key_can_be_pickled_or_copied(carry: Callable[[Any], Any], holder: Any) -> None:
    """Keys, key rings and secrets stay in their process, and so do the settings that hold them."""
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        carry(holder)
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        pickle.dumps(get_config())
