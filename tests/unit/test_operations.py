"""What docs/operations.md and docs/monitoring.md say agrees with the code."""

import itertools
import re
from configparser import RawConfigParser
from pathlib import Path

from actionstep_connect.conf import MAX_HTTP_TIMEOUT
from actionstep_connect.flows.health import HealthProblem
from actionstep_connect.models import StoppedBy
from actionstep_connect.schedule import BEAT_SCHEDULE
from actionstep_connect.tasks import maintain_connections
from tests.deployments.deployment import DEPLOYMENTS, WEB

DOCS = Path(__file__).parents[2] / "docs"


def unit(name: str) -> dict[str, str]:
    """Return the [Service] section of a unit file; of a repeated key the last value."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # As ConfigParser documents it.
    parser.read(DOCS / "systemd" / f"{name}.service")
    return dict(parser["Service"])


def test_systemd_lets_a_worker_finish() -> None:
    """Children hear no SIGTERM, and there is time for the longest exchange and its store."""
    worker = unit("actionstep-worker")
    assert worker["KillMode"] == "mixed"
    assert int(worker["TimeoutStopSec"]) >= 2 * MAX_HTTP_TIMEOUT


def test_the_worker_listens_to_the_queue_that_the_tasks_are_sent_to() -> None:
    """The unit, the command and the route of the page name one queue; that of changes is another."""
    page = (DOCS / "operations.md").read_text()
    routes = dict(re.findall(r'"([\w.]+)\.\*": \{"queue": "(\w+)"\}', page))
    assert set(routes) == {"actionstep_connect.tasks", "actionstep_connect.hooks.tasks"}
    assert (
        f"--queues={routes['actionstep_connect.tasks']} " in unit("actionstep-worker")["ExecStart"]
    )
    assert len(set(routes.values())) == 2
    assert all(f"--queues={queue} " in page for queue in routes.values())
    assert [entry["task"] for entry in BEAT_SCHEDULE.values()] == [maintain_connections.name]


def test_every_problem_of_the_health_page_is_explained() -> None:
    """docs/monitoring.md says of each what to do; and of runs, all that may stop them."""
    page = (DOCS / "monitoring.md").read_text()
    table = page.partition("| Problem |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(HealthProblem)
    assert all(f"`{reason}`" in page for reason in StoppedBy)


def test_the_deployments_of_the_page_are_those_of_the_suite() -> None:
    """docs/operations.md lists what tests/deployments proves, row by row, and nothing else."""
    page = (DOCS / "operations.md").read_text()
    table = page.partition("| Deployment |")[2].partition("\n\n")[0]
    assert table.splitlines()[2:] == [deployment.row for deployment in DEPLOYMENTS]


def test_the_page_gives_web_servers_the_options_that_were_tested() -> None:
    """What a server is told so that a stop cuts nothing off is what the suite tells it."""
    page = (DOCS / "operations.md").read_text()
    for command in WEB.values():
        options = dict(itertools.pairwise(command))
        for name in ("--timeout", "--graceful-timeout", "--timeout-graceful-shutdown"):
            assert name not in options or f"{name} {options[name]}" in page
        if hook := options.get("--hook-master-start"):
            mercy = options["--worker-reload-mercy"]
            assert f'--hook-master-start "{hook}" --worker-reload-mercy {mercy}' in page


def test_no_link_of_the_documentation_leads_nowhere() -> None:
    """Each relative link is a file, and each anchor a heading of it."""
    for page in [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]:
        prose = re.sub(
            r"^```.*?^```|`[^`\n]+`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE
        )
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if target.startswith(("http", "mailto:")):
                continue
            name, _, anchor = target.partition("#")
            file = page.parent / name if name else page
            assert file.exists(), (page, target)
            if anchor:
                assert anchor in _anchors(file), (page, target)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
