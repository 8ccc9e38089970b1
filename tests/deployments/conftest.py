"""Fixtures of the deployments: their servers, one sandbox for each test process, a folder for each."""

import os
import re
from collections.abc import Generator
from pathlib import Path

import pytest

from actionstep_connect.testing import Sandbox
from actionstep_connect.testing.process import running_sandbox
from tests.deployments.deployment import Deployment
from tests.deployments.servers import Servers, shared_servers


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Generator[Servers]:
    """Yield the servers, which all test processes of this run share."""
    with shared_servers(os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())) as found:
        if any(_needs_rabbitmq(item) for item in request.session.items):
            found.begin_rabbitmq()  # It is slow to start: others go first.
        yield found


def _needs_rabbitmq(item: pytest.Item) -> bool:
    # Of a test that takes no parameters there is no `callspec`.
    parameters = getattr(item, "callspec", None)
    deployment = parameters.params.get("deployment") if parameters is not None else None
    return isinstance(deployment, Deployment) and deployment.broker == "RabbitMQ"


@pytest.fixture(scope="session")
def _one_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def actionstep(_one_sandbox: Sandbox) -> Sandbox:
    """Return a sandbox as it is on its first day."""
    _one_sandbox.reset()
    return _one_sandbox


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Return a folder whose name can be a database's and a queue's as well."""
    name = re.sub(r"\W+", "_", request.node.name.partition("[")[2]).strip("_").lower()
    return tmp_path_factory.mktemp(name[:30])
