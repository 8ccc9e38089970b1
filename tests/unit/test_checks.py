"""System checks: each mistake is named by its own id, with the cure, and only when it is made."""

import base64
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Tags, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings
from pytest_django import Settings

from actionstep_connect.check_ids import TAG, CheckId
from actionstep_connect.checks.settings import check_current_site
from actionstep_connect.crypto import get_key_ring
from actionstep_connect.generate_key import generate_key
from tests.support.connections import make_connection, make_user
from tests.support.minimal_settings import MINIMAL, SANDBOX
from tests.support.with_sites import WITH_SITES, table_of_sites

#: Those of a site's URLs, views and policies are tested in tests/integration/connect/test_sites.py.
SITE_IDS = {"E030", "E031", "W030", "W031", "W032", "W033", "W034"}
ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "checks.md"
ENCODED_KEY = re.compile(r"(?<![\w-])[\w-]{43}=(?![\w=-])", re.ASCII)

PRODUCTION: dict[str, Any] = {
    "ACTIONSTEP_CONNECT": MINIMAL,
    "SECRET_KEY": "of-this-test",
    "ALLOWED_HOSTS": ["law.example"],
    "DEBUG": False,
    "USE_TZ": True,
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "DEFAULT_FROM_EMAIL": "site@law.example",
}
NOTIFYING: dict[str, Any] = {**MINIMAL, "NOTIFY_USERS": True}
CALLBACK = "https://law.example/actionstep/callback/"
MISTAKES: list[tuple[str, dict[str, Any]]] = [
    ("E001", {"ACTIONSTEP_CONNECT": None}),
    ("E002", {"ACTIONSTEP_CONNECT": {**MINIMAL, "NONSENSE": 1}}),
    ("E003", {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENVIRONMENT": "sandbox"}}),
    ("E003", {"ACTIONSTEP_CONNECT": {key: MINIMAL[key] for key in MINIMAL if "KEYS" not in key}}),
    ("E004", {"ACTIONSTEP_CONNECT": {**MINIMAL, "PKCE": "yes"}}),
    ("E005", {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": []}}),
    ("E006", {"ACTIONSTEP_CONNECT": {**MINIMAL, "TOKEN_URL": "http://api.actionstep.com/t"}}),
    ("E007", {"ACTIONSTEP_CONNECT": {**MINIMAL, "API_HOSTS": ["*"]}}),
    ("E008", {"ACTIONSTEP_CONNECT": {**MINIMAL, "ALLOWED_SCOPES": ["files"]}}),
    ("E009", {"ACTIONSTEP_CONNECT": {**MINIMAL, "WARN_BEFORE": timedelta(days=30)}}),
    ("E010", {"ACTIONSTEP_CONNECT": {**MINIMAL, "IDLE_AFTER": timedelta(days=20)}}),
    ("E015", {"ACTIONSTEP_CONNECT": NOTIFYING}),
    ("E015", {"ACTIONSTEP_CONNECT": NOTIFYING, "SITE_ID": 1}),
    ("W001", {"SESSION_COOKIE_SAMESITE": "Strict"}),
    (
        "W003",
        {
            "ACTIONSTEP_CONNECT": {**MINIMAL, "REDIRECT_URI": CALLBACK},
            "ALLOWED_HOSTS": ["www.law.example"],
        },
    ),
    (
        "W003",
        {
            "ACTIONSTEP_CONNECT": {**MINIMAL, "REDIRECT_URI": CALLBACK},
            "ALLOWED_HOSTS": [".law.example"],
            "PREPEND_WWW": True,
        },
    ),
]
DEPLOYED_MISTAKES: list[tuple[str, dict[str, Any]]] = [
    ("E020", {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": f"{__name__}.a_vault_that_is_away"}}),
    ("E020", {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": f"{__name__}.an_empty_vault"}}),
    ("E021", {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": [generate_key(), "A" * 43]}}),
    ("E021", {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": f"{__name__}.a_vault_of_zeros"}}),
    ("E022", {"ACTIONSTEP_CONNECT": SANDBOX}),
    ("E022", {"ACTIONSTEP_CONNECT": {**MINIMAL, "REDIRECT_URI": "http://localhost:8000/callback/"},
              "ALLOWED_HOSTS": ["localhost"]}),
    ("W020", {"DEBUG": True}),
    ("W021", {"SESSION_COOKIE_SECURE": False}),
    ("W024", {"ALLOWED_HOSTS": ["*"]}),
    (
        "W023",
        {
            "ACTIONSTEP_CONNECT": {**NOTIFYING, "REDIRECT_URI": CALLBACK},
            "DEFAULT_FROM_EMAIL": "webmaster@localhost",
        },
    ),
]  # fmt: skip


def a_vault_that_is_away() -> list[str]:
    """Stand where a site's own callable fails."""
    raise ConnectionError("canary://user:canary@vault.example")


def an_empty_vault() -> list[str]:
    """Stand where a site's own callable finds nothing."""
    return []


def a_vault_of_zeros() -> list[str]:
    """Stand where a site's own callable returns a weak key."""
    return [encode(bytes(32))]


def encode(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def messages(changes: dict[str, Any], *, deploy: bool) -> list[CheckMessage]:
    """Run the checks on a production site with `changes`; row locks depend on the run's database."""
    with override_settings(**{**PRODUCTION, **changes}):
        found = run_checks(databases=[], tags=[TAG], include_deployment_checks=deploy)
    return [message for message in found if message.id != f"{TAG}.W022"]


def ids(changes: dict[str, Any], *, deploy: bool) -> set[str]:
    return {str(message.id).removeprefix(f"{TAG}.") for message in messages(changes, deploy=deploy)}


@pytest.mark.parametrize(("expected", "changes"), MISTAKES)
def test_a_mistake_is_named(expected: str, changes: dict[str, Any]) -> None:
    """Each mistake gives its own id, in the ordinary check and before deployment alike."""
    assert ids(changes, deploy=False) == ids(changes, deploy=True) == {expected}


@pytest.mark.parametrize(("expected", "changes"), DEPLOYED_MISTAKES)
def test_s46_deployment_names(expected: str, changes: dict[str, Any]) -> None:
    """What is right while developing and wrong when deployed is named by `--deploy` only."""
    assert ids(changes, deploy=True) == {expected}
    assert ids(changes, deploy=False) == set()


@pytest.mark.sqlite
def test_s46_deployment_names_a_database_without_row_locks() -> None:
    """SQLite is named, as good for one machine."""
    found = run_checks(databases=[], tags=[TAG], include_deployment_checks=True)
    assert f"{TAG}.W022" in {message.id for message in found}


@pytest.mark.postgresql
def test_s46_deployment_accepts_row_locks() -> None:
    """PostgreSQL is what a deployed site should use."""
    found = run_checks(databases=[], tags=[TAG], include_deployment_checks=True)
    assert f"{TAG}.W022" not in {message.id for message in found}


def test_a_well_made_site_hears_nothing() -> None:
    """No check complains about a site as the documentation describes it."""
    assert messages({}, deploy=True) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"ACTIONSTEP_CONNECT": {**NOTIFYING, "REDIRECT_URI": CALLBACK}},
        {
            "ACTIONSTEP_CONNECT": NOTIFYING,
            "INSTALLED_APPS": WITH_SITES,
            "SITE_ID": 1,
        },
    ],
    ids=["REDIRECT_URI", "django.contrib.sites"],
)
def test_reminders_need_an_address_of_the_site(changes: dict[str, Any]) -> None:
    """Either source of it is enough."""
    assert messages(changes, deploy=True) == []


@pytest.mark.parametrize(
    ("samesite", "expected"),
    [("Strict", {"W001"}), ("strict", {"W001"}), ("Lax", set()), ("None", set()), (False, set())],
)
def test_s15_a_session_cookie_that_stays_behind_is_named(
    samesite: str | bool, expected: set[str]
) -> None:
    """`Strict` keeps the session from coming back from Actionstep; the others let it."""
    assert ids({"SESSION_COOKIE_SAMESITE": samesite}, deploy=False) == expected


def test_every_message_names_a_cure_and_no_secret() -> None:
    """Each message has a hint, and none repeats a key, a secret, or what a callable raised."""
    secrets = ("canary", MINIMAL["ENCRYPTION_KEYS"][0], MINIMAL["CLIENT_SECRET"])
    for _, changes in MISTAKES + DEPLOYED_MISTAKES:
        for message in messages(changes, deploy=True):
            assert message.hint
            assert not any(secret in str(message) for secret in secrets)


@pytest.mark.parametrize(
    "key",
    [
        bytes(32),
        b"\xff" * 32,
        b"ab" * 16,
        bytes(range(32)),
        bytes(range(64, 0, -2)),
        b"correct horse battery staple, ok",
        sha256(b"of-this-test").digest(),
        b"of-this-test".ljust(32, b"\0"),
    ],
    ids=repr,
)
def test_s35_a_key_that_can_be_guessed_is_named(key: bytes) -> None:
    """A key that is no random one is refused wherever it stands in the list."""
    for keys in ([encode(key)], [generate_key(), encode(key)]):
        changes = {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": keys}}
        assert ids(changes, deploy=True) == {"E021"}


def test_s35_random_keys_are_accepted() -> None:
    """No generated key is taken for a weak one."""
    keys = [generate_key() for _ in range(2000)]
    changes = {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": keys}}
    assert ids(changes, deploy=True) == set()


def test_s35_every_published_key_is_refused() -> None:
    """Whatever key is in the documentation, the example or the tests, no one deploys with it."""
    folders = ("docs", "tests", "example_project")
    files = [ROOT / "README.md", *(file for name in folders for file in (ROOT / name).rglob("*.*"))]
    published = {
        key
        for file in files
        if file.suffix in {".md", ".py", ".html", ".toml"}
        for key in ENCODED_KEY.findall(file.read_text())
    }
    assert published
    for key in published:
        changes = {"ACTIONSTEP_CONNECT": {**MINIMAL, "ENCRYPTION_KEYS": [key]}}
        assert ids(changes, deploy=True) == {"E021"}, key


def test_the_sandbox_is_no_part_of_a_site() -> None:
    """A site with the sandbox among its apps does not start."""
    code = (
        "from django.core.management import execute_from_command_line\n"
        "from tests import settings\n"
        "settings.INSTALLED_APPS.append('actionstep_connect.sandbox')\n"
        "execute_from_command_line(['manage.py', 'check', '--settings=tests.settings'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"{TAG}.E011" in done.stderr


@pytest.mark.django_db
def test_s35_a_key_that_rows_need_is_named_by_the_database_check() -> None:
    """`check --database default` names the missing key, and only it does; with the key it is silent."""
    make_connection(make_user())
    (needed,) = get_key_ring().key_ids
    present: dict[str, Any] = {**django_settings.ACTIONSTEP_CONNECT}
    wrong = {**present, "ENCRYPTION_KEYS": [generate_key()]}
    assert run_checks(tags=[Tags.database, TAG], databases=["default"]) == []
    with override_settings(ACTIONSTEP_CONNECT=wrong):
        (message,) = run_checks(tags=[TAG], databases=["default"])
        assert run_checks() == []  # As `check` does without --database.
        with pytest.raises(SystemCheckError, match=needed):
            call_command("check", databases=["default"])
    assert message.id == f"{TAG}.E013"
    assert needed in message.msg
    both = {**present, "ENCRYPTION_KEYS": [generate_key(), *present["ENCRYPTION_KEYS"]]}
    with override_settings(ACTIONSTEP_CONNECT=both):
        assert run_checks(tags=[TAG], databases=["default"]) == []


@pytest.mark.django_db
def test_s35_a_vault_that_is_away_is_said_by_the_database_check() -> None:
    """Where the keys cannot be fetched, the check says so without repeating what the vault said."""
    away = {**MINIMAL, "ENCRYPTION_KEYS": f"{__name__}.a_vault_that_is_away"}
    with override_settings(ACTIONSTEP_CONNECT=away):
        (message,) = run_checks(tags=[TAG], databases=["default"])
    assert message.id == f"{TAG}.E014"
    assert "canary" not in str(message)


@pytest.mark.django_db(transaction=True)
def test_a_redirect_uri_of_another_site_is_named(settings: Settings) -> None:
    """Where django.contrib.sites knows this site by another host, the database check says so."""
    settings.INSTALLED_APPS = WITH_SITES
    settings.SITE_ID = 1
    settings.ACTIONSTEP_CONNECT = {**MINIMAL, "REDIRECT_URI": CALLBACK}
    assert check_current_site(databases=["default"]) == []  # There is no table yet.
    with table_of_sites() as sites:
        sites.objects.create(pk=1, domain="other.example", name="Law")
        assert check_current_site(databases=[]) == []
        (message,) = check_current_site(databases=["default"])
        assert message.id == f"{TAG}.W004"
        assert "leads to law.example" in message.msg
        sites.objects.update(domain="law.example:443")
        sites.objects.clear_cache()
        assert check_current_site(databases=["default"]) == []


def test_ids_are_unique_and_documented() -> None:
    """`docs/checks.md` has one line for each id of the table, and each of the table is used."""
    lines = re.findall(
        rf"^\| `{TAG}\.([EWI]\d{{3}})` \| .+ \|$", DOCUMENT.read_text(), re.MULTILINE
    )
    assert not [name for name, count in Counter(lines).items() if count > 1]
    assert {*CheckId} == set(lines)
    code = "".join(
        module.read_text()
        for room in ("conf", "checks")
        for module in (ROOT / "actionstep_connect" / room).glob("*.py")
    )
    uses = Counter(re.findall(r"\bCheckId\.([A-Z_]+)", code))
    assert {*uses} == {*CheckId.__members__}
    tested = {name for name, _ in MISTAKES + DEPLOYED_MISTAKES} | {
        "E011",
        "W022",
        "E013",
        "E014",
        "W002",
        "W004",
        "E023",
        "I020",
        *SITE_IDS,
    }
    assert tested == set(lines)
