"""``docs/client/background-user.md``, followed against the sandbox."""

import re
from typing import Any

import pytest
from celery import Celery
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from actionstep_connect.testing import Sandbox
from tests.support.documents import module_of

PAGE = "docs/client/background-user.md"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def command(settings: Settings, actionstep_sandbox: Sandbox) -> Any:
    """Return the page's command, for a site with the page's setting."""
    settings.BACKGROUND_USERNAME = "background"
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": [*own["SCOPES"], "users"]}
    return module_of("background_user.py", PAGE).Command()


def may_sign_in(said: str) -> bool:
    """Return whether the password in what the command said opens the site."""
    password = re.search(r"password (\w+)", said)
    assert password
    return authenticate(username="background", password=password[1]) is not None


def test_the_user_is_opened_connected_and_closed(command: Any, actionstep_sandbox: Sandbox) -> None:
    """The password serves until the user is connected, and the command says as whom it works."""
    said = call_command(command, open="it@law.example")
    user = User.objects.get(username="background")
    assert (user.email, may_sign_in(said)) == ("it@law.example", True)
    with pytest.raises(CommandError, match="not connected yet"):
        call_command(command)
    assert may_sign_in(said)
    actionstep_sandbox.connect(user)
    assert "background works as priya@acmelaw.example at acmelaw" in call_command(command)
    assert not may_sign_in(said)


def test_its_tasks_work_as_the_firms_user(command: Any, actionstep_sandbox: Sandbox) -> None:
    """A task sent with the user's id counts the matters, after its password is gone."""
    call_command(command, open="it@law.example")
    actionstep_sandbox.connect(User.objects.get(username="background"))
    call_command(command)
    module = module_of("nightly.py", PAGE)
    app = Celery("nightly", broker="memory://", set_as_current=False)
    app.conf.update(task_always_eager=True, task_store_eager_result=False)
    app.finalize()
    module.count_open_matters = app.tasks["count_open_matters"]
    assert module.nightly().get() > 0
