"""The way from a connection to its user and to all of their connections, whatever keys users have."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def said_by(module: str, **variables: str) -> Any:
    """Return what a site of its own prints, with the user model that `variables` name."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.support.keyed_users.settings"}
    site = subprocess.run(
        [sys.executable, "-m", module],
        env=os.environ | settings | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert site.returncode == 0, site.stderr
    return json.loads(site.stdout)


@pytest.mark.parametrize(
    ("model", "key", "other"),
    [
        ("UuidUser", "6a3f4f0e-3c54-4a58-9d5c-0b1df8b6f0aa", "6a3f4f0e-3c54-4a58-9d5c-0b1df8b6f0ab"),
        ("TextUser", "Ng & Sons/NSW 2=é?#%20+", "Ng "),
        ("EmailUser", "o'neil+law@firm.example", "neil@firm.example"),
        ("NumberedUser", 1, 11),
    ],
)  # fmt: skip
def test_all_connections_of_a_user_are_found_by_a_key_of_any_kind(
    model: str, key: object, other: object
) -> None:
    """The link lists the connections of that user and of no other, and the user's own page is found."""
    found = said_by(
        "tests.support.keyed_users",
        KEYED_USER=model,
        KEYED_USER_KEY=json.dumps(key),
        ANOTHER_KEY=json.dumps(other),
    )
    assert found == {"status": 200, "listed": 2, "user_page": 200}


@pytest.mark.parametrize(("model", "found"), [("BareUser", 1), ("PlainUser", 1), ("LinkedUser", 0)])
def test_a_user_model_need_have_no_more_than_django_asks(model: str, found: int) -> None:
    """No e-mail address, no names, no `is_active`, none of Django's classes: each page works without them."""
    assert said_by("tests.support.keyed_users.pages", KEYED_USER=model) == {
        "statuses": [200],
        "decorated": "acmelaw",
        "button": True,
        "found": found,
        "inactive": 0,
        "usable": 1,
    }
