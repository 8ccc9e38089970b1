"""What is loaded when: commands that call nobody do not wait for what calling takes."""

import os
import subprocess
import sys

import pytest

from actionstep_connect import oauth

SLOW = {"authlib", "celery", "httpx2", "httpcore2", "stamina", "rich"}


def loaded_by(code: str) -> set[str]:
    """Return which of the slow packages a fresh process has loaded after `code`."""
    script = f"import django; django.setup(); {code}; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return SLOW & set(done.stdout.split())


def test_checking_a_site_loads_no_client_and_no_celery() -> None:
    """`manage.py check` looks at the models, the admin and the URLs; it sends and schedules nothing."""
    code = "from django.core.management import call_command; call_command('check')"
    assert loaded_by(f"{code}; import actionstep_connect.urls") == set()


def test_a_worker_has_loaded_the_client_before_it_forks() -> None:
    """What every child of a pool needs is loaded once, by their parent."""
    assert {"authlib", "celery", "httpx2"} <= loaded_by("import actionstep_connect.tasks")


def test_only_what_is_there_can_be_imported() -> None:
    """The room that loads late knows what it has."""
    assert oauth.refresh_token_grant.__name__ == "refresh_token_grant"
    with pytest.raises(AttributeError):
        getattr(oauth, "nonsense")  # noqa: B009 - mypy knows that it is not there.
