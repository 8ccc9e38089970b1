from collections.abc import Generator

import httpx2
import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application, Visitor


@pytest.fixture
def sandbox(actionstep_sandbox_process: Sandbox) -> Sandbox:
    """Return a sandbox without a past; no site is involved."""
    actionstep_sandbox_process.reset()
    return actionstep_sandbox_process


def plain_client(sandbox: Sandbox) -> httpx2.Client:
    """Make a client for plain http; loading certificates would take longer than the test."""
    return httpx2.Client(base_url=sandbox.url, timeout=10, trust_env=False, verify=False)


@pytest.fixture
def http(sandbox: Sandbox) -> Generator[httpx2.Client]:
    """Yield an HTTP client that follows nothing."""
    with plain_client(sandbox) as client:
        yield client


@pytest.fixture
def visitor(http: httpx2.Client) -> Visitor:
    """Return an end-user with a browser of their own."""
    return Visitor(http)


@pytest.fixture
def application(sandbox: Sandbox) -> Generator[Application]:
    """Yield the client that is registered at the sandbox."""
    with plain_client(sandbox) as client:
        yield Application(client)
