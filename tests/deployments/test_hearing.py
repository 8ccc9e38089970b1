"""A change at Actionstep reaches a handler by way of a broker, under each kind of web server."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from actionstep_connect.testing import Sandbox
from tests.deployments.deployment import Deployment
from tests.deployments.running import running
from tests.deployments.servers import Servers, wait_for

pytestmark = pytest.mark.timeout(600)  # Seconds; on a busy machine processes are slow to start.


@pytest.mark.parametrize("web", ["gunicorn gthread", "uvicorn"])
def test_a_worker_hears_of_a_change_without_maintenance(
    web: str, servers: Servers, actionstep: Sandbox, folder: Path
) -> None:
    """The receiver wakes a Celery worker, also by a call whose body comes in chunks."""
    deployment = Deployment(name="hearing", web=web, worker="solo", hears=True)
    with running(deployment, servers, actionstep, folder) as site:
        [token] = actionstep.post(
            "sandbox/issue", user="priya", orgkey="acmelaw", scopes=["all"], count=1
        ).json()["tokens"]
        site.desk("issue", "", "bearer", [token])
        site.desk("keep")
        actionstep.change("actions", 7, name="Renamed")
        told = ["ActionUpdated", "7", "Renamed", True, False]
        wait_for(lambda: told in site.desk("heard"))
        [hook] = [
            row
            for row in hooks(actionstep, token["access_token"])
            if row["eventName"] == "ActionUpdated" and row["targetUrl"].startswith(site.hooks_url)
        ]

        def chunks() -> Iterator[bytes]:
            yield b'{"data": {"type": "actions", '
            yield b'"id": "8"}}'

        answer = httpx2.post(hook["targetUrl"], content=chunks(), trust_env=False, verify=False)
        assert answer.status_code == 200
        wait_for(lambda: "8" in {row_id for _, row_id, *_ in site.desk("heard")})


def hooks(sandbox: Sandbox, token: str) -> list[dict[str, str]]:
    """Return the hooks of the organisation."""
    url = f"{sandbox.url}/api/rest/resthooks"
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(url, headers=headers, params={"pageSize": 200}, trust_env=False)
    rows: list[dict[str, str]] = answer.raise_for_status().json()["resthooks"]
    return rows
