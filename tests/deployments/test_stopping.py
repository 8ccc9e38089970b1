"""What docs/operations.md says of a stop that is done wrongly is so."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from actionstep_connect.testing import Sandbox
from tests.deployments.deployment import WEB, Deployment
from tests.deployments.running import running
from tests.deployments.servers import Servers, wait_for
from tests.support.sandbox import fault, requests

pytestmark = pytest.mark.timeout(600)  # Seconds; on a busy machine processes are slow to start.

ANSWER_SECONDS = 3


def test_uwsgi_with_die_on_term_cuts_off_what_is_in_flight(
    servers: Servers,
    actionstep: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the hook of the page a refresh that was sent is lost: so the page names the hook."""
    command = list(WEB["uWSGI"])
    command[command.index("--hook-master-start") :] = ["--die-on-term"]
    monkeypatch.setitem(WEB, "uWSGI", tuple(command))
    deployment = Deployment(name="uWSGI with --die-on-term", web="uWSGI", worker="command")
    folder: Path = tmp_path_factory.mktemp("die_on_term")
    with running(deployment, servers, actionstep, folder) as site:
        (user,) = site.issue("cut-off", 1)
        site.desk("expire", site.place, [user], due=False)
        before = requests(actionstep)
        fault(actionstep, "slow_after", seconds=ANSWER_SECONDS)
        with ThreadPoolExecutor(1) as pool:
            page = pool.submit(site.get, user, "/use/")
            wait_for(lambda: requests(actionstep) == before + 1)
            site.stop()
            with pytest.raises(httpx2.TransportError):
                page.result()
        actionstep.clear_faults()
        assert site.rows()[user]["generation"] == 1
        site.desk("lapse", site.place)
        site.desk("expire", site.place, [user], due=True)
        site.maintain()
        row = site.rows()[user]
        assert (row["status"], row["reason"]) == ("reconnect_required", "interrupted"), row
