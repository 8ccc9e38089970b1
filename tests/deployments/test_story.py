"""Promise 7: what is promised is so in every deployment that the documentation names."""

from pathlib import Path

import pytest

from actionstep_connect.testing import Sandbox
from tests.deployments.deployment import DEPLOYMENTS, Deployment
from tests.deployments.running import running
from tests.deployments.servers import Servers
from tests.deployments.story import Story

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),  # Seconds; on a busy machine processes are slow to start.
]


@pytest.mark.parametrize(
    "deployment",
    [pytest.param(each, id=each.name) for each in DEPLOYMENTS],
)
def test_nothing_is_lost(
    deployment: Deployment, servers: Servers, actionstep: Sandbox, folder: Path
) -> None:
    """Every refresh token that Actionstep gave is stored at the end, or its loss is explained."""
    with running(deployment, servers, actionstep, folder) as site:
        Story(site).tell()
