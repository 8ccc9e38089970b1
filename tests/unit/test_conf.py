"""The settings: what is accepted, and what is said about the rest."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from pytest_django import Settings

from actionstep_connect.conf import Config, decode_key, find_problems, get_config, read_settings
from tests.support.minimal_settings import KEY, MINIMAL, SANDBOX, SECRET

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
BY_ENVIRONMENT = {"AUTHORIZE_URL", "TOKEN_URL", "API_HOSTS"}


def a_key() -> list[str]:
    """Stand where a site's own callable would."""
    return [KEY]


def read(raw: Mapping[str, Any]) -> Config:
    config, problems = read_settings(raw)
    assert not problems
    assert config is not None
    return config


def problem_ids(raw: object) -> list[str]:
    config, problems = read_settings(raw)
    assert (config is None) is bool(problems)
    assert all(problem.hint and problem.message for problem in problems)
    assert SECRET not in repr(problems)
    assert KEY not in repr(problems)
    return [problem.id for problem in problems]


def without(key: str, raw: Mapping[str, Any] = MINIMAL) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name != key}


def test_four_settings_are_enough() -> None:
    """With credentials, scopes and a key a site is in production, at Actionstep's own addresses."""
    config = read(MINIMAL)
    assert config.environment == "production"
    assert config.token_url == "https://api.actionstep.com/api/oauth/token"
    assert config.api_hosts == ("*.actionstep.com",)
    assert config.allowed_scopes == config.scopes == ("timerecords", "actions")


def test_staging_has_its_own_addresses() -> None:
    """Nothing of production is used in staging."""
    config = read({**MINIMAL, "ENVIRONMENT": "staging"})
    assert "actionstep.com" not in f"{config.authorize_url} {config.token_url} {config.api_hosts}"


def test_the_settings_page_names_every_key_with_its_default() -> None:
    """`docs/settings.md` and `conf` agree on the keys, on their order, and on their defaults."""
    table = DOCUMENT.read_text().partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", table, flags=re.MULTILINE)
    documented = dict(rows)
    assert list(documented) == [field.name.upper() for field in fields(Config)]
    for field in fields(Config):
        name = field.name.upper()
        words = documented[name]
        if field.default is not MISSING:
            assert eval(words.strip("`"), {"timedelta": timedelta}) == field.default, name
        elif name == "ALLOWED_SCOPES":
            assert words == "as `SCOPES`"
        else:
            assert words == ("by environment" if name in BY_ENVIRONMENT else "required"), name


def test_the_settings_page_names_what_the_example_site_reads() -> None:
    """Each environment variable of its settings has its line, and nothing else has."""
    table = DOCUMENT.read_text().partition("| Variable |")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\| ([^|]+) \|", table, flags=re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(first_cells)))
    source = (DOCUMENT.parents[1] / "example_project" / "settings.py").read_text()
    read = set(re.findall(r'os\.environ(?:\.get\(|\[)"(\w+)"', source))
    for keys in re.findall(r"(?:for key in|texts =) \(([^)]+)\)", source):
        read |= {f"ACTIONSTEP_{key}" for key in re.findall(r'"(\w+)"', keys)}
    assert named == read


@pytest.mark.parametrize("raw", [None, [], "production", 1])
def test_settings_that_are_no_dict(raw: object) -> None:
    """A missing ACTIONSTEP_CONNECT, or one that is no dict, is said to be so."""
    assert problem_ids(raw) == ["E001"]


def test_an_unknown_key_is_named() -> None:
    """A misspelt key is not silently ignored: it is named, beside those that exist."""
    _, problems = read_settings({**MINIMAL, "REFRESH_BEFOR": timedelta(minutes=5)})
    assert [problem.id for problem in problems] == ["E002"]
    assert "'REFRESH_BEFOR'" in problems[0].message
    assert "REFRESH_BEFORE" in problems[0].hint


@pytest.mark.parametrize("key", MINIMAL)
def test_a_missing_key_is_named(key: str) -> None:
    """Each required key that is missing is named."""
    _, problems = read_settings(without(key))
    assert [problem.id for problem in problems] == ["E003"]
    assert key in problems[0].message


@pytest.mark.parametrize("key", sorted(BY_ENVIRONMENT))
def test_a_label_of_ones_own_needs_addresses(key: str) -> None:
    """An environment that Actionstep does not have needs its own URLs and hosts."""
    _, problems = read_settings(without(key, SANDBOX))
    assert [problem.id for problem in problems] == ["E003"]
    assert "production and staging" in problems[0].hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ENVIRONMENT", ""),
        ("ENVIRONMENT", None),
        ("ENVIRONMENT", 1),
        ("ENVIRONMENT", "x" * 51),
        ("CLIENT_ID", "x" * 201),
        ("CLIENT_ID", ""),
        ("CLIENT_ID", None),
        ("CLIENT_SECRET", " "),
        ("CLIENT_SECRET", b"bytes"),
        ("SCOPES", []),
        ("SCOPES", "timerecords actions"),
        ("SCOPES", ["time records"]),
        ("SCOPES", [1]),
        ("ALLOWED_SCOPES", "all"),
        ("PKCE", 1),
        ("PKCE", "True"),
        ("TOKEN_AUTH_METHOD", "none"),
        ("ORGKEY_HINT", None),
        ("REFRESH_BEFORE", 600),
        ("REFRESH_BEFORE", timedelta(0)),
        ("REFRESH_TOKEN_LIFETIME", -timedelta(days=21)),
        ("WARN_BEFORE", "7 days"),
        ("IDLE_AFTER", 3),
        ("REFRESH_CONCURRENCY", 0),
        ("REFRESH_CONCURRENCY", 257),
        ("REFRESH_CONCURRENCY", 1.5),
        ("REFRESH_CONCURRENCY", True),
        ("HTTP_TIMEOUT", 0),
        ("HTTP_TIMEOUT", 46),
        ("HTTP_TIMEOUT", float("nan")),
        ("HTTP_TIMEOUT", float("inf")),
        ("HTTP_TIMEOUT", "30"),
        ("HTTP_TIMEOUT", True),
        ("SHARE_RATE_LIMITS", "redis"),
        ("NOTIFY_USERS", "yes"),
        ("EVENT_RETENTION", 365),
        ("POST_CONNECT_URL", ""),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object) -> None:
    """A value of the wrong type or out of range is refused, and its key named."""
    raw = {**MINIMAL, "ALLOWED_SCOPES": MINIMAL["SCOPES"], key: value}
    assert problem_ids(raw) == ["E004"]
    assert f"'{key}'" in read_settings(raw)[1][0].message


@pytest.mark.parametrize(
    "keys",
    [
        [],
        "",
        None,
        KEY,
        [KEY[:-8]],
        [f"{KEY}{KEY}"],
        ["canary-secret, which is no key at all"],
        [KEY.encode()],
        [KEY, "short"],
        [KEY, "é" * 43],
        ["no.such.module"],
        "no.such.callable",
        f"{__name__}.KEY",
    ],
    ids=str,
)
def test_s35_a_key_is_32_bytes(keys: object) -> None:
    """What is no list of keys of 32 bytes is refused, without repeating any of it."""
    assert problem_ids({**MINIMAL, "ENCRYPTION_KEYS": keys}) == ["E005"]


def test_the_wrong_key_is_counted_not_shown() -> None:
    """Of several keys, the message says which one is wrong by its place in the list."""
    _, problems = read_settings({**MINIMAL, "ENCRYPTION_KEYS": [KEY, "c2hvcnQ="]})
    assert "key 2" in problems[0].message
    assert "c2hvcnQ" not in repr(problems)


def test_keys_may_be_a_callable_or_lack_padding() -> None:
    """A dotted path to a callable is taken as it is; padding of base64 may be left out."""
    path = f"{__name__}.a_key"
    assert read({**MINIMAL, "ENCRYPTION_KEYS": path}).encryption_keys == path
    assert decode_key(KEY.rstrip("=")) == decode_key(KEY)


@pytest.mark.parametrize("key", ["AUTHORIZE_URL", "TOKEN_URL", "REDIRECT_URI"])
@pytest.mark.parametrize(
    "url",
    [
        "http://api.actionstep.com/api/oauth/token",
        "http://127.0.0.1.evil.tld/token",
        "https://user:password@api.actionstep.com/token",
        "/api/oauth/token",
        "javascript:alert(1)",
        "",
    ],
)
def test_s17_http_is_for_loopback_only(key: str, url: str) -> None:
    """A URL that would carry a secret in the clear to another machine is refused."""
    assert problem_ids({**SANDBOX, key: url}) == ["E006"]
    assert problem_ids({**SANDBOX, key: "http://localhost:8801/token"}) == []


@pytest.mark.parametrize(
    ("key", "url", "reason"),
    [
        ("REDIRECT_URI", "http://firm.example/callback/", "https to a plain host"),
        ("REDIRECT_URI", "https://firm_one.example/callback/", "https to a plain host"),
        ("REDIRECT_URI", "firm.example/callback/", "https to a plain host"),
        ("REDIRECT_URI", "https://firm.example/callback/?a=b", "without user, query"),
        ("REDIRECT_URI", "https://me@firm.example/callback/", "without user, query"),
        ("REDIRECT_URI", "https://firm.example/call back/", "percent-encodings"),
        ("REDIRECT_URI", "https://firm.example/a/../callback/", "percent-encodings"),
        ("REDIRECT_URI", "http://127.0.0.1:8000/call back/", "percent-encodings"),
        ("REDIRECT_URI", "https://firm.example/" + "a" * 500, "at most 500 characters"),
        ("TOKEN_URL", "https://api.example/oauth.2/token", "digits, '-' and '_'"),
    ],
)
def test_an_address_that_is_refused_is_refused_for_its_own_reason(
    key: str, url: str, reason: str
) -> None:
    """Of scheme, host, query and path, the message names what is wrong."""
    (problem,) = read_settings({**SANDBOX, key: url})[1]
    assert reason in problem.message


@pytest.mark.parametrize(
    "path", ["portal.v2/actionstep/callback/", "~firm/actionstep/callback/", "b%C3%BCro/callback/"]
)
def test_a_site_may_be_mounted_under_any_plain_path(path: str) -> None:
    """What RFC 3986 calls unreserved, and percent-encodings, may stand in the redirect URI."""
    uri = f"https://firm.example/{path}"
    assert read({**MINIMAL, "REDIRECT_URI": uri}).redirect_uri == uri


@pytest.mark.parametrize(
    "hosts", [[], "*.actionstep.com", ["https://actionstep.com"], ["*"], [1], None]
)
def test_api_hosts_are_hosts(hosts: object) -> None:
    """What is no host, or would trust every host, is refused."""
    assert problem_ids({**MINIMAL, "API_HOSTS": hosts}) == ["E007"]


def test_production_trusts_no_sandbox() -> None:
    """A host with a port beside production's own is a sandbox that forgot its label."""
    assert problem_ids({**MINIMAL, "API_HOSTS": ["*.actionstep.com", "127.0.0.1:8801"]}) == ["E007"]


def test_scopes_lie_within_the_allowed() -> None:
    """A site cannot ask by default for what it does not allow."""
    assert problem_ids({**MINIMAL, "ALLOWED_SCOPES": ["timerecords"]}) == ["E008"]
    more = ["actions", "timerecords", "participants"]
    assert read({**MINIMAL, "ALLOWED_SCOPES": more}).scopes == ("timerecords", "actions")


def test_flagging_begins_after_connecting() -> None:
    """A warning time as long as the whole life would flag every connection at once."""
    assert problem_ids({**MINIMAL, "WARN_BEFORE": timedelta(days=21)}) == ["E009"]


def test_an_idle_connection_is_renewed_before_it_would_be_flagged() -> None:
    """Idle renewal must not fall inside WARN_BEFORE."""
    assert problem_ids({**MINIMAL, "IDLE_AFTER": timedelta(days=14)}) == ["E010"]
    assert read({**MINIMAL, "IDLE_AFTER": timedelta(days=10)}).idle_after == timedelta(days=10)


def test_every_problem_is_named_at_once() -> None:
    """Anyone who corrects the settings sees everything that is wrong, not one thing at a time."""
    assert problem_ids({"PKCE": 1, "NONSENSE": 1, "SCOPES": ["a"], "CLIENT_ID": "x"}) == [
        "E002",
        "E003",
        "E003",
        "E004",
    ]


def test_a_config_shows_no_secret() -> None:
    """Neither the client secret nor a key is in the repr of the settings."""
    shown = repr(read(MINIMAL))
    assert SECRET not in shown
    assert KEY not in shown
    assert "an-id" in shown


def test_settings_follow_overrides(settings: Settings) -> None:
    """`override_settings` takes effect at once, and so does its end."""
    before = get_config()
    with override_settings(ACTIONSTEP_CONNECT=MINIMAL):
        assert get_config().client_id == "an-id"
    assert get_config() == before
    settings.ACTIONSTEP_CONNECT = {**MINIMAL, "CLIENT_ID": "another"}
    assert get_config().client_id == "another"


def test_wrong_settings_are_not_used(settings: Settings) -> None:
    """Anyone who reads wrong settings gets one error that names each problem and its cure."""
    settings.ACTIONSTEP_CONNECT = {**MINIMAL, "PKCE": 1, "NONSENSE": 1}
    with pytest.raises(ImproperlyConfigured, match=r"NONSENSE.*PKCE"):
        get_config()
    del settings.ACTIONSTEP_CONNECT
    assert [problem.id for problem in find_problems()] == ["E001"]
