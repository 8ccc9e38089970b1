"""Fixtures that every floor of the tests may ask for."""

from collections.abc import Generator

import pytest
from pytest_django import Settings

from tests.sandbox_process import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox]:
    """Run one sandbox for the whole session; ask for ``sandbox`` instead."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox, settings: Settings) -> Sandbox:
    """Give a sandbox without a past, and settings that lead to it."""
    sandbox_process.reset()
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **sandbox_process.settings()}
    return sandbox_process
