"""The way from a connection to its user and to all of their connections, whatever keys users have."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


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
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.support.keyed_users.settings",
        "KEYED_USER": model,
        "KEYED_USER_KEY": json.dumps(key),
        "ANOTHER_KEY": json.dumps(other),
    }
    command = [sys.executable, "-m", "tests.support.keyed_users"]
    site = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert site.returncode == 0, site.stderr
    assert json.loads(site.stdout) == {"status": 200, "listed": 2, "user_page": 200}
