"""What is loaded when: commands that call no one do not wait for what calling takes."""

import os
import subprocess
import sys

import pytest

from actionstep_connect import oauth

SLOW = {"authlib", "celery", "cryptography", "httpx2", "httpcore2", "stamina", "rich"}
#: What the app may add to `manage.py check`, in calls of Python functions: about 36,000 of them take
#: 55 ms. Unlike a time, their number is the same on every machine.
MAX_CALLS = 50_000
#: What Python itself loads for the first host that it connects to.
AT_CONNECTING = {"encodings.idna", "stringprep"}


def loaded_by(code: str) -> set[str]:
    """Return which of the modules that are asked about a fresh process has loaded after `code`."""
    script = f"import django; django.setup(); {code}; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return (SLOW | AT_CONNECTING) & set(done.stdout.split())


def test_checking_a_site_loads_no_client_and_no_celery() -> None:
    """`manage.py check` looks at the models, the admin and the URLs; it sends and schedules nothing."""
    code = "from django.core.management import call_command; call_command('check')"
    assert loaded_by(f"{code}; import actionstep_connect.urls") == set()


def calls_of_check(*, with_app: bool) -> int:
    """Return how many Python functions `manage.py check` of the barest site calls, imports included."""
    script = (
        "import sys; calls = []; add = calls.append;"
        "sys.setprofile(lambda _, event, __: event == 'call' and add(None));"
        "from django.core.management import execute_from_command_line;"
        "execute_from_command_line(['manage.py', 'check']); sys.setprofile(None); print(len(calls))"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.bare_site.settings",
        "BENCHMARK_WITH_APP": "yes" if with_app else "",
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout.split()[-1])


def test_checking_a_site_is_cheap() -> None:
    """What the app loads and looks at adds little to the start of every command."""
    assert calls_of_check(with_app=True) - calls_of_check(with_app=False) < MAX_CALLS


def test_a_worker_has_loaded_the_client_before_it_forks() -> None:
    """What every child of a pool needs is loaded once, by their parent."""
    assert {"authlib", "celery", "cryptography", "httpx2"} <= loaded_by(
        "import actionstep_connect.tasks"
    )


def test_no_module_is_left_for_the_first_handshake() -> None:
    """A child that is forked in the midst of another thread's import waits for that import forever."""
    assert loaded_by("pass").isdisjoint(AT_CONNECTING)
    assert loaded_by("import actionstep_connect.tls") >= {*AT_CONNECTING, "cryptography"}


def test_only_what_is_there_can_be_imported() -> None:
    """The room that loads late knows what it has."""
    assert oauth.refresh_token_grant.__name__ == "refresh_token_grant"
    with pytest.raises(AttributeError):
        getattr(oauth, "nonsense")  # noqa: B009 - mypy knows that it is not there.
