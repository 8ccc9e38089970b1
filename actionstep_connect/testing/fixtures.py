"""The fixtures."""

from collections.abc import Generator
from typing import Any

import pytest
from django.contrib.auth.base_user import AbstractBaseUser

from actionstep_connect.generate_key import generate_key
from actionstep_connect.testing.process import running_sandbox
from actionstep_connect.testing.sandbox import Sandbox

#: Opens nothing but the rows of this very run.
THROWAWAY_KEY = generate_key()


@pytest.fixture(scope="session")
def actionstep_sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox]:
    """Run one sandbox for the whole session; ask for `actionstep_sandbox` instead."""
    with running_sandbox(tmp_path_factory.mktemp("actionstep-sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def actionstep_sandbox(
    actionstep_sandbox_process: Sandbox,
    settings: Any,  # pytest-django has a public name for its type only since 4.13.
) -> Generator[Sandbox]:
    """Yield the sandbox in its first state, with settings that lead to it.

    Your own `SCOPES` and the rest stay; a key is made up if `ENCRYPTION_KEYS` is empty.
    """
    actionstep_sandbox_process.reset()
    own: dict[str, Any] = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {
        **own,
        "ENCRYPTION_KEYS": own.get("ENCRYPTION_KEYS") or [THROWAWAY_KEY],
        **actionstep_sandbox_process.settings(),
    }
    yield actionstep_sandbox_process
    actionstep_sandbox_process.return_to_present()


@pytest.fixture
def actionstep_user(
    db: None,  # noqa: ARG001 (asked for, never touched)
    django_user_model: type[AbstractBaseUser],
    django_username_field: str,
) -> AbstractBaseUser:
    """Return a user of the site; override it if your user model needs more than a name."""
    return django_user_model._default_manager.create(**{django_username_field: "connected-user"})


@pytest.fixture
def connected_user(
    actionstep_sandbox: Sandbox, actionstep_user: AbstractBaseUser
) -> AbstractBaseUser:
    """Return a user who has connected as the sandbox's Priya, of Acme Law, with your `SCOPES`."""
    actionstep_sandbox.connect(actionstep_user)
    return actionstep_user
